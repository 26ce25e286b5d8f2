"""Every check of lesson 04 accepts its reference, knows a stub, and rejects what a learner may well write."""

import itertools
import math

import torch

import supsup_lite as sl
from supsup_lite.exercises import task_inference as ex
from supsup_lite.inference.methods import halvings
from supsup_lite.inference.objectives import objective_of
from supsup_lite.networks.mlp import MLP
from tests.every_exercise import EveryExercise

CHECKS = {
    "entropy": ex.check_entropy,
    "finite_difference": ex.check_finite_difference,
    "alpha_gradient_one_layer": ex.check_alpha_gradient_one_layer,
    "halve": ex.check_halve,
    "binary_multiply_adds": ex.check_binary_multiply_adds,
}


def naive_entropy(logits):
    pi = logits.softmax(1)
    return -(pi * pi.log()).sum(1)


def in_place_entropy(logits):
    result = ex.entropy(logits)
    logits.zero_()
    return result


def clamped_entropy(logits):
    pi = logits.softmax(1)
    return -(pi * (pi + 1e-3).log()).sum(1)


def clamped_logits(logits):
    """Finite, but 1000 and 999 have become the same."""
    log_pi = logits.clamp(-50, 50).log_softmax(1)
    return -(log_pi.exp() * log_pi).sum(1)


def with_a_little_more(logits):
    """Finite, but an entropy near 0 is lost."""
    pi = logits.softmax(1)
    return -(pi * (pi + 1e-8).log()).sum(1)


def rows_of_nan_as_zero(logits):
    return naive_entropy(logits).nan_to_num(0.0)


def forward_difference(f, alphas, step):
    moves = step * torch.eye(len(alphas), dtype=alphas.dtype)
    return torch.stack([(f(alphas + move) - f(alphas)) / step for move in moves])


def renormalised_difference(f, alphas, step):
    moves = step * torch.eye(len(alphas), dtype=alphas.dtype)
    return torch.stack(
        [(f((alphas + m) / (alphas + m).sum()) - f((alphas - m) / (alphas - m).sum())) / (2 * step) for m in moves]
    )


def moved_in_place(f, alphas, step):
    result = ex.finite_difference(f, alphas, step)
    alphas += step
    return result


def without_entropy_term(weight, masks, x):
    outputs = (weight * masks) @ x
    log_pi = outputs.mean(0).log_softmax(0)
    return outputs @ (-log_pi.exp() * log_pi)


def each_mask_for_itself(weight, masks, x):
    """Takes delta at each mask's own output instead of at the superposition."""
    outputs = (weight * masks) @ x
    log_pi = outputs.log_softmax(1)
    pi = log_pi.exp()
    h = -(pi * log_pi).sum(1, keepdim=True)
    return (outputs * -pi * (log_pi + h)).sum(1)


def sum_instead_of_mean(weight, masks, x):
    outputs = (weight * masks) @ x
    log_pi = outputs.sum(0).log_softmax(0)
    pi = log_pi.exp()
    return outputs @ (-pi * (log_pi - (pi * log_pi).sum()))


def halve_all(candidates, gradient):
    """Forgets who is out already."""
    kept = torch.zeros_like(candidates)
    kept[gradient.argsort(stable=True)[: -(-int(candidates.sum()) // 2)]] = True
    return kept


def halve_down(candidates, gradient):
    order = gradient.masked_fill(~candidates, torch.inf).argsort(stable=True)
    kept = torch.zeros_like(candidates)
    kept[order[: int(candidates.sum()) // 2]] = True
    return kept


def below_the_median(candidates, gradient):
    """Keeps too many when gradients tie."""
    return candidates & (gradient <= gradient[candidates].median())


def halve_in_place(candidates, gradient):
    result = ex.halve(candidates, gradient)
    candidates.copy_(result)
    return candidates


def entropy_by_logsumexp(logits):
    pi = logits.softmax(dim=-1)
    return logits.logsumexp(dim=-1) - torch.where(pi > 0, pi * logits, torch.zeros_like(pi)).sum(dim=-1)


def entropy_by_shifting(logits):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    total = shifted.exp().sum(1)
    return torch.log(total) - (shifted * shifted.exp()).sum(1) / total


def difference_by_loop(f, alphas, step):
    slopes = torch.zeros_like(alphas)
    for i in range(len(alphas)):
        up, down = alphas.clone(), alphas.clone()
        up[i] += step
        down[i] -= step
        slopes[i] = (f(up) - f(down)) / (2 * step)
    return slopes


def difference_by_floats(f, alphas, step):
    def at(i, move):
        point = [a + move if j == i else a for j, a in enumerate(alphas.tolist())]
        return float(f(torch.tensor(point, dtype=torch.float64)))

    slopes = [(at(i, step) - at(i, -step)) / (2 * step) for i in range(len(alphas))]
    return torch.tensor(slopes, dtype=torch.float64)


def difference_by_vmap(f, alphas, step):
    moves = torch.eye(len(alphas), dtype=alphas.dtype) * step
    return (torch.vmap(f)(alphas + moves) - torch.vmap(f)(alphas - moves)) / (2 * step)


def alphas_by_mask(weight, masks, x):
    outputs = [(weight * mask) @ x for mask in masks]
    p = sum(outputs) / len(outputs)
    pi, log_pi = p.softmax(0), p.log_softmax(0)
    h = -torch.dot(pi, log_pi)
    return torch.stack([torch.dot(-pi * (log_pi + h), output) for output in outputs])


def alphas_by_outer_product(weight, masks, x):
    p = (weight * masks.to(weight.dtype).mean(0)) @ x
    log_pi = p - p.logsumexp(0)
    pi = log_pi.exp()
    delta = pi * ((pi * log_pi).sum() - log_pi)
    return (masks * weight * torch.outer(delta, x)).sum((1, 2))


def alphas_by_jacobian(weight, masks, x):
    outputs = torch.einsum("sd,ksd,d->ks", weight, masks.to(weight.dtype), x)
    pi, log_pi = outputs.mean(0).softmax(0), outputs.mean(0).log_softmax(0)
    softmax_slopes = pi.diag() - torch.outer(pi, pi)
    return outputs @ (softmax_slopes @ -(log_pi + 1))


def halve_by_python(candidates, gradient):
    inside = [i for i, there in enumerate(candidates.tolist()) if there]
    inside.sort(key=lambda i: gradient[i].item())
    kept = inside[: (len(inside) + 1) // 2]
    return torch.tensor([i in kept for i in range(len(candidates))])


def halve_by_places(candidates, gradient):
    places = candidates.nonzero().flatten()
    best = places[gradient[places].sort(stable=True).indices][: math.ceil(len(places) / 2)]
    return torch.zeros(len(candidates), dtype=torch.bool).index_fill(0, best, True)


def halve_by_rank(candidates, gradient):
    ranks = torch.where(candidates, gradient, float("inf")).argsort(stable=True).argsort()
    return ranks < (candidates.sum() + 1) // 2


def candidates_of(k):
    counts = []
    while k > 1:
        counts.append(k)
        k = (k + 1) // 2
    return counts


def work_by_list(k, n, B):
    counts = candidates_of(k)
    return 3 * n * len(counts) + 2 * n * sum(counts) / B


def work_by_recursion(k, n, B):
    return 0 if k == 1 else 3 * n + 2 * k * n / B + work_by_recursion(math.ceil(k / 2), n, B)


def work_by_logarithm(k, n, B):
    gradients = math.ceil(math.log2(k))
    return torch.tensor([3 * n + 2 * math.ceil(k / 2**i) * n / B for i in range(gradients)], dtype=torch.float64).sum()


def as_often_as_one_shot(k, n, B):
    """The candidates do not halve."""
    return len(candidates_of(k)) * (3 * n + 2 * k * n / B)


def halves_rounded_down(k, n, B):
    return 0 if k == 1 else 3 * n + 2 * k * n / B + halves_rounded_down(k // 2, n, B)


RIGHT = {
    "entropy": [
        lambda logits: torch.special.entr(logits.softmax(1)).sum(1),
        entropy_by_logsumexp,
        entropy_by_shifting,
        lambda logits: torch.distributions.Categorical(logits=logits).entropy(),
    ],
    "finite_difference": [difference_by_loop, difference_by_floats, difference_by_vmap],
    "alpha_gradient_one_layer": [alphas_by_mask, alphas_by_outer_product, alphas_by_jacobian],
    "halve": [halve_by_python, halve_by_places, halve_by_rank],
    "binary_multiply_adds": [work_by_list, work_by_recursion, work_by_logarithm],
}

WRONG = {
    "entropy": [
        naive_entropy,
        clamped_entropy,
        clamped_logits,
        with_a_little_more,
        rows_of_nan_as_zero,
        in_place_entropy,
        lambda logits: ex.entropy(logits) / torch.log(torch.tensor(2.0)).to(logits.dtype),  # bits
        lambda logits: -ex.entropy(logits),
        lambda logits: ex.entropy(logits).mean(),
        lambda logits: ex.entropy(logits)[:, None],
        lambda logits: ex.entropy(logits.float()),
        lambda logits: ex.entropy(logits.T),
        lambda logits: naive_entropy(logits).nan_to_num(1.0),
    ],
    "finite_difference": [
        forward_difference,
        renormalised_difference,
        moved_in_place,
        lambda f, a, step: 2 * ex.finite_difference(f, a, step),  # divided by step, not by the width 2 step
        lambda f, a, step: ex.finite_difference(f, a, step).float(),
        lambda f, a, step: -ex.finite_difference(f, a, step),
        lambda f, a, step: ex.finite_difference(f, a, step).sum(),
    ],
    "alpha_gradient_one_layer": [
        without_entropy_term,
        each_mask_for_itself,
        sum_instead_of_mean,
        lambda w, m, x: -ex.alpha_gradient_one_layer(w, m, x),
        lambda w, m, x: ex.alpha_gradient_one_layer(w, m, x) / len(m),
        lambda w, m, x: ex.alpha_gradient_one_layer(w, m, x)[:, None],
        lambda w, m, x: ex.alpha_gradient_one_layer(w, m, x).float().double(),
        lambda w, m, x: ex.alpha_gradient_one_layer(w, m.logical_not_(), x),
    ],
    "halve": [
        halve_all,
        halve_down,
        below_the_median,
        halve_in_place,
        lambda c, g: ex.halve(c, -g),
        lambda c, g: ex.halve(c, g.abs()),
        lambda c, g: ex.halve(c, g).float(),
        lambda c, g: ex.halve(c, g).nonzero().flatten(),
    ],
    "binary_multiply_adds": [
        as_often_as_one_shot,
        halves_rounded_down,
        lambda k, n, B: ex.binary_multiply_adds(k, n, B) * B,  # for all images
        lambda k, n, B: ex.binary_multiply_adds(k, n, 1),  # masks asked for each image
        lambda k, n, B: ex.binary_multiply_adds(k, n, B) + 3 * n + 2 * n / B,  # asks the last one, too
        lambda k, n, B: ex.binary_multiply_adds(k, n, B) / n,
        lambda k, n, B: str(ex.binary_multiply_adds(k, n, B)),
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, RIGHT, WRONG = CHECKS, RIGHT, WRONG


# --- the references agree with the package ---------------------------------------------------------------------------


def _one_layer():
    net = MLP("one_layer", (12, 5), seed=3, device="cpu")
    masks = sl.MaskStore(net)
    for i in range(6):
        masks.append(sl.random_mask(net, 0.5, seed=0, task=i))
    x = torch.randn(4, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return net, masks, x


def test_entropy_agrees_with_the_package():
    logits = torch.randn(7, 20, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(ex.entropy(logits), objective_of(logits, "entropy"))


def test_gradients_agree_with_the_package():
    net, masks, x = _one_layer()
    want = sl.alpha_gradient(net, masks, x)
    bits = torch.stack([mask["fc1.weight"] for mask in masks])
    for i in range(len(x)):
        got = ex.alpha_gradient_one_layer(net.weights()["fc1.weight"].double(), bits, x[i])
        torch.testing.assert_close(got, want[i])

        def f(alphas, i=i):
            return ex.entropy(sl.superpose(net, masks, alphas, x[i : i + 1]))[0]

        slopes = ex.finite_difference(f, torch.full((6,), 1 / 6, dtype=torch.float64), 1e-4)
        torch.testing.assert_close(slopes, want[i], rtol=1e-5, atol=1e-8)


def test_halving_agrees_with_the_package():
    net, masks, x = _one_layer()
    steps = list(halvings(net, masks, x[:1]))
    for (before, gradient), (after, _) in itertools.pairwise(steps):
        assert torch.equal(ex.halve(before[0], gradient[0]), after[0])
