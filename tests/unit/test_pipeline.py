"""G5 and the leases: however often a run is handed out, taken over or given back, it ends once and never goes back."""

import asyncio
from datetime import timedelta

import anyio
import pytest

from app.domain import decisions
from app.domain.due import Due
from app.domain.errors import UnavailableError
from app.domain.events import PaperProgressEvent, PaperStatusEvent
from app.domain.lifecycle import Status
from app.domain.paper import Output
from app.domain.stages import STAGES, Load
from app.services.pipeline import RELEASE_SECONDS, Terms
from tests.support.bench import FULL_RUN, Bench
from tests.support.deadlines import until

pytestmark = pytest.mark.anyio

PAST_LEASE = decisions.LEASE.total_seconds() + 1


async def test_a_run_goes_through_every_status_once(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.services.pipeline.run(paper_id, 1)
    assert await bench.statuses(paper_id) == FULL_RUN


async def test_a_hint_that_is_delivered_again_after_the_run_does_nothing(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.services.pipeline.run(paper_id, 1)
    before = await bench.record(paper_id)
    await bench.services.pipeline.run(paper_id, 1)
    assert await bench.record(paper_id) == before


async def test_a_hint_that_is_delivered_twice_at_once_is_worked_on_once(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    other = bench.another_side("second")
    await asyncio.gather(
        bench.services.pipeline.run(paper_id, 1),
        other.services.pipeline.run(paper_id, 1),
        bench.services.pipeline.run(paper_id, 1),
    )
    assert await bench.statuses(paper_id) == FULL_RUN
    assert (await bench.record(paper_id)).attempts == 1, "one took the run from the other"


async def test_a_hint_for_an_earlier_run_does_nothing(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.services.papers.cancel(paper_id)
    await bench.services.papers.process(paper_id)
    await bench.services.pipeline.run(paper_id, 1)
    assert (await bench.record(paper_id)).paper.status == Status.QUEUED


@pytest.mark.parametrize("held", [plan.name for plan in STAGES[1:]])
async def test_a_lost_worker_s_run_goes_on_at_the_first_unfinished_stage(bench: Bench, held: str) -> None:
    paper_id = await bench.submit_and_queue()
    hold = bench.backing.holds.at(held)
    lost = asyncio.create_task(bench.services.pipeline.run(paper_id, 1))
    await hold.reached()
    before = (await bench.record(paper_id)).paper
    bench.clock.advance(PAST_LEASE)
    bench.backing.holds.forget(held)
    await bench.another_side("second").services.pipeline.run(paper_id, 1)
    hold.release()
    await lost
    events = await bench.store.events(paper_id, before.seq, 1000)
    redone = [event for event in events if event.event_type == "paper_status" and event.data.status == before.status]
    assert redone == [], "a status was told again"
    told = [
        event.data.progress
        for event in await bench.store.events(paper_id, 1, 1000)
        if isinstance(event, PaperStatusEvent | PaperProgressEvent)
    ]
    assert told == sorted(told), f"progress fell: {told}"
    assert await bench.statuses(paper_id) == FULL_RUN


async def test_a_worker_that_lost_its_lease_writes_nothing_more(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    hold = bench.backing.holds.at("entities")
    zombie = asyncio.create_task(bench.services.pipeline.run(paper_id, 1))
    await hold.reached()
    bench.clock.advance(PAST_LEASE)
    taken = await bench.claim(paper_id, "another worker's token")
    hold.release()
    await zombie
    assert await bench.record(paper_id) == taken


async def test_the_third_lost_lease_ends_the_run_failed(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    for attempt in range(3):
        await bench.claim(paper_id, f"worker {attempt}, which dies")
        bench.clock.advance(PAST_LEASE)
    await bench.services.pipeline.run(paper_id, 1)
    paper = (await bench.record(paper_id)).paper
    assert (paper.status, paper.error and paper.error.code) == (Status.FAILED, "worker_lost")
    assert await bench.store.get_output(paper_id, 1, Output.READING) is None, "a stage ran without a lease"


async def test_a_cancelled_run_s_worker_stops_and_writes_nothing_more(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    hold = bench.backing.holds.at("references")
    working = asyncio.create_task(bench.services.pipeline.run(paper_id, 1))
    await hold.reached()
    await bench.services.papers.cancel(paper_id)
    cancelled = await bench.record(paper_id)
    hold.release()
    await working
    assert await bench.record(paper_id) == cancelled
    assert (await bench.statuses(paper_id))[-1] == "cancelled"


async def test_a_run_cancelled_and_opened_again_is_not_touched_by_the_earlier_worker(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    hold = bench.backing.holds.at("references")
    earlier = asyncio.create_task(bench.services.pipeline.run(paper_id, 1))
    await hold.reached()
    await bench.services.papers.cancel(paper_id)
    await bench.services.papers.process(paper_id)
    opened = await bench.record(paper_id)
    hold.release()
    await earlier
    assert await bench.record(paper_id) == opened


async def test_the_lease_is_renewed_while_a_stage_is_at_work(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    hold = bench.backing.holds.at("entities")
    working = asyncio.create_task(bench.services.pipeline.run(paper_id, 1))
    await hold.reached()
    for _ in range(10):  # 50 s in all, more than three leases
        bench.clock.advance(5)
        await until(lambda: _has_fresh_lease(bench, paper_id), "a renewed lease")
    hold.release()
    await working
    assert await bench.statuses(paper_id) == FULL_RUN


async def test_a_renewal_that_a_store_which_was_away_missed_is_made_up_for_by_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper_id = await bench.submit_and_queue()
    hold = bench.backing.holds.at("entities")
    working = asyncio.create_task(bench.services.pipeline.run(paper_id, 1))
    await hold.reached()
    replace, missed = bench.store.replace, list[str]()

    async def replace_later(change: decisions.Change, write_id: str) -> bool:
        if len(missed) < 2:  # a write that breaks is tried once more
            missed.append(write_id)
            raise UnavailableError("The store is away.")
        return await replace(change, write_id)

    async def is_missed() -> bool:
        return len(missed) == 2 and bench.clock.sleepers == sleepers

    sleepers = bench.clock.sleepers
    monkeypatch.setattr(bench.store, "replace", replace_later)
    bench.clock.advance(5)
    await until(is_missed, "a renewal that fails, and the pause after it")
    bench.clock.advance(5)
    await until(lambda: _has_fresh_lease(bench, paper_id), "a renewed lease")
    hold.release()
    await working
    assert await bench.statuses(paper_id) == FULL_RUN


async def test_a_worker_notices_between_stages_at_the_latest_that_it_lost_its_lease(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    hold = bench.backing.holds.at("entities")  # never released: only the loss of the lease can end this
    working = asyncio.create_task(bench.services.pipeline.run(paper_id, 1))
    await hold.reached()
    await bench.services.papers.cancel(paper_id)
    bench.clock.advance(5)
    async with asyncio.timeout(5):
        await working


async def test_a_stopping_worker_gives_its_run_back_and_the_attempt_does_not_count(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    hold = bench.backing.holds.at("entities")
    async with anyio.create_task_group() as tasks:  # as a worker has it: all that it awaits is cancelled, not the first
        tasks.start_soon(bench.services.pipeline.run, paper_id, 1)
        await hold.reached()
        tasks.cancel_scope.cancel()
    record = await bench.record(paper_id)
    assert (record.lease, record.attempts) == (None, 0)
    hold.release()
    await bench.another_side("second").services.pipeline.run(paper_id, 1)
    assert await bench.statuses(paper_id) == FULL_RUN


async def test_a_run_goes_from_worker_to_worker_by_the_load_of_its_stages(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    workers = {load: bench.pipeline(bench.side.stages, Terms(serves=frozenset({load}))) for load in Load}
    await workers[Load.LIGHT].run(paper_id, 1)  # told of a run that is none of its own, it gives it back
    handed = list[Load]()
    while (record := await bench.record(paper_id)).paper.status is not Status.COMPLETED:
        assert (record.lease, record.attempts) == (None, 0), "giving a run back counted as an attempt"
        handed.append(Due.of(record).load)
        await workers[handed[-1]].run(paper_id, 1)
    assert handed == [Load.HEAVY, Load.LIGHT, Load.HEAVY, Load.LIGHT]
    assert await bench.statuses(paper_id) == FULL_RUN


async def test_a_run_that_ended_leaves_what_is_shown_and_nothing_of_earlier_runs(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.services.pipeline.run(paper_id, 1)
    await bench.services.papers.process(paper_id)
    await bench.services.pipeline.run(paper_id, 2)

    async def stored(run: int, kind: Output) -> bool:
        return await bench.store.get_output(paper_id, run, kind) is not None

    kept = {(run, kind) for run in (1, 2) for kind in Output if await stored(run, kind)}
    assert kept == {(2, kind) for kind in Output if kind is not Output.READING}


async def _has_fresh_lease(bench: Bench, paper_id: str) -> bool:
    lease = (await bench.record(paper_id)).lease
    return lease is not None and lease.expires_at > bench.clock.now() + timedelta(seconds=12)


@pytest.mark.slow  # as long as it tries
async def test_a_worker_that_stops_does_not_wait_for_a_store_that_stands_still(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper_id = await bench.submit_and_queue()
    hold = bench.backing.holds.at("entities")
    work = asyncio.create_task(bench.services.pipeline.run(paper_id, 1))
    await hold.reached()
    answers = anyio.Event()

    async def get(paper_id: str) -> None:
        await answers.wait()

    monkeypatch.setattr(bench.store, "get", get)
    work.cancel()
    ended, _ = await asyncio.wait([work], timeout=RELEASE_SECONDS + 1)
    answers.set()
    assert ended, "the worker still tries to give its run back"
