"""Text frames, made once for all the sockets they go to."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.events import Event

_TEXT = 0x81
"""A whole text message in one frame."""
_IN_2_BYTES, _IN_8_BYTES = 126, 127
"""How the length is written when it does not fit beside these marks."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Messages in order: as texts, and as the bytes of a server that does not compress."""

    texts: tuple[str, ...]
    data: bytes


def frame(event: Event) -> Frames:
    """The event as it goes over the wire."""
    return text_frame(event.model_dump_json())


def text_frame(text: str) -> Frames:
    """One message."""
    payload = text.encode()
    return Frames((text,), _header(len(payload)) + payload)


def join(parts: Iterable[Frames]) -> Frames:
    """All of them, one behind the other."""
    parts = tuple(parts)
    if len(parts) == 1:
        return parts[0]
    return Frames(tuple(text for part in parts for text in part.texts), b"".join([part.data for part in parts]))


def _header(length: int) -> bytes:
    """Of an unmasked text frame (RFC 6455, section 5.2)."""
    if length < _IN_2_BYTES:
        return bytes((_TEXT, length))
    if length < 1 << 16:
        return bytes((_TEXT, _IN_2_BYTES)) + length.to_bytes(2)
    return bytes((_TEXT, _IN_8_BYTES)) + length.to_bytes(8)
