"""A paper whose worker is killed each time it works on it: given up after three leases, a dead letter, while others go on."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import psutil
import pytest

from tests.faults.sqlite_books import SqliteBooks
from tests.support.live import LiveLane, LiveServer
from tests.support.patience import within
from tests.support.transcript import Message

pytestmark = [pytest.mark.anyio, pytest.mark.live]

ATTEMPTS = 3
KILLER = b"A Title\n\nAbstract\nNothing good comes of this one.\n" + b"\n\nNothing good comes of the next one." * 2_000
"""Long enough for its worker to be met while it has the lease."""
GIVEN_UP_WITHIN = 120.0
"""Three leases of 15 s have to end first."""


@dataclass(frozen=True)
class Story:
    """What happened to the paper whose workers were killed, and to those that came meanwhile."""

    paper_id: str
    killed: list[int]
    events: list[Message]
    """All of `/ws`, up to the one that ended the paper's run."""
    passers_by: set[str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(tmp_path_factory.mktemp("lost"), PAPERS_WORKERS="2") as server:
        yield server


@pytest.fixture(scope="module")
def story(server: LiveServer) -> Story:
    """Told once: it takes most of a minute, and more than an async test may."""
    return asyncio.run(_live_through_it(server))


async def _live_through_it(server: LiveServer) -> Story:
    books = SqliteBooks(server.folder / "data")
    killed: list[int] = []
    passers_by: set[str] = set()

    async def kill_who_has(paper_id: str) -> None:
        """Each worker that gets the lease; a new paper comes whenever one has fallen."""
        while True:
            holder = (await books.leases()).get(paper_id)
            if holder is None or holder in killed:  # the lease of a dead one stays until it has ended
                await asyncio.sleep(0.01)  # the store tells nobody who gets a lease
                continue
            psutil.Process(holder).send_signal(signal.SIGKILL)
            killed.append(holder)
            other = await lane.upload(f"{len(killed)}.txt", b"A Title\n\nAbstract\nAll is well.\n")
            passers_by.add(other["id"])
            await lane.process(other["id"])

    async with LiveLane(server) as lane, lane.connect("/ws") as socket:
        paper = await lane.upload("killer.txt", KILLER)
        killing = asyncio.create_task(kill_who_has(paper["id"]))
        await lane.process(paper["id"])
        events: list[Message] = []
        with within(GIVEN_UP_WITHIN, "the paper's run did not end"):
            while not _ends(paper["id"], events):
                events.append(await socket.receive_json(timeout=GIVEN_UP_WITHIN))
        killing.cancel()
        await lane.settled()
        lane.check_transcripts()
    await books.close()
    return Story(paper["id"], killed, events, passers_by)


def _ends(paper_id: str, events: list[Message]) -> bool:
    data = events[-1]["data"] if events else {}
    return data.get("paper_id") == paper_id and data.get("status") in {"failed", "completed"}


async def test_it_is_failed_after_three_lost_workers(story: Story) -> None:
    changes = story.events[-1]["data"]["changes"]
    assert (changes["status"], changes["error"]["code"]) == ("failed", "worker_lost")
    assert changes["error"]["detail"] == (
        "The worker was lost 3 times while it worked on this paper; process it again to retry."
    )
    assert len(story.killed) == ATTEMPTS


async def test_papers_that_come_meanwhile_are_completed_before_it_is_given_up(story: Story) -> None:
    completed = {
        event["data"]["paper_id"]
        for event in story.events
        if event["event_type"] == "paper_status" and event["data"]["status"] == "completed"
    }
    assert len(story.passers_by) == ATTEMPTS
    assert completed == story.passers_by


async def test_there_are_as_many_workers_as_before(server: LiveServer, story: Story) -> None:
    workers = {process.pid for process in server.processes("worker")}
    assert len(workers) == 2
    assert not workers & set(story.killed)


async def test_it_is_a_dead_letter_that_completes_when_it_is_retried(server: LiveServer, story: Story) -> None:
    command = [sys.executable, "-m", "app.cli", "dead-letters", "--url", server.url]
    async with LiveLane(server) as lane:
        (letter,) = await _dead_letters(lane)
        assert (letter["paper_id"], letter["attempts"], letter["error"]["code"]) == (story.paper_id, 3, "worker_lost")
        listed = (await anyio.run_process(command)).stdout.decode()
        assert f"{story.paper_id}  killer.txt: The worker was lost 3 times" in listed
        async with lane.connect(f"/ws/{story.paper_id}") as socket:
            await anyio.run_process([*command, "--retry", story.paper_id])
            await socket.receive_until("paper_status", status="completed")
        assert await _dead_letters(lane) == []
        lane.check_transcripts()


async def _dead_letters(lane: LiveLane) -> list[dict[str, Any]]:
    answer = await lane.client.get("/dead-letters")
    items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return items
