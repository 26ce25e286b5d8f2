"""Figures about scale, for lesson 08: tasks, votes by unit, formats of a mask, tasks at once, small networks."""

from collections.abc import Mapping, Sequence

from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter
from torch import Tensor

from supsup_lite.plots.style import GREY, INK, MARKERS, ORANGE, PALETTE, RED, figure, numbers, percent, style

LINES = ("-", "--", ":", "-.")


@style()
def by_tasks(rows: Sequence[Mapping], lines: Mapping[str, str], paper: Mapping[str, tuple[float, float]]):
    """Return accuracy and task accuracy against the number of tasks k, with the 95 % interval of the task accuracy.

    Args:
        rows: one for each number of tasks: "tasks", "task_interval_95", and the keys of `lines`; or none at all.
        lines: key of a row -> label.
        paper: label -> (tasks, value), drawn as a cross.
    """
    fig, axes = figure(6.2, 3.8)
    counts = [row["tasks"] for row in rows]
    for i, (key, label) in enumerate(lines.items() if rows else ()):
        axes.plot(counts, [row[key] for row in rows], LINES[i % 4], marker=MARKERS[i], color=PALETTE[i], label=label)
        if key == "task_accuracy":
            low, high = zip(*(row["task_interval_95"] for row in rows), strict=True)
            axes.fill_between(counts, low, high, color=PALETTE[i], alpha=0.2, linewidth=0)
    for label, (tasks, value) in paper.items():
        axes.plot([tasks], [value], "X", color=RED, markersize=11, markeredgecolor=INK, linestyle="", label=label)
    axes.set(xscale="log", xlabel="tasks k", ylabel="share of test images")
    percent(axes.yaxis)
    if rows:  # of few tasks the interval is wide
        axes.set_ylim(bottom=min(row[key] for row in rows for key in lines) - 0.015)
    _counts_on(
        axes.xaxis, [k for k in (10, 50, 250, 1000, 2500) if k in counts] or counts or [k for k, _ in paper.values()]
    )
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return fig


@style()
def lead_by_unit(orders: Mapping[str, tuple[Tensor, Tensor]], factor: float):
    """Return how far the right mask is ahead as unit after unit is read, a panel for each order of the units.

    Around the line is a band of what is unread. A vertical line says after how many units it first lies above 0.

    Args:
        orders: label -> (votes ahead of the best wrong mask, variance of what is unread), each [units], unit by unit.
        factor: half the width of the band, in standard deviations.
    """
    fig, axes = figure(7.2, 3.2, ncols=len(orders), sharey=True, squeeze=False)
    for i, (panel, (label, (ahead, unread))) in enumerate(zip(axes[0], orders.items(), strict=True)):
        line, half = numbers(ahead), factor * numbers(unread.clamp_min(0).sqrt())
        units = range(1, len(line) + 1)
        panel.fill_between(units, line - half, line + half, color=PALETTE[i], alpha=0.25, linewidth=0,
                           label=f"± {factor:g} standard deviations unread")  # fmt: skip
        panel.plot(units, line, LINES[i % 4], color=PALETTE[i], label="the right mask is ahead by")
        panel.axhline(0, color=INK, linewidth=1)
        if (line > half).any():
            clear = int((line > half).argmax()) + 1
            panel.axvline(clear, color=INK, linewidth=1, linestyle=":")
            panel.annotate(f"clear: {clear}", (clear, 0.03), xycoords=panel.get_xaxis_transform(),
                           xytext=(4, 0), textcoords="offset points")  # fmt: skip
        panel.set(title=label, xlabel="units of the first layer read", xlim=(0, len(line)))
        panel.legend(loc="lower center", bbox_to_anchor=(0.5, 1.1), fontsize=9)
    axes[0][0].set_ylabel("votes (nats)")
    return fig


@style()
def formats(densities: Sequence[float], lines: Mapping[str, Sequence[float]], files: Mapping[float, float], at: float):
    """Return bits a weight by density, a line for each format, on logarithmic axes.

    Args:
        densities: in 0..1.
        lines: format -> bits a weight at each density.
        files: density -> bits a weight that a file of masks took, measured.
        at: the density to mark.
    """
    fig, axes = figure(6.2, 4.2)
    for i, (label, bits) in enumerate(lines.items()):
        axes.plot(densities, bits, LINES[i % 4], color=PALETTE[i], label=label)
    axes.plot(list(files), list(files.values()), "D", color=PALETTE[4], markeredgecolor=INK, markersize=7,
              linestyle="", label="our file, measured")  # fmt: skip
    axes.axvline(at, color=INK, linewidth=1)
    axes.annotate(f"density 1/{1 / at:.0f}", (at, 0.04), xycoords=axes.get_xaxis_transform(), xytext=(4, 0),
                  textcoords="offset points")  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="density: share of weights kept", ylabel="bits a weight")
    axes.xaxis.set_major_locator(FixedLocator([0.01, 0.02, 0.05, 0.1, 0.2, 0.5]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.yaxis.set_major_locator(FixedLocator([0.05, 0.1, 0.2, 0.5, 1, 2, 4, 8, 16, 32]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return fig


@style()
def at_once(counts: Sequence[int], lines: Mapping[str, Sequence[float]], ylabel: str):
    """Return time for each task by how many are learned at once, on a logarithmic axis if it varies tenfold."""
    fig, axes = figure(6.2, 3.4)
    for i, (label, values) in enumerate(lines.items()):
        axes.plot(counts, values, LINES[i % 4], marker=MARKERS[i], color=PALETTE[i], label=label)
    axes.set(xscale="log", xlabel="tasks at once", ylabel=ylabel)
    _counts_on(axes.xaxis, counts)
    all_times = [time for values in lines.values() for time in values]
    if max(all_times) > 10 * min(all_times):
        axes.set(yscale="log", ylim=(0.6 * min(all_times), 2 * max(all_times)))
        axes.yaxis.set_major_formatter("{x:g}")
    else:
        axes.set_ylim(0, 1.15 * max(all_times))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return fig


@style()
def time_of_inference(counts: Sequence[int], milliseconds: Sequence[float]):
    """Return milliseconds to find the task of an image against the number of masks, both axes from 0."""
    fig, axes = figure(6.2, 2.8)
    axes.plot(counts, milliseconds, "o-", color=PALETTE[0])
    axes.set(xlabel="masks k", ylabel="ms an image", xlim=(0, None), ylim=(0, 1.1 * max(milliseconds)))
    return fig


@style()
def rivals(
    results: Mapping[str, Mapping[str, float]], intervals: Mapping[str, Mapping[str, tuple[float, float]]] | None = None
):
    """Return dots: for each rival its shares, such as accuracy with the task given and how often the task is found.

    Args:
        results: rival -> {label: share}, the same labels for each.
        intervals: the same with an interval of each share, drawn as a bar through its dot; None draws none. With
            intervals the axis shows only where the dots are.
    """
    fig, axes = figure(6.2, 0.65 * len(results) + 1.2)
    for row, (name, values) in enumerate(results.items()):
        axes.axhline(row, color=GREY, linewidth=0.6, alpha=0.5)
        for i, (label, share) in enumerate(values.items()):
            axes.plot([share], [row], MARKERS[i], color=(PALETTE[0], ORANGE)[i % 2], markersize=9,
                      label=label if not row else "")  # fmt: skip
            if intervals is not None:
                axes.plot(intervals[name][label], [row, row], color=(PALETTE[0], ORANGE)[i % 2], linewidth=4, alpha=0.4)
            above = (0, 7) if i == 0 else (0, -15)
            axes.annotate(f"{share:.1%}", (share, row), xytext=above, textcoords="offset points", ha="center")
    lowest = 0.0
    if intervals is not None:
        lowest = min(low for by_label in intervals.values() for low, _ in by_label.values()) - 0.02
    axes.set(yticks=range(len(results)), yticklabels=list(results), xlabel="share of test images")
    axes.set_xlim(lowest, 1 + 0.08 * (1 - lowest))
    axes.set_ylim(len(results) - 0.4, -0.6)
    percent(axes.xaxis)
    axes.grid(axis="y", visible=False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2)
    return fig


def _counts_on(axis, counts: Sequence[int]) -> None:
    """Write these counts under a logarithmic axis, and no others."""
    axis.set_major_locator(FixedLocator(sorted(set(counts))))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:.0f}")
