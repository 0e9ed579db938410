"""How a background loop survives a bad moment of what it depends on."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio

from app.domain.errors import UnavailableError
from app.ports import Clock

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5


async def keep_going(clock: Clock, name: str, step: Callable[[], Awaitable[None]]) -> None:
    """One step of a loop that must never end: an error is logged, and the next step waits a little."""
    try:
        await step()
    except UnavailableError as error:
        logger.warning("%s: %s", name, error.detail)
        await clock.sleep(PAUSE_SECONDS)
    except Exception:
        logger.exception("%s: an unexpected error; it goes on", name)
        await clock.sleep(PAUSE_SECONDS)


@asynccontextmanager
async def doing(clock: Clock, name: str, step: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Has the step done while the context lasts: as soon as what it depends on is there, and nobody waits for it."""

    async def until_done() -> None:
        done = False

        async def once() -> None:
            nonlocal done
            await step()
            done = True

        while not done:
            await keep_going(clock, name, once)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(until_done)
        yield
        tasks.cancel_scope.cancel()
