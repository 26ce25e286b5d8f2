"""A small network drawn with its units and edges, all of them or those that a mask keeps (lesson 00)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from supsup_lite.plots.style import BLUE, GREY, INK, ORANGE, figure, numbers, style

POSITIVE, NEGATIVE, REMOVED = (BLUE, "-", 1.6), (ORANGE, "--", 1.6), (GREY, ":", 0.6)  # colour, line, width


@style()
def networks_of_masks(weights: Sequence[Tensor], panels: Mapping[str, Sequence[Tensor]]):
    """Return one drawing of a network for each mask. An edge is a weight; a faint dotted one is removed by the mask.

    Args:
        weights: of each layer, float [out, in], first layer first.
        panels: title -> the mask, bool [out, in] for each layer.
    """
    fig, axes = figure(2.3 * len(panels), 2.9, ncols=len(panels), squeeze=False)
    for panel, (title, masks) in zip(axes[0], panels.items(), strict=True):
        _draw(panel, [numbers(layer) for layer in weights], [mask.cpu().numpy() for mask in masks])
        panel.set_title(title, loc="center", fontsize=10)
    for (colour, line, width), label in ((POSITIVE, "weight +c"), (NEGATIVE, "weight −c"), (REMOVED, "removed")):
        axes[0, 0].plot([], [], line, color=colour, linewidth=width, label=label)
    fig.legend(loc="outside lower center", ncols=3)
    return fig


def _draw(axes: Axes, weights: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> None:
    heights = [_heights(n) for n in (weights[0].shape[1], *(layer.shape[0] for layer in weights))]
    for depth, (layer, mask) in enumerate(zip(weights, masks, strict=True)):
        for (out, source), weight in np.ndenumerate(layer):
            look = (POSITIVE if weight > 0 else NEGATIVE) if mask[out, source] else REMOVED
            ends = (heights[depth][source], heights[depth + 1][out])
            axes.plot([depth, depth + 1], ends, look[1], color=look[0], linewidth=look[2], zorder=1)
    for depth, column in enumerate(heights):
        axes.plot([depth] * len(column), column, "o", color=INK, markersize=7, zorder=2)
    axes.set_xticks(range(len(heights)), ["inputs", *["hidden"] * (len(heights) - 2), "outputs"], fontsize=9)
    axes.set(yticks=[], xlim=(-0.3, len(heights) - 0.7))
    axes.grid(False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)


def _heights(n: int) -> np.ndarray:
    """Return where the n units of a layer stand: one apart, around 0."""
    return np.arange(n)[::-1] - (n - 1) / 2
