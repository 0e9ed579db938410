"""`--seed=N` runs the schedules under that one seed, `--seeds=N` under so many."""

import pytest


@pytest.fixture
def seeds(request: pytest.FixtureRequest) -> range:
    """The seeds to run a seam under."""
    seed: int | None = request.config.getoption("--seed")
    return range(request.config.getoption("--seeds")) if seed is None else range(seed, seed + 1)
