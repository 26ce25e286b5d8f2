"""The accuracy matrix and what is read off it, against loops; and masks, whose columns never change."""

import math

import pytest
import torch

import supsup_lite as sl
from supsup_lite import baselines, evaluation
from supsup_lite.masks import chosen_weights, initial_weights

NAN = math.nan
SHORT = sl.Recipe(steps=6, batch=16, optimizer="adam", lr=3e-3, one_cycle=True)
BY_HAND = torch.tensor([[0.9, NAN, NAN], [0.95, 0.8, NAN], [0.5, 0.9, 0.7]], dtype=torch.float64)


@pytest.fixture(scope="module")
def net():
    return sl.lenet_300_100(outputs=10, seed=0)


@pytest.fixture(scope="module")
def tasks():
    return sl.permuted_mnist(3, seed=0)


def slow_matrix(net, networks, tasks, images):
    """The oracle: networks[t][i] is the network used for task i after task t."""
    rows = []
    for t in range(len(tasks)):
        row = []
        for i, task in enumerate(tasks):
            if i > t:
                row.append(NAN)
                continue
            x, y = task.test.batch(range(images))
            weights = networks[t][i]
            h = torch.relu(torch.relu(x @ weights["fc1.weight"].T) @ weights["fc2.weight"].T) @ weights["fc3.weight"].T
            row.append(sum(int(h[b].argmax()) == int(y[b]) for b in range(images)) / images)
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float64)


def test_matrix_of_one_network_for_all_tasks(net, tasks):
    history = baselines.fine_tune(net, tasks, recipe=SHORT)
    networks = [[{name: values[0] for name, values in weights.items()}] * 3 for weights in history]
    got = evaluation.accuracy_matrix(net, history, tasks, images=200)
    torch.testing.assert_close(got, slow_matrix(net, networks, tasks, 200), equal_nan=True, atol=0.01, rtol=0)


def test_matrix_of_one_network_for_each_task(net, tasks):
    dense = baselines.train_dense(net, tasks, recipe=SHORT)
    history = [{name: values[: t + 1] for name, values in dense.items()} for t in range(3)]
    networks = [[{name: values[i] for name, values in dense.items()} for i in range(3)]] * 3
    got = evaluation.accuracy_matrix(net, history, tasks, images=200)
    torch.testing.assert_close(got, slow_matrix(net, networks, tasks, 200), equal_nan=True, atol=0.01, rtol=0)


def test_columns_of_masks_never_change(net, tasks):
    """The store grows task by task, and each old task gives the same outputs to the last bit."""
    store, history, seen = None, [], {}
    for t in range(3):
        store = sl.learn_masks(net, tasks[: t + 1], 0.5, recipe=SHORT, masks=store, progress=False)
        history.append(chosen_weights(net, store))
        for i in range(t + 1):
            outputs = sl.apply_mask(net, store[i], tasks[i].test.batch(range(500))[0])
            assert torch.equal(seen.setdefault(i, outputs), outputs)
    matrix = evaluation.accuracy_matrix(net, history, tasks)
    for i in range(3):
        assert torch.equal(matrix[i:, i], matrix[i, i].expand(3 - i))
    assert evaluation.forgetting(matrix) == evaluation.backward_transfer(matrix) == 0
    assert torch.equal(matrix[-1], evaluation.accuracy(net, history[-1], tasks))


def test_all_test_images_are_the_default(net, tasks):
    history = [initial_weights(net, 1)]
    whole = evaluation.accuracy_matrix(net, history, tasks[:1])
    assert torch.equal(whole, evaluation.accuracy_matrix(net, history, tasks[:1], images=10_000))
    assert torch.equal(whole, evaluation.accuracy_matrix(net, history, tasks[:1], images=99_999))


def test_measures_by_hand():
    assert evaluation.average_accuracy(BY_HAND) == pytest.approx(0.7)
    assert evaluation.forgetting(BY_HAND) == pytest.approx(((0.95 - 0.5) + (0.8 - 0.9)) / 2)
    assert evaluation.backward_transfer(BY_HAND) == pytest.approx(((0.5 - 0.9) + (0.9 - 0.8)) / 2)


def test_what_comes_before_its_task_does_not_count():
    full = BY_HAND.nan_to_num(0.99)
    assert evaluation.backward_transfer(full) == evaluation.backward_transfer(BY_HAND)
    assert evaluation.forgetting(full) == evaluation.forgetting(BY_HAND)


def test_what_makes_no_sense_is_refused(net, tasks):
    one = initial_weights(net, 1)
    with pytest.raises(ValueError, match="after each of 3 tasks, got 2"):
        evaluation.accuracy_matrix(net, [one, one], tasks)
    with pytest.raises(ValueError, match="after task 1"):
        evaluation.accuracy_matrix(net, [one, initial_weights(net, 3), one], tasks)
    with pytest.raises(ValueError, match="images"):
        evaluation.accuracy_matrix(net, [one] * 3, tasks, images=0)
    for measure in (evaluation.forgetting, evaluation.backward_transfer):
        with pytest.raises(ValueError, match="at least 2 tasks"):
            measure(torch.ones(1, 1))
    with pytest.raises(ValueError, match="accuracy matrix"):
        evaluation.average_accuracy(torch.ones(2, 3))
