"""Our WebSocket protocol, over a socket pair with a real transport: what a reader that stalls costs, and what it hears."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import Protocol, Side

from app.realtime.frames import text_frame
from app.realtime.wire import Wire, offered
from app.server import OPTIONS, WebSocketProtocol

pytestmark = pytest.mark.anyio

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: service\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


class Quick(WebSocketProtocol):
    send_buffer = 8 * 1024
    abort_after = 0.05


class Application:
    """Accepts, then does as the test says; notes what it hears of the client."""

    def __init__(self) -> None:
        self.wire: Wire
        self.heard: list[Any] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self.ready = asyncio.Event()
        self.gone = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wire = offered(scope)
        assert wire is not None
        self.wire = wire
        await receive()
        await send({"type": "websocket.accept"})
        self.ready.set()
        while not self.heard or self.heard[-1]["type"] != "websocket.disconnect":
            await self.reads.wait()
            self.heard.append(await receive())
        self.gone.set()


class Client:
    """The other end: raw bytes, read only when asked."""

    def __init__(
        self, application: Application, protocol: WebSocketProtocol, end: socket.socket, answer: bytes
    ) -> None:
        self.application = application
        self.answer = answer
        self.protocol = protocol
        self.wire = application.wire
        self._end = end
        self._parser = Protocol(Side.CLIENT, max_size=None)

    def say(self, text: bytes) -> None:
        self._parser.send_text(text)
        self._send()

    def leave(self) -> None:
        self._parser.send_close(1000)
        self._send()

    def _send(self) -> None:
        with suppress(BrokenPipeError):  # the service was faster
            self._end.send(b"".join(self._parser.data_to_send()))

    async def read_to_the_end(self) -> tuple[list[str], Close | None]:
        """Every text, and the close frame, which is answered, if one came before the connection ended."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            while data := await loop.sock_recv(self._end, 1 << 16):
                self._parser.receive_data(data)
                self._send()
        frames = [event for event in self._parser.events_received() if isinstance(event, Frame)]
        texts = [bytes(frame.data).decode() for frame in frames if frame.opcode is Opcode.TEXT]
        return texts, self._parser.close_rcvd

    async def until_given_up(self) -> None:
        """The service has let go of the connection, although nobody has read."""
        async with asyncio.timeout(1):
            while self.protocol in self.protocol.connections:
                await asyncio.sleep(0.001)

    def stall(self) -> int:
        """Has the service write until the kernel takes no more; answers how many texts that were."""
        count = 0
        while True:
            count += 1
            if not self.wire.write(text_frame(f"{count} " + "x" * 1000).data):
                return count


@asynccontextmanager
async def a_client(kind: type[WebSocketProtocol] = WebSocketProtocol, **config: Any) -> AsyncIterator[Client]:
    application, state = Application(), ServerState()
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    settings = Config(application, log_config=None, **{**OPTIONS, **config})
    settings.load()
    _, protocol = await loop.connect_accepted_socket(lambda: kind(settings, state, {}), ours)
    try:
        async with asyncio.timeout(5):
            await loop.sock_sendall(theirs, HANDSHAKE)
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += await loop.sock_recv(theirs, 1)
            assert answer.startswith(b"HTTP/1.1 101 ")
            await application.ready.wait()
            yield Client(application, protocol, theirs, answer)
            theirs.close()
        async with asyncio.timeout(1):
            while state.connections or state.tasks:
                await asyncio.sleep(0.001)
    finally:
        theirs.close()
        protocol.transport.abort()


async def test_frames_go_out_as_they_are_and_close_says_why() -> None:
    async with a_client() as client:
        assert client.wire.write(text_frame("one").data + text_frame("two").data)
        client.wire.cut(4410, "gone")
        assert await client.read_to_the_end() == (["one", "two"], Close(4410, "gone"))


async def test_a_client_that_offers_compression_gets_none() -> None:
    async with a_client() as client:
        assert b"sec-websocket-extensions" not in client.answer.lower(), "a frame is shared by sockets, as it is"
        client.wire.cut(1000, "")
        await client.read_to_the_end()


async def test_what_a_stall_may_cost_and_when_it_ends() -> None:
    async with a_client() as client:
        end = client.protocol.transport.get_extra_info("socket")
        assert end.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 128 * 1024, "the kernel hides a stall for long"
        client.stall()
        client.wire.cut(4408, "too slow")
        timer = client.protocol.close_timer
        assert timer is not None, "a reader that never reads keeps its connection for ever"
        assert timer.when() - asyncio.get_running_loop().time() <= 2
        client.protocol.transport.abort()
        await client.application.gone.wait()


async def test_a_reader_that_stalls_finds_all_it_was_sent_and_then_the_reason() -> None:
    async with a_client(Quick) as client:
        count = client.stall()
        client.wire.cut(4408, "too slow")
        await client.application.gone.wait()
        await client.until_given_up()
        texts, close = await client.read_to_the_end()
        assert [int(text.split()[0]) for text in texts] == list(range(1, count + 1))
        assert close == Close(4408, "too slow")


async def test_a_reader_for_whom_too_much_waits_is_dropped_in_the_midst_of_it() -> None:
    async with a_client(Quick) as client:
        assert not client.wire.write(text_frame("x" * 3_000_000).data)
        client.wire.cut(4408, "too slow")
        await client.until_given_up()
        texts, close = await client.read_to_the_end()
        assert (texts, close) == ([], None)


async def test_a_write_is_done_when_the_reader_has_made_room() -> None:
    async with a_client() as client:
        count = client.stall()
        drained = asyncio.ensure_future(client.wire.drained())
        await asyncio.sleep(0)
        assert not drained.done()
        reading = asyncio.ensure_future(client.read_to_the_end())
        await drained
        assert client.wire.write(text_frame(f"{count + 1} last").data)
        client.wire.cut(1000, "")
        texts, _ = await reading
        assert [int(text.split()[0]) for text in texts] == list(range(1, count + 2))


async def test_who_waits_for_room_is_woken_when_the_connection_is_lost() -> None:
    async with a_client() as client:
        client.stall()
        drained = asyncio.ensure_future(client.wire.drained())
        client.protocol.transport.abort()
        await drained
        assert client.wire.write(text_frame("into the void").data)
        client.wire.cut(1000, "")
        await client.application.gone.wait()


async def test_a_client_that_does_not_answer_a_ping_is_too_slow() -> None:
    async with a_client(Quick, ws_ping_interval=0.01, ws_ping_timeout=0.02) as client:
        await client.application.gone.wait()
        assert client.application.heard[-1]["code"] == 4408
        _, close = await client.read_to_the_end()
        assert close is not None
        assert close.code == 4408


async def test_a_service_that_stops_says_so_to_readers_and_to_stalled_ones() -> None:
    for stalled in (False, True):
        async with a_client(Quick) as client:
            count = client.stall() if stalled else 0
            client.protocol.shutdown()
            await client.application.gone.wait()
            texts, close = await client.read_to_the_end()
            assert len(texts) == count
            assert close is not None
            assert close.code == 1012
            assert "?after=" in close.reason


async def test_who_says_goodbye_and_reads_no_further_is_not_waited_for() -> None:
    async with a_client(Quick) as client:
        client.stall()
        client.leave()
        await client.application.gone.wait()
        await client.until_given_up()


async def test_the_closing_handshake_is_read_although_the_application_reads_no_more() -> None:
    """A message that waits for the application stops the reading; the client's answer to the close frame is behind it."""
    async with a_client() as client:
        client.application.reads.clear()
        client.say(b"taken")
        client.say(b"left lying")
        while not client.protocol.read_paused:
            await asyncio.sleep(0)
        client.wire.cut(4410, "gone")
        client.leave()
        await client.until_given_up()
        client.application.reads.set()
        await client.application.gone.wait()
