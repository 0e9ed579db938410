"""The processor time a server takes for what it is given to do, less what it takes at rest: it holds on a busy machine."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from statistics import median

import httpx

from tests.bench.stand import Events, Readers, Running, cpu

ROUNDS = 3
PINGS = 20.0
"""Seconds in which each socket is pinged once."""
CATCH_UP_WITHIN = 180.0


async def at_rest(server: Running, seconds: float = 3.0) -> float:
    """Its seconds a second, while nothing is asked of it."""
    await asyncio.sleep(1)
    spent, elapsed = await _spent(server, partial(asyncio.sleep, seconds))
    return spent / elapsed


async def cost(server: Running, rest: float, work: Callable[[], Awaitable[object]], rounds: int = ROUNDS) -> float:
    """Seconds that the work takes: the median of some rounds of it."""
    found = []
    for _ in range(rounds):
        spent, elapsed = await _spent(server, work)
        found.append(spent - rest * elapsed)
    return median(found)


async def _spent(server: Running, work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    clock = asyncio.get_running_loop().time
    before, start = cpu(server), clock()
    await work()
    return cpu(server) - before, clock() - start


async def deliver(server: Running, events: Events, count: int, readers: Readers, chunk: int = 50) -> None:
    """Appends events, so many at a time, and waits until every socket has them."""
    readers.received = 0
    for sent in range(chunk, count + 1, chunk):
        await server.publish(events.make(chunk))
        await all_heard(readers, sent)


async def read_all(server: Running, client: httpx.AsyncClient, events: Events, count: int, chunk: int = 500) -> None:
    """Appends events that nobody hears, and waits until the server has read them."""
    for _ in range(count // chunk):
        await server.publish(events.make(chunk))
        while True:
            status = (await client.get("/system/status")).json()
            if status["hub_position"] == status["log_position"]:
                break
            await asyncio.sleep(0.02)


async def all_heard(readers: Readers, events: int) -> None:
    """Returns when every socket has so many events."""
    expected, deadline = events * readers.sockets, time.perf_counter() + CATCH_UP_WITHIN
    while readers.received < expected:
        check(readers)
        if time.perf_counter() > deadline:
            raise TimeoutError(
                f"{expected - readers.received} of {expected} deliveries did not come within {CATCH_UP_WITHIN:g} s"
            )
        await asyncio.sleep(0.001)


def check(readers: Readers) -> None:
    """Raises when readers were cut off: then it is they that are measured."""
    if readers.lost:
        raise RuntimeError(f"{readers.lost} readers were cut off: on this machine they do not keep pace")
