"""One side of the service on the test's own loop, with no web application and no portal."""

from collections.abc import AsyncIterator

import pytest

from tests.support.bench import Bench, open_bench
from tests.support.in_process import Applications


@pytest.fixture
async def bench(applications: Applications) -> AsyncIterator[Bench]:
    """Services over fakes, none of their loops running: a test takes each step itself."""
    async with open_bench(applications) as bench:
        yield bench
