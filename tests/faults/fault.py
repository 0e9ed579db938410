"""What a fault is: something that is done to a stand, at moments that a seed chooses."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Generic, TypeVar

from tests.faults.servers import Servers
from tests.faults.stand import Stand

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
    """Something that happens to a service."""

    name: str
    what: str
    strikes: tuple[int, int]
    """How often in one round, at least and at most."""
    strike: Callable[[S, Random], Awaitable[Strike]]
    """Does it once, at a moment of its own choice after it is called."""
    stand: Callable[[Path, Servers | None], S]
    """What it happens to, in a folder, on servers of its own where there are some."""


AnyFault = Fault[Any]
