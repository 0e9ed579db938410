"""What each decision tells: numbers, stages and sentences, word for word."""

from datetime import timedelta
from itertools import accumulate

import pytest

from app.domain import decisions
from app.domain.decisions import LEASE, MAX_ATTEMPTS, OUTBOX_LIMIT, Findings
from app.domain.errors import (
    ContendedError,
    EmptyFileError,
    InvalidCursorError,
    InvalidPositionError,
    LeaseLostError,
    MissingFileError,
    PaperGoneError,
    PaperNotFoundError,
    PaperProcessingError,
    UnsupportedTypeError,
)
from app.domain.events import EntityExtractionEvent, PaperEvent, PaperProgressEvent, PaperStatusEvent
from app.domain.lifecycle import Status
from app.domain.model import to_milliseconds
from app.domain.paper import Lease, Output, Paper, PaperRecord
from app.domain.stages import ENTITIES, READ, STAGES, STRUCTURE, StagePlan, progress_of_run
from tests.unit.test_projection import BROKEN, FOUND, History, decide

DONE = list(accumulate(stage.weight for stage in STAGES))
"""The run's progress after each stage."""


def last_progress(history: History) -> PaperProgressEvent:
    return next(event for event in reversed(history.events()) if isinstance(event, PaperProgressEvent))


def report(history: History, stage: StagePlan, percent: int) -> tuple[PaperEvent, ...]:
    return decisions.report_progress(history.record, 1, "t", stage, percent, history.now).events


def waiting(history: History, events: int) -> PaperRecord:
    return history.record.model_copy(update={"waiting": events})


# -- progress


def test_the_shares_of_the_stages_make_up_the_run() -> None:
    assert DONE[-1] == 100
    assert [progress_of_run(number) for number in range(len(STAGES) + 1)] == [0, *DONE]
    assert [progress_of_run(0, percent) for percent in (0, 1, 50, 99, 100)] == [0, 0, 20, 39, 40]
    assert progress_of_run(1, 100) == DONE[1]
    assert progress_of_run(len(STAGES), 50) == 100


@pytest.mark.parametrize("number", range(len(STAGES)), ids=lambda number: STAGES[number].name)
def test_a_stage_that_ends_tells_the_shares_done_and_which_stage_is_next(number: int) -> None:
    event = last_progress(History().start().finish(number + 1))
    following = STAGES[min(number + 1, len(STAGES) - 1)]
    assert (event.data.stage, event.data.stage_progress) == (STAGES[number].name, 100)
    assert (event.data.stages_completed, event.data.stages_total) == (number + 1, len(STAGES))
    assert event.data.progress == event.data.changes["progress"] == DONE[number]
    assert event.data.changes["stage"] == following.name
    assert event.message == f"a.pdf: {STAGES[number].name.replace('_', ' ')} 100 %"


def test_a_stage_at_work_tells_its_part_of_its_share() -> None:
    (event,) = report(History().start().finish(1), STRUCTURE, 60)
    assert isinstance(event, PaperProgressEvent)
    assert (event.data.progress, event.data.stage_progress) == (43, 60)
    assert (event.data.stage, event.data.changes["stage"]) == ("structure", "structure")
    assert event.data.stages_completed == 1
    assert event.message == "a.pdf: structure 60 %"


def test_progress_is_told_only_above_what_was_told() -> None:
    history = History().start()
    history.then(decisions.report_progress(history.record, 1, "t", READ, 50, history.now))
    assert [len(report(history, READ, percent)) for percent in (49, 50, 52, 53)] == [0, 0, 0, 1]


@pytest.mark.parametrize(("events", "told"), [(0, 1), (OUTBOX_LIMIT, 1), (OUTBOX_LIMIT + 1, 0)])
def test_progress_is_skipped_while_more_than_200_events_wait(events: int, told: int) -> None:
    history = History().start()
    assert len(decisions.report_progress(waiting(history, events), 1, "t", READ, 50, history.now).events) == told


def test_the_end_of_a_stage_is_told_however_many_events_wait() -> None:
    history = History().start()
    change = decisions.finish_stage(waiting(history, 10_000), 1, "t", READ, Findings(), history.now)
    assert [event.event_type for event in change.events] == ["paper_progress"]


# -- what a stage found


def test_what_a_stage_found_is_told_once_with_its_event_or_with_its_progress() -> None:
    history = History().start().finish(len(STAGES))
    telling = {
        name: [event.event_type for event in history.events() if name in event.data.changes]
        for name in ("title", "counts")
    }
    assert telling["title"] == ["paper_status", "paper_progress"], "the upload tells the whole snapshot"
    assert telling["counts"] == ["paper_status", "paper_progress", "entity_extraction", "relationship_extraction"]
    assert history.record.paper.title == FOUND[READ.name].snapshot["title"]


def test_outputs_become_visible_with_the_run_that_made_them() -> None:
    history = History().start().finish(len(STAGES)).start()
    assert history.record.outputs == {Output.ENTITIES: 1}
    assert history.finish(4).record.outputs == {Output.ENTITIES: 2}
    found = next(event for event in reversed(history.events()) if isinstance(event, EntityExtractionEvent))
    assert (found.data.run, found.data.count, found.message) == (2, 1, "1 entity")


# -- statuses


@pytest.mark.parametrize("number", range(1, len(STAGES)), ids=lambda number: STAGES[number].name)
def test_a_stage_that_ends_leads_to_the_status_of_the_next(number: int) -> None:
    history = History().start().finish(number)
    assert (history.record.paper.status, history.record.paper.stage) == (STAGES[number].status, STAGES[number].name)
    if STAGES[number].status != STAGES[number - 1].status:
        event = history.events()[-1]
        assert isinstance(event, PaperStatusEvent)
        assert event.data.changes["stage"] == STAGES[number].name
        assert event.message == f"a.pdf: {STAGES[number].status.value.replace('_', ' ')}"
        assert event.data.progress == DONE[number - 1], "a status tells the progress so far"


def test_people_read_what_happens_in_sentences() -> None:
    history = History().start().finish(len(STAGES)).queue()
    history.then(decisions.cancel(history.record, history.now)).then(decisions.delete(history.record, history.now))
    told = [event.message for event in history.events() if not isinstance(event, PaperProgressEvent)]
    assert told == [
        "a.pdf was uploaded",
        "a.pdf waits for a worker",
        "a.pdf is being processed",
        "a.pdf: extracting entities",
        "1 entity",
        "a.pdf: extracting relationships",
        "1 relationship",
        "a.pdf: building knowledge graph",
        "a.pdf completed",
        "a.pdf waits for a worker",
        "a.pdf cancelled",
        "a.pdf was deleted",
    ]


def test_why_a_run_failed_is_told_to_people_and_to_programs() -> None:
    history = History().start().finish(3)
    event = history.then(decisions.fail(history.record, 1, "t", BROKEN, history.now)).events()[-1]
    assert event.message == "a.pdf failed: The file has no text."
    assert history.record.paper.error == BROKEN.model_copy(update={"stage": ENTITIES.name})


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("submit", set(Paper.model_fields) - {"seq"}),
        (
            "queue",
            {"status", "run", "progress", "stage", "error", "queued_at", "started_at", "finished_at", "updated_at"},
        ),
        ("claim", {"status", "stage", "started_at", "updated_at"}),
        ("report_progress", {"progress", "stage", "updated_at"}),
        ("finish_stage", {"status", "stage", "error", "finished_at", "updated_at"}),
        ("fail", {"status", "stage", "error", "finished_at", "updated_at"}),
        ("cancel", {"status", "stage", "error", "finished_at", "updated_at"}),
        ("delete", {"updated_at"}),
    ],
)
def test_an_event_carries_the_fields_it_sets_and_no_others(name: str, fields: set[str]) -> None:
    assert set(decide(name).events()[-1].data.changes) == fields


def test_the_first_event_says_that_there_was_no_status_before() -> None:
    event = History().events()[0]
    assert isinstance(event, PaperStatusEvent)
    assert (event.data.previous_status, event.data.status, event.data.progress) == (None, "uploaded", 0)
    assert event.data.run == 0


def test_a_new_run_begins_from_nothing() -> None:
    history = History().start().finish(3).give_up()
    for _ in range(MAX_ATTEMPTS - 1):
        history.claim().give_up()
    assert history.record.paper.progress == DONE[2]
    event, paper = history.queue().events()[-1], history.record.paper
    assert isinstance(event, PaperStatusEvent)
    assert (event.data.previous_status, event.data.progress, event.data.run) == ("failed", 0, 2)
    assert (paper.progress, paper.stage, paper.error, paper.run) == (0, None, None, 2)
    assert (paper.started_at, paper.finished_at) == (None, None)
    kept = history.record
    assert (kept.stages_done, kept.lease, kept.attempts, kept.last_error) == ((), None, 0, None)


def test_a_run_that_is_queued_again_in_the_middle_of_its_way_begins_at_its_first_stage() -> None:
    history = History().start().finish(3)
    history.then(decisions.cancel(history.record, history.now)).queue()
    assert (history.record.stages_done, history.record.paper.progress) == ((), 0)


def test_the_times_of_a_run_are_those_of_its_decisions() -> None:
    history, times = History(), {}
    for field, step in [("queued_at", history.queue), ("started_at", history.claim)]:
        times[field] = to_milliseconds(history.now)
        step()
    history.finish(len(STAGES) - 1)
    times["finished_at"] = times["updated_at"] = to_milliseconds(history.now)
    paper = history.finish(1).record.paper
    assert {field: getattr(paper, field) for field in times} == times


def test_a_deleted_paper_is_refused_by_its_id() -> None:
    history = decide("delete")
    for decision in (decisions.queue, decisions.cancel, decisions.delete):
        with pytest.raises(PaperNotFoundError, match="'p1'"):
            decision(history.record, history.now)


# -- attempts


def test_a_lease_may_be_taken_at_the_very_moment_it_ends() -> None:
    history = History().start()
    lease = history.record.lease
    assert lease is not None
    with pytest.raises(LeaseLostError):
        decisions.claim(history.record, 1, "other", "t2", lease.expires_at - timedelta(milliseconds=1))
    taken = decisions.claim(history.record, 1, "other", "t2", lease.expires_at).record.lease
    assert taken == Lease(owner="other", token="t2", expires_at=lease.expires_at + LEASE)


def test_a_run_whose_workers_are_lost_tells_what_ended_the_last_attempt_that_said_why() -> None:
    history = History().start().give_up()
    for _ in range(MAX_ATTEMPTS):
        history.lose_lease()
    assert history.record.paper.status == Status.FAILED
    assert history.record.paper.error == BROKEN.model_copy(update={"stage": READ.name})


def test_a_run_whose_workers_are_lost_without_a_word_says_so() -> None:
    history = History().start()
    for _ in range(MAX_ATTEMPTS):
        history.lose_lease()
    assert history.record.paper.error is not None
    assert history.record.paper.error.code == "worker_lost"
    assert str(MAX_ATTEMPTS) in history.record.paper.error.detail


def test_the_last_attempt_tells_its_own_reason_and_not_an_earlier_one() -> None:
    history = History().start().give_up()
    other = BROKEN.model_copy(update={"code": "reader_crashed", "detail": "The reader crashed."})
    history.claim()
    history.then(decisions.fail(history.record, 1, "t", other, history.now))
    assert history.record.paper.error is not None
    assert history.record.paper.error.code == "reader_crashed"


def test_a_lease_that_is_given_back_may_be_taken_at_once_and_the_attempt_does_not_count() -> None:
    history = History().start()
    before = history.record
    change = decisions.release(before, 1, "t")
    assert change.events == ()
    assert change.record == before.model_copy(update={"lease": None, "attempts": 0})
    taken = decisions.claim(change.record, 1, "other", "t2", history.now).record
    assert (taken.attempts, taken.lease and taken.lease.owner) == (1, "other")


# -- refusals


@pytest.mark.parametrize(
    "error",
    [
        ContendedError(),
        EmptyFileError(),
        InvalidCursorError(),
        InvalidPositionError(),
        LeaseLostError(),
        MissingFileError(),
        UnsupportedTypeError(),
    ],
    ids=lambda error: error.code,
)
def test_a_refusal_is_a_sentence(error: PaperProcessingError) -> None:
    assert error.detail.endswith(".")
    assert error.detail[0].isupper()
    assert str(error) == error.detail


def test_a_deleted_paper_of_which_all_is_told_says_so() -> None:
    assert PaperGoneError("p1").told
    assert not PaperGoneError("p1", told=False).told
