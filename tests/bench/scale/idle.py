"""Sockets on a paper that nothing happens to, beside a hundred that hear every event."""

from functools import partial
from pathlib import Path

import httpx

from tests.bench.report import Report, Step
from tests.bench.scale.growth import Growth
from tests.bench.scale.meter import PINGS, at_rest, cost, deliver
from tests.bench.stand import SERVICE, Readers, running, valkey

SIZES = (0, 1000, 2500, 4900)
STEPS = len(SIZES)
LISTENING = 100
EVENTS = 5000
"""In a round."""


async def run(folder: Path, step: Step) -> Report:
    growth = Growth("idle-sockets", f"idle sockets beside {LISTENING}")
    with valkey(folder) as redis_url:
        async with running(SERVICE, folder, redis_url) as server:
            async with httpx.AsyncClient(base_url=server.address, timeout=30) as client:
                answer = await client.post("/papers/", files={"file": ("a.txt", b"We train BERT on SQuAD.\n")})
            quiet = f"{server.url}/{answer.raise_for_status().json()['id']}"
            for size in SIZES:
                step(f"{size:,} idle sockets")
                idle, readers = Readers(), Readers()
                await idle.open(quiet, size)
                await readers.open(server.url, LISTENING)
                rest = await at_rest(server, PINGS)
                work = partial(deliver, server, server.events, EVENTS, readers, LISTENING)
                seconds = await cost(server, rest, work)
                growth.note(
                    size,
                    cpu_us_a_delivery=seconds / (EVENTS * LISTENING) * 1e6,
                    cpu_ms_a_second_at_rest=rest * 1e3,
                )
                await readers.close()
                await idle.close()
    return growth.report("cpu_us_a_delivery")
