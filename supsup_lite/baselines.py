"""Baselines: the same network with its weights trained instead of chosen. What a mask has to be compared with.

Weights are arguments and results here, never state: functions take a dict of weights with a leading task dimension,
float [k, *shape], and return a new one. So one baseline can go on from what another returned.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from supsup_lite.learning import DEFAULT, Recipe, batch_order, check_recipe, make_optimizer
from supsup_lite.masks import check_images, forward_tasks
from supsup_lite.networks import Network
from supsup_lite.store import MaskStore
from supsup_lite.tasks import TaskSuite

Weights = dict[str, Tensor]  # name of a weight -> float tensor [k, *its shape], one row a task
OnStep = Callable[[int, Weights, Tensor], None]


def train_dense(
    net: Network, tasks: TaskSuite, seed: int = 0, recipe: Recipe = DEFAULT, on_step: OnStep | None = None
) -> Weights:
    """Train all weights for each of k tasks by itself, from the network's own random weights: float [k, *shape] each.

    Batches, steps and optimiser are those of `learn_masks` with the same seed and recipe, so the two differ in one
    thing: there a weight is kept or removed, here it may take any value. The network stays as it is.

    Args:
        on_step: called as on_step(step, weights, loss [k]) before each update, for lessons that watch.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    _check_kinds(net, tasks)
    return train_weights(net, own_weights(net, len(tasks)), tasks, seed, recipe, on_step)


def train_weights(
    net: Network, start: Weights, tasks: TaskSuite, seed: int, recipe: Recipe, on_step: OnStep | None = None
) -> Weights:
    """Train k copies of the weights side by side, each on its own task, from `start`; return them as new tensors."""
    _check(net, start, tasks)
    check_recipe(recipe)
    weights = {name: values.detach().clone().requires_grad_(True) for name, values in start.items()}
    optimizer, scheduler = make_optimizer(list(weights.values()), recipe)
    order = batch_order(tasks, recipe, seed)
    for step in range(recipe.steps):
        x, y = tasks.train_view.batch(order[:, step])  # [k, B, D], [k, B]
        loss = losses(net, weights, x, y)
        optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()
        if on_step is not None:
            on_step(step, weights, loss.detach())
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return {name: values.detach() for name, values in weights.items()}


def losses(net: Network, weights: Weights, x: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy of each of k networks, [k]: weights [k, *shape], images [k, B, D], labels [k, B]."""
    logits = forward_tasks(net, weights, x)  # [k, B, outputs]
    return F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none").view(y.shape).mean(1)


def own_weights(net: Network, k: int) -> Weights:
    """Return k copies of the network's own random weights: the start, and the untrained control."""
    return {name: weight.detach().expand(k, *weight.shape).clone() for name, weight in net.weights().items()}


def chosen_weights(net: Network, masks: MaskStore) -> Weights:
    """Return W * M_i for each of k masks, so that masks and trained weights are measured in the same way."""
    return {name: net.weights()[name].detach() * bits for name, bits in masks.chunk(0, len(masks)).items()}


@torch.no_grad()
def accuracy(net: Network, weights: Weights, tasks: TaskSuite) -> Tensor:
    """Return the share of test images that each of k networks gets right on its own task: float [k].

    Only the outputs of the task's classes are read, so that chance is 1 / classes for untrained networks too.
    (Learning pushes the other outputs down: from then on, reading all of them says the same.)
    """
    _check(net, weights, tasks)
    shares = []
    for i, task in enumerate(tasks):
        x, y = task.test.all()
        own = {name: values[i : i + 1] for name, values in weights.items()}
        logits = forward_tasks(net, own, x[None])[0, :, : tasks.num_classes]
        shares.append((logits.argmax(1) == y).float().mean())
    return torch.stack(shares).cpu()


def _check(net: Network, weights: Weights, tasks: TaskSuite) -> None:
    """Raise unless there is one copy of the network's weights for each task."""
    _check_kinds(net, tasks)
    wanted = {name: (len(tasks), *weight.shape) for name, weight in net.weights().items()}
    given = {name: tuple(values.shape) for name, values in weights.items()}
    if given != wanted:
        raise ValueError(f"weights must have one row for each of {len(tasks)} tasks, {wanted}, got {given}.")
    if net.outputs < tasks.num_classes:
        raise ValueError(f"{net!r} has fewer outputs than the tasks have classes ({tasks.num_classes}).")
    check_images(net, tasks[0].test.batch([0])[0])


def _check_kinds(net: Network, tasks: TaskSuite) -> None:
    if not isinstance(net, Network):
        raise TypeError(f"net must be a supsup_lite network such as lenet_300_100(), got {type(net).__name__}.")
    if not isinstance(tasks, TaskSuite):
        raise TypeError(
            f"tasks must be a suite such as permuted_mnist(), or a slice of one, got {type(tasks).__name__}."
        )
