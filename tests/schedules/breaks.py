"""The service, broken on purpose, each time in one place: what the schedules are there to find."""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from app.adapters.event_log.redis import STREAM, RedisEventLog
from app.adapters.papers.mongo import MongoPaperStore
from app.adapters.papers.sqlite import SqlitePaperStore
from app.domain.decisions import Change
from app.domain.events import PaperEvent
from app.domain.paper import Paper, PaperRecord
from app.ports import Appended
from app.realtime import replies
from app.realtime.feed import Feed
from app.realtime.hub import Consumer
from app.realtime.news import Framed
from app.realtime.session import Session
from app.services.dispatcher import Dispatcher
from app.services.pipeline import Hold, Pipeline
from tests.schedules.process import Breaks
from tests.support.one_loop import cross

P = ParamSpec("P")


class SnapshotBeforePosition(Session):
    """What happens between the two is in neither."""

    async def _take_snapshot(self) -> Paper | None:
        paper = None if self._paper_id is None else await self._shared.papers.get(self._paper_id)
        await cross()
        self._feed.stand_at(self._hub.position)
        if paper is not None:
            self._feed.know(paper.id, paper.seq)
        return paper


class NewPositionBeforeResync(Session):
    """Whoever is cut off between `connection` and `resync` comes back after what it missed."""

    async def _say(self, event: Any) -> None:
        if event.event_type == "connection":
            event = replies.connection(self._now(), self._feed.position().encode(), self._paper_id, event.data.snapshot)
        await super()._say(event)


class Unfiltered(Feed):
    """Sends what the snapshot holds already."""

    def _is_new(self, event: Framed) -> bool:
        return True


class JoinsLate(Feed):
    """Looks for the last time, waits a moment, joins."""

    async def catch_up(self, consumer: Consumer, until: str | None = None) -> None:
        await super().catch_up(consumer, until)
        self._joined = False
        self._hub.leave(consumer)
        await cross()
        self._joined = True
        self._hub.join(consumer, self._cursor)


def with_feed(feed: type[Feed]) -> type[Session]:
    class Broken(Session):
        async def run(self) -> None:
            self._feed.__class__ = feed
            await super().run()

    return Broken


class NearestEntry(RedisEventLog):
    """Goes on at the next entry when the one asked for is gone."""

    async def holds(self, entry_id: str) -> bool:
        return True


class Unchecked(RedisEventLog):
    """Appends whatever a relay brings."""

    async def append(self, event: PaperEvent) -> Appended:
        await self._redis.xadd(STREAM, {"event": event.model_dump_json()})
        return Appended(accepted=True, last=event.data.seq)


class LastMongoWins(MongoPaperStore):
    """Writes whatever the revision is by now."""

    async def replace(self, change: Change, write_id: str) -> bool:
        return await super().replace(await _as_of_now(self, change), write_id)


class LastSqliteWins(SqlitePaperStore):
    """Likewise."""

    async def replace(self, change: Change, write_id: str) -> bool:
        return await super().replace(await _as_of_now(self, change), write_id)


async def _as_of_now(store: Any, change: Change) -> Change:
    record: PaperRecord = await store.get(change.record.paper.id)
    return Change(record=change.record.model_copy(update={"revision": record.revision}), events=change.events)


class Tokenless(Pipeline):
    """Writes to its run whoever holds the lease by now, or nobody."""

    async def _write(
        self,
        hold: Hold,
        decide: Callable[Concatenate[PaperRecord, int, str, P], Change],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Change:
        def anyway(record: PaperRecord) -> Change:
            token = record.lease.token if record.lease else hold.token
            return decide(record, hold.run, token, *args, **kwargs)

        return await self._writer.write(hold.paper_id, anyway)


class StaysAway(Pipeline):
    """Leaves what it wrote of a paper that was deleted meanwhile."""

    async def run(self, paper_id: str, run: int) -> None:
        async def nothing(paper_id: str) -> None: ...

        self._clear_up = nothing
        await super().run(paper_id, run)


class TrustsHints(Dispatcher):
    """Never looks whether one was lost."""

    async def dispatch(self, tasks: Any, *, woken: bool) -> None:
        if woken:
            await super().dispatch(tasks, woken=woken)


BREAKS: dict[str, tuple[str, str, Breaks]] = {
    "snapshot before position": ("connect_against_publish", "gap: seq|fresh GET", {Session: SnapshotBeforePosition}),
    "new position before resync": (
        "resume_against_trim",
        "gap: seq|hears|fresh GET",
        {Session: NewPositionBeforeResync},
    ),
    "unfiltered": ("subscribe_against_publish", "repeat: seq|inversion: seq", {Session: with_feed(Unfiltered)}),
    "joins late": ("replay_against_live", "gap: seq|hears|fresh GET", {Session: with_feed(JoinsLate)}),
    "nearest entry": ("resume_against_trim", "gap: seq|hears|fresh GET", {RedisEventLog: NearestEntry}),
    "unchecked append": ("process_against_process", "the log tells", {RedisEventLog: Unchecked}),
    "last write wins": (
        "process_against_process",
        "breaks under seed",
        {MongoPaperStore: LastMongoWins, SqlitePaperStore: LastSqliteWins},
    ),
    "tokenless": ("lease_against_finish", "went through", {Pipeline: Tokenless}),
    "stays away": ("sweep_against_late_worker", "is left|still in the graph", {Pipeline: StaysAway}),
    "trusts hints": ("process_against_process", "did not settle", {Dispatcher: TrustsHints}),
}
"""By name: the seam that finds it, the symptom, and what is broken."""
