"""Small images side by side: digits, shuffled digits, masks of a unit."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from torch import Tensor

from supsup_lite.plots.style import figure, style


def show_image(axes: Axes, image: Tensor, low: float | None = None, high: float | None = None, cmap: str = "gray"):
    """Draw one image [height, width] without ticks or grid; low and high are the values of black and white."""
    axes.imshow(image.detach().float().cpu().numpy(), cmap=cmap, vmin=low, vmax=high)
    axes.grid(False)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


@style()
def image_grid(
    images: Tensor,
    columns: Sequence[str] = (),
    rows: Sequence[str] = (),
    size: float = 1.1,
    cmap: str = "gray",
):
    """Return a figure of images in rows and columns, all on one scale from black to white.

    Args:
        images: [rows, columns, height, width], or [columns, height, width] for one row.
        columns: a title above each column.
        rows: a label before each row.
        size: inches of one image.
        cmap: matplotlib's name of the colours.
    """
    grid = images[None] if images.ndim == 3 else images
    if grid.ndim != 4:
        raise ValueError(f"images must be [rows, columns, height, width], got {tuple(images.shape)}.")
    height, width = grid.shape[:2]
    fig, axes = figure(size * width + 0.2, size * height + 0.3, nrows=height, ncols=width, squeeze=False)
    low, high = float(grid.min()), float(grid.max())
    for i in range(height):
        for j in range(width):
            show_image(axes[i, j], grid[i, j], low, high, cmap)
    for j, title in enumerate(columns):
        axes[0, j].set_title(title, loc="center", fontsize=9)
    for i, label in enumerate(rows):
        axes[i, 0].set_ylabel(label)
    return fig
