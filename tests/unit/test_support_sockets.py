"""The suite's sockets: whatever the service does, a test ends, and says what did arrive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from tests.support.sockets import DEADLINE, SocketClosed
from tests.support.starlette_client import InProcessSocket, PortalTransport
from tests.support.transcript import check_transcript

pytestmark = [pytest.mark.anyio, pytest.mark.extended]

IN_VAIN = 0.05
"""Seconds to wait for what never comes."""
CONNECTION = {
    "event_type": "connection",
    "id": None,
    "timestamp": "",
    "message": "",
    "data": {"position": "p", "snapshot": None},
}


@asynccontextmanager
async def opened(
    handler: ASGIApp, *, buffer: int | None = None, deadline: float = DEADLINE
) -> AsyncIterator[InProcessSocket]:
    """A socket whose other end is that handler."""
    with TestClient(only_sockets(handler)) as client:
        socket = await InProcessSocket.open(client, "/ws", buffer=buffer, deadline=deadline)
        try:
            yield socket
        finally:
            await socket.close()


def only_sockets(handler: ASGIApp) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
        else:
            await handler(scope, receive, send)

    return app


async def greets_and_waits(scope: Scope, receive: Receive, send: Send) -> None:
    websocket = WebSocket(scope, receive, send)
    await websocket.accept()
    await websocket.send_json(CONNECTION)
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def greets_when_asked(scope: Scope, receive: Receive, send: Send) -> None:
    websocket = WebSocket(scope, receive, send)
    await websocket.accept()
    while (await websocket.receive())["type"] != "websocket.disconnect":
        await websocket.send_json(CONNECTION)


async def never_accepts(scope: Scope, receive: Receive, send: Send) -> None:
    await anyio.sleep_forever()


async def returns_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()


async def returns_without_closing(scope: Scope, receive: Receive, send: Send) -> None:
    await WebSocket(scope, receive, send).accept()


async def crashes_before_accepting(scope: Scope, receive: Receive, send: Send) -> None:
    raise ZeroDivisionError("on purpose")


async def crashes(scope: Scope, receive: Receive, send: Send) -> None:
    await WebSocket(scope, receive, send).accept()
    raise ZeroDivisionError("on purpose")


async def stays_when_its_client_leaves(scope: Scope, receive: Receive, send: Send) -> None:
    await WebSocket(scope, receive, send).accept()
    await anyio.sleep_forever()


async def sends_three(scope: Scope, receive: Receive, send: Send) -> None:
    websocket = WebSocket(scope, receive, send)
    await websocket.accept()
    for number in range(3):
        await websocket.send_json({**CONNECTION, "message": str(number)})
    await websocket.close(4408)


async def test_a_receive_that_gets_nothing_ends_and_shows_what_did_arrive() -> None:
    async with opened(greets_and_waits) as socket:
        await socket.receive_json()
        with pytest.raises(TimeoutError) as failure:
            await socket.receive_json(timeout=IN_VAIN)
    assert "no further event within 0.05 s" in str(failure.value)
    assert "transcript of /ws (1 events, open)" in str(failure.value)
    assert "connection" in str(failure.value)


async def test_a_receive_that_was_given_up_loses_no_event() -> None:
    async with opened(greets_when_asked) as socket:
        with pytest.raises(TimeoutError):
            await socket.receive_json(timeout=0)
        await socket.send_json({})
        assert await socket.receive_json() == CONNECTION


async def test_a_receive_that_gets_the_close_shows_what_did_arrive() -> None:
    async with opened(sends_three) as socket:
        for _ in range(3):
            await socket.receive_json()
        with pytest.raises(SocketClosed) as closed:
            await socket.receive_json()
    assert "closed with 4408" in str(closed.value)
    assert "transcript of /ws (3 events, closed 4408 )" in str(closed.value)


async def test_a_request_that_nobody_answers_ends_and_says_which() -> None:
    with TestClient(only_sockets(never_accepts)) as client:
        transport = PortalTransport(client, deadline=IN_VAIN)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            with pytest.raises(TimeoutError, match=r"GET http://testserver/papers/ was not answered within 0.05 s"):
                await http.get("/papers/")


async def test_a_handler_that_never_accepts_is_reported_and_does_not_hang() -> None:
    with pytest.raises(TimeoutError, match=r"neither accepted nor refused within 0.05 s"):
        async with opened(never_accepts, deadline=IN_VAIN):
            pass


async def test_a_handler_that_returns_before_it_accepts_is_reported() -> None:
    with pytest.raises(AssertionError, match="the handler returned without closing before it accepted"):
        async with opened(returns_at_once):
            pass


async def test_a_handler_that_crashes_before_it_accepts_is_reported_with_its_error() -> None:
    with pytest.raises(
        AssertionError, match=r"crashed: ZeroDivisionError\('on purpose'\) before it accepted"
    ) as failure:
        async with opened(crashes_before_accepting):
            pass
    assert isinstance(failure.value.__cause__, ZeroDivisionError)


async def test_a_handler_that_returns_without_closing_is_reported_at_once() -> None:
    async with opened(returns_without_closing) as socket:
        with pytest.raises(SocketClosed, match=r"1006 .the handler returned without closing"):
            await socket.receive_json(timeout=5)


async def test_a_handler_that_crashes_is_reported_at_once_and_fails_the_test_that_leaves() -> None:
    with pytest.raises(ZeroDivisionError, match="on purpose"):  # noqa: PT012  # leaving is what raises
        async with opened(crashes) as socket:
            with pytest.raises(SocketClosed, match=r"1006 .the handler crashed: ZeroDivisionError"):
                await socket.receive_json(timeout=5)


async def test_a_handler_that_does_not_notice_that_its_client_left_is_reported() -> None:
    with pytest.raises(AssertionError, match=r"did not return within 0.05 s after its client left"):
        async with opened(stays_when_its_client_leaves, deadline=IN_VAIN):
            pass


async def test_a_stalled_reader_holds_up_its_handler_until_it_reads_on() -> None:
    async with opened(sends_three, buffer=1) as socket:
        await asyncio.sleep(0.02)
        assert socket.transcript.messages == []
        await socket.read_on()
        assert await socket.receive_close() == 4408
        assert [message["message"] for message in socket.transcript.messages] == ["0", "1", "2"]


async def test_what_a_socket_got_is_checked_whatever_its_test_looks_at() -> None:
    async with opened(sends_three) as socket:
        await socket.receive_close()
    check_transcript(socket.transcript)  # three connections are odd, but break no guarantee
    socket.transcript.rows[0][1]["event_type"] = "pong"
    with pytest.raises(AssertionError, match="the first event is not `connection`"):
        check_transcript(socket.transcript)
