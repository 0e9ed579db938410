"""Sockets that all hear each event: what a delivery costs, and a socket."""

from functools import partial
from pathlib import Path

from tests.bench.meter import PINGS, at_rest, cost, deliver
from tests.bench.report import Report, Step
from tests.bench.scale.growth import Growth
from tests.bench.stand import Readers, service

SIZES = (100, 500, 1000, 2500, 5000)
STEPS = len(SIZES)
DELIVERIES = 250_000
"""In a round, at the least."""
CHUNK = 50


async def run(folder: Path, step: Step) -> Report:
    growth = Growth("sockets", "sockets that hear each event")
    async with service(folder) as server:
        for size in SIZES:
            step(f"{size:,} sockets")
            async with Readers(server.url, size) as readers:
                rest = await at_rest(server, PINGS)
                events = -(-DELIVERIES // size // CHUNK) * CHUNK
                seconds = await cost(server, rest, partial(deliver, server, server.events, events, readers, CHUNK))
                growth.note(size, cpu_us_a_delivery=seconds / (events * size) * 1e6, cpu_ms_a_second_at_rest=rest * 1e3)
    return growth.report("cpu_us_a_delivery")
