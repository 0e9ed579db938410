"""Fan-out of the running service, from log append to socket, on one core; the clients are on the other."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from tests.bench.figures import FIGURES, bars
from tests.bench.meter import all_heard, check
from tests.bench.report import Report, Step
from tests.bench.stand import KINDS, PLAIN, SERVICE, Readers, Running, cpu, running, valkey

COUNTS = (200, 1000)
ROUNDS = 3
"""Each server is measured as often, all in turn: what else the machine does meets them all."""
SECONDS = 3.0
RATE = 50
"""Events a second where latency is measured."""
WINDOW = 200
"""Events that may be under way at saturation: less than what makes a slow reader of anybody."""
CHUNK = 50
STEPS = len(COUNTS) * len(KINDS) * ROUNDS

Results = Sequence["Result"]


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
    async with Readers(server.url, sockets) as readers:
        saturated, spent = await _saturate(server, readers, seconds)
        per_cpu_second = readers.received / spent
        p50, p99, spent = await _trickle(server, readers, seconds)
        return Result(saturated, per_cpu_second, p50, p99, spent / readers.received * 1e6)


async def run(folder: Path, step: Step) -> Report:
    rows, ratios = [], []
    saturated: dict[str, float] = {}
    medians: dict[str, float] = {}
    for count, found in [(count, await _by_kind(folder, count, step)) for count in COUNTS]:
        for kind, results in found.items():
            figures = {name: median(getattr(result, name) for result in results) for name in Result.__annotations__}
            rows.append(
                (str(count), kind, *(f"{figure:,.{0 if figure > 1000 else 1}f}" for figure in figures.values()))
            )
            saturated[f"{kind}, {count} sockets"] = figures["saturated"] / 1000
            medians[f"{kind}, {count} sockets"] = figures["p50"]
        ratios.append(_compare(count, found[PLAIN.name], found[SERVICE.name]))
    bars(saturated, "thousand deliveries a second, at saturation", FIGURES / "fan-out.svg")
    bars(medians, f"median ms from append to socket, at {RATE} events a second", FIGURES / "fan-out-latency.svg")
    columns = ("deliveries/s", "in a second of its CPU", f"p50 ms at {RATE}/s", "p99 ms", "CPU µs a delivery")
    return Report(("sockets", "server", *columns), rows, ratios)


async def _by_kind(folder: Path, count: int, step: Step) -> dict[str, list[Result]]:
    """Every server with so many sockets, again and again in turn."""
    found = defaultdict(list)
    with valkey(folder) as redis_url:
        for number in range(ROUNDS):
            for kind in KINDS:
                step(f"{count} sockets, {kind.name}, round {number + 1}")
                async with running(kind, folder, redis_url) as server:
                    found[kind.name].append(await measure(server, count, SECONDS))
    return found


def _compare(count: int, plain: Results, ours: Results) -> str:
    """The median of the ratios, each of two measured right after one another."""

    def times(figure: Callable[[Result], float]) -> str:
        return f"{median(figure(one) / figure(other) for one, other in zip(ours, plain, strict=True)):.2f}"

    return (
        f"{count} sockets: {times(lambda one: one.saturated)} times the plain loop at saturation "
        f"({times(lambda one: one.per_cpu_second)} times by CPU); "
        f"{times(lambda one: one.p50)} times its median latency, {times(lambda one: one.p99)} times its p99"
    )


async def _saturate(server: Running, readers: Readers, seconds: float) -> tuple[float, float]:
    """Deliveries a second, and the server's time."""
    readers.received = published = 0
    start, spent = time.perf_counter(), cpu(server)
    while time.perf_counter() < start + seconds:
        await server.publish(server.events.make(CHUNK))
        published += CHUNK
        while published - readers.received / readers.sockets > WINDOW:
            check(readers)
            await asyncio.sleep(0.0005)
    await all_heard(readers, published)
    return readers.received / (time.perf_counter() - start), cpu(server) - spent


async def _trickle(server: Running, readers: Readers, seconds: float) -> tuple[float, float, float]:
    """Median and 99th percentile of the latency, and the server's time."""
    readers.received, readers.latencies = 0, []
    start, spent = time.perf_counter(), cpu(server)
    count = int(seconds * RATE)
    for number in range(count):
        await asyncio.sleep(max(0.0, start + number / RATE - time.perf_counter()))
        await server.publish(server.events.make(1))
    await all_heard(readers, count)
    cuts = quantiles(readers.latencies, n=100)
    readers.latencies = None
    return cuts[49], cuts[98], cpu(server) - spent
