"""What the benchmarks of sockets stand on: servers on one core; readers, publisher and Valkey on the other."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from redis.asyncio import Redis

from app.adapters.event_log.redis import STREAM
from app.domain.events import PaperProgressData, PaperProgressEvent
from app.supervisor.valkey import EmbeddedValkey
from tests.bench.servers import CHANNEL
from tests.support.builders import NOW
from tests.support.ports import free_port

SERVER_CORE, CLIENT_CORE = 0, 1
START_WITHIN = 60.0
MARK = b"@"

Publish = Callable[[Sequence[str]], Awaitable[None]]


@dataclass(frozen=True)
class Kind:
    """One of the servers that are compared."""

    name: str
    command: tuple[str, ...]


SERVICE = Kind("this service", ("-m", "app.cli", "api"))
PLAIN = Kind("Starlette send_text loop", ("-m", "tests.bench.servers", "plain"))
BROADCAST = Kind("websockets.broadcast()", ("-m", "tests.bench.servers", "broadcast"))
KINDS = (PLAIN, BROADCAST, SERVICE)


class Readers:
    """Sockets that count events, and while asked to, note how long each took. `async with` opens them."""

    def __init__(self, url: str, sockets: int) -> None:
        self.sockets = sockets
        self.received = 0
        self.latencies: list[float] | None = None
        """Milliseconds from append to socket."""
        self.lost = 0
        """How many were cut off."""
        self._url = url
        self._transports: list[WSTransport] = []

    async def __aenter__(self) -> Self:
        for _ in range(self.sockets):
            transport, _ = await ws_connect(lambda: _Reader(self), self._url, websocket_handshake_timeout=START_WITHIN)
            self._transports.append(transport)
        return self

    async def __aexit__(self, *_: object) -> None:
        for transport in self._transports:
            transport.disconnect(graceful=False)
            await transport.wait_disconnected()


class _Reader(WSListener):
    def __init__(self, readers: Readers) -> None:
        super().__init__()
        self._readers = readers

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        readers = self._readers
        if frame.msg_type == WSMsgType.CLOSE:
            readers.lost += 1
            return
        payload = frame.get_payload_as_bytes()
        start = payload.find(MARK)
        if start == -1:
            return  # not one of the benchmark's events
        readers.received += 1
        if readers.latencies is not None:
            sent = float(payload[start + 1 : payload.find(MARK, start + 1)])
            readers.latencies.append((time.perf_counter() - sent) * 1000)


class Events:
    """Progress of one paper, or of some in turn, as the service would write it."""

    def __init__(self, papers: Sequence[str] = ("7b0c5c1e-3a52-4b3f-9a57-0d6a2f0f4a11",), begun: int = 0) -> None:
        """`begun`: events that each paper has already."""
        self._papers = papers
        self._begun = begun
        self._made = 0

    def make(self, count: int) -> list[str]:
        events = []
        for _ in range(count):
            turn, place = divmod(self._made, len(self._papers))
            self._made += 1
            data = PaperProgressData(
                paper_id=self._papers[place],
                seq=self._begun + turn + 1,
                run=1,
                changes={"progress": 42, "stage": "entities", "updated_at": "2026-01-31T12:00:00.000Z"},
                progress=42,
                stage="entities",
                stage_progress=12,
                stages_completed=3,
                stages_total=6,
            )
            moment = f"@{time.perf_counter():.6f}@"
            event = PaperProgressEvent(timestamp=NOW, message=f"attention.pdf is being processed {moment}", data=data)
            events.append(event.model_dump_json())
        return events


@dataclass
class Running:
    """A server that is up, and how to reach it and its log."""

    kind: Kind
    url: str
    process: psutil.Process
    publish: Publish
    events: Events

    @property
    def address(self) -> str:
        """Of its HTTP."""
        return self.url.replace("ws", "http", 1).removesuffix("/ws")


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """The embedded server, as `serve` runs it, on the clients' core, where this process stays meanwhile; its URL."""
    place = EmbeddedValkey(folder)
    (folder / "valkey").mkdir(parents=True, exist_ok=True)
    with on_core(CLIENT_CORE):
        process = subprocess.Popen([*place.program({}).command], stdout=subprocess.DEVNULL)
        try:
            wait_until((folder / "valkey" / "valkey.sock").exists)
            yield place.url
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Keeps this process, and what it starts meanwhile, on one core."""
    before = psutil.Process().cpu_affinity()
    psutil.Process().cpu_affinity([core])
    try:
        yield
    finally:
        psutil.Process().cpu_affinity(before)


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[Running]:
    """This service, alone with a Valkey."""
    with valkey(folder) as redis_url:
        async with running(SERVICE, folder, redis_url) as server:
            yield server


@asynccontextmanager
async def running(kind: Kind, folder: Path, redis_url: str) -> AsyncIterator[Running]:
    """The server on its core."""
    port = free_port()
    arguments = [] if kind is SERVICE else [str(port), redis_url]
    environment = {
        **os.environ,
        "PAPERS_PORT": str(port),
        "PAPERS_DATA_DIR": str(folder),
        "PAPERS_REDIS_URL": redis_url,
        "PAPERS_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, *kind.command, *arguments]
    process = psutil.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        process.cpu_affinity([SERVER_CORE])
        wait_until(lambda: _listens(port))
        async with Redis.from_url(redis_url) as redis:
            publish = _to_log(redis) if kind is SERVICE else _to_channel(redis)
            yield Running(kind, f"ws://127.0.0.1:{port}/ws", process, publish, Events())
    finally:
        process.kill()  # nothing it holds is worth a graceful end
        process.wait(10)


def _to_log(redis: Redis) -> Publish:
    async def publish(events: Sequence[str]) -> None:
        async with redis.pipeline(transaction=False) as pipe:
            for event in events:
                pipe.xadd(STREAM, {"event": event}, maxlen=100_000)
            await pipe.execute()

    return publish


def _to_channel(redis: Redis) -> Publish:
    async def publish(events: Sequence[str]) -> None:
        async with redis.pipeline(transaction=False) as pipe:
            for event in events:
                pipe.publish(CHANNEL, event)
            await pipe.execute()

    return publish


def cpu(server: Running) -> float:
    """Seconds of processor time it has used."""
    times = server.process.cpu_times()
    return float(times.user + times.system)


def _listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"a server did not start within {START_WITHIN:g} s")
        time.sleep(0.05)
