"""What is wrong with the papers of an installation, in sentences, and what can safely be done about it.

Works beside a running service, and where none runs: it only looks, and each remedy is something the service itself
does over and over.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import anyio

from app.domain.errors import PaperProcessingError
from app.domain.lifecycle import Status
from app.domain.paper import Paper
from app.ports import Clock, EventLog, Files, Graph, PaperStore, TaskQueue
from app.services.relay import Relay
from app.services.sweeper import Sweeper
from app.services.system import out_of_memory

DEADLINE_SECONDS = 5.0
PAGE = 200
STUCK_AFTER = timedelta(minutes=1)
"""Far beyond a lease, and beyond what an event or a cleared paper may take."""
ORPHAN_AFTER = timedelta(hours=1)
"""A file is there a moment before its paper is: a younger one may be on its way in."""
SKEW = timedelta(seconds=2)
NAMED = 5
"""Papers a sentence names; the rest is counted."""

Check = Callable[[], Awaitable[None]]
Remedy = Callable[[], Awaitable[str]]


@dataclass(frozen=True)
class Problem:
    """A sentence, and what to do about it where that is safe: it answers what it did."""

    sentence: str
    remedy: Remedy | None = None


class Checkup:
    """Looks once, at everything."""

    def __init__(
        self,
        store: PaperStore,
        log: EventLog,
        queue: TaskQueue,
        graph: Graph,
        files: Files,
        relay: Relay,
        sweeper: Sweeper,
        checks: Mapping[str, Check],
        clock: Clock,
    ) -> None:
        self._store = store
        self._log = log
        self._queue = queue
        self._graph = graph
        self._files = files
        self._relay = relay
        self._sweeper = sweeper
        self._checks = checks
        self._clock = clock

    async def problems(self, without: Collection[str] = ()) -> list[Problem]:
        """All there are. `without`: backing services that are not expected to answer now."""
        found: list[Problem] = []
        up: set[str] = set()
        for name, check in self._checks.items():
            if name in without:
                continue
            problem = await _ask(name, check)
            if problem is None:
                up.add(name)
            else:
                found.append(problem)
        if "redis" in up:
            found += [*await self._clocks(), *await self._eviction()]
            found += map(Problem, out_of_memory(await self._queue.out_of_memory()))
        if "store" not in up:
            return found  # all that follows compares something with it
        found += await self._stuck(redis="redis" in up)
        papers = await self._live()
        live = set(papers)
        if "redis" in up:
            found += await self._compare_log({paper_id: paper.seq for paper_id, paper in papers.items()})
        if "files" in up:
            found += await self._compare_files(papers)
        if "graph" in up:
            found += await self._compare_graph(papers)
        prune = partial(self._store.prune_outputs, keep={})
        found += await self._strays("among the outputs", await self._store.output_owners(), live, prune)
        return found

    async def _clocks(self) -> list[Problem]:
        apart = abs(await self._log.now() - self._clock.now())
        if apart <= SKEW:
            return []
        return [
            Problem(
                f"The clock of Redis and the one of this machine are {apart.total_seconds():.0f} seconds apart; "
                "leases and lags are measured by them: synchronize both."
            )
        ]

    async def _eviction(self) -> list[Problem]:
        policy = await self._log.eviction()
        if policy == "noeviction":
            return []
        return [
            Problem(
                f"Redis throws events out of the log when its memory is full (maxmemory-policy {policy}); "
                "set maxmemory-policy noeviction."
            )
        ]

    async def _stuck(self, redis: bool) -> list[Problem]:
        found: list[Problem] = []
        now = self._clock.now()
        counts = await self._store.counts()
        unfinished = counts.queued + counts.active
        workers = await self._queue.workers() if redis else 0
        if redis and unfinished and not workers:
            found.append(
                Problem(
                    f"Papers wait, and no worker was heard of lately: {unfinished}; "
                    "start one (`paper-processing worker`)."
                )
            )
        lost = [due for due in await self._store.due(now - STUCK_AFTER, PAGE) if due.attempts]
        if lost and workers:
            found.append(
                Problem(
                    f"Runs whose worker was lost more than a minute ago were taken up by none of the others: "
                    f"{_named([due.paper_id for due in lost])}; look at the workers' log."
                )
            )
        waiting = await self._store.outbox(1)
        if redis and waiting and now - waiting[0].timestamp > STUCK_AFTER:
            found.append(
                Problem(f"Events wait in the outbox though the log answers: {counts.waiting}, the first one since "
                        f"{waiting[0].timestamp:%Y-%m-%d %H:%M:%S} UTC.", self._offer)
            )  # fmt: skip
        left = [
            record.paper.id
            for record in await self._store.tombstones(swept=False, limit=PAGE)
            if record.deleted_at is not None and now - record.deleted_at > STUCK_AFTER
        ]
        if left:
            found.append(Problem(f"Deleted papers were not cleared up after: {_named(left)}.", self._sweep))
        return found

    async def _compare_log(self, seqs: Mapping[str, int]) -> list[Problem]:
        """A log that knows later events than the store is of another time, whichever of them was put back."""
        ahead = []
        paper_ids = list(seqs)
        for start in range(0, len(paper_ids), PAGE):
            for paper_id, last in (await self._log.last_seqs(paper_ids[start : start + PAGE])).items():
                if last <= seqs[paper_id]:
                    continue
                record = await self._store.get(paper_id)  # it may have gone on since
                if record is not None and record.paper.seq < last:
                    ahead.append(paper_id)
        if not ahead:
            return []
        return [
            Problem(
                "The event log is ahead of the store, as it is beside a restored backup; it would take new events of "
                f"{_named(ahead)} for repeats, and nobody would hear of them: stop the service, empty Redis "
                "(FLUSHALL, or remove the folder `valkey` of the data folder), and start it again."
            )
        ]

    async def _compare_files(self, papers: Mapping[str, Paper]) -> list[Problem]:
        found: list[Problem] = []
        kept = await self._files.list()
        live = set(papers)
        sizes = {file.paper_id: file.size for file in kept if file.whole}
        if missing := sorted(live - sizes.keys()):
            found.append(
                Problem(f"Papers have lost their files: {_named(missing)}; restore them from a backup, or delete them.")
            )
        if damaged := sorted(id_ for id_ in live & sizes.keys() if sizes[id_] != papers[id_].size):
            found.append(
                Problem(
                    f"Files of papers are not as long as they came: {_named(damaged)}; "
                    "restore them from a backup, or delete the papers."
                )
            )
        before = self._clock.now() - ORPHAN_AFTER
        old = [file.paper_id for file in kept if file.changed_at < before]
        return found + await self._strays("among the files", old, live, self._files.remove)

    async def _compare_graph(self, papers: Mapping[str, Paper]) -> list[Problem]:
        found: list[Problem] = []
        known = await self._graph.papers()
        done = {id_ for id_, paper in papers.items() if paper.status is Status.COMPLETED and paper.counts.entities}
        if missing := sorted(done.difference(known)):
            found.append(
                Problem(
                    f"The graph has nothing of papers that were worked through: {_named(missing)}; process them again."
                )
            )
        return found + await self._strays("in the graph", known, set(papers), self._graph.remove)

    async def _strays(
        self, where: str, owners: Collection[str], live: set[str], remove: Callable[[str], Awaitable[None]]
    ) -> list[Problem]:
        """What is kept of papers that are not there; of a tombstone that still waits for its sweeper it may be."""
        strays = []
        for paper_id in sorted(set(owners) - live):
            record = await self._store.get(paper_id)
            if record is None or record.swept:
                strays.append(paper_id)
        if not strays:
            return []

        async def clear() -> str:
            for paper_id in strays:
                await remove(paper_id)
            return f"Removed {where} what belonged to no paper: {len(strays)}."

        return [Problem(f"There is something {where} that belongs to no paper: {_named(strays)}.", clear)]

    async def _live(self) -> dict[str, Paper]:
        """Each paper that is there."""
        live: dict[str, Paper] = {}
        cursor: str | None = None
        while True:
            page = await self._store.list(None, None, PAGE, cursor)
            live.update((paper.id, paper) for paper in page.items)
            cursor = page.next_cursor
            if cursor is None:
                return live

    async def _offer(self) -> str:
        await self._relay.sweep()
        return f"Offered the outbox to the log again: {(await self._store.counts()).waiting} events still wait."

    async def _sweep(self) -> str:
        await self._sweeper.sweep()
        left = await self._store.tombstones(swept=False, limit=PAGE)
        return f"Cleared up after deleted papers: {len(left)} are left."


async def _ask(name: str, check: Check) -> Problem | None:
    try:
        with anyio.fail_after(DEADLINE_SECONDS):
            await check()
    except PaperProcessingError as error:
        return Problem(f"{name}: {error.detail}")
    except TimeoutError:
        return Problem(f"{name}: it did not answer within {DEADLINE_SECONDS:g} seconds.")
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what is wrong
        return Problem(f"{name}: {type(error).__name__}: {error}.")
    return None


def _named(paper_ids: list[str]) -> str:
    more = len(paper_ids) - NAMED
    return ", ".join(paper_ids[:NAMED]) + (f" and {more} more" if more > 0 else "")
