"""Exercises of lesson 05: none of these, G, temperature, how much masks agree, and a vote that knows of ReLU."""

import torch
from torch import Tensor

from supsup_lite.exercises import Wrong, check_for, must_equal

__all__ = [
    "agreement",
    "check_agreement",
    "check_none_of_these",
    "check_rectified_part",
    "check_superfluous_objective",
    "check_temperature_entropy",
    "none_of_these",
    "rectified_part",
    "superfluous_objective",
    "temperature_entropy",
]

# --- 1: none of these ----------------------------------------------------------------------------------------------


def none_of_these(logits: Tensor, num_classes: int) -> Tensor:
    """Return the share of probability on the superfluous outputs: float [B].

    Args:
        logits: float [B, s].
        num_classes: l; the outputs from l on are superfluous. With l = s there are none, and the share is 0.
    """
    return logits.softmax(1)[:, num_classes:].sum(1)


LOGITS = (
    ([[0.0, 0.0]], 1),
    ([[2.0, 1.0, -1.0]], 2),
    ([[2.0, 1.0, -1.0, 3.0], [0.0, 5.0, 0.5, -2.0]], 2),
    ([[2.0, 1.0, -1.0, 3.0], [0.0, 5.0, 0.5, -2.0]], 1),
    ([[200.0, 100.0, 199.0]], 2),  # exp(200) is too large for a float
    ([[-200.0, -300.0, -199.0]], 2),
)


@check_for(none_of_these, "Each superfluous output says 'none of these', and nobody had to label a single example.")
def check_none_of_these(attempt):
    """Check `none_of_these`: a share of the whole, stable for large logits, and 0 where nothing is superfluous."""
    for rows, num_classes in (*LOGITS, ([[2.0, 1.0, -1.0]], 3)):
        logits = torch.tensor(rows)
        want = none_of_these(logits, num_classes)
        must_equal(attempt(logits, num_classes), want, f"logits {rows}, {num_classes} classes")


# --- 2: G, with the gradient of the real outputs stopped -----------------------------------------------------------


def superfluous_objective(logits: Tensor, num_classes: int) -> Tensor:
    """Return G of each image: float [B], the logsumexp over all outputs, the gradient of the real ones stopped.

    Args:
        logits: float [B, s].
        num_classes: l < s.
    """
    real = logits[:, :num_classes].detach()
    return torch.cat([real, logits[:, num_classes:]], dim=1).logsumexp(1)


@check_for(superfluous_objective, "The value sees all outputs, the gradient only the superfluous ones.")
def check_superfluous_objective(attempt):
    """Check `superfluous_objective`: its value, and its gradient with respect to the logits."""
    for rows, num_classes in LOGITS:
        given = f"logits {rows}, {num_classes} classes"
        ours, theirs = (torch.tensor(rows, requires_grad=True) for _ in range(2))
        want, got = superfluous_objective(ours, num_classes), attempt(theirs, num_classes)
        must_equal(got, want, given)
        if not got.requires_grad:
            raise Wrong(f"{given}: the value is right, but no gradient comes back. Which outputs may pass it on?")
        (slope,) = torch.autograd.grad(want.sum(), ours)
        (theirs_slope,) = torch.autograd.grad(got.sum(), theirs, allow_unused=True)
        if theirs_slope is None:
            raise Wrong(f"{given}: the gradient does not reach the logits.")
        must_equal(theirs_slope, slope, f"the gradient for {given}")


# --- 3: entropy at a temperature -----------------------------------------------------------------------------------


def temperature_entropy(logits: Tensor, temperature: float) -> Tensor:
    """Return the entropy of softmax(p / T) of each image, in nats: float [B], exact where a probability is 0.

    Args:
        logits: float [B, s].
        temperature: T > 0.
    """
    log_pi = (logits / temperature).log_softmax(1)
    return -(log_pi.exp() * log_pi).sum(1)


@check_for(temperature_entropy, "From a hard choice at small T to one that only looks at the spread of the logits.")
def check_temperature_entropy(attempt):
    """Check `temperature_entropy` at cold, usual and hot temperatures, and exact where it is nearly 0."""
    for rows, _ in LOGITS:
        for temperature in (1.0, 2.0, 0.01, 100.0):
            logits = torch.tensor(rows)
            want = temperature_entropy(logits, temperature)
            must_equal(attempt(logits, temperature), want, f"logits {rows}, T = {temperature}")
    sure = torch.tensor([[40.0, 0.0], [0.0, -30.0]], dtype=torch.float64)  # 4.3e-8 nats: log(pi + 1e-8) loses a third
    want, given = temperature_entropy(sure, 2.0), f"logits {sure.tolist()} in float64, T = 2"
    must_equal(attempt(sure, 2.0) * 1e7, want * 1e7, f"1e7 times the entropy of {given}")


# --- 4: how much masks agree ---------------------------------------------------------------------------------------


def agreement(bits: Tensor) -> float:
    """Return the mean over weights of |2 M - 1|, M the share of tasks that keep a weight: 1 if all masks are alike.

    Args:
        bits: one layer's masks, bool [k, ...].
    """
    return float((2 * bits.float().mean(0) - 1).abs().mean())


@check_for(agreement, "One number for a layer: 0 when the tasks are split evenly on each weight, 1 when they are one.")
def check_agreement(attempt):
    """Check `agreement`: mean of absolute values over weights, not the absolute value of a mean."""
    cases = [
        [[[True, False]], [[True, False]]],  # all alike, half kept
        [[[True, False]], [[False, True]]],  # opposite
        [[[True, False]]],  # one mask agrees with itself
        [[[True, True, False]], [[True, False, False]], [[True, False, True]]],
        [[[True, False], [True, True]], [[False, False], [True, False]], [[False, True], [True, False]]],
    ]
    for bits in cases:
        masks = torch.tensor(bits)
        must_equal(attempt(masks), agreement(masks), f"masks {masks.int().tolist()}")


# --- 5: a vote that knows of ReLU ----------------------------------------------------------------------------------


def rectified_part(preactivations: Tensor, delta: Tensor) -> Tensor:
    """Return one hidden layer's part of the rectified gradient with respect to alpha: float [B, k].

    The gradient's part is sum_u delta_u I_iu, I_iu the preactivation of unit u under mask i. Here it counts only
    where it is positive, as ReLU would have it.

    Args:
        preactivations: of each unit of the layer under each mask by itself, before ReLU: float [B, k, units].
        delta: the gradient with respect to the superposition's units, before ReLU: float [B, units].
    """
    return torch.einsum("bku,bu->bk", preactivations.relu(), delta)


@check_for(rectified_part, "The same products, one ReLU more, and no mask had to be learned again.")
def check_rectified_part(attempt):
    """Check `rectified_part`: ReLU on the preactivations, and on nothing else."""
    cases = [
        ([[[2.0, -3.0]]], [[-1.0, -1.0]]),
        ([[[2.0, -3.0], [1.0, 1.0]]], [[-1.0, 2.0]]),
        ([[[2.0, -3.0], [1.0, 1.0], [-4.0, 0.5]]], [[1.0, -0.5]]),
        ([[[2.0, -3.0], [1.0, 1.0]], [[-1.0, 4.0], [2.0, -2.0]]], [[-1.0, 2.0], [0.5, -3.0]]),
        ([[[-2.0, -3.0, 1.0], [1.0, 1.0, -1.0]]], [[-1.0, 2.0, 0.0]]),
    ]
    for rows, delta_rows in cases:
        preactivations, delta = torch.tensor(rows), torch.tensor(delta_rows)
        given = f"preactivations {rows}, delta {delta_rows}"
        must_equal(attempt(preactivations, delta), rectified_part(preactivations, delta), given)
