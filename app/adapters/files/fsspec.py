"""Files on whatever fsspec reaches: a folder, memory, S3."""

import os
import shutil
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC
from typing import Any, BinaryIO

import fsspec
from anyio import CancelScope, CapacityLimiter, to_thread
from fsspec.implementations.local import LocalFileSystem

from app.adapters.disk import MEGABYTE, check_room, explained, make_lasting
from app.domain.errors import PaperProcessingError, UnavailableError
from app.ports import KeptFile

CHUNK = 256 * 1024
PART = ".part"
"""At the end of a file's name until it is whole."""
RESERVE = 32 * MEGABYTE
"""Bytes of a disk that new files leave free: what was accepted needs room to be worked on."""
THREADS = 40
"""That may wait for the store at once: one that hangs leaves those of everything else alone."""
LOOK_SECONDS = 0.5
"""How long a look at the store waits for one that is under way."""
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
"""How long a server of files may take to answer, or between two parts of an answer."""


def connect(url: str) -> "FsspecFiles":
    """The files at an fsspec URL. Raises `ValueError` or `ImportError` for one that nothing here serves."""
    filesystem, root = fsspec.core.url_to_fs(url, **_OPTIONS.get(url.partition(":")[0], {}))
    if "s3" in filesystem.protocol:
        filesystem.retries = 1  # it would try five times, and its library each time as often: half a minute
    return FsspecFiles(filesystem, root)


_OPTIONS: dict[str, dict[str, Any]] = {
    "s3": {
        "skip_instance_cache": True,  # it would be found again whatever the environment says by then
        "use_listings_cache": False,  # others write, too
        "config_kwargs": {
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": ANSWER_SECONDS,
            "retries": {"mode": "standard", "total_max_attempts": 2},
        },
    }
}


class FsspecFiles:
    """`Files` under `root` of an fsspec filesystem. A file appears whole or not at all.

    A caller that is cancelled leaves at once, and its thread to itself: a store that hangs holds up nobody who can do
    without it, and no process that has to end.
    """

    def __init__(self, filesystem: Any, root: str) -> None:
        self._fs = filesystem
        self._root = root.rstrip("/")
        self._is_disk = isinstance(filesystem, LocalFileSystem)
        self._threads = CapacityLimiter(THREADS)
        self._look = threading.Lock()

    async def put(self, paper_id: str, source: BinaryIO) -> None:
        await self._in_thread(self._put, paper_id, source)

    async def get(self, paper_id: str) -> bytes:
        return bytes(await self._in_thread(self._fs.cat_file, self._path(paper_id)))

    @asynccontextmanager
    async def stream(self, paper_id: str) -> AsyncIterator[AsyncIterator[bytes]]:
        file = await self._in_thread(self._fs.open, self._path(paper_id), "rb")

        async def chunks() -> AsyncIterator[bytes]:
            while chunk := await self._in_thread(file.read, CHUNK):
                yield chunk

        try:
            yield chunks()
        finally:
            with CancelScope(shield=True):
                await self._in_thread(file.close)

    async def remove(self, paper_id: str) -> None:
        for path in (self._path(paper_id), self._path(paper_id) + PART):
            await self._in_thread(self._remove, path)

    async def list(self) -> Sequence[KeptFile]:
        found: Sequence[KeptFile] = await self._in_thread(self._list)
        return found

    async def check(self) -> None:
        await self._in_thread(self._check)

    def _path(self, paper_id: str) -> str:
        return f"{self._root}/{paper_id[:2]}/{paper_id}"

    def _check(self) -> None:
        # One at a time: each that nobody waits for any more would leave a thread behind.
        if not self._look.acquire(timeout=LOOK_SECONDS):
            raise UnavailableError("The store of files has not answered yet when asked before; check PAPERS_FILES_URL.")
        try:
            self._fs.makedirs(self._root, exist_ok=True)
            if self._is_disk:
                check_room(self._root, RESERVE)
        finally:
            self._look.release()

    def _put(self, paper_id: str, source: BinaryIO) -> None:
        if self._is_disk:
            start = source.tell()
            check_room(self._root, source.seek(0, os.SEEK_END) - start + RESERVE)
            source.seek(start)
        path = self._path(paper_id)
        folder = path.rpartition("/")[0]
        self._fs.makedirs(folder, exist_ok=True)
        part = path + PART
        try:
            with self._fs.open(part, "wb") as target:
                shutil.copyfileobj(source, target, CHUNK)
            self._make_lasting(part)
            self._fs.mv(part, path)
            self._make_lasting(folder)
            self._make_lasting(self._root)  # the folder may be new
        except BaseException:
            self._remove(part)  # on a full disk of all places nothing may be left lying about
            raise

    def _make_lasting(self, path: str) -> None:
        if self._is_disk:  # other stores keep what they have acknowledged
            make_lasting(path)

    def _list(self) -> Sequence[KeptFile]:
        try:
            found: dict[str, dict[str, Any]] = self._fs.find(self._root, detail=True)
        except FileNotFoundError:  # a bucket that nobody made yet
            return []
        named = ((path, path.rpartition("/")[2].removesuffix(PART)) for path in found)
        return [
            KeptFile(
                paper_id=name,
                size=found[path]["size"],
                whole=not path.endswith(PART),
                changed_at=self._fs.modified(path).astimezone(UTC),
            )
            for path, name in named
            if path.removesuffix(PART) == self._path(name)  # what somebody else put there is not ours to remove
        ]

    def _remove(self, path: str) -> None:
        with suppress(FileNotFoundError):  # and no question before: `exists` says no of a server that is away
            self._fs.rm_file(path)

    async def _in_thread(self, function: Any, *args: Any) -> Any:
        try:
            return await to_thread.run_sync(function, *args, abandon_on_cancel=True, limiter=self._threads)
        except (FileNotFoundError, PaperProcessingError):
            raise
        except OSError as error:
            raise explained(error, "The store of files does not answer", "check PAPERS_FILES_URL") from error
        except Exception as error:
            if self._is_disk:
                raise
            # Each store's library has errors of its own for a server that is away.
            raise UnavailableError(f"The store of files does not answer ({error}); check PAPERS_FILES_URL.") from error
