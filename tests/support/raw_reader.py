"""A WebSocket client that reads nothing before it is told to, over TCP: no library would let it."""

import asyncio
import json
import socket
from types import TracebackType

from websockets.frames import Close, Frame, Opcode
from websockets.protocol import Protocol, Side

from tests.support.transcript import Transcript


class RawReader:
    """Shakes hands, then stalls; the kernel keeps what comes, as long as there is room."""

    def __init__(self, port: int, path: str, receive_buffer: int | None = None) -> None:
        self.transcript = Transcript(path)
        self.close: Close | None = None
        self._port = port
        self._parser = Protocol(Side.CLIENT, max_size=None)
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)

    async def __aenter__(self) -> "RawReader":
        loop = asyncio.get_running_loop()
        self._socket.setblocking(False)
        await loop.sock_connect(self._socket, ("127.0.0.1", self._port))
        lines = (
            f"GET {self.transcript.path} HTTP/1.1",
            f"Host: 127.0.0.1:{self._port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        )
        await loop.sock_sendall(self._socket, "\r\n".join((*lines, "", "")).encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += await loop.sock_recv(self._socket, 1)
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    async def read_to_the_end(self) -> None:
        """Takes everything there is, until the connection ends."""
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(self._socket, 1 << 16):
            self._parser.receive_data(data)
        for event in self._parser.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self.transcript.add(json.loads(bytes(event.data)))
        self.close = self._parser.close_rcvd
        self.transcript.ending = "lost" if self.close is None else f"closed {self.close.code} {self.close.reason}"
