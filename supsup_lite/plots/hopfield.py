"""Figures about the Hopfield store, for lesson 06: recall, energy, ways to recall, capacity."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.ticker import FixedLocator, NullLocator
from torch import Tensor

from supsup_lite.plots.style import BLUE, GREY, INK, MARKERS, ORANGE, PALETTE, figure, style

LINES = ("-", "--", ":", "-.")


@style()
def falling(energies: Mapping[str, Sequence[float]], xlabel: str = "sweep", stored: Sequence[float] = ()):
    """Return energies over time, one line for each start.

    Args:
        energies: label -> the energy over d after each sweep, the start first.
        stored: energies over d of the stored patterns, drawn as levels.
    """
    fig, axes = figure(6.5, 3.0)
    for i, level in enumerate(stored):
        axes.axhline(level, color=GREY, linewidth=0.8, label="" if i else "stored")
    for i, (label, values) in enumerate(energies.items()):
        axes.plot(range(len(values)), values, LINES[i % 4], marker=MARKERS[i], color=PALETTE[i], label=label)
    axes.set(xlabel=xlabel, ylabel="energy E / d")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


@style()
def overlaps(values: Tensor, labels: Sequence[str]):
    """Return how alike patterns are: a matrix of z_i z_j / d in -1..1 with its numbers, [k, k]."""
    fig, axes = figure(4.2, 3.6)
    axes.imshow(values.cpu(), cmap="Blues", vmin=0, vmax=1)
    for i in range(len(values)):
        for j in range(len(values)):
            ink = "white" if values[i, j] > 0.6 else "black"
            axes.annotate(f"{values[i, j]:.2f}", (j, i), ha="center", va="center", color=ink, fontsize=9)
    axes.set(xticks=range(len(labels)), yticks=range(len(labels)), yticklabels=list(labels))
    axes.set_xticklabels(list(labels), rotation=30, ha="right")
    axes.grid(False)
    return fig


@style()
def distances(traces: Mapping[str, Tensor], labels: Sequence[str], right: int):
    """Return how far a state is from each stored mask as it goes down, one panel for each way.

    Args:
        traces: way -> distance to each mask after each step, [steps, k], as a share of the units.
        labels: names of the masks.
        right: which one belongs to the images; drawn thick.
    """
    fig, axes = figure(7.2, 2.9, ncols=len(traces), sharey=True, squeeze=False)
    for panel, (way, rows) in zip(axes[0], traces.items(), strict=True):
        for i, label in enumerate(labels):
            width = 3 if i == right else 1.2
            panel.plot(rows[:, i].cpu(), LINES[i % 4], marker=MARKERS[i], markersize=3 + (i == right), color=PALETTE[i],
                       linewidth=width, label=f"{label} (right)" if i == right else label)  # fmt: skip
        panel.set(xlabel="step", title=way, ylim=(-0.03, None))
        panel.xaxis.get_major_locator().set_params(integer=True)
    axes[0, 0].set_ylabel("share of units that differ")
    axes[0, -1].legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
    return fig


@style()
def ways_to_recall(rows: Sequence[Mapping], names: Mapping[str, str]):
    """Return, for each way to recall, how many of its cases came back right, were held back, or were wrong.

    Args:
        rows: of the stored result, for one size of batch: "way", "right", "held_back", "wrong".
        names: way -> its label, which also decides the order.
    """
    by_way = {row["way"]: row for row in rows}
    fig, axes = figure(7, 0.36 * len(names) + 1.0)
    kinds = (("right", BLUE, ""), ("held_back", GREY, ".."), ("wrong", ORANGE, "//"))
    for i, way in enumerate(names):
        left = 0
        for kind, colour, hatch in kinds:
            count = by_way[way][kind]
            with mpl.rc_context({"hatch.color": INK, "hatch.linewidth": 0.5}):
                axes.barh(i, count, 0.7, left=left, color=colour, hatch=hatch,
                          label=kind.replace("_", " ") if i == 0 else "")  # fmt: skip
            left += count
        axes.annotate(str(by_way[way]["right"]), (0, i), xytext=(4, 0), textcoords="offset points", va="center",
                      fontsize=9, color="white" if by_way[way]["right"] > 3 else INK)  # fmt: skip
    axes.set(yticks=range(len(names)), yticklabels=list(names.values()), xlabel="cases of 50, one batch each")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=9)
    return fig


@style()
def capacities(measured: Mapping[str, Mapping[int, int]], theory: Mapping[str, Mapping[int, float]]):
    """Return how many patterns a store holds by d, measured as markers and theory as lines, both axes logarithmic."""
    fig, axes = figure(6.8, 3.6)
    for i, (label, by_dim) in enumerate(measured.items()):
        held = {dim: count for dim, count in by_dim.items() if count}
        axes.plot(list(held), list(held.values()), MARKERS[i], color=PALETTE[i % 6], markersize=7, label=label)
    for i, (label, by_dim) in enumerate(theory.items()):
        axes.plot(list(by_dim), list(by_dim.values()), LINES[i % 4], color=GREY, linewidth=1.4, label=label)
    axes.set(xscale="log", yscale="log", xlabel="units d", ylabel="patterns held")
    axes.xaxis.set_major_locator(FixedLocator(sorted({dim for by_dim in theory.values() for dim in by_dim})))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
    return fig


@style()
def bytes_of_memory(counts: Sequence[int], lines: Mapping[str, Sequence[float]], limit: float, what: str):
    """Return bytes by number of patterns, one line a memory, and a mark where the matrix is full."""
    fig, axes = figure(6.5, 3.1)
    for i, (label, values) in enumerate(lines.items()):
        axes.plot(counts, values, LINES[i % 4], color=PALETTE[i], label=label)
    axes.axvline(limit, color=INK, linewidth=1)
    axes.annotate(what, (limit, 0.06), xycoords=axes.get_xaxis_transform(), xytext=(4, 0), textcoords="offset points",
                  fontsize=9)  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="masks stored", ylabel="bytes")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig
