"""Events in the log of a running service at a steady rate, and how long each took to its readers."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles
from uuid import uuid4

import anyio
from redis.asyncio import Redis

from app.adapters.event_log.redis import RedisEventLog
from app.domain.events import PaperProgressData, PaperProgressEvent
from app.supervisor.valkey import EmbeddedValkey
from tests.support.builders import NOW
from tests.support.sockets import Socket


class Traffic:
    """The progress of one paper, appended as a relay does it."""

    def __init__(self, log: RedisEventLog, size: int) -> None:
        self.paper_id = str(uuid4())
        self.sent: list[float] = []
        """When each event was appended; the first has `seq` 1."""
        self._log = log
        self._size = size

    async def append(self) -> None:
        data = PaperProgressData(
            paper_id=self.paper_id,
            seq=len(self.sent) + 1,
            run=1,
            changes={},
            progress=50,
            stage="entities",
            stage_progress=50,
            stages_completed=3,
            stages_total=6,
        )
        event = PaperProgressEvent(timestamp=NOW, message="x" * self._size, data=data)
        self.sent.append(time.monotonic())
        assert (await self._log.append(event)).accepted

    @asynccontextmanager
    async def at(self, rate: float) -> AsyncIterator[None]:
        """For as long as the context lasts, `rate` events a second."""

        async def go_on() -> None:
            start, count = time.monotonic(), 0
            while True:
                await self.append()
                count += 1
                await anyio.sleep(max(0.0, start + count / rate - time.monotonic()))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(go_on)
            yield
            tasks.cancel_scope.cancel()

    def latencies(self, sockets: Iterable[Socket], first: int, last: int) -> list[float]:
        """Milliseconds from the append of events `first` to `last` to each of the sockets."""
        found = []
        for socket in sockets:
            for offset, message in socket.transcript.rows:
                seq = message["data"].get("seq", 0)
                if first <= seq <= last:
                    found.append((socket.transcript.started + offset - self.sent[seq - 1]) * 1000)
        return found


@asynccontextmanager
async def traffic(folder: Path, size: int) -> AsyncIterator[Traffic]:
    """Into the log of the service that runs on this data folder; each message has `size` characters."""
    async with Redis.from_url(EmbeddedValkey(folder).url) as redis:
        yield Traffic(RedisEventLog(redis, 100_000), size)


def row(what: str, milliseconds: list[float]) -> str:
    """A line of a table: how many, and their percentiles."""
    cuts = quantiles(milliseconds, n=100)
    return f"  {what:<34} {len(milliseconds):>7} {cuts[49]:>8.1f} {cuts[98]:>8.1f} {max(milliseconds):>8.1f}"


TITLE = f"  {'latency, ms':<34} {'events':>7} {'p50':>8} {'p99':>8} {'max':>8}"
