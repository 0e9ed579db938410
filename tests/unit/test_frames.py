"""A frame of ours, read by somebody else's parser."""

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from app.realtime.frames import Frames, join, text_frame


def parsed(frames: Frames) -> list[str]:
    """What a client of the `websockets` library makes of the bytes."""
    client = Protocol(Side.CLIENT, max_size=None)
    client.receive_data(frames.data)
    events = client.events_received()
    assert all(isinstance(event, Frame) and event.opcode is Opcode.TEXT and event.fin for event in events)
    return [bytes(event.data).decode() for event in events if isinstance(event, Frame)]


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000])
def test_a_client_reads_the_text_whatever_its_length(length: int) -> None:
    assert parsed(text_frame("x" * length)) == ["x" * length]


@pytest.mark.parametrize(("length", "header"), [(125, 2), (126, 4), (65_535, 4), (65_536, 10)])
def test_the_header_is_as_short_as_the_length_allows(length: int, header: int) -> None:
    """RFC 6455 demands it; parsers that are strict about it close the connection."""
    assert len(text_frame("x" * length).data) == header + length


def test_the_length_is_that_of_the_bytes() -> None:
    text = "ß" * 100
    assert parsed(text_frame(text)) == [text]


def test_joined_frames_are_read_one_by_one() -> None:
    joined = join([text_frame("a"), join([text_frame("b"), text_frame("c" * 200)])])
    assert parsed(joined) == list(joined.texts) == ["a", "b", "c" * 200]
