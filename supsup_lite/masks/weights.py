"""Weights as arguments: a dict of tensors with a leading task dimension, such as W * M_i for each of k masks."""

import math

import torch
from torch import Tensor

from supsup_lite.checks import check_whole
from supsup_lite.data.tasks import TaskSuite, check_suite
from supsup_lite.devices import check_memory
from supsup_lite.masks.apply import under_mask
from supsup_lite.masks.fits import check_fits
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.network import Network, check_images, check_network

Weights = dict[str, Tensor]  # name of a weight -> float tensor [k, *its shape], one row a task


def initial_weights(net: Network, k: int) -> Weights:
    """Return k copies of the network's random weights: the start, and the untrained control.

    Raises:
        TypeError, ValueError: net is no network, or k no whole number, 1 or more.
    """
    check_network(net)
    k = check_whole("k", k)
    check_memory(f"{k:,} copies of {net!r}", 4 * k * net.num_weights, net.device)
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
    check_weights(weights)
    wanted = {name: (len(tasks), *weight.shape) for name, weight in net.weights().items()}
    given = {name: tuple(values.shape) for name, values in weights.items()}
    if given != wanted:
        raise ValueError(f"weights must have one row for each of {len(tasks)} tasks, {wanted}, got {given}.")


def check_weights(weights: Weights) -> None:
    """Raise TypeError unless weights are a dict of float tensors."""
    if not isinstance(weights, dict) or not weights:
        raise TypeError(f"weights must be a dict of float tensors by name, got {type(weights).__name__}.")
    for name, values in weights.items():
        if not isinstance(values, Tensor) or not values.is_floating_point():
            kind = values.dtype if isinstance(values, Tensor) else type(values).__name__
            raise TypeError(f"the weights {name} must be a float tensor [k, ...], got {kind}.")


def check_learnable(net: Network, tasks: TaskSuite) -> None:
    """Raise unless a network can learn these tasks."""
    check_network(net)
    check_suite(tasks)
    if net.outputs < tasks.num_classes:
        raise ValueError(f"{net!r} has fewer outputs than the tasks have classes ({tasks.num_classes}).")
    like = torch.zeros(1, math.prod(tasks.input_shape), dtype=torch.float32, device=tasks.device)  # nothing is read
    check_images(net, like)
