"""A file on its way in: counted while it streams, kept on disk and never whole in memory."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from app.domain.errors import FileTooLargeError, MissingFileError, StorageFullError
from app.services.intake import MEGABYTE

OVERHEAD = 64 * 1024
"""What the multipart form may take beside the file."""


class UploadCutOffError(FileTooLargeError):
    """Too much, and not all of it was taken."""


@asynccontextmanager
async def receive_file(request: Request, limit_mb: int) -> AsyncIterator[tuple[str, BinaryIO]]:
    """The name and the bytes of the form's `file`.

    Raises `UploadCutOffError` as soon as too much was declared or has come, `MissingFileError` when there is none.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise MissingFileError
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and float(declared) > limit_mb * MEGABYTE + OVERHEAD:
        raise UploadCutOffError(limit_mb)
    parser = _Parser(request, limit_mb)
    try:
        form = await parser.parse()
    except (MultiPartException, ClientDisconnect) as error:
        raise MissingFileError from error
    except OSError as error:  # what is beyond a megabyte goes to a temporary file
        if error.errno not in StorageFullError.ERRNOS:
            raise
        raise StorageFullError("The disk of the temporary folder is full; make room, then send it again.") from error
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise MissingFileError
        yield file.filename or "", file.file
    finally:
        await form.close()


class _Parser(MultiPartParser):
    """Takes one form in, counting its bytes; a form that stops before its end is refused like one that is none."""

    def __init__(self, request: Request, limit_mb: int) -> None:
        super().__init__(request.headers, self._counted(request, limit_mb), max_files=1, max_fields=10)
        self._has_ended = False

    def on_end(self) -> None:
        """What the parser calls at the form's last boundary."""
        self._has_ended = True

    async def _counted(self, request: Request, limit_mb: int) -> AsyncGenerator[bytes, None]:
        received = 0
        async for chunk in request.stream():
            received += len(chunk)
            if received > limit_mb * MEGABYTE + OVERHEAD:
                raise UploadCutOffError(limit_mb)
            yield chunk
        if not self._has_ended:
            raise MissingFileError  # from in here: so the parser closes the file it had begun
