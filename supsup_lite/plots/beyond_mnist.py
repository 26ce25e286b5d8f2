"""Figures of lesson 09: kernels of masks, shared batch norm, rivals by bytes and by tasks, reliability."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from torch import Tensor

from supsup_lite.plots.style import INK, MARKERS, PALETTE, figure, numbers, percent, style

LINES = ("-", "--", ":", "-.")


@style()
def after_each_task(lines: Mapping[str, Sequence[float]], chance: float):
    """Return the accuracy on the first task after each task that was learned, a line for each label."""
    fig, axes = figure(6.2, 2.9)
    for i, (label, values) in enumerate(lines.items()):
        axes.plot(range(1, len(values) + 1), values, LINES[i % 4], marker=MARKERS[i], color=PALETTE[i], label=label)
    _at_chance(axes, chance)
    axes.set(xlabel="tasks learned", ylabel="accuracy on the first", ylim=(0, 1))
    axes.set_xticks(range(1, max(map(len, lines.values())) + 1))
    percent(axes.yaxis)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


@style()
def by_bytes(points: Mapping[str, tuple[float, float, float, float]], chance: float):
    """Return accuracy against bytes on a logarithmic axis, a marker with an interval for each method.

    Args:
        points: method -> (bytes of all tasks, accuracy, lower and upper end of its interval).
        chance: accuracy of who guesses.
    """
    fig, axes = figure(6.8, 3.8)
    for i, (label, (nbytes, share, low, high)) in enumerate(points.items()):
        look = {"color": PALETTE[i % len(PALETTE)], "markersize": 9}
        filled = {} if i < len(PALETTE) else {"markerfacecolor": "none", "markeredgewidth": 2}
        axes.plot([nbytes, nbytes], [low, high], "-", color=look["color"], linewidth=1.5)
        axes.plot([nbytes], [share], MARKERS[i % len(MARKERS)], label=label, **look, **filled)
    _at_chance(axes, chance)
    axes.set(xscale="log", xlabel="bytes of all tasks together", ylabel="accuracy, the task given", ylim=(0, 1))
    axes.xaxis.set_major_locator(FixedLocator([3e4, 1e5, 3e5, 1e6, 3e6]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size / 1e6:g} MB"))
    percent(axes.yaxis)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


@style()
def by_number_of_tasks(lines: Mapping[str, Mapping[int, float]]):
    """Return mean accuracy against the number of tasks learned, a line for each method."""
    fig, axes = figure(6.8, 3.6)
    for i, (label, values) in enumerate(lines.items()):
        look = {} if i < len(PALETTE) else {"markerfacecolor": "none"}
        axes.plot(list(values), list(values.values()), LINES[i % 4], marker=MARKERS[i % len(MARKERS)],
                  color=PALETTE[i % len(PALETTE)], label=label, **look)  # fmt: skip
    axes.set(xscale="log", xlabel="tasks learned", ylabel="accuracy", ylim=(0, 1))
    axes.xaxis.set_major_locator(FixedLocator(sorted({count for values in lines.values() for count in values})))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.0f}")
    percent(axes.yaxis)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


@style()
def reliability(edges: Sequence[float], panels: Mapping[str, tuple[Tensor, Tensor]]):
    """Return a reliability diagram for each label: the share right in each bin of confidence, and how many are in it.

    Args:
        edges: of the bins, rising.
        panels: label -> (share right, NaN where a bin is empty; share of all answers), each [bins].
    """
    fig, axes = figure(7, 3.1, ncols=len(panels), sharey=True, squeeze=False)
    bins = range(len(edges) - 1)
    for panel, (label, (right, share)) in zip(axes[0], panels.items(), strict=True):
        middle = [(low + high) / 2 for low, high in pairwise(edges)]
        panel.bar(bins, numbers(right.nan_to_num(nan=0.0)), 0.8, color=PALETTE[0], label="right")
        panel.plot(bins, middle, "D--", color=PALETTE[1], markeredgecolor=INK, label="as it says")
        for i, part in enumerate(share.tolist()):
            panel.annotate(f"{part:.0%}", (i, 1.01), ha="center", va="bottom", fontsize=8)
        panel.set(xlabel="confidence of the answer", ylim=(0, 1.12), xticks=list(bins))
        panel.set_title(label, fontsize=10)
        panel.set_xticklabels([f"{low:g}–{high:g}" for low, high in pairwise(edges)])
        panel.tick_params(axis="x", labelsize=8)
        panel.grid(axis="x", visible=False)
        percent(panel.yaxis)
    axes[0][0].set_ylabel("share that is right")
    axes[0][0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.12), ncols=2)
    return fig


def _at_chance(axes, chance: float) -> None:
    axes.axhline(chance, color=INK, linestyle=":", linewidth=1)
    axes.annotate("chance", (0.01, chance), xycoords=axes.get_yaxis_transform(), xytext=(0, 3),
                  textcoords="offset points", fontsize=9)  # fmt: skip
