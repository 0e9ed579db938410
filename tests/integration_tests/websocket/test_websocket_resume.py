"""Coming back with `?after=`: exactly what was missed, at every cut and at every seam. What cannot be had: see resync."""

from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from app.domain import decisions
from app.realtime.feed import PAGE
from conftest import Connect
from tests.integration_tests.websocket.steps import (
    missed,
    of,
    opened,
    ping,
    run,
    seqs,
    snapshot,
    statuses,
    store_unnoticed,
    upload,
)
from tests.support.builders import submitted
from tests.support.in_process import InProcessLane
from tests.support.lane import Lane
from tests.support.sockets import Socket
from tests.support.starlette_client import InProcessSocket

pytestmark = pytest.mark.anyio


@pytest.mark.smoke
async def test_a_watcher_who_comes_back_gets_what_was_missed(lane: Lane, test_paper_id: str) -> None:
    async with lane.connect(f"/ws/{test_paper_id}") as socket:
        position = (await opened(socket))["data"]["position"]
    async with lane.connect("/ws") as other:
        await upload(lane)  # which is none of the watcher's business
        await run(lane, test_paper_id, other)
    first, replayed = await missed(lane, f"/ws/{test_paper_id}", position)
    assert first["data"]["snapshot"] is None, "a replay needs no snapshot beside it"
    assert statuses(replayed)[0] == "queued"
    assert statuses(replayed)[-1] == "completed"


@pytest.mark.slow
async def test_from_every_event_of_a_run_exactly_the_later_ones_follow(lane: Lane, websocket_client: Socket) -> None:
    await opened(websocket_client)
    paper_id = await upload(lane)
    await run(lane, paper_id, websocket_client)
    await lane.fence(websocket_client)
    events = of(paper_id, websocket_client.transcript.messages)
    for cut, event in enumerate(events, start=1):
        for path in ("/ws", f"/ws/{paper_id}"):
            _, replayed = await missed(lane, path, event["id"])
            expected = events[cut:]
            assert replayed == expected, (
                f"{path} resumed after event {cut} ({event['event_type']}): "
                f"seq {seqs(of(paper_id, replayed))} instead of {seqs(expected)}"
            )


@pytest.mark.slow
async def test_every_position_that_is_told_can_be_resumed_from(lane: Lane, connect: Connect) -> None:
    paper_id = await upload(lane)
    await lane.settled()
    positions: dict[str, tuple[str, str]] = {}
    for path in ("/ws", f"/ws/{paper_id}"):
        async with connect(path) as socket:
            positions[f"connection on {path}"] = (path, (await opened(socket))["data"]["position"])
            await lane.fence(socket)
            positions[f"pong on {path}"] = (path, (await ping(socket))["data"]["position"])
            if path == "/ws":
                for action, answer in (("subscribe", "subscribed"), ("unsubscribe", "unsubscribed")):
                    await socket.send_json({"action": action, "paper_ids": [paper_id]})
                    positions[answer] = (path, (await socket.receive_until(answer))["data"]["position"])
        async with connect(f"{path}?after=nonsense") as socket:
            positions[f"resync on {path}"] = (path, (await socket.receive_until("resync"))["data"]["position"])
    async with connect(f"/ws/{paper_id}") as watcher:
        await opened(watcher)
        await run(lane, paper_id, watcher)
        events = of(paper_id, watcher.transcript.messages)
    for name, (path, position) in positions.items():
        _, replayed = await missed(lane, path, position)
        assert of(paper_id, replayed) == events, f"resumed from the position of the {name}"


async def test_a_socket_that_breaks_in_the_midst_of_a_run_and_comes_back_has_seen_it_whole(
    lane: Lane, connect: Connect
) -> None:
    paper_id = await upload(lane)
    path = f"/ws/{paper_id}"
    async with connect(path) as socket:
        await opened(socket)
        await lane.process(paper_id)
        event = await socket.receive_until("paper_status", status="processing")
        before = seqs(of(paper_id, socket.transcript.messages))
        before = before[: before.index(event["data"]["seq"]) + 1]
    async with connect(f"{path}?after={event['id']}") as socket:
        await socket.receive_until("paper_status", status="completed")
        after = seqs(of(paper_id, socket.transcript.messages))
    assert before + after == list(range(2, (await snapshot(lane, paper_id))["seq"] + 1))


@pytest.mark.in_process
async def test_events_appended_while_a_socket_catches_up_come_once_and_in_order(in_process: InProcessLane) -> None:
    """Readers that stall in the midst of their replay keep their sessions from joining the hub."""
    hold = in_process.hold("entities")
    async with in_process.connect("/ws") as watcher, AsyncExitStack() as sockets:
        await opened(watcher)
        paper_id = await upload(in_process)
        uploaded = await watcher.receive_until("paper_status", paper_id=paper_id)
        await in_process.process(paper_id)
        await hold.reached()
        await in_process.settled()
        late = [
            await InProcessSocket.open(in_process.test_client, f"{path}?after={uploaded['id']}", buffer=1)
            for path in ("/ws", f"/ws/{paper_id}")
        ]
        for socket in late:
            await sockets.enter_async_context(in_process.keep(socket))
        hold.release()
        await watcher.receive_until("paper_status", status="completed")
        await in_process.settled()
        events = of(paper_id, watcher.transcript.messages)
        for socket in late:
            await socket.read_on()
            await socket.receive_until("paper_status", status="completed")
            assert await in_process.fence(socket) == []
            assert of(paper_id, socket.transcript.messages) == events[1:], socket.transcript.table()


@pytest.mark.in_process
async def test_a_snapshot_that_is_ahead_of_the_log_is_followed_by_later_events_only(in_process: InProcessLane) -> None:
    paper_id = await upload(in_process)
    async with in_process.connect("/ws") as everything, in_process.connect(f"/ws/{paper_id}") as before:
        await in_process.settled()
        await store_unnoticed(in_process, paper_id, decisions.queue, decisions.cancel)
        async with in_process.connect(f"/ws/{paper_id}") as ahead:
            first = await opened(ahead)
            assert first["data"]["snapshot"]["seq"] == 3
            in_process.clock.advance(1)  # now the relay looks by itself
            assert await in_process.fence(ahead) == [], "events came that the snapshot holds already"
            pong = await ping(ahead)
        for name, message in (("connection", first), ("pong", pong)):
            _, replayed = await missed(in_process, f"/ws/{paper_id}", message["data"]["position"])
            assert replayed == [], f"the position of the {name} forgets the snapshot's seq"
        await in_process.fence(before)
        assert seqs(of(paper_id, before.transcript.messages)) == [2, 3]
        await in_process.fence(everything)
        assert seqs(of(paper_id, everything.transcript.messages))[-2:] == [2, 3]


@pytest.mark.slow
@pytest.mark.in_process
async def test_a_replay_of_more_than_one_page_has_no_hole_between_the_pages(in_process: InProcessLane) -> None:
    count = 2 * PAGE + 1
    event = submitted(id=str(uuid4())).events[0]

    async def append() -> None:
        for seq in range(1, count + 1):
            data = event.data.model_copy(update={"seq": seq})
            await in_process.api.log.append(event.model_copy(update={"data": data}))

    async with in_process.connect("/ws") as socket:
        position = (await opened(socket))["data"]["position"]
    in_process.call_api(append)
    _, replayed = await missed(in_process, "/ws", position)
    assert seqs(replayed) == list(range(1, count + 1))
