"""The picture of the README: five tasks, five masks, one network. `python notebooks/_site/overview.py` draws it."""

from pathlib import Path

import matplotlib as mpl
import torch
from matplotlib.figure import Figure
from torch import Tensor

from supsup_lite.data.suites import permuted_mnist
from supsup_lite.learning.learn import learn_masks
from supsup_lite.masks.apply import apply_mask
from supsup_lite.networks.mlp import lenet_300_100
from supsup_lite.plots.style import RC

TARGET = Path(__file__).parent / "static" / "overview.png"
DARK = "#1b1f24"


def overview(digits: Tensor, accuracy: Tensor) -> Figure:
    """Return the picture: one digit as each task shows it, and below it what each mask makes of each task.

    Args:
        digits: [k, 28, 28], one image as k tasks show it.
        accuracy: [k, k], of mask i (row) on task j (column).
    """
    k = len(digits)
    plain = {"axes.grid": False, "text.color": DARK, "axes.labelcolor": DARK, "xtick.color": DARK, "ytick.color": DARK}
    with mpl.rc_context(
        RC | plain | {"axes.edgecolor": DARK, "figure.facecolor": "white", "savefig.facecolor": "white"}
    ):
        fig = Figure(figsize=(7.2, 5.2))
        grid = fig.add_gridspec(2, k, height_ratios=[1, 2.4])
        for i, digit in enumerate(digits):
            ax = fig.add_subplot(grid[0, i])
            ax.imshow(digit, cmap="gray_r")
            ax.set(xticks=[], yticks=[], title=f"task {i}")
        ax = fig.add_subplot(grid[1, :])
        ax.imshow(accuracy, cmap="cividis", vmin=0, vmax=1, aspect="auto")
        for i in range(k):
            for j in range(k):
                ink = DARK if accuracy[i, j] > 0.5 else "white"
                ax.text(
                    j,
                    i,
                    f"{accuracy[i, j]:.0%}",
                    ha="center",
                    va="center",
                    color=ink,
                    weight="bold" if i == j else "normal",
                )
        ax.set(xticks=range(k), yticks=range(k), xlabel="tested on task", ylabel="with the mask of task")
        ax.set_title("digits read correctly by one frozen random network")
    return fig


def draw() -> None:
    """Learn five masks, measure each on each task, and write the picture."""
    net, tasks = lenet_300_100(outputs=100), permuted_mnist(5, seed=0)
    masks = learn_masks(net, tasks)
    digits = torch.stack([task.test.batch([0])[0].view(28, 28).cpu() for task in tasks])
    rows = []
    for mask in masks:
        tests = (task.test.all() for task in tasks)
        rows.append([(apply_mask(net, mask, x).argmax(1) == y).float().mean().item() for x, y in tests])
    overview(digits, torch.tensor(rows)).savefig(TARGET, dpi=160)


if __name__ == "__main__":
    draw()
