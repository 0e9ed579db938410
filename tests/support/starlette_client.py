"""Starlette's TestClient, reached from an async test: the one file that knows its privates.

Everything of the application runs on one loop, that of the entered client's portal; two loops lose frames. A pump on
the portal hands each frame to the test's loop, so that a receive that was cancelled loses none.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import anyio
import httpx
from anyio import ClosedResourceError, EndOfStream
from starlette.testclient import TestClient, WebSocketDenialResponse, WebSocketTestSession
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from tests.support.sockets import DEADLINE, ConnectionRefused, Socket

RETURNED = "test.handler_returned"


class PortalTransport(httpx.AsyncBaseTransport):
    """Sends httpx requests to the app on the client's portal, with the lifespan's state (plain `ASGITransport` drops it)."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self._inner = httpx.ASGITransport(self._app, raise_app_exceptions=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        portal = self._client.portal
        if portal is None:
            raise RuntimeError("the client is not entered")
        future = portal.start_task_soon(self._inner.handle_async_request, request)
        async with asyncio.timeout(DEADLINE):
            return await asyncio.wrap_future(future)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._client.app(scope | {"state": self._client.app_state.copy()}, receive, send)


class _BoundedSession(WebSocketTestSession):
    """Its receive, which entering uses too, ends: a handler that never accepts is a failure and no hang."""

    def receive(self) -> Message:
        async def bounded() -> Message:
            with anyio.fail_after(DEADLINE):
                return await self._send_rx.receive()

        message: Message = self.portal.call(bounded)
        if message["type"] == RETURNED:
            raise AssertionError("the handler returned without accepting or closing the socket")
        return message


class InProcessSocket(Socket):
    """A socket of the TestClient."""

    def __init__(self, path: str, session: WebSocketTestSession) -> None:
        super().__init__(path)
        self._session = session
        self._pump: Future[None]
        self._left = False

    @classmethod
    async def open(cls, client: TestClient, path: str, headers: dict[str, str] | None = None) -> "InProcessSocket":
        """Raises `ConnectionRefused`; a socket that was closed right after accept is returned closed."""
        session: Any = client.websocket_connect(path, headers=headers or {})
        session.__class__ = _BoundedSession
        session.app = _telling_its_end(session.app)
        try:
            session.__enter__()
        except WebSocketDenialResponse as denial:
            raise ConnectionRefused(denial.status_code, denial.json()) from None
        except WebSocketDisconnect as closed:
            raise ConnectionRefused(403, {"code": closed.code}) from None
        socket = cls(path, session)
        socket._pump = session.portal.start_task_soon(socket._move_frames, asyncio.get_running_loop())
        return socket

    async def send_text(self, text: str) -> None:
        await self._send({"type": "websocket.receive", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        await self._send({"type": "websocket.receive", "bytes": data})

    async def close(self) -> None:
        if not self._left:
            self._left = True
            self._session.__exit__(None, None, None)
            self._pump.cancel()
            if self.closed is None:
                self.transcript.ending = "closed by the client"

    async def _send(self, message: Message) -> None:
        future = self._session.portal.start_task_soon(self._session._receive_tx.send, message)
        async with asyncio.timeout(DEADLINE):
            await asyncio.wrap_future(future)

    async def _move_frames(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            try:
                message = await self._session._send_rx.receive()
            except (EndOfStream, ClosedResourceError):
                loop.call_soon_threadsafe(self.received_close, 1006, "the handler crashed")
                return
            if message["type"] == "websocket.send":
                loop.call_soon_threadsafe(self.received_text, message["text"])
            elif message["type"] == "websocket.close":
                loop.call_soon_threadsafe(self.received_close, message.get("code", 1000), message.get("reason") or "")
            elif message["type"] == RETURNED:
                loop.call_soon_threadsafe(self.received_close, 1006, "the handler returned without closing")


def _telling_its_end(app: ASGIApp) -> ASGIApp:
    """Starlette's session waits for ever when a handler returns without a word."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await send({"type": RETURNED})

    return wrapped


def watching_for_leaks(app: ASGIApp, look: Callable[[], None]) -> ASGIApp:
    """The app, with a look at its loop after the lifespan's shutdown and before the portal closes."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)
        if scope["type"] == "lifespan":
            look()

    return wrapped
