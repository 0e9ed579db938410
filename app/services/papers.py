"""What people do with papers: submit, look, process, cancel, delete."""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import BinaryIO
from uuid import uuid4

from anyio import to_thread
from pydantic import JsonValue

from app.domain import decisions
from app.domain.errors import (
    FileLostError,
    NotExtractedError,
    PaperGoneError,
    PaperNotFoundError,
    PaperProcessingError,
    UnavailableError,
)
from app.domain.events import PaperEvent
from app.domain.lifecycle import Status
from app.domain.model import Value
from app.domain.paper import PRIORITY, Output, Paper, PaperRecord
from app.logs import about, note
from app.ports import Clock, Files, PaperPage, PaperStore
from app.services.intake import examine
from app.services.sweeper import Sweeper
from app.services.writer import Writer
from app.tracing import first_step, step

logger = logging.getLogger(__name__)


class Rejection(Value):
    """Why one paper of a batch was not accepted."""

    paper_id: str
    code: str
    detail: str


class BatchAnswer(Value):
    """What became of each paper of a batch."""

    accepted: tuple[Paper, ...]
    rejected: tuple[Rejection, ...]


class Papers:
    """The use cases behind the HTTP routes and the snapshots of the sockets."""

    def __init__(
        self,
        store: PaperStore,
        files: Files,
        writer: Writer,
        sweeper: Sweeper,
        clock: Clock,
        on_queued: Callable[[], None],
    ) -> None:
        self._store = store
        self._files = files
        self._writer = writer
        self._sweeper = sweeper
        self._clock = clock
        self._on_queued = on_queued

    async def submit(self, source: BinaryIO, filename: str, limit_mb: int) -> Paper:
        """Keeps the file, then makes the paper known. Raises what `examine` raises."""
        upload = await to_thread.run_sync(examine, source, filename, limit_mb)
        now = self._clock.now()
        paper = Paper(
            id=str(uuid4()),
            filename=upload.filename,
            content_type=upload.content_type,
            size=upload.size,
            sha256=upload.sha256,
            status=Status.UPLOADED,
            seq=0,
            created_at=now,
            updated_at=now,
        )
        note(paper=paper.id)
        change = decisions.submit(paper)
        with first_step("submit", paper.id):
            await self._files.put(paper.id, source)
            try:
                await self._writer.insert(change)
            except UnavailableError:
                await self._discard_file(paper.id)
                raise
        logger.info("%s was uploaded: %s, %d bytes", paper.filename, paper.content_type, paper.size)
        return change.record.paper

    async def get(self, paper_id: str) -> Paper:
        """The snapshot. Raises `PaperGoneError` for a tombstone, `PaperNotFoundError` for no trace at all."""
        return (await self._record(paper_id)).paper

    async def list(self, status: Status | None, q: str | None, limit: int, cursor: str | None) -> PaperPage:
        return await self._store.list(status, q, limit, cursor)

    async def events(self, paper_id: str, after: int, limit: int) -> Sequence[PaperEvent]:
        await self._record(paper_id)
        return await self._store.events(paper_id, after, limit)

    async def output(self, paper_id: str, kind: Output) -> JsonValue:
        """The visible output of that kind. Raises `NotExtractedError` before there is one."""
        record = await self._record(paper_id)
        run = record.outputs.get(kind)
        body = None if run is None else await self._store.get_output(paper_id, run, kind)
        if body is None:
            raise NotExtractedError(kind)
        return body

    async def file(self, paper_id: str) -> AsyncIterator[bytes]:
        """The original bytes, in chunks. Raises `FileLostError` where they are gone and the paper is not."""
        await self._record(paper_id)
        try:
            async with self._files.stream(paper_id) as chunks:
                async for chunk in chunks:
                    yield chunk
        except FileNotFoundError as error:
            await self._record(paper_id)  # it may have been deleted meanwhile
            raise FileLostError from error

    async def process(self, paper_id: str, priority: int = PRIORITY) -> Paper:
        """Opens a run. Raises `PaperBusyError` while there is one."""
        now = self._clock.now()
        with step("process", paper_id):
            change = await self._writer.write(paper_id, lambda record: decisions.queue(record, now, priority))
        self._on_queued()
        with about(paper=paper_id, run=change.record.paper.run):
            logger.info("the run is queued")
        return change.record.paper

    async def process_batch(self, paper_ids: Sequence[str], priority: int = PRIORITY) -> BatchAnswer:
        """Opens a run of each paper that can have one; says of the others why not."""
        accepted: list[Paper] = []
        rejected: list[Rejection] = []
        for paper_id in dict.fromkeys(paper_ids):
            try:
                accepted.append(await self.process(paper_id, priority))
            except PaperProcessingError as error:
                rejected.append(Rejection(paper_id=paper_id, code=error.code, detail=error.detail))
        return BatchAnswer(accepted=tuple(accepted), rejected=tuple(rejected))

    async def cancel(self, paper_id: str) -> Paper:
        """Ends the run. Raises `PaperNotRunningError` when there is none."""
        now = self._clock.now()
        with step("cancel", paper_id):
            change = await self._writer.write(paper_id, lambda record: decisions.cancel(record, now))
        with about(paper=paper_id, run=change.record.paper.run):
            logger.info("the run is cancelled")
        return change.record.paper

    async def delete(self, paper_id: str) -> None:
        """Makes the paper a tombstone and clears up after it; what cannot be cleared now, the sweeper clears later."""
        now = self._clock.now()
        with step("delete", paper_id):
            change = await self._writer.write(paper_id, lambda record: decisions.delete(record, now))
        with about(paper=paper_id):
            logger.info("the paper is deleted")
            try:
                await self._sweeper.clear(change.record)
            except UnavailableError as error:
                logger.warning("the sweeper will clear up after the paper: %s", error.detail)
            except Exception:
                logger.exception("the sweeper will clear up after the paper")

    async def _discard_file(self, paper_id: str) -> None:
        """Of a paper that could not be made known. While that is not certain, the file stays: `check` finds it."""
        try:
            if await self._store.get(paper_id) is None:
                await self._files.remove(paper_id)
        except UnavailableError as error:
            logger.warning("its file is left behind, and `check --repair` removes it: %s", error.detail)

    async def _record(self, paper_id: str) -> PaperRecord:
        record = await self._store.get(paper_id)
        if record is None:
            raise PaperNotFoundError(paper_id)
        if record.deleted_at is not None:
            raise PaperGoneError(paper_id, told=record.waiting == 0)
        return record
