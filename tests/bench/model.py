"""`make bench-model`: what each part of a large installation reads and sends each second. Draws, not measurements.

Sockets choose papers, papers have events, and a log of so many shards keeps each paper's events in one of them. A node
reads every shard that holds a paper its sockets watch; counted over nodes drawn at random.
"""

import math
import random
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

EVENT_BYTES = 700
"""An event in the log, about."""
LOG_MBYTES = 1_000.0
"""What one Redis can send a second, about: a 10 Gbit/s card."""
LOG_CALLS = 100_000.0
"""Calls one Redis answers a second, about. A blocked reader makes one for each batch of news."""
READS = 20.0
"""Batches a node reads from a shard each second while there is news, at most."""
DRAWN = 200
"""Nodes drawn for each row."""


@dataclass(frozen=True)
class Size:
    """How large an installation is."""

    nodes: int
    sockets: int
    """Each on one paper."""
    papers: int
    events: float
    """A second, over all papers."""
    shards: int


@dataclass(frozen=True)
class Load:
    """What that means, each second."""

    shards_read: float
    """By a node, in the mean."""
    node_events: float
    node_deliveries: float
    shard_mbytes: float
    shard_calls: float

    @property
    def bottleneck(self) -> tuple[float, str]:
        """How much of one Redis a shard takes, and of what: there it breaks first."""
        return max((self.shard_mbytes / LOG_MBYTES, "bytes"), (self.shard_calls / LOG_CALLS, "calls"))


def load(size: Size, chance: random.Random) -> Load:
    """Simulates a few nodes, and reckons what all of them ask of one shard."""
    watched = size.sockets // size.nodes
    nodes = min(DRAWN, size.nodes)
    read = sum(len({chance.randrange(size.papers) % size.shards for _ in range(watched)}) for _ in range(nodes)) / nodes
    readers = size.nodes * read / size.shards
    per_shard = size.events / size.shards
    return Load(
        shards_read=read,
        node_events=per_shard * read,
        node_deliveries=watched * size.events / size.papers,
        shard_mbytes=readers * per_shard * EVENT_BYTES / 1e6,
        shard_calls=readers * min(READS, per_shard) + per_shard,
    )


SIZES = (
    Size(nodes=2, sockets=1_000, papers=1_000, events=50, shards=1),
    Size(nodes=10, sockets=50_000, papers=100_000, events=2_000, shards=1),
    Size(nodes=100, sockets=500_000, papers=1_000_000, events=20_000, shards=1),
    Size(nodes=100, sockets=500_000, papers=1_000_000, events=20_000, shards=64),
    Size(nodes=10_000, sockets=1_000_000, papers=1_000_000, events=20_000, shards=1),
    Size(nodes=10_000, sockets=1_000_000, papers=1_000_000, events=20_000, shards=1_024),
    Size(nodes=10_000, sockets=1_000_000, papers=1_000_000, events=20_000, shards=16_384),
)


def row(size: Size) -> list[str]:
    """The line of a size in the table."""
    found = load(size, random.Random(1))
    counts = (size.nodes, size.sockets, size.events, size.shards, found.shards_read, found.node_events)
    more = (found.node_deliveries, found.shard_mbytes, found.shard_calls)
    share, of = found.bottleneck
    return [
        *(f"{number:,.{0 if number >= 10 else 1}f}".removesuffix(".0") for number in (*counts, *more)),
        f"{share:.0%} of {of}",
        f"{math.ceil(share * size.shards):,}" if share <= 1 else "none is enough",
    ]


def main() -> None:
    table = Table("nodes", "sockets", "events/s", "shards", "read by a node", "events/s a node")
    for column in (
        "deliveries/s a node",
        "MB/s of a shard",
        "calls/s of a shard",
        "a shard, of one Redis",
        "Redis servers",
    ):
        table.add_column(column)
    for size in SIZES:
        table.add_row(*row(size))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
