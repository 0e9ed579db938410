"""The faults: each says what it does to the processes of a stand, at moments that a seed chooses."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil

from app.domain.decisions import LEASE
from tests.faults.stand import Stand, send

BEYOND_LEASE = LEASE.total_seconds() + 3


@dataclass
class Strike:
    """One blow, and how things stood when it had fallen."""

    at: float
    seqs: dict[str, int]
    """Of every paper, as stored."""
    held: set[str]
    """The papers that a victim was at work on."""


@dataclass(frozen=True)
class Fault:
    """Something that happens to a service. `strike` does it once, at a moment of its own choice after it is called."""

    name: str
    what: str
    strikes: tuple[int, int]
    """How often in one round, at least and at most."""
    strike: Callable[[Stand, Random], Awaitable[Strike]]
    second_api: bool = False


async def _kill_worker(stand: Stand, rng: Random) -> Strike:
    """One that works on a paper, if there is one."""
    workers = stand.processes("worker")
    victim = next((worker for worker in workers if stand.books.held_by(worker.pid)), None) or rng.choice(workers)
    return _kill_all(stand, [victim])


async def _kill_api(stand: Stand, rng: Random) -> Strike:
    return _kill_all(stand, stand.processes("api"))


async def _kill_relays(stand: Stand, rng: Random) -> Strike:
    """Every process with a relay, between an event's write and its way into the log."""
    victims = stand.processes("api", "worker")
    await stand.until_an_event_waits()
    return _kill_all(stand, victims)


async def _kill_valkey(stand: Stand, rng: Random) -> Strike:
    """Right after an append."""
    victims = stand.processes("valkey")
    await _until_the_log_grows(stand)
    return _kill_all(stand, victims)


async def _cut_power_of_valkey(stand: Stand, rng: Random) -> Strike:
    """Killed, and what it wrote in the last part of a second is gone from its file, as after a power cut."""
    victims = stand.processes("valkey")
    file = next((stand.data / "valkey" / "appendonlydir").glob("*.incr.aof"))
    durable = file.stat().st_size
    await asyncio.sleep(rng.uniform(0.1, 0.9))
    await _until_the_log_grows(stand)
    stand.supervisor.send_signal(signal.SIGSTOP)  # so that it does not start Valkey again before the file is cut
    strike = _kill_all(stand, victims)
    _cut(file, durable)
    stand.supervisor.send_signal(signal.SIGCONT)
    return strike


async def _kill_serve(stand: Stand, rng: Random) -> Strike:
    supervisor, below = stand.supervisor, stand.processes()
    strike = _kill_all(stand, [supervisor])
    await asyncio.to_thread(psutil.wait_procs, below, 10)
    await asyncio.sleep(rng.uniform(0, 1))
    await stand.start_again()
    return strike


async def _stop_worker(stand: Stand, rng: Random) -> Strike:
    """One that holds a lease stands still until the lease has ended, and goes on as if nothing had been."""
    while True:
        for worker in stand.processes("worker"):
            if stand.books.held_by(worker.pid):
                return await _let_stand(stand, [worker])
        await asyncio.sleep(0.01)


async def _stop_relays(stand: Stand, rng: Random) -> Strike:
    """The API and one worker stand still with an event in hand; the other worker's relay has to do."""
    victims = [*stand.processes("api"), rng.choice(stand.processes("worker"))]
    await stand.until_an_event_waits()
    return await _let_stand(stand, victims)


async def _kill_one_of_two_apis(stand: Stand, rng: Random) -> Strike:
    first, second = stand.processes("api"), stand.second_api
    await stand.until_an_event_waits()
    if rng.random() < 0.5 and first:
        return _kill_all(stand, first)
    strike = _kill_all(stand, [second])
    await stand.start_second_api()
    return strike


FAULTS = (
    Fault("worker", "`kill -9` of a worker that works on a paper", (1, 2), _kill_worker),
    Fault("api", "`kill -9` of the API", (1, 3), _kill_api),
    Fault("relay", "`kill -9` of API and workers together, an event stored and not yet in the log", (1, 2), _kill_relays),
    Fault("valkey", "`kill -9` of Valkey right after an append", (1, 3), _kill_valkey),
    Fault("power", "the same, and up to a second of its file is gone", (1, 3), _cut_power_of_valkey),
    Fault("serve", "`kill -9` of `serve`, and a new start", (1, 1), _kill_serve),
    Fault("stopped-worker", "a worker stands still beyond its lease, and wakes", (1, 1), _stop_worker),
    Fault("stopped-relay", "the API and a worker stand still with events in hand, and wake", (1, 1), _stop_relays, second_api=True),
    Fault("two-apis", "two APIs on the same stores, `kill -9` of either", (1, 3), _kill_one_of_two_apis, second_api=True),
)  # fmt: skip


def _kill_all(stand: Stand, victims: list[psutil.Process]) -> Strike:
    send(signal.SIGKILL, victims)
    while any(_lives(victim) for victim in victims):
        time.sleep(0.001)
    return _strike(stand, victims)


def _lives(process: psutil.Process) -> bool:
    """False for one that is dead and not yet buried, too."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def _let_stand(stand: Stand, victims: list[psutil.Process]) -> Strike:
    send(signal.SIGSTOP, victims)
    strike = _strike(stand, victims)
    await asyncio.sleep(BEYOND_LEASE)
    send(signal.SIGCONT, victims)
    return strike


def _strike(stand: Stand, victims: list[psutil.Process]) -> Strike:
    """What the victims hold now that they can do nothing more."""
    at = time.monotonic()
    return Strike(at, stand.books.seqs(), stand.books.held_by(*(victim.pid for victim in victims)))


async def _until_the_log_grows(stand: Stand) -> None:
    while not (before := stand.books.length()):
        await asyncio.sleep(0.05)
    while stand.books.length() <= before:
        await asyncio.sleep(0.002)


def _cut(file: Path, size: int) -> None:
    with file.open("r+b") as opened:
        opened.truncate(size)
