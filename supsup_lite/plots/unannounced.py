"""Figures about tasks that nobody announces, for lesson 07: the stream and its masks, nu, epsilon, coefficients."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from supsup_lite.plots.style import BLUE, GREEN, GREY, INK, MARKERS, ORANGE, PALETTE, RED, figure, percent, style

HATCHES = ("", "//", "..")


@style()
def strips(rows: Mapping[str, Sequence[int]]):
    """Return one strip a row, a box for each run of equal numbers, with the number in it. Below 0 is grey and empty.

    Args:
        rows: label -> a number for each batch: its task, or the mask that learned from it.
    """
    fig, axes = figure(7.4, 0.55 * len(rows) + 0.75)
    for row, numbers in enumerate(rows.values()):
        values = np.asarray(numbers)
        edges = [0, *(np.flatnonzero(np.diff(values)) + 1), len(values)]
        for start, stop in pairwise(edges):
            number = int(values[start])
            look = {"color": GREY, "alpha": 0.35, "edgecolor": "none"}
            if number >= 0:
                look = {"facecolor": PALETTE[number % len(PALETTE)], "alpha": 0.75, "edgecolor": INK}
            axes.barh(row, stop - start, 0.8, left=start, linewidth=0.4, **look)
            if number >= 0 and stop - start > len(values) / 60:
                axes.text((start + stop) / 2, row, str(number), ha="center", va="center", fontsize=9)
    axes.set(yticks=range(len(rows)), yticklabels=list(rows), xlabel="batch", xlim=(0, len(values)))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False)
    return fig


@style()
def nu_bars(panels: Mapping[str, Sequence[float]], eps: float, learned: int | None = None):
    """Return bars of k nu, one panel for each title, with the line 1 + eps that the largest has to pass.

    Args:
        panels: title -> nu of each candidate.
        eps: the threshold.
        learned: how many of the candidates are learned masks; those behind them are untrained, their bars grey. None is
            all.
    """
    fig, axes = figure(7.4, 2.6, ncols=len(panels), squeeze=False, sharey=True)
    for panel, (title, shares) in zip(axes[0], panels.items(), strict=True):
        heights = np.asarray(shares) * len(shares)
        known = len(heights) if learned is None else learned
        colours = [BLUE] * known + [GREY] * (len(heights) - known)
        bars = panel.bar(range(len(heights)), heights, 0.8, color=colours)
        if heights.max() >= 1 + eps:
            bars[int(heights.argmax())].set(color=ORANGE, hatch="//", edgecolor=INK, linewidth=0.5)
        panel.axhline(1 + eps, color=RED, linestyle="--", linewidth=1.2)
        panel.set_title(title, fontsize=10)
        panel.set(xlabel="mask i")
        panel.set_xticks(range(len(heights)), [*map(str, range(known)), *["new"] * (len(heights) - known)])
        panel.grid(axis="x", visible=False)
    axes[0, 0].set_ylabel(r"$k\,\nu_i$")
    axes[0, 0].annotate(r"$1+\epsilon$", (0, 1 + eps), xycoords=axes[0, 0].get_yaxis_transform(), xytext=(3, 2),
                        textcoords="offset points", color=RED, fontsize=9)  # fmt: skip
    return fig


@style()
def windows(rows: Sequence[Mapping], titles: Mapping[str, str]):
    """Return for each k the epsilons without a false alarm or a miss, one panel for each optimiser.

    Args:
        rows: of the stored table, of one suite and the paper's rule: "optimizer", "k", "eps", "false alarms", "misses".
        titles: optimiser -> title of its panel.
    """
    fig, axes = figure(7.4, 3.1, ncols=len(titles), squeeze=False, sharey=True)
    for panel, (optimizer, title) in zip(axes[0], titles.items(), strict=True):
        chosen = [row for row in rows if row["optimizer"] == optimizer]
        counts = sorted({row["k"] for row in chosen})
        for place, k in enumerate(counts):
            for row in (row for row in chosen if row["k"] == k):
                alarm, miss = row["false alarms"] > 0, row["misses"] > 0
                kind = 0 if not alarm and not miss else 1 if not alarm else 2 if not miss else 3
                colour = (GREEN, ORANGE, BLUE, GREY)[kind]
                label = ("no error", "misses: merges tasks", "false alarms: splits tasks", "both")[kind]
                panel.plot(
                    [place], [row["eps"]], MARKERS[kind], color=colour, markersize=8 - 2 * (kind > 0), label=label
                )
        panel.axhline(1 / 8, color=RED, linestyle="--", linewidth=1.2)
        panel.set(title=title, xlabel="masks k", yscale="log", xticks=range(len(counts)), xticklabels=counts)
        panel.yaxis.set_major_locator(FixedLocator([0.02, 0.05, 0.125, 0.3, 0.8]))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter("{x:g}")
    axes[0, 0].set_ylabel(r"$\epsilon$")
    found = {}
    for panel in axes[0]:
        handles, labels = panel.get_legend_handles_labels()
        found |= dict(zip(labels, handles, strict=True))
    fig.legend(found.values(), found.keys(), loc="outside lower center", ncols=4, fontsize=9)
    return fig


@style()
def coefficients(results: Mapping[str, Mapping[str, float]]):
    """Return accuracy of the ways to serve a new task, a group of bars for each suite.

    Args:
        results: suite -> {way: accuracy}, the same ways in each.
    """
    fig, axes = figure(7.4, 3.0)
    ways = list(next(iter(results.values())))
    width = 0.8 / len(ways)
    with mpl.rc_context({"hatch.color": INK, "hatch.linewidth": 0.5}):
        for i, way in enumerate(ways):
            heights = [values[way] for values in results.values()]
            places = np.arange(len(results)) + (i - (len(ways) - 1) / 2) * width
            axes.bar(places, heights, width * 0.92, color=PALETTE[i], hatch=HATCHES[i], label=way)
            for place, height in zip(places, heights, strict=True):
                axes.annotate(f"{height:.0%}", (place, height), xytext=(0, 2), textcoords="offset points",
                              ha="center", fontsize=8)  # fmt: skip
    axes.set(xticks=range(len(results)), xticklabels=list(results), ylim=(0, 1.1), ylabel="accuracy on the new task")
    percent(axes.yaxis)
    axes.grid(axis="x", visible=False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, fontsize=9)
    return fig
