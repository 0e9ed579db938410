"""Clears up after deleted papers: outputs, graph and file at once, the tombstone once the log has forgotten it."""

import logging
from datetime import timedelta

from app.domain.decisions import Change
from app.domain.errors import PaperNotFoundError
from app.domain.paper import PaperRecord
from app.logs import about
from app.ports import Clock, EventLog, Files, Graph, PaperStore
from app.services.loop import Loop
from app.services.writer import Writer

logger = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
BATCH = 100
MARGIN = timedelta(minutes=1)
"""Between the clocks of the log and of this machine."""


class Sweeper:
    """Runs in every process; doing a thing twice does no harm."""

    def __init__(
        self, store: PaperStore, files: Files, graph: Graph, log: EventLog, writer: Writer, clock: Clock
    ) -> None:
        self._store = store
        self._files = files
        self._graph = graph
        self._log = log
        self._writer = writer
        self._clock = clock
        self._loop = Loop(clock, "sweeper")
        self._resisting: set[str] = set()

    async def run(self) -> None:
        while True:
            await self._loop.step(self.sweep)
            await self._clock.sleep(EVERY_SECONDS)

    async def sweep(self) -> None:
        """One round over the tombstones. Raises what kept a paper from being cleared up, when the rest is done."""
        failure = await self._clear_all()
        await self._purge()
        if failure is not None:
            raise failure

    async def _clear_all(self) -> Exception | None:
        """Ends with the first that cannot be: its service may be away for all. It comes last in the next round."""
        waiting = await self._store.tombstones(swept=False, limit=BATCH)
        self._resisting &= {record.paper.id for record in waiting}
        for record in sorted(waiting, key=lambda record: record.paper.id in self._resisting):
            try:
                await self.clear(record)
            except Exception as error:  # noqa: BLE001  # the caller raises it
                self._resisting.add(record.paper.id)
                return error
            self._resisting.discard(record.paper.id)
        return None

    async def _purge(self) -> None:
        swept = await self._store.tombstones(swept=True, limit=BATCH)
        oldest = await self._log.oldest_at() if swept else None
        if oldest is None:
            return
        for record in swept:
            if record.deleted_at is not None and record.deleted_at + MARGIN < oldest:
                with about(paper=record.paper.id):
                    await self._store.purge(record.paper.id)
                    await self._log.forget(record.paper.id)

    async def clear(self, record: PaperRecord) -> None:
        """Removes what a deleted paper left elsewhere; for good once nobody can hold a lease on it any more."""
        paper_id = record.paper.id
        with about(paper=paper_id):
            await self._remove(paper_id)
            if record.lease is not None and record.lease.expires_at > self._clock.now():
                return  # its worker may still be writing: come again
            try:
                await self._writer.write(paper_id, _mark_swept)
            except PaperNotFoundError:
                logger.debug("the tombstone was purged by another process")

    async def clear_after_worker(self, paper_id: str) -> None:
        """Removes what a worker wrote that did not know yet of a deletion; nothing of a paper that is there."""
        record = await self._store.get(paper_id)
        if record is None or record.deleted_at is not None:
            await self._remove(paper_id)

    async def _remove(self, paper_id: str) -> None:
        await self._files.remove(paper_id)
        await self._store.prune_outputs(paper_id, keep={})
        await self._graph.remove(paper_id)


def _mark_swept(record: PaperRecord) -> Change:
    return Change(record=record.model_copy(update={"swept": True}))
