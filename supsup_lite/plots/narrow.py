"""A figure as a phone shows it: drawn again for a narrow page, its panels below one another."""

import copy as copying
import warnings

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

WIDTH = 4.0  # inches, of which a phone of 390 px shows nine tenths: text of 10 points stays readable
MOST_PANELS = 4
LINE = 0.2  # inches, of a legend
LEAST = 0.5  # of the width is what a panel needs, beside its labels
TOUCH = 1.0  # pixels that two words may share


def narrow(fig: Figure) -> Figure | None:
    """Return a figure drawn anew for a narrow page, or None where that would cut words or lay them over each other.

    A figure of one panel becomes narrower, a row of panels becomes a column. Grids of pictures, and figures with a
    colour bar, stay as they are. To be called within `style()`; the figure given is not changed.
    """
    copy: Figure = copying.deepcopy(fig)
    width, height = copy.get_size_inches()
    places = [axes.get_subplotspec() for axes in copy.axes]
    if width <= WIDTH or not places or None in places:
        return None
    rows, columns = places[0].get_gridspec().get_geometry()
    if rows > 1 or columns != len(places) or columns > MOST_PANELS:
        return None
    if columns > 1:
        column = copy.add_gridspec(columns, 1)
        for i, axes in enumerate(copy.axes):
            axes.set_subplotspec(column[i])
            axes.tick_params(labelleft=axes.yaxis.get_visible())  # which panels of one row may share
    copy.set_size_inches(WIDTH, height * columns + sum(map(_moved_above, copy.findobj(Legend))))
    if _collides(copy):
        for legend in copy.findobj(Legend):
            legend.set_ncols(1)
        if _collides(copy):
            return None
    if any(axes.bbox.width < LEAST * copy.bbox.width for axes in copy.axes):
        return None
    return copy


def _moved_above(legend: Legend) -> float:
    """Put a legend that stands beside its panel above it; return the inches that it takes there."""
    if legend.axes is None or legend.get_bbox_to_anchor().x0 < legend.axes.bbox.x1:
        return 0.0
    legend.set_loc("lower left")
    legend.set_bbox_to_anchor((0, 1), legend.axes.transAxes)
    return LINE * len(legend.get_texts())


def _collides(fig: Figure) -> bool:
    """Whether words or a legend leave the figure, or words lie over other words, or nothing is left of a panel."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # of matplotlib, that it found no room for the panels
        try:
            fig.draw_without_rendering()
        except UserWarning:
            return True
    frame = fig.bbox.padded(TOUCH)
    if any(not _inside(legend.get_window_extent(), frame) for legend in fig.findobj(Legend)):
        return True
    unseen = {id(label) for axes in fig.axes for axis in (axes.xaxis, axes.yaxis) for label in _unseen(axis)}
    texts = [text for text in fig.findobj(Text) if text.get_visible() and text.get_text().strip()]
    words = [text.get_window_extent() for text in texts if id(text) not in unseen]
    if any(not _inside(box, frame) for box in words):
        return True
    boxes = sorted((box.padded(-TOUCH) for box in words), key=lambda box: box.x0)
    return any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[i + 1 :] if other.x0 < one.x1)


def _unseen(axis: Axis) -> list[Text]:
    """Labels of ticks beyond the ends of an axis: they are there, and never drawn."""
    low, high = sorted(axis.get_view_interval())
    beyond = [tick for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high]
    return [label for tick in beyond for label in (tick.label1, tick.label2)]


def _inside(box, frame) -> bool:
    return box.x0 >= frame.x0 and box.y0 >= frame.y0 and box.x1 <= frame.x1 and box.y1 <= frame.y1
