"""Every check of lesson 03 accepts its reference, knows a stub, and rejects what a learner may well write."""

import numpy as np
import pytest
import torch

import supsup_lite as sl
from supsup_lite import baselines, evaluation
from supsup_lite.exercises import forgetting as ex
from supsup_lite.masks import initial_weights
from tests.every_exercise import EveryExercise, in_place

CHECKS = {
    "backward_transfer": ex.check_backward_transfer,
    "forgetting": ex.check_forgetting,
    "spring": ex.check_spring,
    "fisher_of_layer": ex.check_fisher_of_layer,
    "missing": ex.check_missing,
}


def unbroken_columns(A):
    """Forgets that NaN spreads."""
    return (A[:-1, :-1].amax(0) - A[-1, :-1]).mean()


def best_of_all_rows(A):
    """Takes the last row into the maximum, so that a gain counts as nothing."""
    return (A.nan_to_num(-1).amax(0) - A[-1])[:-1].mean()


def detached(theta, anchor, importance, strength):
    return ex.spring(theta.detach(), anchor, importance, strength)


def transfer_by_loop(A):
    k = len(A)
    return sum(float(A[k - 1, i]) - float(A[i, i]) for i in range(k - 1)) / (k - 1)


def transfer_by_numpy(A):
    values = A.numpy()
    return np.mean(values[-1, :-1] - np.diag(values)[:-1])


def forgetting_by_loop(A):
    k = len(A)
    lost = [max(A[t, i].item() for t in range(i, k - 1)) - A[k - 1, i].item() for i in range(k - 1)]
    return sum(lost) / len(lost)


def forgetting_by_numpy(A):
    values = A.numpy()
    return float((np.nanmax(values[:-1, :-1], axis=0) - values[-1, :-1]).mean())


def forgetting_by_where(A):
    earlier = A[:-1]
    best = torch.where(earlier.isnan(), torch.tensor(-torch.inf, dtype=A.dtype), earlier).max(dim=0).values
    return torch.mean(best[:-1] - A[-1][:-1])


def spring_by_dot(theta, anchor, importance, strength):
    away = (theta - anchor).flatten()
    return 0.5 * strength * torch.dot(importance.flatten() * away, away)


def fisher_by_loop(delta, h):
    total = 0
    for d, x in zip(delta, h, strict=True):
        total = total + torch.outer(d, x) ** 2
    return total / delta.shape[0]


def missing_by_floats(A, best):
    known, last = A.diagonal(), A[-1]
    return torch.tensor([(best - known).mean().item(), (known - last).mean().item()])


def missing_by_loop(A, best):
    k = len(A)
    never = sum(best[i] - A[i, i] for i in range(k)) / k
    return torch.stack((never, sum(A[i, i] - A[k - 1, i] for i in range(k)) / k))


def missing_by_difference(A, best):
    gap, never = (best - A[-1]).mean(), best.mean() - A.trace() / len(A)
    return torch.cat([never[None], (gap - never)[None]])


RIGHT = {
    "backward_transfer": [
        transfer_by_loop,
        transfer_by_numpy,
        lambda A: A[-1, :-1].mean() - torch.diagonal(A)[:-1].mean(),
    ],
    "forgetting": [forgetting_by_loop, forgetting_by_numpy, forgetting_by_where],
    "spring": [
        spring_by_dot,
        lambda theta, anchor, importance, strength: (importance * (theta - anchor) ** 2).sum() * strength * 0.5,
        lambda theta, anchor, importance, strength: (
            torch.einsum("...,...,...->", importance, theta - anchor, theta - anchor) * strength / 2
        ),
    ],
    "fisher_of_layer": [
        fisher_by_loop,
        lambda delta, h: torch.einsum("bo,bi->boi", delta, h).pow(2).mean(0),
        lambda delta, h: (delta[:, :, None] * h[:, None, :]).square().mean(dim=0),
    ],
    "missing": [missing_by_floats, missing_by_loop, missing_by_difference],
}

WRONG = {
    "backward_transfer": [
        lambda A: (A[-1] - A.diagonal()).mean(),  # the last task counts, with 0
        lambda A: (A.diagonal() - A[-1])[:-1].mean(),  # the sign
        lambda A: (A[-1] - A[0])[:-1].mean(),
        lambda A: (A[-1] - A.diagonal())[:-1].abs().mean(),
        lambda A: (A[-1] - A.diagonal())[:-1].sum(),
        lambda A: (A[-1] - A.diagonal())[:-1],
        in_place(ex.backward_transfer),
    ],
    "forgetting": [
        lambda A: -ex.backward_transfer(A),  # from the diagonal, not from the best
        unbroken_columns,
        best_of_all_rows,
        lambda A: ex.forgetting(A).clamp(min=0),
        lambda A: (A[:-1].nan_to_num(-1).amax(0) - A[-1]).mean(),
        lambda A: ex.forgetting(A.nan_to_num(1.0)),  # a task not learned yet counts as known
        in_place(ex.forgetting),
    ],
    "spring": [
        lambda theta, anchor, importance, strength: 2 * ex.spring(theta, anchor, importance, strength),
        lambda theta, anchor, importance, strength: (
            strength / 2 * (importance * (theta - anchor)).square().sum()  # the importance is squared, too
        ),
        lambda theta, anchor, importance, strength: strength / 2 * (importance * (theta - anchor).square()).mean(),
        lambda theta, anchor, importance, strength: strength / 2 * (theta - anchor).square().sum(),
        lambda theta, anchor, importance, strength: strength / 2 * (importance * (theta - anchor).abs()).sum(),
        lambda theta, anchor, importance, strength: strength / 2 * importance * (theta - anchor).square(),
        lambda *given: ex.spring(*given).item(),
        detached,
        in_place(ex.spring),
    ],
    "fisher_of_layer": [
        lambda delta, h: (delta.T @ h / len(h)).square(),  # the square of the mean
        lambda delta, h: delta.T @ h / len(h),
        lambda delta, h: delta.square().T @ h.square(),
        lambda delta, h: (delta.T @ h).square() / len(h),
        lambda delta, h: h.square().T @ delta.square() / len(h),
        lambda delta, h: ex.fisher_of_layer(delta, h).double(),
        lambda delta, h: ex.fisher_of_layer(delta, h).sum(0),
        in_place(ex.fisher_of_layer),
    ],
    "missing": [
        lambda A, best: ex.missing(A, best).flip(0),
        lambda A, best: torch.stack([(best - A.diagonal())[:-1].mean(), (A.diagonal() - A[-1])[:-1].mean()]),
        lambda A, best: torch.stack([(best - A[-1]).mean(), (A.diagonal() - A[-1]).mean()]),
        lambda A, best: torch.stack([(best - A.diagonal()).mean(), (A[-1] - A.diagonal()).mean()]),
        lambda A, best: tuple(ex.missing(A, best).tolist()),
        lambda A, best: ex.missing(A, best).double(),
        in_place(ex.missing),
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, RIGHT, WRONG = CHECKS, RIGHT, WRONG


# --- the references agree with the package ---------------------------------------------------------------------------


def test_measures_agree_with_the_package():
    for A, _ in ex._matrices():
        assert ex.forgetting(A).item() == pytest.approx(evaluation.forgetting(A))
        assert ex.backward_transfer(A).item() == pytest.approx(evaluation.backward_transfer(A))
        best = torch.ones(len(A), dtype=A.dtype)
        assert ex.missing(A, best).sum().item() == pytest.approx(1 - evaluation.average_accuracy(A))


def test_spring_and_fisher_agree_with_the_package():
    net, tasks = sl.lenet_300_100(outputs=10, seed=0), sl.permuted_mnist(1)
    weights = initial_weights(net, 1)
    x, y = baselines.fisher_batch(net, weights, tasks, 0, 30)
    F = baselines.fisher(net, weights, x, y)
    moved = {name: values + 0.1 for name, values in weights.items()}
    want = sum(ex.spring(moved[name], weights[name], F[name], 7.0) for name in F)
    torch.testing.assert_close(baselines.ewc_penalty(moved, weights, F, 7.0), want)

    delta = torch.nn.functional.one_hot(y, 10) - sl.apply_mask(net, sl.random_mask(net, 1.0, 0), x).softmax(1)
    h = x
    for name in ("fc1.weight", "fc2.weight"):
        h = torch.relu(h @ weights[name][0].T)
    torch.testing.assert_close(F["fc3.weight"][0], ex.fisher_of_layer(delta, h), rtol=1e-4, atol=1e-7)
