"""PSP, parameter superposition: one set of trained weights, and a context for each task (Cheung et al. 2019).

A layer computes W C h, where C is drawn for the task: the weights of all tasks lie on top of each other, and C brings
one of them out. "rotation" draws C uniformly from all orthogonal matrices, as the SupSup paper's PSP does; "binary" is
its diagonal case, signs. C turns what one output reads, so in a convolution all channels and places of a patch.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from supsup_lite.ambient import isolated
from supsup_lite.baselines.dense import OnStep, train_through
from supsup_lite.baselines.kept import Kept, joined, with_statistics
from supsup_lite.baselines.trunks import check_trunk
from supsup_lite.checks import check_choice, check_seed
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.learning.learn import task_batches
from supsup_lite.masks.weights import Weights, check_learnable
from supsup_lite.networks.layers import layer_with
from supsup_lite.networks.network import Network
from supsup_lite.recipes import DEFAULT, Recipe, check_recipe
from supsup_lite.seeding import generator

CONTEXTS = ("rotation", "binary")
Context = dict[str, Tensor]  # name of a layer -> float [d, d], orthogonal, or its diagonal [d]; d is its fan-in


@dataclass(frozen=True, eq=False, repr=False)
class ParameterSuperposition(Kept):
    """One network, `shared`, trained on task after task. Nothing else is kept for a task: contexts come from the seed.

    Kept as matrices instead of drawn again, rotations would take d^2 numbers a layer and task, more than a network.

    Attributes:
        seed, contexts: what draws the contexts.
    """

    seed: int
    contexts: str

    def _weights(self, i: int) -> Weights:
        context = draw_context(self.net, self.contexts, self.seed, self.identities[i].number)
        return {f"{name}.weight": in_context(self.shared[f"{name}.weight"], c) for name, c in context.items()}


@isolated
def train_psp(
    net: Network,
    tasks: TaskSuite,
    seed: int = 0,
    recipe: Recipe = DEFAULT,
    start: Weights | None = None,
    contexts: str = "rotation",
    on_step: OnStep | None = None,
) -> ParameterSuperposition:
    """Train one set of weights on one task after the other, each in the context of its task.

    Args:
        start: weights to go on from, float [*shape] each, such as the `shared` of tasks before; None is the network's.
        contexts: "rotation" or "binary".
        on_step: called as on_step(step, weights, loss [1]) before each update; steps start at 0 for each task.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    check_learnable(net, tasks)
    check_recipe(recipe)
    check_choice("contexts", contexts, CONTEXTS)
    check_seed(seed)
    weights, kept = check_trunk(net, start), None
    for i, number in enumerate(tasks.numbers):
        part, context = tasks[i : i + 1], draw_context(net, contexts, seed, number)
        weights = train_in_context(net, weights, context, part, seed, recipe, on_step)
        one = ParameterSuperposition(net, part.identities, weights, {}, recipe.steps, seed, contexts)
        one = with_statistics(one, part, seed, recipe)
        kept = one if kept is None else joined([kept, one])
    return kept


def train_in_context(
    net: Network,
    start: Weights,
    context: Context,
    task: TaskSuite,
    seed: int,
    recipe: Recipe,
    on_step: OnStep | None = None,
) -> Weights:
    """Return the weights, float [*shape] each, after one task that was learned in a context."""

    def forward(weights: Weights, x: Tensor) -> Tensor:
        def apply(name: str, layer: nn.Module, h: Tensor) -> Tensor:
            weight, c = weights[f"{name}.weight"][0], context[name]
            if isinstance(layer, nn.Linear):  # to turn the images takes fewer products than to turn the weights
                return layer_with(layer, weight, h * c if c.ndim == 1 else h @ c.mT)
            return layer_with(layer, in_context(weight, c), h)

        return net(x[0], apply)[None]

    rows = {name: values[None] for name, values in start.items()}
    trained = train_through(forward, rows, task_batches(task, recipe, seed), recipe, on_step)
    return {name: values[0] for name, values in trained.items()}


def in_context(weight: Tensor, c: Tensor) -> Tensor:
    """Return W C in the shape of the weight [out, ...]: what one output reads, turned."""
    rows = weight.flatten(1)
    return (rows * c if c.ndim == 1 else rows @ c).view_as(weight)


def draw_context(net: Network, contexts: str, seed: int, number: int) -> Context:
    """Return the context of a task by its number: for each layer C [d, d], or its diagonal [d] where it is binary.

    Raises:
        TypeError: a layer reads no inputs together.
    """
    context = {}
    for name, layer in net.masked_layers().items():
        if layer.weight.ndim < 2:
            raise TypeError(f"a context turns the inputs of a layer, and {name} ({layer}) has one input an output.")
        draw, fan_in = generator(f"context of {name}", seed, number), layer.weight[0].numel()
        c = random_signs(draw, fan_in) if contexts == "binary" else random_rotation(draw, fan_in)
        context[name] = c.to(net.device)
    return context


def random_signs(draw: np.random.Generator, d: int) -> Tensor:
    """Return d signs, float32."""
    return torch.from_numpy(draw.integers(0, 2, d).astype(np.float32) * 2 - 1)


def random_rotation(draw: np.random.Generator, d: int) -> Tensor:
    """Return an orthogonal matrix, float32 [d, d], uniform over all of them (Haar; Mezzadri 2007).

    It is Q of normal numbers = Q R, in the one decomposition in which R has a positive diagonal.
    """
    q, r = torch.linalg.qr(torch.from_numpy(draw.standard_normal((d, d))))
    return (q * r.diagonal().sign()).float()
