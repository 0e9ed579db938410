"""A log that a test writes by hand, for the hub and its feeds without a Redis."""

from collections.abc import Sequence
from typing import cast

from app.adapters.clock import SystemClock
from app.domain.position import entry_order
from app.ports import EventLog, LogEntry
from app.realtime.hub import Hub
from app.services.metrics import Metrics
from app.services.system import EventRate
from tests.support.builders import submitted


def entry(number: int, paper_id: str, seq: int = 1) -> LogEntry:
    """An entry with the id `number-0`."""
    event = submitted(id=paper_id).events[0]
    return LogEntry(
        id=f"{number}-0", event=event.model_copy(update={"data": event.data.model_copy(update={"seq": seq})})
    )


class LogByHand:
    """As much of `EventLog` as reading takes; begins with the entry `1-0`, which has no event."""

    def __init__(self, *entries: LogEntry) -> None:
        self.entries = [LogEntry(id="1-0", event=None), *entries]
        self.page = 1_000_000
        """Entries it answers with at most, whatever it is asked for."""
        self.most_asked = 0

    async def tail(self) -> str:
        return self.entries[-1].id

    async def holds(self, entry_id: str) -> bool:
        return entry_id in {entry.id for entry in self.entries}

    async def read(self, after: str, limit: int) -> Sequence[LogEntry]:
        self.most_asked = max(self.most_asked, limit)
        found = [entry for entry in self.entries if entry_order(entry.id) > entry_order(after)]
        return found[: min(limit, self.page)]

    async def wait(self, after: str, limit: int) -> Sequence[LogEntry]:
        return await self.read(after, limit)


def as_log(log: LogByHand) -> EventLog:
    return cast(EventLog, log)


def hub_over(log: LogByHand) -> Hub:
    clock = SystemClock()
    return Hub(as_log(log), clock, Metrics(clock, EventRate(clock)))
