"""One round of four of the faults, in every live run; `make test-faults` makes as many as wanted."""

import asyncio

import pytest

from tests.faults import report
from tests.faults.__main__ import run_rounds
from tests.faults.faults import FAULTS
from tests.faults.rounds import Outcome

pytestmark = [pytest.mark.live]
NAMES = ("worker", "relay", "power", "serve")
"""Those that hit every kind of process; the others take long."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("faults")
    done: list[Outcome] = []
    plan = [(fault, 1) for fault in FAULTS if fault.name in NAMES]
    asyncio.run(run_rounds(plan, folder, len(NAMES), done.append))
    return {outcome.fault.name: outcome for outcome in done}


@pytest.mark.parametrize("fault", NAMES)
def test_every_paper_ends_and_every_watcher_knows_all_of_it(outcomes: dict[str, Outcome], fault: str) -> None:
    outcome = outcomes[fault]
    told = "\n".join(f"{complaint.kind}: {complaint.sentence}" for complaint in outcome.complaints[:20])
    assert not outcome.complaints, f"again: {report.how_to_reproduce(outcome)}\n{told}"
    assert outcome.strikes >= 1
    assert outcome.terminal == outcome.papers > 0
    assert outcome.events > 0


def test_a_power_cut_of_the_log_is_told_as_resync(outcomes: dict[str, Outcome]) -> None:
    """The one fault that loses what watchers heard already: silence about it would pass the other checks."""
    assert outcomes["power"].resyncs > 0
