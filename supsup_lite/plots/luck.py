"""Figures about random masks, and what luck finds among them (lesson 01)."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from supsup_lite.plots.images import show_image
from supsup_lite.plots.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MARKERS,
    ORANGE,
    PALETTE,
    RED,
    chance,
    figure,
    numbers,
    percent,
    sparsity_on_top,
    style,
)


@style()
def accuracy_by_density(
    densities: Sequence[float],
    accuracies: Tensor,
    intervals: Sequence[tuple[float, float, float]],
    learned: tuple[float, float] | None = None,
):
    """Return accuracy of random masks against their density, with the mean and its 95 % interval at each density.

    Args:
        densities: share of weights kept.
        accuracies: [densities, masks].
        intervals: for each density the mean, and the lower and upper end of its 95 % interval.
        learned: (density, accuracy) of a learned mask, to compare with.
    """
    fig, axes = figure(7, 3.6)
    values = numbers(accuracies)
    for i, density in enumerate(densities):
        axes.plot([density] * values.shape[1], values[i], "o", color=GREY, alpha=0.35, markersize=4)
    means, lows, highs = np.array(intervals).T
    error = (means - lows, highs - means)
    axes.errorbar(densities, means, error, fmt="-s", color=BLUE, capsize=3, label="random masks: mean, 95 % interval")
    axes.plot([], [], "o", color=GREY, alpha=0.35, label="one random mask")
    if learned is not None:
        axes.plot(
            *learned, marker="*", markersize=15, color=RED, linestyle="none", label="one learned mask (lesson 02)"
        )
    chance(axes)
    axes.set(
        xlabel="density: share of weights kept", ylabel="accuracy on test images", ylim=(0, 1 if learned else None)
    )
    percent(axes.xaxis)
    percent(axes.yaxis)
    sparsity_on_top(axes)
    axes.legend(loc="center left" if learned else "best")
    return fig


@style()
def masks_at_density(kept: Tensor, accuracies: Tensor, title: str):
    """Return the first unit's kept edges as a picture of 28 x 28 pixels, beside accuracies of masks like it.

    Args:
        kept: bool [28, 28].
        accuracies: of some random masks of this density.
    """
    fig, (left, right) = figure(7, 2.6, ncols=2, width_ratios=(1, 2.2))
    show_image(left, kept, 0, 1)
    left.set_title("one unit: white is kept", fontsize=9)
    values = numbers(accuracies)
    right.hist(values, np.arange(0, 0.4, 0.01), color=BLUE)
    right.axvline(0.1, color=INK, linestyle="--", linewidth=1)
    right.annotate("chance", (0.105, 0.97), xycoords=right.get_xaxis_transform(), va="top", fontsize=9)
    right.set(xlim=(0, 0.4), xlabel="accuracy on test images", ylabel=f"how many of {len(values)}", title=title)
    percent(right.xaxis, every=0.1)
    return fig


@style()
def search_and_fresh(search: Tensor, fresh: Tensor, lucky: int = 10):
    """Return each mask's accuracy on fresh images against the one it was picked by; the luckiest are marked."""
    fig, axes = figure(5.6, 4.2)
    x, y = numbers(search), numbers(fresh)
    best = np.argsort(-x, kind="stable")[:lucky]
    axes.plot(x, y, "o", color=GREY, alpha=0.4, markersize=3, label="a random mask")
    axes.plot(x[best], y[best], "D", color=RED, markersize=6, label=f"the {lucky} luckiest in the search")
    ends = [0, 1.05 * max(x.max(), y.max())]
    axes.plot(ends, ends, "--", color=INK, linewidth=1, label="as good on fresh images")
    axes.set(xlabel="accuracy in the search", ylabel="accuracy on fresh images", xlim=ends, ylim=ends)
    percent(axes.xaxis, every=0.05)
    percent(axes.yaxis, every=0.05)
    axes.legend(loc="upper left", fontsize=9)
    return fig


@style()
def luck_by_tries(tries: Sequence[int], searched: Sequence[float], fresh: Sequence[float], marked: int | None = None):
    """Return the best accuracy that luck finds against the number of tries, in the search and on fresh images.

    Args:
        tries: numbers of tries.
        searched, fresh: mean accuracy of the luckiest of so many tries, in the search and on fresh images.
        marked: a number of tries to point at.
    """
    fig, axes = figure(7, 3.2)
    axes.plot(tries, numbers(searched), "--", marker=MARKERS[1], color=ORANGE, label="in the search")
    axes.plot(tries, numbers(fresh), "-", marker=MARKERS[0], color=BLUE, label="on fresh images")
    if marked is not None:
        axes.axvline(marked, color=GREEN, linewidth=1.5)
        axes.annotate(
            f"{marked}",
            (marked, 0.97),
            (4, 0),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            va="top",
        )
    chance(axes)
    axes.set(xscale="log", xlabel="tries", ylabel="accuracy of the luckiest mask", ylim=(0, 0.3))
    percent(axes.yaxis, every=0.05)
    axes.legend(loc="upper left")
    return fig


@style()
def orders_of_magnitude(powers: Mapping[str, float]):
    """Return bars of exponents, one for each count: a bar of length n stands for 10 to the power of n.

    Args:
        powers: label -> log10 of the count.
    """
    fig, axes = figure(7, 0.5 * len(powers) + 0.9)
    for row, power in enumerate(powers.values()):
        axes.barh(row, power, 0.6, color=PALETTE[row], edgecolor=INK, linewidth=0.5)
        axes.annotate(f"$10^{{{power:,.0f}}}$", (power, row), (5, 0), textcoords="offset points", va="center")
    axes.set(yticks=range(len(powers)), yticklabels=list(powers), xscale="log", xlabel="number of digits, less one")
    axes.set_xlim(1, 20 * max(powers.values()))
    axes.invert_yaxis()
    return fig
