"""A socket's way through the log: from where it stands to the hub's position, and on with the hub.

What the socket has not queued yet begins after the cursor; while it is joined to the hub, after the hub's position.
Catching up reads the log in pages at the reader's own pace, and the last check and the join happen with no await
between them: at that seam no event is lost and none comes twice.
"""

from collections.abc import Iterable

from app.domain.events import ResyncReason
from app.domain.paper import Paper
from app.domain.position import Position, entry_order
from app.ports import EventLog, LogEntry
from app.realtime.hub import Consumer, Hub
from app.realtime.news import Framed, News, make_frame
from app.realtime.outbound import Outbound

PAGE = 200


class BehindError(Exception):
    """The log no longer leads from where the socket stands to its end."""

    def __init__(self, reason: ResyncReason) -> None:
        super().__init__(reason)
        self.reason: ResyncReason = reason


class Feed:
    """Which events of the log go into one socket's queue."""

    def __init__(self, hub: Hub, log: EventLog, outbound: Outbound, paper_id: str | None, replay_limit: int) -> None:
        self._hub = hub
        self._log = log
        self._outbound = outbound
        self._replay_limit = replay_limit
        self._paper_id = paper_id
        self._joined = False
        self._known: dict[str, int] = {}
        self.papers: set[str] | None = None if paper_id is None else {paper_id}
        """The papers followed; None for all."""

    def position(self) -> Position:
        """Where to resume so as to miss and to repeat nothing of what was queued so far."""
        entry = self._cursor
        if self._joined and entry_order(self._hub.position) > entry_order(entry):
            entry = self._hub.position
        return Position(entry=entry, seq=self._known.get(self._paper_id or "", 0))

    def stand_at(self, entry: str) -> None:
        """Everything up to `entry` is done with. Comes before all else."""
        self._cursor = entry
        self._order = entry_order(entry)

    def know(self, paper_id: str, seq: int) -> None:
        """The client has a snapshot of that `seq`: the store is ahead of the log, where older events may yet follow."""
        self._known[paper_id] = seq

    def narrow(self, snapshots: Iterable[Paper]) -> None:
        """Follows these papers beside those narrowed to before, each from its snapshot on. Only while paused."""
        self.papers = self.papers or set()
        for paper in snapshots:
            self.papers.add(paper.id)
            self.know(paper.id, paper.seq)

    def drop(self, paper_ids: Iterable[str]) -> None:
        """No longer follows these papers. Only while paused."""
        if self.papers is not None:
            self.papers.difference_update(paper_ids)

    def pause(self, consumer: Consumer) -> None:
        """Leaves the hub and stands where it stood."""
        self.stand_at(self.position().entry)
        self._joined = False
        self._hub.leave(consumer)

    async def catch_up(self, consumer: Consumer, until: str | None = None) -> None:
        """Queues what the log has after the cursor, to `until` at least, then joins the hub. Raises `BehindError`."""
        read = 0
        while True:
            await self._outbound.drained()
            if self._order >= max(map(entry_order, (self._hub.position, until or self._cursor))):
                break
            hub = self._hub.position
            try:
                page = await self._log.read(self._cursor, PAGE)
            except ValueError as error:
                raise BehindError("log_lost") from error
            if not await self._log.holds(self._cursor):
                raise BehindError("position_not_in_log")
            if not page:  # the hub's own position was lost with the end of the log
                if self._hub.position != hub:
                    continue  # it noticed, and went on from the log's new end
                break  # it will, and say so
            read += len(page)
            if read > self._replay_limit:
                raise BehindError("too_far_behind")
            events = [make_frame(entry) for entry in page if self._follows(entry)]
            await self._outbound.put_all(News([event for event in events if self._is_new(event)]).frames)
            self.stand_at(page[-1].id)
            self._end_if_deleted(events)
        self._joined = True
        self._hub.join(consumer, self._cursor)

    def deliver(self, news: News) -> None:
        """Queues what the hub hands over, in the order of the log. Raises `SlowConsumerError`."""
        if self._known or news.events[0].order <= self._order:
            new = [event for event in news.events if event.order > self._order and self._is_new(event)]
            if not new:
                return
            if len(new) < len(news.events):
                news = News(new)
        self._outbound.offer(news.frames)
        self._end_if_deleted(news.events)

    def _follows(self, entry: LogEntry) -> bool:
        return entry.event is not None and (self.papers is None or entry.event.data.paper_id in self.papers)

    def _is_new(self, event: Framed) -> bool:
        return event.seq > self._known.get(event.paper_id, 0)

    def _end_if_deleted(self, events: Iterable[Framed]) -> None:
        if self._paper_id is not None and any(event.deleted for event in events):
            self._outbound.close()
