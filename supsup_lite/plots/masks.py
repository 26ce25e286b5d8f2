"""Figures about learned masks, for lesson 02: what a mask looks like, how it is learned, and what it costs."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from torch import Tensor

from supsup_lite.plots.style import (
    BLUE,
    GREY,
    INK,
    MARKERS,
    ORANGE,
    PALETTE,
    RED,
    figure,
    numbers,
    percent,
    sparsity_on_top,
    style,
)

CHANCE = 0.1  # ten classes
LINES = ("-", "--", ":", "-.")
HATCHES = ("", "//", "..", "xx")


@style()
def step_and_straight_through():
    """Return the step from score to mask, and what the backward pass takes it for: a line of slope 1."""
    fig, axes = figure(6, 2.6, ncols=2)
    axes[0].plot([-1, 0], [0, 0], color=BLUE)
    axes[0].plot([0, 1], [1, 1], color=BLUE)
    axes[0].plot([0, 0], [0, 1], color=BLUE, linestyle=":", linewidth=1)
    axes[0].plot([0], [1], MARKERS[0], color=BLUE)
    axes[0].set(title="forward: a step", xlabel="score S", ylabel="mask M", yticks=[0, 1])
    axes[1].plot([-1, 1], [-0.5, 1.5], color=ORANGE, linestyle="--")
    axes[1].set(title="backward: slope 1 everywhere", xlabel="score S", ylabel="taken to be", yticks=[0, 1])
    for panel in axes:
        panel.set(xlim=(-1, 1), ylim=(-0.6, 1.6))
    return fig


@style()
def scores_crossing_zero(scores: Tensor):
    """Return the paths of a few scores while they are learned, with the border at 0 that decides about the mask.

    Args:
        scores: [steps + 1, n], the scores at first and after each step.
    """
    fig, axes = figure(6.5, 3.0)
    paths = numbers(scores)
    axes.axhspan(0, 1.1 * np.abs(paths).max(), color=BLUE, alpha=0.08, linewidth=0)
    axes.axhline(0, color=INK, linewidth=1)
    for path in paths.T:
        popped, dropped = path[0] < 0 <= path[-1], path[-1] < 0 <= path[0]
        colour = ORANGE if popped else BLUE if dropped else GREY
        line = "-" if popped else "--" if dropped else ":"
        axes.plot(range(len(path)), path, line, color=colour, linewidth=1.5)
    for colour, line, label in (
        (ORANGE, "-", "popped up"),
        (BLUE, "--", "dropped"),
        (GREY, ":", "stayed where it was"),
    ):
        axes.plot([], [], line, color=colour, label=label)
    for side, word in ((0.97, "kept"), (0.03, "removed")):
        axes.annotate(word, (0.01, side), xycoords="axes fraction", va="top" if side > 0.5 else "bottom", fontsize=9)
    axes.set(xlabel="training step", ylabel="score S", xlim=(0, len(paths) - 1))
    axes.set_ylim(-1.1 * np.abs(paths).max(), 1.1 * np.abs(paths).max())
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


@style()
def transfer_curves(accuracies: Mapping[str, Sequence[float]]):
    """Return the accuracy of each task in the order of learning, one line for each label."""
    fig, axes = figure(6.5, 2.9)
    for i, (label, values) in enumerate(accuracies.items()):
        axes.plot(range(len(values)), values, LINES[i], marker=MARKERS[i], color=PALETTE[i], label=label)
    axes.set(xlabel="task, in the order of learning", ylabel="test accuracy", xticks=range(len(values)))
    percent(axes.yaxis)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


@style()
def loss_curves(losses: Mapping[str, Sequence[float]], smooth: int = 5):
    """Return the loss on the training batches by step, one line for each label, averaged over `smooth` steps."""
    fig, axes = figure(6.5, 2.8)
    for i, (label, values) in enumerate(losses.items()):
        means = np.convolve(np.asarray(values, dtype=float), np.ones(smooth) / smooth, mode="valid")
        steps = np.arange(len(means)) + smooth
        every = max(1, len(means) // 8)
        axes.plot(steps, means, LINES[i], marker=MARKERS[i], markevery=every, color=PALETTE[i], label=label)
    axes.set(xlabel="training step", ylabel="cross-entropy (nats)", ylim=(0, None))
    axes.legend()
    return fig


def _draw_hill(axes: Axes, densities: Sequence[float], learned: Sequence[float], control: Sequence[float]) -> None:
    axes.plot(densities, learned, MARKERS[0] + "-", color=BLUE, label="learned mask")
    axes.plot(densities, control, MARKERS[1] + "--", color=ORANGE, label="random mask, same density")
    axes.axhline(CHANCE, color=INK, linestyle=":", linewidth=1)
    axes.annotate("chance", (0.5, CHANCE), xytext=(0, -11), textcoords="offset points", fontsize=9, ha="center")
    axes.set(xlim=(-0.03, 1.03), ylim=(0, 1), xlabel="density: share of weights kept", ylabel="test accuracy")
    percent(axes.xaxis)
    percent(axes.yaxis)
    sparsity_on_top(axes)


@style()
def hill(densities: Sequence[float], learned: Sequence[float], control: Sequence[float]):
    """Return accuracy by density, for learned masks and for random masks of the same density."""
    fig, axes = figure(6.5, 3.4)
    _draw_hill(axes, densities, learned, control)
    axes.legend(loc="center", bbox_to_anchor=(0.55, 0.35))
    return fig


@style()
def mask_and_hill(
    image: Tensor,
    density: float,
    accuracy: float,
    densities: Sequence[float],
    learned: Sequence[float],
    control: Sequence[float],
):
    """Return one mask's kept edges per pixel beside its place on the hill.

    Args:
        image: share of the edges kept at each pixel, [height, width].
        density, accuracy: of this mask.
        densities, learned, control: the hill.
    """
    fig, axes = figure(7, 3.2, ncols=2, width_ratios=(0.8, 1))
    _draw_map(fig, axes[0], image, f"density {density:.0%} = sparsity {1 - density:.0%}")
    _draw_hill(axes[1], densities, learned, control)
    axes[1].plot([density], [accuracy], "D", color=RED, markersize=9, label="this mask")
    axes[1].legend(loc="center", bbox_to_anchor=(0.55, 0.4), fontsize=9)
    return fig


def _draw_map(fig, axes: Axes, image: Tensor, title: str) -> None:
    drawn = axes.imshow(image.detach().float().cpu().numpy(), vmin=0, vmax=max(float(image.max()), 1e-9))
    bar = fig.colorbar(drawn, ax=axes, shrink=0.8, format=PercentFormatter(1, decimals=0))
    bar.set_label("edges kept at a pixel")
    bar.outline.set_visible(False)
    _bare(axes)
    axes.set_title(title)


def _bare(axes: Axes) -> None:
    axes.grid(False)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


@style()
def kept_maps(images: Tensor, columns: Sequence[str], rows: Sequence[str] = (), most: float = 2.5):
    """Return maps of the edges kept at each pixel, all on one scale: 1 is what an even spread would keep.

    Args:
        images: kept edges relative to the mask's average, [rows, columns, height, width].
        columns, rows: what they are.
        most: the brightest colour; higher values look the same.
    """
    height, width = images.shape[:2]
    fig, axes = figure(1.45 * width + 1.0, 1.4 * height + 0.5, nrows=height, ncols=width, squeeze=False)
    for i in range(height):
        for j in range(width):
            drawn = axes[i, j].imshow(images[i, j].detach().float().cpu().numpy(), vmin=0, vmax=most)
            _bare(axes[i, j])
    for j, title in enumerate(columns):
        axes[0, j].set_title(title, loc="center", fontsize=9)
    for i, label in enumerate(rows):
        axes[i, 0].set_ylabel(label, fontsize=9)
    bar = fig.colorbar(drawn, ax=axes, shrink=0.9, extend="max")
    bar.set_label("kept edges / even spread")
    bar.outline.set_visible(False)
    return fig


@style()
def mask_at_step(image: Tensor, step: int, flips: Sequence[float]):
    """Return the edges kept at each pixel after some training steps, beside the share of bits flipped by each step.

    Args:
        image: share of the edges kept at each pixel, [height, width].
        step: updates made.
        flips: share of the mask's bits that each update flipped.
    """
    fig, axes = figure(7, 2.9, ncols=2, width_ratios=(0.8, 1))
    _draw_map(fig, axes[0], image, f"after step {step}")
    axes[1].plot(range(1, len(flips) + 1), flips, color=BLUE)
    axes[1].axvline(step, color=RED, linestyle="--", linewidth=1.5)
    axes[1].set(xlabel="training step", ylabel="bits flipped by the step", xlim=(0, len(flips) + 1), ylim=(0, None))
    axes[1].yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    return fig


@style()
def right_and_wrong_masks(right: Sequence[float], wrong: Sequence[float], bytes_used: int):
    """Return bars of each task's accuracy with its own mask and with the mask of another task."""
    fig, axes = figure(6.5, 2.9)
    tasks = np.arange(len(right))
    axes.bar(tasks - 0.2, right, 0.38, color=BLUE, label="its own mask")
    with mpl.rc_context({"hatch.color": INK, "hatch.linewidth": 0.6}):
        axes.bar(tasks + 0.2, wrong, 0.38, color=ORANGE, hatch=HATCHES[1], edgecolor=INK, label="another task's mask")
    axes.axhline(CHANCE, color=INK, linestyle=":", linewidth=1)
    axes.set(xlabel="task", ylabel="test accuracy", ylim=(0, 1), xticks=tasks)
    axes.set_title(f"{len(right)} tasks, {bytes_used / 1000:,.0f} kB of masks")
    axes.grid(axis="x", visible=False)
    percent(axes.yaxis)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


@style()
def accuracy_dots(accuracies: Mapping[str, Sequence[float]], low: float = 0.0):
    """Return dots of accuracy, one a task, in one row for each label, with the mean written beside them."""
    fig, axes = figure(7, 0.42 * len(accuracies) + 0.9)
    for row, values in enumerate(accuracies.values()):
        shares = np.asarray(values, dtype=float)
        colour, marker = PALETTE[row % len(PALETTE)], MARKERS[row % len(MARKERS)]
        axes.plot(shares, [row] * len(shares), marker, color=colour, markersize=6)
        axes.annotate(f"{shares.mean():.1%}", (1.01, row), xycoords=axes.get_yaxis_transform(), va="center")
    axes.set(yticks=range(len(accuracies)), yticklabels=list(accuracies), xlim=(low, 1), xlabel="test accuracy")
    axes.set_ylim(len(accuracies) - 0.5, -0.5)
    percent(axes.xaxis)
    return fig


@style()
def bytes_by_density(densities: Sequence[float], bound: Sequence[float], one_bit: int):
    """Return what one mask costs by density, in bytes: the entropy bound beside one bit a weight."""
    fig, axes = figure(6.5, 3.2)
    axes.axhline(one_bit / 1000, color=ORANGE, linestyle="--", label="one bit a weight, as stored")
    axes.plot(densities, np.asarray(bound) / 1000, MARKERS[0] + "-", color=BLUE, label="entropy bound $n H_2(\\rho)$")
    axes.set(xlabel="density $\\rho$: share of weights kept", ylabel="kilobytes a mask", xlim=(-0.03, 1.03))
    axes.set_ylim(0, 1.15 * one_bit / 1000)
    percent(axes.xaxis)
    sparsity_on_top(axes)
    axes.legend(loc="lower center")
    return fig
