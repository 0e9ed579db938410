"""Steps of a paper's life in a store, for tests that need it to have come so far."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from app.domain.decisions import Change
from app.domain.paper import Output, PaperRecord
from app.domain.stages import STAGES
from app.ports import PaperStore
from tests.support.builders import NOW, a_document, claimed, deleted, queued, stage_finished, submitted


async def read(store: PaperStore, paper_id: str) -> PaperRecord:
    """The record, which has to be there."""
    record = await store.get(paper_id)
    assert record is not None, f"the store has no paper {paper_id}"
    return record


async def put_paper(store: PaperStore, **fields: Any) -> PaperRecord:
    """A paper just uploaded; the record as the store should answer it."""
    change = submitted(**fields)
    await store.insert(change)
    return change.record.model_copy(update={"waiting": len(change.events)})


async def write(store: PaperStore, change: Change, write_id: str | None = None) -> PaperRecord:
    """Writes what nobody else writes; the record as the store should answer it while nothing is relayed."""
    assert await store.replace(change, write_id or uuid4().hex), "another write came first"
    record = change.record
    return record.model_copy(update={"revision": record.revision + 1, "waiting": record.waiting + len(change.events)})


async def run_to_completed(store: PaperStore, record: PaperRecord, text: str = "some text") -> PaperRecord:
    """A whole run, which leaves one output: the document."""
    record = await write(store, claimed(await write(store, queued(record))))
    run = record.paper.run
    await store.put_output(record.paper.id, run, Output.DOCUMENT, a_document(text))
    record = await write(store, stage_finished(record, outputs=(Output.DOCUMENT,)))
    while len(record.stages_done) < len(STAGES):
        record = await write(store, stage_finished(record))
    return record


async def delete(store: PaperStore, record: PaperRecord, now: datetime = NOW) -> PaperRecord:
    return await write(store, deleted(record, now))
