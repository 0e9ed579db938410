"""What sockets cost that hear nothing, and papers that nobody watches."""

import asyncio
from pathlib import Path

import httpx

from tests.bench.figures import FIGURES, bars
from tests.bench.report import Report, Step
from tests.bench.stand import KINDS, PLAIN, SERVICE, Readers, Running, cpu, running, valkey

SOCKETS = 1000
EVENTS = 5000
CHUNK = 500
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
            f"an event nobody watches costs {nobody / everybody:.2f} of one that 200 sockets get",
        ],
    )


async def memory(folder: Path, step: Step) -> dict[str, float]:
    """Kilobytes of the server's memory for each idle socket."""
    found = {}
    with valkey(folder) as redis_url:
        for kind in KINDS:
            step(f"{SOCKETS} idle sockets, {kind.name}")
            async with running(kind, folder, redis_url) as server:
                warm, readers = Readers(), Readers()
                await warm.open(server.url, 20)
                before = server.process.memory_info().rss
                await readers.open(server.url, SOCKETS)
                await asyncio.sleep(1)
                found[kind.name] = (server.process.memory_info().rss - before) / SOCKETS / 1024
                await readers.close()
                await warm.close()
    return found


async def unwatched(folder: Path, step: Step) -> dict[str, float]:
    """Microseconds of the service's time an event: of a paper nobody watches while others are, and of one they all do."""
    found = {}
    with valkey(folder) as redis_url:
        async with running(SERVICE, folder, redis_url) as server:
            async with httpx.AsyncClient(base_url=server.address, timeout=30) as client:
                answer = await client.post("/papers/", files={"file": ("short.txt", b"We train BERT on SQuAD.\n")})
                paths = {"nobody watches": f"{server.url}/{answer.json()['id']}", "200 sockets watch": server.url}
                for what, url in paths.items():
                    step(f"{EVENTS} events of a paper that {what}")
                    readers = Readers()
                    await readers.open(url, 200)
                    found[what] = await _cost(server, client)
                    await readers.close()
    return found


async def _cost(server: Running, client: httpx.AsyncClient) -> float:
    await asyncio.sleep(1)
    at_rest, start = cpu(server), asyncio.get_running_loop().time()
    await asyncio.sleep(2)
    background = (cpu(server) - at_rest) / (asyncio.get_running_loop().time() - start)

    spent, start = cpu(server), asyncio.get_running_loop().time()
    for _ in range(EVENTS // CHUNK):
        await server.publish(server.events.make(CHUNK))
        while True:
            status = (await client.get("/system/status")).json()
            if status["hub_position"] == status["log_position"]:
                break
            await asyncio.sleep(0.02)
    elapsed = asyncio.get_running_loop().time() - start
    return (cpu(server) - spent - background * elapsed) / EVENTS * 1e6
