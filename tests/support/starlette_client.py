"""Starlette's TestClient, reached from an async test: the one file that knows its privates.

Everything of the application runs on one loop, that of the entered client's portal; two loops lose frames. A pump on
the portal hands each frame to the test's loop, so that a receive that was cancelled loses none.
"""

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import anyio
import httpx
from anyio import BrokenResourceError, ClosedResourceError, EndOfStream, WouldBlock
from anyio.abc import TaskStatus
from starlette.testclient import TestClient, WebSocketDenialResponse, WebSocketTestSession
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from tests.support.patience import within
from tests.support.sockets import DEADLINE, ConnectionRefused, Socket

RETURNED = "test.handler_returned"


class PortalTransport(httpx.AsyncBaseTransport):
    """Sends httpx requests to the app on the client's portal, with the lifespan's state (plain `ASGITransport` drops it)."""

    def __init__(self, client: TestClient, deadline: float = DEADLINE) -> None:
        self._client = client
        self._deadline = deadline
        self._inner = httpx.ASGITransport(self._app, raise_app_exceptions=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        portal = self._client.portal
        if portal is None:
            raise RuntimeError("the client is not entered")
        future = portal.start_task_soon(self._inner.handle_async_request, request)
        with within(self._deadline, f"{request.method} {request.url} was not answered within {self._deadline:g} s"):
            return await asyncio.wrap_future(future)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._client.app({**scope, "state": self._client.app_state.copy()}, receive, send)


class _BoundedSession(WebSocketTestSession):
    """Its receive, which entering uses too, ends: a handler that never accepts is a failure and no hang.

    The transport may be one that takes only so many frames while nobody reads. And a handler that returns is done: the
    application can stop before the client has left.
    """

    deadline: float
    buffer: float
    loop: asyncio.AbstractEventLoop

    def send(self, message: Message) -> None:
        with suppress(BrokenResourceError, ClosedResourceError):  # the handler is done: what it said tells all
            super().send(message)

    def receive(self) -> Message:
        async def bounded() -> Message:
            with within(self.deadline):
                return await self._send_rx.receive()

        try:
            message: Message = self.portal.call(bounded)
        except TimeoutError:
            raise TimeoutError(f"the handler neither accepted nor refused within {self.deadline:g} s") from None
        if message["type"] == RETURNED:
            how = f"the handler {message['how']} before it accepted or closed the socket"
            raise AssertionError(how) from message["crash"]
        return message

    async def _run(self, *, task_status: TaskStatus[anyio.CancelScope]) -> None:
        """Starlette's own, but for the size of the first stream, and its other end stays open for the pump."""
        self.loop = asyncio.get_running_loop()
        send_tx, self._send_rx = anyio.create_memory_object_stream[Message](self.buffer)
        self._receive_tx, receive_rx = anyio.create_memory_object_stream[Message](math.inf)
        with send_tx, self._receive_tx, receive_rx, anyio.CancelScope() as scope:
            task_status.started(scope)
            await self.app(self.scope, receive_rx.receive, send_tx.send)

    def close(self, code: int = 1000, reason: str | None = None) -> None:
        """What leaving calls before it cancels the handler; by then `InProcessSocket.close` has said it."""


class InProcessSocket(Socket):
    """A socket of the TestClient.

    With a `buffer` it is a stalled reader: it takes that many frames and reads none of them before `read_on`.
    """

    def __init__(self, path: str, session: _BoundedSession, deadline: float = DEADLINE) -> None:
        super().__init__(path, deadline)
        self._session = session
        self._pump: Future[None]
        self._returned = False
        self._crash: Exception | None = None
        self._reads = asyncio.Event()
        self._loop = session.loop
        self._left = False

    @classmethod
    async def open(
        cls,
        client: TestClient,
        path: str,
        headers: dict[str, str] | None = None,
        *,
        buffer: int | None = None,
        deadline: float = DEADLINE,
    ) -> "InProcessSocket":
        """Raises `ConnectionRefused`; a socket that was closed right after accept is returned closed."""
        session: Any = client.websocket_connect(path, headers=headers or {})
        session.__class__ = _BoundedSession
        session.app = _telling_its_end(session.app)
        session.deadline = deadline
        session.buffer = math.inf if buffer is None else buffer
        try:
            session.__enter__()
        except WebSocketDenialResponse as denial:
            raise ConnectionRefused(denial.status_code, denial.json()) from None
        except WebSocketDisconnect as closed:
            raise ConnectionRefused(403, {"code": closed.code}) from None
        finally:
            if not hasattr(session, "exit_stack"):
                session._send_rx.close()
        socket = cls(path, session, deadline)
        socket._pump = session.portal.start_task_soon(socket._move_frames, asyncio.get_running_loop())
        if buffer is None:
            await socket.read_on()
        return socket

    async def read_on(self) -> None:
        """From here on a stalled reader reads, all that waits and all that comes."""
        if not self._reads.is_set():
            self._loop.call_soon_threadsafe(self._reads.set)

    async def send_text(self, text: str) -> None:
        self._send({"type": "websocket.receive", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        self._send({"type": "websocket.receive", "bytes": data})

    async def close(self) -> None:
        """Leaves, and waits until the handler has noticed by itself: a server does not cancel it."""
        if self._left:
            return
        self._left = True
        if self.closed is None:
            self.transcript.ending = "closed by the client"
        try:
            await self.read_on()
            if not self._returned:
                self._send({"type": "websocket.disconnect", "code": 1000, "reason": ""})
            with within(self.deadline):
                await asyncio.wrap_future(self._pump)
        except TimeoutError:
            raise AssertionError(
                f"the handler did not return within {self.deadline:g} s after its client left\n{self.transcript.table()}"
            ) from None
        finally:
            if not self._returned:
                self._session.__exit__(None, None, None)
        if self._crash is not None:
            raise self._crash

    def _send(self, message: Message) -> None:
        self._loop.call_soon_threadsafe(self._put, message)

    def _put(self, message: Message) -> None:
        with suppress(BrokenResourceError, ClosedResourceError):
            self._session._receive_tx.send_nowait(message)

    async def _move_frames(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hands over what came, all at once: waking another loop costs more than the frame. Ends with the handler."""
        await self._reads.wait()
        with self._session._send_rx as frames:
            async for first in frames:
                came = [first]
                with suppress(WouldBlock, EndOfStream):
                    while True:
                        came.append(frames.receive_nowait())
                if came[-1]["type"] == RETURNED:
                    self._returned, self._crash = True, came[-1]["crash"]
                loop.call_soon_threadsafe(self._receive_all, came)

    def _receive_all(self, messages: list[Message]) -> None:
        for message in messages:
            kind = message["type"]
            if kind == "websocket.send":
                self.received_text(message["text"])
            elif kind == "websocket.close":
                self.received_close(message.get("code", 1000), message.get("reason") or "")
            elif kind == RETURNED and not self._left:
                self.received_close(1006, f"the handler {message['how']}")


def _telling_its_end(app: ASGIApp) -> ASGIApp:
    """Starlette's session waits for ever when a handler returns without a word."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        how, crash = "was cancelled", None
        try:
            await app(scope, receive, send)
            how = "returned without closing"
        except Exception as error:
            how, crash = f"crashed: {error!r}", error
        finally:
            with anyio.move_on_after(DEADLINE, shield=True), suppress(BrokenResourceError, ClosedResourceError):
                await send({"type": RETURNED, "how": how, "crash": crash})

    return wrapped


def watching_for_leaks(app: ASGIApp, look: Callable[[], None]) -> ASGIApp:
    """The app, with a look at its loop after the lifespan's shutdown and before the portal closes."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)
        if scope["type"] == "lifespan":
            look()

    return wrapped
