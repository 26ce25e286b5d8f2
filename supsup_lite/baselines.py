"""Baselines: the same network with its weights trained instead of chosen. What a mask has to be compared with.

Weights are arguments and results here, never state: functions take a dict of weights with a leading task dimension,
float [k, *shape], and return a new one. So one baseline can go on from what another returned.

`train_dense` gives every task its own network. `fine_tune`, `train_joint` and `train_ewc` have one network for all
tasks. They return its history: a list of weights [1, *shape], one entry for each task learned. All four see the images
of `learn_masks` with the same seed and recipe, in as many updates of as many images a task.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supsup_lite.learning import batch_order, make_optimizer
from supsup_lite.masks import check_images, forward_tasks
from supsup_lite.networks import Network
from supsup_lite.recipes import DEFAULT, Recipe, check_recipe
from supsup_lite.seeding import generator
from supsup_lite.store import MaskStore
from supsup_lite.tasks import TaskSuite

Weights = dict[str, Tensor]  # name of a weight -> float tensor [k, *its shape], one row a task
OnStep = Callable[[int, Weights, Tensor], None]
Batches = Iterable[tuple[Tensor, Tensor]]  # images [k, B, D] and labels [k, B]

FISHER_IMAGES = 1000


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
    _check(net, tasks)
    return train_weights(net, own_weights(net, len(tasks)), tasks, seed, recipe, on_step)


def train_weights(
    net: Network, start: Weights, tasks: TaskSuite, seed: int, recipe: Recipe, on_step: OnStep | None = None
) -> Weights:
    """Train k copies of the weights side by side, each on its own task, from `start`; return them as new tensors."""
    _check_rows(net, start, tasks)
    check_recipe(recipe)
    return _train(net, start, _task_batches(tasks, seed, recipe), recipe, on_step)


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
    _check(net, tasks)
    check_recipe(recipe)
    weights, history = own_weights(net, 1), []
    for i in range(len(tasks)):
        batches = _task_batches(tasks[i : i + 1], seed, recipe)
        weights = _train(net, weights, batches, recipe, _counting_on(on_step, i * recipe.steps))
        history.append(weights)
    return history


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
    _check(net, tasks)
    check_recipe(recipe)
    history = []
    for count in range(1, len(tasks) + 1):
        batches = mixed(_task_batches(tasks[:count], seed, recipe))
        longer = replace(recipe, steps=count * recipe.steps)
        history.append(_train(net, own_weights(net, 1), batches, longer, on_step))
    return history


def mixed(batches: Batches) -> Iterator[tuple[Tensor, Tensor]]:
    """Deal each round of k batches, one a task, into k mixed ones: [k, B, D] -> k times [1, B, D], the same images.

    Dealt like cards, task after task, so a mixed batch holds B / k images of each task, give or take one.
    """
    for x, y in batches:
        for part in torch.arange(y.numel(), device=y.device).view(len(y), -1):
            image, task = part // len(y), part % len(y)
            yield x[task, image][None], y[task, image][None]


def train_ewc(
    net: Network,
    tasks: TaskSuite,
    strength: float,
    seed: int = 0,
    recipe: Recipe = DEFAULT,
    on_step: OnStep | None = None,
) -> list[Weights]:
    """Train one network on one task after the other, held back by EWC's spring: the history, [1, *shape] each.

    Online EWC (Schwarz et al. 2018, with decay 1) after Kirkpatrick et al. 2017: one Fisher information, summed over
    the tasks so far, and one anchor, the weights that the last task left. So what it keeps does not grow with k.

    Args:
        strength: lambda of `ewc_penalty`; 0 is `fine_tune`.
        on_step: as in `fine_tune`.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    _check(net, tasks)
    check_recipe(recipe)
    if not 0 <= strength < math.inf:
        raise ValueError(f"strength (lambda) must be 0 or more, got {strength}.")
    weights, history = own_weights(net, 1), []
    importance = {name: torch.zeros_like(values) for name, values in weights.items()}
    for i in range(len(tasks)):
        part = tasks[i : i + 1]
        spring = partial(ewc_penalty, anchor=weights, importance=importance, strength=strength)
        watch = _counting_on(on_step, i * recipe.steps)
        weights = _train(net, weights, _task_batches(part, seed, recipe), recipe, watch, spring)
        history.append(weights)
        found = fisher(net, weights, *fisher_batch(net, weights, part, seed))
        importance = {name: values + found[name] for name, values in importance.items()}
    return history


def ewc_penalty(weights: Weights, anchor: Weights, importance: Weights, strength: float) -> Tensor:
    """Return lambda / 2 * sum_j F_j (theta_j - theta*_j)^2, one number (Kirkpatrick et al. 2017, eq. 3)."""
    moved = [(importance[name] * (weights[name] - anchor[name]).square()).sum() for name in weights]
    return strength / 2 * torch.stack(moved).sum()


def fisher_batch(
    net: Network, weights: Weights, task: TaskSuite, seed: int, images: int = FISHER_IMAGES
) -> tuple[Tensor, Tensor]:
    """Return training images of one task and labels sampled from the model: float [n, D] and int64 [n].

    Not the true labels: the Fisher information asks what the model itself believes, and how firmly.
    """
    draw = generator("fisher", seed, task.numbers[0])
    size = task.train_view.sizes[0]
    x, _ = task[0].train.batch(draw.permutation(size)[: min(images, size)])
    thresholds = torch.from_numpy(draw.random(len(x))).to(x.device)
    with torch.no_grad():
        p = forward_tasks(net, weights, x[None])[0].double().softmax(1)
    labels = (p.cumsum(1) < thresholds[:, None]).sum(1)
    return x, labels.clamp(max=net.outputs - 1)


def fisher(net: Network, weights: Weights, x: Tensor, y: Tensor) -> Weights:
    """Return the diagonal of the Fisher information, from n images and labels: [1, *shape] for weights [1, *shape].

    F_j is the mean over images of (d log p(y | x) / d theta_j)^2. One backward pass is enough: at a linear layer the
    gradient of one image is the outer product delta h', so its square is the outer product of squares.

    Raises:
        TypeError: a layer is not linear.
    """
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def apply(name: str, layer: nn.Module, h: Tensor) -> Tensor:
        if not isinstance(layer, nn.Linear):
            raise TypeError(f"the Fisher information is written for linear layers, {name} is {type(layer).__name__}.")
        seen[name] = h, F.linear(h, weights[f"{name}.weight"][0])
        return seen[name][1]

    with torch.enable_grad():
        loss = F.cross_entropy(net(x.detach().requires_grad_(True), apply), y, reduction="sum")
        deltas = torch.autograd.grad(loss, [outputs for _, outputs in seen.values()])
    return {
        f"{name}.weight": (delta.square().T @ h.detach().square())[None] / len(x)
        for (name, (h, _)), delta in zip(seen.items(), deltas, strict=True)
    }


def _train(
    net: Network,
    start: Weights,
    batches: Batches,
    recipe: Recipe,
    on_step: OnStep | None,
    penalty: Callable[[Weights], Tensor] | None = None,
) -> Weights:
    """Train weights [k, *shape] from `start` on batches [k, B, D], one update each; return them as new tensors."""
    weights = {name: values.detach().clone().requires_grad_(True) for name, values in start.items()}
    optimizer, scheduler = make_optimizer(list(weights.values()), recipe)
    for step, (x, y) in enumerate(batches):
        loss = losses(net, weights, x, y)
        total = loss.sum() if penalty is None else loss.sum() + penalty(weights)
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        if on_step is not None:
            on_step(step, weights, loss.detach())
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return {name: values.detach() for name, values in weights.items()}


def _counting_on(on_step: OnStep | None, before: int) -> OnStep | None:
    """Return on_step with steps that count on from those before."""
    if on_step is None:
        return None
    return lambda step, weights, loss: on_step(before + step, weights, loss)


def _task_batches(tasks: TaskSuite, seed: int, recipe: Recipe) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches of `learn_masks`: images [k, B, D] and labels [k, B], one of each task a step."""
    order = batch_order(tasks, recipe, seed)
    return (tasks.train_view.batch(order[:, step]) for step in range(recipe.steps))


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
    _check_rows(net, weights, tasks)
    shares = []
    for i, task in enumerate(tasks):
        x, y = task.test.all()
        own = {name: values[i : i + 1] for name, values in weights.items()}
        logits = forward_tasks(net, own, x[None])[0, :, : tasks.num_classes]
        shares.append((logits.argmax(1) == y).float().mean())
    return torch.stack(shares).cpu()


def _check_rows(net: Network, weights: Weights, tasks: TaskSuite) -> None:
    """Raise unless there is one copy of the network's weights for each task."""
    _check(net, tasks)
    wanted = {name: (len(tasks), *weight.shape) for name, weight in net.weights().items()}
    given = {name: tuple(values.shape) for name, values in weights.items()}
    if given != wanted:
        raise ValueError(f"weights must have one row for each of {len(tasks)} tasks, {wanted}, got {given}.")


def _check(net: Network, tasks: TaskSuite) -> None:
    """Raise unless a network can learn these tasks."""
    if not isinstance(net, Network):
        raise TypeError(f"net must be a supsup_lite network such as lenet_300_100(), got {type(net).__name__}.")
    if not isinstance(tasks, TaskSuite):
        raise TypeError(
            f"tasks must be a suite such as permuted_mnist(), or a slice of one, got {type(tasks).__name__}."
        )
    if net.outputs < tasks.num_classes:
        raise ValueError(f"{net!r} has fewer outputs than the tasks have classes ({tasks.num_classes}).")
    check_images(net, tasks[0].test.batch([0])[0])
