"""What a run makes of a stage that fails, hangs, waits or talks: another attempt, its end, or a moment of patience."""

import asyncio
import errno
from datetime import datetime

import pytest

from app.domain.decisions import MAX_ATTEMPTS, Findings
from app.domain.errors import ReaderCrashedError, ReadError, UnavailableError
from app.domain.lifecycle import Status
from app.domain.paper import Output, PaperRecord
from app.domain.stages import STAGES
from app.services.pipeline import Pipeline, Terms
from app.services.stages import Stage, Work
from tests.support.bench import FULL_RUN, Bench
from tests.support.clock import ManualClock
from tests.support.deadlines import until
from tests.support.log_lines import log_lines

pytestmark = pytest.mark.anyio


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


async def test_a_file_nobody_can_read_fails_at_once_with_its_reason(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    stage = Failing(ReadError("encrypted", "The file is encrypted."))
    await pipeline_of(bench, stage).run(paper_id, 1)
    paper = (await bench.record(paper_id)).paper
    assert paper.error is not None
    assert (stage.calls, paper.status, paper.error.code, paper.error.stage) == (1, "failed", "encrypted", "read")


async def test_a_paper_whose_file_is_lost_says_so_when_its_attempts_run_out(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.side.files.remove(paper_id)
    for _ in range(MAX_ATTEMPTS):
        await bench.services.pipeline.run(paper_id, 1)
    paper = (await bench.record(paper_id)).paper
    assert paper.error is not None
    assert (paper.status, paper.error.code, paper.error.stage) == ("failed", "file_lost", "read")


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


@pytest.mark.parametrize(("error", "told"), [(MemoryError(), True), (ValueError("a bug"), False)])
async def test_a_worker_that_runs_out_of_memory_says_so_with_its_next_sign_of_life(
    bench: Bench, error: Exception, told: bool
) -> None:
    paper_id = await bench.submit_and_queue()
    await pipeline_of(bench, Failing(error)).run(paper_id, 1)
    at = bench.clock.now()
    bench.clock.advance(5)
    await bench.services.heartbeat.beat()
    assert await bench.side.queue.out_of_memory() == ({"first": at} if told else {})


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
    assert "read" in record.paper.error.detail
    assert record.paper.is_dead_letter


async def test_a_run_waits_longer_and_longer_for_a_service_that_is_away_and_goes_on(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    stage = _AwayThenReal(bench.side.stages[0], bench.clock)
    working = asyncio.create_task(pipeline_of(bench, stage).run(paper_id, 1))
    while not working.done():
        await asyncio.sleep(0)
        if len(stage.asked_at) < 4 and bench.clock.sleepers == 2:  # the lease's renewal, and the pause
            bench.clock.advance(0.1)
    assert await bench.statuses(paper_id) == FULL_RUN
    first, second, third, last = stage.asked_at
    assert third - second > 1.5 * (second - first)
    assert last - third > 1.5 * (third - second)


async def test_a_run_that_cannot_be_claimed_while_the_store_is_away_is_told_and_waits_for_its_next_hint(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def get(_: str) -> PaperRecord:
        raise UnavailableError("The store is away, as this test wants it.")

    paper_id = await bench.submit_and_queue()
    monkeypatch.setattr(bench.store, "get", get)
    with log_lines() as lines:
        await bench.services.pipeline.run(paper_id, 1)
    assert [(line["level"], line["paper"]) for line in lines.all] == [("WARNING", paper_id)]
    monkeypatch.undo()
    assert (await bench.record(paper_id)).attempts == 0
    await bench.services.pipeline.run(paper_id, 1)
    assert await bench.statuses(paper_id) == FULL_RUN


async def test_outputs_of_an_earlier_run_go_although_the_store_is_away_when_the_run_has_ended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    prune = bench.store.prune_outputs
    asked = 0

    async def prune_outputs(paper_id: str, keep: dict[Output, int]) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise UnavailableError("The store is away, as this test wants it.")
        await prune(paper_id, keep)

    paper_id = await bench.submit_and_queue()
    await bench.services.pipeline.run(paper_id, 1)
    await bench.services.papers.process(paper_id)
    monkeypatch.setattr(bench.store, "prune_outputs", prune_outputs)
    with log_lines() as lines:
        working = asyncio.create_task(bench.services.pipeline.run(paper_id, 2))
        while not working.done():
            await asyncio.sleep(0.001)
            if asked == 1:  # it pauses; while stages work, a lease would end on a busy machine
                bench.clock.advance(0.1)
    assert lines.all[-1]["message"] == "the run waits: The store is away, as this test wants it."
    assert await bench.store.get_output(paper_id, 1, Output.ENTITIES) is None
    assert await bench.store.get_output(paper_id, 2, Output.ENTITIES) is not None


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


class _AwayThenReal(Stage):
    """A stage whose service is away three times."""

    plan = STAGES[0]

    def __init__(self, real: Stage, clock: ManualClock) -> None:
        self._real = real
        self._clock = clock
        self.asked_at: list[datetime] = []

    async def work(self, work: Work) -> Findings:
        self.asked_at.append(self._clock.now())
        if len(self.asked_at) <= 3:
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


async def _done_within(bench: Bench, working: asyncio.Task[None]) -> bool:
    """Moves time on a little; whether the work has ended."""
    bench.clock.advance(0.5)
    return working.done()
