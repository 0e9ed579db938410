"""Back-up and restore as docs/operations.md has them for one machine: all that was there is there again, and watchers go on."""

import asyncio
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from conftest import SEED_PAPER
from tests.support.live import LiveLane, LiveServer

pytestmark = [pytest.mark.anyio, pytest.mark.live]

PARTS = ("", "/events", "/document", "/entities", "/relationships", "/references", "/file")


@pytest.fixture
def server(tmp_path: Path) -> LiveServer:
    return LiveServer(tmp_path)


@asynccontextmanager
async def running(server: LiveServer) -> AsyncIterator[LiveLane]:
    await asyncio.to_thread(server.start)
    try:
        await asyncio.to_thread(server.until_ready)
        async with LiveLane(server) as lane:
            yield lane
            lane.check_transcripts()
    finally:
        server.stop()  # not in a thread: a test that ran out of time may not wait for one any more


async def completed(lane: LiveLane) -> tuple[str, str]:
    """The id of a paper that was worked through, and the position of a watcher who has heard all of it."""
    paper_id = (await lane.upload(SEED_PAPER.name, SEED_PAPER.read_bytes()))["id"]
    async with lane.connect(f"/ws/{paper_id}") as socket:
        await lane.process(paper_id)
        end = await socket.receive_until("paper_status", status="completed")
    return paper_id, str(end["id"])


async def all_of(lane: LiveLane, *paper_ids: str) -> dict[str, Any]:
    """Every answer there is about these papers alone."""
    paths = [f"/papers/{paper_id}{part}" for paper_id in paper_ids for part in PARTS]
    answers = {path: await lane.client.get(path) for path in paths}
    return {path: answer.raise_for_status().content for path, answer in answers.items()}


async def who_has_scibert(lane: LiveLane) -> dict[str, list[str]]:
    """The papers that the graph and the search know."""
    entity = (await lane.client.get("/graph/entities/method:scibert")).raise_for_status().json()
    hits = (await lane.client.get("/search?q=scibert")).raise_for_status().json()["items"]
    return {"graph": sorted(entity["papers"]), "search": sorted(hit["paper_id"] for hit in hits)}


async def test_a_copy_of_the_stopped_service_is_all_of_it_and_watchers_miss_nothing(
    server: LiveServer, tmp_path: Path
) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    async with running(server) as lane:
        first, position = await completed(lane)
        second, _ = await completed(lane)
        before = await all_of(lane, first, second)
        known = await who_has_scibert(lane)
    shutil.copytree(data, copy)
    shutil.rmtree(data)
    shutil.copytree(copy, data)
    async with running(server) as lane:
        assert await all_of(lane, first, second) == before
        assert await who_has_scibert(lane) == known
        async with lane.connect(f"/ws?after={position}") as socket:
            await socket.receive_until("paper_status", status="completed")
            heard = [message["data"] for message in socket.transcript.messages if "seq" in message["data"]]
            assert [data["seq"] for data in heard] == list(range(1, len(heard) + 1))
            assert {data["paper_id"] for data in heard} == {second}
            await completed(lane)


async def test_a_copy_made_while_it_runs_has_all_and_goes_on_with_what_was_queued(
    server: LiveServer, tmp_path: Path
) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    async with running(server) as lane:
        first, position = await completed(lane)
        with server.without_workers():  # so that the next one waits while the copy is made
            waiting = (await lane.upload("waiting.txt", SEED_PAPER.read_bytes()))["id"]
            await lane.process(waiting)
            before = await all_of(lane, first)
            copy_running(data, copy)
        await lane.settled()
        late, _ = await completed(lane)
    shutil.rmtree(data)
    copy.rename(data)
    async with running(server) as lane:
        await lane.settled()
        papers = [(await lane.client.get(f"/papers/{paper_id}")).json().get("status") for paper_id in (waiting, late)]
        assert papers == ["completed", None], "one was in the copy and goes on, one came after it"
        assert await all_of(lane, first) == before
        assert await who_has_scibert(lane) == dict.fromkeys(("graph", "search"), sorted((first, waiting)))
        async with lane.connect(f"/ws/{first}?after={position}") as socket:
            resync = await socket.receive_until("resync")
            assert resync["data"]["snapshot"]["status"] == "completed"
        checked = await anyio.run_process([sys.executable, "-m", "app.cli", "check"], env=server.environment)
        assert "Nothing is wrong." in checked.stdout.decode()


def copy_running(data: Path, copy: Path) -> None:
    """As `.backup` of the program `sqlite3` does it; the files after it, so that each paper in the copy has its own."""
    copy.mkdir()
    for name in ("papers.sqlite", "graph.sqlite"):
        with closing(sqlite3.connect(data / name)) as source, closing(sqlite3.connect(copy / name)) as target:
            source.backup(target)
    shutil.copytree(data / "files", copy / "files")
