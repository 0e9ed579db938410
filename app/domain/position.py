"""Opaque resume positions: a place in the log and, on a paper's socket, the `seq` its snapshot had there."""

import base64
import binascii
import re

from app.domain.errors import InvalidPositionError
from app.domain.model import Value

_BEYOND = 2**64
"""What neither half of an entry's id reaches; asked for one that does, the log would fail."""
_FORM = re.compile(r"(\d{1,20}-\d{1,20})(?:\.(\d{1,18}))?")


class Position(Value):
    """`entry` is an id of the log; of what follows it, only events with a `seq` above `seq` are new to the holder."""

    entry: str
    seq: int = 0

    def encode(self) -> str:
        plain = f"{self.entry}.{self.seq}" if self.seq else self.entry
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def decode_position(text: str) -> Position:
    """Raises `InvalidPositionError` for what `Position.encode` cannot have made."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise InvalidPositionError from error
    match = _FORM.fullmatch(plain)
    if match is None or max(entry_order(match[1])) >= _BEYOND:
        raise InvalidPositionError
    return Position(entry=match[1], seq=int(match[2] or 0))


def entry_order(entry: str) -> tuple[int, int]:
    """Sorts log ids in the order of their entries."""
    milliseconds, _, number = entry.partition("-")
    return int(milliseconds), int(number)
