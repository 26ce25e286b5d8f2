"""ExSSNeT in small (Yadav and Bansal 2023): masks over weights that are trained, each by one task alone.

A task learns its mask; then the weights that it keeps, and that no mask before it does, are trained, and from then on
stay. Masks of earlier tasks keep none of them, so nothing is forgotten. The network is left as it is: the trained
weights are values of their own, beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import torch
from torch import Tensor

from supsup_lite.baselines.dense import train_through
from supsup_lite.baselines.kept import Kept
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.learning.learn import task_batches, task_losses
from supsup_lite.learning.optimizers import descend
from supsup_lite.masks.apply import Mask, forward_tasks
from supsup_lite.masks.budgets import Keep, layer_budgets
from supsup_lite.masks.edge_popup import init_scores, masks_of
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.network import Network
from supsup_lite.recipes import Recipe

Tensors = dict[str, Tensor]  # name of a weight -> a tensor of its shape
Batches = Iterator[tuple[Tensor, Tensor]]  # images [1, B, D] and labels [1, B]


@dataclass(frozen=True, eq=False, repr=False)
class Exclusive(Kept):
    """Trained weights, kept once, and a mask for each task. Task i computes with `shared` where mask i keeps it.

    Attributes:
        masks: the store of the k masks.
    """

    masks: MaskStore

    def _weights(self, i: int) -> Tensors:
        mask = self.masks[i]
        return {name: weight * mask[name] for name, weight in self.shared.items()}

    @property
    def shared_nbytes(self) -> int:
        """Bytes of the weights that some mask keeps, 4 each; which they are the masks say. A seed draws the others."""
        return 4 * sum(int(bits.any(0).sum()) for bits in self.masks.chunk(0, len(self)).values())

    @property
    def own_nbytes(self) -> int:
        return self.masks.nbytes


def train_exclusive(
    net: Network, tasks: TaskSuite, keep: Keep, seed: int, recipe: Recipe, lr: float, exclusive: bool = True
) -> list[Exclusive]:
    """Learn one task after the other; return the history: what is kept after each.

    Args:
        keep: as in `learn_masks`.
        recipe: of the masks. The weights have as many steps, and the batches after those of the mask.
        lr: of the weights.
        exclusive: False trains all weights that the mask keeps, earlier tasks' too: the control, which forgets.
    """
    weights = {name: weight.detach() for name, weight in net.weights().items()}
    taken = {name: torch.zeros_like(weight, dtype=torch.bool) for name, weight in weights.items()}
    masks, history = MaskStore(net), []
    for i in range(len(tasks)):
        task = tasks[i : i + 1]
        batches = task_batches(task, replace(recipe, steps=2 * recipe.steps), seed)
        mask = mask_over(net, weights, task, keep, seed, recipe, islice(batches, recipe.steps))
        free = {name: bits & ~taken[name] if exclusive else bits for name, bits in mask.items()}
        weights = train_free(net, weights, mask, free, replace(recipe, lr=lr), batches)
        taken = {name: taken[name] | bits for name, bits in mask.items()}
        masks.append(mask, task.identities[0])
        steps = 2 * recipe.steps * (i + 1)
        history.append(Exclusive(net, tasks.identities[: i + 1], weights, {}, steps, masks[: i + 1]))
    return history


def mask_over(
    net: Network, weights: Tensors, task: TaskSuite, keep: Keep, seed: int, recipe: Recipe, batches: Batches
) -> Mask:
    """Return a mask of one task over given weights: what `learn_masks` does over those of the network."""
    scores = {name: drawn.requires_grad_(True) for name, drawn in init_scores(net, task.numbers, seed).items()}

    def backward(x: Tensor, y: Tensor) -> Tensor:
        loss = task_losses(net, weights, scores, keep, x, y)
        loss.sum().backward(inputs=list(scores.values()))
        return loss.detach()

    descend(list(scores.values()), recipe, batches, backward)
    budgets = layer_budgets(net, keep)
    return {name: masks_of(values.detach(), budgets[name])[0] for name, values in scores.items()}


def train_free(
    net: Network, weights: Tensors, mask: Mask, free: dict[str, Tensor], recipe: Recipe, batches: Batches
) -> Tensors:
    """Return weights that differ from those given where they are free, trained on the masked network's loss."""

    def forward(own: Tensors, x: Tensor) -> Tensor:
        kept = {name: torch.where(free[name], own[name], weights[name]) * mask[name] for name in weights}
        return forward_tasks(net, kept, x)

    start = {name: weight[None] for name, weight in weights.items()}
    trained = train_through(forward, start, batches, recipe)
    return {name: torch.where(free[name], trained[name][0], weights[name]) for name in weights}
