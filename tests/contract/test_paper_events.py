"""What every `PaperStore` promises of events: stored with the state or not at all, in order, told until they are marked."""

import asyncio
from typing import Any

import pytest

from app.adapters.papers.mongo import MongoPaperStore
from app.domain import decisions
from app.ports import PaperStore
from tests.support.builders import at, claimed, progressed, queued, seqs, stage_finished
from tests.support.store import delete, put_paper, read, run_to_completed, write

pytestmark = pytest.mark.anyio


async def test_events_come_back_exactly_and_in_order(store: PaperStore) -> None:
    record = await put_paper(store, filename="Größe – 大 🚀.pdf")
    told = [*(await store.events(record.paper.id, 0, 10))]
    for decide in (queued, claimed, lambda now: progressed(now, 50), stage_finished):
        change = decide(record)
        record = await write(store, change)
        told += change.events
    assert await store.events(record.paper.id, 0, 100) == told
    assert seqs(told) == list(range(1, record.paper.seq + 1))


async def test_events_are_read_in_pieces(store: PaperStore) -> None:
    record = await run_to_completed(store, await put_paper(store))
    assert seqs(await store.events(record.paper.id, 0, 3)) == [1, 2, 3]
    assert seqs(await store.events(record.paper.id, 3, 2)) == [4, 5]
    assert seqs(await store.events(record.paper.id, record.paper.seq - 1, 10)) == [record.paper.seq]
    assert await store.events(record.paper.id, record.paper.seq, 10) == []


async def test_events_are_read_as_one_wherever_they_are(store: PaperStore) -> None:
    record = await run_to_completed(store, await put_paper(store))
    await store.mark_relayed(record.paper.id, 4, at(1))
    assert seqs(await store.events(record.paper.id, 0, 100)) == list(range(1, record.paper.seq + 1))
    assert seqs(await store.events(record.paper.id, 2, 4)) == [3, 4, 5, 6]


async def test_the_outbox_holds_what_is_not_relayed_papers_together(store: PaperStore) -> None:
    for paper_id in ("b", "a"):
        await write(store, queued(await put_paper(store, id=paper_id)))
    assert [(event.data.paper_id, event.data.seq) for event in await store.outbox(100)] == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
        ("b", 2),
    ]
    assert [(event.data.paper_id, event.data.seq) for event in await store.outbox(3)][-1] == ("b", 1)


async def test_marked_events_leave_the_outbox_and_are_known_as_relayed(store: PaperStore) -> None:
    record = await run_to_completed(store, await put_paper(store, id="p"))
    await store.mark_relayed("p", 2, at(10))
    await store.mark_relayed("p", 3, at(20))
    assert seqs(await store.outbox(100)) == list(range(4, record.paper.seq + 1))
    assert (await read(store, "p")).waiting == record.paper.seq - 3
    assert (await store.counts()).waiting == record.paper.seq - 3
    assert seqs(await store.relayed_since(at(0))) == [1, 2, 3]
    assert seqs(await store.relayed_since(at(10.001))) == [3]
    assert seqs(await store.relayed_since(at(20))) == [3]
    assert await store.relayed_since(at(20.001)) == []


async def test_marks_that_are_given_again_move_and_older_ones_stay(store: PaperStore) -> None:
    await run_to_completed(store, await put_paper(store, id="p"))
    for seq in (1, 2, 3):
        await store.mark_relayed("p", seq, at(10 * seq))
    waiting = seqs(await store.outbox(100))
    await store.mark_again(at(20), at(100))
    assert seqs(await store.relayed_since(at(0))) == [1, 2, 3]
    assert seqs(await store.relayed_since(at(20))) == [2, 3]
    assert seqs(await store.relayed_since(at(100))) == [2, 3]
    assert seqs(await store.outbox(100)) == waiting, "an event left the outbox that nobody relayed"


async def test_relayed_events_come_papers_together_and_in_order(store: PaperStore) -> None:
    for paper_id in ("b", "a"):
        await write(store, queued(await put_paper(store, id=paper_id)))
    for paper_id, seq in (("b", 1), ("a", 1), ("b", 2), ("a", 2)):
        await store.mark_relayed(paper_id, seq, at(seq))
    relayed = await store.relayed_since(at(0))
    assert [(event.data.paper_id, event.data.seq) for event in relayed] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


async def test_the_newest_mark_is_known(store: PaperStore) -> None:
    assert await store.last_relayed_at() is None
    for n, paper_id in enumerate(("a", "b")):
        await put_paper(store, id=paper_id)
        await store.mark_relayed(paper_id, 1, at(5.123 - n))
    assert await store.last_relayed_at() == at(5.123)


async def test_marking_twice_or_nothing_does_no_harm(store: PaperStore) -> None:
    await put_paper(store, id="p")
    await store.mark_relayed("nobody", 5, at(1))
    await store.mark_relayed("p", 0, at(1))
    assert await store.last_relayed_at() is None
    await store.mark_relayed("p", 1, at(2))
    await store.mark_relayed("p", 1, at(9))
    assert await store.last_relayed_at() == at(2)
    assert seqs(await store.events("p", 0, 10)) == [1]


async def test_many_relays_may_mark_at_once(store: PaperStore) -> None:
    record = await run_to_completed(store, await put_paper(store, id="p"))
    await asyncio.gather(*(store.mark_relayed("p", seq, at(seq)) for seq in range(record.paper.seq, 0, -1)))
    assert await store.outbox(100) == []
    assert seqs(await store.relayed_since(at(0))) == list(range(1, record.paper.seq + 1))


async def test_a_mark_counts_only_events_that_are_there(store: PaperStore) -> None:
    record = await put_paper(store, id="p")
    await store.mark_relayed("p", 99, at(1))
    await write(store, queued(record))
    assert seqs(await store.outbox(10)) == [2]


async def test_a_lost_race_leaves_no_event(store: PaperStore) -> None:
    record = await put_paper(store, id="p")
    await write(store, queued(record))
    assert not await store.replace(queued(record, at(5)), "late")
    assert (await read(store, "p")).waiting == 2
    assert seqs(await store.outbox(10)) == [1, 2]


async def test_whoever_reads_while_events_move_misses_none(store: PaperStore) -> None:
    """`events` runs beside writes and marks; each answer has to be 1, 2, 3… without a hole."""
    record = await write(store, claimed(await write(store, queued(await put_paper(store, id="p")))))
    writing = True

    async def write_on() -> None:
        nonlocal record, writing
        for percent in range(4, 100, 8):
            record = await write(store, progressed(record, percent))
        writing = False

    async def mark_all() -> None:
        while writing:
            await store.mark_relayed("p", (await read(store, "p")).paper.seq, at(1))

    async def read_all() -> list[list[int]]:
        seen = []
        while writing:
            seen.append(seqs(await store.events("p", 0, 100)))
        return seen

    _, _, seen, seen_too = await asyncio.gather(write_on(), mark_all(), read_all(), read_all())
    assert all(answer == list(range(1, len(answer) + 1)) and len(answer) >= 3 for answer in seen + seen_too)


async def test_deleting_writes_the_last_event(store: PaperStore) -> None:
    tombstone = await delete(store, await put_paper(store, id="p"))
    await store.mark_relayed("p", 2, at(1))
    assert seqs(await store.events("p", 0, 10)) == [1, 2]
    assert (await read(store, "p")) == tombstone.model_copy(update={"waiting": 0})


class PowerCut(BaseException):
    """The process ends here."""


async def test_a_relay_that_dies_halfway_leaves_no_event_twice_and_none_out(
    store: PaperStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two steps of a mark an event is in the outbox and beside it."""
    if not isinstance(store, MongoPaperStore):
        pytest.skip("a mark is one step here")
    record = await run_to_completed(store, await put_paper(store, id="p"))

    async def die(*_: Any) -> None:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(store._papers, "update_one", die)
        with pytest.raises(PowerCut):
            await store.mark_relayed("p", 3, at(1))
    everything = list(range(1, record.paper.seq + 1))
    assert seqs(await store.events("p", 0, 100)) == everything
    assert seqs(await store.outbox(100)) == everything
    await store.mark_relayed("p", 5, at(2))
    assert seqs(await store.events("p", 0, 100)) == everything
    assert seqs(await store.relayed_since(at(0))) == [1, 2, 3, 4, 5]
    assert seqs(await store.outbox(100)) == everything[5:]


async def test_an_event_that_is_there_before_those_before_it_waits_for_them(
    store: PaperStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While somebody reads, two events are written, and of a mark that is still at work only the second has arrived."""
    if not isinstance(store, MongoPaperStore):
        pytest.skip("a mark is one step here")
    record = await write(store, queued(await put_paper(store, id="p")))
    await store.mark_relayed("p", 2, at(1))
    look = store._papers.find_one

    async def look_too_early(*args: Any) -> Any:
        paper = await look(*args)
        change = claimed(record)
        await write(store, change.model_copy(update={"events": (*change.events, *change.events)}))
        await store._events.insert_one({"_id": "p:4", "paper_id": "p", "seq": 4, "body": "{}", "relayed_at": ""})
        return paper

    with monkeypatch.context() as patch:
        patch.setattr(store._papers, "find_one", look_too_early)
        assert seqs(await store.events("p", 0, 10)) == [1, 2]


async def test_progress_stops_at_a_long_outbox_as_the_store_counts_it(store: PaperStore) -> None:
    record = await write(store, claimed(await write(store, queued(await put_paper(store, id="p")))))
    [told] = progressed(record, 50).events
    many = [told.model_copy(update={"data": told.data.model_copy(update={"seq": 4 + n})}) for n in range(200)]
    paper = record.paper.model_copy(update={"seq": 203})
    record = await write(store, decisions.Change(record=record.model_copy(update={"paper": paper}), events=tuple(many)))
    assert (await read(store, "p")).waiting == 203
    assert progressed(await read(store, "p"), 50).events == ()
