"""How a background loop survives a bad moment of what it depends on."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio

from app.domain.errors import UnavailableError
from app.logs import about, subject_of
from app.ports import Clock

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5


class Loop:
    """The steps of a loop that must never end: an error is logged, and the next step waits a little.

    Until a step succeeds each kind of error is told once: a service that is away for an hour is no news at each step.
    """

    def __init__(self, clock: Clock, name: str) -> None:
        self._clock = clock
        self._name = name
        self._told: set[type[Exception]] = set()

    async def step(self, step: Callable[[], Awaitable[None]]) -> None:
        """Takes one step."""
        try:
            await step()
        except Exception as error:  # noqa: BLE001  # it is told below, with all there is to say of it
            if type(error) not in self._told:
                self._told.add(type(error))
                self._tell(error)
            await self._clock.sleep(PAUSE_SECONDS)
            return
        if self._told:
            self._told.clear()
            logger.info("%s: it works again", self._name)

    def _tell(self, error: Exception) -> None:
        with about(**subject_of(error)):
            if isinstance(error, UnavailableError):
                logger.warning("%s: %s", self._name, error.detail)
            else:
                logger.error("%s: an unexpected error; it goes on", self._name, exc_info=error)


@asynccontextmanager
async def doing(clock: Clock, name: str, step: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Has the step done while the context lasts: as soon as what it depends on is there, and nobody waits for it."""

    async def until_done() -> None:
        loop = Loop(clock, name)
        done = False

        async def once() -> None:
            nonlocal done
            await step()
            done = True

        while not done:
            await loop.step(once)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(until_done)
        yield
        tasks.cancel_scope.cancel()
