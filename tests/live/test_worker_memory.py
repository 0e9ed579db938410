"""A worker that gets no more memory: its papers end with a reason, all is told, nothing is lost, and with memory again all goes on."""

import resource
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.live import LiveLane, LiveServer

pytestmark = [pytest.mark.anyio, pytest.mark.live]

SEED = Path(__file__).parents[1] / "test_papers" / "test_paper_content.txt"
ROOMY = b"<html><body><h1>A Title</h1><!-- " + b"x" * 3_000_000 + b" --><p>All is well.</p></body></html>"
"""Much to hold, little to read."""
ALL_WELL = {"store": "ok", "redis": "ok", "graph": "ok", "files": "ok"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    with LiveServer(tmp_path, PAPERS_WORKERS="1") as server:
        yield server


def only_worker(server: LiveServer) -> psutil.Process:
    (worker,) = server.processes("worker")
    return worker


async def test_a_worker_without_memory_fails_a_paper_with_its_reason_and_works_on_when_it_has_some(
    server: LiveServer,
) -> None:
    worker = only_worker(server)
    async with LiveLane(server) as lane:
        first = await lane.upload(SEED.name, SEED.read_bytes())
        async with lane.connect(f"/ws/{first['id']}") as socket:
            # A worker is heard from before it is at work: limited while it still starts, it would die, and be replaced.
            await lane.process(first["id"])
            await socket.receive_until("paper_status", timeout=50, status="completed")
        paper = await lane.upload("roomy.html", ROOMY)
        async with lane.connect(f"/ws/{paper['id']}") as socket:
            # What it has stays, nothing more: it may work with that, but cannot hold this file.
            worker.rlimit(resource.RLIMIT_DATA, (4096, resource.RLIM_INFINITY))
            await lane.process(paper["id"])
            failed = await socket.receive_until("paper_status", timeout=50, status="failed")
            error = failed["data"]["changes"]["error"]
            assert (error["code"], error["stage"]) == ("worker_out_of_memory", "read")
            await assert_degraded(lane, worker)
            worker.rlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            await lane.process(paper["id"])
            await socket.receive_until("paper_status", timeout=50, status="completed")
            assert only_worker(server) == worker, "the very same process worked on: none died of it"
    lane.check_transcripts()


async def assert_degraded(lane: LiveLane, worker: psutil.Process) -> None:
    """The API says so of the worker, another process: it takes papers, so requests may come."""
    for path in ("/health/ready", "/system/status"):
        answer = await lane.client.get(path)
        found = answer.json()
        assert (answer.status_code, found["status"], found["services"]) == (200, "degraded", ALL_WELL)
        (reason,) = found["reasons"]
        assert f":{worker.pid}:" in reason, "which worker it is, nobody could tell"
        assert "ran out of memory at" in reason
