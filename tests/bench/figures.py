"""How the figures of the benchmarks look, and where they are kept."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "the same figures give the same file"
matplotlib.rcParams["svg.fonttype"] = "none"

# The backend is chosen before.
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

FIGURES = Path(__file__).parents[2] / "docs" / "figures"


def bars(values: dict[str, float], unit: str, to: Path) -> None:
    """One bar a name, the figure written at its end."""
    figure, axes = plt.subplots(figsize=(7, 0.5 + 0.45 * len(values)), layout="constrained")
    drawn = axes.barh(list(values), list(values.values()), color="#4c72b0")
    axes.bar_label(drawn, fmt="%.1f", padding=3)
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.margins(x=0.12)
    _save(figure, axes, to)


def growths(curves: dict[str, dict[int, float]], across: str, to: Path) -> None:
    """For each cost how many times that of the smallest size it is, from zero up, so that flat looks flat."""
    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    for name, costs in curves.items():
        first = next(iter(costs.values()))
        axes.plot([f"{size:,}" for size in costs], [cost / first for cost in costs.values()], marker="o", label=name)
    axes.set(xlabel=across, ylabel="times the first", ylim=(0, None))
    axes.legend()
    _save(figure, axes, to)


def _save(figure: Figure, axes: Axes, to: Path) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    to.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(to, metadata={"Date": None})
    plt.close(figure)
