"""A real server that is absent at the start, goes away, and comes back: named, answered with 503, and nothing is lost."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import SEED_PAPER
from tests.support.fleet import PARTS, real_services
from tests.support.live import LiveLane, LiveServer
from tests.support.proxy import proxied

pytestmark = [pytest.mark.anyio, pytest.mark.live]

WITHIN = 60.0


async def until_ready_says(server: LiveServer, service: str, state: str) -> None:
    """Waits until `/health/ready` says so of the service."""
    deadline = time.monotonic() + WITHIN
    answer: Any = None
    async with httpx.AsyncClient(base_url=server.url, timeout=10) as client:
        while time.monotonic() < deadline:
            try:
                answer = await client.get("/health/ready")
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.json()["services"][service] == state:
                assert answer.status_code == (200 if "down" not in answer.json()["services"].values() else 503)
                return
            await asyncio.sleep(0.1)
    pytest.fail(
        f"{service} was not {state} within {WITHIN} s: {answer and answer.text}\n{server.log.read_text()[-3000:]}"
    )


@pytest.mark.parametrize(
    ("setting", "service", "needs_it"),
    [
        ("PAPERS_STORE_URL", "store", "/papers/"),
        ("PAPERS_GRAPH_URL", "graph", "/graph/entities/method:crf"),
        ("PAPERS_REDIS_URL", "redis", None),  # no request needs it: uploads are taken, and told when it is back
    ],
)
async def test_a_service_that_goes_is_named_and_all_work_is_done_when_it_is_back(
    setting: str, service: str, needs_it: str | None, tmp_path: Path
) -> None:
    with real_services(*PARTS) as urls, proxied(urls[setting]) as (url, network):
        server = LiveServer(tmp_path, None, **{**urls, setting: url})
        network.cut()
        server.start()
        try:
            await until_ready_says(server, service, "down")  # absent at the start
            network.join()
            await asyncio.to_thread(server.until_ready)
            async with LiveLane(server) as lane, lane.connect("/ws") as socket:
                papers = [(await lane.upload(SEED_PAPER.name, SEED_PAPER.read_bytes()))["id"] for _ in range(3)]
                for paper_id in papers:
                    await lane.process(paper_id)
                await socket.receive_until("paper_status", status="processing")
                network.cut()
                await until_ready_says(server, service, "down")
                if needs_it is None:
                    papers.append((await lane.upload("meanwhile.txt", SEED_PAPER.read_bytes()))["id"])
                    await lane.process(papers[-1])
                else:
                    answer = await lane.client.get(needs_it)
                    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
                network.join()
                await until_ready_says(server, service, "ok")
                await lane.settled()
                for paper_id in papers:
                    paper = (await lane.client.get(f"/papers/{paper_id}")).json()
                    events = (await lane.client.get(f"/papers/{paper_id}/events")).json()["items"]
                    assert paper["status"] == "completed", paper
                    assert [event["data"]["seq"] for event in events] == list(range(1, paper["seq"] + 1))
                await lane.fence(socket)
                lane.check_transcripts()
        finally:
            server.stop()
        log = server.log.read_text()
        assert f"{service} is down: " in log
        assert f"{service} answers again" in log
