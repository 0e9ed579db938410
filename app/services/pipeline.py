"""Works on one run: claims it, renews the lease, goes through its stages, and gives way when it has lost it."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar
from uuid import uuid4

import anyio
from anyio.abc import TaskGroup
from opentelemetry.trace import SpanKind

from app.domain import decisions
from app.domain.decisions import Change, Findings
from app.domain.errors import (
    ContendedError,
    FileLostError,
    LeaseLostError,
    PaperNotFoundError,
    PaperProcessingError,
    ReadError,
    RetryableError,
    StageTimedOutError,
    UnavailableError,
    WorkerOutOfMemoryError,
)
from app.domain.model import Value
from app.domain.paper import Failure, PaperRecord
from app.domain.stages import Load
from app.logs import about
from app.ports import Clock, PaperStore
from app.services.stages import Stage, Work
from app.services.writer import Writer
from app.tracing import part, step

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Ending = Callable[[PaperRecord, int, str, Failure, datetime], Change]

RENEW_SECONDS = 5.0
RELEASE_SECONDS = 2.0
"""So long does a worker that stops try to give its run back: under a store that stands still the lease ends by itself."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0


class Hold(Value):
    """The right to work on a run."""

    paper_id: str
    run: int
    token: str


class Terms(Value):
    """What one worker takes on."""

    serves: frozenset[Load] = frozenset(Load)
    stage_seconds: float = 900
    """How long a stage may work, without the time it waits for a service that is away."""


class Pipeline:
    """Any number of workers may be told of the same run; one holds its lease, and only that one's writes count."""

    def __init__(
        self,
        store: PaperStore,
        writer: Writer,
        stages: Sequence[Stage],
        clock: Clock,
        owner: str,
        clear_up: Callable[[str], Awaitable[None]],
        on_given_back: Callable[[], None],
        on_out_of_memory: Callable[[], None],
        terms: Terms,
    ) -> None:
        """`clear_up` removes what was written of a paper that is deleted."""
        self._store = store
        self._writer = writer
        self._stages = stages
        self._clock = clock
        self._owner = owner
        self._clear_up = clear_up
        self._on_given_back = on_given_back
        self._on_out_of_memory = on_out_of_memory
        self._terms = terms
        self.active = 0
        """Runs this pipeline works on."""

    async def run(self, paper_id: str, run: int) -> None:
        """Works on the run until it ends or is lost. Claiming what is not to be had does nothing."""
        with about(paper=paper_id, run=run), step("run", paper_id, run, kind=SpanKind.CONSUMER):
            await self._run(paper_id, run)

    async def _run(self, paper_id: str, run: int) -> None:
        hold = Hold(paper_id=paper_id, run=run, token=uuid4().hex)
        record = await self._claim(hold)
        if record is None:
            return
        self.active += 1
        kept = False
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._renew, hold, tasks)
                kept = await self._work(hold, record)
                tasks.cancel_scope.cancel()
            if not kept:  # if the paper is gone, the last sweep may have been before this worker's last output
                await self._when_available(lambda: self._clear_up(paper_id))
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(RELEASE_SECONDS, shield=True):
                await self._release(hold)
            raise
        finally:
            self.active -= 1

    async def _claim(self, hold: Hold) -> PaperRecord | None:
        now = self._clock.now()
        try:
            change = await self._writer.write(
                hold.paper_id, lambda record: decisions.claim(record, hold.run, self._owner, hold.token, now)
            )
        except (LeaseLostError, PaperNotFoundError, ContendedError) as error:
            logger.info("the run is not to be had: %s", error.detail)
            return None
        except UnavailableError as error:
            logger.warning("the run is not claimed, and gets another hint: %s", error.detail)
            return None
        lease = change.record.lease
        if lease is None or lease.token != hold.token:
            self._tell_end(change.record)
            return None
        logger.info("the run is claimed, attempt %d", change.record.attempts)
        return change.record

    async def _renew(self, hold: Hold, tasks: TaskGroup) -> None:
        while True:
            await self._clock.sleep(RENEW_SECONDS)
            try:
                await self._write(hold, decisions.renew, self._clock.now())
            except (LeaseLostError, PaperNotFoundError):
                tasks.cancel_scope.cancel()
                return
            except (UnavailableError, ContendedError) as error:
                logger.warning("the lease was not renewed: %s", error.detail)

    async def _work(self, hold: Hold, record: PaperRecord) -> bool:
        """All stages that are left; False when the run moved on meanwhile."""
        try:
            while len(record.stages_done) < len(self._stages):
                stage = self._stages[len(record.stages_done)]
                if stage.plan.load not in self._terms.serves:
                    await self._hand_over(hold, stage)
                    return True
                began = self._clock.now()
                with about(stage=stage.plan.name), part(f"stage {stage.plan.name}", hold.paper_id):
                    record = await self._finish(hold, stage, record)
                    logger.info("the stage is done in %.2f s", (self._clock.now() - began).total_seconds())
            self._tell_end(record)
            outputs = record.outputs
            await self._when_available(lambda: self._store.prune_outputs(hold.paper_id, keep=outputs))
        except (LeaseLostError, PaperNotFoundError):
            logger.info("the run moved on without this worker")
            return False
        except ReadError as error:
            return await self._end(hold, decisions.fail, error)
        except (RetryableError, FileLostError) as error:
            return await self._end(hold, decisions.give_up_attempt, error)
        except Exception as error:
            if WorkerOutOfMemoryError.explains(error):
                self._on_out_of_memory()
                return await self._end(hold, decisions.give_up_attempt, WorkerOutOfMemoryError())
            unforeseen = PaperProcessingError("Something unforeseen went wrong in the service; its log tells more.")
            # A paper deleted under its worker loses its file and outputs: then nothing is wrong.
            if not await self._end(hold, decisions.give_up_attempt, unforeseen):
                return False
            logger.exception("an unexpected error")
        return True

    async def _finish(self, hold: Hold, stage: Stage, record: PaperRecord) -> PaperRecord:
        """One stage, and the write that ends it."""

        async def report(percent: int) -> None:
            await self._write(hold, decisions.report_progress, stage.plan, percent, self._clock.now())

        async def attempt() -> PaperRecord:
            findings = await self._within_limit(stage, Work(record.paper, self._store, self._clock, report))
            change = await self._write(hold, decisions.finish_stage, stage.plan, findings, self._clock.now())
            return change.record

        return await self._when_available(attempt)

    async def _within_limit(self, stage: Stage, work: Work) -> Findings:
        """What the stage finds. Raises `StageTimedOutError` when it takes too long."""
        findings: Findings | None = None
        failure: Exception | None = None

        async def limit() -> None:
            await self._clock.sleep(self._terms.stage_seconds)
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(limit)
            try:
                findings = await stage.work(work)
            except Exception as error:  # noqa: BLE001  # a task group would wrap it
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        if findings is None:
            raise StageTimedOutError(stage.plan.name, self._terms.stage_seconds)
        return findings

    async def _hand_over(self, hold: Hold, stage: Stage) -> None:
        """Gives the run back for a worker that serves the stage's load; the attempt does not count."""
        await self._when_available(lambda: self._write(hold, decisions.release))
        self._on_given_back()
        logger.info("the run is given back: its stage %s is %s", stage.plan.name, stage.plan.load)

    async def _end(self, hold: Hold, decide: Ending, error: PaperProcessingError) -> bool:
        """The write that ends the attempt; False when the run had moved on."""
        failure = Failure(code=error.code, detail=error.detail)

        async def write() -> Change:
            return await self._write(hold, decide, failure, self._clock.now())

        try:
            change = await self._when_available(write)
        except (LeaseLostError, PaperNotFoundError):
            logger.info("the run ended without this worker")
            return False
        if change.events:
            self._tell_end(change.record)
        else:
            logger.warning("attempt %d failed, another follows: %s", change.record.attempts, error.detail)
        return True

    async def _release(self, hold: Hold) -> None:
        try:
            await self._write(hold, decisions.release)
        except PaperProcessingError as error:
            logger.info("the lease was not given back: %s", error.detail)

    async def _write(
        self,
        hold: Hold,
        decide: Callable[Concatenate[PaperRecord, int, str, P], Change],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Change:
        """A write that names the run and the token: it loses if either moved on."""
        return await self._writer.write(
            hold.paper_id, lambda record: decide(record, hold.run, hold.token, *args, **kwargs)
        )

    async def _when_available(self, action: Callable[[], Awaitable[T]]) -> T:
        """Does it, again and again while a backing service is away; the lease is renewed meanwhile."""
        pause = FIRST_PAUSE
        while True:
            try:
                return await action()
            except (UnavailableError, ContendedError) as error:
                logger.warning("the run waits: %s", error.detail)
                await self._clock.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _tell_end(self, record: PaperRecord) -> None:
        paper = record.paper
        taken = (
            ""
            if paper.queued_at is None
            else f", {(self._clock.now() - paper.queued_at).total_seconds():.2f} s after it was queued"
        )
        reason = "" if paper.error is None else f" in the stage {paper.error.stage}: {paper.error.detail}"
        logger.info("the run is %s%s%s", paper.status, taken, reason)
