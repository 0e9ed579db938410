"""Reads the log once for all sockets of this process, and hands each event, framed once, to those who follow it."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol

from app.domain.errors import UnavailableError
from app.domain.events import PaperDeletedEvent
from app.domain.model import Value
from app.domain.position import Position
from app.ports import Clock, EventLog, LogEntry
from app.realtime.protocol import frame
from app.services.loop import keep_going
from app.services.metrics import Metrics
from app.services.system import Sample

logger = logging.getLogger(__name__)

BATCH = 1000


class Framed(Value):
    """An event of the log, ready to be sent."""

    entry: str
    paper_id: str
    seq: int
    deleted: bool
    text: str


class Consumer(Protocol):
    """A socket, as the hub knows it. None of these waits."""

    @property
    def papers(self) -> Iterable[str] | None:
        """The papers it follows; None for all."""

    def deliver(self, event: Framed) -> None: ...

    def deliver_system(self, kind: str, text: str) -> None: ...

    def lose_log(self) -> None:
        """The log lost the hub's position; the consumer is no longer joined and has to start anew from the next one."""

    def go_away(self) -> None:
        """The service stops."""


class Hub:
    """The sockets of one process. All methods but `run` are synchronous: nothing comes between a check and a join."""

    def __init__(self, log: EventLog, clock: Clock, metrics: Metrics) -> None:
        self._log = log
        self._clock = clock
        self.metrics = metrics
        self._position: str | None = None
        self._open: set[Consumer] = set()
        self._everything: set[Consumer] = set()
        self._by_paper: defaultdict[str, set[Consumer]] = defaultdict(set)
        self.sample: Sample | None = None
        """The newest look at the system, for sockets that open."""

    @property
    def position(self) -> str:
        """The last entry read. Raises `UnavailableError` before the log was reached for the first time."""
        if self._position is None:
            raise UnavailableError("The event log was not reached yet; try again in a moment.")
        return self._position

    @property
    def connections(self) -> int:
        return len(self._open)

    def open(self, consumer: Consumer) -> None:
        """Counts a socket in, and lets it have what is told to everyone."""
        self._open.add(consumer)

    def close(self, consumer: Consumer) -> None:
        self.leave(consumer)
        self._open.discard(consumer)

    def join(self, consumer: Consumer) -> None:
        """From the entry after `position` on, the consumer gets what it follows."""
        if consumer.papers is None:
            self._everything.add(consumer)
        else:
            for paper_id in consumer.papers:
                self._by_paper[paper_id].add(consumer)

    def leave(self, consumer: Consumer) -> None:
        """The reverse of `join`; the consumer still follows the same papers as when it joined."""
        self._everything.discard(consumer)
        for paper_id in consumer.papers or ():
            followers = self._by_paper.get(paper_id, set())
            followers.discard(consumer)
            if not followers:
                self._by_paper.pop(paper_id, None)

    async def start(self) -> None:
        """Finds the log's end. Raises `UnavailableError`."""
        self._position = await self._log.tail()

    async def run(self) -> None:
        while True:
            await keep_going(self._clock, "hub", self._read)

    def tell_system(self, sample: Sample) -> None:
        """Hands a sample to every socket that is open."""
        self.sample = sample
        for event in (sample.status, sample.metrics):
            text = frame(event)
            for consumer in self._open:
                consumer.deliver_system(event.event_type, text)

    def stop(self) -> None:
        """Sends every socket away."""
        for consumer in list(self._open):
            consumer.go_away()

    async def _read(self) -> None:
        if self._position is None:
            await self.start()
        position = self.position
        try:
            entries = await self._log.wait(position, BATCH)
        except ValueError:
            logger.exception("the log holds an entry that cannot be read; all sockets have to start anew after it")
            await self._go_on_from_the_end()
            return
        if not await self._log.holds(position):
            await self._go_on_from_the_end()
            return
        for entry in entries:
            self._deliver(entry)
        self.metrics.read(entries)

    async def _go_on_from_the_end(self) -> None:
        tail = await self._log.tail()
        self._tell_lost()
        self._position = tail

    def _deliver(self, entry: LogEntry) -> None:
        self._position = entry.id
        if entry.event is None:
            return
        followers = [*self._everything, *self._by_paper.get(entry.event.data.paper_id, ())]
        if followers:
            framed = make_frame(entry)
            for consumer in followers:
                consumer.deliver(framed)

    def _tell_lost(self) -> None:
        joined = self._everything.union(*self._by_paper.values())
        for consumer in joined:
            self.leave(consumer)
            consumer.lose_log()


def make_frame(entry: LogEntry) -> Framed:
    """The wire form of an entry that has an event."""
    if entry.event is None:
        raise ValueError(f"log entry {entry.id} has no event")
    event = entry.event.model_copy(update={"id": Position(entry=entry.id).encode()})
    return Framed(
        entry=entry.id,
        paper_id=event.data.paper_id,
        seq=event.data.seq,
        deleted=isinstance(event, PaperDeletedEvent),
        text=frame(event),
    )
