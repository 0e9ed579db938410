"""Who may write to a run: the decisions behind claim, renewal and every write of a worker."""

import pytest

from app.domain import decisions
from app.domain.errors import LeaseLostError
from app.domain.paper import PaperRecord
from tests.support.builders import NOW, TOKEN, at, claimed, progressed, queued, stage_finished, submitted

PAST_LEASE = at(decisions.LEASE.total_seconds() + 1)


def working() -> PaperRecord:
    """A record whose first run a worker holds."""
    return claimed(queued(submitted().record).record).record


def test_a_run_under_a_live_lease_cannot_be_claimed() -> None:
    with pytest.raises(LeaseLostError):
        claimed(working(), now=at(1), token="another")


def test_a_run_whose_lease_ended_can_be_claimed_and_keeps_status_and_progress() -> None:
    before = stage_finished(working()).record
    taken = claimed(before, now=PAST_LEASE, token="another")
    assert taken.events == ()
    assert taken.record.paper == before.paper
    assert (taken.record.attempts, taken.record.stages_done) == (2, before.stages_done)


def test_an_earlier_run_cannot_be_claimed() -> None:
    record = queued(submitted().record).record
    with pytest.raises(LeaseLostError):
        decisions.claim(record, 0, "a worker", TOKEN, NOW)


def test_a_deleted_paper_s_run_cannot_be_claimed() -> None:
    record = decisions.delete(queued(submitted().record).record, NOW).record
    with pytest.raises(LeaseLostError):
        claimed(record)


@pytest.mark.parametrize(("run", "token"), [(2, TOKEN), (1, "another")], ids=["another run", "another token"])
def test_a_write_that_names_another_run_or_token_loses(run: int, token: str) -> None:
    with pytest.raises(LeaseLostError):
        decisions.renew(working(), run, token, NOW)


def test_a_write_to_a_deleted_paper_loses() -> None:
    record = decisions.delete(working(), NOW).record
    with pytest.raises(LeaseLostError):
        decisions.renew(record, 1, TOKEN, NOW)


def test_a_renewed_lease_lasts_from_now() -> None:
    lease = decisions.renew(working(), 1, TOKEN, at(10)).record.lease
    assert lease is not None
    assert lease.expires_at == at(25), "a lease is 15 s"


def test_progress_is_told_only_above_the_mark() -> None:
    record = progressed(working(), 50).record
    assert progressed(record, 50).events == ()
    assert progressed(record, 20).events == ()
    assert [event.event_type for event in progressed(record, 75).events] == ["paper_progress"]


def test_a_long_outbox_takes_no_more_progress_but_every_status() -> None:
    record = working().model_copy(update={"waiting": decisions.OUTBOX_LIMIT + 1})
    assert progressed(record, 50).events == ()
    assert [event.event_type for event in decisions.cancel(record, NOW).events] == ["paper_status"]
