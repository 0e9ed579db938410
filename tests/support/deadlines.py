"""Waiting for a condition, with an end."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.support.sockets import DEADLINE


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Gives way to other tasks until the condition holds. Raises `TimeoutError` that says what did not come."""
    try:
        async with asyncio.timeout(DEADLINE):
            while not await condition():
                await asyncio.sleep(0)
    except TimeoutError:
        raise TimeoutError(f"{what} did not come within {DEADLINE:g} s") from None
