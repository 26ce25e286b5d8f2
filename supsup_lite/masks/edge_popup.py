"""Masks from scores, and the gradient straight through them: edge-popup (Ramanujan et al. 2019) and threshold."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_keep, check_seed
from supsup_lite.masks.apply import Mask
from supsup_lite.masks.bits import as_numbers
from supsup_lite.masks.budgets import layer_budgets
from supsup_lite.networks.network import Network, check_network
from supsup_lite.seeding import generator

Scores = dict[str, Tensor]  # name of a weight -> float tensor [k, *its shape], one row a task


@isolated
def threshold_mask(scores: Tensor) -> Tensor:
    """Return the bool mask that keeps a weight where its score is 0 or more (SupSup, MNIST runs); NaN is removed.

    Args:
        scores: float tensor of any shape.
    """
    return _checked_scores(scores) >= 0


@isolated
def top_k_mask(scores: Tensor, keep: float) -> Tensor:
    """Return the bool mask that keeps the top share `keep` of one layer by |score| (edge-popup, Ramanujan et al. 2019).

    Exactly round(keep * n) of n weights are kept. Of weights that tie at the border, the first in row-major order
    win, on every device and in any memory layout.

    Args:
        scores: float tensor of one layer, any shape.
        keep: density in 0..1.

    Raises:
        TypeError: the scores or keep are not numbers.
        ValueError: keep is outside 0..1, or a score is NaN.
    """
    keep = check_keep(keep)
    if _checked_scores(scores).is_meta:
        raise ValueError("scores must have values to be ranked, got a tensor on the device meta.")
    return _top_k(scores, keep, torch.empty_like(scores, dtype=torch.bool))


def _top_k(scores: Tensor, keep: float, out: Tensor) -> Tensor:
    """Write the mask of `top_k_mask` to `out`, as bools or as numbers. Nothing is reordered in memory but for ties."""
    size = scores.detach().abs()
    kept = round(keep * size.numel())
    if kept == 0:
        return out.zero_()
    border = _kth_largest(size, kept)
    mask = torch.ge(size, border, out=out)
    excess = int(mask.count_nonzero()) - kept
    if excess < 0:  # NaN counts as the largest where the border is sought, but is not >= any border
        raise ValueError("scores must be numbers, got NaN among them: did learning diverge? Try a smaller rate.")
    if excess:
        ties = (size == border).nonzero()  # in row-major order, in any layout
        mask[ties[-excess:].unbind(1)] = 0
    return mask


def _kth_largest(values: Tensor, k: int) -> Tensor:
    """Return the k-th largest of a tensor; on the CPU numpy's partition is 15 times faster than kthvalue."""
    rank = values.numel() - k
    if values.device.type == "cpu" and values.dtype in (torch.float32, torch.float64):
        as_they_lie = values.numpy().ravel(order="K")
        return torch.from_numpy(np.partition(as_they_lie, rank)[rank : rank + 1])[0]
    return values.flatten().kthvalue(rank + 1).values


def masks_of(scores: Tensor, keep: float | None) -> Tensor:
    """Return the masks of one layer for k tasks: bool [k, ...] from scores [k, ...]; keep=None is the threshold."""
    if keep is None:
        return threshold_mask(scores)
    return _each_top_k(scores, keep, torch.bool)


def _each_top_k(scores: Tensor, keep: float, dtype: torch.dtype) -> Tensor:
    """Return the top share of each of k tasks, [k, ...] in the memory layout of the scores."""
    masks = torch.empty_like(_checked_scores(scores), dtype=dtype)
    for task_scores, mask in zip(scores, masks, strict=True):
        _top_k(task_scores, keep, mask)
    return masks


def _checked_scores(scores: Tensor) -> Tensor:
    """Return scores that can be ranked: real numbers with values."""
    if not isinstance(scores, Tensor) or scores.dtype == torch.bool or scores.is_complex():
        kind = scores.dtype if isinstance(scores, Tensor) else type(scores).__name__
        raise TypeError(f"scores must be a tensor of real numbers, got {kind}.")
    if scores.layout != torch.strided:
        raise ValueError(f"scores must be a dense tensor, got one of layout {scores.layout}.")
    return scores


class _StraightThrough(torch.autograd.Function):
    """Forward: the mask as numbers. Backward: the scores get the mask's gradient, as if the step were not there."""

    @staticmethod
    def forward(ctx, scores: Tensor, mask: Tensor) -> Tensor:
        return as_numbers(mask, scores.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


@isolated
def straight_through(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the mask as 0.0 and 1.0, differentiable in the scores: d output / d scores is taken to be 1.

    So with W_eff = W * straight_through(s, m), dL/ds = (dL/dW_eff) * W, for removed weights too (edge-popup).
    Edge-popup ranks by |score|: there the scores to give are s.abs(), and autograd adds the sign.

    Args:
        scores: float tensor.
        mask: bool tensor of the same shape.

    Raises:
        TypeError: the scores are not floats, or the mask is not bool.
        ValueError: their shapes differ.
    """
    if not _checked_scores(scores).is_floating_point() or not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        kind = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
        raise TypeError(f"expected float scores and a bool mask, got {scores.dtype} and {kind}.")
    if scores.shape != mask.shape:
        raise ValueError(f"scores and mask must have one shape, got {tuple(scores.shape)} and {tuple(mask.shape)}.")
    return _StraightThrough.apply(scores, mask)


class _MaskedWeight(torch.autograd.Function):
    """Forward: W * M. Backward: dL/ds = (dL/dW_eff) * W, and for edge-popup, which ranks by |s|, times the sign of s.

    `straight_through` and a product say the same, to the bit; here fewer buffers are filled on the way.
    """

    @staticmethod
    def forward(ctx, scores: Tensor, weight: Tensor, keep: float | None) -> Tensor:
        ctx.ranked = keep is not None
        ctx.save_for_backward(*(scores, weight) if ctx.ranked else (weight,))
        # The mask as numbers at once: seven times faster on the CPU than a bool mask and its conversion.
        if ctx.ranked:
            mask = _each_top_k(scores, keep, scores.dtype)
        else:
            mask = torch.ge(scores, 0, out=torch.empty_like(scores))
        return mask.mul_(weight)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        *scores, weight = ctx.saved_tensors
        slope = gradient * weight
        return slope * scores[0].sgn() if ctx.ranked else slope, None, None


def masked_weight(weight: Tensor, scores: Tensor, keep: float | None) -> Tensor:
    """Return W * M(s) for k tasks, [k, ...], differentiable in the scores [k, ...] straight through the mask."""
    return _MaskedWeight.apply(scores, weight, keep)


def init_scores(net: Network, tasks: Sequence[int], seed: int) -> Scores:
    """Return fresh scores for some tasks: Kaiming uniform with a = sqrt(5), that is uniform in +-1/sqrt(fan_in).

    For masks over units, fan_in is the number of units, all of which the next layer takes in.

    The scores of a task depend on (seed, task) alone, not on the tasks drawn beside it.

    Args:
        net: the base network.
        tasks: the k task numbers.
        seed: seed of the learner.

    Returns:
        For each weight of the network float32 [k, *shape], on its device.

    Raises:
        TypeError, ValueError: net is no network, or a number or the seed makes no sense.
    """
    check_network(net)
    if not isinstance(tasks, Sequence):
        raise TypeError(f"tasks must be a list of task numbers, such as [0, 1], got {type(tasks).__name__}.")
    tasks = [check_seed(task, "a task number") for task in tasks]
    scores: Scores = {}
    for name, weight in net.weights().items():
        fan_in = weight[0].numel() if weight.ndim > 1 else len(weight)  # units feed the next layer, all of them
        bound = 1 / math.sqrt(fan_in)
        scores[name] = torch.empty(len(tasks), *weight.shape, dtype=torch.float32, device=weight.device)
        for row, task in zip(scores[name], tasks, strict=True):
            drawn = generator(f"scores of {name}", seed, task).random(tuple(weight.shape), dtype=np.float32)
            row.copy_(torch.from_numpy(drawn).mul_(2 * bound).sub_(bound))
    return scores


@isolated
def random_mask(net: Network, keep: float | str, seed: int, task: int = 0) -> Mask:
    """Return a mask that keeps a random share `keep` of every layer: the control for every learned mask.

    It brings no statistics: where batch norm takes those of a task, it takes the batch's.

    Args:
        keep: as in `learn_masks`, "er:0.08" for one.

    Raises:
        TypeError, ValueError: net is no base network, or keep is outside 0..1.
    """
    check_network(net)
    budgets = layer_budgets(net, keep if isinstance(keep, str) else check_keep(keep))
    mask = {}
    for name, weight in net.weights().items():
        drawn = generator(f"random mask of {name}", seed, task).random(tuple(weight.shape), dtype=np.float32)
        mask[name] = top_k_mask(torch.from_numpy(drawn), budgets[name]).to(weight.device)
    return mask
