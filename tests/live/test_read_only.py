"""The data folder turns read-only under a running service: all is told, and nothing that was accepted is lost."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.live import LiveLane, LiveServer
from tests.support.read_only import LOCKS, Lock, failing_disk, lockable

pytestmark = pytest.mark.live

PAPERS = Path(__file__).parents[1] / "test_papers"
PDF = (PAPERS / "specter.pdf").read_bytes()
TEXT = (PAPERS / "test_paper_content.txt").read_bytes()
OUTAGE_SECONDS = 6
"""Leases are renewed in vain meanwhile, the log refuses, Celery looks for its broker."""


async def accept(lane: LiveLane) -> set[str]:
    """Papers, at work and in the queue."""
    papers = [await lane.upload("a.pdf", PDF) for _ in range(4)]
    for paper in papers:
        await lane.process(paper["id"])
    return {paper["id"] for paper in papers}


async def assert_told(lane: LiveLane, paper: dict[str, Any]) -> set[str]:
    """Each request gets what it asked for or a reason; answers the papers whose runs were accepted all the same."""
    ready = await lane.client.get("/health/ready")
    found = ready.json()
    assert (ready.status_code, found["status"], found["services"]["files"]) == (503, "degraded", "down")
    assert found["services"]["store"] == "down"
    assert any("can only be read; make it writable" in reason for reason in found["reasons"]), found["reasons"]
    upload = await lane.client.post("/papers/", files={"file": ("b", TEXT)})
    assert (upload.status_code, upload.json()["code"]) == (503, "service_unavailable")
    assert "can only be read" in upload.json()["detail"]
    assert (await lane.client.get(f"/papers/{paper['id']}")).json() == paper, "what is there can be read"
    process = await lane.client.post(f"/papers/{paper['id']}/process")
    if process.status_code == 200:  # by permissions alone: what a process has open it may write
        return {paper["id"]}
    assert (process.status_code, process.json()["code"]) == (503, "service_unavailable")
    assert "can only be read" in process.json()["detail"]
    return set()


async def until_completed(lane: LiveLane, paper_ids: set[str]) -> None:
    deadline = time.monotonic() + 50
    while True:
        papers = [(await lane.client.get(f"/papers/{paper_id}")).json() for paper_id in paper_ids]
        if all(paper["status"] == "completed" for paper in papers):
            return
        found = [(paper["status"], paper["error"]) for paper in papers]
        assert time.monotonic() < deadline, f"not all that was accepted is completed: {found}"
        assert "failed" not in dict(found), found
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_data_folder_that_turns_read_only_is_told_and_all_that_was_accepted_completes_when_it_is_writable(
    lock: Lock, tmp_path: Path
) -> None:
    """Not async: it may take longer than one async test is given."""
    folder = tmp_path / "service"
    folder.mkdir()
    with lockable(lock, folder) as unlock:
        with LiveServer(folder, log=tmp_path / "serve.log", under=lock.under) as server:
            workers = server.processes("worker")

            async def story() -> None:
                async with LiveLane(server) as lane:
                    async with lane.connect("/ws"):
                        waiting = await lane.upload("w.txt", TEXT)
                        accepted = await accept(lane)
                        lock.shut(folder)
                        accepted |= await assert_told(lane, waiting)
                        await asyncio.sleep(OUTAGE_SECONDS)
                        unlock()
                        await until_ready(server)
                        late = await lane.upload("c.txt", TEXT)
                        await lane.process(late["id"])
                        await until_completed(lane, accepted | {late["id"]})
                    lane.check_transcripts()

            try:
                asyncio.run(story())
            finally:
                unlock()  # or nothing could end in order
            assert server.processes("worker") == workers, "a worker died of it"


def test_a_disk_that_turns_read_only_over_an_error_is_told_and_all_that_was_accepted_completes_after_its_repair(
    tmp_path: Path,
) -> None:
    with failing_disk(tmp_path, megabytes=200) as disk:
        server = LiveServer(disk.place, log=tmp_path / "serve.log")
        accepted: set[str] = set()

        async def before() -> None:
            async with LiveLane(server) as lane:
                waiting = await lane.upload("w.txt", TEXT)
                accepted.update(await accept(lane))
                disk.fail()
                accepted.update(await assert_told(lane, waiting))

        async def after() -> None:
            async with LiveLane(server) as lane:
                await until_completed(lane, accepted)

        with server:
            asyncio.run(before())
        disk.repair()
        with server:
            asyncio.run(after())


async def until_ready(server: LiveServer) -> None:
    deadline = time.monotonic() + 30
    async with httpx.AsyncClient(base_url=server.url) as client:
        while (found := (await client.get("/health/ready")).json())["status"] != "ok":
            assert time.monotonic() < deadline, f"still not ready: {found}"
            await asyncio.sleep(0.1)
