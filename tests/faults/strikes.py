"""The blows that both a machine's and a team's service have to take."""

import asyncio
import signal
import time
from random import Random

import psutil

from app.domain.decisions import LEASE
from tests.faults.fault import Strike
from tests.faults.stand import Stand, send

BEYOND_LEASE = LEASE.total_seconds() + 3


async def kill_worker(stand: Stand, rng: Random) -> Strike:
    """One that works on a paper, if there is one."""
    workers = stand.processes("worker")
    leases = set((await stand.books.leases()).values())
    victim = next((worker for worker in workers if worker.pid in leases), None) or rng.choice(workers)
    return await kill_all(stand, [victim])


async def stop_worker(stand: Stand, rng: Random) -> Strike:
    """One that holds a lease stands still until the lease has ended, and goes on as if nothing had been."""
    while True:
        for worker in stand.processes("worker"):
            if await stand.books.held_by(worker.pid):
                return await let_stand(stand, [worker])
        await asyncio.sleep(0.01)


async def kill_one_of_two_apis(stand: Stand, rng: Random) -> Strike:
    first, second = stand.processes("api"), stand.second_api
    await stand.until_an_event_waits()
    if rng.random() < 0.5 and first:
        return await kill_all(stand, first)
    strike = await kill_all(stand, [second])
    stand.start_second_api()
    return strike


async def kill_all(stand: Stand, victims: list[psutil.Process]) -> Strike:
    send(signal.SIGKILL, victims)
    while any(_lives(victim) for victim in victims):
        await asyncio.sleep(0.001)
    return await _fallen(stand, victims)


async def let_stand(stand: Stand, victims: list[psutil.Process]) -> Strike:
    send(signal.SIGSTOP, victims)
    strike = await _fallen(stand, victims)
    await asyncio.sleep(BEYOND_LEASE)
    send(signal.SIGCONT, victims)
    return strike


async def until_the_log_grows(stand: Stand) -> None:
    while not (before := await stand.books.length()):
        await asyncio.sleep(0.05)
    while await stand.books.length() <= before:
        await asyncio.sleep(0.002)


async def _fallen(stand: Stand, victims: list[psutil.Process]) -> Strike:
    """What the victims hold now that they can do nothing more."""
    at = time.monotonic()
    return Strike(at, await stand.books.seqs(), await stand.books.held_by(*(victim.pid for victim in victims)))


def _lives(process: psutil.Process) -> bool:
    """False for one that is dead and not yet buried, too."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
