"""Real servers that rounds may kill: each is started by a command that an environment variable holds, where nobody else is."""

import asyncio
import os
import shlex
import shutil
import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from app.supervisor.leash import tied_by_kernel
from tests.support.ports import free_port

if TYPE_CHECKING:
    from neo4j import AsyncDriver

ANSWERS_WITHIN = 240.0
ANSWER_SECONDS = 10.0


class ServersError(Exception):
    """A server cannot be had; the message says why."""


class Server(ABC):
    """One server, started again and again on the same data and port."""

    name: str
    variable: str
    """The one that holds its command; there, `{folder}` and `{port}` stand for the place that the server is given."""
    form: str
    """Of its URL."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = self.form.format(port=port)
        self._folder = folder / self.name
        self._log = folder / f"{self.name}.log"
        words = shlex.split(os.environ[self.variable])
        self._command = [word.format(folder=self._folder, port=port) for word in words]
        self._process: asyncio.subprocess.Process | None = None

    @abstractmethod
    async def empty(self) -> None:
        """Nothing is left in it."""

    @abstractmethod
    async def ask(self) -> None:
        """Raises while it does not answer."""

    async def start(self) -> None:
        """Returns when it answers: some take connections long before. At once where it is at work."""
        if not self.at_work:  # it may have ended by itself
            self._process = await self._spawn()
        deadline = time.monotonic() + ANSWERS_WITHIN
        while self.at_work and time.monotonic() < deadline:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self.ask()
            except Exception:  # each driver has its own; the deadline tells what the server said
                await asyncio.sleep(0.1)
            else:
                return
        raise self._did_not_start(self._log.read_text()[-2000:])

    async def _spawn(self) -> asyncio.subprocess.Process:
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            try:
                return await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=asyncio.subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=tied_by_kernel(signal.SIGKILL),
                )
            except OSError as error:
                raise self._did_not_start(str(error)) from error

    def _did_not_start(self, why: str) -> ServersError:
        return ServersError(f"{self.name} did not start ({shlex.join(self._command)}):\n{why}")

    @property
    def at_work(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def send(self, number: signal.Signals) -> None:
        """To the server, and to what it started."""
        if self._process is not None and self.at_work:
            os.killpg(self._process.pid, number)

    async def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Returns when it has ended."""
        if self._process is not None:
            self.send(number)
            await self._process.wait()
            self._process = None


class RedisServer(Server):
    name = "redis"
    variable = "PAPERS_LIVE_REDIS_COMMAND"
    form = "redis://127.0.0.1:{port}/0"

    async def ask(self) -> None:
        async with Redis.from_url(self.url) as client:
            await client.ping()

    async def empty(self) -> None:
        async with Redis.from_url(self.url) as client:
            await client.flushall()


class StoreServer(Server):
    name = "store"
    variable = "PAPERS_LIVE_STORE_COMMAND"
    form = "mongodb://127.0.0.1:{port}/papers?w=majority&journal=true"

    async def ask(self) -> None:
        async with AsyncMongoClient[dict[str, object]](self.url) as client:
            await client.admin.command("ping")

    async def empty(self) -> None:
        async with AsyncMongoClient[dict[str, object]](self.url) as client:
            await client.drop_database("papers")


class GraphServer(Server):
    name = "graph"
    variable = "PAPERS_LIVE_GRAPH_COMMAND"
    form = "bolt://127.0.0.1:{port}"

    async def ask(self) -> None:
        async with self._driver() as driver:
            await driver.verify_connectivity()  # without the driver's own patience

    async def empty(self) -> None:
        async with self._driver() as driver:
            await driver.execute_query("MATCH (n) DETACH DELETE n")

    def _driver(self) -> "AsyncDriver":
        from neo4j import AsyncGraphDatabase  # 0.3 s

        return AsyncGraphDatabase.driver(self.url)


KINDS = (RedisServer, StoreServer, GraphServer)


class Servers:
    """A Redis, a store and a graph, in a folder that goes with them. `async with` starts them."""

    def __init__(self, folder: Path) -> None:
        """Raises `ServersError` where a command is missing."""
        missing = [kind.variable for kind in KINDS if not os.environ.get(kind.variable)]
        if missing:
            raise ServersError(f"{', '.join(missing)}: not set, and rounds on real servers start them so")
        self._folder = folder
        self.redis, self.store, self.graph = RedisServer(folder), StoreServer(folder), GraphServer(folder)
        self._all = (self.redis, self.store, self.graph)

    async def __aenter__(self) -> "Servers":
        try:
            await self.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(server.end() for server in self._all))
        shutil.rmtree(self._folder)

    async def start(self) -> None:
        """Whatever became of them, they are at work when it returns. Raises `ServersError` when one cannot be."""
        for server in self._all:
            server.send(signal.SIGCONT)
        try:
            async with asyncio.TaskGroup() as tasks:  # none still starts when another's failure has them all ended
                for server in self._all:
                    tasks.create_task(server.start())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def empty(self) -> None:
        """Nothing of an earlier round is left in them."""
        await asyncio.gather(*(server.empty() for server in self._all))
