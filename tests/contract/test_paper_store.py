"""What every `PaperStore` promises: records, compare-and-set, the list, queues and tombstones."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from app.domain import decisions
from app.domain.errors import ConflictError, InvalidCursorError, ReadError
from app.domain.lifecycle import Status
from app.domain.paper import Counts, DeadLetter, Failure, Output, PaperRecord
from app.ports import DeadLetterPage, PaperStore
from tests.contract.conftest import ConnectStore
from tests.support.builders import (
    NOW,
    TOKEN,
    at,
    cancelled,
    claimed,
    queued,
    seqs,
    stage_finished,
    submitted,
)
from tests.support.store import delete, put_paper, read, run_to_completed, write

pytestmark = pytest.mark.anyio


# -- dead letters


async def ended(store: PaperStore, code: str, attempts: int, **fields: Any) -> PaperRecord:
    """A paper whose run failed at that attempt for that reason."""
    record = await write(store, queued(await put_paper(store, **fields)))
    failure = Failure(code=code, detail="Why.")
    for _ in range(attempts - 1):
        record = await write(store, claimed(record))
        record = await write(store, decisions.give_up_attempt(record, 1, TOKEN, failure, NOW))
    record = await write(store, claimed(record))
    end = decisions.fail if code in ReadError.CODES else decisions.give_up_attempt
    return await write(store, end(record, 1, TOKEN, failure, NOW))


async def test_dead_letters_are_runs_whose_attempts_ran_out(store: PaperStore) -> None:
    dead = await ended(store, "reader_crashed", 3)
    await ended(store, "no_pages", 3)
    await run_to_completed(store, await put_paper(store))
    await delete(store, await ended(store, "worker_lost", 3))
    assert await store.dead_letters(10, None) == DeadLetterPage(items=(DeadLetter.of(dead),), next_cursor=None)
    await write(store, queued(dead))
    assert (await store.dead_letters(10, None)).items == ()


async def test_dead_letters_come_in_pages_the_newest_paper_first(store: PaperStore) -> None:
    records = [await ended(store, "worker_lost", 3, created_at=at(number)) for number in range(3)]
    first = await store.dead_letters(2, None)
    assert [letter.paper_id for letter in first.items] == [records[2].paper.id, records[1].paper.id]
    second = await store.dead_letters(2, first.next_cursor)
    assert ([letter.paper_id for letter in second.items], second.next_cursor) == ([records[0].paper.id], None)
    with pytest.raises(InvalidCursorError):
        await store.dead_letters(2, "x")


# -- priorities


async def test_what_is_due_comes_by_priority_and_then_by_age(store: PaperStore) -> None:
    order = [(5, 1), (9, 3), (0, 0), (5, 2), (9, 4)]
    for priority, seconds in order:
        record = await put_paper(store)
        await write(store, decisions.queue(record, at(seconds), priority))
    due = await store.due(at(10), 10)
    assert [run.priority for run in due] == [9, 9, 5, 5, 0]
    ages = [(await read(store, run.paper_id)).paper.queued_at for run in due]
    assert ages == [at(3), at(4), at(1), at(2), at(0)]
    assert [run.paper_id for run in await store.due(at(10), 2)] == [run.paper_id for run in due[:2]]


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


# -- the list


async def ids(store: PaperStore, status: Status | None = None, q: str | None = None) -> list[str]:
    return [paper.id for paper in (await store.list(status, q, 100, None)).items]


async def test_the_list_is_newest_first_and_by_id_where_times_are_equal(store: PaperStore) -> None:
    for paper_id, seconds in [("b", 0), ("c", 5), ("a", 0), ("d", -5)]:
        await put_paper(store, id=paper_id, created_at=at(seconds))
    page = await store.list(None, None, 100, None)
    assert [paper.id for paper in page.items] == ["c", "b", "a", "d"]
    assert page.next_cursor is None


async def test_pages_hold_every_paper_once_though_papers_come_and_go(store: PaperStore) -> None:
    records = [await put_paper(store, id=f"p{n}", created_at=at(n // 2)) for n in range(9)]
    walked: list[str] = []
    cursor = None
    for page_number in range(10):
        page = await store.list(None, None, 2, cursor)
        assert len(page.items) <= 2
        walked += [paper.id for paper in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        await put_paper(store, id=f"new{page_number}", created_at=at(100 + page_number))
        if page_number == 1:
            await delete(store, records[8])  # was listed: the cursor does not need it
    assert walked == ["p8", "p7", "p6", "p5", "p4", "p3", "p2", "p1", "p0"]


async def test_a_page_that_ends_with_the_last_paper_has_no_cursor(store: PaperStore) -> None:
    for n in range(4):
        await put_paper(store, created_at=at(n))
    page = await store.list(None, None, 2, None)
    assert page.next_cursor is not None
    assert (await store.list(None, None, 2, page.next_cursor)).next_cursor is None


async def test_a_cursor_that_is_not_ours_is_refused(store: PaperStore) -> None:
    almost = ["MjAyNi0wMS0zMVQxMjowMDowMC4wMDBaIGE=", "MDAwMS0wMS0wMVQwMDowMDowMCsxNDowMCBh"]  # padded; before year 1
    for cursor in ["", "nonsense", "ü", "AAAA", "eA", "=", "a b", *almost]:
        with pytest.raises(InvalidCursorError):
            await store.list(None, None, 2, cursor)


async def test_the_list_is_narrowed_by_status(store: PaperStore) -> None:
    uploaded = await put_paper(store)
    waiting = await write(store, queued(await put_paper(store)))
    assert await ids(store, Status.UPLOADED) == [uploaded.paper.id]
    assert await ids(store, Status.QUEUED) == [waiting.paper.id]
    assert await ids(store, Status.COMPLETED) == []


async def test_the_list_is_searched_by_file_name_and_title(store: PaperStore) -> None:
    await put_paper(store, id="file", filename="Re\u0301sume\u0301 (100%)_x.PDF")
    await put_paper(store, id="title", filename="a.txt", title="Attention Is All")
    assert await ids(store, q="résumé") == ["file"]
    assert await ids(store, q="RESUME (100%)_") == ["file"]
    assert await ids(store, q="is all") == ["title"]
    assert sorted(await ids(store, q="")) == ["file", "title"]


async def test_the_list_takes_a_search_by_its_letters_alone(store: PaperStore) -> None:
    await put_paper(store, id="plain", filename="apdf")
    for n, q in enumerate([".*", "%", "_", "\\", "[", "(", "\u0000", "$where", "^a", "'", '"', "\ud7ff🚀"]):
        await put_paper(store, id=f"odd{n}", filename=f"with {q} in it")
        assert await ids(store, q=q) == [f"odd{n}"], q


async def test_a_title_found_later_is_searched_too(store: PaperStore) -> None:
    record = await write(store, claimed(await write(store, queued(await put_paper(store)))))
    await write(store, stage_finished(record, snapshot={"title": "Found Later"}))
    assert await ids(store, q="found later") == [record.paper.id]


# -- runs that a worker could claim


async def due(store: PaperStore, now: datetime) -> Sequence[str]:
    return [run.paper_id for run in await store.due(now, 100)]


async def test_queued_runs_are_due_oldest_first(store: PaperStore) -> None:
    await put_paper(store, id="idle")
    for paper_id, seconds in [("second", 2), ("third", 3), ("first", 1)]:
        await write(store, queued(await put_paper(store, id=paper_id), at(seconds)))
    assert await due(store, NOW) == ["first", "second", "third"]
    assert [run.paper_id for run in await store.due(NOW, 2)] == ["first", "second"]


async def test_a_run_is_due_again_when_its_lease_ends(store: PaperStore) -> None:
    record = await write(store, claimed(await write(store, queued(await put_paper(store)))))
    ends = NOW + decisions.LEASE
    assert await store.due(ends.replace(microsecond=0) - decisions.LEASE / 2, 10) == []
    assert record.lease is not None
    assert record.lease.expires_at == ends
    [found] = await store.due(ends, 10)
    assert (found.paper_id, found.run, found.attempts) == (record.paper.id, 1, 1)


async def test_a_run_given_back_is_due_at_once(store: PaperStore) -> None:
    record = await write(store, claimed(await write(store, queued(await put_paper(store)))))
    await write(store, decisions.release(record, 1, TOKEN))
    [found] = await store.due(NOW, 10)
    assert (found.run, found.attempts) == (1, 0)


async def test_a_run_that_ended_is_not_due(store: PaperStore) -> None:
    await run_to_completed(store, await put_paper(store))
    await write(store, cancelled(await write(store, queued(await put_paper(store)))))
    assert await due(store, at(3600)) == []


async def test_counts_tell_what_is_going_on(store: PaperStore) -> None:
    counts = await store.counts()
    assert (counts.queued, counts.active, counts.waiting) == (0, 0, 0)
    await put_paper(store)
    await write(store, queued(await put_paper(store)))
    await write(store, claimed(await write(store, queued(await put_paper(store)))))
    counts = await store.counts()
    assert (counts.queued, counts.active, counts.waiting) == (1, 1, 6)


# -- tombstones


async def test_a_tombstone_is_in_get_and_nowhere_else(store: PaperStore) -> None:
    record = await run_to_completed(store, await put_paper(store), text="gone words")
    record = await write(store, queued(record))
    tombstone = await delete(store, record)
    assert await read(store, record.paper.id) == tombstone
    assert await ids(store) == []
    assert await ids(store, Status.QUEUED) == []
    assert await due(store, at(3600)) == []
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
