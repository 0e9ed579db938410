"""What sockets cost that hear nothing, and papers that nobody watches."""

import asyncio
from functools import partial
from pathlib import Path

import httpx

from tests.bench.figures import FIGURES, bars
from tests.bench.meter import at_rest, cost, read_all
from tests.bench.report import Report, Step
from tests.bench.stand import KINDS, PLAIN, SERVICE, Readers, running, service, valkey

SOCKETS = 1000
WARM = 20
"""Sockets that are open before: what the first ones take is not theirs."""
WATCHING = 200
EVENTS = 5000
STEPS = len(KINDS) + 2


async def run(folder: Path, step: Step) -> Report:
    sockets, events = await memory(folder, step), await unwatched(folder, step)
    bars(sockets, "KB of the server's memory an idle socket", FIGURES / "idle-sockets.svg")
    bars(events, "µs of the service's processor time an event", FIGURES / "unwatched.svg")
    nobody, everybody = events.values()
    return Report(
        ("what hears nothing", "cost"),
        [
            *((f"a socket, {name}", f"{kilobytes:,.1f} KB") for name, kilobytes in sockets.items()),
            *(
                (f"an event of a paper that {what}", f"{microseconds:,.0f} µs of CPU")
                for what, microseconds in events.items()
            ),
        ],
        [
            f"an idle socket takes {sockets[SERVICE.name] / sockets[PLAIN.name]:.1f} times the plain one's memory",
            f"an event nobody watches costs {nobody / everybody:.2f} of one that {WATCHING} sockets get",
        ],
    )


async def memory(folder: Path, step: Step) -> dict[str, float]:
    """Kilobytes of the server's memory for each idle socket."""
    found = {}
    with valkey(folder) as redis_url:
        for kind in KINDS:
            step(f"{SOCKETS} idle sockets, {kind.name}")
            async with running(kind, folder, redis_url) as server:
                async with Readers(server.url, WARM):
                    before = server.process.memory_info().rss
                    async with Readers(server.url, SOCKETS):
                        await asyncio.sleep(1)
                        found[kind.name] = (server.process.memory_info().rss - before) / SOCKETS / 1024
    return found


async def unwatched(folder: Path, step: Step) -> dict[str, float]:
    """Microseconds of the service's time an event: of a paper nobody watches while others are, and of one they all do."""
    found = {}
    async with service(folder) as server, httpx.AsyncClient(base_url=server.address, timeout=30) as client:
        answer = await client.post("/papers/", files={"file": ("short.txt", b"We train BERT on SQuAD.\n")})
        quiet = f"{server.url}/{answer.raise_for_status().json()['id']}"
        for what, url in {"nobody watches": quiet, f"{WATCHING} sockets watch": server.url}.items():
            step(f"{EVENTS} events of a paper that {what}")
            async with Readers(url, WATCHING):
                rest = await at_rest(server, 2)
                work = partial(read_all, server, client, server.events, EVENTS)
                found[what] = await cost(server, rest, work, rounds=1) / EVENTS * 1e6
    return found
