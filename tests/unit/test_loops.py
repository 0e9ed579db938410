"""The loops in the background: what wakes them, what they do by themselves, and what they survive."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import anyio
import pytest

from app.domain import decisions
from app.domain.errors import StorageFullError, UnavailableError
from app.logs import about
from app.realtime.status import StatusTicker
from app.services.dispatcher import SWEEP_SECONDS, Dispatcher
from app.services.loop import PAUSE_SECONDS, Loop, doing
from app.services.sweeper import EVERY_SECONDS, Sweeper
from app.services.system import Sample, System
from app.services.wake import Wake
from tests.support.bench import Bench
from tests.support.builders import SAMPLE
from tests.support.clock import ManualClock
from tests.support.deadlines import until
from tests.support.in_process import Side
from tests.support.log_by_hand import LogByHand, hub_over
from tests.support.log_lines import log_lines

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def running(*loops: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        for loop in loops:
            tasks.start_soon(loop)
        yield
        tasks.cancel_scope.cancel()


async def asleep(clock: ManualClock) -> None:
    """Returns when the one loop of the test has done what it had to do, and sleeps."""

    async def sleeps() -> bool:
        return clock.sleepers == 1

    await until(sleeps, "the loop's sleep")


async def step(clock: ManualClock, seconds: float) -> None:
    """Moves time on, and lets the loop do what is due by then."""
    await asleep(clock)
    clock.advance(seconds)
    await asleep(clock)


# -- waking


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def test_a_wake_up_that_came_first_is_not_lost_and_counts_once(clock: ManualClock) -> None:
    wake = Wake(clock)
    wake.set()
    wake.set()
    assert await wake.wait(5) is True
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(advance_once_asleep, clock, 5)
        assert await wake.wait(5) is False


async def advance_once_asleep(clock: ManualClock, seconds: float) -> None:
    await asleep(clock)
    clock.advance(seconds)


async def test_who_waits_is_woken_at_once(clock: ManualClock) -> None:
    wake = Wake(clock)

    async def wake_once_asleep() -> None:
        await asleep(clock)
        wake.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wake_once_asleep)
        assert await wake.wait(5) is True


# -- surviving


@pytest.mark.parametrize(
    ("error", "level"),
    [(UnavailableError("The log is away."), logging.WARNING), (RuntimeError("a mistake of ours"), logging.ERROR)],
    ids=["a service is away", "a mistake of ours"],
)
async def test_a_step_that_fails_is_logged_and_the_loop_pauses(
    clock: ManualClock, caplog: pytest.LogCaptureFixture, error: Exception, level: int
) -> None:
    over = anyio.Event()

    async def fail() -> None:
        raise error

    async def loop() -> None:
        await Loop(clock, "the loop").step(fail)
        over.set()

    async with running(loop):
        await step(clock, PAUSE_SECONDS - 0.01)
        assert not over.is_set(), "it went on at once"
        clock.advance(0.02)
        await over.wait()
    (record,) = caplog.records
    assert (record.levelno, record.message.partition(":")[0]) == (level, "the loop")


async def test_a_step_that_succeeds_costs_no_pause(clock: ManualClock) -> None:
    async def succeed() -> None:
        await asyncio.sleep(0)

    await Loop(clock, "the loop").step(succeed)


async def test_what_is_away_is_told_once_and_so_is_that_the_loop_works_again(clock: ManualClock) -> None:
    away, other = UnavailableError("Redis does not answer."), UnavailableError("Redis does not answer (again).")
    full, bug = StorageFullError("The disk is full."), RuntimeError("a mistake of ours")
    outcomes: list[Exception | None] = [None, away, other, away, full, bug, away, bug, None, None, away, None]

    async def happens() -> None:
        if (outcome := outcomes.pop(0)) is not None:
            raise outcome

    loop = Loop(clock, "relay")

    async def steps() -> None:
        while outcomes:
            await loop.step(happens)

    with log_lines() as lines:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(steps)
            while outcomes or clock.sleepers:
                await asyncio.sleep(0)
                clock.advance(PAUSE_SECONDS)
    assert [(line["level"], line["message"]) for line in lines.all] == [
        ("WARNING", "relay: Redis does not answer."),
        ("WARNING", "relay: The disk is full."),
        ("ERROR", "relay: an unexpected error; it goes on"),
        ("INFO", "relay: it works again"),
        ("WARNING", "relay: Redis does not answer."),
        ("INFO", "relay: it works again"),
    ]


async def test_an_error_that_is_about_a_paper_is_told_as_such_by_the_loop_around_it(clock: ManualClock) -> None:
    for error in (UnavailableError("The graph does not answer."), RuntimeError("a mistake of ours")):

        async def fail(error: Exception = error) -> None:
            with about(paper="p1"), about(run=2):
                raise error

        with log_lines() as lines:
            async with running(partial(Loop(clock, "sweeper").step, fail)):
                await asleep(clock)
        assert [(line["paper"], line["run"]) for line in lines.all] == [("p1", 2)]


# -- the dispatcher's


async def test_queueing_a_run_sends_its_hint_with_no_look_at_the_clock(bench: Bench) -> None:
    bench.backing.holds.at("dispatch")
    async with running(bench.services.dispatcher.run):
        await asleep(bench.clock)
        first, second = await bench.submit_and_queue(), await bench.submit_and_queue()
        await until_sent(bench.side, {(first, 1), (second, 1)})
        third = await bench.submit_and_queue()
        await until_sent(bench.side, {(first, 1), (second, 1), (third, 1)})


async def test_a_process_that_starts_leaves_a_fresh_run_to_the_one_that_queued_it(bench: Bench) -> None:
    bench.backing.holds.at("dispatch")
    paper_id = await bench.submit_and_queue()
    other = bench.another_side("second")
    async with running(other.services.dispatcher.run):
        await step(bench.clock, 1)
        assert other.queue.sent == [], "two processes sent the same hint"
        await step(bench.clock, 1)
        await step(bench.clock, 1)
        await until_sent(other, {(paper_id, 1)})


async def until_sent(side: Side, hints: set[tuple[str, int]]) -> None:
    async def sent() -> bool:
        return set(side.queue.sent) == hints

    await until(sent, f"the hints {hints}")


# -- the sweeper's


async def test_the_sweeper_comes_again_until_no_worker_can_write_any_more(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.claim(paper_id, "a worker that does not know yet")
    await bench.services.papers.delete(paper_id)
    seconds = int(decisions.LEASE.total_seconds())
    async with running(bench.services.sweeper.run):
        await step(bench.clock, seconds - 5)
        assert not (await bench.record(paper_id)).swept
        await step(bench.clock, 10)
        assert (await bench.record(paper_id)).swept


# -- the ticker's


class AwayOnce:
    """A system of which no sample can be taken at first."""

    asked = 0

    async def sample(self, connections: int) -> Sample:
        self.asked += 1
        if self.asked == 1:
            raise UnavailableError("The machine cannot be looked at, as this test wants it.")
        return SAMPLE


async def test_a_sample_that_cannot_be_taken_does_not_end_the_ticks(clock: ManualClock) -> None:
    hub = hub_over(LogByHand())
    ticker = StatusTicker(hub, cast(System, AwayOnce()), clock, interval=2)
    async with running(ticker.run):
        await step(clock, 2)
        assert hub.sample is None
        await step(clock, PAUSE_SECONDS)
        await step(clock, 2)
        assert hub.sample is SAMPLE


# -- the heartbeat's


async def test_a_worker_is_heard_of_until_it_falls_silent(bench: Bench) -> None:
    async with running(bench.services.heartbeat.run):
        for _ in range(5):
            await step(bench.clock, 5)
            assert await bench.side.queue.workers() == 1
    bench.clock.advance(20)
    assert await bench.side.queue.workers() == 0


async def test_a_worker_tells_at_once_that_it_ran_out_of_memory(bench: Bench) -> None:
    async with running(bench.services.heartbeat.run):
        await asleep(bench.clock)
        bench.services.heartbeat.out_of_memory()

        async def told() -> bool:
            return await bench.side.queue.out_of_memory() == {"first": bench.clock.now()}

        await until(told, "what the worker lacks, with no look at the clock")


async def test_a_worker_whose_queue_was_away_is_heard_of_again(bench: Bench) -> None:
    bench.backing.redis.connected = False
    async with running(bench.services.heartbeat.run):
        await asleep(bench.clock)
        bench.backing.redis.connected = True
        await step(bench.clock, PAUSE_SECONDS)
        await step(bench.clock, 5)
        assert await bench.side.queue.workers() == 1


class _AwayOnce:
    """A store that is away when it is asked for the first time."""

    def __init__(self) -> None:
        self.asked = 0

    async def due(self, *_: Any) -> list[Any]:
        self.asked += 1
        if self.asked == 1:
            raise UnavailableError("The store is away.")
        return []

    async def tombstones(self, **_: Any) -> list[Any]:
        return await self.due()


@pytest.mark.parametrize("name", ["dispatcher", "sweeper"])
async def test_a_loop_whose_store_was_away_pauses_and_looks_again(clock: ManualClock, name: str) -> None:
    store: Any = _AwayOnce()
    nobody: Any = None
    dispatcher = Dispatcher(store, nobody, clock, Wake(clock))
    sweeper = Sweeper(store, nobody, nobody, nobody, nobody, clock)
    async with running(dispatcher.run if name == "dispatcher" else sweeper.run):
        await step(clock, PAUSE_SECONDS - 0.01)
        assert store.asked == 1, "it did not pause"
        await step(clock, 0.02)
        await step(clock, max(SWEEP_SECONDS, EVERY_SECONDS))
        assert store.asked > 1


# -- what is done as soon as it can be


async def test_what_waits_for_a_service_holds_nobody_up_and_is_done_once_when_it_comes(clock: ManualClock) -> None:
    tried: list[bool] = []
    there = False

    async def prepare() -> None:
        tried.append(there)
        if not there:
            raise UnavailableError("nobody is there")

    async with doing(clock, "store", prepare):
        await asleep(clock)
        assert tried == [False]
        there = True
        clock.advance(PAUSE_SECONDS)
        for _ in range(5):
            await asyncio.sleep(0)
        assert tried == [False, True]
        assert clock.sleepers == 0


async def test_what_still_waits_for_a_service_ends_with_its_process(clock: ManualClock) -> None:
    async def prepare() -> None:
        raise UnavailableError("nobody is there")

    async with doing(clock, "store", prepare):
        await asleep(clock)
    assert clock.sleepers == 0
