"""Every check of lesson 02 accepts its reference, knows a stub, and rejects what a learner may well write."""

import math

import pytest
import torch

import supsup_lite as sl
from supsup_lite.exercises import edge_popup as ex
from supsup_lite.masks.bits import binary_entropy
from tests.every_exercise import EveryExercise

CHECKS = {
    "score_gradient": ex.check_score_gradient,
    "popup_mask": ex.check_popup_mask,
    "kept_per_pixel": ex.check_kept_per_pixel,
    "bits_per_weight": ex.check_bits_per_weight,
    "cheapest_density": ex.check_cheapest_density,
}


def in_place(scores, keep):
    result = ex.popup_mask(scores, keep)
    scores.abs_()
    return result


def delta_in_place(delta, x, weight):
    result = ex.score_gradient(delta, x, weight)
    delta.zero_()
    return result


def all_that_reach_the_border(scores, keep):
    """Keeps too many when scores tie."""
    kept = round(keep * scores.numel())
    if kept == 0:
        return torch.zeros_like(scores, dtype=torch.bool)
    return scores.abs() >= scores.abs().flatten().sort(descending=True).values[kept - 1]


def by_signed_score(scores, keep):
    return ex.popup_mask(scores - scores.min(), keep)


def rounded_down(scores, keep):
    return ex.popup_mask(scores, int(keep * scores.numel()) / scores.numel())


def last_of_a_tie(scores, keep):
    return ex.popup_mask(scores.flatten().flip(0), keep).flip(0).view(scores.shape)


def clamped(density):
    p = density.clamp(1e-4, 1 - 1e-4)
    return -(p * p.log2() + (1 - p) * (1 - p).log2())


def fewest_edges(accuracies, slack):
    """Counts edges instead of bits."""
    enough = max(accuracies.values()) - slack
    return min(density for density, accuracy in accuracies.items() if accuracy >= enough)


def slack_ignored(accuracies, slack):
    return min(accuracies, key=lambda p: (round(ex._bits(p), 9), -accuracies[p]))


def cleared(accuracies, slack):
    result = ex.cheapest_density(accuracies, slack)
    accuracies.clear()
    return result


WRONG = {
    "score_gradient": [
        lambda delta, x, weight: delta.T @ x,  # the gradient of W_eff
        lambda delta, x, weight: (delta.T @ x) * weight.abs(),
        lambda delta, x, weight: ((delta.T @ x) * weight).clamp(min=0),
        lambda delta, x, weight: (delta.T @ x) * weight / len(x),
        lambda delta, x, weight: (x.T @ delta) * weight.T,  # the shape of its transpose
        lambda delta, x, weight: ((delta.T @ x) * weight).double(),
        lambda delta, x, weight: weight * delta.sum(0)[:, None],
        delta_in_place,
    ],
    "popup_mask": [
        all_that_reach_the_border,
        by_signed_score,
        rounded_down,
        last_of_a_tie,
        in_place,
        lambda scores, keep: ex.popup_mask(scores, keep).float(),
        lambda scores, keep: ex.popup_mask(scores, keep).flatten(),
        lambda scores, keep: ex.popup_mask(scores, 1 - keep),  # sparsity taken for density
        lambda scores, keep: scores >= 0,
    ],
    "kept_per_pixel": [
        lambda mask, permutation: mask.sum(0)[permutation],  # permuted once more instead of back
        lambda mask, permutation: mask.sum(0),
        lambda mask, permutation: mask.sum(1),
        lambda mask, permutation: ex.kept_per_pixel(mask, permutation).float(),
        lambda mask, permutation: ex.kept_per_pixel(mask, permutation)[None],
        lambda mask, permutation: ex.kept_per_pixel(mask.logical_not_(), permutation),
    ],
    "bits_per_weight": [
        lambda p: -(p * p.log2() + (1 - p) * (1 - p).log2()),  # NaN at both ends
        lambda p: -(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p)),  # nats
        lambda p: -torch.xlogy(p, p) / math.log(2),  # half of it
        lambda p: (-(p * p.log2() + (1 - p) * (1 - p).log2())).nan_to_num(0.5),
        clamped,
        lambda p: ex.bits_per_weight(p).float().double(),
        lambda p: ex.bits_per_weight(p).sum(),
    ],
    "cheapest_density": [
        fewest_edges,
        slack_ignored,
        cleared,
        lambda accuracies, slack: max(accuracies, key=accuracies.get),
        lambda accuracies, slack: ex._bits(ex.cheapest_density(accuracies, slack)),
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, WRONG = CHECKS, WRONG


@pytest.mark.parametrize("name", CHECKS)
def test_a_function_has_to_be_given(name):
    assert "give the function itself" in CHECKS[name](3).message


# --- the references agree with the package ---------------------------------------------------------------------------


def test_references_agree_with_the_package():
    scores = torch.randn(50, 40, generator=torch.Generator().manual_seed(0)).round(decimals=1)  # many ties
    for keep in (0, 0.01, 0.1, 0.5, 0.77, 1):
        assert torch.equal(ex.popup_mask(scores, keep), sl.top_k_mask(scores, keep))
    density = torch.linspace(0, 1, 101, dtype=torch.float64)
    torch.testing.assert_close(ex.bits_per_weight(density), binary_entropy(density))


def test_the_permutation_goes_the_way_of_the_tasks():
    plain, permuted = sl.rotated_mnist(1), sl.permuted_mnist(1)
    permutation = permuted.train_view.permutations[0]
    ink, shuffled = plain[0].test.batch([0])[0][0], permuted[0].test.batch([0])[0][0]
    bright = shuffled > 0
    counts = ex.kept_per_pixel(bright[None].cpu(), permutation.cpu())
    assert torch.equal(counts > 0, (ink > 0).cpu())
