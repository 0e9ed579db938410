"""A WebSocket client that says what no library would: its handshake and its frames are bytes made by hand."""

import asyncio
import socket as sockets
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
CONTINUED = 0
MASK = b"\x11\x22\x33\x44"
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
DROPPED = 1006
"""The connection ended without a close frame."""


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True, rsv: int = 0, length: int | None = None
) -> bytes:
    """One frame of a client; `length` is what it says of itself, where that is not the truth."""
    size = len(payload) if length is None else length
    head = bytes([fin << 7 | rsv << 4 | opcode])
    bit = masked << 7
    if size < 126:
        head += bytes([bit | size])
    elif size < 1 << 16:
        head += struct.pack(">BH", bit | 126, size)
    else:
        head += struct.pack(">BQ", bit | 127, size)
    if not masked:
        return head + payload
    return head + MASK + bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))


class Wire:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host

    async def send(self, data: bytes) -> None:
        """Sends bytes; a server that has had enough of them is none of the sender's business."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            return

    async def shake_hands(self, path: str) -> None:
        await self.send(HANDSHAKE.format(path=path, host=self._host).encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head

    async def status(self) -> int | None:
        """The HTTP status of the answer; None where the server hung up without one."""
        try:
            line = await self._reader.readline()
        except ConnectionError:
            return None
        return int(line.split()[1]) if line else None

    async def close_code(self) -> int:
        """What the server closes with; frames before that are passed over."""
        try:
            while True:
                opcode, payload = await self._receive()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big") if payload else 1005
        except (ConnectionError, asyncio.IncompleteReadError):
            return DROPPED

    async def is_answered(self) -> bool:
        """Whether a ping of the protocol comes back."""
        await self.send(frame(PING, b"there?"))
        while True:
            opcode, payload = await self._receive()
            if opcode == PONG:
                return payload == b"there?"

    def reset(self) -> None:
        """Ends the connection as a crash does."""
        if not self._writer.transport.is_closing():
            socket = self._writer.get_extra_info("socket")
            socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()

    async def _receive(self) -> tuple[int, bytes]:
        head = await self._reader.readexactly(2)
        size = head[1] & 127
        if size == 126:
            (size,) = struct.unpack(">H", await self._reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", await self._reader.readexactly(8))
        return head[0] & 15, await self._reader.readexactly(size)


@asynccontextmanager
async def open_wire(host: str, port: int, deadline: float) -> AsyncIterator[Wire]:
    """A connection for so many seconds; it is gone at the end, whatever state it is in."""
    async with asyncio.timeout(deadline):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            yield Wire(reader, writer, f"{host}:{port}")
        finally:
            writer.transport.abort()
