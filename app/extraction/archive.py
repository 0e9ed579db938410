"""Zip files that somebody sent: looked at before anything in them is unpacked."""

import io
import lzma
import struct
import zipfile
import zlib
from typing import BinaryIO

from app.domain.errors import ReadError

_END = b"PK\x05\x06"
_END_LENGTH = 22
_MAX_COMMENT = 65_535
_MAX_DIRECTORY = 1_000_000
"""Bytes; a DOCX has some dozens of entries, each of about 80."""
MAX_UNPACKED = 200_000_000
"""Bytes, of all entries together."""
MAX_RATIO = 200
"""Unpacked to packed, for what is beyond a megabyte; XML packs ten to twenty times."""

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    ArithmeticError,
)
"""What zipfile raises where bytes are not what they were."""


def directory(file: BinaryIO) -> zipfile.ZipFile | None:
    """The zip, its directory read; None when there is no directory, or one beyond any document's."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _MAX_COMMENT - _END_LENGTH))
    tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) - end < _END_LENGTH:
        return None
    if int.from_bytes(tail[end + 12 : end + 16], "little") > _MAX_DIRECTORY:  # also what says "see ZIP64"
        return None
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return None


def check_size(archive: zipfile.ZipFile) -> None:
    """Raises `ReadError` for a zip whose directory says that it unpacks to too much."""
    total = sum(entry.file_size for entry in archive.infolist())
    packed = sum(entry.compress_size for entry in archive.infolist())
    if total > MAX_UNPACKED or total > 1_000_000 + MAX_RATIO * packed:
        raise _too_complex()


def unpack(archive: zipfile.ZipFile, entry: str, limit: int) -> bytes | None:
    """An entry's bytes, or None if there is none of that name. A directory can lie: raises `ReadError` past `limit`."""
    try:
        with archive.open(entry) as file:
            data = file.read(limit + 1)
    except KeyError:
        return None
    except (RuntimeError, NotImplementedError) as error:
        raise ReadError("encrypted", "The document is protected by a password; remove it and send it again.") from error
    except _DAMAGED as error:
        raise ReadError("unreadable", "The document is damaged; send it again.") from error
    if len(data) > limit:
        raise _too_complex()
    return data


def _too_complex() -> ReadError:
    return ReadError("file_too_complex", "The document unpacks to far more than any paper; it looks like a zip bomb.")
