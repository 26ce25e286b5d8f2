"""Figures about superfluous neurons, for lesson 05: how they sink, what they give, and what a hot recipe hides."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator
from torch import Tensor

from supsup_lite.plots.style import BLUE, GREY, INK, MARKERS, ORANGE, PALETTE, figure, percent, style

LINES = ("-", "--", ":", "-.")
HATCHES = ("", "//", "..", "xx")


@style()
def sinking(steps: Sequence[int], heights: Mapping[str, Sequence[float]]):
    """Return the mean logit of some groups of outputs by training step, one line for each group."""
    fig, axes = figure(6.5, 3.0)
    for i, (label, values) in enumerate(heights.items()):
        axes.plot(steps, values, LINES[i], marker=MARKERS[i], markevery=3, color=PALETTE[i], label=label)
    axes.axhline(0, color=INK, linewidth=0.6)
    axes.set(xlabel="training step", ylabel="mean logit")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


@style()
def shares_on_extras(shares: Mapping[str, Tensor], low: float = 1e-8):
    """Return the probability that lands on superfluous outputs: one dot an image, one row for each label, log scale."""
    fig, axes = figure(7, 0.55 * len(shares) + 0.9)
    for row, values in enumerate(shares.values()):
        dots = np.clip(values.detach().cpu().numpy(), low, 1)
        spread = np.linspace(-0.28, 0.28, 7)[np.arange(len(dots)) % 7]
        colour, marker = PALETTE[row % len(PALETTE)], MARKERS[row % len(MARKERS)]
        axes.plot(dots, row + spread, marker, color=colour, markersize=3, alpha=0.6)
        middle = float(np.median(values.detach().cpu().numpy()))
        axes.annotate(f"median {middle:.1g}", (1.01, row), xycoords=axes.get_yaxis_transform(), va="center")
    axes.set(yticks=range(len(shares)), yticklabels=list(shares), xscale="log", xlim=(low * 0.7, 1.4))
    axes.set_xlabel("share of probability on the superfluous outputs")
    axes.set_ylim(len(shares) - 0.5, -0.5)
    return fig


@style()
def inference_by_outputs(found: Mapping[str, Mapping[int, float]], num_tasks: int):
    """Return the share of tasks found by the number of outputs s, one line for each label.

    Args:
        found: label -> {s: share}.
        num_tasks: k; chance is 1/k.
    """
    fig, axes = figure(6.5, 3.2)
    for i, (label, by_s) in enumerate(found.items()):
        axes.plot(list(by_s), list(by_s.values()), LINES[i % 4], marker=MARKERS[i], color=PALETTE[i], label=label)
    axes.axhline(1 / num_tasks, color=GREY, linewidth=1)
    axes.annotate("chance", (0.99, 1 / num_tasks), xycoords=axes.get_yaxis_transform(), xytext=(0, 3),
                  textcoords="offset points", fontsize=9, ha="right")  # fmt: skip
    ticks = sorted({s for by_s in found.values() for s in by_s})
    axes.set(xscale="log", xlabel="outputs s, ten of them real", ylabel="task found", ylim=(0, 1.03))
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.0f}")
    percent(axes.yaxis)
    axes.set_title(f"{num_tasks} tasks, One-Shot from one image")
    axes.legend(loc="center right", bbox_to_anchor=(1, 0.45))
    return fig


@style()
def accuracy_by_tasks(curves: Mapping[str, Mapping[int, float]], upper: Mapping[str, float]):
    """Return accuracy in GNu by the number of tasks, one line for each label, and levels for the task given.

    Args:
        curves: label -> {k: accuracy}.
        upper: label -> accuracy with the task given, which bounds it from above.
    """
    fig, axes = figure(7, 3.4)
    for i, (label, by_tasks) in enumerate(curves.items()):
        kind = {"marker": MARKERS[i % len(MARKERS)], "color": PALETTE[i // 2 % len(PALETTE)], "label": label}
        axes.plot(list(by_tasks), list(by_tasks.values()), LINES[i % 2], **kind)
    for i, (label, share) in enumerate(upper.items()):
        axes.axhline(share, linestyle=":", linewidth=1, color=PALETTE[i], label=label)
    ticks = sorted({k for by_tasks in curves.values() for k in by_tasks})
    axes.set(xscale="log", xlabel="tasks k", ylabel="digit and task right (GNu)")
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.0f}")
    percent(axes.yaxis)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
    return fig


@style()
def votes_by_layer(votes: Mapping[str, tuple[Tensor, Tensor]]):
    """Return what each layer adds to the vote -dG/dalpha, for the right mask and for the others, one panel a layer.

    Args:
        votes: layer -> (votes for the right mask, votes for other masks), any shapes.
    """
    fig, axes = figure(7, 2.7, ncols=len(votes), squeeze=False)
    for panel, (name, (right, others)) in zip(axes[0], votes.items(), strict=True):
        right, others = right.flatten().cpu().numpy(), others.flatten().cpu().numpy()
        bins = np.linspace(min(right.min(), others.min()), max(right.max(), others.max()), 31)
        with mpl.rc_context({"hatch.color": INK, "hatch.linewidth": 0.5}):
            for values, colour, hatch, label in (
                (others, ORANGE, HATCHES[1], "other masks"),
                (right, BLUE, HATCHES[0], "right mask"),
            ):
                panel.hist(values, bins, weights=np.full(len(values), 1 / len(values)), color=colour, alpha=0.7,
                           hatch=hatch, label=label)  # fmt: skip
        panel.set(title=name, xlabel="vote of the layer")
        percent(panel.yaxis)
    axes[0, 0].set_ylabel("share of images")
    axes[0, -1].legend(fontsize=9)
    return fig


@style()
def temperatures(
    values: Sequence[float], found: Mapping[str, Sequence[float]], references: Mapping[str, float], num_tasks: int
):
    """Return the share of tasks found by temperature, one line for each objective, and levels to compare with."""
    fig, axes = figure(6.5, 3.1)
    for i, (label, shares) in enumerate(found.items()):
        axes.plot(values, shares, LINES[i], marker=MARKERS[i], color=PALETTE[i], label=label)
    for i, (label, share) in enumerate(references.items(), start=len(found)):
        axes.axhline(share, linestyle=LINES[i % 4], color=PALETTE[i], label=label)
    axes.axhline(1 / num_tasks, color=GREY, linewidth=1, label="chance")
    axes.set(xscale="log", xlabel="temperature T at inference", ylabel="task found", ylim=(0, 1.03))
    percent(axes.yaxis)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


@style()
def ways_compared(shares: Mapping[str, float], xlabel: str = "task found", best: Sequence[str] = ()):
    """Return one bar a way with its share written beside it; the ways named in `best` are hatched."""
    fig, axes = figure(7, 0.3 * len(shares) + 0.8)
    for row, (label, share) in enumerate(shares.items()):
        good = label in best
        with mpl.rc_context({"hatch.color": INK, "hatch.linewidth": 0.5}):
            axes.barh(row, share, 0.7, color=ORANGE if good else BLUE, hatch=HATCHES[1] if good else "")
        axes.annotate(f"{share:.0%}", (share, row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set(yticks=range(len(shares)), yticklabels=list(shares), xlim=(0, 1.08), xlabel=xlabel)
    axes.set_ylim(len(shares) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    percent(axes.xaxis)
    return fig


@style()
def two_signs(rows: Sequence[Mapping], shorten: Mapping[str, str]):
    """Return One-Shot against two warning signs: agreement of the last layers, and the lift of the right mask.

    Args:
        rows: of the stored sweep: "training", "one_shot", "last-layer agreement", "lift right", "lift wrong".
        shorten: training -> its name in the legend, which also decides the order.
    """
    fig, axes = figure(7.4, 3.1, ncols=2, sharey=True)
    for i, (training, label) in enumerate(shorten.items()):
        runs = [row for row in rows if row["training"] == training]
        found = [row["one_shot"] for row in runs]
        signs = [row["last-layer agreement"] for row in runs], [row["lift right"] - row["lift wrong"] for row in runs]
        for panel, values in zip(axes, signs, strict=True):
            panel.plot(values, found, MARKERS[i], color=PALETTE[i], markersize=8, label=label)
    axes[0].set(xlabel="agreement of the last layers", ylabel="task found by One-Shot", ylim=(0, 1.05), xlim=(0, 1))
    axes[1].set(xlabel="lift: right mask minus others")
    axes[1].axvline(0, color=INK, linewidth=0.6)
    percent(axes[0].yaxis)
    axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
    return fig
