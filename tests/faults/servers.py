"""Real servers that rounds may kill: each is started by a command that an environment variable holds, where nobody else is."""

import asyncio
import os
import shlex
import shutil
import signal
import socket
import time
from pathlib import Path
from random import SystemRandom

from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from app.supervisor.leash import tied_by_kernel

COMMANDS = {
    "redis": "PAPERS_LIVE_REDIS_COMMAND",
    "store": "PAPERS_LIVE_STORE_COMMAND",
    "graph": "PAPERS_LIVE_GRAPH_COMMAND",
}
"""In each, `{folder}` and `{port}` stand for the place that the server is given."""
ANSWERS_WITHIN = 180.0
_PORTS = range(20_000, 32_000)
"""Below those that the kernel gives to clients: one of them could take the port of a server that is dead just now."""


class ServersError(Exception):
    """A server cannot be had; the message says why."""


class Server:
    """One server, started again and again on the same data and port."""

    def __init__(self, name: str, command: str, folder: Path) -> None:
        self.name = name
        self.port = _free_port()
        self._folder = folder / name
        self._log = folder / f"{name}.log"
        self.command = [word.format(folder=self._folder, port=self.port) for word in shlex.split(command)]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns when it takes connections; at once where it is at work."""
        if self._process is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=asyncio.subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=tied_by_kernel(signal.SIGKILL),
                )
        deadline = time.monotonic() + ANSWERS_WITHIN
        while self._process.returncode is None and time.monotonic() < deadline:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
        raise ServersError(f"{self.name} did not start ({shlex.join(self.command)}):\n{self._log.read_text()[-2000:]}")

    def send(self, number: signal.Signals) -> None:
        """To the server, and to what it started."""
        if self._process is not None and self._process.returncode is None:
            os.killpg(self._process.pid, number)

    async def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Returns when it has ended."""
        if self._process is not None:
            self.send(number)
            await self._process.wait()
            self._process = None


class Servers:
    """A Redis, a store and a graph, in a folder that goes with them. `async with` starts them."""

    def __init__(self, folder: Path) -> None:
        """Raises `ServersError` where a command is missing."""
        missing = [variable for variable in COMMANDS.values() if not os.environ.get(variable)]
        if missing:
            raise ServersError(f"{', '.join(missing)}: not set, and rounds on real servers start them so")
        self._folder = folder
        self.redis, self.store, self.graph = (
            Server(name, os.environ[variable], folder) for name, variable in COMMANDS.items()
        )
        self.all = (self.redis, self.store, self.graph)
        self.redis_url = f"redis://127.0.0.1:{self.redis.port}/0"
        self.store_url = f"mongodb://127.0.0.1:{self.store.port}/papers?w=majority&journal=true"
        self.graph_url = f"bolt://127.0.0.1:{self.graph.port}"

    async def __aenter__(self) -> "Servers":
        try:
            await self.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(server.end() for server in self.all))
        shutil.rmtree(self._folder)

    async def start(self) -> None:
        """Whatever became of them, they are at work when it returns."""
        for server in self.all:
            server.send(signal.SIGCONT)
        await asyncio.gather(*(server.start() for server in self.all))

    async def empty(self) -> None:
        """Nothing of an earlier round is left in them."""
        from neo4j import AsyncGraphDatabase  # 0.3 s

        async with Redis.from_url(self.redis_url) as redis:
            await redis.flushall()
        async with AsyncMongoClient[dict[str, object]](self.store_url) as store:
            await store.drop_database("papers")
        async with AsyncGraphDatabase.driver(self.graph_url) as graph:
            await graph.execute_query("MATCH (n) DETACH DELETE n")


def _free_port() -> int:
    while True:
        port = SystemRandom().choice(_PORTS)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
