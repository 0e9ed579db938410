"""The faults of a team's service: what may happen to its processes, to the servers it stands on, and between them."""

import asyncio
import signal
import time
from dataclasses import replace
from pathlib import Path
from random import Random

from app.domain.lifecycle import Status
from tests.faults.fault import Fault, Strike
from tests.faults.fleet import Fleet
from tests.faults.servers import Server, Servers
from tests.faults.strikes import kill_one_of_two_apis, kill_worker, let_stand, stop_worker, until_the_log_grows

BEYOND_REDIS = (6.0, 12.0)
"""Seconds: its clients wait 5 s for an answer."""
BEYOND_STORE = (21.0, 25.0)
"""Of MongoDB they wait 20 s. A lease ends meanwhile."""
BEYOND_GRAPH = (6.0, 20.0)
"""They wait 5 s for a connection to Neo4j."""
DEAD = (0.0, 5.0)
"""Until it is started again."""
CUT = (0.5, 12.0)


async def _stop_api(fleet: Fleet, rng: Random) -> Strike:
    """Either, with an event in hand."""
    victims = [rng.choice([*fleet.processes("api"), fleet.second_api])]
    await fleet.until_an_event_waits()
    return await let_stand(fleet, victims)


async def _kill_redis(fleet: Fleet, rng: Random) -> Strike:
    """Right after an append."""
    await until_the_log_grows(fleet)
    return await _restart(fleet, fleet.servers.redis, signal.SIGKILL, rng)


async def _stop_redis(fleet: Fleet, rng: Random) -> Strike:
    await fleet.until_an_event_waits()
    return await _stop(fleet, fleet.servers.redis, rng.uniform(*BEYOND_REDIS))


async def _restart_store(fleet: Fleet, rng: Random) -> Strike:
    return await _restart(fleet, fleet.servers.store, rng.choice((signal.SIGTERM, signal.SIGKILL)), rng)


async def _stop_store(fleet: Fleet, rng: Random) -> Strike:
    return await _stop(fleet, fleet.servers.store, rng.uniform(*BEYOND_STORE))


async def _restart_graph(fleet: Fleet, rng: Random) -> Strike:
    await _until_a_graph_is_built(fleet)
    return await _restart(fleet, fleet.servers.graph, rng.choice((signal.SIGTERM, signal.SIGKILL)), rng)


async def _stop_graph(fleet: Fleet, rng: Random) -> Strike:
    await _until_a_graph_is_built(fleet)
    return await _stop(fleet, fleet.servers.graph, rng.uniform(*BEYOND_GRAPH))


async def _cut_network(fleet: Fleet, rng: Random) -> Strike:
    """Between the second API and Redis: connections are reset and refused, or nobody hears anything any more."""
    strike = await _all_in_hand(fleet)
    if rng.random() < 0.5:
        fleet.network.cut()
    else:
        fleet.network.mute()
    await asyncio.sleep(rng.uniform(*CUT))
    fleet.network.join()
    return _over(strike)


def _fleet(folder: Path, servers: Servers | None) -> Fleet:
    if servers is None:
        raise ValueError("these faults need servers")
    return Fleet(folder, servers)


FLEET_FAULTS: tuple[Fault[Fleet], ...] = (
    Fault("fleet-worker", "`kill -9` of a worker that works on a paper", (1, 2), kill_worker, _fleet),
    Fault("fleet-api", "`kill -9` of either API", (1, 3), kill_one_of_two_apis, _fleet),
    Fault("fleet-redis", "`kill -9` of Redis right after an append", (1, 3), _kill_redis, _fleet),
    Fault("fleet-store", "MongoDB ends or is killed with -9, and starts again", (1, 2), _restart_store, _fleet),
    Fault("fleet-graph", "Neo4j ends or is killed with -9, a paper on its way in, and starts again", (1, 1), _restart_graph, _fleet),
    Fault("fleet-network", "the network is cut between an API and Redis", (1, 3), _cut_network, _fleet),
    Fault("fleet-stopped-worker", "a worker stands still beyond its lease, and wakes", (1, 1), stop_worker, _fleet),
    Fault("fleet-stopped-api", "either API stands still as long, with an event in hand, and wakes", (1, 1), _stop_api, _fleet),
    Fault("fleet-stopped-redis", "Redis stands still for longer than anybody waits for it", (1, 2), _stop_redis, _fleet),
    Fault("fleet-stopped-store", "MongoDB does", (1, 1), _stop_store, _fleet),
    Fault("fleet-stopped-graph", "Neo4j does, a paper on its way in", (1, 1), _stop_graph, _fleet),
)  # fmt: skip


async def _restart(fleet: Fleet, server: Server, number: signal.Signals, rng: Random) -> Strike:
    strike = await _all_in_hand(fleet)
    await server.end(number)
    await asyncio.sleep(rng.uniform(*DEAD))
    await server.start()
    return _over(strike)


async def _stop(fleet: Fleet, server: Server, seconds: float) -> Strike:
    strike = await _all_in_hand(fleet)
    server.send(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    server.send(signal.SIGCONT)
    return _over(strike)


async def _all_in_hand(fleet: Fleet) -> Strike:
    """A server that goes hits every paper that anybody works on."""
    return Strike(time.monotonic(), await fleet.books.seqs(), set(await fleet.books.leases()))


def _over(strike: Strike) -> Strike:
    """What it hit can go on from now."""
    return replace(strike, at=time.monotonic())


async def _until_a_graph_is_built(fleet: Fleet) -> None:
    while Status.BUILDING_KNOWLEDGE_GRAPH not in (await fleet.books.statuses()).values():
        await asyncio.sleep(0.01)
