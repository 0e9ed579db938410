"""The plot of `make eval`."""

from matplotlib import pyplot as plt

from tests.bench.figures import FIGURES
from tests.evaluation.model import Row


def draw(rows: list[Row]) -> None:
    """Two bars a measure, the naive way's and ours, in docs/figures/evaluation.svg."""
    names = [f"{row.measure}, {row.data} ({row.count})" for row in rows]
    places = range(len(rows))
    figure, axes = plt.subplots(figsize=(8, 0.8 + 0.42 * len(rows)), layout="constrained")
    axes.barh([at - 0.2 for at in places], [row.baseline or 0 for row in rows], 0.38, label="naive", color="#c0c0c0")
    drawn = axes.barh([at + 0.2 for at in places], [row.ours for row in rows], 0.38, label="ours", color="#4c72b0")
    axes.bar_label(drawn, fmt="%.1f", padding=3)
    axes.set_yticks(list(places), names)
    axes.invert_yaxis()
    axes.set(xlabel="percent, on test papers", xlim=(0, 108))
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(FIGURES / "evaluation.svg", metadata={"Date": None})
    plt.close(figure)
