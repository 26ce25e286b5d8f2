"""Figures about task inference, for lessons 04 and 04b: entropies, the triangle of alphas, gradients, confusion."""

import math
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from supsup_lite.plots.style import BLUE, GREY, INK, MARKERS, ORANGE, PALETTE, RED, figure, numbers, percent, style

HATCHES = ("", "//", "..", "xx")
LINES = ("-", "--", ":", "-.")
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, math.sqrt(0.75)]])  # of the triangle of three alphas


@style()
def entropy_histogram(entropies: Mapping[str, Tensor], most: float):
    """Return histograms of the output's entropy, one for each kind of mask, with the largest possible one marked.

    Outputs are counted, on a logarithmic axis: heaps of different sizes are not scaled to one height, so where two of
    them overlap it can be read how many outputs of each there are.
    """
    fig, axes = figure(7, 2.9)
    edges = np.linspace(0, most * 1.02, 52)
    with mpl.rc_context({"hatch.color": INK, "hatch.linewidth": 0.5}):
        for i, (label, values) in enumerate(entropies.items()):
            kind = {"color": PALETTE[i], "hatch": HATCHES[i], "edgecolor": INK, "linewidth": 0.5, "alpha": 0.75}
            axes.hist(numbers(values.flatten()), edges, label=f"{label}: {values.numel():,} outputs", **kind)
    axes.axvline(most, color=INK, linestyle=":", linewidth=1)
    axes.annotate(
        "knows nothing", (most, 0.97), (-4, 0), ("data", "axes fraction"), "offset points", ha="right", va="top"
    )
    axes.set(xlabel="entropy of the output (nats)", ylabel="outputs", xlim=(0, most * 1.03), yscale="log")
    axes.set_ylim(0.8, 3 * axes.get_ylim()[1])  # one output can be seen, and there is room for the words
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
    return fig


@style()
def triangles(alphas: Tensor, entropies: Sequence[Tensor], gradients: Sequence[Tensor], titles: Sequence[str]):
    """Return entropy over the triangle of three alphas, one for each image, with the arrow of -gradient at its centre.

    Args:
        alphas: [n, 3], points on the triangle.
        entropies: for each image [n].
        gradients: for each image dH/dalpha at 1/3, [3].
    """
    fig, axes = figure(7.2, 2.7, ncols=len(titles))
    places = numbers(alphas) @ CORNERS
    low, high = min(float(h.min()) for h in entropies), max(float(h.max()) for h in entropies)
    levels = np.linspace(low, high + 1e-9, 14)
    for panel, heights, gradient, title in zip(axes, entropies, gradients, titles, strict=True):
        drawn = panel.tricontourf(places[:, 0], places[:, 1], numbers(heights), levels=levels, cmap="viridis")
        down = -numbers(gradient - gradient.mean()) @ CORNERS  # the part that keeps the sum at 1
        start = CORNERS.mean(0)
        tip = start + 0.33 * down / np.hypot(*down)
        look = {"arrowstyle": "-|>", "color": "white", "linewidth": 3, "mutation_scale": 18}
        panel.annotate("", tip, start, arrowprops=look)
        panel.annotate("", tip, start, arrowprops=look | {"color": RED, "linewidth": 1.5})
        for i, (corner, shift) in enumerate(zip(CORNERS, ((0, -0.1), (0, -0.1), (0, 0.08)), strict=True)):
            panel.text(*(corner + shift), f"mask {i}", ha="center", va="center", fontsize=9)
        panel.set_title(title, loc="center", fontsize=10)
        panel.set(xlim=(-0.14, 1.14), ylim=(-0.16, 1.0), aspect="equal")
        panel.axis("off")
    bar = fig.colorbar(drawn, ax=list(axes), shrink=0.8, format="%.1f")
    bar.set_label("entropy (nats)")
    bar.outline.set_visible(False)
    return fig


@style()
def gradient_bars(panels: Mapping[str, Tensor], tasks: Sequence[int | None]):
    """Return bars of -dH/dalpha, a row for each panel on one scale.

    Args:
        panels: title -> dH/dalpha, [k].
        tasks: for each panel the right mask, whose bar is hatched and marked, or None where no mask is right.
    """
    fig, axes = figure(7, 1.5 * len(panels) + 0.5, nrows=len(panels), squeeze=False, sharex=True, sharey=True)
    for panel, (title, gradient), task in zip(axes[:, 0], panels.items(), tasks, strict=True):
        heights = -numbers(gradient)
        bars = panel.bar(range(len(heights)), heights, 0.8, color=BLUE)
        if task is not None:
            bars[task].set(color=RED, hatch="///", edgecolor=INK, linewidth=0.6)
            panel.plot([task], [heights[task]], "v" if heights[task] >= 0 else "^", color=RED, markersize=8)
        panel.axhline(0, color=INK, linewidth=0.8)
        panel.set_title(title, fontsize=10)
        panel.margins(y=0.2)
    axes[-1, 0].set_xlabel("mask i")
    axes[-1, 0].xaxis.set_major_locator(MaxNLocator(integer=True))
    fig.supylabel("$-\\partial H/\\partial\\alpha_i$ (nats)", fontsize=10)
    return fig


@style()
def halving_steps(candidates: Tensor, gradients: Tensor, task: int):
    """Return Binary as a picture: a row for each step, a dot for each mask still in, higher where -dH/dalpha is.

    Args:
        candidates: bool [steps, k].
        gradients: dH/dalpha, float [steps, k].
        task: the right mask.
    """
    steps = len(candidates)
    fig, axes = figure(7, 0.5 * steps + 0.9)
    for row in range(steps):
        inside = candidates[row].cpu()
        slopes = -numbers(gradients[row])
        places = inside.nonzero().flatten().tolist()
        spread = max(np.ptp(slopes[places]), 1e-12)
        heights = row - 0.75 * (slopes[places] - slopes[places].min()) / spread + 0.35
        survives = candidates[row + 1].cpu().numpy()[places] if row + 1 < steps else np.ones(len(places), bool)
        place = np.array(places)
        axes.plot(
            place[~survives], heights[~survives], "x", color=GREY, markersize=4, label="dropped" if not row else ""
        )
        axes.plot(place[survives], heights[survives], "o", color=BLUE, markersize=4, label="kept" if not row else "")
        if task in places:
            at = places.index(task)
            axes.plot([task], [heights[at]], "D", color=RED, markersize=8, label="the right mask" if not row else "")
    axes.set(xlabel="mask i", ylabel="halving", ylim=(steps - 0.4, -0.6), yticks=range(steps))
    axes.set_yticklabels([f"{int(row.sum())} left" for row in candidates])
    axes.grid(axis="x", visible=False)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


@style()
def costs(k: Sequence[int], work: Mapping[str, Sequence[float]], size: Mapping[str, Sequence[float]]):
    """Return multiply-adds (left) and megabytes (right) against the number of tasks k, on logarithmic axes."""
    fig, axes = figure(7.4, 3.3, ncols=2)
    for panel, lines in zip(axes, (work, size), strict=True):
        for i, (label, values) in enumerate(lines.items()):
            panel.loglog(k, values, LINES[i], marker=MARKERS[i], color=PALETTE[i], label=label)
        panel.set_xlabel("tasks k")
        panel.legend(fontsize=8, loc="upper left")
        panel.set_ylim(top=panel.get_ylim()[1] * 12)
    axes[0].set(title="work", ylabel="multiply-adds for each image")
    axes[1].set(title="memory", ylabel="megabytes")
    return fig


@style()
def confusions(tables: Mapping[str, Tensor], unit: str):
    """Return confusion matrices, two a row: rows are the true task, columns the inferred one, each row a share."""
    height = math.ceil(len(tables) / 2)
    fig, axes = figure(6.6, 2.9 * height, nrows=height, ncols=2, squeeze=False, sharex=True, sharey=True)
    for panel, (title, counts) in zip(axes.flat, tables.items(), strict=True):
        shares = numbers(counts.double() / counts.sum(1, keepdim=True))
        drawn = panel.imshow(shares, vmin=0, vmax=1, cmap="viridis")
        panel.grid(False)
        panel.set_title(title, fontsize=10)
    for panel in axes[-1]:
        panel.set_xlabel(f"inferred {unit}")
    for panel in axes[:, 0]:
        panel.set_ylabel(f"true {unit}")
    bar = fig.colorbar(drawn, ax=axes.ravel().tolist(), shrink=0.7)
    bar.set_label("share of inferences")
    percent(bar.ax.yaxis)
    bar.outline.set_visible(False)
    return fig


@style()
def found_and_right(results: Mapping[str, Mapping[str, float]]):
    """Return dots: for each setting how often each method finds the task, and the accuracy when the task is given."""
    fig, axes = figure(7, 0.45 * len(results) + 1.0)
    for row, values in enumerate(results.values()):
        axes.plot([0, 1], [row, row], color=GREY, linewidth=0.6, alpha=0.5)
        for i, (label, share) in enumerate(values.items()):
            axes.plot([share], [row], MARKERS[i], color=PALETTE[i], markersize=9 - i, label=label if not row else "")
    axes.set(yticks=range(len(results)), yticklabels=list(results), xlim=(-0.03, 1.03), xlabel="share of images")
    axes.set_ylim(len(results) - 0.5, -0.5)
    percent(axes.xaxis)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    return fig


@style()
def found_by_tasks(k: Sequence[int], lines: Mapping[str, Sequence[float]], marked: int, accuracy: float, title: str):
    """Return how often the task is found, by number of tasks, with one number of tasks marked, and chance 1/k."""
    fig, axes = figure(6.5, 3.0)
    for i, (label, values) in enumerate(lines.items()):
        axes.semilogx(k, values, LINES[i], marker=MARKERS[i], color=PALETTE[i], label=label)
    axes.semilogx(k, [1 / n for n in k], ":", color=INK, linewidth=1, label="chance, 1/k")
    axes.axhline(accuracy, color=GREY, linestyle="-.", linewidth=1.2, label="accuracy, task given")
    axes.axvline(marked, color=ORANGE, linewidth=5, alpha=0.3)
    axes.set(xlabel="tasks k", ylabel="share of single images", ylim=(0, 1.05), title=title, xticks=k)
    axes.set_xticklabels(k)
    axes.minorticks_off()
    percent(axes.yaxis)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig
