"""Whatever the order in which two things happen, every guarantee holds: each seam under many seeds.

A seed that fails says how to see it again: `pytest tests/schedules -k SEAM --seed=N`.
"""

import pytest

from tests.schedules.run import run_schedule
from tests.schedules.seams import SEAMS

pytestmark = pytest.mark.in_process


@pytest.mark.parametrize("seam", ["connect_against_publish", "cancel_against_finish"])
def test_a_first_look_at_the_seam(seam: str) -> None:
    run_schedule(seam, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seam", SEAMS)
def test_the_guarantees_hold_under_every_seed(seam: str, seeds: range) -> None:
    for seed in seeds:
        run_schedule(seam, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seam", SEAMS)
def test_a_seed_gives_the_same_run_each_time(seam: str) -> None:
    assert run_schedule(seam, seed=7) == run_schedule(seam, seed=7)
