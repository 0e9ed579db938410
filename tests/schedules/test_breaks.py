"""The schedules find what they are for: each break of the service fails under some seed, and says what went wrong."""

import pytest

from tests.schedules.breaks import BREAKS
from tests.schedules.process import Breaks
from tests.schedules.run import ScheduleError, run_schedule

pytestmark = [pytest.mark.in_process, pytest.mark.slow]

TRIES = 100


def run_all(seam: str, breaks: Breaks) -> None:
    for seed in range(TRIES):
        run_schedule(seam, seed, breaks)


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_part_is_found(name: str) -> None:
    seam, symptom, breaks = BREAKS[name]
    with pytest.raises(ScheduleError, match=symptom) as found:
        run_all(seam, breaks)
    assert f"-k {seam} --seed=" in str(found.value)
