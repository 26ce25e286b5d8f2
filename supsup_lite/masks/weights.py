"""Weights as arguments: a dict of tensors with a leading task dimension, such as W * M_i for each of k masks."""

from torch import Tensor

from supsup_lite.data.tasks import TaskSuite
from supsup_lite.masks.apply import under_mask
from supsup_lite.masks.fits import check_fits
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.network import Network, check_images, check_network

Weights = dict[str, Tensor]  # name of a weight -> float tensor [k, *its shape], one row a task


def initial_weights(net: Network, k: int) -> Weights:
    """Return k copies of the network's random weights: the start, and the untrained control."""
    return {name: weight.detach().expand(k, *weight.shape).clone() for name, weight in net.weights().items()}


def chosen_weights(net: Network, masks: MaskStore) -> Weights:
    """Return W * M_i for each of k masks, so that masks and trained weights are measured in the same way.

    Raises:
        TypeError, ValueError: the masks do not belong to the network.
    """
    check_fits(net, masks)
    return under_mask(net.weights(), masks.chunk(0, len(masks)))


def check_rows(net: Network, weights: Weights, tasks: TaskSuite) -> None:
    """Raise unless there is one copy of the network's weights for each task."""
    check_learnable(net, tasks)
    wanted = {name: (len(tasks), *weight.shape) for name, weight in net.weights().items()}
    given = {name: tuple(values.shape) for name, values in weights.items()}
    if given != wanted:
        raise ValueError(f"weights must have one row for each of {len(tasks)} tasks, {wanted}, got {given}.")


def check_learnable(net: Network, tasks: TaskSuite) -> None:
    """Raise unless a network can learn these tasks."""
    check_network(net)
    if not isinstance(tasks, TaskSuite):
        raise TypeError(
            f"tasks must be a suite such as permuted_mnist(), or a slice of one, got {type(tasks).__name__}."
        )
    if net.outputs < tasks.num_classes:
        raise ValueError(f"{net!r} has fewer outputs than the tasks have classes ({tasks.num_classes}).")
    check_images(net, tasks[0].test.batch([0])[0])
