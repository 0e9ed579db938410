"""Waiting for a condition, with an end; and tests that end."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec

from tests.support.patience import within
from tests.support.sockets import DEADLINE

P = ParamSpec("P")


async def until(condition: Callable[[], Awaitable[bool]], what: str, seconds: float = DEADLINE) -> None:
    """Gives way to other tasks until the condition holds. Raises `TimeoutError` that says what did not come."""
    try:
        with within(seconds):
            while not await condition():
                await asyncio.sleep(0)
    except TimeoutError:
        raise TimeoutError(f"{what} did not come within {seconds:g} s") from None


def ends_within(seconds: float, test: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """The test, ended with a `TimeoutError` when it takes longer."""

    @wraps(test)
    async def bounded(*args: P.args, **kwargs: P.kwargs) -> None:
        with within(seconds, f"the test did not end within {seconds:g} s"):
            await test(*args, **kwargs)

    return bounded
