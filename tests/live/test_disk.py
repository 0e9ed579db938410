"""The disk is full, or can only be read: each refusal is clear, and what was accepted goes on by itself afterwards."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.answers import error
from tests.support.disks import Disk, small_disk
from tests.support.live import LiveLane, LiveServer
from tests.support.sockets import Socket

pytestmark = [pytest.mark.anyio, pytest.mark.live]

PAPERS = Path(__file__).parents[1] / "test_papers"
PDF = (PAPERS / "specter.pdf").read_bytes()
TEXT = (PAPERS / "test_paper_content.txt").read_bytes()
ENOUGH = 20 * 1024 * 1024
"""Bytes: less than new files leave free, and far more than one paper needs."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk", megabytes=100) as disk:
        yield disk


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., LiveServer]]:
    with ExitStack() as stack:
        yield lambda folder, **settings: stack.enter_context(LiveServer(folder, log=tmp_path / "serve.log", **settings))


async def ready(lane: LiveLane) -> dict[str, Any]:
    answer = await lane.client.get("/health/ready")
    body: dict[str, Any] = answer.json()
    assert (answer.status_code == 200) == (body["status"] == "ok")
    return body


async def send(lane: LiveLane, content: bytes = TEXT) -> httpx.Response:
    return await lane.client.post("/papers/", files={"file": ("a", content)})


async def ends_of(socket: Socket, paper_ids: set[str]) -> dict[str, str]:
    """The terminal status of each paper, from the socket's events."""
    ends: dict[str, str] = {}
    while ends.keys() < paper_ids:
        event = await socket.receive_until("paper_status", timeout=50)
        if event["data"]["paper_id"] in paper_ids and event["data"]["status"] in {"completed", "failed", "cancelled"}:
            ends[event["data"]["paper_id"]] = event["data"]["status"]
    return ends


async def until_ready(lane: LiveLane) -> None:
    deadline = time.monotonic() + 20
    while (found := await ready(lane))["status"] != "ok":
        assert time.monotonic() < deadline, f"still not ready: {found}"
        await asyncio.sleep(0.1)


async def test_a_full_disk_is_told_and_all_that_was_accepted_completes_when_there_is_room(
    disk: Disk, start: Callable[..., LiveServer]
) -> None:
    server = start(disk.place)
    workers = server.processes("worker")
    async with LiveLane(server) as lane, lane.connect("/ws") as socket:
        papers = [await lane.upload("a.pdf", PDF) for _ in range(4)]
        for paper in papers:
            await lane.process(paper["id"])
        waiting = await lane.upload("b.txt", TEXT)
        disk.fill()
        assert error(await send(lane)) == (507, "storage_full")
        assert error(await lane.client.post(f"/papers/{waiting['id']}/process")) == (507, "storage_full")
        found = await ready(lane)
        assert (found["status"], found["services"]["files"], found["services"]["store"]) == ("degraded", "down", "down")
        assert (await lane.client.get(f"/papers/{waiting['id']}")).json() == waiting, "what is there can be read"
        await asyncio.sleep(6)  # the outage: leases are renewed in vain, the log refuses, Celery looks for its broker
        disk.make_room()
        await until_ready(lane)
        await lane.process(waiting["id"])
        ids = {paper["id"] for paper in [*papers, waiting]}
        assert await ends_of(socket, ids) == dict.fromkeys(ids, "completed")
        late = (await send(lane)).raise_for_status().json()
        await lane.process(late["id"])
        assert await ends_of(socket, {late["id"]}) == {late["id"]: "completed"}
    lane.check_transcripts()
    assert server.processes("worker") == workers, "a worker died of what its broker said"
    assert not list(disk.place.rglob("*.part")), "half a file was left on the disk"


async def test_new_files_are_refused_while_there_is_room_to_finish_what_was_accepted(
    disk: Disk, start: Callable[..., LiveServer]
) -> None:
    async with LiveLane(start(disk.place)) as lane, lane.connect("/ws") as socket:
        paper = await lane.upload("a.pdf", PDF)
        disk.fill(leave=ENOUGH)
        assert error(await send(lane)) == (507, "storage_full")
        assert (await ready(lane))["services"] == {"store": "ok", "redis": "ok", "graph": "ok", "files": "down"}
        await lane.process(paper["id"])
        assert await ends_of(socket, {paper["id"]}) == {paper["id"]: "completed"}
    lane.check_transcripts()


async def test_files_that_can_only_be_read_are_told_and_papers_already_there_are_worked_on(
    disk: Disk, start: Callable[..., LiveServer], tmp_path: Path
) -> None:
    server = start(tmp_path, PAPERS_FILES_URL=disk.place.as_uri())
    async with LiveLane(server) as lane, lane.connect("/ws") as socket:
        paper = await lane.upload("a.txt", TEXT)
        disk.make_read_only()
        refused = await send(lane)
        assert error(refused) == (503, "service_unavailable")
        assert "can only be read" in refused.json()["detail"]
        assert (await ready(lane))["services"] == {"store": "ok", "redis": "ok", "graph": "ok", "files": "down"}
        await lane.process(paper["id"])
        assert await ends_of(socket, {paper["id"]}) == {paper["id"]: "completed"}
        disk.make_writable()
        assert (await ready(lane))["status"] == "ok"
        assert (await send(lane)).status_code == 201
    lane.check_transcripts()


def test_a_data_folder_that_can_only_be_read_is_told_before_anything_starts(
    disk: Disk, start: Callable[..., LiveServer]
) -> None:
    """Not async: three starts may take longer than one async test is given."""
    with LiveServer(disk.place, log=disk.place.parent / "first.log") as first:
        paper = httpx.post(f"{first.url}/papers/", files={"file": ("a.txt", TEXT)}).raise_for_status().json()
    disk.make_read_only()
    environment = {**first.environment, "PAPERS_DATA_DIR": str(disk.place / "data"), "PAPERS_PORT": "0"}
    words = [sys.executable, "-m", "app.cli", "serve"]
    ended = subprocess.run(words, env=environment, check=False, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "cannot be used (Read-only file system); set PAPERS_DATA_DIR" in ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    disk.make_writable()
    second = start(disk.place)
    assert httpx.get(f"{second.url}/papers/{paper['id']}").json() == paper, "nothing was lost"


async def test_a_temporary_folder_that_is_full_is_told_too(
    disk: Disk, start: Callable[..., LiveServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is beyond a megabyte waits there until all of it has come."""
    monkeypatch.setenv("TMPDIR", str(disk.place))
    async with LiveLane(start(tmp_path)) as lane:
        assert (await send(lane, bytes(3_000_000))).status_code == 415
        disk.fill()
        assert error(await send(lane, bytes(3_000_000))) == (507, "storage_full")
        disk.make_room()
        assert (await send(lane, bytes(3_000_000))).status_code == 415
