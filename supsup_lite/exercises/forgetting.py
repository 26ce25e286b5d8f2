"""Exercises of lesson 03: backward transfer, forgetting, EWC's spring, the Fisher information, and what is missing."""

import math

import torch
from torch import Tensor

from supsup_lite.exercises import Wrong, check_for, must_equal

__all__ = [
    "backward_transfer",
    "check_backward_transfer",
    "check_fisher_of_layer",
    "check_forgetting",
    "check_missing",
    "check_spring",
    "fisher_of_layer",
    "forgetting",
    "missing",
    "spring",
]

NAN = math.nan

# Accuracy matrices of few tasks, smallest first: task 0 loses; gains; dips and comes back; two forget in their own way.
MATRICES = [
    [[0.9, NAN], [0.6, 0.8]],
    [[0.5, NAN], [0.75, 1.0]],
    [[0.9, NAN, NAN], [0.8, 0.7, NAN], [0.5, 0.6, 0.9]],
    [[0.6, NAN, NAN], [0.9, 0.8, NAN], [0.7, 0.9, 1.0]],
    [[0.9, NAN, NAN], [0.3, 0.8, NAN], [0.9, 0.8, 0.2]],
    [[0.9, NAN, NAN, NAN], [0.95, 0.8, NAN, NAN], [0.5, 0.85, 0.7, NAN], [0.4, 0.3, 0.75, 0.6]],
]


def _matrices() -> list[tuple[Tensor, str]]:
    return [(torch.tensor(rows, dtype=torch.float64), f"A = {rows}") for rows in MATRICES]


# --- 1: backward transfer ------------------------------------------------------------------------------------------


def backward_transfer(A: Tensor) -> Tensor:
    """Return BWT, the mean over all tasks but the last of A[k-1, i] - A[i, i].

    Args:
        A: accuracy matrix, float [k, k]: A[t, i] is the accuracy on task i after task t; NaN where i > t.
    """
    return (A[-1] - A.diagonal())[:-1].mean()


@check_for(backward_transfer, "The last row against the diagonal: what later tasks have done to earlier ones.")
def check_backward_transfer(attempt):
    """Check `backward_transfer`: its sign, and that the last task does not count."""
    for A, given in _matrices():
        must_equal(attempt(A), backward_transfer(A).item(), given)


# --- 2: forgetting -------------------------------------------------------------------------------------------------


def forgetting(A: Tensor) -> Tensor:
    """Return F, the mean over all tasks but the last of the best accuracy before the last task minus the last one.

    Args:
        A: as in `backward_transfer`.
    """
    best = A[:-1, :-1].nan_to_num(-1.0).amax(0)
    return (best - A[-1, :-1]).mean()


@check_for(forgetting, "Measured from the best that was ever known, not from the first that was known.")
def check_forgetting(attempt):
    """Check `forgetting`: from the best before the last task, which may be below what the last task left."""
    for A, given in _matrices():
        must_equal(attempt(A), forgetting(A).item(), given)


# --- 3: the spring -------------------------------------------------------------------------------------------------


def spring(theta: Tensor, anchor: Tensor, importance: Tensor, strength: float) -> Tensor:
    """Return EWC's penalty lambda / 2 * sum_j F_j (theta_j - theta*_j)^2, one number.

    Args:
        theta, anchor, importance: the weights, the weights of the old task, and F; float tensors of one shape.
        strength: lambda.
    """
    return strength / 2 * (importance * (theta - anchor).square()).sum()


@check_for(spring, "A spring on each weight, stiff where the old task cared, slack where it did not.")
def check_spring(attempt):
    """Check `spring`: its value, and the gradient that pulls a weight back."""
    cases = [
        ([2.0], [1.0], [1.0], 2.0),
        ([2.0], [1.0], [3.0], 4.0),
        ([1.0, 5.0], [1.0, 1.0], [9.0, 0.0], 10.0),  # what moved does not matter to the old task
        ([1.0, 2.0], [3.0, 1.0], [0.5, 2.0], 1.0),
        ([[1.0, -2.0], [0.0, 4.0]], [[0.0, 0.0], [1.0, 3.0]], [[1.0, 0.5], [2.0, 0.25]], 3.0),
        ([1.0, 2.0], [3.0, 1.0], [0.5, 2.0], 0.0),
    ]
    for theta, anchor, importance, strength in cases:
        given = f"theta {theta}, anchor {anchor}, F {importance}, lambda {strength}"
        tensors = torch.tensor(theta), torch.tensor(anchor), torch.tensor(importance)
        must_equal(attempt(*tensors, strength), spring(*tensors, strength).item(), given)
        leaf = tensors[0].clone().requires_grad_(True)
        value = attempt(leaf, *tensors[1:], strength)
        if not isinstance(value, Tensor) or not value.requires_grad:
            raise Wrong(f"{given}: the penalty is cut off from theta, so no gradient can pull it back.")
        (pull,) = torch.autograd.grad(value, leaf)
        must_equal(pull, strength * tensors[2] * (tensors[0] - tensors[1]), f"the gradient at {given}")


# --- 4: the Fisher information of a layer --------------------------------------------------------------------------


def fisher_of_layer(delta: Tensor, h: Tensor) -> Tensor:
    """Return the diagonal of the Fisher information of one linear layer, float [out, in].

    Args:
        delta: for each image the gradient of log pi_y with respect to the layer's outputs, float [B, out].
        h: the layer's inputs, float [B, in].
    """
    return delta.square().T @ h.square() / len(h)


@check_for(fisher_of_layer, "Squares before the mean: one product of matrices does the work of n backward passes.")
def check_fisher_of_layer(attempt):
    """Check `fisher_of_layer` against a loop over images; images that cancel in a mean gradient must not."""
    cases = [
        ([[2.0]], [[3.0]]),
        ([[1.0], [-1.0]], [[2.0], [2.0]]),  # the mean gradient is 0, the Fisher information is not
        ([[1.0, -2.0]], [[3.0, 0.0, 1.0]]),
        ([[1.0, -2.0], [0.5, 1.0]], [[3.0, 0.0, 1.0], [-1.0, 2.0, 0.0]]),
        ([[0.1, 0.2], [0.3, -0.6], [-0.7, 0.4], [0.0, 1.0]], [[1.0, 2.0], [0.0, 1.0], [4.0, -1.0], [0.5, 0.5]]),
    ]
    for delta, h in cases:
        tensors = torch.tensor(delta), torch.tensor(h)
        each = [torch.outer(one, two).square() for one, two in zip(*tensors, strict=True)]
        must_equal(attempt(*tensors), torch.stack(each).mean(0), f"delta {delta}, h {h}")


# --- 5: find out ---------------------------------------------------------------------------------------------------


def missing(A: Tensor, best: Tensor) -> Tensor:
    """Return what is missing from the best that the network could do: [never learned, forgotten], mean over tasks.

    Never learned: best[i] - A[i, i]. Forgotten: A[i, i] - A[k-1, i]. Their sum is the whole gap.

    Args:
        A: accuracy matrix, float [k, k].
        best: accuracy on each task of the network that was trained on all of them together, float [k].

    Returns:
        float [2].
    """
    return torch.stack([(best - A.diagonal()).mean(), (A.diagonal() - A[-1]).mean()])


@check_for(missing, "Two ways to fail: a network can forget what it knew, or refuse to learn what is new.")
def check_missing(attempt):
    """Check `missing`: the two parts add up to the gap, over all k tasks."""
    for doubles, given in _matrices():
        A = doubles.float()  # then `torch.tensor` of two Python floats has the dtype of A as well
        best = torch.linspace(0.95, 0.9, len(A))
        must_equal(attempt(A, best), missing(A, best), f"{given}, best = {best.tolist()}")
