"""Every check of lesson 10 accepts its reference, knows a stub, and rejects what a learner may well write."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, nll_loss

from supsup_lite.evaluation.intervals import STUDENT
from supsup_lite.exercises import open_questions as ex
from supsup_lite.experiments.open_questions import difference
from tests.every_exercise import EveryExercise, in_float64, in_place, with_an_axis_more

CHECKS = {
    "gain": ex.check_gain,
    "best_temperature": ex.check_best_temperature,
    "nearest_mask": ex.check_nearest_mask,
}


def gain_by_loop(ours, theirs, t):
    differences = [a - b for a, b in zip(ours.tolist(), theirs.tolist(), strict=True)]
    n = len(differences)
    mean = sum(differences) / n
    half = t * math.sqrt(sum((d - mean) ** 2 for d in differences) / (n - 1)) / math.sqrt(n)
    return torch.tensor([mean, mean - half, mean + half])


def gain_by_offsets(ours, theirs, t):
    d = ours - theirs
    return d.mean() + t * (d.var() / len(d)).sqrt() * torch.tensor([0.0, -1.0, 1.0])


def gain_by_squares(ours, theirs, t):
    d, n = (ours - theirs).double(), len(ours)
    variance = ((d**2).sum() - n * d.mean() ** 2).clamp(min=0) / (n - 1)
    half = t * (variance / n).sqrt()
    return torch.stack([d.mean(), d.mean() - half, d.mean() + half]).float()


def ends(mean, half):
    return torch.stack([mean, mean - half, mean + half])


def coolest(logits, labels, temperatures, loss=cross_entropy):
    return min(temperatures, key=lambda t: loss(logits / t, labels).item())


def by_confidence(logits, labels, temperatures):
    """The temperature at which the mean confidence is nearest to the share right."""
    right = (logits.argmax(1) == labels).float().mean()
    return min(temperatures, key=lambda t: abs((logits / t).softmax(1).amax(1).mean() - right).item())


def entropy(logits):
    return torch.distributions.Categorical(logits=logits).entropy().mean(-1)


def nearest_at_once(logits, labels):
    losses = cross_entropy(logits.flatten(0, 1), labels.repeat(len(logits)), reduction="none")
    return losses.view(len(logits), -1).sum(1).argmin().item()


RIGHT = {
    "gain": [gain_by_loop, gain_by_offsets, gain_by_squares],
    "best_temperature": [
        coolest,
        lambda z, y, ts: coolest(z, y, ts, lambda p, y: nll_loss(p.log_softmax(1), y)),
        lambda z, y, ts: ts[int(torch.stack([-(z / t).log_softmax(1)[range(len(y)), y].mean() for t in ts]).argmin())],
    ],
    "nearest_mask": [
        lambda z, y: min(range(len(z)), key=lambda i: cross_entropy(z[i], y).item()),
        lambda z, y: int(z.log_softmax(2)[:, range(len(y)), y].mean(1).argmax()),
        nearest_at_once,
    ],
}
WRONG = {
    "gain": [
        lambda a, b, t: ends((a - b).mean(), t * (a - b).std()),  # of one seed, not of the mean
        lambda a, b, t: ends((a - b).mean(), t * (a - b).std(correction=0) / math.sqrt(len(a))),
        lambda a, b, t: ends((a - b).mean(), t * (a - b).std() / len(a)),
        lambda a, b, t: ends((a - b).mean(), 1.96 * (a - b).std() / math.sqrt(len(a))),  # as if seeds were many
        lambda a, b, t: ends(a.mean() - b.mean(), t * ((a.var() + b.var()) / len(a)).sqrt()),  # not paired
        lambda a, b, t: gain_by_offsets(b, a, t),
        lambda a, b, t: gain_by_offsets(a, b, t)[[0, 2, 1]],
        in_float64(ex.gain),
        with_an_axis_more(ex.gain),
    ],
    "best_temperature": [
        lambda z, y, ts: max(ts, key=lambda t: cross_entropy(z / t, y).item()),
        lambda z, y, ts: coolest(z, y, ts, lambda p, y: cross_entropy(p.softmax(1), y)),  # softmax twice
        lambda z, y, ts: min(ts, key=lambda t: cross_entropy(z * t, y).item()),
        lambda z, y, ts: coolest(z, y, ts, lambda p, y: entropy(p)),  # the surest
        lambda z, y, ts: ts.index(coolest(z, y, ts)),
        lambda z, y, ts: max(ts, key=lambda t: ((z / t).argmax(1) == y).float().mean().item()),  # it moves no answer
        in_place(ex.best_temperature),
    ],
    "nearest_mask": [
        lambda z, y: int(entropy(z).argmin()),  # the surest
        lambda z, y: int((z.argmax(2) == y).float().mean(1).argmax()),  # the answers alone
        lambda z, y: int(torch.stack([cross_entropy(each, y) for each in z]).argmax()),
        lambda z, y: float(torch.stack([cross_entropy(each, y) for each in z]).min()),  # the loss itself
        lambda z, y: int(torch.stack([nll_loss(each, y) for each in z]).argmin()),  # no softmax
        in_place(ex.nearest_mask),
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, RIGHT, WRONG = CHECKS, RIGHT, WRONG


def test_the_gain_is_that_of_the_stored_answers():
    shares = torch.rand(2, 5, generator=torch.Generator().manual_seed(0))
    rows = [
        {"case": case, "seed": seed, "x": shares[i, seed].item()} for i, case in enumerate("ab") for seed in range(5)
    ]
    want = difference(rows, "a", "b", "x")
    got = ex.gain(shares[0], shares[1], STUDENT[5 - 2])
    assert got.tolist() == pytest.approx([want.mean, want.low, want.high], abs=1e-5)
