"""Why the service closes a socket, and whether to come back. Each code of the table is seen in a test, here or beside."""

import pytest

from app.realtime.protocol import Close
from tests.integration_tests.websocket.steps import missed, of, opened, ping, run, upload
from tests.support.in_process import Applications, InProcessLane
from tests.support.second_api import second_api

TABLE = {
    "GOING_AWAY": (1012, True),
    "TOO_BIG": (1009, False),
    "INTERNAL_ERROR": (1011, True),
    "UNAVAILABLE": (1013, True),
    "UNAUTHENTICATED": (4401, False),  # reserved for access control
    "FORBIDDEN": (4403, False),  # likewise
    "UNKNOWN_PAPER": (4404, False),
    "SLOW_CONSUMER": (4408, True),
    "GONE": (4410, False),
    "TOO_MANY_CONNECTIONS": (4429, True),
}


def test_the_table_of_close_codes_says_for_each_whether_to_reconnect() -> None:
    assert {close.name: (close.code, close.reconnect) for close in Close} == TABLE


@pytest.mark.parametrize("close", Close)
def test_every_close_code_has_a_reason_that_fits_into_its_frame(close: Close) -> None:
    assert 0 < len(close.reason.encode()) <= 123
    assert ("reconnect" in close.reason or "come back" in close.reason) == close.reconnect


@pytest.mark.anyio
@pytest.mark.in_process
async def test_a_service_that_stops_sends_its_sockets_away_with_1012_and_another_has_what_they_miss(
    applications: Applications, in_process: InProcessLane
) -> None:
    paper_id = await upload(in_process)
    async with second_api(applications, in_process) as second:
        async with second.connect("/ws") as everything, second.connect(f"/ws/{paper_id}") as paper:
            await opened(everything)
            position = (await opened(paper))["data"]["position"]
            await second.stop()
            for socket in (everything, paper):
                assert await socket.receive_close() == 1012
    async with in_process.connect("/ws") as watcher:
        await opened(watcher)
        await run(in_process, paper_id, watcher)
        _, replayed = await missed(in_process, f"/ws/{paper_id}", position)
    assert replayed == [event for event in of(paper_id, watcher.transcript.messages) if event["data"]["seq"] > 1]


@pytest.mark.anyio
@pytest.mark.in_process
async def test_two_api_processes_tell_the_same(applications: Applications, in_process: InProcessLane) -> None:
    paper_id = await upload(in_process)
    async with second_api(applications, in_process) as second:
        async with second.connect(f"/ws/{paper_id}") as there, in_process.connect(f"/ws/{paper_id}") as here:
            await opened(there)
            await opened(here)
            await run(in_process, paper_id, here)
            await there.receive_until("paper_status", status="completed")
            assert of(paper_id, there.transcript.messages) == of(paper_id, here.transcript.messages)


@pytest.mark.anyio
@pytest.mark.in_process
async def test_a_process_that_never_reached_the_log_closes_with_1013_until_it_has(
    applications: Applications, in_process: InProcessLane
) -> None:
    paper_id = await upload(in_process)
    await in_process.settled()
    in_process.backing.redis.connected = False
    async with second_api(applications, in_process) as second:
        for path in ("/ws", f"/ws/{paper_id}"):
            async with second.connect(path) as socket:
                assert await socket.receive_close() == 1013
                assert socket.transcript.messages == []
        in_process.backing.redis.connected = True
        await second.reach_the_log()
        async with second.connect(f"/ws/{paper_id}") as socket:
            await opened(socket)


@pytest.mark.anyio
@pytest.mark.in_process
async def test_while_the_log_is_away_resuming_is_closed_with_1013_and_open_sockets_stay_and_go_on(
    in_process: InProcessLane,
) -> None:
    paper_id = await upload(in_process)
    async with in_process.connect(f"/ws/{paper_id}") as socket:
        position = (await opened(socket))["data"]["position"]
        await in_process.settled()
        in_process.backing.redis.connected = False
        async with in_process.connect(f"/ws/{paper_id}?after={position}") as back:
            assert await back.receive_close() == 1013
        await ping(socket)
        in_process.backing.redis.connected = True
        in_process.clock.advance(1)
        await run(in_process, paper_id, socket)


@pytest.mark.anyio
@pytest.mark.in_process
async def test_something_unforeseen_closes_the_socket_it_happens_to_with_1011_and_no_other(
    in_process: InProcessLane, caplog: pytest.LogCaptureFixture
) -> None:
    """A record in the store that no version of the service has written."""
    damaged, sound = await upload(in_process), await upload(in_process)
    papers = in_process.backing.mongo.data["papers"]["papers"]
    papers.update_one({"_id": damaged}, {"$set": {"record.paper.status": "nonsense"}})
    async with in_process.connect(f"/ws/{sound}") as other, in_process.connect(f"/ws/{damaged}") as socket:
        assert await socket.receive_close() == 1011
        await ping(other)
    assert "a socket is closed after an unexpected error" in caplog.text
