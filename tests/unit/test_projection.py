"""The fold: whoever holds a snapshot and applies the events after it holds what the service holds."""

import json
from datetime import UTC, datetime, timedelta
from functools import reduce
from inspect import getmembers, isfunction

import pytest

from app.domain import decisions
from app.domain.decisions import LEASE, MAX_ATTEMPTS, Change, Findings
from app.domain.events import PAPER_EVENT, PaperEvent
from app.domain.lifecycle import Status
from app.domain.paper import Counts, Failure, Output, Paper, PaperRecord
from app.domain.projection import apply
from app.domain.stages import ENTITIES, READ, RELATIONSHIPS, STAGES

NOW = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
BROKEN = Failure(code="no_text", detail="The file has no text.")
COUNTS = Counts(pages=3, sections=2, references=1, entities=1, mentions=4)

FOUND = {
    READ.name: Findings(snapshot={"counts": Counts(pages=3), "title": "Ünïcode — “title”", "authors": ("A", "B")}),
    ENTITIES.name: Findings(
        outputs=(Output.ENTITIES,),
        snapshot={"counts": COUNTS},
        event_type="entity_extraction",
        message="1 entity",
        data={
            "count": 1,
            "types": {"task": 1},
            "entities": [{"key": "task:x", "name": "x", "type": "task", "mentions": 4}],
        },
    ),
    RELATIONSHIPS.name: Findings(
        snapshot={"counts": COUNTS.model_copy(update={"relationships": 1})},
        event_type="relationship_extraction",
        message="1 relationship",
        data={
            "count": 1,
            "types": {"used_for": 1},
            "relationships": [{"source": "method:y", "target": "task:x", "type": "used_for"}],
        },
    ),
}


class History:
    """A paper and all that was told of it, as JSON; each decision comes a little later than the one before."""

    def __init__(self) -> None:
        self.now = NOW
        self.told: list[str] = []
        self.record: PaperRecord
        paper = Paper(
            id="p1",
            filename="a.pdf",
            content_type="application/pdf",
            size=9,
            sha256="ab",
            status=Status.UPLOADED,
            seq=0,
            created_at=NOW,
            updated_at=NOW,
        )
        self.then(decisions.submit(paper))

    def then(self, change: Change) -> "History":
        self.record = change.record
        self.told += [event.model_dump_json() for event in change.events]
        self.now += timedelta(milliseconds=1500)
        return self

    def queue(self) -> "History":
        return self.then(decisions.queue(self.record, self.now))

    def claim(self) -> "History":
        return self.then(decisions.claim(self.record, self.record.paper.run, "w", "t", self.now))

    def start(self) -> "History":
        return self.queue().claim()

    def finish(self, stages: int) -> "History":
        for _ in range(stages):
            stage = STAGES[len(self.record.stages_done)]
            findings = FOUND.get(stage.name, Findings())
            self.then(decisions.finish_stage(self.record, self.record.paper.run, "t", stage, findings, self.now))
        return self

    def lose_lease(self) -> "History":
        self.now += LEASE * 2
        return self.claim()

    def give_up(self) -> "History":
        return self.then(decisions.give_up_attempt(self.record, self.record.paper.run, "t", BROKEN, self.now))

    def events(self) -> list[PaperEvent]:
        return [PAPER_EVENT.validate_json(text) for text in self.told]


def give_up_three_times(history: History) -> History:
    history.start().give_up()
    for _ in range(MAX_ATTEMPTS - 1):
        history.claim().give_up()
    return history


def fold(events: list[PaperEvent]) -> Paper | None:
    start: Paper | None = None
    return reduce(apply, events, start)


def decide(name: str) -> History:
    """A history in which that decision was the last."""
    history = History()
    record = history.record
    match name:
        case "submit":
            return history
        case "queue":
            return history.queue()
        case "claim":
            return history.start()
        case "renew":
            record = history.start().record
            return history.then(decisions.renew(record, 1, "t", history.now))
        case "release":
            record = history.start().record
            return history.then(decisions.release(record, 1, "t"))
        case "report_progress":
            record = history.start().record
            return history.then(decisions.report_progress(record, 1, "t", READ, 50, history.now))
        case "finish_stage":
            return history.start().finish(len(STAGES))
        case "fail":
            record = history.start().finish(3).record
            return history.then(decisions.fail(record, 1, "t", BROKEN, history.now))
        case "give_up_attempt":
            return give_up_three_times(history)
        case "cancel":
            record = history.start().finish(4).record
            return history.then(decisions.cancel(record, history.now))
        case "delete":
            record = history.start().finish(2).record
            return history.then(decisions.delete(record, history.now))
    raise AssertionError(f"say here how a paper gets to {name!r}")


ALL_DECISIONS = [
    name
    for name, function in getmembers(decisions, isfunction)
    # In a mutation run each function has copies beside it, named x_…
    if function.__module__ == decisions.__name__ and not name.startswith(("_", "x_"))
]


# -- the fold and what is stored


@pytest.mark.parametrize("name", ALL_DECISIONS)
def test_the_events_fold_to_what_is_stored(name: str) -> None:
    history = decide(name)
    stored = None if history.record.deleted_at else history.record.paper
    folded = fold(history.events())
    assert folded == stored
    if folded is not None and stored is not None:
        assert folded.model_dump_json() == stored.model_dump_json()


@pytest.mark.parametrize("name", ALL_DECISIONS)
def test_each_event_is_numbered_one_above_the_last(name: str) -> None:
    history = decide(name)
    assert [event.data.seq for event in history.events()] == list(range(1, history.record.paper.seq + 1))


@pytest.mark.parametrize("stages", range(len(STAGES) + 1))
def test_they_fold_alike_after_each_stage(stages: int) -> None:
    history = History().start().finish(stages)
    assert fold(history.events()) == history.record.paper


def test_a_second_run_folds_over_the_first() -> None:
    history = History().start().finish(len(STAGES)).start().finish(4)
    assert history.record.paper.run == 2
    assert fold(history.events()) == history.record.paper


def test_a_run_after_a_failed_one_forgets_why_it_failed() -> None:
    history = give_up_three_times(History())
    assert history.record.paper.error is not None
    history.queue()
    folded = fold(history.events())
    assert folded == history.record.paper
    assert folded is not None
    assert folded.error is None


def test_a_lost_worker_folds_too() -> None:
    history = History().start().lose_lease().lose_lease().lose_lease()
    assert history.record.paper.status == Status.FAILED
    assert fold(history.events()) == history.record.paper


def test_a_client_that_merges_plain_json_holds_the_same() -> None:
    """What docs/events.md tells clients to do, with no model at all."""
    history = History().start().finish(len(STAGES)).queue()
    snapshot: dict[str, object] = {}
    for event in map(json.loads, history.told):
        snapshot |= {**event["data"]["changes"], "seq": event["data"]["seq"]}
    assert snapshot == history.record.paper.model_dump(mode="json")


# -- the fold itself


def test_an_event_that_was_applied_already_changes_nothing() -> None:
    history = History().start().finish(len(STAGES))
    for event in history.events():
        assert apply(history.record.paper, event) is history.record.paper


def test_from_any_snapshot_on_all_events_fold_to_the_same() -> None:
    events = History().start().finish(len(STAGES)).events()
    whole = fold(events)
    for number in range(1, len(events) + 1):
        snapshot = fold(events[:number])
        assert reduce(apply, events, snapshot) == whole


def test_a_deleted_paper_is_none() -> None:
    events = decide("delete").events()
    assert fold(events[:-1]) is not None
    assert fold(events) is None


def test_a_snapshot_of_later_outlives_an_old_deletion() -> None:
    """As every event does, a deletion counts only above the snapshot's `seq`."""
    deletion = decide("delete").events()[-1]
    snapshot = History().record.paper.model_copy(update={"seq": deletion.data.seq})
    assert apply(snapshot, deletion) is snapshot


@pytest.mark.parametrize("seq", range(2, 5))
def test_a_fold_does_not_start_in_the_middle(seq: int) -> None:
    event = History().start().finish(1).events()[seq - 1]
    assert event.data.seq == seq
    with pytest.raises(ValueError, match="no snapshot to go on"):
        apply(None, event)


def test_a_field_nobody_knows_is_refused() -> None:
    event = History().queue().events()[-1]
    strange = event.model_copy(update={"data": event.data.model_copy(update={"changes": {"colour": "red"}})})
    with pytest.raises(ValueError, match="colour"):
        apply(History().record.paper, strange)
