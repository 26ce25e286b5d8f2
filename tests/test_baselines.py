"""Weights trained instead of chosen, on the batches of masks: checked against slow loops, and for what they promise."""

import inspect

import pytest
import torch
import torch.nn.functional as F

import supsup_lite as sl
from supsup_lite import baselines, evaluation
from supsup_lite.data.batches import batch_order
from supsup_lite.masks import chosen_weights, initial_weights

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
    for rows in batch_order(tasks, recipe.steps, recipe.batch, seed)[i]:
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
    before, start = net.fingerprint(), initial_weights(net, len(tasks))
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
    untrained = evaluation.accuracy(net, initial_weights(net, 2), tasks[:2])
    learned = evaluation.accuracy(net, trained, tasks[:2])
    assert learned.shape == (2,)
    assert learned.min() > 0.85
    assert untrained.max() < 0.25


def test_accuracy_of_masks_is_that_of_evaluate(net, tasks):
    recipe = sl.Recipe(steps=60, batch=128, optimizer="adam", lr=3e-3, one_cycle=True)
    masks = sl.learn_masks(net, tasks[:2], recipe=recipe, progress=False)
    weights = chosen_weights(net, masks)
    assert torch.equal(weights["fc2.weight"][1], net.weights()["fc2.weight"] * masks[1]["fc2.weight"])
    want = [
        (sl.apply_mask(net, mask, x)[:, :10].argmax(1) == y).double().mean()
        for mask, (x, y) in zip(masks, (task.test.all() for task in tasks[:2]), strict=True)
    ]
    torch.testing.assert_close(evaluation.accuracy(net, weights, tasks[:2]), torch.stack(want), atol=2e-4, rtol=0)


def test_what_makes_no_sense_is_refused(net, tasks):
    with pytest.raises(ValueError, match="one row for each of 3 tasks"):
        evaluation.accuracy(net, initial_weights(net, 2), tasks)
    with pytest.raises(ValueError, match="steps must be 1 or more, got 0"):
        baselines.train_dense(net, tasks, recipe=sl.Recipe(steps=0, batch=16, optimizer="adam", lr=1e-3))
    with pytest.raises(TypeError, match="tasks must be a suite"):
        baselines.train_dense(net, tasks[0])
    with pytest.raises(TypeError, match="net must be"):
        baselines.train_dense(torch.nn.Linear(784, 10), tasks)
    with pytest.raises(ValueError, match="fewer outputs"):
        baselines.train_dense(sl.lenet_300_100(outputs=2), tasks)
    for learn in (baselines.fine_tune, baselines.train_joint):
        with pytest.raises(TypeError, match="tasks must be a suite"):
            learn(net, tasks[0])
    for strength in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="lambda"):
            baselines.train_ewc(net, tasks, strength)
    for strength in ("much", None, True, [1.0]):
        with pytest.raises(TypeError, match=r"strength \(lambda\) must be a number"):
            baselines.train_ewc(net, tasks, strength)


# --- one network for all tasks ---------------------------------------------------------------------------------------


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def per_image_fisher(net, weights, x, y):
    """The oracle: one backward pass an image."""
    leaves = [weights[name][0].clone().requires_grad_(True) for name in net.weights()]
    total = [torch.zeros_like(leaf) for leaf in leaves]
    for image, label in zip(x, y, strict=True):
        h = torch.relu(torch.relu(image @ leaves[0].T) @ leaves[1].T) @ leaves[2].T
        for sum_, gradient in zip(total, torch.autograd.grad(h.log_softmax(0)[label], leaves), strict=True):
            sum_ += gradient**2 / len(x)
    return dict(zip(net.weights(), total, strict=True))


def slowly_in_turn(net, tasks, seed, recipe, strength=0.0):
    """The oracle for fine-tuning and EWC: plain autograd, one spring with one Fisher information for all tasks."""
    weights = {name: weight.detach().clone() for name, weight in net.weights().items()}
    importance = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    history = []
    for i in range(len(tasks)):
        anchor = {name: weight.clone() for name, weight in weights.items()}
        leaves = {name: weight.clone().requires_grad_(True) for name, weight in weights.items()}
        optimizer = torch.optim.Adam(leaves.values(), lr=recipe.lr)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, recipe.lr, total_steps=recipe.steps, cycle_momentum=False
        )
        for rows in batch_order(tasks, recipe.steps, recipe.batch, seed)[i]:
            h, y = tasks[i].train.batch(rows)
            for name in leaves:
                h = h @ leaves[name].T if name == "fc3.weight" else torch.relu(h @ leaves[name].T)
            loss = F.cross_entropy(h, y)
            for name in leaves:
                loss = loss + strength / 2 * (importance[name] * (leaves[name] - anchor[name]) ** 2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step(), schedule.step()
        weights = {name: leaf.detach() for name, leaf in leaves.items()}
        history.append(weights)
        rows = {name: values[None] for name, values in weights.items()}
        x, y = baselines.fisher_batch(net, rows, tasks[i : i + 1], seed)
        found = per_image_fisher(net, rows, x[:40], y[:40])
        for name in importance:
            importance[name] += found[name]
    return history


@pytest.mark.parametrize("strength", [0.0, 300.0])
def test_training_in_turn_equals_a_slow_loop(net, tasks, monkeypatch, strength):
    monkeypatch.setattr(inspect.unwrap(baselines.fisher_batch), "__defaults__", (40,))
    learned = baselines.train_ewc(net, tasks, strength, seed=3, recipe=SHORT)
    for got, want in zip(learned, slowly_in_turn(net, tasks, 3, SHORT, strength), strict=True):
        for name in want:
            torch.testing.assert_close(got[name][0], want[name], rtol=1e-3, atol=2e-5)


def test_ewc_without_its_spring_is_fine_tuning(net, tasks):
    tuned = baselines.fine_tune(net, tasks, seed=1, recipe=SHORT)
    for one, other in zip(tuned, baselines.train_ewc(net, tasks, 0.0, seed=1, recipe=SHORT), strict=True):
        assert same(one, other)


def test_the_first_task_is_learned_as_if_by_itself(net, tasks):
    alone = baselines.train_dense(net, tasks[:1], recipe=SHORT)
    for learn in (
        baselines.fine_tune,
        baselines.train_joint,
        lambda *given, **named: baselines.train_ewc(*given, 100.0, **named),
        lambda *given, **named: baselines.train_replay(*given, 10, **named),
    ):
        first = learn(net, tasks[:2], recipe=SHORT)[0]
        for name in alone:
            torch.testing.assert_close(first[name], alone[name], rtol=1e-4, atol=1e-5)


def test_later_tasks_do_not_change_history(net, tasks):
    """So the history of k tasks holds those of fewer tasks."""
    for learn in (baselines.fine_tune, baselines.train_joint):
        two, three = learn(net, tasks[:2], recipe=SHORT), learn(net, tasks, recipe=SHORT)
        assert len(two) == 2
        assert all(same(one, other) for one, other in zip(two, three, strict=False))
        assert all(len(values) == 1 for weights in three for values in weights.values())


def test_fine_tuning_starts_where_it_was(net, tasks):
    first, second = baselines.fine_tune(net, tasks[:2], recipe=SHORT)
    want = baselines.train_weights(net, first, tasks[1:2], 0, SHORT)
    assert same(second, want)


@pytest.mark.parametrize("strength", [0.0, 100.0])
def test_steps_count_on_over_the_tasks(net, tasks, strength):
    steps = []
    baselines.train_ewc(net, tasks, strength, recipe=SHORT, on_step=lambda step, weights, loss: steps.append(step))
    assert steps == list(range(len(tasks) * SHORT.steps))


def test_joint_training_sees_every_task_equally_and_every_image_once(net, tasks):
    order = batch_order(tasks, SHORT.steps, SHORT.batch, 0)
    rounds = ((torch.arange(3)[:, None, None] * 1000.0 + rows[..., None], rows) for rows in order.unbind(1))
    mixed = list(baselines.mixed(rounds))
    assert len(mixed) == len(tasks) * SHORT.steps
    for x, y in mixed:
        assert x.shape == (1, SHORT.batch, 1)
        shares = ((x[0, :, 0] - y[0]) / 1000).long().bincount(minlength=3)
        assert shares.max() - shares.min() <= 1
    for i in range(len(tasks)):
        seen = torch.cat([y[0][(x[0, :, 0] - y[0]) == 1000 * i] for x, y in mixed])
        assert torch.equal(seen.sort().values, order[i].flatten().sort().values)


def test_joint_training_is_long_and_starts_afresh(net, tasks):
    steps = []
    history = baselines.train_joint(net, tasks, recipe=SHORT, on_step=lambda step, weights, loss: steps.append(step))
    assert steps == [step for count in (1, 2, 3) for step in range(count * SHORT.steps)]
    assert not same(history[0], history[1])


def test_fisher_equals_a_loop_over_images(net, tasks):
    weights = baselines.train_dense(net, tasks[:1], recipe=SHORT)
    x, y = baselines.fisher_batch(net, weights, tasks[:1], 0, 25)
    got = baselines.fisher(net, weights, x, y)
    for name, want in per_image_fisher(net, weights, x, y).items():
        assert got[name].shape == weights[name].shape
        torch.testing.assert_close(got[name][0], want, rtol=1e-4, atol=1e-8)
        assert not got[name].requires_grad


def test_fisher_labels_are_sampled_from_the_model(net, tasks):
    weights = initial_weights(net, 1)
    x, labels = baselines.fisher_batch(net, weights, tasks[:1], 0, 4000)
    assert len(x) == 4000
    assert x.unique(dim=0).shape == x.shape, "distinct images"
    p = F.linear(
        F.linear(F.linear(x, weights["fc1.weight"][0]).relu(), weights["fc2.weight"][0]).relu(),
        weights["fc3.weight"][0],
    ).softmax(1)
    shares = labels.bincount(minlength=net.outputs) / len(labels)
    torch.testing.assert_close(shares, p.mean(0), atol=0.03, rtol=0)
    _, again = baselines.fisher_batch(net, weights, tasks[:1], 0, 4000)
    assert torch.equal(labels, again)


def test_penalty_by_hand():
    weights, anchor = {"a": torch.tensor([[1.0, 2.0]])}, {"a": torch.tensor([[0.0, 4.0]])}
    penalty = baselines.ewc_penalty(weights, anchor, {"a": torch.tensor([[3.0, 0.5]])}, 10.0)
    assert penalty.item() == 10 / 2 * (3 * 1 + 0.5 * 4)


def test_replay_shows_half_new_images_and_half_kept_ones(net, tasks):
    memory = baselines.kept_images(tasks[:1], 5, seed=0)
    assert memory[0].shape == (5, 784)
    assert len(memory[0].unique(dim=0)) == 5, "drawn without replacement"
    x, y = torch.full((1, 15, 784), 7.0), torch.full((1, 15), -1)
    batches = list(baselines.replayed(iter([(x, y)] * 40), memory, seed=0, task=1))
    seen = torch.zeros(5)
    for images, labels in batches:
        assert images.shape == x.shape
        assert (images[0, :8] == 7).all(), "of 15 images eight are new"
        assert (labels[0, :8] == -1).all()
        which = (images[0, 8:, None] == memory[0]).all(2).float().argmax(1)
        assert torch.equal(memory[0][which], images[0, 8:])
        assert torch.equal(memory[1][which], labels[0, 8:]), "with their labels"
        seen += which.bincount(minlength=5)
    assert seen.min() > 0.7 * seen.mean(), "each kept image is as likely as any other"


def test_replay_equals_a_slow_loop(net, tasks):
    """The memory grows by each task that was learned, and never holds an image of the task that is being learned."""
    history = baselines.train_replay(net, tasks, 4, seed=3, recipe=SHORT)
    memory = [baselines.kept_images(tasks[i : i + 1], 4, 3) for i in range(3)]
    weights = initial_weights(net, 1)
    for i in range(3):
        order = batch_order(tasks, SHORT.steps, SHORT.batch, 3)[i]
        batches = ((x[None], y[None]) for x, y in (tasks[i].train.batch(rows) for rows in order))
        if i:
            old = torch.cat([x for x, _ in memory[:i]]), torch.cat([y for _, y in memory[:i]])
            batches = baselines.replayed(batches, old, 3, i)
        weights = baselines.dense.train(net, weights, batches, SHORT, None)
        assert same(weights, history[i])


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (0, ValueError, "images must be 1 or more, got 0"),
        (2.5, TypeError, "images must be a whole number"),
        (60_001, ValueError, "images to keep of each task must be at most 60000, as many as a task has, got 60001"),
    ],
)
def test_a_memory_that_makes_no_sense_is_refused(net, tasks, images, error, message):
    with pytest.raises(error, match=message):
        baselines.train_replay(net, tasks, images)


def test_fine_tuning_forgets_ewc_delays_it_joint_training_knows_them_all(tasks):
    net = sl.lenet_300_100(outputs=10, seed=0)
    recipe = sl.Recipe(steps=60, batch=128, optimizer="adam", lr=3e-3, one_cycle=True)
    lost, final = {}, {}
    for name, learn in {
        "fine-tuning": baselines.fine_tune,
        "EWC": lambda net, tasks, **named: baselines.train_ewc(net, tasks, 50.0, **named),
        "replay": lambda net, tasks, **named: baselines.train_replay(net, tasks, 200, **named),
        "joint": baselines.train_joint,
    }.items():
        matrix = evaluation.accuracy_matrix(net, learn(net, tasks, recipe=recipe), tasks, images=2000)
        lost[name], final[name] = evaluation.forgetting(matrix), evaluation.average_accuracy(matrix)
    assert lost["fine-tuning"] > 0.05
    assert lost["EWC"] < lost["fine-tuning"] / 2
    assert lost["replay"] < lost["fine-tuning"] / 2
    assert abs(lost["joint"]) < 0.03
    assert final["joint"] > max(final["EWC"], final["replay"])
    assert min(final["EWC"], final["replay"]) > final["fine-tuning"]
