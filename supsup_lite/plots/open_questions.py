"""Figures of lesson 10: what several seeds say of a few cases, and of a case along an axis."""

from collections.abc import Mapping

from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator

from supsup_lite.plots.style import INK, MARKERS, PALETTE, figure, percent, style

LINES = ("-", "--", ":", "-.")
Interval = tuple[float, float, float, int]  # mean over seeds, lower and upper end, how many seeds


@style()
def cases(intervals: Mapping[str, Interval], xlabel: str, at: float | None = None, shares: bool = True):
    """Return one line for each case: its mean over seeds as a marker, its interval as a bar.

    Args:
        intervals: case -> its `Interval`, from top to bottom.
        xlabel: what is measured.
        at: a value to compare with, drawn as a dashed line: chance, or no difference.
        shares: whether values are shares, written as percent.
    """
    fig, axes = figure(6.4, 0.9 + 0.42 * len(intervals))
    for row, (mean, low, high, _) in enumerate(intervals.values()):
        axes.plot([low, high], [row, row], "-", color=PALETTE[0], linewidth=2)
        axes.plot([mean], [row], "o", color=PALETTE[0], markersize=7)
    if at is not None:
        axes.axvline(at, color=INK, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(intervals)), labels=list(intervals))
    axes.set(xlabel=xlabel, ylim=(len(intervals) - 0.5, -0.5))
    if shares:
        percent(axes.xaxis)
    return fig


@style()
def curves(lines: Mapping[str, Mapping[float, Interval]], xlabel: str, ylabel: str, shares: bool = True):
    """Return a line with a band for each case, over a logarithmic axis.

    Args:
        lines: case -> place on the axis -> its `Interval`.
        xlabel, ylabel: what stands on the axes.
        shares: whether values are shares, written as percent.
    """
    fig, axes = figure(6.8, 3.4)
    for i, (case, points) in enumerate(lines.items()):
        places, (means, lows, highs, _) = list(points), zip(*points.values(), strict=True)
        look = {"color": PALETTE[i % len(PALETTE)]}
        axes.fill_between(places, lows, highs, alpha=0.2, linewidth=0, **look)
        axes.plot(places, means, LINES[i % len(LINES)], marker=MARKERS[i % len(MARKERS)], label=case, **look)
    axes.set(xscale="log", xlabel=xlabel, ylabel=ylabel)
    axes.xaxis.set_major_locator(FixedLocator(sorted({place for points in lines.values() for place in points})))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    if shares:
        percent(axes.yaxis)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig
