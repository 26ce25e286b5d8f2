"""Dense training beside masks: the same batches, steps and optimiser, checked against a slow loop."""

import pytest
import torch
import torch.nn.functional as F

import supsup_lite as sl
from supsup_lite import baselines
from supsup_lite.learning import batch_order

SHORT = sl.Recipe(steps=6, batch=16, optimizer="adam", lr=1e-3, one_cycle=True)


@pytest.fixture(scope="module")
def net():
    return sl.lenet_300_100(outputs=20, seed=0)


@pytest.fixture(scope="module")
def tasks():
    return sl.permuted_mnist(3, seed=0)


def slowly(net, tasks, i, seed, recipe):
    """The oracle: one task, plain autograd, the layers written out."""
    weights = {name: weight.detach().clone().requires_grad_(True) for name, weight in net.weights().items()}
    if recipe.optimizer == "adam":
        optimizer = torch.optim.Adam(weights.values(), lr=recipe.lr)
    else:
        optimizer = torch.optim.RMSprop(weights.values(), lr=recipe.lr)
    schedule = None
    if recipe.one_cycle:
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, recipe.lr, total_steps=recipe.steps, cycle_momentum=False
        )
    for rows in batch_order(tasks, recipe, seed)[i]:
        x, y = tasks[i].train.batch(rows)
        h = torch.relu(x @ weights["fc1.weight"].T)
        h = torch.relu(h @ weights["fc2.weight"].T)
        optimizer.zero_grad()
        F.cross_entropy(h @ weights["fc3.weight"].T, y).backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()
    return {name: weight.detach() for name, weight in weights.items()}


@pytest.mark.parametrize(
    "recipe", [SHORT, sl.Recipe(steps=6, batch=16, optimizer="rmsprop", lr=1e-4)], ids=["adam", "rmsprop"]
)
def test_dense_training_equals_a_slow_loop(net, tasks, recipe):
    trained = baselines.train_dense(net, tasks, seed=3, recipe=recipe)
    for i in range(len(tasks)):
        for name, want in slowly(net, tasks, i, 3, recipe).items():
            torch.testing.assert_close(trained[name][i], want, rtol=1e-4, atol=1e-5)


def test_a_task_trains_the_same_in_any_company(net, tasks):
    together = baselines.train_dense(net, tasks, seed=0, recipe=SHORT)
    alone = baselines.train_dense(net, tasks[1:2], seed=0, recipe=SHORT)
    for name in together:
        torch.testing.assert_close(together[name][1:2], alone[name], rtol=1e-4, atol=1e-5)


def test_nothing_given_is_changed(net, tasks):
    before, start = net.fingerprint(), baselines.own_weights(net, len(tasks))
    copies = {name: values.clone() for name, values in start.items()}
    trained = baselines.train_weights(net, start, tasks, 0, SHORT)
    assert net.fingerprint() == before
    for name, values in start.items():
        assert torch.equal(values, copies[name])
        assert not torch.equal(trained[name], values)
        assert not trained[name].requires_grad


def test_training_can_go_on(net, tasks):
    steps = []
    first = baselines.train_dense(net, tasks[:1], recipe=SHORT, on_step=lambda step, weights, loss: steps.append(step))
    second = baselines.train_weights(net, first, tasks[1:2], 0, SHORT)
    assert steps == list(range(SHORT.steps))
    assert {name: values.shape for name, values in second.items()} == {n: v.shape for n, v in first.items()}


def test_it_sees_the_batches_and_losses_of_learn_masks_at_the_start(net, tasks):
    """A mask that keeps everything is the untrained network: the first loss of both is the same number."""
    seen = {}
    baselines.train_dense(net, tasks, recipe=SHORT, on_step=lambda step, _, loss: seen.setdefault("dense", loss))
    watch = {"on_step": lambda step, _, loss: seen.setdefault("mask", loss), "progress": False}
    sl.learn_masks(net, tasks, keep=1.0, recipe=SHORT, **watch)
    torch.testing.assert_close(seen["dense"], seen["mask"])


def test_dense_training_learns(net, tasks):
    recipe = sl.Recipe(steps=60, batch=128, optimizer="adam", lr=1e-3, one_cycle=True)
    trained = baselines.train_dense(net, tasks[:2], recipe=recipe)
    untrained = baselines.accuracy(net, baselines.own_weights(net, 2), tasks[:2])
    learned = baselines.accuracy(net, trained, tasks[:2])
    assert learned.shape == (2,)
    assert learned.min() > 0.85
    assert untrained.max() < 0.25


def test_accuracy_of_masks_is_that_of_evaluate(net, tasks):
    recipe = sl.Recipe(steps=60, batch=128, optimizer="adam", lr=3e-3, one_cycle=True)
    masks = sl.learn_masks(net, tasks[:2], recipe=recipe, progress=False)
    weights = baselines.chosen_weights(net, masks)
    assert torch.equal(weights["fc2.weight"][1], net.weights()["fc2.weight"] * masks[1]["fc2.weight"])
    want = [
        (sl.apply_mask(net, mask, x)[:, :10].argmax(1) == y).float().mean()
        for mask, (x, y) in zip(masks, (task.test.all() for task in tasks[:2]), strict=True)
    ]
    torch.testing.assert_close(baselines.accuracy(net, weights, tasks[:2]), torch.stack(want), atol=2e-4, rtol=0)


def test_what_makes_no_sense_is_refused(net, tasks):
    with pytest.raises(ValueError, match="one row for each of 3 tasks"):
        baselines.accuracy(net, baselines.own_weights(net, 2), tasks)
    with pytest.raises(ValueError, match="steps must be 1 or more, got 0"):
        baselines.train_dense(net, tasks, recipe=sl.Recipe(steps=0, batch=16, optimizer="adam", lr=1e-3))
    with pytest.raises(TypeError, match="tasks must be a suite"):
        baselines.train_dense(net, tasks[0])
    with pytest.raises(TypeError, match="net must be"):
        baselines.train_dense(torch.nn.Linear(784, 10), tasks)
    with pytest.raises(ValueError, match="fewer outputs"):
        baselines.train_dense(sl.lenet_300_100(outputs=2), tasks)
