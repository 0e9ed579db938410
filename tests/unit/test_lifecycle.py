"""Every way between two statuses, legal and not: 9 × 9, written out here and held against the domain's table."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from app.domain import decisions
from app.domain.decisions import LEASE, MAX_ATTEMPTS, Change, Findings
from app.domain.errors import (
    IllegalTransitionError,
    LeaseLostError,
    PaperBusyError,
    PaperNotRunningError,
    PaperProcessingError,
)
from app.domain.events import PaperStatusEvent
from app.domain.lifecycle import ACTIVE, RUNNING, TERMINAL, TRANSITIONS, Status, check_transition
from app.domain.paper import Failure, Lease, Paper, PaperRecord
from app.domain.stages import STAGES

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
BROKEN = Failure(code="unreadable", detail="The file cannot be read.")

# A row is where the paper stands; the columns are in the same order. Each letter is the decision that makes the way:
# q queue, w claim by a worker, s a stage that finishes, f fail, c cancel.
WAYS = """
                          uploaded queued processing entities relationships graph completed failed cancelled
uploaded                     .       q        .         .           .         .       .        .        .
queued                       .       .        w         .           .         .       .        .        c
processing                   .       .        .         s           .         .       .        f        c
extracting_entities          .       .        .         .           s         .       .        f        c
extracting_relationships     .       .        .         .           .         s       .        f        c
building_knowledge_graph     .       .        .         .           .         .       s        f        c
completed                    .       q        .         .           .         .       .        .        .
failed                       .       q        .         .           .         .       .        .        .
cancelled                    .       q        .         .           .         .       .        .        .
"""


def _read(table: str) -> dict[tuple[Status, Status], str]:
    rows = [line.split() for line in table.strip().splitlines()[1:]]
    order = [Status(row[0]) for row in rows]
    return {
        (before, after): letter
        for before, row in zip(order, rows, strict=True)
        for after, letter in zip(order, row[1:], strict=True)
    }


ALL = _read(WAYS)
LEGAL = {way: letter for way, letter in ALL.items() if letter != "."}
ILLEGAL = [way for way, letter in ALL.items() if letter == "."]


def name_of(way: tuple[Status, Status]) -> str:
    return f"{way[0]}-to-{way[1]}"


def standing_at(status: Status) -> PaperRecord:
    """A record of a paper in that status, with the lease and the stages that go with it."""
    run = 0 if status == Status.UPLOADED else 1
    names = [stage.name for stage in STAGES]
    at_work = [number for number, stage in enumerate(STAGES) if stage.status == status]
    paper = Paper(
        id="p1",
        filename="a.txt",
        content_type="text/plain",
        size=1,
        sha256="0",
        status=status,
        run=run,
        seq=5,
        stage=names[at_work[-1]] if at_work else None,
        created_at=NOW,
        updated_at=NOW,
    )
    lease = Lease(owner="w", token="t", expires_at=NOW + LEASE) if status in RUNNING else None
    return PaperRecord(
        paper=paper,
        lease=lease,
        attempts=int(lease is not None),
        stages_done=tuple(names[: at_work[-1]] if at_work else ()),
    )


def finish(record: PaperRecord) -> Change:
    stage = STAGES[len(record.stages_done)]
    return decisions.finish_stage(record, record.paper.run, "t", stage, Findings(), NOW)


DECISIONS: dict[str, Callable[[PaperRecord], Change]] = {
    "q": lambda record: decisions.queue(record, NOW),
    "w": lambda record: decisions.claim(record, record.paper.run, "w", "t", NOW),
    "s": finish,
    "f": lambda record: decisions.fail(record, record.paper.run, "t", BROKEN, NOW),
    "c": lambda record: decisions.cancel(record, NOW),
}
REFUSALS: dict[str, type[PaperProcessingError]] = {
    "q": PaperBusyError,
    "w": LeaseLostError,
    "s": LeaseLostError,
    "f": LeaseLostError,
    "c": PaperNotRunningError,
}


# -- the table


def test_the_table_here_has_every_pair() -> None:
    assert set(ALL) == set(product(Status, Status))


@pytest.mark.parametrize("way", LEGAL, ids=name_of)
def test_a_paper_may_go(way: tuple[Status, Status]) -> None:
    check_transition(*way)


@pytest.mark.parametrize("way", ILLEGAL, ids=name_of)
def test_a_paper_may_not_go(way: tuple[Status, Status]) -> None:
    with pytest.raises(IllegalTransitionError, match=f"from {way[0]} to {way[1]}"):
        check_transition(*way)


def test_the_table_of_the_domain_names_every_status() -> None:
    assert set(TRANSITIONS) == set(Status)


def test_a_status_is_either_at_rest_or_active() -> None:
    assert TERMINAL | ACTIVE | {Status.UPLOADED} == set(Status)
    assert not TERMINAL & ACTIVE
    assert RUNNING < ACTIVE


# -- the decisions that go these ways


@pytest.mark.parametrize("way", LEGAL, ids=name_of)
def test_the_decision_that_goes(way: tuple[Status, Status]) -> None:
    before, after = way
    change = DECISIONS[LEGAL[way]](standing_at(before))
    told = [event for event in change.events if isinstance(event, PaperStatusEvent)]
    assert change.record.paper.status == after
    assert [(event.data.previous_status, event.data.status) for event in told] == [(before, after)]
    assert change.events[-1] == told[0], "what is told last is where the paper stands"
    assert (change.record.lease is None) is (after not in RUNNING)


@pytest.mark.parametrize("way", ILLEGAL, ids=name_of)
def test_no_decision_goes(way: tuple[Status, Status]) -> None:
    """What elsewhere leads to that status is refused here, or leads where it may. Nothing leads to `uploaded`."""
    before, after = way
    record = standing_at(before)
    for letter in {letter for (_, other), letter in LEGAL.items() if other == after} or set(DECISIONS):
        if letter in {ALL[before, other] for other in Status}:
            assert DECISIONS[letter](record).record.paper.status != after
        else:
            with pytest.raises(REFUSALS[letter]):
                DECISIONS[letter](record)


@pytest.mark.parametrize("status", sorted(ACTIVE))
def test_who_asks_for_a_second_run_hears_what_the_first_one_does(status: Status) -> None:
    with pytest.raises(PaperBusyError, match=f"The paper is {status}"):
        decisions.queue(standing_at(status), NOW)


@pytest.mark.parametrize("status", sorted(set(Status) - ACTIVE))
def test_who_cancels_a_paper_at_rest_hears_how_it_stands(status: Status) -> None:
    with pytest.raises(PaperNotRunningError, match=f"The paper is {status}"):
        decisions.cancel(standing_at(status), NOW)


@pytest.mark.parametrize("status", sorted(RUNNING))
def test_the_third_lost_lease_fails_the_run(status: Status) -> None:
    record = standing_at(status).model_copy(update={"attempts": MAX_ATTEMPTS})
    change = decisions.claim(record, 1, "other", "t2", NOW + LEASE + timedelta(seconds=1))
    assert change.record.paper.status == Status.FAILED
    assert change.record.paper.error is not None
    assert change.record.paper.error.code == "worker_lost"


@pytest.mark.parametrize("status", sorted(RUNNING))
def test_a_claim_before_that_keeps_status_and_says_nothing(status: Status) -> None:
    change = decisions.claim(standing_at(status), 1, "other", "t2", NOW + LEASE + timedelta(seconds=1))
    assert change.record.paper.status == status
    assert change.events == ()


@pytest.mark.parametrize("status", sorted(RUNNING))
def test_the_third_attempt_given_up_fails_the_run(status: Status) -> None:
    record = standing_at(status).model_copy(update={"attempts": MAX_ATTEMPTS})
    change = decisions.give_up_attempt(record, 1, "t", BROKEN, NOW)
    assert change.record.paper.status == Status.FAILED
    assert change.record.paper.error == BROKEN.model_copy(update={"stage": record.paper.stage})
