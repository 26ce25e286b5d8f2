"""Figures about networks that nobody trained, for lessons 00 and 01."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator, PercentFormatter
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
    PINK,
    RED,
    SKY,
    figure,
    style,
)

LINES = ("-", "--", ":", "-.")
HATCHES = ("", "//", "..", "xx")


def _numbers(values: Tensor | Sequence[float]) -> np.ndarray:
    return values.detach().cpu().double().numpy() if isinstance(values, Tensor) else np.asarray(values, dtype=float)


def _percent(axis, every: float | None = None) -> None:
    axis.set_major_formatter(PercentFormatter(1, decimals=0))
    if every is not None:
        axis.set_major_locator(MultipleLocator(every))


def _chance(axes: Axes) -> None:
    """A dashed line at the accuracy of guessing among ten digits, named in the legend."""
    axes.axhline(0.1, color=INK, linestyle="--", linewidth=1, label="chance")


# --- lesson 00 ---------------------------------------------------------------------------------------------------


@style()
def masks_and_controls(accuracies: Mapping[str, Sequence[float]]):
    """Return dots of accuracy, one a task, for the tasks' own masks and for each control.

    Args:
        accuracies: label -> accuracies in 0..1, one a task.
    """
    fig, axes = figure(7, 0.5 * len(accuracies) + 0.9)
    labels = list(accuracies)
    for row, label in enumerate(labels):
        values = _numbers(accuracies[label])
        height = row + np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else [row]
        axes.plot(values, height, MARKERS[row], color=PALETTE[row], markersize=4, alpha=0.7)
    axes.axvline(0.1, color=INK, linestyle="--", linewidth=1)
    axes.annotate("chance", (0.11, 1), xycoords=axes.get_xaxis_transform(), va="top", fontsize=9)
    axes.set(
        yticks=range(len(labels)), yticklabels=labels, xlim=(0, 1), xlabel="accuracy on test images, one dot a task"
    )
    axes.set_ylim(len(labels) - 0.4, -0.6)
    _percent(axes.xaxis)
    return fig


@style()
def accuracy_by_task(accuracies: Sequence[float], title: str = ""):
    """Return the accuracy of each task with its own mask, in the order in which the tasks were learned."""
    values = _numbers(accuracies)
    fig, axes = figure(7, 2.8)
    axes.plot(range(len(values)), values, MARKERS[0], color=BLUE, markersize=4, label="a task with its own mask")
    axes.axhline(values.mean(), color=BLUE, linewidth=1, label="mean")
    _chance(axes)
    axes.set(xlabel="task, in the order of learning", ylabel="accuracy on test images", ylim=(0, 1), title=title)
    axes.set_xlim(-1, max(len(values), 10))
    _percent(axes.yaxis)
    axes.legend(loc="center right", ncols=3)
    return fig


@style()
def scenario_tree():
    """Return the decision tree of the four scenarios: three questions, four names."""
    fig, axes = figure(7, 3.3)
    axes.set(xlim=(0.5, 9.8), ylim=(-0.4, 6))
    axes.set_axis_off()

    def box(x: float, y: float, text: str, colour: str, bold: bool = False) -> None:
        frame = {
            "boxstyle": "round,pad=0.45",
            "facecolor": "none",
            "edgecolor": colour,
            "linewidth": 2.2 if bold else 1,
        }
        axes.text(x, y, text, ha="center", va="center", bbox=frame, fontsize=10, weight="bold" if bold else "normal")

    def arrow(start: tuple[float, float], stop: tuple[float, float], word: str) -> None:
        axes.annotate("", stop, start, arrowprops={"arrowstyle": "->", "color": INK, "linewidth": 1})
        middle = ((start[0] + stop[0]) / 2, (start[1] + stop[1]) / 2)
        side = "right" if stop[0] < start[0] else "left"
        axes.annotate(word, middle, (-7 if side == "right" else 7, 2), textcoords="offset points", ha=side)

    box(6.3, 5.5, "Is the task given in training?", INK)
    box(3.9, 3.5, "Is it given at inference?", INK)
    box(5.7, 1.5, "Do tasks share their labels?", INK)
    arrow((6.0, 5.1), (4.2, 3.9), "yes")
    arrow((6.7, 5.1), (8.7, 3.9), "no")
    arrow((3.6, 3.1), (1.6, 0.5), "yes")
    arrow((4.2, 3.1), (5.4, 1.9), "no")
    arrow((5.4, 1.1), (4.5, 0.5), "yes")
    arrow((6.0, 1.1), (6.9, 0.5), "no")
    for x, y, name, colour in (
        (1.4, 0.1, "GG", BLUE), (4.3, 0.1, "GNs", GREEN), (7.1, 0.1, "GNu", ORANGE), (8.9, 3.5, "NNs", PINK),
    ):  # fmt: skip
        box(x, y, name, colour, bold=True)
    return fig


# --- lesson 01: at chance, but not noise ----------------------------------------------------------------------------


@style()
def untrained_accuracies(networks: Tensor, guessers: Tensor):
    """Return two histograms of accuracy on one axis: untrained networks, and guessers who roll a die for each image."""
    fig, axes = figure(7, 2.8)
    values, dice = _numbers(networks), _numbers(guessers)
    bins = np.arange(0, max(values.max(), dice.max()) + 0.02, 0.01)
    axes.hist(values, bins, color=BLUE, alpha=0.75, label="untrained networks")
    axes.hist(dice, bins, histtype="step", linewidth=1.5, edgecolor=ORANGE, hatch="//", label="guessers")
    axes.axvline(0.1, color=INK, linestyle="--", linewidth=1, label="chance")
    axes.set(xlabel="accuracy on test images", ylabel=f"how many of {len(values)}")
    axes.set_xlim(0, None)
    _percent(axes.xaxis, every=0.05)
    axes.legend()
    return fig


@style()
def answers_by_digit(share: Tensor):
    """Return a heat map: which output wins for the images of each digit.

    Args:
        share: [10 digits, 10 outputs], each row sums to 1.
    """
    values = _numbers(share)
    fig, axes = figure(5.4, 3.9)
    image = axes.imshow(values, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    for digit, output in np.ndindex(*values.shape):
        if values[digit, output] >= 0.05:
            ink = "black" if values[digit, output] > 0.6 else "white"
            axes.text(output, digit, f"{values[digit, output]:.0%}", ha="center", va="center", fontsize=7, color=ink)
    axes.grid(False)
    axes.set(xlabel="output with the largest logit", ylabel="digit in the image", xticks=range(10), yticks=range(10))
    bar = fig.colorbar(image, ax=axes, label="share of the digit's images")
    _percent(bar.ax.yaxis)
    return fig


# --- lesson 01: the two-sided constant -----------------------------------------------------------------------------


@style()
def weight_histograms(two_sided: Tensor, normal: Tensor):
    """Return the histogram of a layer of two values beside that of normal weights of the same standard deviation."""
    fig, (left, right) = figure(7, 2.5, ncols=2, sharex=True)
    widest = 1.05 * np.abs(_numbers(normal)).max()
    bins = np.linspace(-widest, widest, 61)
    left.hist(_numbers(two_sided).ravel(), bins, color=BLUE)
    right.hist(_numbers(normal).ravel(), bins, color=ORANGE, hatch="//", edgecolor=ORANGE, alpha=0.6)
    left.set(title="two values: $-c$ and $+c$", xlabel="weight", ylabel="number of weights")
    right.set(title="Kaiming normal, deviation $c$", xlabel="weight")
    return fig


@style()
def scale_by_layer(scales: Mapping[str, Sequence[float]]):
    """Return the size of the signal after each layer, one line for each kind of weights, on a logarithmic axis.

    Args:
        scales: label -> root mean square of the input and of each layer's activations.
    """
    fig, axes = figure(7, 3.4)
    for i, (label, values) in enumerate(scales.items()):
        axes.plot(
            range(len(values)), _numbers(values), LINES[i % 4], marker=MARKERS[i], color=PALETTE[i], label=label
        )  # fmt: skip
    axes.set(yscale="log", xlabel="layer (0 is the image)", ylabel="root mean square of the activations")
    axes.legend()
    return fig


@style()
def accuracy_and_confidence(factors: Sequence[float], accuracy: Sequence[float], confidence: Sequence[float]):
    """Return accuracy and mean confidence against the factor that multiplies every weight."""
    fig, axes = figure(7, 3.2)
    axes.plot(
        factors, _numbers(confidence), "--", marker=MARKERS[1], color=ORANGE, label="confidence (mean of the largest p)"
    )
    axes.plot(factors, _numbers(accuracy), "-", marker=MARKERS[0], color=BLUE, label="accuracy")
    axes.set_xscale("log", base=2)
    axes.set(xlabel="factor on every weight", ylabel="share", ylim=(0, 1.05))
    _percent(axes.yaxis)
    axes.legend(loc="center left")
    return fig


@style()
def output_bars(image: Tensor, probabilities: Tensor, title: str):
    """Return an image beside the bars of its softmax; the largest bar is hatched."""
    fig, (left, right) = figure(7, 2.5, ncols=2, width_ratios=(1, 2.6))
    values = _numbers(probabilities)
    show_image(left, image)
    bars = right.bar(range(len(values)), values, color=SKY)
    bars[int(values.argmax())].set(color=BLUE, hatch="//", edgecolor=INK)
    right.set(xlabel="output", ylabel="probability $p$", ylim=(0, 1), xticks=range(len(values)), title=title)
    _percent(right.yaxis)
    return fig


@style()
def storage_bars(sizes: Mapping[str, int]):
    """Return bars of bytes on a logarithmic axis, one for each way to store a network."""
    fig, axes = figure(7, 0.5 * len(sizes) + 0.9)
    for row, size in enumerate(sizes.values()):
        axes.barh(row, size, 0.6, color=PALETTE[row], hatch=HATCHES[row % 4], edgecolor=INK, linewidth=0.5)
        axes.annotate(f"{size:,} bytes", (size, row), (5, 0), textcoords="offset points", va="center")
    axes.set(yticks=range(len(sizes)), yticklabels=list(sizes), xscale="log", xlabel="bytes")
    axes.set_xlim(1, 60 * max(sizes.values()))
    axes.invert_yaxis()
    return fig


# --- lesson 01: random masks ---------------------------------------------------------------------------------------


@style()
def accuracy_by_density(densities: Sequence[float], accuracies: Tensor, learned: tuple[float, float] | None = None):
    """Return accuracy of random masks against their density, with the mean and its 95 % interval at each density.

    Args:
        densities: share of weights kept.
        accuracies: [densities, masks].
        learned: (density, accuracy) of a learned mask, to compare with.
    """
    fig, axes = figure(7, 3.2)
    values = _numbers(accuracies)
    for i, density in enumerate(densities):
        axes.plot([density] * values.shape[1], values[i], "o", color=GREY, alpha=0.35, markersize=4)
    error = 1.96 * values.std(1, ddof=1) / math.sqrt(values.shape[1])
    axes.errorbar(
        densities, values.mean(1), error, fmt="-s", color=BLUE, capsize=3, label="random masks: mean, 95 % interval"
    )
    axes.plot([], [], "o", color=GREY, alpha=0.35, label="one random mask")
    if learned is not None:
        axes.plot(
            *learned, marker="*", markersize=15, color=RED, linestyle="none", label="one learned mask (lesson 02)"
        )
    _chance(axes)
    axes.set(
        xlabel="density: share of weights kept", ylabel="accuracy on test images", ylim=(0, 1 if learned else None)
    )
    _percent(axes.xaxis)
    _percent(axes.yaxis)
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
    values = _numbers(accuracies)
    right.hist(values, np.arange(0, 0.4, 0.01), color=BLUE)
    right.axvline(0.1, color=INK, linestyle="--", linewidth=1)
    right.annotate("chance", (0.105, 0.97), xycoords=right.get_xaxis_transform(), va="top", fontsize=9)
    right.set(xlim=(0, 0.4), xlabel="accuracy on test images", ylabel=f"how many of {len(values)}", title=title)
    _percent(right.xaxis, every=0.1)
    return fig


@style()
def search_and_fresh(search: Tensor, fresh: Tensor, lucky: int = 10):
    """Return each mask's accuracy on fresh images against the one it was picked by; the luckiest are marked."""
    fig, axes = figure(5.6, 4.2)
    x, y = _numbers(search), _numbers(fresh)
    best = np.argsort(-x, kind="stable")[:lucky]
    axes.plot(x, y, "o", color=GREY, alpha=0.4, markersize=3, label="a random mask")
    axes.plot(x[best], y[best], "D", color=RED, markersize=6, label=f"the {lucky} luckiest in the search")
    ends = [0, 1.05 * max(x.max(), y.max())]
    axes.plot(ends, ends, "--", color=INK, linewidth=1, label="as good on fresh images")
    axes.set(xlabel="accuracy in the search", ylabel="accuracy on fresh images", xlim=ends, ylim=ends)
    _percent(axes.xaxis, every=0.05)
    _percent(axes.yaxis, every=0.05)
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
    axes.plot(tries, _numbers(searched), "--", marker=MARKERS[1], color=ORANGE, label="in the search")
    axes.plot(tries, _numbers(fresh), "-", marker=MARKERS[0], color=BLUE, label="on fresh images")
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
    _chance(axes)
    axes.set(xscale="log", xlabel="tries", ylabel="accuracy of the luckiest mask", ylim=(0, 0.3))
    _percent(axes.yaxis, every=0.05)
    axes.legend(loc="lower right")
    return fig
