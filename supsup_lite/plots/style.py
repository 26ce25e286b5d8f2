"""How every figure looks, and how it is shown: inline SVG with a spoken description, readable in light and dark."""

import html
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
from IPython.display import HTML, display
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, PercentFormatter
from torch import Tensor

from supsup_lite.plots.narrow import narrow

# Okabe and Ito's hues, at a lightness that stands out 3 to 1 on a light page and on a dark one, and still apart for
# colour-blind eyes. Use them in this order, with markers or hatching besides. The explorers have the same.
BLUE, ORANGE, GREEN, PINK, SKY, RED, GREY = (
    "#0072b2", "#bf8700", "#00925e", "#cc5f9c", "#1f9ade", "#b64a00", "#7f7f7f",
)  # fmt: skip
PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, RED)
MARKERS = ("o", "s", "^", "D", "v", "P")
INK = "#010203"  # stands for "the page's own text colour"; `svg_of` replaces it

RC = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": mpl.cycler(color=PALETTE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "grid.alpha": 0.25,
    "grid.color": GREY,
    "grid.linewidth": 0.6,
    "hatch.color": INK,
    "image.cmap": "viridis",
    "image.interpolation": "nearest",
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 2,
    "lines.markersize": 5,
    "patch.edgecolor": INK,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "supsup-lite",  # the same figure gives the same file
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


@contextmanager
def style() -> Iterator[None]:
    """Use the course's look for what is drawn inside, and for nothing else. Also a decorator: `@style()`.

    Every figure function wears it, because matplotlib reads some settings when a line or legend is made.
    """
    with mpl.rc_context(RC):
        yield


def figure(width: float = 7.0, height: float = 3.2, **subplots):
    """Return (figure, axes) in the course's look: as `plt.subplots`, but known to no global state.

    Args:
        width, height: inches; 7 is the width of a page.
        **subplots: passed to `Figure.subplots`, such as ncols=3 or sharey=True.
    """
    with style():
        fig = Figure(figsize=(width, height))
        return fig, fig.subplots(**subplots)


def numbers(values: Tensor | Sequence[float]) -> np.ndarray:
    """Return values as matplotlib takes them: float64 on the CPU."""
    return values.detach().cpu().double().numpy() if isinstance(values, Tensor) else np.asarray(values, dtype=float)


def percent(axis: Axis, every: float | None = None) -> None:
    """Write the shares on an axis as whole percentages, with a tick at multiples of `every`."""
    axis.set_major_formatter(PercentFormatter(1, decimals=0))
    if every is not None:
        axis.set_major_locator(MultipleLocator(every))


def sparsity_on_top(axes: Axes) -> None:
    """Name what the explorers' slider moves above an axis of densities: sparsity is 1 - density."""
    top = axes.secondary_xaxis("top", functions=(lambda density: 1 - density, lambda sparsity: 1 - sparsity))
    top.set_xlabel("sparsity: share of weights removed")
    percent(top.xaxis)


def chance(axes: Axes) -> None:
    """Draw a dashed line at the accuracy of guessing among ten digits, named in the legend."""
    axes.axhline(0.1, color=INK, linestyle="--", linewidth=1, label="chance")


def show(fig: Figure, alt: str) -> None:
    """Display a figure in a lesson as inline SVG.

    Args:
        fig: the figure.
        alt: a sentence that states the finding, for those who cannot see it.

    Raises:
        ValueError: alt is too short to state a finding.
    """
    drawn = svg_of(fig, alt)
    with style():
        upright = narrow(fig)
    if upright is not None:  # no page shows both: see site.css
        small = svg_of(upright, alt, salt="narrow").replace('style="', 'class="narrow" style="display: none; ', 1)
        drawn += small
    display(HTML(f'<figure class="supsup-figure" style="margin: 0">{drawn}</figure>'))


def svg_of(fig: Figure, alt: str, salt: str = "") -> str:
    """Return a figure as SVG text that takes its ink from the page's text colour and scales with the page.

    Args:
        fig, alt: as in `show`.
        salt: sets the names of its parts apart from those of a like figure on the page.
    """
    if len(alt.split()) < 4:
        raise ValueError(f"alt must be a sentence that states what the figure shows, got {alt!r}.")
    buffer = io.StringIO()
    with style(), mpl.rc_context({"svg.hashsalt": RC["svg.hashsalt"] + salt}):
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue().replace(INK, "currentColor")
    svg = re.sub(r"<style.*?</style>|<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    look = f"width: 100%; max-width: {fig.get_figwidth() * 96:.0f}px; height: auto; stroke-linejoin: round"
    opening = f'<svg role="img" aria-label="{html.escape(alt, quote=True)}" style="{look}"'
    return opening + re.sub(r' (width|height)="[^"]*pt"', "", svg.removeprefix("<svg"), count=2)
