"""One order out of several whose scores cannot be compared."""

from collections.abc import Sequence

K = 60
"""So that being first in one order does not outweigh standing well in both."""


def fuse(*orders: Sequence[str]) -> list[tuple[str, float]]:
    """Reciprocal rank fusion: each order gives what stands at place n of it 1 / (60 + n). Best first, with the sums.

    Of equals that of an earlier order comes first. So at any cut at least half is of the first of two orders, if that is
    long enough: before the n-th of the second order come the first n of the first one.

    After Cormack, Clarke & Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
    Methods", SIGIR 2009.
    """
    sums: dict[str, float] = {}
    for order in orders:
        for place, name in enumerate(order, 1):
            sums[name] = sums.get(name, 0.0) + 1 / (K + place)
    return sorted(sums.items(), key=lambda item: -item[1])
