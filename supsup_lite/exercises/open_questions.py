"""Projects of lesson 10: what a difference over seeds says, a temperature for a mask, the nearest old mask."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from supsup_lite.exercises import check_for, must_equal

__all__ = [
    "best_temperature",
    "check_best_temperature",
    "check_gain",
    "check_nearest_mask",
    "gain",
    "nearest_mask",
]

# --- 1: what a difference over seeds says ----------------------------------------------------------------------------


def gain(ours: Tensor, theirs: Tensor, t: float) -> Tensor:
    """Return by how much one method is above another, with its 95 % interval: mean, low, high, float [3].

    The two share what a seed draws, so they are compared seed by seed.

    Args:
        ours, theirs: accuracy with each seed, float [seeds], two or more, in the same order.
        t: the 97.5 % point of Student's t with seeds - 1 degrees of freedom.
    """
    differences = ours - theirs
    half = t * differences.std() / math.sqrt(len(differences))
    return torch.stack([differences.mean(), differences.mean() - half, differences.mean() + half])


@check_for(gain, "Seed by seed, what both methods share cancels out: three seeds can say more than thirty unpaired.")
def check_gain(attempt):
    """Check `gain`: paired, with the deviation of a sample (n - 1), of a mean (square root of n)."""
    cases = [
        ([0.5, 0.75], [0.25, 0.25], 12.706),
        ([0.5, 0.75, 1.0], [0.25, 0.5, 0.75], 4.303),  # the same difference each time: no doubt is left
        ([0.9, 0.5, 0.7], [0.8, 0.45, 0.5], 4.303),
        ([0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], 3.182),
        ([0.91, 0.93, 0.92, 0.95, 0.9], [0.9, 0.9, 0.9, 0.9, 0.9], 2.776),
    ]
    for ours, theirs, t in cases:
        want = gain(torch.tensor(ours), torch.tensor(theirs), t)
        got = attempt(torch.tensor(ours), torch.tensor(theirs), t)
        must_equal(got, want, f"ours {ours}, theirs {theirs}, t {t}")


# --- 2: a temperature for a mask -------------------------------------------------------------------------------------


def best_temperature(logits: Tensor, labels: Tensor, temperatures: Sequence[float]) -> float:
    """Return the temperature that makes a mask's answers best calibrated: of least cross-entropy on images set aside.

    Args:
        logits: of the mask on images of its own task, float [B, classes].
        labels: int [B].
        temperatures: to choose from; logits are divided by them. The first of equally good ones wins.
    """
    losses = [cross_entropy(logits / t, labels).item() for t in temperatures]
    return temperatures[losses.index(min(losses))]


@check_for(best_temperature, "Above 1 it says: this mask is surer than it is right. Below 1: it may say so louder.")
def check_best_temperature(attempt):
    """Check `best_temperature`: hot, cold and calibrated masks, any order of the list, nothing written to."""
    draw = torch.Generator().manual_seed(0)
    for truth, temperatures in (
        (1.0, [0.5, 1.0, 2.0]),
        (4.0, [1.0, 2.0, 4.0, 8.0]),
        (0.25, [4.0, 1.0, 0.25]),
        (4.0, [8.0, 4.0, 2.0, 1.0, 0.5]),
        (3.0, [3.0]),
    ):
        calibrated = 2 * torch.randn(800, 5, generator=draw)
        labels = calibrated.softmax(1).multinomial(1, generator=draw)[:, 0]
        logits = truth * calibrated
        want = best_temperature(logits, labels, temperatures)
        got = attempt(logits.clone(), labels, list(temperatures))
        must_equal(got, want, f"a mask that is {truth:g} times as loud as it should be, temperatures {temperatures}")


# --- 3: the nearest old mask -----------------------------------------------------------------------------------------


def nearest_mask(logits: Tensor, labels: Tensor) -> int:
    """Return which of k old masks is the best start for a new task: that of least cross-entropy on its first images.

    Args:
        logits: of each mask on images of the new task, float [k, B, classes].
        labels: int [B].
    """
    losses = torch.stack([cross_entropy(each, labels) for each in logits])
    return int(losses.argmin())


@check_for(nearest_mask, "Cheap: k forward passes over a few images. Does it help? That is the project.")
def check_nearest_mask(attempt):
    """Check `nearest_mask`: by the labels, not by how sure a mask is, and by the loss, not by the answers alone."""
    labels = torch.tensor([0, 1, 2])
    right, shifted = 2 * torch.eye(3), 2 * torch.eye(3)[[1, 2, 0]]
    nearly = torch.tensor([[1.0, 1.1, 0.0], [0.0, 1.0, 1.1], [1.1, 0.0, 1.0]])  # never right, never far off
    boasts = torch.tensor([[9.0, 0.0, 0.0], [9.0, 0.0, 0.0], [9.0, 0.0, 0.0]])  # a third right, and very sure
    cases = {
        "one mask": [right],
        "a right and a wrong mask": [shifted, right],
        "a right mask that is unsure, a wrong one that is sure": [0.5 * right, 4 * shifted],
        "a mask that is never right and never far off, one that is right once and very sure": [boasts, nearly],
        "three masks": [0 * right, shifted, 2 * right],
        "the first of three is best": [right, shifted, boasts],
    }
    for given, masks in cases.items():
        logits = torch.stack(masks)
        must_equal(attempt(logits.clone(), labels.clone()), nearest_mask(logits, labels), given)
