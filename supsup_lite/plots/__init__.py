"""Figures of the lessons, one function each, all in one look. A figure function returns a figure; `show` shows it."""

from supsup_lite.plots.images import image_grid
from supsup_lite.plots.style import (
    BLUE,
    GREEN,
    GREY,
    MARKERS,
    ORANGE,
    PALETTE,
    PINK,
    RED,
    SKY,
    figure,
    show,
    style,
    svg_of,
)

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "MARKERS",
    "ORANGE",
    "PALETTE",
    "PINK",
    "RED",
    "SKY",
    "figure",
    "image_grid",
    "show",
    "style",
    "svg_of",
]
