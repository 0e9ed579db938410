"""The faults of one machine: what may happen to the processes of a `serve` with all it embeds."""

import asyncio
import signal
from pathlib import Path
from random import Random

import psutil

from tests.faults.fault import Fault, Strike
from tests.faults.servers import Servers
from tests.faults.stand import Stand
from tests.faults.strikes import (
    kill_all,
    kill_one_of_two_apis,
    kill_worker,
    let_stand,
    stop_worker,
    until_the_log_grows,
)


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
    strike = await kill_all(stand, stand.processes("valkey"))  # those of now: an earlier blow's victim may be dead
    _cut(file, durable)
    stand.supervisor.send_signal(signal.SIGCONT)
    return strike


async def _kill_serve(stand: Stand, rng: Random) -> Strike:
    supervisor, below = stand.supervisor, stand.processes()
    strike = await kill_all(stand, [supervisor])
    await asyncio.to_thread(psutil.wait_procs, below, 10)
    await asyncio.sleep(rng.uniform(0, 1))
    await stand.start_again()
    return strike


async def _stop_relays(stand: Stand, rng: Random) -> Strike:
    """The API and one worker stand still with an event in hand; the other worker's relay has to do."""
    victims = [*stand.processes("api"), rng.choice(stand.processes("worker"))]
    await stand.until_an_event_waits()
    return await let_stand(stand, victims)


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


def _cut(file: Path, size: int) -> None:
    with file.open("r+b") as opened:
        opened.truncate(size)
