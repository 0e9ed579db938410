"""What may happen to a paper: each function takes the record as it is and answers the record and events to write.

Nothing here reads a clock, draws a number or touches a store; the caller writes the change, whole or not at all.
The new snapshot is always `apply(old snapshot, event)`, so what is stored cannot differ from what is told.
"""

from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from app.domain.errors import (
    LeaseLostError,
    PaperBusyError,
    PaperNotFoundError,
    PaperNotRunningError,
    WorkerLostError,
)
from app.domain.events import PAPER_EVENT, PaperEvent
from app.domain.lifecycle import ACTIVE, RUNNING, Status, check_transition
from app.domain.model import Value
from app.domain.paper import PRIORITY, Failure, Lease, Output, Paper, PaperRecord
from app.domain.projection import apply
from app.domain.stages import STAGES, StagePlan, progress_of_run

LEASE = timedelta(seconds=15)
MAX_ATTEMPTS = 3
OUTBOX_LIMIT = 200
"""Waiting events of a paper above which progress is no longer told."""


class Change(Value):
    """One write: the record to store and the events to store with it."""

    record: PaperRecord
    events: tuple[PaperEvent, ...] = ()


class Findings(Value):
    """What a finished stage leaves: the outputs now visible, snapshot fields, and the event that lists what was found."""

    outputs: tuple[Output, ...] = ()
    snapshot: dict[str, Any] = Field(default_factory=dict)
    """Fields of `Paper` to set."""
    event_type: str | None = None
    message: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    """The fields of that event type."""


def submit(paper: Paper) -> Change:
    """A new paper; `paper.seq` is 0 and its status `uploaded`. Its first event carries the whole snapshot."""
    everything = {name: getattr(paper, name) for name in Paper.model_fields if name != "seq"}
    return _emit(
        Change(record=PaperRecord(paper=paper)),
        "paper_status",
        f"{paper.filename} was uploaded",
        paper.created_at,
        everything,
        status=Status.UPLOADED,
        previous_status=None,
        progress=0,
    )


def queue(record: PaperRecord, now: datetime, priority: int = PRIORITY) -> Change:
    """Opens the next run. Raises `PaperBusyError` while one is queued or running."""
    _check_exists(record)
    paper = record.paper
    if paper.status in ACTIVE:
        raise PaperBusyError(paper.status)
    reset = record.model_copy(update={"stages_done": (), "priority": priority, "attempts": 0, "last_error": None})
    return _move(
        Change(record=reset),
        Status.QUEUED,
        f"{paper.filename} waits for a worker",
        now,
        run=paper.run + 1,
        progress=0,
        stage=None,
        error=None,
        queued_at=now,
        started_at=None,
        finished_at=None,
    )


def claim(record: PaperRecord, run: int, owner: str, token: str, now: datetime) -> Change:
    """Takes the lease of a queued run, or of one whose lease ended; the third lease lost ends the run `failed` instead.

    Raises `LeaseLostError` when the run is not to be had.
    """
    paper = record.paper
    if record.deleted_at is not None or paper.run != run or paper.status not in ACTIVE:
        raise LeaseLostError
    if record.lease is not None and record.lease.expires_at > now:
        raise LeaseLostError
    if record.attempts >= MAX_ATTEMPTS:
        lost = WorkerLostError(record.attempts)
        return _end(Change(record=record), Status.FAILED, now, Failure(code=lost.code, detail=lost.detail))
    lease = Lease(owner=owner, token=token, expires_at=now + LEASE)
    claimed = Change(record=record.model_copy(update={"lease": lease, "attempts": record.attempts + 1}))
    if paper.status in RUNNING:
        return claimed
    first = STAGES[0]
    return _move(claimed, first.status, f"{paper.filename} is being processed", now, stage=first.name, started_at=now)


def renew(record: PaperRecord, run: int, token: str, now: datetime) -> Change:
    """Moves the end of the lease. Raises `LeaseLostError` when it is no longer this worker's."""
    lease = _held(record, run, token)
    return Change(record=record.model_copy(update={"lease": lease.model_copy(update={"expires_at": now + LEASE})}))


def release(record: PaperRecord, run: int, token: str) -> Change:
    """Gives the lease back unharmed, as a worker does that is told to stop: the attempt does not count."""
    _held(record, run, token)
    return Change(record=record.model_copy(update={"lease": None, "attempts": record.attempts - 1}))


def report_progress(record: PaperRecord, run: int, token: str, stage: StagePlan, percent: int, now: datetime) -> Change:
    """Tells how far the stage is; nothing when that is not above what was told, or the outbox is long."""
    _held(record, run, token)
    done = len(record.stages_done)
    progress = progress_of_run(done, percent)
    if progress <= record.paper.progress or record.waiting > OUTBOX_LIMIT:
        return Change(record=record)
    return _tell_progress(Change(record=record), stage, percent, done, now)


def finish_stage(
    record: PaperRecord, run: int, token: str, stage: StagePlan, findings: Findings, now: datetime
) -> Change:
    """Makes the stage's outputs visible, tells what was found, and goes on to the next stage or to `completed`."""
    _held(record, run, token)
    done = (*record.stages_done, stage.name)
    outputs = {**record.outputs, **dict.fromkeys(findings.outputs, run)}
    change = Change(record=record.model_copy(update={"stages_done": done, "outputs": outputs}))
    if findings.event_type is not None:
        change = _emit(change, findings.event_type, findings.message, now, findings.snapshot, **findings.data)
    change = _tell_progress(change, stage, 100, len(done), now, **({} if findings.event_type else findings.snapshot))
    if len(done) == len(STAGES):
        return _end(change, Status.COMPLETED, now, None)
    following = STAGES[len(done)]
    if following.status == change.record.paper.status:
        return change
    words = following.status.replace("_", " ")
    return _move(change, following.status, f"{record.paper.filename}: {words}", now, stage=following.name)


def fail(record: PaperRecord, run: int, token: str, failure: Failure, now: datetime) -> Change:
    """Ends the run `failed`: trying again would not help."""
    _held(record, run, token)
    return _end(Change(record=record), Status.FAILED, now, failure)


def give_up_attempt(record: PaperRecord, run: int, token: str, failure: Failure, now: datetime) -> Change:
    """The attempt failed but another may not: gives the run back, or ends it `failed` when it was the last one."""
    _held(record, run, token)
    if record.attempts >= MAX_ATTEMPTS:
        return _end(Change(record=record), Status.FAILED, now, failure)
    return Change(record=record.model_copy(update={"lease": None, "last_error": failure}))


def cancel(record: PaperRecord, now: datetime) -> Change:
    """Ends the run `cancelled`; whoever works on it finds its token dead. Raises `PaperNotRunningError`."""
    _check_exists(record)
    if record.paper.status not in ACTIVE:
        raise PaperNotRunningError(record.paper.status)
    return _end(Change(record=record), Status.CANCELLED, now, None)


def delete(record: PaperRecord, now: datetime) -> Change:
    """Makes the record a tombstone. The lease stays on it: until it ends a worker may still write outputs."""
    _check_exists(record)
    tombstone = record.model_copy(update={"deleted_at": now})
    return _emit(Change(record=tombstone), "paper_deleted", f"{record.paper.filename} was deleted", now, {})


def _check_exists(record: PaperRecord) -> None:
    if record.deleted_at is not None:
        raise PaperNotFoundError(record.paper.id)


def _held(record: PaperRecord, run: int, token: str) -> Lease:
    lease = record.lease
    if record.deleted_at is not None or record.paper.run != run or lease is None or lease.token != token:
        raise LeaseLostError
    return lease


def _end(change: Change, status: Status, now: datetime, failure: Failure | None) -> Change:
    paper = change.record.paper
    last = change.record.last_error
    if failure is not None and failure.code == WorkerLostError.code and last is not None:
        failure = last
    if failure is not None:
        failure = failure.model_copy(update={"stage": paper.stage})
    reason = f": {failure.detail}" if failure else ""
    ended = Change(record=change.record.model_copy(update={"lease": None}), events=change.events)
    return _move(ended, status, f"{paper.filename} {status}{reason}", now, stage=None, error=failure, finished_at=now)


def _move(change: Change, status: Status, message: str, now: datetime, **changes: Any) -> Change:
    paper = change.record.paper
    check_transition(paper.status, status)
    return _emit(
        change,
        "paper_status",
        message,
        now,
        {"status": status, **changes},
        status=status,
        previous_status=paper.status,
        progress=changes.get("progress", paper.progress),
    )


def _tell_progress(
    change: Change, stage: StagePlan, percent: int, stages_done: int, now: datetime, **changes: Any
) -> Change:
    finished = stage.name in change.record.stages_done
    progress = progress_of_run(stages_done, 0 if finished else percent)
    at_work = STAGES[min(stages_done, len(STAGES) - 1)].name
    return _emit(
        change,
        "paper_progress",
        f"{change.record.paper.filename}: {stage.name.replace('_', ' ')} {percent} %",
        now,
        {"progress": progress, "stage": at_work, **changes},
        progress=progress,
        stage=stage.name,
        stage_progress=percent,
        stages_completed=stages_done,
        stages_total=len(STAGES),
    )


def _emit(
    change: Change, event_type: str, message: str, now: datetime, changes: dict[str, Any], **fields: Any
) -> Change:
    paper = change.record.paper
    changes = {**changes, "updated_at": now}
    event: PaperEvent = PAPER_EVENT.validate_python(
        {
            "event_type": event_type,
            "timestamp": now,
            "message": message,
            "data": {
                "paper_id": paper.id,
                "seq": paper.seq + 1,
                "run": changes.get("run", paper.run),
                "changes": paper.model_copy(update=changes).model_dump(mode="json", include=set(changes)),
                **fields,
            },
        }
    )
    # A deleted paper folds to nothing; its tombstone keeps the last snapshot, for the file's name and for `seq`.
    after = apply(paper, event) or paper.model_copy(update={"seq": event.data.seq})
    return Change(record=change.record.model_copy(update={"paper": after}), events=(*change.events, event))
