"""`queued` in the store is the queue: hints are sent for whatever could be claimed, and a lost one is sent again."""

import asyncio

import anyio
import pytest

from app.domain import decisions
from app.domain.paper import PRIORITY
from app.domain.stages import Load
from app.logs import about
from app.services.dispatcher import Dispatcher
from app.services.pipeline import Terms
from app.services.wake import Wake
from tests.support.bench import Bench
from tests.support.deadlines import until
from tests.support.holds import HeldQueue
from tests.support.log_lines import log_lines

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def hold_hints(bench: Bench) -> None:
    """Hints are seen, and go no further."""
    bench.backing.holds.at("dispatch")


def sent(bench: Bench) -> list[tuple[str, int]]:
    queue: HeldQueue = bench.side.queue
    return queue.sent


async def test_the_process_that_queued_a_run_sends_its_hint_once(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    async with bench.dispatching() as dispatch:
        await dispatch(woken=True)
        await dispatch(woken=True)
    assert sent(bench) == [(paper_id, 1)]


async def test_another_process_leaves_a_fresh_run_to_the_one_that_queued_it(bench: Bench) -> None:
    await bench.submit_and_queue()
    async with bench.dispatching() as dispatch:
        await dispatch(woken=False)
        bench.clock.advance(1)
        await dispatch(woken=False)
    assert sent(bench) == []


async def test_another_process_sends_the_hint_when_the_one_that_queued_the_run_did_not(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    async with bench.dispatching() as dispatch:
        await dispatch(woken=False)
        bench.clock.advance(3)
        await dispatch(woken=False)
    assert sent(bench) == [(paper_id, 1)]


async def test_a_run_that_a_sweep_saw_just_before_the_process_was_woken_for_it_gets_its_hint_at_once(
    bench: Bench,
) -> None:
    paper_id = await bench.submit_and_queue()
    async with bench.dispatching() as dispatch:
        await dispatch(woken=False)
        await dispatch(woken=True)
    assert sent(bench) == [(paper_id, 1)]


async def test_a_paper_that_is_only_uploaded_gets_none(bench: Bench) -> None:
    await bench.submit()
    async with bench.dispatching() as dispatch:
        await dispatch(woken=True)
    assert sent(bench) == []


async def test_a_lost_hint_is_sent_again_when_the_queue_is_empty(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    async with bench.dispatching() as dispatch:
        await dispatch(woken=True)
        bench.clock.advance(3)
        await dispatch(woken=False)
    assert sent(bench) == [(paper_id, 1), (paper_id, 1)]


async def test_a_lost_hint_holds_up_no_other(bench: Bench) -> None:
    async with bench.dispatching() as dispatch:
        lost = await bench.submit_and_queue()
        await dispatch(woken=True)
        bench.clock.advance(3)
        fresh = await bench.submit_and_queue()
        await dispatch(woken=True)
    assert sent(bench) == [(lost, 1), (fresh, 1), (lost, 1)]


async def test_no_hint_is_repeated_while_hints_wait_for_busy_workers(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    async with bench.dispatching() as dispatch:
        await dispatch(woken=True)
        await bench.side.redis.rpush("papers.heavy", b"a message that waits")
        bench.clock.advance(60)
        await dispatch(woken=False)
    assert sent(bench) == [(paper_id, 1)]


async def test_a_run_whose_lease_ended_gets_a_hint(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.claim(paper_id, "a worker that dies")
    async with bench.dispatching() as dispatch:
        await dispatch(woken=True)
        assert sent(bench) == [], "a run under a live lease was handed out"
        bench.clock.advance(decisions.LEASE.total_seconds() + 1)
        await dispatch(woken=False)
    assert sent(bench) == [(paper_id, 1)]


async def test_a_hint_that_could_not_be_sent_is_sent_later(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    bench.side.queue.fails = True
    with log_lines() as lines, about(paper="which the line around is about"):
        async with bench.dispatching() as dispatch:
            await dispatch(woken=True)
            bench.side.queue.fails = False
            bench.clock.advance(3)
            await dispatch(woken=False)
    assert sent(bench) == [(paper_id, 1), (paper_id, 1)]
    (line,) = lines.of(paper_id)
    assert line["message"].startswith("the hint to the workers was not sent")


async def test_a_run_that_is_given_back_gets_a_hint_at_once_in_the_queue_of_its_next_stage(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    heavy = bench.pipeline(bench.side.stages, Terms(serves=frozenset({Load.HEAVY})))
    async with bench.dispatching() as dispatch:
        await dispatch(woken=True)
        await heavy.run(paper_id, 1)
        await dispatch(woken=False)
    assert sent(bench) == [(paper_id, 1)] * 2
    assert bench.side.queue.loads == [Load.HEAVY, Load.LIGHT]


async def test_a_hint_that_waits_in_one_queue_does_not_stop_one_for_the_other(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.side.redis.rpush("papers.light", b"a message that waits")
    async with bench.dispatching() as dispatch:
        await dispatch(woken=False)
        bench.clock.advance(3)
        await dispatch(woken=False)
    assert sent(bench) == [(paper_id, 1)]


async def test_hints_carry_the_priority_of_their_run(bench: Bench) -> None:
    for priority in (0, 9):
        await bench.services.papers.process(await bench.submit(), priority)
    async with bench.dispatching() as dispatch:
        await dispatch(woken=True)
    assert bench.side.queue.priorities == [9, 0]


async def test_a_run_that_this_process_gives_back_gets_its_hint_without_waiting_for_a_sweep(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    heavy = bench.another_side("heavy", Terms(serves=frozenset({Load.HEAVY})))

    async def hinted() -> bool:
        return Load.LIGHT in heavy.queue.loads

    dispatcher = asyncio.create_task(heavy.services.dispatcher.run())
    try:
        await heavy.services.pipeline.run(paper_id, 1)
        await until(hinted, "a hint for the light stages, while time stands")
    finally:
        dispatcher.cancel()
        await asyncio.gather(dispatcher, return_exceptions=True)


class MistakenOnce(HeldQueue):
    """A queue with a mistake of ours in it, which shows once."""

    async def send(self, paper_id: str, run: int, load: Load, priority: int = PRIORITY) -> None:
        self.sent.append((paper_id, run))
        if len(self.sent) == 1:
            raise ValueError("a mistake of ours")


async def test_a_mistake_with_one_hint_is_logged_and_keeps_no_other_from_being_sent(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    papers = [await bench.submit_and_queue() for _ in range(2)]
    queue = MistakenOnce(bench.side.queue, bench.backing.holds)
    async with anyio.create_task_group() as tasks:
        await Dispatcher(bench.store, queue, bench.clock, Wake(bench.clock)).dispatch(tasks, woken=True)
    assert {paper_id for paper_id, _ in queue.sent} == set(papers)
    assert "ValueError: a mistake of ours" in caplog.text


async def test_what_is_remembered_of_runs_ends_with_them(bench: Bench) -> None:
    dispatcher = bench.services.dispatcher
    async with bench.dispatching() as dispatch:
        papers = [await bench.submit_and_queue() for _ in range(3)]
        await dispatch(woken=True)
        assert remembered(dispatcher) == (3, 3)
        await bench.claim(papers[0], "a worker")
        await bench.services.papers.cancel(papers[1])
        await dispatch(woken=False)
        assert remembered(dispatcher) == (1, 1)
        await bench.services.papers.cancel(papers[2])
        await dispatch(woken=False)
        assert remembered(dispatcher) == (0, 0)


def remembered(dispatcher: Dispatcher) -> tuple[int, int]:
    return len(vars(dispatcher)["_seen"]), len(vars(dispatcher)["_hinted"])
