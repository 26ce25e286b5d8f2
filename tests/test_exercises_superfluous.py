"""Every check of lesson 05 accepts its reference, knows a stub, and rejects what a learner may well write."""

import torch

import supsup_lite as sl
from supsup_lite.exercises import superfluous as ex
from supsup_lite.inference.objectives import objective_of
from tests.every_exercise import EveryExercise, in_float64, in_place, with_an_axis_more

CHECKS = {
    "none_of_these": ex.check_none_of_these,
    "superfluous_objective": ex.check_superfluous_objective,
    "temperature_entropy": ex.check_temperature_entropy,
    "agreement": ex.check_agreement,
    "rectified_part": ex.check_rectified_part,
}


def stopped_the_wrong_half(p, l):
    return torch.cat([p[:, :l], p[:, l:].detach()], dim=1).logsumexp(1)


def naive_entropy(p, t):
    q = (p / t).softmax(1)
    return -(q * q.log()).sum(1)


def clamped_entropy(p, t):
    q = (p / t).softmax(1).clamp_min(1e-3)
    return -(q * q.log()).sum(1)


def with_a_little_more(p, t):
    q = (p / t).softmax(1)
    return -(q * (q + 1e-8).log()).sum(1)


def none_by_logsumexp(logits, num_classes):
    if num_classes == logits.shape[1]:
        return torch.zeros(len(logits))
    return (logits[:, num_classes:].logsumexp(1) - logits.logsumexp(1)).exp()


def none_by_loop(logits, num_classes):
    shares = []
    for row in logits:
        e = torch.exp(row - row.max())
        shares.append(e[num_classes:].sum() / e.sum())
    return torch.stack(shares)


def g_by_where(logits, num_classes):
    real = torch.arange(logits.shape[1]) < num_classes
    return torch.where(real, logits.detach(), logits).logsumexp(1)


def g_by_assignment(logits, num_classes):
    half_stopped = logits.clone()
    half_stopped[:, :num_classes] = logits[:, :num_classes].detach()
    return torch.logsumexp(half_stopped, dim=1)


def g_by_logaddexp(logits, num_classes):
    with torch.no_grad():
        real = logits[:, :num_classes].logsumexp(1)
    if num_classes == logits.shape[1]:
        return real
    return torch.logaddexp(real, logits[:, num_classes:].logsumexp(1))


def entropy_by_shifting(logits, temperature):
    z = logits / temperature
    z = z - z.amax(1, keepdim=True)
    total = z.exp().sum(1)
    return total.log() - (z * z.exp()).sum(1) / total


def entropy_by_xlogy(logits, temperature):
    q = torch.softmax(logits / temperature, dim=1)
    return -torch.xlogy(q, q).sum(1)


def agreement_by_signs(bits):
    signs = bits.float() * 2 - 1
    return signs.sum(0).abs().sum().item() / bits.numel()


def agreement_by_loop(bits):
    weights = bits.reshape(len(bits), -1).T.tolist()
    return sum(abs(2 * sum(kept) / len(kept) - 1) for kept in weights) / len(weights)


def rectified_by_loop(z, delta):
    parts = torch.zeros(z.shape[:2])
    for b in range(z.shape[0]):
        for i in range(z.shape[1]):
            parts[b, i] = (torch.relu(z[b, i]) * delta[b]).sum()
    return parts


RIGHT = {
    "none_of_these": [
        none_by_logsumexp,
        none_by_loop,
        lambda p, l: 1 - p.softmax(dim=1)[:, :l].sum(dim=1),
    ],
    "superfluous_objective": [g_by_where, g_by_assignment, g_by_logaddexp],
    "temperature_entropy": [
        entropy_by_shifting,
        entropy_by_xlogy,
        lambda p, t: torch.special.entr((p / t).softmax(1)).sum(1),
    ],
    "agreement": [
        agreement_by_signs,
        agreement_by_loop,
        lambda bits: (bits.double().mean(0) * 2 - 1).abs().mean(),
    ],
    "rectified_part": [
        rectified_by_loop,
        lambda z, delta: (z.clamp(min=0) @ delta[:, :, None]).squeeze(2),
        lambda z, delta: (torch.where(z > 0, z, 0.0) * delta[:, None]).sum(-1),
    ],
}

WRONG = {
    "none_of_these": [
        lambda p, l: p.softmax(1)[:, :l].sum(1),  # the real ones
        lambda p, l: p.softmax(1)[:, l:].mean(1),
        lambda p, l: p.softmax(1)[:, l:].amax(1) if p.shape[1] > l else p[:, 0] * 0,
        lambda p, l: p.exp()[:, l:].sum(1) / p.exp().sum(1),  # NaN for large logits
        lambda p, l: p.sigmoid()[:, l:].sum(1),
        lambda p, l: p.softmax(0)[:, l:].sum(1),
        lambda p, l: p.softmax(1)[:, 10:].sum(1),  # the ten of MNIST, wired in
        in_place(ex.none_of_these),
        in_float64(ex.none_of_these),
        with_an_axis_more(ex.none_of_these),
    ],
    "superfluous_objective": [
        lambda p, l: p.logsumexp(1),  # nothing stopped
        lambda p, l: p[:, l:].logsumexp(1),  # the right gradient needs the real outputs in the sum
        lambda p, l: p.detach().logsumexp(1),
        lambda p, l: p.exp().sum(1).log(),
        stopped_the_wrong_half,
        lambda p, l: p.detach().logsumexp(1) + p[:, l:].sum(1) - p[:, l:].sum(1).detach(),  # value right, slope not
        in_place(ex.superfluous_objective),
        in_float64(ex.superfluous_objective),
        with_an_axis_more(ex.superfluous_objective),
    ],
    "temperature_entropy": [
        naive_entropy,  # NaN where a probability is 0
        clamped_entropy,
        with_a_little_more,
        lambda p, t: ex.temperature_entropy(p, 1 / t),
        lambda p, t: ex.temperature_entropy(p, 1.0) / t,
        lambda p, t: ex.temperature_entropy(p, t) / 0.6931,  # bits
        lambda p, t: -ex.temperature_entropy(p, t),
        in_place(ex.temperature_entropy),
        in_float64(ex.temperature_entropy),
        with_an_axis_more(ex.temperature_entropy),
    ],
    "agreement": [
        lambda bits: (2 * bits.float().mean() - 1).abs().item(),  # of the density
        lambda bits: (2 * bits.float().mean(0) - 1).mean().item(),
        lambda bits: bits.float().mean(0).mean().item(),
        lambda bits: (2 * bits.float().mean(0) - 1).abs(),  # not yet one number
        lambda bits: (2 * bits.float().mean((0, 1)) - 1).abs().mean().item(),  # over tasks and units
        lambda bits: (bits.float().mean(0) - 0.5).abs().mean().item(),
        lambda bits: str(ex.agreement(bits)),
        in_place(ex.agreement),
    ],
    "rectified_part": [
        lambda z, delta: torch.einsum("bku,bu->bk", z, delta),  # the plain gradient
        lambda z, delta: torch.einsum("bku,bu->bk", z, delta).relu(),
        lambda z, delta: torch.einsum("bku,bu->bk", z.relu(), delta.relu()),
        lambda z, delta: torch.einsum("bku,bu->bk", z.abs(), delta),
        lambda z, delta: -torch.einsum("bku,bu->bk", z.relu(), delta),
        lambda z, delta: (z.relu() * delta[:, None]).mean(2),
        in_place(ex.rectified_part),
        in_place(ex.rectified_part, 1),
        lambda z, delta: torch.einsum("bku,bu->bk", z.relu_(), delta),
        in_float64(ex.rectified_part),
        with_an_axis_more(ex.rectified_part),
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, RIGHT, WRONG = CHECKS, RIGHT, WRONG


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
