"""Sockets on a paper that nothing happens to, beside a hundred that hear every event."""

from functools import partial
from pathlib import Path

import httpx

from tests.bench.meter import PINGS, at_rest, cost, deliver
from tests.bench.report import Report, Step
from tests.bench.scale.growth import Growth
from tests.bench.stand import Readers, service

SIZES = (0, 1000, 2500, 4900)
STEPS = len(SIZES)
LISTENING = 100
EVENTS = 5000
"""In a round."""


async def run(folder: Path, step: Step) -> Report:
    growth = Growth("idle-sockets", f"idle sockets beside {LISTENING}")
    async with service(folder) as server:
        async with httpx.AsyncClient(base_url=server.address, timeout=30) as client:
            answer = await client.post("/papers/", files={"file": ("a.txt", b"We train BERT on SQuAD.\n")})
        quiet = f"{server.url}/{answer.raise_for_status().json()['id']}"
        for size in SIZES:
            step(f"{size:,} idle sockets")
            async with Readers(quiet, size), Readers(server.url, LISTENING) as readers:
                rest = await at_rest(server, PINGS)
                seconds = await cost(server, rest, partial(deliver, server, server.events, EVENTS, readers))
                growth.note(
                    size,
                    cpu_us_a_delivery=seconds / (EVENTS * LISTENING) * 1e6,
                    cpu_ms_a_second_at_rest=rest * 1e3,
                )
    return growth.report("cpu_us_a_delivery")
