"""Runs one seam under one seed, and says of a failure how to see it again."""

import asyncio
import logging
from typing import Any

from tests.schedules.audit import audit
from tests.schedules.client import Client
from tests.schedules.process import Breaks
from tests.schedules.seams import SEAMS
from tests.schedules.world import World, opened
from tests.support.one_loop import one_loop

Trace = list[Any]


class ScheduleError(AssertionError):
    """A seed under which something promised was not so."""


class _Errors(logging.Handler):
    """What the service itself logs as an error is one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))


def run_schedule(seam: str, seed: int, breaks: Breaks | None = None) -> Trace:
    """Raises `ScheduleError`; answers everything that the clients heard, and when."""
    errors = _Errors()
    logger = logging.getLogger("app")
    logger.addHandler(errors)
    try:
        with one_loop(seed) as run:
            trace = run(_play(seam, seed, breaks or {}, errors.found))
    except Exception as error:
        clients = getattr(error, "__notes__", ())
        raise ScheduleError(
            f"{seam} breaks under seed {seed}:\n{_words(error)}\n"
            f"See it again: pytest tests/schedules -k {seam} --seed={seed}\n" + "\n".join(clients)
        ) from error
    finally:
        logger.removeHandler(errors)
    return trace


def _words(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "\n".join(map(_words, error.exceptions))
    return f"{type(error).__name__}: {error}"


async def _play(seam: str, seed: int, breaks: Breaks, errors: list[str]) -> Trace:
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(str(context)))
    clients: list[Client] = []
    async with opened(World(seed, breaks)) as world:
        clients += await SEAMS[seam](world)
        await world.settled()
        await world.swept()
        tail = await world.settled()
        for client in clients:
            await client.fence(tail)
        try:
            await audit(world, clients)
        except AssertionError as error:
            for client in clients:
                for transcript in client.transcripts:
                    error.add_note(transcript.table())
            raise
        for client in clients:
            await client.leave()
        assert world.realtime.hub.connections == 0, "the hub still counts sockets that left"
    assert not errors, "the service logged errors:\n" + "\n".join(errors)
    return [client.transcript.rows for client in clients]
