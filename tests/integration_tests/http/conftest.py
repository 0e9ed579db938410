"""What the HTTP scenarios share."""

from collections.abc import AsyncIterator

import pytest

from tests.support.answers import a_witness
from tests.support.lane import Lane


@pytest.fixture
async def witness(lane: Lane) -> AsyncIterator[None]:
    """Whatever the test sends: the service works on, and a paper nobody spoke of is as it was."""
    async with a_witness(lane):
        yield
