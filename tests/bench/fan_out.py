"""Fan-out of the running service, from log append to socket, on one core; the clients are on the other."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import psutil
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from redis.asyncio import Redis

from app.adapters.event_log.redis import STREAM
from app.domain.events import PaperProgressData, PaperProgressEvent
from app.supervisor.valkey import EmbeddedValkey
from tests.bench.servers import CHANNEL
from tests.support.builders import NOW

SERVER_CORE, CLIENT_CORE = 0, 1
RATE = 50
"""Events a second where latency is measured."""
WINDOW = 200
"""Events that may be under way at saturation: less than what makes a slow reader of anybody."""
CHUNK = 50
START_WITHIN = 60.0
CATCH_UP_WITHIN = 180.0
MARK = b"@"

Publish = Callable[[Sequence[str]], Awaitable[None]]
Step = Callable[[str], None]
"""Told what is done next."""


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
    """Sockets that count events, and while asked to, note how long each took."""

    def __init__(self) -> None:
        self.received = 0
        self.latencies: list[float] | None = None
        self.lost = 0
        self._transports: list[WSTransport] = []

    async def open(self, url: str, count: int) -> None:
        for _ in range(count):
            transport, _ = await ws_connect(lambda: _Reader(self), url)
            self._transports.append(transport)

    async def close(self) -> None:
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
    """Progress of one paper after the other, as the service would write it."""

    def __init__(self) -> None:
        self._seq = 0

    def make(self, count: int) -> list[str]:
        events = []
        for _ in range(count):
            self._seq += 1
            data = PaperProgressData(
                paper_id="7b0c5c1e-3a52-4b3f-9a57-0d6a2f0f4a11",
                seq=self._seq,
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


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """The embedded server, as `serve` runs it; its URL."""
    place = EmbeddedValkey(folder)
    (folder / "valkey").mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen([*place.program({}).command], stdout=subprocess.DEVNULL)
    try:
        wait_until((folder / "valkey" / "valkey.sock").exists)
        yield place.url
    finally:
        process.terminate()
        process.wait(10)


@asynccontextmanager
async def running(kind: Kind, folder: Path, redis_url: str) -> AsyncIterator[Running]:
    """The server on its core."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
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
    process.cpu_affinity([SERVER_CORE])
    try:
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


@dataclass(frozen=True)
class Result:
    """One server with so many sockets."""

    saturated: float
    """Deliveries a second while as many events are under way as readers who keep pace can have waiting."""
    per_cpu_second: float
    """The same by the server's own time: what it would be if nothing else ran on its core."""
    p50: float
    p99: float
    """Milliseconds from append to socket at `RATE` events a second."""
    cpu_per_delivery: float
    """Microseconds of the server's time, at that rate."""


async def measure(server: Running, sockets: int, seconds: float) -> Result:
    readers = Readers()
    await readers.open(server.url, sockets)
    saturated, spent = await _saturate(server, readers, sockets, seconds)
    per_cpu_second = readers.received / spent
    p50, p99, spent = await _trickle(server, readers, sockets, seconds)
    await readers.close()
    return Result(saturated, per_cpu_second, p50, p99, spent / readers.received * 1e6)


async def fan_out(folder: Path, counts: Sequence[int], seconds: float, step: Step) -> dict[tuple[int, str], Result]:
    """By how many sockets and which server."""
    found = {}
    with valkey(folder) as redis_url:
        for count in counts:
            for kind in KINDS:
                step(f"{count} sockets, {kind.name}")
                async with running(kind, folder, redis_url) as server:
                    found[count, kind.name] = await measure(server, count, seconds)
    return found


async def _saturate(server: Running, readers: Readers, sockets: int, seconds: float) -> tuple[float, float]:
    """Deliveries a second, and the server's time."""
    readers.received = published = 0
    start, spent = time.perf_counter(), cpu(server)
    while time.perf_counter() < start + seconds:
        await server.publish(server.events.make(CHUNK))
        published += CHUNK
        while published - readers.received / sockets > WINDOW:
            _check(readers)
            await asyncio.sleep(0.0005)
    await _all_read(readers, published * sockets)
    return readers.received / (time.perf_counter() - start), cpu(server) - spent


async def _trickle(server: Running, readers: Readers, sockets: int, seconds: float) -> tuple[float, float, float]:
    """Median and 99th percentile of the latency, and the server's time."""
    readers.received, readers.latencies = 0, []
    start, spent = time.perf_counter(), cpu(server)
    count = int(seconds * RATE)
    for number in range(count):
        await asyncio.sleep(max(0.0, start + number / RATE - time.perf_counter()))
        await server.publish(server.events.make(1))
    await _all_read(readers, count * sockets)
    cuts = quantiles(readers.latencies, n=100)
    readers.latencies = None
    return cuts[49], cuts[98], cpu(server) - spent


def cpu(server: Running) -> float:
    """Seconds of processor time it has used."""
    times = server.process.cpu_times()
    return float(times.user + times.system)


async def _all_read(readers: Readers, expected: int) -> None:
    deadline = time.perf_counter() + CATCH_UP_WITHIN
    while readers.received < expected:
        _check(readers)
        if time.perf_counter() > deadline:
            raise TimeoutError(
                f"{expected - readers.received} of {expected} deliveries did not come within {CATCH_UP_WITHIN:g} s"
            )
        await asyncio.sleep(0.001)


def _check(readers: Readers) -> None:
    if readers.lost:
        raise RuntimeError(
            f"{readers.lost} readers were cut off: on this machine they do not keep pace with what is measured"
        )


def _listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"a server did not start within {START_WITHIN:g} s")
        time.sleep(0.05)
