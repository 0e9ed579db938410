"""`make bench-scale`: how the cost of one API process grows with sockets that hear an event, and with those that do not."""

import asyncio
import sys
import tempfile
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from tests.bench.figures import FIGURES, lines
from tests.bench.stand import SERVICE, Readers, Running, cpu, running, valkey

WATCHING = (100, 500, 1000, 2500, 5000)
IDLE = (0, 1000, 2500, 4900)
BESIDE = 100
"""Sockets that hear everything, beside the idle ones."""
DELIVERIES = 100_000
CHUNK = 50

console = Console()


async def cost(server: Running, readers: Readers, sockets: int) -> tuple[float, int]:
    """Seconds of the server's time, and the events it took them for: what it spends at rest is taken off."""
    await asyncio.sleep(1)
    rest, start = cpu(server), asyncio.get_running_loop().time()
    await asyncio.sleep(1.5)
    background = (cpu(server) - rest) / (asyncio.get_running_loop().time() - start)
    events = max(CHUNK, DELIVERIES // sockets // CHUNK * CHUNK)
    readers.received = 0
    spent, start = cpu(server), asyncio.get_running_loop().time()
    for sent in range(CHUNK, events + 1, CHUNK):
        await server.publish(server.events.make(CHUNK))
        while readers.received < sent * sockets:
            if readers.lost:
                raise RuntimeError(f"{readers.lost} readers were cut off: this machine does not keep pace")
            await asyncio.sleep(0.001)
    elapsed = asyncio.get_running_loop().time() - start
    return cpu(server) - spent - background * elapsed, events


async def by_watching(server: Running, counts: tuple[int, ...]) -> dict[int, float]:
    """Microseconds of the server's time a delivery, by how many sockets hear each event."""
    found = {}
    for count in counts:
        readers = Readers()
        await readers.open(server.url, count)
        seconds, events = await cost(server, readers, count)
        found[count] = seconds / (events * count) * 1e6
        await readers.close()
    return found


async def by_idle(server: Running, counts: tuple[int, ...]) -> dict[int, float]:
    """The same for a hundred sockets, by how many more are open on a paper that nothing happens to."""
    address = server.url.replace("ws", "http", 1).removesuffix("/ws")
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        paper = (await client.post("/papers/", files={"file": ("a.txt", b"We train BERT on SQuAD.\n")})).json()["id"]
    found = {}
    for count in counts:
        idle, readers = Readers(), Readers()
        await idle.open(f"{server.url}/{paper}", count)
        await readers.open(server.url, BESIDE)
        seconds, events = await cost(server, readers, BESIDE)
        found[count] = seconds / (events * BESIDE) * 1e6
        await readers.close()
        await idle.close()
    return found


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder, valkey(Path(folder)) as redis_url:
        async with running(SERVICE, Path(folder), redis_url) as server:
            curves = {
                "sockets that hear each event": await by_watching(server, WATCHING),
                f"idle sockets beside {BESIDE} that hear it": await by_idle(server, IDLE),
            }
    for name, found in curves.items():
        table = Table(name, "CPU µs a delivery", title="One API process on one core")
        for count, microseconds in found.items():
            table.add_row(f"{count:,}", f"{microseconds:.2f}")
        console.print(table)
    lines(curves, "sockets", "CPU µs a delivery", FIGURES / "scale.svg")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
