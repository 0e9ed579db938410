"""What a child process says: a letter, a length, and that many bytes. Imported by the child: no dependencies."""

import struct
from typing import BinaryIO

HEADER = struct.Struct(">cQ")
MAX_FRAME = 128 * 1024 * 1024
"""Bytes; the longest reading there can be takes less."""

PROGRESS = b"p"
"""JSON: `[done, total]`."""
READING = b"r"
"""JSON: a `Reading`. The last frame."""
REFUSED = b"e"
"""JSON: `{"code", "detail"}` of a `ReadError`. The last frame."""
OUT_OF_MEMORY = b"m"
"""Empty. The last frame."""

NUMBER = struct.Struct(">q")
"""What a template says of a child: its process id, its exit status."""


def write(stream: BinaryIO, kind: bytes, payload: bytes = b"") -> None:
    """One frame, out at once."""
    stream.write(HEADER.pack(kind, len(payload)))
    stream.write(payload)
    stream.flush()
