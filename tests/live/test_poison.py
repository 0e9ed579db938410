"""A file that harms its reader is given up after three attempts, with its reason; the worker and other papers go on.

The reader is the real child process. No file is known to crash today's parsers, so a test does to the child what such a
file would: it ends it with SIGSEGV, or stops it for good. One that eats memory is a real file.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import psutil
import pytest

from tests.support.live import LiveLane, LiveServer
from tests.support.sockets import Socket

pytestmark = [pytest.mark.anyio, pytest.mark.live]

ATTEMPTS = 3
POISON = b"A Title\n\nAbstract\nNothing good comes of this one.\n" + b"\n\nNothing good comes of the next one." * 50_000
"""It takes seconds to read: its reader has to be met meanwhile, on a busy machine too."""
EATER = b"<html><body>" + b"<p>a</p>" * 1_500_000 + b"</body></html>"
"""12 MB; as a tree it takes far more than a reader may have here."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(
        tmp_path_factory.mktemp("poison"), PAPERS_READ_TIMEOUT_SECONDS="8", PAPERS_READ_MEMORY_MB="256"
    ) as server:
        yield server


@pytest.fixture
async def lane(server: LiveServer) -> AsyncIterator[LiveLane]:
    async with LiveLane(server) as lane:
        yield lane
        lane.check_transcripts()


class Readers:
    """The child processes that read one file, known by its size, which is in their name."""

    def __init__(self, server: LiveServer, size: int) -> None:
        self._server = server
        self._name = f"read {size}"
        self.met: set[int] = set()

    async def harm(self, number: signal.Signals) -> None:
        """Sends the signal to each of them once, until cancelled."""
        while True:
            for process in self._server.processes(self._name):
                if process.pid not in self.met:
                    self.met.add(process.pid)
                    process.send_signal(number)
            await asyncio.sleep(0.01)  # a look at other processes: there is nothing to wait on


async def end_of(socket: Socket) -> dict[str, Any]:
    """The paper as its run's terminal event leaves it."""
    # Nothing is told between the attempts of a hung file, three times 8 s and the pauses between them.
    message = await socket.receive_until("paper_status", timeout=50, status="failed")
    changes: dict[str, Any] = message["data"]["changes"]
    return changes


async def poison(lane: LiveLane, server: LiveServer, number: signal.Signals) -> tuple[dict[str, Any], Readers]:
    """How a paper ends whose readers all get this signal."""
    paper = await lane.upload("poison.txt", POISON)
    readers = Readers(server, len(POISON))
    async with lane.connect(f"/ws/{paper['id']}") as socket:
        harm = asyncio.create_task(readers.harm(number))
        try:
            await lane.process(paper["id"])
            return await end_of(socket), readers
        finally:
            harm.cancel()


async def passers_by(lane: LiveLane, count: int = 4) -> None:
    """Other papers, each worked through to the end."""
    papers = [await lane.upload(f"{number}.txt", b"A Title\n\nAbstract\nAll is well.\n") for number in range(count)]
    async with lane.connect("/ws") as socket:
        await socket.receive_json()
        for paper in papers:
            await lane.process(paper["id"])
        waiting = {paper["id"] for paper in papers}
        while waiting:
            event = await socket.receive_until("paper_status", status="completed")
            waiting.discard(event["data"]["paper_id"])


def workers(server: LiveServer) -> set[psutil.Process]:
    return set(server.processes("worker"))


async def test_a_file_that_crashes_its_reader_three_times_fails_and_others_pass_it_by(
    lane: LiveLane, server: LiveServer
) -> None:
    before = workers(server)
    (end, readers), _ = await asyncio.gather(poison(lane, server, signal.SIGSEGV), passers_by(lane))
    assert end["error"] == {
        "code": "reader_crashed",
        "detail": "The file made its reader crash (SIGSEGV).",
        "stage": "read",
    }
    assert len(readers.met) == ATTEMPTS
    assert workers(server) == before, "the workers themselves live on"


async def test_a_file_that_hangs_its_reader_three_times_fails_and_others_pass_it_by(
    lane: LiveLane, server: LiveServer
) -> None:
    before = workers(server)
    (end, readers), _ = await asyncio.gather(poison(lane, server, signal.SIGSTOP), passers_by(lane))
    assert (end["error"]["code"], end["error"]["detail"]) == (
        "reader_timed_out",
        "The file was not read within 8 seconds.",
    )
    assert len(readers.met) == ATTEMPTS
    assert not [pid for pid in readers.met if psutil.pid_exists(pid)], "a stopped reader was left behind"
    assert workers(server) == before


async def test_a_file_that_eats_its_reader_s_memory_fails_and_others_pass_it_by(
    lane: LiveLane, server: LiveServer
) -> None:
    before = workers(server)
    paper = await lane.upload("eater.html", EATER)
    async with lane.connect(f"/ws/{paper['id']}") as socket:
        await lane.process(paper["id"])
        end, _ = await asyncio.gather(end_of(socket), passers_by(lane))
    assert (end["error"]["code"], end["error"]["stage"]) == ("reader_out_of_memory", "read")
    assert workers(server) == before


async def test_after_all_that_it_is_a_dead_letter_that_completes_when_it_is_retried(
    lane: LiveLane, server: LiveServer
) -> None:
    end, _ = await poison(lane, server, signal.SIGSEGV)
    assert end["status"] == "failed"
    papers = (await lane.client.get("/papers/", params={"status": "failed", "q": "poison"})).json()["items"]
    paper_id = papers[0]["id"]
    command = [sys.executable, "-m", "app.cli", "dead-letters", "--url", str(lane.client.base_url)]
    listed = await anyio.run_process(command)
    assert f"{paper_id}  poison.txt: The file made its reader crash (SIGSEGV). (reader_crashed, 3 attempts)" in (
        listed.stdout.decode()
    )
    async with lane.connect(f"/ws/{paper_id}") as socket:
        await anyio.run_process([*command, "--retry", paper_id])
        await socket.receive_until("paper_status", status="completed")
    assert paper_id not in (await anyio.run_process(command)).stdout.decode()
