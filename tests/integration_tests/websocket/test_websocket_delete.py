"""Deleting: the last event of a paper, after which its sockets are closed with 4410."""

import pytest

from app.domain import decisions
from conftest import Connect
from tests.integration_tests.websocket.steps import (
    delete,
    of,
    opened,
    ping,
    seqs,
    store_unnoticed,
    types,
    upload,
    workers_rest,
)
from tests.support.in_process import InProcessLane
from tests.support.lane import Lane
from tests.support.sockets import Socket

pytestmark = pytest.mark.anyio


@pytest.mark.smoke
async def test_deletion_is_told_to_every_watcher_and_ends_the_sockets_of_the_paper(
    lane: Lane, connect: Connect, websocket_client: Socket
) -> None:
    paper_id, other = await upload(lane), await upload(lane)
    path = f"/ws/{paper_id}"
    async with connect(path) as first, connect(path) as second, connect(f"/ws/{other}") as of_other:
        for socket in (first, second, of_other):
            await opened(socket)
        await delete(lane, paper_id)
        for socket in (first, second):
            assert await socket.receive_close() == 4410
            assert types(socket.transcript.messages) == ["connection", "paper_deleted"]
        assert await lane.fence(of_other) == [], "another paper's socket lives and was told nothing"
    event = await websocket_client.receive_until("paper_deleted", paper_id=paper_id)
    assert event["message"] == "short.txt was deleted"
    await ping(websocket_client)


@pytest.mark.in_process
async def test_a_paper_deleted_while_it_runs_says_nothing_more(
    in_process: InProcessLane, websocket_client: Socket
) -> None:
    hold = in_process.hold("relationships")
    paper_id = await upload(in_process)
    async with in_process.connect(f"/ws/{paper_id}") as socket:
        await in_process.process(paper_id)
        await hold.reached()
        await delete(in_process, paper_id)
        assert await socket.receive_close() == 4410
    hold.release()
    await workers_rest(in_process)
    await in_process.fence(websocket_client)
    assert types(of(paper_id, websocket_client.transcript.messages))[-1] == "paper_deleted"


async def test_who_comes_back_after_the_deletion_gets_what_was_missed_up_to_it_and_then_4410(
    lane: Lane, connect: Connect, websocket_client: Socket
) -> None:
    await opened(websocket_client)
    paper_id = await upload(lane)
    await delete(lane, paper_id)
    await websocket_client.receive_until("paper_deleted", paper_id=paper_id)
    uploaded, deleted = of(paper_id, websocket_client.transcript.messages)
    for event, expected in ((uploaded, ["connection", "paper_deleted"]), (deleted, ["connection"])):
        async with connect(f"/ws/{paper_id}?after={event['id']}") as socket:
            assert await socket.receive_close() == 4410
            assert types(socket.transcript.messages) == expected
    async with connect(f"/ws/{paper_id}?after=nonsense") as socket:
        assert await socket.receive_close() == 4410
        assert socket.transcript.messages == []


@pytest.mark.in_process
async def test_who_comes_back_before_the_deletion_is_in_the_log_is_told_of_it_and_not_just_sent_away(
    in_process: InProcessLane,
) -> None:
    paper_id = await upload(in_process)
    async with in_process.connect("/ws") as socket:
        await in_process.fence(socket)
        position = (await ping(socket))["data"]["position"]
    await store_unnoticed(in_process, paper_id, decisions.delete)
    async with in_process.connect(f"/ws/{paper_id}?after={position}") as socket:
        await opened(socket)
        await ping(socket)
        assert socket.closed is None, "closed before the last event was sent"
        in_process.clock.advance(1)  # now the relay looks by itself
        assert await socket.receive_close() == 4410
        assert seqs(of(paper_id, socket.transcript.messages)) == [2]
