"""The faults of one machine: what may happen to the processes of a `serve` with all it embeds."""

import asyncio
import signal
from pathlib import Path
from random import Random

import psutil

from app.domain.decisions import LEASE
from tests.faults.fault import Fault, Strike, kill_all, strike
from tests.faults.servers import Servers
from tests.faults.stand import Stand, send

BEYOND_LEASE = LEASE.total_seconds() + 3


async def kill_worker(stand: Stand, rng: Random) -> Strike:
    """One that works on a paper, if there is one."""
    workers = stand.processes("worker")
    leases = set((await stand.books.leases()).values())
    victim = next((worker for worker in workers if worker.pid in leases), None) or rng.choice(workers)
    return await kill_all(stand, [victim])


async def _kill_api(stand: Stand, rng: Random) -> Strike:
    return await kill_all(stand, stand.processes("api"))


async def _kill_relays(stand: Stand, rng: Random) -> Strike:
    """Every process with a relay, between an event's write and its way into the log."""
    victims = stand.processes("api", "worker")
    await stand.until_an_event_waits()
    return await kill_all(stand, victims)


async def _kill_valkey(stand: Stand, rng: Random) -> Strike:
    """Right after an append."""
    await until_the_log_grows(stand)
    return await kill_all(stand, stand.processes("valkey"))


async def _cut_power_of_valkey(stand: Stand, rng: Random) -> Strike:
    """Killed, and what it wrote in the last part of a second is gone from its file, as after a power cut."""
    file = next((stand.data / "valkey" / "appendonlydir").glob("*.incr.aof"))
    grown = False
    while not grown:
        durable, before = file.stat().st_size, await stand.books.length()
        await asyncio.sleep(rng.uniform(0.1, 0.9))
        grown = 0 < before < await stand.books.length()
    stand.supervisor.send_signal(signal.SIGSTOP)  # so that it does not start Valkey again before the file is cut
    struck = await kill_all(stand, stand.processes("valkey"))  # those of now: an earlier blow's victim may be dead
    _cut(file, durable)
    stand.supervisor.send_signal(signal.SIGCONT)
    return struck


async def _kill_serve(stand: Stand, rng: Random) -> Strike:
    supervisor, below = stand.supervisor, stand.processes()
    struck = await kill_all(stand, [supervisor])
    await asyncio.to_thread(psutil.wait_procs, below, 10)
    await asyncio.sleep(rng.uniform(0, 1))
    await stand.start_again()
    return struck


async def stop_worker(stand: Stand, rng: Random) -> Strike:
    """One that holds a lease stands still until the lease has ended, and goes on as if nothing had been."""
    while True:
        for worker in stand.processes("worker"):
            if await stand.books.held_by(worker.pid):
                return await let_stand(stand, [worker])
        await asyncio.sleep(0.01)


async def _stop_relays(stand: Stand, rng: Random) -> Strike:
    """The API and one worker stand still with an event in hand; the other worker's relay has to do."""
    victims = [*stand.processes("api"), rng.choice(stand.processes("worker"))]
    await stand.until_an_event_waits()
    return await let_stand(stand, victims)


async def kill_one_of_two_apis(stand: Stand, rng: Random) -> Strike:
    first, second = stand.processes("api"), stand.second_api
    await stand.until_an_event_waits()
    if rng.random() < 0.5 and first:
        return await kill_all(stand, first)
    struck = await kill_all(stand, [second])
    await stand.start_second_api()
    return struck


def _one_api(folder: Path, _: Servers | None) -> Stand:
    return Stand(folder)


def _two_apis(folder: Path, _: Servers | None) -> Stand:
    return Stand(folder, second_api=True)


FAULTS: tuple[Fault[Stand], ...] = (
    Fault("worker", "`kill -9` of a worker that works on a paper", (1, 2), kill_worker, _one_api),
    Fault("api", "`kill -9` of the API", (1, 3), _kill_api, _one_api),
    Fault("relay", "`kill -9` of API and workers together, an event stored and not yet in the log", (1, 2), _kill_relays, _one_api),
    Fault("valkey", "`kill -9` of Valkey right after an append", (1, 3), _kill_valkey, _one_api),
    Fault("power", "the same, and up to a second of its file is gone", (1, 3), _cut_power_of_valkey, _one_api),
    Fault("serve", "`kill -9` of `serve`, and a new start", (1, 1), _kill_serve, _one_api),
    Fault("stopped-worker", "a worker stands still beyond its lease, and wakes", (1, 1), stop_worker, _one_api),
    Fault("stopped-relay", "the API and a worker stand still with events in hand, and wake", (1, 1), _stop_relays, _two_apis),
    Fault("two-apis", "two APIs on the same stores, `kill -9` of either", (1, 3), kill_one_of_two_apis, _two_apis),
)  # fmt: skip


async def let_stand(stand: Stand, victims: list[psutil.Process]) -> Strike:
    send(signal.SIGSTOP, victims)
    struck = await strike(stand, victims)
    await asyncio.sleep(BEYOND_LEASE)
    send(signal.SIGCONT, victims)
    return struck


async def until_the_log_grows(stand: Stand) -> None:
    while not (before := await stand.books.length()):
        await asyncio.sleep(0.05)
    while await stand.books.length() <= before:
        await asyncio.sleep(0.002)


def _cut(file: Path, size: int) -> None:
    with file.open("r+b") as opened:
        opened.truncate(size)
