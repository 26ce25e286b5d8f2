"""Figures of stored results beside the paper's, for lesson 08: accuracy against the number of tasks."""

from collections.abc import Mapping, Sequence

from matplotlib.ticker import PercentFormatter

from supsup_lite.plots.style import MARKERS, PALETTE, RED, figure, style


@style()
def by_tasks(lines: Mapping[str, Sequence[tuple[int, float]]], paper: Mapping[str, tuple[int, float]]):
    """Return lines over the number of tasks, on a log scale, and the paper's numbers as diamonds.

    Args:
        lines: label -> (k, share) for each number of tasks.
        paper: label -> (k, share).
    """
    fig, axes = figure(7, 3.2)
    for i, (label, points) in enumerate(lines.items()):
        axes.plot(*zip(*points, strict=True), f"{MARKERS[i]}-", color=PALETTE[i], label=label)
    for label, (k, share) in paper.items():
        axes.plot([k], [share], "D", color=RED, markersize=9, label=label)
    axes.set(xscale="log", xlabel="tasks k", ylabel="share")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(fontsize=9)
    return fig
