"""One side of the service on the test's own loop, with no web application and no portal; and a service for the client."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.bench import Bench, open_bench
from tests.support.client_service import Service
from tests.support.in_process import Applications


@pytest.fixture
async def bench(applications: Applications) -> AsyncIterator[Bench]:
    """Services over fakes, none of their loops running: a test takes each step itself."""
    async with open_bench(applications) as bench:
        yield bench


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7")
    return path
