"""The service under test: a real `serve` with its processes in reach, and a second API where one is wanted."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from app.domain.lifecycle import TERMINAL
from tests.faults.books import Books
from tests.faults.sqlite_books import SqliteBooks
from tests.support.live import LiveServer
from tests.support.ports import free_port

WORKERS = 2


class Stand:
    """One `serve` in a folder of its own. `async with` starts it, and leaves nothing running."""

    look_every = 0.02
    """Seconds between two looks into the books: another process writes them, so there is nothing to wait on."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = WORKERS,
        second_api: bool = False,
        settings: Mapping[str, str] | None = None,
        books: Books | None = None,
    ) -> None:
        """`books`: where the settings have it write, if not into its own folder."""
        self._server = LiveServer(folder, None, PAPERS_WORKERS=str(workers), **(settings or {}))
        self._second = SecondApi(self._server) if second_api else None
        self.data = folder / "data"
        self.books = books or SqliteBooks(self.data)
        self.redis_of_second_api = self.books.redis_url
        """The URL by which it reaches Redis: another way may lead there."""
        self.urls = [self._server.url, *([self._second.url] if self._second else [])]
        self.start_took = 0.0
        """Seconds the service took to be ready."""

    async def __aenter__(self) -> Self:
        began = time.monotonic()
        try:
            await asyncio.to_thread(self._server.__enter__)
            self.start_second_api()
        except BaseException:  # cancelled, for one: the thread goes on, but what it started must not
            self._server.stop()
            raise
        self.start_took = time.monotonic() - began
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.books.close()
        if self._second:
            self._second.kill()
        with suppress(psutil.NoSuchProcess):  # it was killed, and did not start again
            send(signal.SIGCONT, [self.supervisor, *self.processes()])
        await asyncio.to_thread(self._server.__exit__, None, None, None)

    def processes(self, *kinds: str) -> list[psutil.Process]:
        """The children of `serve` of these kinds; all without one."""
        found = []
        for process in psutil.Process(self._server.pid).children():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if not kinds or _kind(" ".join(process.cmdline())) in kinds:
                    found.append(process)
        return found

    @property
    def supervisor(self) -> psutil.Process:
        return psutil.Process(self._server.pid)

    @property
    def second_api(self) -> psutil.Process:
        if self._second is None:
            raise ValueError("this stand has one API only")
        return psutil.Process(self._second.pid)

    def start_second_api(self) -> None:
        """Starts the second API, or starts it again; nothing where there is none."""
        if self._second:
            self._second.start(self.redis_of_second_api)

    async def start_again(self) -> None:
        """A new `serve` on the same data, after the old one was killed."""
        await asyncio.to_thread(self._server.stop)  # buries the old one
        await asyncio.to_thread(self._server.__enter__)

    async def until_events(self, number: int) -> None:
        """Returns when so many events were stored."""
        while await self.books.stored() < number:
            await asyncio.sleep(self.look_every)

    async def until_ended(self, paper_id: str) -> None:
        """Returns when the paper's run has ended."""
        while (await self.books.statuses())[paper_id] not in TERMINAL:
            await asyncio.sleep(self.look_every)

    async def until_an_event_waits(self) -> None:
        """Returns in the moment between an event's write and its way into the log."""
        while not await self.books.waiting():  # another process writes: there is nothing to wait on
            await asyncio.sleep(0.001)


class SecondApi:
    """Another API process over the same stores, as a team runs several behind one address."""

    def __init__(self, server: LiveServer) -> None:
        self._port = free_port()
        self._server = server
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ValueError("it was not started")
        return self._process.pid

    def start(self, redis_url: str) -> None:
        self.kill()
        environment = {**self._server.environment, "PAPERS_PORT": str(self._port), "PAPERS_REDIS_URL": redis_url}
        with self._server.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "api"], env=environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)


def _kind(command: str) -> str:
    """What a child of `serve` is. Celery may give a worker any title, so it is known by not being another."""
    known = {"valkey-server": "valkey", "app.cli api": "api", "app.cli serve": "not started yet"}
    return next((kind for words, kind in known.items() if words in command), "worker")


def send(number: signal.Signals, processes: Iterable[psutil.Process]) -> None:
    """The signal to all of them, as near to one moment as can be."""
    for process in processes:
        with suppress(ProcessLookupError):  # it has just died
            os.kill(process.pid, number)
