"""Workers that serve one queue each, as real processes: a run goes from one to the other, and waits for the one that is away."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from redis.asyncio import Redis

from app.domain.stages import Load
from app.supervisor.valkey import EmbeddedValkey
from tests.support.live import LiveLane, LiveServer
from tests.support.patience import within
from tests.support.prometheus import samples

pytestmark = [pytest.mark.anyio, pytest.mark.live]

TEXT = b"On Queues\n\nAbstract\n\nWe use BERT for named entity recognition.\n"
END_WITHIN = 20


@contextmanager
def worker(server: LiveServer, queues: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker beside those of `serve`, on the same stores."""
    environment = {**server.environment, "PAPERS_REDIS_URL": EmbeddedValkey(server.folder / "data").url}
    command = [sys.executable, "-m", "app.cli", "worker", "--queues", queues]
    with server.log.open("ab") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(END_WITHIN)


async def test_workers_of_one_queue_each_finish_a_run_together(live_server: LiveServer) -> None:
    server = live_server
    async with LiveLane(server) as lane:
        paper = await lane.upload("queues.txt", TEXT)
        async with lane.connect(f"/ws/{paper['id']}") as socket:
            # Those that serve all queues take no hint meanwhile.
            with server.without_workers(), worker(server, "light"), worker(server, "heavy"):
                await lane.process(paper["id"])
                # Both still start meanwhile, which takes a busy machine long.
                await socket.receive_until("paper_status", timeout=50, status="completed")
        lane.check_transcripts()
    record = (await _log_of(server, paper["id"])).splitlines()
    given_back = [line for line in record if "the run is given back: its stage" in line]
    assert len(given_back) >= 3, "the run did not go from one worker to the other"


async def test_a_run_of_a_higher_priority_overtakes_those_that_wait(live_server: LiveServer) -> None:
    server = live_server
    async with LiveLane(server) as lane, lane.connect("/ws") as socket:
        papers = [(await lane.upload(f"{number}.txt", TEXT))["id"] for number in range(8)]
        with server.without_workers() as workers:
            for paper_id in papers[:-1]:
                await lane.client.post(f"/papers/{paper_id}/process")
            # A worker that stood still while it listened may have been given one; with those that wait, none listens any more.
            await until(lambda: _waiting(lane, len(papers) - 1 - len(workers)), "the hints of the others to wait")
            await lane.client.post(f"/papers/{papers[-1]}/process?priority=9")
            await until(lambda: _waits_before_all(server), "its hint to wait before all others")
        begun = list[str]()
        while len(begun) < len(papers):
            event = await socket.receive_until("paper_status", status="processing")
            begun.append(event["data"]["paper_id"])
        assert papers[-1] in begun[: len(workers) + 1], "each worker may have had one hint already, and no more"
        await lane.settled()


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Looks again and again: Redis tells nobody of a hint that waits."""
    with within(LiveLane.deadline, f"waited in vain for {what}"):
        while not await condition():
            await asyncio.sleep(0.02)


async def _waiting(lane: LiveLane, count: int) -> bool:
    figures = samples((await lane.client.get("/metrics")).text)
    return figures[f"celery_queue_length,{Load.HEAVY.queue}"] >= count


async def _waits_before_all(server: LiveServer) -> bool:
    """Whether there is one in the list of the highest priority, which has the queue's bare name."""
    async with Redis.from_url(EmbeddedValkey(server.folder / "data").url) as redis:
        return int(await redis.llen(Load.HEAVY.queue)) == 1


async def _log_of(server: LiveServer, paper_id: str) -> str:
    return "\n".join(line for line in server.log.read_text().splitlines() if paper_id in line)
