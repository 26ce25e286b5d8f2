"""Every check of lesson 02 accepts its reference, knows a stub, and rejects what a learner may well write."""

import math

import pytest
import torch

import supsup_lite as sl
from supsup_lite.exercises import edge_popup as ex
from supsup_lite.masks.bits import binary_entropy
from tests.every_exercise import EveryExercise

CHECKS = {
    "straight_through": ex.check_straight_through,
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


def not_stable(scores, keep):
    mask = torch.zeros(scores.numel(), dtype=torch.bool)
    mask[scores.abs().flatten().argsort(descending=True)[: round(keep * scores.numel())]] = True
    return mask.view(scores.shape)


def by_topk(scores, keep):
    mask = torch.zeros(scores.numel(), dtype=torch.bool)
    mask[scores.abs().flatten().topk(round(keep * scores.numel())).indices] = True
    return mask.view(scores.shape)


def half_up(scores, keep):
    order = scores.abs().flatten().argsort(descending=True, stable=True)
    mask = torch.zeros(scores.numel(), dtype=torch.bool)
    mask[order[: int(keep * scores.numel() + 0.5)]] = True
    return mask.view(scores.shape)


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


def last_of_ties(accuracies, slack):
    enough = max(accuracies.values()) - slack
    candidates = [p for p, accuracy in accuracies.items() if accuracy >= enough]
    return min(reversed(candidates), key=lambda p: round(ex._bits(p), 9))


def first_of_ties(accuracies, slack):
    enough = max(accuracies.values()) - slack
    candidates = [p for p, accuracy in accuracies.items() if accuracy >= enough]
    return min(candidates, key=lambda p: round(ex._bits(p), 9))


def densest_of_ties(accuracies, slack):
    enough = max(accuracies.values()) - slack
    candidates = [p for p, accuracy in accuracies.items() if accuracy >= enough]
    return min(candidates, key=lambda p: (round(ex._bits(p), 9), -p))


def unrounded(accuracies, slack):
    enough = max(accuracies.values()) - slack
    candidates = [p for p, accuracy in accuracies.items() if accuracy >= enough]
    return min(candidates, key=lambda p: -p * math.log2(p) - (1 - p) * math.log2(1 - p) if 0 < p < 1 else 0)


def unrounded_and_accurate(accuracies, slack):
    enough = max(accuracies.values()) - slack
    candidates = [p for p, accuracy in accuracies.items() if accuracy >= enough]
    return min(candidates, key=lambda p: (ex._bits(p), -accuracies[p]))


def cleared(accuracies, slack):
    result = ex.cheapest_density(accuracies, slack)
    accuracies.clear()
    return result


class Estimator(torch.autograd.Function):
    """What lesson 02 shows after the exercise."""

    @staticmethod
    def forward(ctx, scores, mask):
        return mask.to(scores.dtype)

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None


class OnlyWhereKept(torch.autograd.Function):
    @staticmethod
    def forward(ctx, scores, mask):
        ctx.save_for_backward(mask)
        return mask.to(scores.dtype)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0], None


class TimesScores(Estimator):
    @staticmethod
    def forward(ctx, scores, mask):
        return scores * mask


def estimator_by_where(scores, mask):
    nothing = scores - scores.detach()
    return torch.where(mask, nothing + 1, nothing)


def estimator_by_hook(scores, mask):
    answer = mask.to(scores.dtype).requires_grad_(True) * 1.0
    return torch.stack([answer, scores - scores.detach()]).sum(0)


def gradient_by_loop(delta, x, weight):
    total = torch.zeros_like(weight)
    for one_delta, one_x in zip(delta, x, strict=True):
        total = total + torch.outer(one_delta, one_x) * weight
    return total


def gradient_by_autograd(delta, x, weight):
    w_eff = weight.clone().requires_grad_(True)
    ((x @ w_eff.T) * delta).sum().backward()
    return w_eff.grad * weight


def popup_by_python(scores, keep):
    flat = scores.reshape(-1).tolist()
    chosen = set(sorted(range(len(flat)), key=lambda i: -abs(flat[i]))[: round(len(flat) * keep)])
    return torch.tensor([i in chosen for i in range(len(flat))]).reshape(scores.shape)


def popup_by_ranks(scores, keep):
    ranks = torch.argsort(torch.sort(scores.abs().reshape(-1), descending=True, stable=True).indices)
    return (ranks < round(keep * scores.numel())).reshape(scores.shape)


def pixels_by_loop(mask, permutation):
    counts = torch.zeros(len(permutation), dtype=torch.int64)
    for j, pixel in enumerate(permutation.tolist()):
        counts[pixel] = int(mask[:, j].sum())
    return counts


def pixels_by_scatter(mask, permutation):
    return torch.zeros_like(permutation).scatter_(0, permutation, mask.sum(0))


def bits_where(density):
    inner = density.clamp(1e-30, 1)
    other = (1 - density).clamp(1e-30, 1)
    return -(density * inner.log2() + (1 - density) * other.log2())


def bits_by_nan(density):
    half = (density * density.log2()).nan_to_num(0) + ((1 - density) * torch.log2(1 - density)).nan_to_num(0)
    return -half


def cheapest_by_loop(accuracies, slack):
    best, found = max(accuracies.values()), None
    for p in accuracies:
        cost = 0 if p in (0, 1) else round(-p * math.log2(p) - (1 - p) * math.log2(1 - p), 6)
        if accuracies[p] < best - slack:
            continue
        if found is None or (cost, -accuracies[p]) < found[0]:
            found = (cost, -accuracies[p]), p
    return found[1]


def farthest_from_a_half(accuracies, slack):
    good = {p: a for p, a in accuracies.items() if a >= max(accuracies.values()) - slack}
    return max(good, key=lambda p: (round(abs(p - 0.5), 9), good[p]))


def sorted_by_cost(accuracies, slack):
    good = [(p, a) for p, a in accuracies.items() if a >= max(accuracies.values()) - slack]
    good.sort(key=lambda pair: pair[1], reverse=True)
    good.sort(key=lambda pair: round(ex._bits(pair[0]), 9))
    return good[0][0]


RIGHT = {
    "straight_through": [Estimator.apply, estimator_by_where, estimator_by_hook],
    "score_gradient": [
        lambda delta, x, weight: torch.einsum("bo,bi,oi->oi", delta, x, weight),
        gradient_by_loop,
        gradient_by_autograd,
    ],
    "popup_mask": [popup_by_python, popup_by_ranks, lambda scores, keep: sl.top_k_mask(scores, keep)],
    "kept_per_pixel": [
        pixels_by_loop,
        pixels_by_scatter,
        lambda mask, permutation: mask.sum(0)[permutation.argsort()],
    ],
    "bits_per_weight": [
        bits_where,
        bits_by_nan,
        lambda p: (torch.special.entr(p) + torch.special.entr(1 - p)) / math.log(2),
    ],
    "cheapest_density": [cheapest_by_loop, farthest_from_a_half, sorted_by_cost],
}

WRONG = {
    "straight_through": [
        lambda scores, mask: mask.to(scores.dtype) + scores - scores.detach(),  # rounded: not exactly 0 and 1
        lambda scores, mask: mask.to(scores.dtype),  # no gradient
        lambda scores, mask: scores * mask,  # the value is the score
        OnlyWhereKept.apply,
        TimesScores.apply,
        lambda scores, mask: Estimator.apply(scores, scores >= 0),  # always the threshold
        lambda scores, mask: Estimator.apply(scores.abs(), mask),
        lambda scores, mask: 1 - Estimator.apply(scores, ~mask),  # the slope is -1
        lambda scores, mask: Estimator.apply(scores.double(), mask),
        lambda scores, mask: mask.float() + (scores - scores.detach()) * mask,
        lambda scores, mask: Estimator.apply(scores, mask.logical_not_().logical_not()),
        lambda scores, mask: mask,
    ],
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
        not_stable,
        by_topk,
        half_up,
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
        last_of_ties,
        first_of_ties,
        densest_of_ties,
        unrounded,
        unrounded_and_accurate,
        cleared,
        lambda accuracies, slack: max(accuracies, key=accuracies.get),
        lambda accuracies, slack: ex._bits(ex.cheapest_density(accuracies, slack)),
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, RIGHT, WRONG = CHECKS, RIGHT, WRONG


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


def test_the_estimator_is_the_packages():
    scores = torch.randn(30, 20, generator=torch.Generator().manual_seed(0), requires_grad=True)
    mask = sl.top_k_mask(scores, 0.3)
    ours, theirs = ex.straight_through(scores, mask), sl.straight_through(scores, mask)
    assert torch.equal(ours, theirs)
    assert torch.equal(*(torch.autograd.grad((f**2).sum(), scores)[0] for f in (ours, theirs)))


@pytest.mark.parametrize("keep", [0.0, 0.3, 1.0])
def test_a_mask_stays_on_the_device_of_its_scores(keep):
    """A lesson on a GPU goes on with the reference; "meta" stands for a device that is not the CPU."""
    scores = torch.empty(3, 4, device="meta")
    assert ex.popup_mask(scores, keep).device == scores.device
    assert ex.straight_through(scores, scores >= 0).device == scores.device
