"""Figures about networks that nobody trained, for lessons 00 and 01."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from supsup_lite.plots.images import show_image
from supsup_lite.plots.style import (
    BLUE,
    GREEN,
    INK,
    MARKERS,
    ORANGE,
    PALETTE,
    PINK,
    SKY,
    chance,
    figure,
    numbers,
    percent,
    style,
)

LINES = ("-", "--", ":", "-.")
HATCHES = ("", "//", "..", "xx")


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
        values = numbers(accuracies[label])
        height = row + np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else [row]
        axes.plot(values, height, MARKERS[row], color=PALETTE[row], markersize=4, alpha=0.7)
    axes.axvline(0.1, color=INK, linestyle="--", linewidth=1)
    axes.annotate("chance", (0.11, 1), xycoords=axes.get_xaxis_transform(), va="top", fontsize=9)
    axes.set(
        yticks=range(len(labels)), yticklabels=labels, xlim=(0, 1), xlabel="accuracy on test images, one dot a task"
    )
    axes.set_ylim(len(labels) - 0.4, -0.6)
    percent(axes.xaxis)
    return fig


@style()
def accuracy_by_task(accuracies: Sequence[float], title: str = ""):
    """Return the accuracy of each task with its own mask, in the order in which the tasks were learned."""
    values = numbers(accuracies)
    fig, axes = figure(7, 2.8)
    axes.plot(range(len(values)), values, MARKERS[0], color=BLUE, markersize=4, label="a task with its own mask")
    axes.axhline(values.mean(), color=BLUE, linewidth=1, label="mean")
    chance(axes)
    axes.set(xlabel="task, in the order of learning", ylabel="accuracy on test images", ylim=(0, 1), title=title)
    axes.set_xlim(-1, max(len(values), 10))
    percent(axes.yaxis)
    axes.legend(loc="center right", ncols=3)
    return fig


@style()
def masks_by_tasks(accuracies: Tensor):
    """Return a heat map with the accuracy of each mask on each task in percent.

    Args:
        accuracies: [masks, tasks], in 0..1.
    """
    shares = numbers(accuracies)
    fig, axes = figure(4.6, 3.6)
    drawn = axes.imshow(shares, vmin=0, vmax=1)
    for (mask, task), share in np.ndenumerate(shares):
        ink = "black" if share > 0.5 else "white"  # viridis is dark in its lower half
        axes.annotate(f"{share:.0%}", (task, mask), ha="center", va="center", fontsize=9, color=ink)
    axes.set(xticks=range(shares.shape[1]), yticks=range(shares.shape[0]))
    axes.set(xlabel="tested on task", ylabel="with the mask of task")
    axes.grid(False)
    bar = fig.colorbar(drawn, ax=axes, label="accuracy on test images")
    percent(bar.ax.yaxis)
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
    values, dice = numbers(networks), numbers(guessers)
    bins = np.arange(0, max(values.max(), dice.max()) + 0.02, 0.01)
    axes.hist(values, bins, color=BLUE, alpha=0.75, label="untrained networks")
    axes.hist(dice, bins, histtype="step", linewidth=1.5, edgecolor=ORANGE, hatch="//", label="guessers")
    axes.axvline(0.1, color=INK, linestyle="--", linewidth=1, label="chance")
    axes.set(xlabel="accuracy on test images", ylabel=f"how many of {len(values)}")
    axes.set_xlim(0, None)
    percent(axes.xaxis, every=0.05)
    axes.legend()
    return fig


@style()
def answers_by_digit(share: Tensor):
    """Return a heat map: which output wins for the images of each digit.

    Args:
        share: [10 digits, 10 outputs], each row sums to 1.
    """
    values = numbers(share)
    fig, axes = figure(5.4, 3.9)
    image = axes.imshow(values, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    for digit, output in np.ndindex(*values.shape):
        if values[digit, output] >= 0.05:
            ink = "black" if values[digit, output] > 0.6 else "white"
            axes.text(output, digit, f"{values[digit, output]:.0%}", ha="center", va="center", fontsize=7, color=ink)
    axes.grid(False)
    axes.set(xlabel="output with the largest logit", ylabel="digit in the image", xticks=range(10), yticks=range(10))
    bar = fig.colorbar(image, ax=axes, label="share of the digit's images")
    percent(bar.ax.yaxis)
    return fig


# --- lesson 01: the two-sided constant -----------------------------------------------------------------------------


@style()
def weight_histograms(two_sided: Tensor, normal: Tensor):
    """Return the histogram of a layer of two values beside that of normal weights of the same standard deviation."""
    fig, (left, right) = figure(7, 2.5, ncols=2, sharex=True)
    widest = 1.05 * np.abs(numbers(normal)).max()
    bins = np.linspace(-widest, widest, 61)
    left.hist(numbers(two_sided).ravel(), bins, color=BLUE)
    right.hist(numbers(normal).ravel(), bins, color=ORANGE, hatch="//", edgecolor=ORANGE, alpha=0.6)
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
            range(len(values)), numbers(values), LINES[i % 4], marker=MARKERS[i], color=PALETTE[i], label=label
        )  # fmt: skip
    axes.set(yscale="log", xlabel="layer (0 is the image)", ylabel="root mean square of the activations")
    axes.legend()
    return fig


@style()
def accuracy_and_confidence(factors: Sequence[float], accuracy: Sequence[float], confidence: Sequence[float]):
    """Return accuracy and mean confidence against the factor that multiplies every weight."""
    fig, axes = figure(7, 3.2)
    axes.plot(
        factors,
        numbers(confidence),
        "--",
        marker=MARKERS[1],
        color=ORANGE,
        label="confidence (mean of the largest $\\pi$)",
    )
    axes.plot(factors, numbers(accuracy), "-", marker=MARKERS[0], color=BLUE, label="accuracy")
    axes.set_xscale("log", base=2)
    axes.set(xlabel="factor on every weight", ylabel="share", ylim=(0, 1.05))
    percent(axes.yaxis)
    axes.legend(loc="center left")
    return fig


@style()
def output_bars(image: Tensor, probabilities: Tensor, title: str):
    """Return an image beside the bars of its softmax; the largest bar is hatched."""
    fig, (left, right) = figure(7, 2.5, ncols=2, width_ratios=(1, 2.6))
    values = numbers(probabilities)
    show_image(left, image)
    bars = right.bar(range(len(values)), values, color=SKY)
    bars[int(values.argmax())].set(color=BLUE, hatch="//", edgecolor=INK)
    right.set(xlabel="output", ylabel="probability $\\pi$", ylim=(0, 1), xticks=range(len(values)), title=title)
    percent(right.yaxis)
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
