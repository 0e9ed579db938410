"""Opening a socket: what comes first, and who gets none. Close codes have a file of their own."""

from typing import Any

import anyio
import httpx
import pytest

from app.domain.position import decode_position
from conftest import Connect
from tests.integration_tests.websocket.steps import delete, missed, opened, snapshot, upload, with_settings
from tests.support.in_process import InProcessLane
from tests.support.lane import Lane
from tests.support.once import each, once
from tests.support.sockets import ConnectionRefused, Socket
from tests.support.transcript import Message


@pytest.mark.anyio
@pytest.mark.smoke
async def test_the_first_event_on_ws_is_the_connection(websocket_client: Socket) -> None:
    first = await websocket_client.receive_json()
    assert first["event_type"] == "connection"
    assert first["message"] == "Connected to Paper Processing WebSocket"
    assert first["id"] is None
    assert first["data"].keys() == {"position", "paper_id", "snapshot"}
    assert (first["data"]["paper_id"], first["data"]["snapshot"]) == (None, None)


@pytest.mark.anyio
@pytest.mark.smoke
async def test_the_first_event_on_the_socket_of_a_paper_is_the_connection_with_its_snapshot(
    lane: Lane, paper_websocket_client: Socket, test_paper_id: str
) -> None:
    first = await paper_websocket_client.receive_json()
    assert first["event_type"] == "connection"
    assert first["message"] == f"Connected to updates for paper {test_paper_id}"
    assert first["id"] is None
    assert first["data"]["paper_id"] == test_paper_id
    assert first["data"]["snapshot"] == await snapshot(lane, test_paper_id)


@pytest.mark.anyio
async def test_the_position_of_the_connection_can_be_resumed_from(lane: Lane, test_paper_id: str) -> None:
    await lane.settled()
    for path in ("/ws", f"/ws/{test_paper_id}"):
        async with lane.connect(path) as socket:
            position = (await opened(socket))["data"]["position"]
        decode_position(position)  # raises for what is none
        first, replayed = await missed(lane, path, position)
        assert (first["data"]["snapshot"], replayed) == (None, [])


@pytest.mark.anyio
async def test_a_quiet_socket_of_a_paper_gets_the_connection_and_nothing_else(
    lane: Lane, paper_websocket_client: Socket
) -> None:
    await opened(paper_websocket_client)
    assert await lane.fence(paper_websocket_client) == []


UNKNOWN = ["00000000-0000-4000-8000-000000000000", "no-uuid", "a.b", "%00", "%F0%9F%92%A5", "$ne", "x" * 1000]


@pytest.fixture
async def new_unknown(lane: Lane) -> dict[str, Any]:
    async def ask(paper_id: str) -> tuple[int, list[Message]]:
        async with lane.connect(f"/ws/{paper_id}") as socket:
            return await socket.receive_close(), socket.transcript.messages

    return await each(UNKNOWN, ask)


unknown = once("new_unknown")


@pytest.mark.parametrize("paper_id", UNKNOWN)
def test_an_unknown_paper_is_closed_with_4404_before_any_event(unknown: dict[str, Any], paper_id: str) -> None:
    assert unknown[paper_id] == (4404, [])


@pytest.mark.anyio
async def test_a_deleted_paper_is_closed_with_4410_before_any_event(lane: Lane, connect: Connect) -> None:
    paper_id = await upload(lane)
    await delete(lane, paper_id)
    async with connect(f"/ws/{paper_id}") as socket:
        assert await socket.receive_close() == 4410
        assert socket.transcript.messages == []


@pytest.mark.anyio
@pytest.mark.one_api
async def test_a_socket_counts_until_its_client_leaves(lane: Lane, connect: Connect) -> None:
    before = (await lane.status())["connections"]
    async with connect("/ws") as first, connect("/ws") as second:
        await opened(first)
        await opened(second)
        assert (await lane.status())["connections"] == before + 2
    with anyio.fail_after(lane.deadline):
        while (await lane.status())["connections"] != before:  # a client's close is done before the server has seen it
            await anyio.sleep(0.01)


@pytest.mark.anyio
@pytest.mark.in_process
@with_settings(max_connections=1)
async def test_one_socket_too_many_is_closed_with_4429_and_the_others_live(in_process: InProcessLane) -> None:
    async with in_process.connect("/ws") as first:
        await opened(first)
        async with in_process.connect("/ws") as second:
            assert await second.receive_close() == 4429
            assert second.transcript.messages == []
        await in_process.fence(first)
    async with in_process.connect("/ws") as third:
        await opened(third)  # there is room again


FOREIGN = [
    "http://evil.example",
    "https://testserver.evil.example",
    "http://eviltestserver",
    "null",
    "http://[",
    "",
    "testserver",
]


@pytest.fixture
async def new_refusals(lane: Lane) -> dict[str, Any]:
    async def ask(origin: str) -> tuple[int, dict[str, str]]:
        with pytest.raises(ConnectionRefused) as refused:
            async with lane.connect("/ws", headers={"origin": origin}):
                pass
        return refused.value.status, refused.value.body

    return await each(FOREIGN, ask)


refusals = once("new_refusals")


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_of_a_foreign_origin_gets_http_403_and_never_a_socket(refusals: dict[str, Any], origin: str) -> None:
    status, body = refusals[origin]
    assert status == 403
    assert body.keys() == {"detail", "code"}
    assert body["code"] == "origin_refused"


@pytest.mark.anyio
@pytest.mark.one_api
async def test_a_page_of_our_own_origin_may_open_a_socket(connect: Connect, api_client: httpx.AsyncClient) -> None:
    url = api_client.base_url
    async with connect("/ws", headers={"origin": f"http://{url.netloc.decode()}"}) as socket:
        await opened(socket)


@pytest.mark.anyio
async def test_a_client_that_is_no_page_may_open_a_socket(connect: Connect) -> None:
    async with connect("/ws") as socket:  # it sends no origin
        await opened(socket)


@pytest.mark.anyio
@pytest.mark.in_process
@with_settings(allowed_origins=("https://lab.example", "http://localhost:3000"))
async def test_origins_that_the_settings_list_may_open_a_socket_and_no_others(in_process: InProcessLane) -> None:
    for origin in ("https://lab.example", "http://localhost:3000"):
        async with in_process.connect("/ws", headers={"origin": origin}) as socket:
            await opened(socket)
    with pytest.raises(ConnectionRefused):
        async with in_process.connect("/ws", headers={"origin": "http://lab.example"}):
            pass


@pytest.mark.anyio
@pytest.mark.in_process
@with_settings(allowed_origins=("*",))
async def test_a_star_among_the_origins_lets_every_page_in(in_process: InProcessLane) -> None:
    async with in_process.connect("/ws", headers={"origin": "http://evil.example"}) as socket:
        await opened(socket)


@pytest.mark.anyio
async def test_a_refused_origin_learns_nothing_about_papers(connect: Connect, test_paper_id: str) -> None:
    bodies: list[Any] = []
    for paper_id in (test_paper_id, "unknown"):
        with pytest.raises(ConnectionRefused) as refused:
            async with connect(f"/ws/{paper_id}", headers={"origin": "http://evil.example"}):
                pass
        bodies.append(refused.value.body)
    assert bodies[0] == bodies[1]
