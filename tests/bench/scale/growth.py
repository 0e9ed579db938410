"""What some costs come to at each size: a table, how many times the first, and a figure."""

import os
from collections import defaultdict
from pathlib import Path

import psutil

from tests.bench.figures import FIGURES, growths
from tests.bench.report import Report


class Growth:
    """Costs by size, each with its unit in its name."""

    def __init__(self, name: str, across: str, figures: Path = FIGURES) -> None:
        self._figure = figures / f"scale-{name}.svg"
        self._across = across
        self._costs: defaultdict[str, dict[int, float]] = defaultdict(dict)

    def note(self, size: int, **costs: float) -> None:
        """What the costs are at a size: `cpu_us_an_event=3.2` stands under `CPU µs an event`."""
        for cost, value in costs.items():
            self._costs[_words(cost)][size] = value

    def report(self, *drawn: str) -> Report:
        """The table; the costs named are drawn, and their growth is told."""
        sizes = list(next(iter(self._costs.values())))
        shown = {_words(cost): self._costs[_words(cost)] for cost in drawn}
        growths(shown, self._across, self._figure)
        first, last = sizes[0], sizes[-1]
        ratios = [
            f"{cost}: {costs[last] / costs[first]:.2f} times as much at {last:,} as at {first:,}"
            for cost, costs in shown.items()
        ]
        busy = f"{os.getloadavg()[1]:.0f} processes wanted the {psutil.cpu_count()} cores of this machine meanwhile"
        return Report(
            (self._across, *self._costs),
            [(f"{size:,}", *(_figure(costs[size]) for costs in self._costs.values())) for size in sizes],
            [*ratios, busy],
        )


def _words(cost: str) -> str:
    return cost.replace("cpu_us_", "CPU µs ").replace("cpu_ms_", "CPU ms ").replace("_", " ")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
