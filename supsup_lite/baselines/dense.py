"""Baselines: the same network with its weights trained instead of chosen. What a mask has to be compared with.

Weights are arguments and results here, never state: functions take a dict of weights with a leading task dimension,
float [k, *shape], and return a new one. So one baseline can go on from what another returned.

`train_dense` gives every task its own network. `fine_tune`, `train_joint`, `train_ewc` and `train_replay` have one
network for all tasks. They return its history: a list of weights [1, *shape], one entry for each task learned. All see
the images of `learn_masks` with the same seed and recipe, in as many updates of as many images a task; only replay
gives up half of the new images for old ones.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_function
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.learning.learn import cross_entropies, task_batches
from supsup_lite.learning.optimizers import descend
from supsup_lite.masks.apply import forward_tasks
from supsup_lite.masks.weights import Weights, check_learnable, check_rows, initial_weights
from supsup_lite.networks.network import Network
from supsup_lite.recipes import DEFAULT, Recipe, check_recipe

OnStep = Callable[[int, Weights, Tensor], None]
Batches = Iterable[tuple[Tensor, Tensor]]  # images [k, B, D] and labels [k, B]


@isolated
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
    check_learnable(net, tasks)
    return train_weights(net, initial_weights(net, len(tasks)), tasks, seed, recipe, on_step)


@isolated
def train_weights(
    net: Network, start: Weights, tasks: TaskSuite, seed: int, recipe: Recipe, on_step: OnStep | None = None
) -> Weights:
    """Train k copies of the weights side by side, each on its own task, from `start`; return them as new tensors."""
    check_rows(net, start, tasks)
    check_recipe(recipe)
    return train(net, start, task_batches(tasks, recipe, seed), recipe, on_step)


@isolated
def fine_tune(
    net: Network, tasks: TaskSuite, seed: int = 0, recipe: Recipe = DEFAULT, on_step: OnStep | None = None
) -> list[Weights]:
    """Train one network on one task after the other, as if there were no other: the history, [1, *shape] each.

    Every task starts from the weights that the one before left, with a fresh optimiser.

    Args:
        on_step: called as on_step(step, weights, loss [1]) before each update; steps count on over all tasks.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    check_learnable(net, tasks)
    check_recipe(recipe)
    weights, history = initial_weights(net, 1), []
    for i in range(len(tasks)):
        batches = task_batches(tasks[i : i + 1], recipe, seed)
        weights = train(net, weights, batches, recipe, counting_on(on_step, i * recipe.steps))
        history.append(weights)
    return history


@isolated
def train_joint(
    net: Network, tasks: TaskSuite, seed: int = 0, recipe: Recipe = DEFAULT, on_step: OnStep | None = None
) -> list[Weights]:
    """Train one network on all tasks seen so far together: the history, [1, *shape] each. The control.

    Entry t is trained afresh on tasks 0..t, in (t + 1) * steps updates. Each update sees a batch that holds images of
    all these tasks in equal parts (see `mixed`), and over the run every image that sequential training sees too. It
    needs all data at once, which is what a continual learner does not have. It says what the network *could* learn.

    Args:
        on_step: as in `fine_tune`; steps start at 0 for each entry.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    check_learnable(net, tasks)
    check_recipe(recipe)
    history = []
    for count in range(1, len(tasks) + 1):
        batches = mixed(task_batches(tasks[:count], recipe, seed))
        longer = replace(recipe, steps=count * recipe.steps)
        history.append(train(net, initial_weights(net, 1), batches, longer, on_step))
    return history


def mixed(batches: Batches) -> Iterator[tuple[Tensor, Tensor]]:
    """Deal each round of k batches, one a task, into k mixed ones: [k, B, D] -> k times [1, B, D], the same images.

    Dealt like cards, task after task, so a mixed batch holds B / k images of each task, give or take one.
    """
    for x, y in batches:
        for part in torch.arange(y.numel(), device=y.device).view(len(y), -1):
            image, task = part // len(y), part % len(y)
            yield x[task, image][None], y[task, image][None]


def train(
    net: Network,
    start: Weights,
    batches: Batches,
    recipe: Recipe,
    on_step: OnStep | None,
    penalty: Callable[[Weights], Tensor] | None = None,
) -> Weights:
    """Train weights [k, *shape] from `start` on batches [k, B, D], one update each; return them as new tensors."""
    return train_through(lambda weights, x: forward_tasks(net, weights, x), start, batches, recipe, on_step, penalty)


def side_by_side(net: Network, forward: Callable[[Weights, Tensor], Tensor], tensors: Weights, x: Tensor) -> Tensor:
    """Return forward(tensors, x) of k tasks at once: tensors [k, ...], images x [k, B, ...] -> logits [k, B, outputs].

    Where the images of a batch meet (batch norm), each task goes by itself.
    """
    if net.per_image:
        return forward(tensors, x)
    rows = [{name: values[i : i + 1] for name, values in tensors.items()} for i in range(len(x))]
    return torch.cat([forward(row, x[i : i + 1]) for i, row in enumerate(rows)])


def train_through(
    forward: Callable[[Weights, Tensor], Tensor],
    start: Weights,
    batches: Batches,
    recipe: Recipe,
    on_step: OnStep | None = None,
    penalty: Callable[[Weights], Tensor] | None = None,
) -> Weights:
    """Train any tensors [k, ...] from `start`, on the cross-entropy of forward(tensors, x [k, B, D]) [k, B, outputs].

    Returns:
        new tensors, one update for each batch after `start`.
    """
    if on_step is not None:
        check_function("on_step", on_step)
    weights = {name: values.detach().clone().requires_grad_(True) for name, values in start.items()}

    def backward(x: Tensor, y: Tensor) -> Tensor:
        loss = cross_entropies(forward(weights, x), y)
        total = loss.sum() if penalty is None else loss.sum() + penalty(weights)
        total.backward(inputs=list(weights.values()))  # whatever else asks for a gradient, the network stays as it is
        return loss.detach()

    watch = None if on_step is None else lambda step, loss: on_step(step, weights, loss)
    descend(list(weights.values()), recipe, batches, backward, watch)
    return {name: values.detach() for name, values in weights.items()}


def counting_on(on_step: OnStep | None, before: int) -> OnStep | None:
    """Return on_step with steps that count on from those before."""
    if on_step is None:
        return None
    check_function("on_step", on_step)
    return lambda step, weights, loss: on_step(before + step, weights, loss)
