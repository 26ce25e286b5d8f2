"""Every check of lesson 07 accepts its reference, knows a stub, and rejects what a learner may well write."""

import math
from collections import Counter, defaultdict

import pytest
import torch

import supsup_lite as sl
from supsup_lite.exercises import unannounced as ex
from supsup_lite.unannounced.novelty import Record, known_by_nu
from tests.every_exercise import EveryExercise, in_float64, in_place

CHECKS = {
    "choose_or_allocate": ex.check_choose_or_allocate,
    "evidence": ex.check_evidence,
    "purity": ex.check_purity,
    "mixed_weight": ex.check_mixed_weight,
}


def by_exp(gradient, eps):
    nu = (-gradient).exp() / (-gradient).exp().sum()
    return -1 if len(nu) * nu.max() < 1 + eps else int(nu.argmax())


def wrong_sign(gradient, eps):
    nu = gradient.softmax(0)
    return -1 if len(nu) * nu.max() < 1 + eps else int(nu.argmax())


def without_k(gradient, eps):
    nu = (-gradient).softmax(0)
    return -1 if nu.max() < 1 + eps else int(nu.argmax())


def always_known(gradient, eps):
    return int(gradient.argmin())


def new_on_the_threshold(gradient, eps):
    nu = (-gradient).softmax(0)
    return -1 if len(nu) * nu.max() <= 1 + eps else int(nu.argmax())


def clamped(gradient, eps):
    return ex.choose_or_allocate(gradient.clamp(-50, 50), eps)


def pure_tasks(truth, used):
    """The share of the largest mask of each task: not what was asked."""
    masks_of = defaultdict(Counter)
    for task, mask in zip(truth, used, strict=True):
        if task >= 0 and mask >= 0:
            masks_of[task][mask] += 1
    total = sum(sum(masks.values()) for masks in masks_of.values())
    return sum(max(masks.values()) for masks in masks_of.values()) / total


def with_noise(truth, used):
    tasks_of = defaultdict(Counter)
    for task, mask in zip(truth, used, strict=True):
        tasks_of[mask][task] += 1
    return sum(max(tasks.values()) for tasks in tasks_of.values()) / len(truth)


def set_aside_is_a_mask(truth, used):
    """Counts -1, "no mask", as if it were one."""
    tasks_of = defaultdict(Counter)
    for task, mask in zip(truth, used, strict=True):
        if task >= 0:
            tasks_of[mask][task] += 1
    total = sum(sum(tasks.values()) for tasks in tasks_of.values())
    return sum(max(tasks.values()) for tasks in tasks_of.values()) / total


def of_all_batches(truth, used):
    """Divides by all batches, those that do not count included."""
    counting = sum(task >= 0 and mask >= 0 for task, mask in zip(truth, used, strict=True))
    return ex.purity(truth, used) * counting / len(truth)


def noise_taken_out_of_the_list(truth, used):
    result = ex.purity(truth, used)
    while -1 in truth:
        truth.remove(-1)
    return result


def mean_over_masks(truth, used):
    tasks_of = defaultdict(Counter)
    for task, mask in zip(truth, used, strict=True):
        if task >= 0 and mask >= 0:
            tasks_of[mask][task] += 1
    shares = [max(tasks.values()) / sum(tasks.values()) for tasks in tasks_of.values()]
    return sum(shares) / len(shares)


def rule_by_python(gradient, eps):
    lowest = min(gradient.tolist())
    odds = [math.exp(lowest - g) for g in gradient.tolist()]
    nu = [odd / sum(odds) for odd in odds]
    return nu.index(max(nu)) if len(nu) * max(nu) >= 1 + eps else -1


def rule_by_max(gradient, eps):
    best, place = torch.softmax(-gradient, dim=0).max(dim=0)
    known = best * gradient.numel() >= 1 + eps
    return place if known else -1


def rule_by_where(gradient, eps):
    nu = torch.special.softmax(gradient.neg(), 0)
    return torch.where(nu.max() < (1 + eps) / len(nu), -1, nu.argmax())


def evidence_by_torch(right, images, record, chance):
    yes = torch.distributions.Bernoulli(torch.tensor([record, chance], dtype=torch.float64))
    answers = torch.tensor([1.0, 0.0], dtype=torch.float64)[:, None]
    each = yes.log_prob(answers)  # [answer, hypothesis]
    return float((right * each[0] + (images - right) * each[1]) @ torch.tensor([1.0, -1.0], dtype=torch.float64))


def purity_by_pairs(truth, used):
    pairs = Counter((t, u) for t, u in zip(truth, used, strict=True) if t != -1 and u != -1)
    best = {}
    for (_, mask), count in pairs.items():
        best[mask] = max(best.get(mask, 0), count)
    return sum(best.values()) / pairs.total()


def purity_by_tensor(truth, used):
    t, u = torch.tensor(truth), torch.tensor(used)
    counts = (t >= 0) & (u >= 0)
    table = torch.zeros(int(u.max()) + 1, int(t.max()) + 1)
    table.index_put_((u[counts], t[counts]), torch.ones(int(counts.sum())), accumulate=True)
    return table.amax(1).sum() / table.sum()


def purity_by_sets(truth, used):
    batches = [(t, u) for t, u in zip(truth, used, strict=True) if min(t, u) >= 0]
    right = 0
    for mask in {u for _, u in batches}:
        tasks = [t for t, u in batches if u == mask]
        right += max(tasks.count(task) for task in set(tasks))
    return right / len(batches)


def mixed_by_loop(weight, masks, alphas):
    total = 0
    for alpha, mask in zip(alphas, masks, strict=True):
        total = total + alpha * mask * weight
    return total


RIGHT = {
    "choose_or_allocate": [rule_by_python, rule_by_max, rule_by_where],
    "evidence": [
        evidence_by_torch,
        lambda n, b, q, c: n * (math.log(q) - math.log(c)) + (b - n) * (math.log1p(-q) - math.log1p(-c)),
        lambda n, b, q, c: sum([math.log(q / c)] * n) + sum([math.log((1 - q) / (1 - c))] * (b - n)),
    ],
    "purity": [purity_by_pairs, purity_by_tensor, purity_by_sets],
    "mixed_weight": [
        mixed_by_loop,
        lambda w, m, a: w * torch.tensordot(a, m.float(), dims=1),
        lambda w, m, a: (a[:, None, None] * m * w).sum(0),
    ],
}

WRONG = {
    "choose_or_allocate": [
        by_exp,
        wrong_sign,
        without_k,
        always_known,
        new_on_the_threshold,
        clamped,
        in_place(ex.choose_or_allocate),
    ],
    "evidence": [
        lambda n, b, q, c: n * math.log(q / c),  # wrong answers are witnesses, too
        lambda n, b, q, c: ex.evidence(n, b, c, q),
        lambda n, b, q, c: ex.evidence(n, b, q, c) / b,
        lambda n, b, q, c: ex.evidence(n, b, q, c) / math.log(2),
        lambda n, b, q, c: math.log(q**n * (1 - q) ** (b - n) / (c**n * (1 - c) ** (b - n))),
    ],
    "purity": [
        lambda truth, used: sum(t == u for t, u in zip(truth, used, strict=True)) / len(truth),
        pure_tasks,
        with_noise,
        mean_over_masks,
        set_aside_is_a_mask,
        of_all_batches,
        noise_taken_out_of_the_list,
    ],
    "mixed_weight": [
        lambda w, m, a: w * m.float().mean(0),
        lambda w, m, a: w * torch.einsum("k,koi->oi", a / a.sum(), m.float()),
        lambda w, m, a: w * torch.einsum("k,koi->oi", a.detach(), m.float()),
        lambda w, m, a: torch.einsum("k,koi->oi", a, m.float()),
        lambda w, m, a: w * (torch.einsum("k,koi->oi", a, m.float()) > 0.5),
        in_float64(ex.mixed_weight),
        lambda w, m, a: w.zero_() + torch.einsum("k,koi->oi", a, m.float()),
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, RIGHT, WRONG = CHECKS, RIGHT, WRONG


# --- the references agree with the package ---------------------------------------------------------------------------


@pytest.mark.parametrize("eps", [0.02, 0.125, 0.8])
def test_the_rule_is_the_packages_where_the_untrained_mask_does_not_win(eps):
    draws = torch.Generator().manual_seed(0)
    answers = []
    for _ in range(200):
        gradient = 0.3 * torch.randn(6, generator=draws)
        gradient[-1] = gradient.max()  # the untrained mask is liked least
        ours = known_by_nu(gradient, eps)
        answers.append(ours)
        assert ex.choose_or_allocate(gradient, eps) == (-1 if ours is None else ours)
    assert len(set(answers)) > 1


def test_evidence_is_the_records_in_the_limit():
    long = Record(right=90e6, seen=100e6)
    for right in (0, 13, 64, 110):
        assert long.evidence(right, 128, 0.1) == pytest.approx(ex.evidence(right, 128, 0.9, 0.1), abs=1e-2)


def test_purity_is_the_packages():
    tasks = sl.permuted_mnist(3, device="cpu")
    stream = sl.stream_of(tasks, [(0, 3), (1, 4), (-1, 2), (0, 2), (2, 3)])
    used = [0, 0, 1, 1, 1, 0, -1, 2, 2, 0, 0, 2, 2, 1]
    assert ex.purity(stream.truth.tolist(), used) == pytest.approx(sl.assignment(stream, used).purity)


def test_a_mixture_is_the_packages_superposition():
    net = sl.lenet_300_100(outputs=12, seed=0, device="cpu")
    masks = sl.MaskStore(net)
    for task in range(3):
        masks.append(sl.random_mask(net, 0.5, seed=0, task=task))
    alphas, x = torch.tensor([0.7, -0.2, 1.3]), torch.randn(4, 784, generator=torch.Generator().manual_seed(0))
    bits, h = masks.chunk(0, 3), x
    for name, weight in net.weights().items():
        h = h @ ex.mixed_weight(weight, bits[name], alphas).T
        h = h if name == "fc3.weight" else h.relu()
    torch.testing.assert_close(h, sl.superpose(net, masks, alphas, x), rtol=1e-4, atol=1e-5)
