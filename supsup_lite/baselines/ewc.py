"""Elastic weight consolidation: a spring holds what earlier tasks need (Kirkpatrick et al. 2017)."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supsup_lite.ambient import isolated
from supsup_lite.baselines.dense import OnStep, counting_on, train
from supsup_lite.checks import check_number, check_whole
from supsup_lite.data.tasks import TaskSuite, check_suite
from supsup_lite.learning.learn import task_batches
from supsup_lite.masks.apply import forward_tasks
from supsup_lite.masks.weights import Weights, check_learnable, check_rows, check_weights, initial_weights
from supsup_lite.networks.layers import layer_with
from supsup_lite.networks.network import Network, check_images
from supsup_lite.recipes import DEFAULT, Recipe, check_recipe
from supsup_lite.seeding import generator

FISHER_IMAGES = 1000


@isolated
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
    check_learnable(net, tasks)
    check_recipe(recipe)
    strength = _checked_strength(strength)
    weights, history = initial_weights(net, 1), []
    importance = {name: torch.zeros_like(values) for name, values in weights.items()}
    for i in range(len(tasks)):
        part = tasks[i : i + 1]
        spring = partial(ewc_penalty, anchor=weights, importance=importance, strength=strength)
        watch = counting_on(on_step, i * recipe.steps)
        weights = train(net, weights, task_batches(part, recipe, seed), recipe, watch, spring)
        history.append(weights)
        found = fisher(net, weights, *fisher_batch(net, weights, part, seed))
        importance = {name: values + found[name] for name, values in importance.items()}
    return history


def ewc_penalty(weights: Weights, anchor: Weights, importance: Weights, strength: float) -> Tensor:
    """Return lambda / 2 * sum_j F_j (theta_j - theta*_j)^2, one number (Kirkpatrick et al. 2017, eq. 3).

    Raises:
        TypeError, ValueError: strength is no number, 0 or more, or the three are no dicts of floats of one network.
    """
    strength = _checked_strength(strength)
    for tensors in (weights, anchor, importance):
        check_weights(tensors)
        if tensors.keys() != weights.keys():
            raise ValueError(f"weights, anchor and importance must be of one network, got {[*tensors]}.")
    moved = [(importance[name] * (weights[name] - anchor[name]).square()).sum() for name in weights]
    return strength / 2 * torch.stack(moved).sum()


@isolated
def fisher_batch(
    net: Network, weights: Weights, task: TaskSuite, seed: int, images: int = FISHER_IMAGES
) -> tuple[Tensor, Tensor]:
    """Return training images of one task and labels sampled from the model: float [n, D] and int64 [n].

    Not the true labels: the Fisher information asks what the model itself believes, and how firmly.

    Raises:
        TypeError, ValueError: the weights are not those of one network, [1, *shape] each, the task no suite of one, or
            images no count.
    """
    check_suite(task)
    task, images = task[:1], check_whole("images", images)
    check_rows(net, weights, task)
    draw = generator("fisher", seed, task.numbers[0])
    size = task.train_view.sizes[0]
    x, _ = task[0].train.batch(draw.permutation(size)[: min(images, size)])
    thresholds = torch.from_numpy(draw.random(len(x))).to(x.device)
    with torch.no_grad():
        p = forward_tasks(net, weights, x[None])[0].double().softmax(1)
    labels = (p.cumsum(1) < thresholds[:, None]).sum(1)
    return x, labels.clamp(max=net.outputs - 1)


@isolated
def fisher(net: Network, weights: Weights, x: Tensor, y: Tensor) -> Weights:
    """Return the diagonal of the Fisher information, from n images and labels: [1, *shape] for weights [1, *shape].

    F_j is the mean over images of (d log p(y | x) / d theta_j)^2. One backward pass is enough: at a linear layer the
    gradient of one image is the outer product delta h', so its square is the outer product of squares.

    Raises:
        TypeError: a layer is not linear, or sees an image more than once.
        TypeError, ValueError: images or labels do not fit the network.
    """
    x = check_images(net, x)
    check_weights(weights)
    if not isinstance(y, Tensor) or y.dtype != torch.long or y.shape != x.shape[:1]:
        kind = f"{y.dtype} {list(y.shape)}" if isinstance(y, Tensor) else type(y).__name__
        raise TypeError(f"labels must be a long tensor, one for each of {len(x)} images, got {kind}.")
    if not len(y) or not 0 <= int(y.min()) <= int(y.max()) < net.outputs:
        raise ValueError(f"labels must lie in 0..{net.outputs - 1}, one or more of them.")
    if {name: values.shape for name, values in weights.items()} != _one_row(net):
        raise ValueError(f"weights must be those of {net!r}, [1, *shape] each.")
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def apply(name: str, layer: nn.Module, h: Tensor) -> Tensor:
        if not isinstance(layer, nn.Linear) or h.ndim != 2 or name in seen:
            raise TypeError(
                f"the Fisher information is written for linear layers that see each image once, {name} is "
                f"{type(layer).__name__} and sees {tuple(h.shape)}. Use a network such as mlp(widths)."
            )
        seen[name] = h, layer_with(layer, weights[f"{name}.weight"][0].to(h.dtype), h)
        return seen[name][1]

    with torch.enable_grad():
        loss = F.cross_entropy(net(x.detach().requires_grad_(True), apply), y, reduction="sum")
        deltas = torch.autograd.grad(loss, [outputs for _, outputs in seen.values()])
    return {
        f"{name}.weight": (delta.square().T @ h.detach().square())[None] / len(x)
        for (name, (h, _)), delta in zip(seen.items(), deltas, strict=True)
    }


def _checked_strength(strength: float) -> float:
    strength = check_number("strength (lambda)", strength)
    if strength < 0:
        raise ValueError(f"strength (lambda) must be 0 or more, got {strength}.")
    return strength


def _one_row(net: Network) -> dict[str, torch.Size]:
    return {name: torch.Size((1, *weight.shape)) for name, weight in net.weights().items()}
