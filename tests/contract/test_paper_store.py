"""What every `PaperStore` promises of a record: it comes back exactly, one write at a time wins, a tombstone goes."""

import asyncio

import pytest

from app.domain import decisions
from app.domain.errors import ConflictError
from app.domain.lifecycle import Status
from app.domain.paper import Counts, Failure, Output
from app.ports import PaperStore
from tests.contract.conftest import ConnectStore
from tests.support.builders import (
    NOW,
    TOKEN,
    at,
    claimed,
    queued,
    seqs,
    stage_finished,
    submitted,
)
from tests.support.store import delete, put_paper, read, run_to_completed, write

pytestmark = pytest.mark.anyio


# -- records


async def test_a_record_comes_back_exactly(store: PaperStore) -> None:
    record = await put_paper(store, filename="Größe – 大 🚀\u0000\u2028.pdf", title=None, authors=("Ö. Ünal", "李"))
    assert await read(store, record.paper.id) == record


async def test_every_field_of_a_record_comes_back_exactly(store: PaperStore) -> None:
    record = await put_paper(store)
    record = await write(store, queued(record, at(0.001)))
    record = await write(store, claimed(record, at(1.999)))
    snapshot = {"title": "A\u00a0Title\n", "counts": Counts(pages=3, entities=2), "authors": ("A", "B")}
    record = await write(store, stage_finished(record, outputs=(Output.DOCUMENT,), snapshot=snapshot, now=at(2)))
    failure = Failure(code="reader_crashed", detail="It crashed – 3 ×.")
    record = await write(store, decisions.give_up_attempt(record, 1, TOKEN, failure, at(3)))
    record = await write(store, claimed(record, at(4), "another token"))
    assert record.lease is not None
    assert record.last_error == failure
    assert record.outputs == {Output.DOCUMENT: 1}
    assert await read(store, record.paper.id) == record


async def test_an_unknown_paper_is_none(store: PaperStore) -> None:
    assert await store.get("nobody") is None
    assert await store.events("nobody", 0, 10) == []
    assert not await store.has_written("nobody", "w")
    assert not await store.replace(queued(submitted().record), "w")


async def test_a_paper_is_inserted_once(store: PaperStore) -> None:
    change = submitted()
    await store.insert(change)
    with pytest.raises(ConflictError):
        await store.insert(change)
    assert seqs(await store.events(change.record.paper.id, 0, 10)) == [1]


# -- compare and set


async def test_a_write_on_an_old_revision_changes_nothing(store: PaperStore) -> None:
    record = await put_paper(store)
    assert await store.replace(queued(record), "first")
    assert not await store.replace(queued(record, at(1)), "second")
    assert (await read(store, record.paper.id)).paper.queued_at == NOW
    assert seqs(await store.events(record.paper.id, 0, 10)) == [1, 2]


async def test_a_write_without_events_counts_as_a_revision_too(store: PaperStore) -> None:
    record = await write(store, claimed(await write(store, queued(await put_paper(store)))))
    renewed = decisions.renew(record, 1, TOKEN, at(5))
    assert await store.replace(renewed, "w")
    assert (await read(store, record.paper.id)).revision == record.revision + 1
    assert not await store.replace(renewed, "w2")


async def test_one_of_many_tasks_wins(store: PaperStore) -> None:
    record = await put_paper(store)
    wins = await asyncio.gather(*(store.replace(queued(record, at(n)), f"w{n}") for n in range(10)))
    assert wins.count(True) == 1
    assert (await read(store, record.paper.id)).paper.queued_at == at(wins.index(True))
    assert seqs(await store.events(record.paper.id, 0, 10)) == [1, 2]


async def test_one_of_many_threads_wins(store: PaperStore, connect_store: ConnectStore) -> None:
    record = await put_paper(store)

    async def race(n: int) -> list[bool]:
        async with connect_store() as mine:
            return [await mine.replace(queued(record, at(n)), f"w{n}") for _ in range(3)]

    answers = await asyncio.gather(*(asyncio.to_thread(asyncio.run, race(n)) for n in range(4)))
    assert [won for answer in answers for won in answer].count(True) == 1
    assert (await read(store, record.paper.id)).revision == record.revision + 1
    assert seqs(await store.events(record.paper.id, 0, 10)) == [1, 2]


async def test_a_lost_answer_can_be_asked_for(store: PaperStore) -> None:
    record = await put_paper(store)
    await store.replace(queued(record), "mine")
    await store.replace(queued(record), "lost the race")
    assert await store.has_written(record.paper.id, "mine")
    assert not await store.has_written(record.paper.id, "lost the race")
    assert not await store.has_written(record.paper.id, "min")
    assert not await store.has_written(record.paper.id, "")


async def test_the_last_sixteen_writes_are_remembered(store: PaperStore) -> None:
    record = await put_paper(store)
    for n in range(18):
        record = await write(store, decisions.Change(record=record), f"w{n}")
    known = [await store.has_written(record.paper.id, f"w{n}") for n in range(18)]
    assert known == [False] * 2 + [True] * 16


# -- tombstones


async def test_a_tombstone_is_in_get_and_nowhere_else(store: PaperStore) -> None:
    record = await run_to_completed(store, await put_paper(store), text="gone words")
    record = await write(store, queued(record))
    tombstone = await delete(store, record)
    assert await read(store, record.paper.id) == tombstone
    for status in (None, Status.QUEUED):
        assert (await store.list(status, None, 10, None)).items == ()
    assert await store.due(at(3600), 10) == []
    assert await store.search("gone", 10) == []
    assert (await store.counts()).queued == 0


async def test_a_tombstones_events_are_still_told(store: PaperStore) -> None:
    tombstone = await delete(store, await put_paper(store))
    paper_id = tombstone.paper.id
    assert [event.event_type for event in await store.outbox(10)] == ["paper_status", "paper_deleted"]
    assert seqs(await store.events(paper_id, 1, 10)) == [2]
    assert (await store.counts()).waiting == 2


async def test_tombstones_are_told_apart_by_whether_they_are_swept(store: PaperStore) -> None:
    await put_paper(store)
    older, newer = [await delete(store, await put_paper(store), at(n)) for n in range(2)]
    assert await store.tombstones(swept=False, limit=10) == [older, newer]
    assert await store.tombstones(swept=False, limit=1) == [older]
    swept = await write(store, decisions.Change(record=older.model_copy(update={"swept": True})))
    assert await store.tombstones(swept=True, limit=10) == [swept]
    assert await store.tombstones(swept=False, limit=10) == [newer]


async def test_a_purged_tombstone_leaves_no_trace_and_others_stay(store: PaperStore) -> None:
    other = await run_to_completed(store, await put_paper(store, id="p1"), text="words")
    record = await run_to_completed(store, await put_paper(store, id="p"), text="words")
    await store.mark_relayed("p", 2, at(9))
    await delete(store, record)
    await store.purge("p")
    assert await store.get("p") is None
    assert await store.events("p", 0, 100) == []
    assert await store.get_output("p", 1, Output.DOCUMENT) is None
    assert await store.last_relayed_at() is None
    assert {event.data.paper_id for event in await store.outbox(100)} == {"p1"}
    assert await read(store, "p1") == other
    assert [hit.paper_id for hit in await store.search("words", 10)] == ["p1"]


async def test_a_living_paper_cannot_be_purged(store: PaperStore) -> None:
    record = await run_to_completed(store, await put_paper(store))
    await store.purge(record.paper.id)
    assert await read(store, record.paper.id) == record
    assert await store.get_output(record.paper.id, 1, Output.DOCUMENT) is not None


async def test_a_store_that_answers_passes_its_check(store: PaperStore) -> None:
    await store.check()
