"""What a measurement is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.evaluation.split import Part


@dataclass(frozen=True)
class Row:
    """One measure on one part of one set, in percent."""

    measure: str
    data: str
    """The set's name."""
    part: Part
    count: int
    """Of what is measured: papers, references, entities."""
    baseline: float | None
    """What the naive way finds of the same."""
    ours: float


Group = Callable[[Path], Iterable[Row]]
"""Measures that belong together; given the data folder."""


def percent(right: float, of: float) -> float:
    """Of nothing, nothing is wrong."""
    return 100 * right / of if of else 100.0


def f1(right: int, found: int, wanted: int) -> float:
    """The harmonic mean of precision and recall, in percent."""
    return percent(2 * right, found + wanted)
