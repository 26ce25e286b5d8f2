"""Every check of lesson 03 accepts its reference, knows a stub, and rejects what a learner may well write."""

import math

import pytest
import torch

import supsup_lite as sl
from supsup_lite import baselines, evaluation
from supsup_lite.exercises import Wrong, attempt_on
from supsup_lite.exercises import forgetting as ex
from supsup_lite.masks import own_weights
from tests.every_exercise import EveryExercise

CHECKS = {
    "backward_transfer": ex.check_backward_transfer,
    "forgetting": ex.check_forgetting,
    "spring": ex.check_spring,
    "fisher_of_layer": ex.check_fisher_of_layer,
    "missing": ex.check_missing,
}


def and_spoil(reference):
    """Right, but the first argument is changed in place."""

    def attempt(*given):
        result = reference(*given).clone()
        given[0].detach().add_(1.0)
        return result

    return attempt


def unbroken_columns(A):
    """Forgets that NaN spreads."""
    return (A[:-1, :-1].amax(0) - A[-1, :-1]).mean()


def best_of_all_rows(A):
    """Takes the last row into the maximum, so that a gain counts as nothing."""
    return (A.nan_to_num(-1).amax(0) - A[-1])[:-1].mean()


def detached(theta, anchor, importance, strength):
    return ex.spring(theta.detach(), anchor, importance, strength)


WRONG = {
    "backward_transfer": [
        lambda A: (A[-1] - A.diagonal()).mean(),  # the last task counts, with 0
        lambda A: (A.diagonal() - A[-1])[:-1].mean(),  # the sign
        lambda A: (A[-1] - A[0])[:-1].mean(),
        lambda A: (A[-1] - A.diagonal())[:-1].abs().mean(),
        lambda A: (A[-1] - A.diagonal())[:-1].sum(),
        lambda A: (A[-1] - A.diagonal())[:-1],
        and_spoil(ex.backward_transfer),
    ],
    "forgetting": [
        lambda A: -ex.backward_transfer(A),  # from the diagonal, not from the best
        unbroken_columns,
        best_of_all_rows,
        lambda A: ex.forgetting(A).clamp(min=0),
        lambda A: (A[:-1].nan_to_num(-1).amax(0) - A[-1]).mean(),
        lambda A: ex.forgetting(A.nan_to_num(1.0)),  # a task not learned yet counts as known
        and_spoil(ex.forgetting),
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
        and_spoil(ex.spring),
    ],
    "fisher_of_layer": [
        lambda delta, h: (delta.T @ h / len(h)).square(),  # the square of the mean
        lambda delta, h: delta.T @ h / len(h),
        lambda delta, h: delta.square().T @ h.square(),
        lambda delta, h: (delta.T @ h).square() / len(h),
        lambda delta, h: h.square().T @ delta.square() / len(h),
        lambda delta, h: ex.fisher_of_layer(delta, h).double(),
        lambda delta, h: ex.fisher_of_layer(delta, h).sum(0),
        and_spoil(ex.fisher_of_layer),
    ],
    "missing": [
        lambda A, best: ex.missing(A, best).flip(0),
        lambda A, best: torch.stack([(best - A.diagonal())[:-1].mean(), (A.diagonal() - A[-1])[:-1].mean()]),
        lambda A, best: torch.stack([(best - A[-1]).mean(), (A.diagonal() - A[-1]).mean()]),
        lambda A, best: torch.stack([(best - A.diagonal()).mean(), (A[-1] - A.diagonal()).mean()]),
        lambda A, best: tuple(ex.missing(A, best).tolist()),
        lambda A, best: ex.missing(A, best).float(),
        and_spoil(ex.missing),
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, WRONG = CHECKS, WRONG


@pytest.mark.parametrize("name", ["backward_transfer", "forgetting", "spring", "fisher_of_layer", "missing"])
def test_abuse_in_place_is_named(name):
    assert "in place" in CHECKS[name](and_spoil(CHECKS[name].reference)).message


@pytest.mark.parametrize("name", CHECKS)
def test_a_crash_is_reported(name):
    assert "ZeroDivisionError" in CHECKS[name](lambda *given: 1 / 0).message


def test_nan_in_an_input_is_no_change():
    hollow = torch.tensor([1.0, math.nan])
    assert attempt_on(lambda x: x.nan_to_num().sum(), hollow) == 1

    def fill(x):
        return x.nan_to_num_(2.0).sum()

    with pytest.raises(Wrong, match="in place"):
        attempt_on(fill, hollow)


# --- the references agree with the package ---------------------------------------------------------------------------


def test_measures_agree_with_the_package():
    for A, _ in ex._matrices():
        assert ex.forgetting(A).item() == pytest.approx(evaluation.forgetting(A))
        assert ex.backward_transfer(A).item() == pytest.approx(evaluation.backward_transfer(A))
        best = torch.ones(len(A), dtype=A.dtype)
        assert ex.missing(A, best).sum().item() == pytest.approx(1 - evaluation.average_accuracy(A))


def test_spring_and_fisher_agree_with_the_package():
    net, tasks = sl.lenet_300_100(outputs=10, seed=0), sl.permuted_mnist(1)
    weights = own_weights(net, 1)
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
