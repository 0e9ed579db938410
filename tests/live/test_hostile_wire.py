"""Bytes that break the WebSocket protocol itself, against the real server: one connection ends, and nothing else does."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from random import Random

import pytest

from app.realtime.protocol import MAX_MESSAGE_BYTES
from tests.support.answers import a_witness
from tests.support.live import LiveLane
from tests.support.wire import BINARY, CLOSE, CONTINUED, DROPPED, HANDSHAKE, PING, TEXT, Wire, frame, open_wire

pytestmark = [pytest.mark.anyio, pytest.mark.live]

PROTOCOL_ERROR, BAD_TEXT, TOO_BIG = 1002, 1007, 1009
BROKEN = {
    **{f"opcode {opcode}": (frame(opcode, b"x"), PROTOCOL_ERROR) for opcode in (3, 7, 11, 15)},
    **{f"reserved bits {rsv:03b}": (frame(TEXT, b"{}", rsv=rsv), PROTOCOL_ERROR) for rsv in (1, 2, 4, 7)},
    "unmasked": (frame(TEXT, b'{"action":"ping"}', masked=False), PROTOCOL_ERROR),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), PROTOCOL_ERROR),
    "a ping in parts": (frame(PING, b"x", fin=False), PROTOCOL_ERROR),
    "a close in parts": (frame(CLOSE, b"", fin=False), PROTOCOL_ERROR),
    "a part of nothing": (frame(CONTINUED, b"x"), PROTOCOL_ERROR),
    "a message within a message": (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), PROTOCOL_ERROR),
    "no UTF-8": (frame(TEXT, b"\xff\xfe"), BAD_TEXT),
    "no UTF-8 in the second part": (frame(TEXT, b'"', fin=False) + frame(CONTINUED, b'\xc3"'), BAD_TEXT),
    "half a surrogate pair": (frame(TEXT, b"\xed\xa0\x80"), BAD_TEXT),
    "a close of one byte": (frame(CLOSE, b"\x03"), PROTOCOL_ERROR),
    "a close code that is none": (frame(CLOSE, (999).to_bytes(2, "big")), PROTOCOL_ERROR),
    "a close code nobody may send": (frame(CLOSE, (1006).to_bytes(2, "big")), PROTOCOL_ERROR),
    "a close reason that is no UTF-8": (frame(CLOSE, b"\x03\xe8\xff"), BAD_TEXT),
    "a byte too many": (frame(TEXT, b" " * (MAX_MESSAGE_BYTES + 1)), TOO_BIG),
    "a gigabyte to come": (frame(BINARY, length=1 << 30), TOO_BIG),
    "a length of 2**63": (frame(TEXT, length=1 << 63), TOO_BIG),
    "parts without end": (
        frame(TEXT, b"x", fin=False) + frame(CONTINUED, b"x" * 1000, fin=False) * 70,
        TOO_BIG,
    ),
    "half a frame": (frame(TEXT, b'{"action":"ping"}')[:9], None),
    "half a head": (b"\x81", None),
    "a right close": (frame(CLOSE, (1000).to_bytes(2, "big")), 1000),
}
"""The bytes, and with what the service closes; None: it waits for the rest."""

SHAKE = HANDSHAKE.format(path="/ws", host="x")
NO_HANDSHAKES = {
    "garbage": (bytes(range(256)), 400),
    "a TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), 400),
    "no HTTP version": (b"GET /ws\r\n\r\n", 400),
    "version 8": (SHAKE.replace("Version: 13", "Version: 8").encode(), 400),
    "no version": (SHAKE.replace("Sec-WebSocket-Version: 13\r\n", "").encode(), 400),
    "no key": (SHAKE.replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "").encode(), 400),
    "a key that is none": (SHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "short").encode(), 400),
    "a POST": (SHAKE.replace("GET", "POST").encode(), 405),
    "an upgrade to something else": (SHAKE.replace("Upgrade: websocket", "Upgrade: h2c").encode(), 404),
}


@pytest.fixture
async def others(live_lane: LiveLane) -> AsyncIterator[None]:
    """A socket that is open all the while gets its answer afterwards, and no paper was touched."""
    async with a_witness(live_lane), live_lane.connect("/ws") as socket:
        yield
        await socket.send_json({"action": "ping"})
        await socket.receive_until("pong")


def dial(lane: LiveLane) -> AbstractAsyncContextManager[Wire]:
    url = lane.client.base_url
    return open_wire(url.host, url.port or 80, lane.deadline)


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize("name", BROKEN)
async def test_a_frame_that_breaks_the_protocol_ends_its_connection_with_the_code(
    live_lane: LiveLane, name: str
) -> None:
    data, code = BROKEN[name]
    async with dial(live_lane) as wire:
        await wire.shake_hands("/ws")
        await wire.send(data)
        if code is not None:
            assert await wire.close_code() == code


@pytest.mark.usefixtures("others")
async def test_parts_of_nothing_without_end_cost_nothing(live_lane: LiveLane) -> None:
    async with dial(live_lane) as wire:
        await wire.shake_hands("/ws")
        await wire.send(frame(TEXT, fin=False) + frame(CONTINUED, fin=False) * 10_000)
        assert await wire.is_answered()


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize("name", NO_HANDSHAKES)
async def test_a_handshake_that_is_none_is_refused(live_lane: LiveLane, name: str) -> None:
    data, status = NO_HANDSHAKES[name]
    async with dial(live_lane) as wire:
        await wire.send(data)
        assert await wire.status() == status


@pytest.mark.usefixtures("others")
async def test_a_header_of_1_mb_ends_its_connection(live_lane: LiveLane) -> None:
    async with dial(live_lane) as wire:
        await wire.send(SHAKE.replace("Host: x", f"Host: x\r\nX-Long: {'x' * (1 << 20)}").encode())
        assert await wire.status() in {400, None}, "it hangs up while we still send, which may overtake its answer"


@pytest.mark.usefixtures("others")
async def test_a_handshake_may_stop_anywhere(live_lane: LiveLane) -> None:
    for size in range(0, len(SHAKE), 3):
        async with dial(live_lane) as wire:
            await wire.send(SHAKE[:size].encode())
            if size % 2:
                wire.reset()


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize("seed", range(30))
async def test_ten_random_streams_of_frames_each_end_or_live(live_lane: LiveLane, seed: int) -> None:
    """Frames with anything in them, some of them whole: the connection is closed, by the service or when asked to."""
    random = Random(seed)
    for _ in range(10):
        async with dial(live_lane) as wire:
            await wire.shake_hands("/ws")
            for _ in range(random.randint(1, 20)):
                await wire.send(random_frame(random))
            if random.random() < 0.3:
                wire.reset()
            else:
                await wire.send(
                    frame(CLOSE, (1000).to_bytes(2, "big")) + bytes(2 * MAX_MESSAGE_BYTES)
                )  # ends any frame
                assert await wire.close_code() in {1000, PROTOCOL_ERROR, BAD_TEXT, TOO_BIG, DROPPED}


def random_frame(random: Random) -> bytes:
    """Mostly right, so that those before it are taken and it is heard."""
    if random.random() < 0.05:
        return random.randbytes(random.choice([1, 10, 500]))
    payload = random.choice([b'{"action":"ping"}', random.randbytes(20), b"", b"[" * 1000])
    odd = random.random() < 0.1
    return frame(
        random.choice([TEXT, TEXT, BINARY, PING]) if not odd else random.randrange(16),
        payload if len(payload) < 126 or not odd else payload * 10,
        fin=random.random() < 0.95,
        masked=not odd or random.random() < 0.5,
        rsv=random.randrange(8) if odd else 0,
    )
