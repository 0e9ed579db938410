"""Reads the log once for all sockets of this process, and hands each event, framed once, to those who follow it."""

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

import anyio.lowlevel

from app.domain.errors import UnavailableError
from app.domain.position import entry_order
from app.ports import Clock, EventLog, LogEntry
from app.realtime.frames import Frames, frame, join
from app.realtime.news import Framed, News, make_frame
from app.services.loop import Loop
from app.services.metrics import Metrics
from app.services.system import Sample
from app.tracing import is_on, note_events, step

logger = logging.getLogger(__name__)

BATCH = 1000
"""Entries in one reading of the log."""
PART_FRAMES, PART_BYTES = 100, 64 * 1024
"""Of these, what is handed out at once; then the sockets' writers have their turn, so that no queue fills up with
what its reader would take at once.
"""


class Consumer(Protocol):
    """A socket, as the hub knows it. None of these waits."""

    @property
    def papers(self) -> AbstractSet[str] | None:
        """The papers it follows; None for all."""

    def deliver(self, news: News) -> None: ...

    def deliver_system(self, frames: Frames) -> None:
        """How the system is, in place of what it was."""

    def lose_log(self) -> None:
        """The log lost the hub's position; the consumer is no longer joined and has to start anew from the next one."""

    def go_away(self) -> None:
        """The service stops."""


class Hub:
    """The sockets of one process. All that sockets call is synchronous: nothing comes between a check and a join."""

    def __init__(self, log: EventLog, clock: Clock, metrics: Metrics) -> None:
        self._log = log
        self._loop = Loop(clock, "hub")
        self.metrics = metrics
        self._position: str | None = None
        self._open: set[Consumer] = set()
        self._everything: set[Consumer] = set()
        self._by_paper: defaultdict[str, set[Consumer]] = defaultdict(set)
        self._ahead: dict[Consumer, str] = {}
        """Those whom a replay took beyond `position`, each with the entry where it stands."""
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

    def join(self, consumer: Consumer, entry: str) -> None:
        """From the entry after `position` on, the consumer gets what it follows; it has all up to `entry` already."""
        if entry_order(entry) > entry_order(self.position):
            self._ahead[consumer] = entry
        if consumer.papers is None:
            self._everything.add(consumer)
        else:
            for paper_id in consumer.papers:
                self._by_paper[paper_id].add(consumer)

    def leave(self, consumer: Consumer) -> None:
        """The reverse of `join`; the consumer still follows the same papers as when it joined."""
        self._ahead.pop(consumer, None)
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
            await self._loop.step(self._read)

    def tell_system(self, sample: Sample) -> None:
        """Hands a sample to every socket that is open."""
        self.sample = sample
        frames = join((frame(sample.status), frame(sample.metrics)))  # together: one write for each socket
        for consumer in self._open:
            consumer.deliver_system(frames)

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
        began = time.time_ns()
        await self._deliver(entries)
        self.metrics.read(entries)
        if is_on():
            _trace(entries, began)

    async def _go_on_from_the_end(self) -> None:
        tail = await self._log.tail()
        self._tell_lost()
        self._position = tail

    async def _deliver(self, entries: Sequence[LogEntry]) -> None:
        part: list[Framed] = []
        size, begin = 0, 0
        for end, entry in enumerate(entries, 1):
            if entry.event is not None and (self._everything or entry.event.data.paper_id in self._by_paper):
                part.append(make_frame(entry))
                size += len(part[-1].frames.data)
            if len(part) == PART_FRAMES or size >= PART_BYTES:
                self._hand_out(part, entries[begin:end])
                part, size, begin = [], 0, end
                await anyio.lowlevel.checkpoint()
        if begin < len(entries):
            self._hand_out(part, entries[begin:])

    def _hand_out(self, events: Sequence[Framed], read: Sequence[LogEntry]) -> None:
        """Moves past the entries; those who follow the same papers get the very same news of them."""
        self._meet(read)
        self._position = read[-1].id
        if self._everything and events:
            news = News(events)
            for consumer in tuple(self._everything):
                consumer.deliver(news)
        told = self._by_paper.keys() & {event.paper_id for event in events}
        news_of: dict[frozenset[str], News] = {}
        for consumer in set().union(*(self._by_paper[paper_id] for paper_id in told)):
            papers = frozenset(told & (consumer.papers or set()))
            if papers not in news_of:
                news_of[papers] = News([event for event in events if event.paper_id in papers])
            consumer.deliver(news_of[papers])

    def _meet(self, read: Sequence[LogEntry]) -> None:
        """Those who stood ahead are reached, or their entry is gone: the log lost its end, and tells it again."""
        if not self._ahead:
            return
        there, end = {entry.id for entry in read}, entry_order(read[-1].id)
        for consumer, entry in list(self._ahead.items()):
            if entry in there:
                del self._ahead[consumer]
            elif entry_order(entry) < end:
                self.leave(consumer)
                consumer.lose_log()

    def _tell_lost(self) -> None:
        joined = self._everything.union(*self._by_paper.values())
        for consumer in joined:
            self.leave(consumer)
            consumer.lose_log()


def _trace(entries: Sequence[LogEntry], began: int) -> None:
    """One span for all events of a paper among the entries."""
    seqs: dict[str, list[int]] = defaultdict(list)
    for entry in entries:
        if entry.event is not None:
            seqs[entry.event.data.paper_id].append(entry.event.data.seq)
    for paper_id, told in seqs.items():
        with step("deliver", paper_id, began=began) as span:
            note_events(span, told[0], told[-1])
