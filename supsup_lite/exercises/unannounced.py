"""Exercises of lesson 07: the paper's rule, evidence, purity, and a mixture of masks."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from supsup_lite.exercises import Wrong, check_for, must_equal

__all__ = [
    "check_choose_or_allocate",
    "check_evidence",
    "check_mixed_weight",
    "check_purity",
    "choose_or_allocate",
    "evidence",
    "mixed_weight",
    "purity",
]

# --- 1: the paper's rule ---------------------------------------------------------------------------------------------

NEW = -1  # the answer "nobody knows this task"; not None, which is what an unfinished function returns


def choose_or_allocate(gradient: Tensor, eps: float) -> int:
    """Return argmax nu with nu = softmax(-gradient), or -1 for a new mask where k max nu < 1 + eps.

    Args:
        gradient: dH/dalpha of k masks, float [k].
        eps: the threshold.
    """
    nu = (-gradient).softmax(0)
    return NEW if len(nu) * nu.max() < 1 + eps else int(nu.argmax())


@check_for(choose_or_allocate, "That line decides whether a task gets a mask of its own. Only eps is left open.")
def check_choose_or_allocate(attempt):
    """Check `choose_or_allocate`: sign, k, the threshold and what lies exactly on it, and very large gradients."""
    cases = [
        ([0.0, 0.0], 0.125),
        ([-2.0, 0.0], 0.125),
        ([2.0, 0.0], 0.125),
        ([2.0, 0.0, 0.0], 0.125),  # pushed away from 0, and yet 1 and 2 are alike: k max nu = 1.4
        ([0.1, 0.0, -0.1], 0.125),
        ([0.1, 0.0, -0.1], 0.05),
        ([-0.5, 0.0], 0.125),  # 2 max nu = 1.24
        ([-0.5, 0.0], 0.3),
        ([0.0, 0.0, 0.0, -0.9], 0.5),  # 4 max nu = 1.8
        ([-1000.0, 0.0], 0.125),
        ([-1000.0, -999.9], 0.125),
        ([-1000.0, -999.0], 0.125),
        ([0.0, 0.0], 0.0),  # k max nu = 1 is not below 1: a mask stays
        ([0.5, 0.5, 0.5, 0.5], 0.0),
        ([0.3], 0.125),  # one mask: 1 max nu = 1, always
    ]
    for gradient, eps in cases:
        slopes = torch.tensor(gradient)
        got = attempt(slopes, eps)
        must_equal(got, choose_or_allocate(slopes, eps), f"gradient {gradient}, eps {eps}")


# --- 2: evidence -----------------------------------------------------------------------------------------------------


def evidence(right: int, images: int, record: float, chance: float) -> float:
    """Return log P(right | record) - log P(right | chance) of so many right answers in a batch, in nats.

    Each answer is right with probability `record` by the first hypothesis, with `chance` by the second, and the
    answers are independent.

    Args:
        right: 0..images.
        record, chance: in 0..1, ends excluded.
    """
    wrong = images - right
    return right * math.log(record / chance) + wrong * math.log((1 - record) / (1 - chance))


@check_for(evidence, "128 answers are many witnesses: known and new lie a hundred nats apart, whatever k is.")
def check_evidence(attempt):
    """Check `evidence`: wrong answers count too, and large batches do not underflow."""
    cases = [
        (1, 1, 0.9, 0.1),
        (0, 1, 0.9, 0.1),
        (1, 2, 0.8, 0.5),
        (115, 128, 0.9, 0.1),
        (13, 128, 0.9, 0.1),
        (64, 128, 0.98, 0.5),
        (5, 10, 0.3, 0.3),
        (9000, 10000, 0.9, 0.1),  # a product of probabilities would be 0 here
        (0, 10000, 0.9, 0.1),
    ]
    for case in cases:
        given = "right {}, images {}, record {}, chance {}".format(*case)
        must_equal(attempt(*case), evidence(*case), given)


# --- 3: purity -------------------------------------------------------------------------------------------------------


def purity(truth: Sequence[int], used: Sequence[int]) -> float:
    """Return the share of batches whose mask belongs to their task. A mask belongs to the task it learned most from.

    Args:
        truth: the task of each batch; -1 is noise and does not count.
        used: the mask that learned from it; -1 is none and does not count.
    """
    tasks_of = defaultdict(Counter)
    for task, mask in zip(truth, used, strict=True):
        if task >= 0 and mask >= 0:
            tasks_of[mask][task] += 1
    total = sum(sum(tasks.values()) for tasks in tasks_of.values())
    return sum(max(tasks.values()) for tasks in tasks_of.values()) / total


@check_for(purity, "Purity alone can be cheated: a mask for every batch is pure. So count the masks, too.")
def check_purity(attempt):
    """Check `purity`: names of masks do not matter, and noise and batches that were set aside do not count."""
    cases = [
        ([0, 0, 1, 1], [0, 0, 1, 1]),
        ([0, 0, 1, 1], [1, 1, 0, 0]),  # the names are swapped: still pure
        ([0, 0, 0, 1], [0, 0, 0, 0]),  # one mask for all
        ([0, 0, 1, 1], [0, 1, 2, 3]),  # a mask for each batch
        ([0, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, 0]),
        ([0, 0, -1, 1, 1], [0, 0, 0, 1, 1]),
        ([0, 0, 1, 1], [0, -1, 1, 1]),
        ([0, 0, 1, 1], [0, -1, -1, 1]),  # -1 is no mask, which two tasks would share
        ([0, 0, 1, 1, 1], [0, 0, 0, 0, 0]),
        ([-1, -1, -1, 0, 1], [0, 0, 0, 0, 1]),  # noise does not make a mask its own
    ]
    for truth, used in cases:
        must_equal(attempt(truth, used), purity(truth, used), f"truth {truth}, used {used}")


# --- 4: a mixture of masks -------------------------------------------------------------------------------------------


def mixed_weight(weight: Tensor, masks: Tensor, alphas: Tensor) -> Tensor:
    """Return W * sum_i alpha_i M_i of one layer, differentiable in the alphas.

    Args:
        weight: float [out, in].
        masks: bool [k, out, in].
        alphas: float [k], of any sign and sum.
    """
    return weight * torch.einsum("k,koi->oi", alphas, masks.to(weight.dtype))


@check_for(mixed_weight, "k numbers choose a network out of a space of k dimensions. How much is in that space?")
def check_mixed_weight(attempt):
    """Check `mixed_weight`: value, no renormalising, and a gradient with respect to the alphas."""
    for k, out, inputs in ((1, 1, 2), (2, 2, 2), (3, 2, 4), (5, 4, 3)):
        n = torch.arange(k * out * inputs, dtype=torch.float32)
        masks = (torch.cos(37 * n) >= 0).view(k, out, inputs)
        weight = torch.where(torch.cos(n[: out * inputs] * 11) >= 0, 1.0, -1.0).view(out, inputs)
        for values in (torch.full((k,), 1 / k), torch.linspace(-1, 2, k)):
            ours, theirs = (values.clone().requires_grad_(True) for _ in range(2))
            want, got = mixed_weight(weight, masks, ours), attempt(weight, masks, theirs)
            given = f"k = {k}, alphas {values.tolist()}"
            must_equal(got, want, given)
            if not got.requires_grad:
                raise Wrong(f"{given}: the value is right, but no gradient comes back to the alphas.")
            (slope,) = torch.autograd.grad((want**2).sum() + want.sum(), ours)
            (their_slope,) = torch.autograd.grad((got**2).sum() + got.sum(), theirs)
            must_equal(their_slope, slope, f"the gradient for {given}")
