"""G5 and the leases: however often a run is handed out, taken over or given back, it ends once and never goes back."""

import asyncio
import errno
from contextlib import suppress
from datetime import timedelta

import pytest

from app.domain import decisions
from app.domain.decisions import Findings
from app.domain.due import Due
from app.domain.errors import ReaderCrashedError, ReadError, UnavailableError
from app.domain.events import PaperProgressEvent, PaperStatusEvent
from app.domain.lifecycle import Status
from app.domain.paper import Output
from app.domain.stages import STAGES, Load
from app.services.pipeline import Pipeline, Terms
from app.services.stages import Stage, Work
from tests.support.bench import Bench
from tests.support.deadlines import until

pytestmark = pytest.mark.anyio

PAST_LEASE = decisions.LEASE.total_seconds() + 1
FULL_RUN = [
    "uploaded", "queued", "processing", "extracting_entities", "extracting_relationships",
    "building_knowledge_graph", "completed",
]  # fmt: skip


class Failing(Stage):
    """A first stage that fails, and counts how often."""

    plan = STAGES[0]

    def __init__(self, error: Exception, times: int = 1_000) -> None:
        self.error = error
        self.times = times
        self.calls = 0

    async def work(self, work: Work) -> Findings:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return Findings()


def pipeline_of(bench: Bench, first: Stage) -> Pipeline:
    """The bench's pipeline with another first stage."""
    return bench.pipeline([first, *bench.side.stages[1:]])


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
    working = asyncio.create_task(bench.services.pipeline.run(paper_id, 1))
    await hold.reached()
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    record = await bench.record(paper_id)
    assert (record.lease, record.attempts) == (None, 0)
    hold.release()
    await bench.another_side("second").services.pipeline.run(paper_id, 1)
    assert await bench.statuses(paper_id) == FULL_RUN


async def test_a_file_nobody_can_read_fails_at_once_with_its_reason(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    stage = Failing(ReadError("encrypted", "The file is encrypted."))
    await pipeline_of(bench, stage).run(paper_id, 1)
    paper = (await bench.record(paper_id)).paper
    assert paper.error is not None
    assert (stage.calls, paper.status, paper.error.code, paper.error.stage) == (1, "failed", "encrypted", "read")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ReaderCrashedError("signal 11"), "reader_crashed"),
        (ValueError("a bug"), "internal_error"),
        (MemoryError(), "worker_out_of_memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "worker_out_of_memory"),
        (RuntimeError("can't start new thread"), "worker_out_of_memory"),
    ],
)
async def test_an_attempt_that_fails_is_repeated_and_the_third_ends_the_run(
    bench: Bench, error: Exception, code: str
) -> None:
    paper_id = await bench.submit_and_queue()
    stage = Failing(error)
    for attempt in (1, 2):
        await pipeline_of(bench, stage).run(paper_id, 1)
        record = await bench.record(paper_id)
        assert (record.paper.status, record.attempts, record.lease) == (Status.PROCESSING, attempt, None)
    await pipeline_of(bench, stage).run(paper_id, 1)
    paper = (await bench.record(paper_id)).paper
    assert (stage.calls, paper.status, paper.error and paper.error.code) == (3, "failed", code)


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


async def test_a_stage_beyond_its_limit_ends_the_attempt_and_the_third_ends_the_run(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    for attempt in (1, 2, 3):
        pipeline = bench.pipeline([_Endless(), *bench.side.stages[1:]], Terms(stage_seconds=4))
        working = asyncio.create_task(pipeline.run(paper_id, 1))
        await until(lambda working=working: _done_within(bench, working), "the end of an attempt")  # type: ignore[misc]
        record = await bench.record(paper_id)
        assert (record.attempts, record.lease) == (attempt, None)
    assert record.paper.error is not None
    assert (record.paper.error.code, record.paper.error.stage) == ("stage_timed_out", "read")
    assert record.paper.is_dead_letter


async def test_a_run_waits_for_a_service_that_is_away_and_goes_on(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    working = asyncio.create_task(pipeline_of(bench, _AwayThenReal(bench.side.stages[0])).run(paper_id, 1))
    while not working.done():
        await asyncio.sleep(0.001)  # stages that work in threads need real time, and have limits by this clock
        bench.clock.advance(0.1)
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


async def test_watchers_get_ten_progress_events_a_second_at_most(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    talkative = _Talkative(bench, pages=1000, seconds=2.0)
    begun = bench.clock.now()
    await pipeline_of(bench, talkative).run(paper_id, 1)
    seconds = (bench.clock.now() - begun).total_seconds()
    events = await bench.store.events(paper_id, 0, 10_000)
    told = [event for event in events if event.event_type == "paper_progress" and event.data.stage == "read"]
    assert 10 <= len(told) <= seconds * 10 + 1, f"{len(told)} progress events in {seconds} seconds"


class _Endless(Stage):
    """A stage that never ends by itself."""

    plan = STAGES[0]

    async def work(self, work: Work) -> Findings:
        await asyncio.Event().wait()
        return Findings()


async def _done_within(bench: Bench, working: asyncio.Task[None]) -> bool:
    """Moves time on a little; whether the work has ended."""
    bench.clock.advance(0.5)
    return working.done()


class _AwayThenReal(Stage):
    """A stage whose service is away twice."""

    plan = STAGES[0]

    def __init__(self, real: Stage) -> None:
        self._real = real
        self._away = 2

    async def work(self, work: Work) -> Findings:
        if self._away:
            self._away -= 1
            raise UnavailableError("The store of files is away, as this test wants it.")
        return await self._real.work(work)


class _Talkative(Stage):
    """A stage that tells progress page by page while the clock goes on, and then cannot read the file."""

    plan = STAGES[0]

    def __init__(self, bench: Bench, pages: int, seconds: float) -> None:
        self._clock = bench.clock
        self._pages = pages
        self._seconds = seconds

    async def work(self, work: Work) -> Findings:
        for page in range(self._pages):
            self._clock.advance(self._seconds / self._pages)
            await work.progress(page, self._pages)
        raise ReadError("no_text", "The file has no text.")


async def _has_fresh_lease(bench: Bench, paper_id: str) -> bool:
    lease = (await bench.record(paper_id)).lease
    return lease is not None and lease.expires_at > bench.clock.now() + timedelta(seconds=12)
