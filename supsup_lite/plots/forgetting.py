"""Figures about forgetting, for lesson 03: accuracy matrices, EWC's spring, and what each method keeps in bytes."""

import math
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from torch import Tensor

from supsup_lite.plots.style import BLUE, GREY, INK, MARKERS, ORANGE, PALETTE, figure, percent, style

CHANCE = 0.1  # ten classes
METHODS = ("fine-tuning", "joint training", "EWC", "a mask a task", "one mask for all", "a network a task", "replay")
COLOURS = (*PALETTE, GREY)  # of the methods, as the explorer's style sheet has them
LINES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (3, 1)))
SIGNS = (*MARKERS, "X")
LOWEST = 0.4  # the darkest colour of a heat map; what is lower looks the same


def _chance(axes: Axes, where: float) -> None:
    axes.axhline(CHANCE, color=INK, linestyle=":", linewidth=1)
    axes.annotate("chance", (where, CHANCE), xytext=(0, 3), textcoords="offset points", fontsize=9)


@style()
def tug_of_war(steps: Sequence[int], accuracies: Sequence[Sequence[float]], each: int):
    """Return the accuracy on each task, step by step, while one task after the other is learned.

    Args:
        steps: when it was measured.
        accuracies: for each task its accuracy at each of these steps.
        each: steps a task.
    """
    fig, axes = figure(6.5, 3.0)
    for i, values in enumerate(accuracies):
        axes.plot(steps, values, LINES[i], marker=MARKERS[i], markevery=2, color=PALETTE[i], label=f"task {i}")
    for start in range(each, each * len(accuracies), each):
        axes.axvline(start, color=INK, linewidth=1)
    for i in range(len(accuracies)):
        axes.annotate(f"learning task {i}", ((i + 0.5) * each, 1.01), ha="center", fontsize=9)
    axes.set(xlabel="training step", ylabel="test accuracy", ylim=(0, 1.08), xlim=(0, each * len(accuracies)))
    axes.set_yticks(np.arange(0, 1.01, 0.2))
    percent(axes.yaxis)
    _chance(axes, 0.88 * each * len(accuracies))
    axes.legend(loc="center right")
    return fig


@style()
def accuracy_matrices(matrices: Mapping[str, Tensor]):
    """Return accuracy matrices as heat maps with numbers in percent, one for each label; NaN stays empty."""
    width = min(2, len(matrices))
    height = math.ceil(len(matrices) / width)
    k = len(next(iter(matrices.values())))
    size = max(2.2, 0.42 * k)
    fig, panels = figure(width * (size + 0.6) + 0.9, height * (size + 0.6), nrows=height, ncols=width, squeeze=False)
    for axes, (label, matrix) in zip(panels.flat, matrices.items(), strict=False):
        drawn = _draw_matrix(axes, matrix)
        axes.set_title(label)
    for axes in panels.flat[len(matrices) :]:
        axes.set_visible(False)
    bar = fig.colorbar(drawn, ax=panels, shrink=0.8 / height + 0.1, extend="min")
    percent(bar.ax.yaxis)
    bar.set_label("test accuracy")
    bar.outline.set_visible(False)
    return fig


def _draw_matrix(axes: Axes, matrix: Tensor):
    shares = matrix.numpy()
    drawn = axes.imshow(shares, vmin=LOWEST, vmax=1)
    for (t, i), share in np.ndenumerate(shares):
        if not np.isnan(share):
            ink = "black" if share > (1 + LOWEST) / 2 else "white"  # viridis is dark in its lower half
            axes.annotate(f"{100 * share:.1f}", (i, t), ha="center", va="center", fontsize=8, color=ink)
    ticks = range(len(shares))
    axes.set(xlabel="accuracy on task i", ylabel="after task t", xticks=ticks, yticks=ticks)
    axes.grid(False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    return drawn


def _look(method: str) -> dict:
    """A method has one colour, line and marker in all figures."""
    i = METHODS.index(method)
    return {"color": COLOURS[i], "linestyle": LINES[i], "marker": SIGNS[i]}


@style()
def averages(curves: Mapping[str, Sequence[float]]):
    """Return the average accuracy on the tasks learned so far, by their number, one line for each of some METHODS."""
    fig, axes = figure(7, 3.2)
    for label, values in curves.items():
        tasks = range(1, len(values) + 1)
        axes.plot(tasks, values, **_look(label), label=label)
    axes.set(xlabel="tasks learned", ylabel="average accuracy on them", xticks=tasks, ylim=(None, 1))
    percent(axes.yaxis)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


@style()
def two_weights(panels: Mapping[str, tuple]):
    """Return planes of two weights, each with the line where a task is solved and the points where learners end.

    Args:
        panels: title -> (old, new, points): a task is (x1, x2, y), solved where x1 w1 + x2 w2 = y; points maps a label
            to (w1, w2), the first being where the old task was learned.
    """
    fig, all_axes = figure(3.5 * len(panels), 3.3, ncols=len(panels), squeeze=False)
    for axes, (title, (old, new, points)) in zip(all_axes.flat, panels.items(), strict=True):
        for (x1, x2, y), label, colour, line in ((old, "old task", BLUE, "-"), (new, "new task", ORANGE, "--")):
            if x2:
                w1 = np.array([-5.0, 5.0])
                axes.plot(w1, (y - x1 * w1) / x2, line, color=colour, label=f"{label} is right")
            else:
                axes.axvline(y / x1, color=colour, linestyle=line, label=f"{label} is right")
        for marker, (label, (w1, w2)) in zip(MARKERS, points.items(), strict=False):
            axes.plot([w1], [w2], marker, color=INK, markersize=6)
            side = -1 if w1 > 2 else 1  # inside the frame
            axes.annotate(
                label, (w1, w2), xytext=(8 * side, 4 if side == 1 else -12), textcoords="offset points", fontsize=9,
                ha="left" if side == 1 else "right",
            )  # fmt: skip
        axes.set(title=title, xlabel="weight $w_1$", ylabel="weight $w_2$", xlim=(-0.5, 3.5), ylim=(-2.5, 2.7))
    all_axes[0, -1].legend(loc="upper left", fontsize=9)
    return fig


@style()
def what_is_missing(strengths: Sequence[float], parts: Sequence[Sequence[float]]):
    """Return, for each strength of EWC's spring, the gap to joint training as a stack: never learned, and forgotten.

    Args:
        strengths: lambdas.
        parts: for each of them (never learned, forgotten), in 0..1.
    """
    fig, axes = figure(6.5, 3.0)
    shares = 100 * np.asarray(parts, dtype=float)
    places = np.arange(len(strengths))
    with mpl.rc_context({"hatch.color": INK, "hatch.linewidth": 0.6}):
        axes.bar(places, shares[:, 0], 0.6, color=BLUE, label="never learned")
        axes.bar(
            places, shares[:, 1], 0.6, bottom=shares[:, 0].clip(min=0), color=ORANGE, hatch="//", edgecolor=INK,
            label="forgotten",
        )  # fmt: skip
    axes.set(xticks=places, xticklabels=[f"{strength:g}" for strength in strengths])
    axes.set(xlabel="strength of the spring, $\\lambda$", ylabel="missing from joint training (points)")
    axes.grid(axis="x", visible=False)
    axes.legend(loc="upper center")
    return fig


@style()
def bytes_by_tasks(tasks: Sequence[int], keeps: Mapping[str, Sequence[int]]):
    """Return what each of some METHODS keeps after so many tasks, in megabytes, both axes logarithmic."""
    fig, axes = figure(7, 3.2)
    marked = [int(np.abs(np.log(np.asarray(tasks) / 10**power)).argmin()) for power in np.arange(0, 4, 0.5)]
    for label, sizes in keeps.items():
        axes.plot(tasks, np.asarray(sizes) / 1e6, **_look(label), markevery=sorted(set(marked)), label=label)
    axes.set(xscale="log", yscale="log", xlabel="tasks learned", ylabel="megabytes kept", xlim=(tasks[0], tasks[-1]))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig
