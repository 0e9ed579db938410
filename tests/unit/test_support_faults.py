"""The rounds of faults judge rightly: what counts as the next event, and which rounds make a table."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.fault import Strike
from tests.faults.faults import FAULTS
from tests.faults.plan import parse_faults, parse_seed
from tests.faults.report import had_by_all
from tests.faults.rounds import Arrival, Outcome, pauses
from tests.faults.servers import KINDS, Servers, ServersError

pytestmark = pytest.mark.extended


def heard(at: float, seq: int, paper_id: str = "a", *, asked_for: bool = False) -> Arrival:
    return Arrival(at, paper_id, seq, asked_for)


def test_the_next_event_is_the_first_that_was_not_stored_yet() -> None:
    assert pauses(Strike(10.0, {"a": 3}, {"a"}), [heard(10.1, 3), heard(12.0, 4), heard(13.0, 5)]) == [2.0]


def test_what_was_heard_before_a_server_was_back_does_not_count_nor_does_hearing_it_again() -> None:
    again = [heard(9.0, 4), heard(10.1, 4), heard(12.0, 5)]
    assert pauses(Strike(10.0, {"a": 3}, {"a"}), again) == [2.0]


def test_what_people_asked_for_is_nobody_s_recovery() -> None:
    assert pauses(Strike(10.0, {"a": 3}, {"a"}), [heard(11.0, 4, asked_for=True)]) == []


def test_a_table_is_made_of_the_rounds_that_every_fault_had() -> None:
    first, second = FAULTS[:2]
    done = [Outcome(first, 0), Outcome(second, 0), Outcome(second, 1)]
    assert had_by_all(done, [first, second], 3) == 1
    assert had_by_all([*done, Outcome(first, 1)], [first, second], 2) == 2


def test_rounds_are_named_by_their_fault_and_seed() -> None:
    assert parse_seed("stopped-worker-17") == (parse_faults("stopped-worker")[0], 17)
    assert [fault.name for fault in parse_faults("api,fleet-api")] == ["api", "fleet-api"]


@pytest.mark.parametrize(
    ("parse", "text", "told"),
    [
        (parse_seed, "worker", "'worker' is no seed: one looks like worker-17; faults are worker, api"),
        (parse_faults, "api,wroker", "no such fault: wroker; there are worker, api"),
    ],
)
def test_a_round_nobody_knows_is_refused_with_those_there_are(
    parse: Callable[[str], object], text: str, told: str
) -> None:
    """Without, a misspelt fault is no round at all, and no round is a success."""
    with pytest.raises(ArgumentTypeError, match=told):  # the one error whose sentence argparse shows
        parse(text)


def test_a_server_without_a_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in KINDS:
        monkeypatch.setenv(kind.variable, "true")
    monkeypatch.delenv("PAPERS_LIVE_GRAPH_COMMAND")
    with pytest.raises(ServersError, match="PAPERS_LIVE_GRAPH_COMMAND: not set"):
        Servers(tmp_path)
