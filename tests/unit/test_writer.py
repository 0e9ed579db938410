"""The one way to change a paper: whole, once, and on what is there now."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from app.adapters.papers.mongo import MongoPaperStore
from app.domain import decisions
from app.domain.decisions import Change
from app.domain.errors import ContendedError, PaperNotFoundError, StorageFullError, UnavailableError
from app.domain.paper import PaperRecord
from app.services.writer import Writer
from tests.support.bench import Bench
from tests.support.patience import within

pytestmark = pytest.mark.anyio


async def test_a_decision_is_taken_again_when_somebody_wrote_in_between(bench: Bench) -> None:
    paper_id = await bench.submit()
    seen: list[str] = []

    async def rival() -> None:
        await bench.services.papers.process(paper_id)

    def decide(record: PaperRecord) -> Change:
        seen.append(record.paper.status)
        return decisions.delete(record, bench.clock.now())

    writer = Writer(_Interrupted(bench, rival), bench.clock, lambda: None)
    await writer.write(paper_id, decide)
    assert seen == ["uploaded", "queued"]
    assert [event.data.seq for event in await bench.store.events(paper_id, 0, 10)] == [1, 2, 3]


async def test_a_write_whose_answer_was_lost_is_not_repeated(bench: Bench) -> None:
    paper_id = await bench.submit()
    writer = Writer(_LosesAnswers(bench.backing.mongo.connect()), bench.clock, lambda: None)
    await writer.write(paper_id, lambda record: decisions.queue(record, bench.clock.now()))
    assert await bench.statuses(paper_id) == ["uploaded", "queued"]


async def test_a_write_that_broke_once_is_tried_again(bench: Bench) -> None:
    paper_id = await bench.submit()
    writer = Writer(_Fails(bench, times=1), bench.clock, lambda: None)
    await writer.write(paper_id, lambda record: decisions.queue(record, bench.clock.now()))
    assert await bench.statuses(paper_id) == ["uploaded", "queued"]


async def test_a_write_that_broke_is_not_taken_for_an_earlier_one_that_arrived(bench: Bench) -> None:
    paper_id = await bench.submit()
    await Writer(bench.store, bench.clock, lambda: None).write(
        paper_id, lambda record: decisions.queue(record, bench.clock.now())
    )
    await Writer(_Fails(bench, times=1), bench.clock, lambda: None).write(
        paper_id, lambda record: decisions.cancel(record, bench.clock.now())
    )
    assert await bench.statuses(paper_id) == ["uploaded", "queued", "cancelled"]


async def test_a_store_that_fails_and_fails_is_told_as_that_and_not_as_a_rival(bench: Bench) -> None:
    paper_id = await bench.submit()
    store = _Fails(bench, times=100)
    writer = Writer(store, bench.clock, lambda: None)
    with pytest.raises(StorageFullError):
        await writer.write(paper_id, lambda record: decisions.queue(record, bench.clock.now()))
    assert store.tries == 2
    assert await bench.statuses(paper_id) == ["uploaded"]


async def test_a_new_paper_whose_answer_was_lost_is_there(bench: Bench) -> None:
    writer = Writer(_LosesAnswers(bench.backing.mongo.connect()), bench.clock, lambda: None)
    record = await bench.record(await bench.submit())
    paper = record.paper.model_copy(update={"id": "another", "seq": 0})
    await writer.insert(decisions.submit(paper))
    assert await bench.statuses("another") == ["uploaded"]


async def test_events_are_announced_only_when_they_are_stored(bench: Bench) -> None:
    paper_id = await bench.submit()
    announced: list[int] = []
    writer = Writer(bench.store, bench.clock, lambda: announced.append(1))
    with pytest.raises(Exception, match="no run to cancel"):
        await writer.write(paper_id, lambda record: decisions.cancel(record, bench.clock.now()))
    assert announced == []
    await writer.write(paper_id, lambda record: decisions.queue(record, bench.clock.now()))
    assert announced == [1]


async def test_a_paper_that_is_not_there_cannot_be_changed(bench: Bench) -> None:
    writer = Writer(bench.store, bench.clock, lambda: None)
    with pytest.raises(PaperNotFoundError):
        await writer.write("nobody", lambda record: Change(record=record))


async def test_rivals_who_win_again_and_again_are_outwaited_also_where_the_clock_stands_still(bench: Bench) -> None:
    """In-process the clock moves only when a test moves it: a sleep on it would be for ever."""
    paper_id = await bench.submit()

    async def rival() -> None:
        record = await bench.record(paper_id)
        next_step = decisions.cancel if record.paper.status == "queued" else decisions.queue
        assert await bench.store.replace(next_step(record, bench.clock.now()), uuid4().hex)

    store = _Interrupted(bench, *[rival] * 4)
    with within(5):
        await Writer(store, bench.clock, lambda: None).write(
            paper_id, lambda record: decisions.delete(record, bench.clock.now())
        )
    assert (await bench.record(paper_id)).deleted_at is not None


async def test_endless_rivals_end_in_an_error_that_says_so(bench: Bench) -> None:
    paper_id = await bench.submit()
    writer = Writer(_AlwaysLate(bench.backing.mongo.connect()), bench.clock, lambda: None)
    with pytest.raises(ContendedError, match="try again"):
        await writer.write(paper_id, lambda record: decisions.queue(record, bench.clock.now()))


class _Interrupted(MongoPaperStore):
    """A store on which somebody else writes just before each of the first writes."""

    def __init__(self, bench: Bench, *rivals: Callable[[], Awaitable[None]]) -> None:
        super().__init__(bench.backing.mongo.connect())
        self._rivals = list(rivals)

    async def replace(self, change: Change, write_id: str) -> bool:
        if self._rivals:
            await self._rivals.pop()()
        return await super().replace(change, write_id)


class _LosesAnswers(MongoPaperStore):
    """A store whose connection breaks after the write arrived."""

    async def replace(self, change: Change, write_id: str) -> bool:
        await super().replace(change, write_id)
        raise UnavailableError("The connection broke, as this test wants it.")

    async def insert(self, change: Change) -> None:
        await super().insert(change)
        raise UnavailableError("The connection broke, as this test wants it.")


class _Fails(MongoPaperStore):
    """A store that a full disk keeps from writing, the first times."""

    def __init__(self, bench: Bench, times: int) -> None:
        super().__init__(bench.backing.mongo.connect())
        self._times = times
        self.tries = 0

    async def replace(self, change: Change, write_id: str) -> bool:
        self.tries += 1
        if self.tries <= self._times:
            raise StorageFullError("The disk is full, as this test wants it.")
        return await super().replace(change, write_id)


class _AlwaysLate(MongoPaperStore):
    """A store on which somebody else is always faster."""

    async def replace(self, change: Change, write_id: str) -> bool:
        return False
