"""A file store that takes connections and does not answer: it is named, and holds up nobody who can do without it."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.supervisor.valkey import EmbeddedValkey
from conftest import SEED_PAPER
from tests.support.live import LiveLane, LiveServer
from tests.support.ports import free_port
from tests.support.s3 import S3, s3_server

pytestmark = [pytest.mark.anyio, pytest.mark.live]

ENDED_WITHIN = 10.0
"""Seconds; the store keeps silent for longer than any process waits for an answer."""


@pytest.fixture
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture
def server(s3: S3, tmp_path: Path) -> Iterator[LiveServer]:
    with LiveServer(tmp_path, None, PAPERS_FILES_URL="s3://papers/files", **s3.environment) as server:
        yield server
        s3.wake()


@contextmanager
def another(command: str, server: LiveServer, port: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """One more process on the same stores."""
    redis = EmbeddedValkey(server.folder / "data").url
    environment = {**server.environment, "PAPERS_REDIS_URL": redis, "PAPERS_PORT": str(port)}
    with server.log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", command], env=environment, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def ends(process: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Its exit status, and the seconds it took to end when asked."""
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        status = await asyncio.to_thread(process.wait, ENDED_WITHIN * 3)
    except subprocess.TimeoutExpired:
        pytest.fail(f"it is still there after {ENDED_WITHIN * 3:.0f} s: it waits for the store")
    return status, time.monotonic() - begun


async def test_it_is_named_and_requests_that_need_it_not_are_answered(server: LiveServer, s3: S3) -> None:
    async with LiveLane(server) as lane, lane.connect("/ws") as socket:
        paper = await lane.upload(SEED_PAPER.name, SEED_PAPER.read_bytes())
        s3.hang()
        status = await socket.receive_until("system_status", status="degraded")
        assert status["data"]["services"]["files"] == "down"
        await lane.process(paper["id"])
        await socket.receive_until("paper_status", status="processing")
        async with asyncio.timeout(20):
            probes = await asyncio.gather(*(lane.client.get("/health/ready") for _ in range(50)))
            assert {(probe.status_code, probe.json()["services"]["files"]) for probe in probes} == {(503, "down")}
            assert (await lane.client.get("/docs/static/swagger-ui.css")).status_code == 200
            assert (await lane.client.get(f"/papers/{paper['id']}")).json()["status"] == "processing"
        s3.wake()
        await lane.settled()
        assert (await lane.client.get(f"/papers/{paper['id']}")).json()["status"] == "completed"
        lane.check_transcripts()


async def test_an_api_ends_while_it_hangs(server: LiveServer, s3: S3) -> None:
    port = free_port()
    with another("api", server, port) as api:
        async with LiveLane(server) as lane, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await lane.settled()
            async with asyncio.timeout(60):
                while api.poll() is None and not await _is_ready(client):
                    await asyncio.sleep(0.05)
            s3.hang()
            assert (await client.get("/health/ready")).status_code == 503
            status, took = await ends(api)
    assert status == 0
    assert took < ENDED_WITHIN, f"it took {took:.0f} s: it waited for the store"


async def test_a_worker_ends_while_it_hangs_and_gives_its_run_back(server: LiveServer, s3: S3) -> None:
    async with LiveLane(server) as lane, lane.connect("/ws") as socket:
        paper = await lane.upload(SEED_PAPER.name, SEED_PAPER.read_bytes())
        s3.hang()
        with server.without_workers(), another("worker", server) as worker:
            await lane.process(paper["id"])
            await socket.receive_until("paper_status", timeout=50, status="processing")
            status, took = await ends(worker)
        s3.wake()
        await lane.settled()
        assert (await lane.client.get(f"/papers/{paper['id']}")).json()["status"] == "completed"
    assert status == 0
    assert took < ENDED_WITHIN, f"it took {took:.0f} s: it waited for the store"


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health/ready")).status_code == 200
    except httpx.TransportError:
        return False
