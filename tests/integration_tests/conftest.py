"""What the scenarios share."""

from typing import Any

import pytest


@pytest.fixture(scope="session")
def memory() -> dict[object, Any]:
    """What `once` keeps for this process."""
    return {}
