"""Every check of lesson 05 accepts its reference, knows a stub, and rejects what a learner may well write."""

import torch

import supsup_lite as sl
from supsup_lite.exercises import superfluous as ex
from supsup_lite.inference.objectives import objective_of
from tests.every_exercise import EveryExercise

CHECKS = {
    "none_of_these": ex.check_none_of_these,
    "superfluous_objective": ex.check_superfluous_objective,
    "temperature_entropy": ex.check_temperature_entropy,
    "agreement": ex.check_agreement,
    "rectified_part": ex.check_rectified_part,
}


def in_place(name, position=0):
    """The right answer, at the price of an input."""

    def attempt(*given):
        result = getattr(ex, name)(*given)
        given[position].data.zero_()
        return result

    return attempt


def in_another_type(name):
    return lambda *given: torch.as_tensor(getattr(ex, name)(*given)).double()


def with_an_axis_more(name):
    return lambda *given: getattr(ex, name)(*given)[None]


def stopped_the_wrong_half(p, l):
    return torch.cat([p[:, :l], p[:, l:].detach()], dim=1).logsumexp(1)


def naive_entropy(p, t):
    q = (p / t).softmax(1)
    return -(q * q.log()).sum(1)


def clamped_entropy(p, t):
    q = (p / t).softmax(1).clamp_min(1e-3)
    return -(q * q.log()).sum(1)


WRONG = {
    "none_of_these": [
        lambda p, l: p.softmax(1)[:, :l].sum(1),  # the real ones
        lambda p, l: p.softmax(1)[:, l:].mean(1),
        lambda p, l: p.softmax(1)[:, l:].amax(1) if p.shape[1] > l else p[:, 0] * 0,
        lambda p, l: p.exp()[:, l:].sum(1) / p.exp().sum(1),  # NaN for large logits
        lambda p, l: p.sigmoid()[:, l:].sum(1),
        lambda p, l: p.softmax(0)[:, l:].sum(1),
        lambda p, l: p.softmax(1)[:, 10:].sum(1),  # the ten of MNIST, wired in
        in_place("none_of_these"),
        in_another_type("none_of_these"),
        with_an_axis_more("none_of_these"),
    ],
    "superfluous_objective": [
        lambda p, l: p.logsumexp(1),  # nothing stopped
        lambda p, l: p[:, l:].logsumexp(1),  # the right gradient needs the real outputs in the sum
        lambda p, l: p.detach().logsumexp(1),
        lambda p, l: p.exp().sum(1).log(),
        stopped_the_wrong_half,
        lambda p, l: p.detach().logsumexp(1) + p[:, l:].sum(1) - p[:, l:].sum(1).detach(),  # value right, slope not
        in_place("superfluous_objective"),
        in_another_type("superfluous_objective"),
        with_an_axis_more("superfluous_objective"),
    ],
    "temperature_entropy": [
        naive_entropy,  # NaN where a probability is 0
        clamped_entropy,
        lambda p, t: ex.temperature_entropy(p, 1 / t),
        lambda p, t: ex.temperature_entropy(p, 1.0) / t,
        lambda p, t: ex.temperature_entropy(p, t) / 0.6931,  # bits
        lambda p, t: -ex.temperature_entropy(p, t),
        in_place("temperature_entropy"),
        in_another_type("temperature_entropy"),
        with_an_axis_more("temperature_entropy"),
    ],
    "agreement": [
        lambda bits: (2 * bits.float().mean() - 1).abs().item(),  # of the density
        lambda bits: (2 * bits.float().mean(0) - 1).mean().item(),
        lambda bits: bits.float().mean(0).mean().item(),
        lambda bits: (2 * bits.float().mean(0) - 1).abs(),  # not yet one number
        lambda bits: (2 * bits.float().mean((0, 1)) - 1).abs().mean().item(),  # over tasks and units
        lambda bits: (bits.float().mean(0) - 0.5).abs().mean().item(),
        lambda bits: str(ex.agreement(bits)),
        in_place("agreement"),
    ],
    "rectified_part": [
        lambda own, delta: torch.einsum("bku,bu->bk", own, delta),  # the plain gradient
        lambda own, delta: torch.einsum("bku,bu->bk", own, delta).relu(),
        lambda own, delta: torch.einsum("bku,bu->bk", own.relu(), delta.relu()),
        lambda own, delta: torch.einsum("bku,bu->bk", own.abs(), delta),
        lambda own, delta: -torch.einsum("bku,bu->bk", own.relu(), delta),
        lambda own, delta: (own.relu() * delta[:, None]).mean(2),
        in_place("rectified_part"),
        in_place("rectified_part", 1),
        lambda own, delta: torch.einsum("bku,bu->bk", own.relu_(), delta),
        in_another_type("rectified_part"),
        with_an_axis_more("rectified_part"),
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, WRONG = CHECKS, WRONG


# --- the references agree with the package ---------------------------------------------------------------------------


def test_references_agree_with_the_package():
    draws = torch.Generator().manual_seed(0)
    logits = 5 * torch.randn(50, 25, generator=draws)
    torch.testing.assert_close(ex.temperature_entropy(logits, 1.0), objective_of(logits, "entropy"))
    torch.testing.assert_close(ex.superfluous_objective(logits, 10), objective_of(logits, "superfluous", 10))


def test_the_parts_of_the_layers_add_up_to_the_gradient():
    """Without ReLU's correction the sum over layers is `alpha_gradient`: what lesson 05 builds on."""
    from tests.benchmarks.inference_sweep import OBJECTIVES, votes

    net = sl.lenet_300_100(outputs=12, seed=0)
    masks = sl.MaskStore(net)
    for task in range(3):
        masks.append(sl.random_mask(net, 0.5, seed=0, task=task))
    x = torch.randn(5, 784, generator=torch.Generator().manual_seed(0)).to(net.device)
    ours = votes(net, masks, x, OBJECTIVES["softmax"])
    torch.testing.assert_close(ours, -sl.alpha_gradient(net, masks, x).cpu(), rtol=1e-4, atol=1e-6)
