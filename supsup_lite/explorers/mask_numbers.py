"""What the two explorers of masks share: shapes, sparsities, accuracy."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

from supsup_lite.data.tasks import TaskSuite
from supsup_lite.evaluation.accuracy import accuracy
from supsup_lite.masks.apply import Mask
from supsup_lite.masks.weights import check_learnable
from supsup_lite.networks.network import Network, check_network

SIDE = 28  # pixels


def shapes_of(net: Network, tasks: TaskSuite) -> list[list]:
    """Return name and shape of each weight, [name, out, inputs], of a network whose inputs make a picture.

    Raises:
        TypeError, ValueError: it cannot learn the tasks, or reads another number of pixels.
    """
    check_network(net)
    shapes = [[name, *weight.shape] for name, weight in net.weights().items()]
    if shapes[0][2] != SIDE**2:
        raise ValueError(f"net must read {SIDE} x {SIDE} pixels, to be shown as a picture, got {shapes[0][2]} inputs.")
    check_learnable(net, tasks)
    return shapes


@dataclass(frozen=True)
class SparsityRequest:
    """What the explorers of masks are asked for: one more sparsity, in percent."""

    sparsity: int


def whole_percentage(sparsity: int) -> int:
    """Return a sparsity that is a whole percentage; raise ValueError otherwise."""
    if isinstance(sparsity, bool) or not isinstance(sparsity, Integral) or not 0 <= sparsity <= 100:
        raise ValueError(f"A sparsity must be a whole percentage from 0 to 100, got {sparsity!r}.")
    return int(sparsity)


def check_sparsities(sparsities: Sequence[int], shown: int | None, usual: int) -> tuple[list[int], int]:
    """Return the sparsities, and which of them is shown at first: `shown`, or for None the usual or the first one.

    Raises:
        ValueError: one is no whole percentage, there is none, or the one to be shown is not among them.
    """
    percentages = [whole_percentage(sparsity) for sparsity in sparsities]
    first = shown if shown is not None else usual if usual in percentages else next(iter(percentages), None)
    if first not in percentages:
        raise ValueError(f"sparsity must be one of the sparsities at first, that is of {percentages}, got {first}.")
    return percentages, first


def accuracy_under(net: Network, mask: Mask, tasks: TaskSuite, images: int) -> float:
    """Return the share of the first test images of the first task that the network under a mask reads rightly."""
    weights = {name: weight[None] * mask[name] for name, weight in net.weights().items()}
    return accuracy(net, weights, tasks[:1], images).item()
