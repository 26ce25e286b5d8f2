"""Exercises of lesson 04: a stable entropy, finite differences, the gradient for alpha by hand, halving, its cost."""

from collections.abc import Callable

import torch
from torch import Tensor

from supsup_lite.exercises import check_for, must_equal

__all__ = [
    "alpha_gradient_one_layer",
    "binary_multiply_adds",
    "check_alpha_gradient_one_layer",
    "check_binary_multiply_adds",
    "check_entropy",
    "check_finite_difference",
    "check_halve",
    "entropy",
    "finite_difference",
    "halve",
]

# --- 1: the entropy of softmax, stable where a probability is 0 ------------------------------------------------------


def entropy(logits: Tensor) -> Tensor:
    """Return H(softmax(p)) = -sum_j pi_j log pi_j of each row, in nats.

    Args:
        logits: float [B, s], of any size: 1000 and -1000 too.

    Returns:
        float [B].
    """
    log_pi = logits.log_softmax(1)
    return -(log_pi.exp() * log_pi).sum(1)


@check_for(entropy, "Finite for every output, however sure. This is the quantity that the whole lesson goes down by.")
def check_entropy(attempt):
    """Check `entropy`: base e, one value a row, finite for very large outputs, and exact where it is nearly 0."""
    cases = (
        [[0.0, 0.0]],
        [[1.0, 0.0]],
        [[2.0, -1.0, 0.5], [0.0, 0.0, 0.0]],
        [[1000.0, 0.0]],
        [[-1000.0, 0.0, 1000.0]],
    )
    for rows in cases:
        logits = torch.tensor(rows)
        must_equal(attempt(logits), entropy(logits), f"logits {rows}")
    logits = _irregular(5, 100) * 3
    must_equal(attempt(logits), entropy(logits), "logits [5, 100]")
    must_equal(attempt(logits.double()), entropy(logits.double()), "logits [5, 100] in float64")
    apart = torch.tensor([[1000.0, 999.0, 0.0], [-1000.0, -999.0, -998.0]], dtype=torch.float64)  # clamped, all alike
    must_equal(attempt(apart), entropy(apart), f"logits {apart.tolist()} in float64")
    sure = torch.tensor([[20.0, 0.0], [0.0, -15.0]], dtype=torch.float64)  # 4.3e-8 nats: log(pi + 1e-8) loses a third
    must_equal(attempt(sure) * 1e7, entropy(sure) * 1e7, f"1e7 times the entropy of logits {sure.tolist()} in float64")


def _irregular(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return numbers between -1 and 1 that look irregular and are the same everywhere."""
    n = torch.Size(shape).numel()
    return torch.cos(torch.arange(n, dtype=dtype) * 37 + n).view(shape)


# --- 2: finite differences -------------------------------------------------------------------------------------------


def finite_difference(f: Callable[[Tensor], Tensor], alphas: Tensor, step: float) -> Tensor:
    """Return the slope of f in each alpha by central differences: (f(alpha + step) - f(alpha - step)) / (2 step).

    Args:
        f: takes a tensor like alphas, and returns one number as a tensor.
        alphas: float64 [k]; moved one at a time, the others stay, and nothing is renormalised.
        step: a small positive number.

    Returns:
        float64 [k].
    """
    moves = step * torch.eye(len(alphas), dtype=alphas.dtype)
    return torch.stack([(f(alphas + move) - f(alphas - move)) / (2 * step) for move in moves])


@check_for(finite_difference, "Slow, and needs no calculus at all: that is what makes it a good witness.")
def check_finite_difference(attempt):
    """Check `finite_difference`: central, one alpha at a time, divided by the whole width."""
    functions = {
        "3 a_0": lambda a: 3 * a[0],
        "the sum of squares": lambda a: (a**2).sum(),
        "the sum of cubes": lambda a: (a**3).sum(),  # here one-sided differences are visibly off
        "a_0 a_last": lambda a: a[0] * a[-1],
    }
    for alphas in ([0.5, 0.5], [0.2, 0.3, 0.5], [1.0]):
        for name, f in functions.items():
            at = torch.tensor(alphas, dtype=torch.float64)
            got = attempt(f, at, 0.1)
            must_equal(got, finite_difference(f, at, 0.1), f"f = {name}, alphas {alphas}, step 0.1", 1e-9)


# --- 3: the gradient on alpha, by hand, for one layer ----------------------------------------------------------------


def alpha_gradient_one_layer(weight: Tensor, masks: Tensor, x: Tensor) -> Tensor:
    """Return dH/dalpha_i at alpha_i = 1/k of p = (W * sum_i alpha_i M_i) x, without autograd.

    Args:
        weight: the frozen weights W of one layer, float [s, inputs].
        masks: M_1..M_k, bool [k, s, inputs].
        x: one image, float [inputs].

    Returns:
        float [k]: with delta_j = dH/dp_j = -pi_j (log pi_j + H), the numbers sum_j delta_j ((W * M_i) x)_j.
    """
    outputs = (weight * masks) @ x  # [k, s], under each mask by itself
    log_pi = outputs.mean(0).log_softmax(0)  # a layer is linear: the superposition's outputs are their mean
    pi = log_pi.exp()
    delta = -pi * (log_pi - (pi * log_pi).sum())
    return outputs @ delta


@check_for(alpha_gradient_one_layer, "That is One-Shot for one layer: one delta for all masks, k inner products.")
def check_alpha_gradient_one_layer(attempt):
    """Check `alpha_gradient_one_layer` against autograd, in float64 and float32, from two inputs to forty."""
    for k, s, inputs in ((1, 2, 2), (2, 2, 2), (3, 2, 3), (3, 4, 2), (7, 10, 40)):
        for dtype in (torch.float64, torch.float32):
            weight = torch.where(_irregular(s, inputs, dtype=dtype) >= 0, 1.0, -1.0).to(dtype)
            masks = _irregular(k, s, inputs) >= 0
            x = _irregular(inputs, dtype=dtype)
            want = _by_autograd(weight, masks, x)
            given = f"k = {k}, s = {s}, {inputs} inputs, {dtype}"
            if weight.numel() * k <= 12:
                given += f": W {weight.tolist()}, M {masks.int().tolist()}, x {x.tolist()}"
            must_equal(attempt(weight, masks, x), want, given, 1e-9 if dtype == torch.float64 else 1e-5)


def _by_autograd(weight: Tensor, masks: Tensor, x: Tensor) -> Tensor:
    alphas = torch.full((len(masks),), 1 / len(masks), dtype=x.dtype, requires_grad=True)
    logits = (weight * torch.einsum("k,ksd->sd", alphas, masks.to(x.dtype))) @ x
    return torch.autograd.grad(entropy(logits[None])[0], alphas)[0]


# --- 4: one step of Binary -------------------------------------------------------------------------------------------


def halve(candidates: Tensor, gradient: Tensor) -> Tensor:
    """Return the better half of the candidates: of n, ceil(n / 2) with the largest -gradient. Of a tie the first stay.

    Args:
        candidates: bool [k], which masks are still in.
        gradient: dH/dalpha, float [k], for all k masks: those that are out have one too.

    Returns:
        bool [k].
    """
    left = -(-int(candidates.sum()) // 2)
    order = gradient.masked_fill(~candidates, torch.inf).argsort(stable=True)
    kept = torch.zeros_like(candidates)
    kept[order[:left]] = True
    return kept


@check_for(halve, "Repeat it, with equal alphas for those that are left, and log2 k gradients leave one mask.")
def check_halve(attempt):
    """Check `halve`: odd numbers, ties, and masks that are out already but have a tempting gradient."""
    cases = [
        ([1, 1], [0.5, -0.5]),
        ([1, 1, 1, 1], [0.3, -0.2, 0.1, -0.4]),
        ([1, 1, 1], [0.3, -0.2, 0.1]),  # odd: round up
        ([1, 0, 1, 1], [0.3, -9.0, 0.1, 0.2]),  # mask 1 is out, whatever it promises
        ([1, 1, 1, 1], [0.0, 0.0, 0.0, 0.0]),  # all tie
        ([0, 1, 0, 1, 1, 0], [0.0, 0.2, 0.0, 0.2, 0.2, 0.0]),
        ([0, 0, 1], [0.0, 0.0, 5.0]),  # one left: it stays
    ]
    for candidates, gradient in cases:
        inside, slopes = torch.tensor(candidates).bool(), torch.tensor(gradient)
        given = f"candidates {candidates}, gradient {gradient}"
        must_equal(attempt(inside, slopes), halve(inside, slopes), given)
    inside, slopes = _irregular(100) > 0, _irregular(100).round(decimals=1)
    must_equal(attempt(inside, slopes), halve(inside, slopes), "100 masks, many of them out or tied")


# --- 5: what Binary costs --------------------------------------------------------------------------------------------


def binary_multiply_adds(k: int, n: int, B: int) -> float:
    """Return the multiply-adds of Binary for each of B images of one task, when masks that are out are not read again.

    A gradient for the alphas of j masks takes 3 n for each image, forward and backward, and 2 j n for all B together.

    Args:
        k: masks to begin with; each step leaves ceil(j / 2) of j, and with one left nothing needs to be asked.
        n: weights of the network.
        B: images.
    """
    total = 0
    while k > 1:
        total += 3 * n + 2 * k * n / B
        k = -(-k // 2)
    return total


@check_for(binary_multiply_adds, "The candidates halve, so all later looks together cost about as much as the first.")
def check_binary_multiply_adds(attempt):
    """Check `binary_multiply_adds`: numbers of masks that are no powers of two, one mask, and one image."""
    for k, n, B in ((2, 1, 1), (3, 1, 1), (1, 10, 4), (4, 10, 1), (5, 10, 4), (100, 275_200, 128), (2500, 1000, 1)):
        must_equal(attempt(k, n, B), binary_multiply_adds(k, n, B), f"k = {k}, n = {n}, B = {B}", 1e-9)
