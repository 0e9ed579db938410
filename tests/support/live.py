"""The live lane: real uvicorn, Valkey and Celery processes, over loopback."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import cycle
from pathlib import Path
from types import TracebackType

import httpx
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.lane import Lane
from tests.support.ports import free_port
from tests.support.sockets import ConnectionRefused, Socket

START_WITHIN = 120.0
STOP_WITHIN = 60.0


class LiveServer:
    """`paper-processing serve` in a folder of its own; `settings` are more of its environment variables."""

    def __init__(self, folder: Path, log: Path | None = None, under: Sequence[str] = (), **settings: str) -> None:
        """`log`: where its output goes, if not into the folder; `under`: the command that runs it, if any."""
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log or folder / "serve.log"
        self._words = [*under, sys.executable, "-m", "app.cli", "serve"]
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PAPERS_")},
            "PAPERS_PORT": str(self.port),
            "PAPERS_DATA_DIR": str(self.folder / "data"),
            "PAPERS_SYSTEM_STATUS_INTERVAL": "0.2",
            **settings,
        }
        self._process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> "LiveServer":
        """Starts it; a second time on the same data, when it was killed."""
        self.start()
        try:
            self.until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def start(self) -> None:
        """Starts it, and does not wait until it is ready."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(self._words, env=self.environment, stdout=output, stderr=output)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Asks it to stop, and waits until it has. Doing it twice does no harm."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its children go with it
            raise

    def processes(self, word: str) -> list[psutil.Process]:
        """Those below `serve` with that name, or that word among their arguments or in Celery's title (`worker-7@host`)."""
        found = []
        for process in psutil.Process(self._process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                arguments = " ".join(process.cmdline()).split()
                named = process.name() == word
                if named or any(argument == word or argument.startswith(f"{word}-") for argument in arguments):
                    found.append(process)
        return found

    @contextmanager
    def without_workers(self) -> Iterator[list[psutil.Process]]:
        """Its workers stand still meanwhile, none of them within a write: all others would wait for that one's end."""
        workers = self.processes("worker")
        deadline = time.monotonic() + START_WITHIN
        try:
            while True:
                for process in workers:
                    process.suspend()
                if not self._write_is_held():
                    break
                for process in workers:
                    process.resume()
                assert time.monotonic() < deadline, "the workers were never seen between two writes"
            yield workers
        finally:
            for process in workers:
                process.resume()

    def _write_is_held(self) -> bool:
        """Whether somebody holds a database for longer than a write takes."""
        for name in ("papers.sqlite", "graph.sqlite"):
            path = self.folder / "data" / name
            with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as connection:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                        raise
                    return True
                connection.execute("ROLLBACK")
        return False

    def until_ready(self) -> None:
        deadline = time.monotonic() + START_WITHIN
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/system/status", timeout=5).json()["status"] == "ok":
                    return
            except (httpx.TransportError, ValueError, KeyError):
                time.sleep(0.05)
        raise RuntimeError(f"the service did not start:\n{self.log.read_text()[-4000:]}")


class LiveLane(Lane):
    """One test's view of the live server."""

    deadline = 30.0
    parked = 0

    def __init__(self, *servers: LiveServer) -> None:
        """Where there are two, sockets open at each in turn, and requests go to the last: what one does the other tells."""
        super().__init__()
        self._servers = servers
        self._next = cycle(servers)

    async def __aenter__(self) -> "LiveLane":
        self.client = httpx.AsyncClient(base_url=self._servers[-1].url, timeout=30)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose()

    async def open_socket(self, path: str, headers: dict[str, str] | None = None) -> "LiveSocket":
        return await LiveSocket.open(next(self._next).url.replace("http", "ws", 1), path, headers)


class LiveSocket(Socket):
    """A socket of the `websockets` client."""

    def __init__(self, path: str, connection: ClientConnection) -> None:
        super().__init__(path, deadline=30.0)
        self._connection = connection
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, url: str, path: str, headers: dict[str, str] | None) -> "LiveSocket":
        try:
            connection = await connect(url + path, additional_headers=headers or {}, max_size=None, compression=None)
        except InvalidStatus as refused:
            answer = refused.response
            body = json.loads(answer.body) if answer.body else None
            raise ConnectionRefused(answer.status_code, body) from None
        return cls(path, connection)

    async def send_text(self, text: str) -> None:
        with suppress(ConnectionClosed):  # the reader tells how
            await self._connection.send(text)

    async def send_bytes(self, data: bytes) -> None:
        with suppress(ConnectionClosed):
            await self._connection.send(data)

    async def send_as_text(self, data: bytes) -> None:
        """Any bytes in a frame that says it is text."""
        await self._connection.send(data, text=True)

    async def close(self) -> None:
        await self._connection.close()
        await self._reader

    async def _read(self) -> None:
        try:
            async for message in self._connection:
                self.received_text(str(message))
        except ConnectionClosed as closed:
            self._note_close(closed)
            return
        self.received_close(self._connection.close_code or 1005, self._connection.close_reason or "")

    def _note_close(self, closed: ConnectionClosed) -> None:
        frame = closed.rcvd
        self.received_close(frame.code if frame else 1006, frame.reason if frame else "")
