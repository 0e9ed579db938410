"""What can be told of a file before it is a paper."""

import hashlib
import re
import unicodedata
from typing import BinaryIO

from app.domain.errors import EmptyFileError, FileTooLargeError
from app.domain.model import Value
from app.extraction.content_type import detect

MEGABYTE = 1024 * 1024
LONGEST_NAME = 255
CHUNK = 256 * 1024
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Unicode's control, format (direction marks among them), surrogate, private and unassigned characters."""


class Upload(Value):
    """A file as it came."""

    filename: str
    content_type: str
    size: int
    sha256: str


def examine(source: BinaryIO, filename: str, limit_mb: int) -> Upload:
    """Measures the file and tells its type by its content; blocks, and leaves the file at its beginning.

    Raises `EmptyFileError`, `FileTooLargeError`, `UnsupportedTypeError`.
    """
    digest = hashlib.sha256()
    size = 0
    source.seek(0)
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    if size == 0:
        raise EmptyFileError
    if size > limit_mb * MEGABYTE:
        raise FileTooLargeError(limit_mb)
    content_type = detect(source)  # from the beginning, and leaves it there
    return Upload(filename=clean_filename(filename), content_type=content_type, size=size, sha256=digest.hexdigest())


def clean_filename(name: str) -> str:
    """The last part of the name, without invisible characters, at most 255 characters; `paper` if none are left."""
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(char for char in last if unicodedata.category(char) not in INVISIBLE)
    return visible.strip(" .")[:LONGEST_NAME] or "paper"
