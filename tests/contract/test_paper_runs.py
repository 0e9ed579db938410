"""What every `PaperStore` promises of runs: which are due, in which order, and which ran out of attempts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from app.domain import decisions
from app.domain.errors import InvalidCursorError, ReadError
from app.domain.paper import DeadLetter, Failure, PaperRecord
from app.ports import DeadLetterPage, PaperStore
from tests.support.builders import (
    NOW,
    TOKEN,
    at,
    cancelled,
    claimed,
    queued,
)
from tests.support.store import delete, put_paper, read, run_to_completed, write

pytestmark = pytest.mark.anyio


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
