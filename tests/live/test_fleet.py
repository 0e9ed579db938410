"""Two API processes and three workers on shared real servers: what one does, whoever watches another is told."""

import pytest

from conftest import SEED_PAPER
from tests.support.live import LiveLane, LiveServer

pytestmark = [pytest.mark.anyio, pytest.mark.live]


@pytest.fixture
def fleet(live_servers: tuple[LiveServer, ...]) -> tuple[LiveServer, LiveServer]:
    if len(live_servers) < 2:
        pytest.skip(
            "there is one API: a fleet needs PAPERS_LIVE_REDIS_URL, PAPERS_LIVE_STORE_URL, PAPERS_LIVE_GRAPH_URL"
        )
    first, second = live_servers
    return first, second


async def test_who_watches_one_api_sees_what_a_worker_does_to_a_paper_of_the_other(
    fleet: tuple[LiveServer, LiveServer],
) -> None:
    first, second = fleet
    async with LiveLane(first) as watching, LiveLane(second) as asking, watching.connect("/ws") as everything:
        paper = await asking.upload(SEED_PAPER.name, SEED_PAPER.read_bytes())
        async with watching.connect(f"/ws/{paper['id']}") as socket:
            await asking.process(paper["id"])
            await socket.receive_until("paper_status", status="completed")
            await everything.receive_until("paper_status", status="completed", paper_id=paper["id"])
        watching.check_transcripts()


async def test_who_comes_back_to_the_other_api_misses_nothing(fleet: tuple[LiveServer, LiveServer]) -> None:
    lanes = [LiveLane(server) for server in fleet]
    async with lanes[0], lanes[1]:
        paper = await lanes[1].upload(SEED_PAPER.name, SEED_PAPER.read_bytes())
        path = f"/ws/{paper['id']}"
        seen: list[int] = []
        async with lanes[0].connect(path) as socket:
            connection = await socket.receive_json()
        position, told = connection["data"]["position"], connection["data"]["snapshot"]["seq"]
        await lanes[1].process(paper["id"])
        at = 0
        while True:  # each event from another API than the one before
            at = 1 - at
            async with lanes[at].connect(f"{path}?after={position}") as socket:
                assert (await socket.receive_json())["data"]["snapshot"] is None
                event = await socket.receive_json()
            assert event["event_type"] != "resync", event
            seen.append(event["data"]["seq"])
            position = event["id"]
            if event["data"].get("status") == "completed":
                break
        snapshot = (await lanes[1].client.get(f"/papers/{paper['id']}")).json()
        assert seen == list(range(told + 1, snapshot["seq"] + 1))
