"""What a fault is: something that is done to a stand, at moments that a seed chooses."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Generic, TypeVar

import psutil

from tests.faults.servers import Servers
from tests.faults.stand import Stand, send

S = TypeVar("S", bound=Stand)


@dataclass
class Strike:
    """One blow, and how things stood when it had fallen."""

    at: float
    """When what it hit could go on again: at once where nothing but a process was taken away."""
    seqs: dict[str, int]
    """Of every paper, as stored."""
    held: set[str]
    """The papers that a victim was at work on."""


@dataclass(frozen=True)
class Fault(Generic[S]):
    """Something that happens to a service. `strike` does it once, at a moment of its own choice after it is called."""

    name: str
    what: str
    strikes: tuple[int, int]
    """How often in one round, at least and at most."""
    strike: Callable[[S, Random], Awaitable[Strike]]
    stand: Callable[[Path, Servers | None], S]
    """What it happens to, in a folder, on servers of its own where there are some."""


AnyFault = Fault[Any]


async def strike(stand: Stand, victims: list[psutil.Process]) -> Strike:
    """What the victims hold now that they can do nothing more."""
    at = time.monotonic()
    return Strike(at, await stand.books.seqs(), await stand.books.held_by(*(victim.pid for victim in victims)))


async def kill_all(stand: Stand, victims: list[psutil.Process]) -> Strike:
    send(signal.SIGKILL, victims)
    while any(_lives(victim) for victim in victims):
        await asyncio.sleep(0.001)
    return await strike(stand, victims)


def _lives(process: psutil.Process) -> bool:
    """False for one that is dead and not yet buried, too."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
