"""Exercises of lesson 02: straight through the step, a score's gradient, edge-popup's mask, and what a mask costs."""

import math

import torch
from torch import Tensor

from supsup_lite.exercises import Wrong, check_for, must_equal

__all__ = [
    "bits_per_weight",
    "cheapest_density",
    "check_bits_per_weight",
    "check_cheapest_density",
    "check_kept_per_pixel",
    "check_popup_mask",
    "check_score_gradient",
    "check_straight_through",
    "kept_per_pixel",
    "popup_mask",
    "score_gradient",
    "straight_through",
]

# --- 1: the straight-through estimator -----------------------------------------------------------------------------


def straight_through(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the mask as exactly 0.0 and 1.0, with a slope of 1 in the scores: a step forward, a line backward.

    Args:
        scores: float tensor of any shape.
        mask: bool tensor of the same shape.

    Returns:
        float tensor of the scores' dtype: what comes back to it as a gradient goes to the scores as it is.
    """
    return mask.to(scores.dtype) + (scores - scores.detach())  # the brackets first: they are exactly 0


@check_for(straight_through, "A step going forward, a line going backward: removed edges get their gradient, too.")
def check_straight_through(attempt):
    """Check `straight_through`: exactly the mask, and the whole gradient, for kept and for removed edges."""
    cases = [
        ([0.3, -0.1], [True, False]),
        ([0.3, -0.1], [False, True]),  # the mask decides, not the sign of a score
        ([[0.1, -0.2, 0.7], [1.5, 0.0, -3.0]], [[True, True, False], [False, True, False]]),
        ([1e-8, 0.33333, -777.77], [True, False, True]),  # 1 + s - s is not always 1
    ]
    for dtype in (torch.float32, torch.float64):
        for rows, kept in cases:
            scores, mask = torch.tensor(rows, dtype=dtype, requires_grad=True), torch.tensor(kept)
            given = f"scores {rows} in {dtype}, mask {kept}"
            got = attempt(scores, mask)
            must_equal(got, mask.to(dtype), given, tolerance=0)
            if not got.requires_grad:
                raise Wrong(f"{given}: the value is right, but no gradient comes back to the scores.")
            upstream = _whole_numbers(*scores.shape).to(dtype) + 0.5
            (slope,) = torch.autograd.grad((got * upstream).sum(), scores, allow_unused=True)
            must_equal(slope, upstream, f"{given}: the scores' gradient when {upstream.tolist()} comes in")


# --- 2: the gradient of a score, by hand ---------------------------------------------------------------------------


def score_gradient(delta: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """Return dL/ds of one masked layer, straight through the step, for kept and removed weights alike.

    Args:
        delta: dL/dI, the gradient with respect to the layer's outputs I = x @ W_eff.T, float [B, out].
        x: the layer's inputs, float [B, in].
        weight: the frozen random weights W, float [out, in].

    Returns:
        float [out, in].
    """
    return (delta.T @ x) * weight


@check_for(
    score_gradient,
    "That one line is the backward pass of a threshold mask. The mask does not occur in it: no edge is dead.",
)
def check_score_gradient(attempt):
    """Check `score_gradient` on small layers, against autograd through `straight_through`."""
    for batch, fan_out, fan_in in ((1, 1, 2), (1, 2, 3), (3, 2, 2), (5, 3, 4)):
        delta = _whole_numbers(batch, fan_out)
        x = _whole_numbers(batch, fan_in) + 1
        weight = torch.where(_whole_numbers(fan_out, fan_in) >= 0, 0.5, -0.5)
        scores = (_whole_numbers(fan_out, fan_in) * 0.1).requires_grad_(True)
        outputs = x @ (weight * straight_through(scores, scores >= 0)).T
        (want,) = torch.autograd.grad((outputs * delta).sum(), scores)
        given = f"delta {delta.tolist()}, x {x.tolist()}, W {weight.tolist()}"
        must_equal(attempt(delta, x, weight), want, given)


def _whole_numbers(*shape: int) -> Tensor:
    """Return small whole numbers of either sign that look irregular, as floats."""
    n = math.prod(shape)
    return ((torch.arange(n) * 7 + n) % 5 - 2).view(shape).float()


# --- 3: the mask of edge-popup -------------------------------------------------------------------------------------


def popup_mask(scores: Tensor, keep: float) -> Tensor:
    """Return the mask of one layer that keeps exactly round(keep * n) of n weights: those with the largest |score|.

    Of weights that tie at the border, the first in row-major order are kept.

    Args:
        scores: float tensor of any shape.
        keep: density in 0..1.

    Returns:
        bool tensor of the same shape.
    """
    order = scores.abs().flatten().argsort(descending=True, stable=True)
    mask = torch.zeros_like(order, dtype=torch.bool)
    mask[order[: round(keep * scores.numel())]] = True
    return mask.view(scores.shape)


@check_for(popup_mask, "Exact to the last edge, ties included: the same scores give the same bits on every machine.")
def check_popup_mask(attempt):
    """Check `popup_mask`: magnitude, exact count (2.5 rounds to 2), few and many ties, both ends, any memory layout."""
    cases = [
        ([0.2, 0.9, 0.5, 0.1], 0.5),
        ([0.2, -0.9, 0.5, -0.1], 0.5),  # the sign does not matter
        ([0.5, 0.5, 0.5, 0.5], 0.5),  # all tie
        ([0.1, 0.5, -0.5, 0.5], 0.5),  # three tie for two places
        ([0.0, 0.0, 0.0, 0.3], 0.5),  # zeros tie, and one of them is kept
        ([0.2, 0.9, 0.5, 0.1, 0.7], 0.5),  # round(2.5) is 2
        ([0.2, 0.9, 0.5], 0.5),  # and round(1.5) is 2
        ([0.2, -0.9, 0.5, -0.1], 0.0),
        ([0.2, -0.9, 0.5, -0.1], 1.0),
        ([[0.3, -0.4, 0.1], [0.2, 0.0, -0.6]], 0.3),
        ([[0.3, -0.4, 0.1], [0.2, 0.0, -0.6]], 0.9),
    ]
    for rows, keep in cases:
        scores = torch.tensor(rows)
        must_equal(attempt(scores, keep), popup_mask(scores, keep), f"scores {rows}, keep {keep}")
    turned = torch.tensor([[0.5, 0.1], [0.5, 0.5]]).T
    must_equal(attempt(turned, 0.5), popup_mask(turned, 0.5), f"scores {turned.tolist()}, transposed view")
    layer = torch.cos(torch.arange(300.0 * 20)).view(300, 20)
    must_equal(attempt(layer, 0.3), popup_mask(layer, 0.3), "a layer [300, 20], keep 0.3")
    tied = torch.full((8, 8), 0.5)  # a sort that is not stable keeps up to 16 ties in order, and shuffles more
    must_equal(attempt(tied, 0.3), popup_mask(tied, 0.3), "a layer [8, 8] of scores 0.5, keep 0.3")
    rounded = layer.round(decimals=1)
    must_equal(attempt(rounded, 0.3), popup_mask(rounded, 0.3), "a layer [300, 20] of 21 different scores, keep 0.3")


# --- 4: kept edges per pixel ---------------------------------------------------------------------------------------


def kept_per_pixel(mask: Tensor, permutation: Tensor) -> Tensor:
    """Return how many edges a mask keeps at each pixel of the original, unpermuted image.

    Args:
        mask: of the first layer, bool [units, pixels].
        permutation: int64 [pixels]: input j of the network is pixel permutation[j] of the original image.

    Returns:
        int64 [pixels].
    """
    counts = torch.empty_like(permutation)
    counts[permutation] = mask.sum(0)
    return counts


@check_for(kept_per_pixel, "Counted at the network's inputs, and put back to where the pixels came from.")
def check_kept_per_pixel(attempt):
    """Check `kept_per_pixel`: the right direction of the permutation above all."""
    cases = [
        ([[True, False, False]], [0, 1, 2]),
        ([[True, False, False]], [1, 2, 0]),
        ([[True, True, False], [True, False, False]], [2, 0, 1]),
        ([[True, True, False, True], [True, False, False, True], [True, False, True, False]], [3, 1, 0, 2]),
    ]
    for rows, places in cases:
        mask, permutation = torch.tensor(rows), torch.tensor(places)
        given = f"mask {rows}, permutation {places}"
        must_equal(attempt(mask, permutation), kept_per_pixel(mask, permutation), given)
    mask = torch.arange(300 * 784).view(300, 784) % 11 < 4
    permutation = torch.arange(784) * 5 % 784
    want = kept_per_pixel(mask, permutation)
    must_equal(attempt(mask, permutation), want, "a mask [300, 784]")


# --- 5: bits for each weight ---------------------------------------------------------------------------------------


def bits_per_weight(density: Tensor) -> Tensor:
    """Return H2 = -rho log2 rho - (1 - rho) log2 (1 - rho), the fewest bits a weight at density rho.

    Args:
        density: float tensor of values in 0..1, both ends included, where H2 is 0.

    Returns:
        float tensor of the same shape and dtype.
    """
    return -(torch.xlogy(density, density) + torch.xlogy(1 - density, 1 - density)) / math.log(2)


@check_for(
    bits_per_weight, "Stable at both ends: a mask that keeps all or nothing carries no message, so it costs 0 bits."
)
def check_bits_per_weight(attempt):
    """Check `bits_per_weight`: base 2, exactly 0 at both ends, symmetric, and right for very sparse masks."""
    for values in ([0.5], [0.25, 0.75], [0.1, 0.9], [0.0], [1.0], [[0.0, 0.3], [0.5, 1.0]]):
        density = torch.tensor(values)
        must_equal(attempt(density), bits_per_weight(density), f"density {values}")
    ends = attempt(torch.tensor([0.0, 1.0]))
    if (ends != 0).any():
        raise Wrong(f"density [0.0, 1.0]: expected exactly 0 bits at both ends, got {ends.tolist()}.")
    sparse = torch.tensor([1e-6, 1e-4], dtype=torch.float64)
    must_equal(attempt(sparse) * 1e4, bits_per_weight(sparse) * 1e4, "10,000 weights of density 1e-6, 1e-4")


# --- 6: find out ---------------------------------------------------------------------------------------------------


def cheapest_density(accuracies: dict[float, float], slack: float) -> float:
    """Return the density whose masks cost the fewest bits among those within `slack` of the best accuracy.

    Args:
        accuracies: density -> accuracy, both in 0..1.
        slack: how much accuracy may be lost, such as 0.01.

    Returns:
        one of the densities; of two that cost the same, the more accurate one.
    """
    enough = max(accuracies.values()) - slack
    candidates = [density for density, accuracy in accuracies.items() if accuracy >= enough]
    # Rounded, so that densities p and 1 - p count as a tie although their floats differ in the last digit.
    return min(candidates, key=lambda p: (round(_bits(p), 9), -accuracies[p]))


def _bits(density: float) -> float:
    return bits_per_weight(torch.tensor(density, dtype=torch.float64, device="cpu")).item()


@check_for(cheapest_density, "Bits count choices, not edges: few removed is as cheap to write down as few kept.")
def check_cheapest_density(attempt):
    """Check `cheapest_density`: the cost is symmetric about one half, which "keep the fewest" misses."""
    cases = [
        ({0.3: 0.90, 0.5: 0.91}, 0.02),
        ({0.5: 0.91, 0.9: 0.90}, 0.02),  # the dense mask is the cheap one
        ({0.2: 0.90, 0.5: 0.91, 0.9: 0.90}, 0.02),
        ({0.2: 0.80, 0.5: 0.91, 0.7: 0.90}, 0.02),  # the cheap one is too far below
        ({0.05: 0.10, 0.5: 0.91, 0.95: 0.10}, 0.0),
        ({0.1: 0.88, 0.5: 0.90, 0.9: 0.89}, 0.05),  # a tie in bits goes to the more accurate
        ({0.1: 0.89, 0.5: 0.90, 0.9: 0.88}, 0.05),  # wherever it stands
        ({0.95: 0.88, 0.5: 0.90, 0.05: 0.89}, 0.05),
        ({0.95: 0.89, 0.5: 0.90, 0.05: 0.88}, 0.05),
        ({0.3: 0.88, 0.7: 0.89}, 0.05),
        ({0.3: 0.89, 0.7: 0.88}, 0.05),
        ({0.0: 0.10, 0.5: 0.50, 1.0: 0.12}, 0.5),
    ]
    for accuracies, slack in cases:
        want = cheapest_density(accuracies, slack)
        must_equal(attempt(accuracies, slack), want, f"accuracies {accuracies}, slack {slack}")
