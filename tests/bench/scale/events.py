"""Events a second, at an even pace: what each costs, and how late it is."""

import asyncio
from functools import partial
from pathlib import Path
from statistics import quantiles

from tests.bench.meter import PINGS, all_heard, at_rest, cost
from tests.bench.report import Report, Step
from tests.bench.scale.growth import Growth
from tests.bench.stand import Readers, Running, service

RATES = (10, 100, 1000)
STEPS = len(RATES)
LISTENING = 100
SECONDS = 20
"""A round at each rate, in which each socket is pinged once."""


async def run(folder: Path, step: Step) -> Report:
    growth = Growth("events", "events a second")
    async with service(folder) as server, Readers(server.url, LISTENING) as readers:
        rest = await at_rest(server, PINGS)
        for rate in RATES:
            step(f"{rate:,} events a second")
            readers.latencies = []
            seconds = await cost(server, rest, partial(_at_a_pace, server, readers, rate), rounds=1)
            late = quantiles(readers.latencies, n=100)
            growth.note(
                rate,
                cpu_us_an_event=seconds / (rate * SECONDS) * 1e6,
                cpu_us_a_delivery=seconds / (rate * SECONDS * LISTENING) * 1e6,
                ms_late_p50=late[49],
                ms_late_p99=late[98],
            )
    return growth.report("cpu_us_an_event")


async def _at_a_pace(server: Running, readers: Readers, rate: int) -> None:
    """One event after the other, when its time has come; whatever is late goes at once."""
    clock = asyncio.get_running_loop().time
    readers.received = 0
    count, start = rate * SECONDS, clock()
    for number in range(count):
        if (wait := start + number / rate - clock()) > 0:
            await asyncio.sleep(wait)
        await server.publish(server.events.make(1))
    await all_heard(readers, count)
