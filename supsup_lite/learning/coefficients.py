"""No mask at all: only the k coefficients of a combination of old masks are learned (the article's other idea)."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_seed
from supsup_lite.data.batches import batch_order
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.learning.optimizers import descend
from supsup_lite.masks.fits import check_fits
from supsup_lite.masks.store import MaskStore
from supsup_lite.masks.superposition import mean_gradient
from supsup_lite.masks.weights import check_learnable
from supsup_lite.networks.network import Network
from supsup_lite.recipes import COEFFICIENTS, Recipe, check_recipe


@isolated
def learn_coefficients(
    net: Network, masks: MaskStore, tasks: TaskSuite, seed: int = 0, recipe: Recipe = COEFFICIENTS
) -> Tensor:
    """Learn alphas for each of some new tasks, so that f(x, W * sum_i alpha_i M_i) fits it. No mask changes.

    A new task then costs k numbers instead of one bit a weight. The alphas start at 1/k and may become any number:
    less than 0, more than 1. Use them with `superpose(net, masks, alphas[i], x)`.

    Args:
        net: the frozen base network.
        masks: k masks of other tasks.
        tasks: the new tasks.
        seed: of the order of the batches, which is that of `learn_masks`.
        recipe: how to train the alphas.

    Returns:
        float [new tasks, k], on the network's device.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    check_fits(net, masks)
    check_learnable(net, tasks)
    masks = masks[:]  # those of now: another thread may add some meanwhile
    if not len(masks):
        raise ValueError("masks is empty: there is nothing to combine.")
    check_seed(seed)
    check_recipe(recipe)
    order = batch_order(tasks, recipe.steps, recipe.batch, seed)
    parts = [slice(i, i + 1) for i in range(len(tasks))]
    return torch.stack([_learn_one(net, masks, tasks[i].train_view.batches(order[i]), recipe) for i in parts])


def _learn_one(net: Network, masks: MaskStore, batches: Iterator[tuple[Tensor, Tensor]], recipe: Recipe) -> Tensor:
    """Return the alphas [k] of one task, from batches of images [1, B, D] and labels [1, B]."""
    k = len(masks)
    alphas = torch.full((k,), 1 / k, dtype=torch.float32, device=net.device, requires_grad=True)

    def backward(x: Tensor, y: Tensor) -> None:
        alphas.grad = mean_gradient(
            net, masks, alphas.detach(), x[0], lambda logits: F.cross_entropy(logits, y[0], reduction="none")
        )

    descend([alphas], recipe, batches, backward)
    return alphas.detach()
