"""Learning masks: one step against a loop by hand, many tasks against one, and what an interruption leaves."""

import subprocess
import sys
import warnings
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

import supsup_lite as sl
from supsup_lite import devices
from supsup_lite.data.batches import batch_order
from supsup_lite.data.datasets import Images
from supsup_lite.learning import memory
from supsup_lite.learning.learn import learn_scores, task_losses
from supsup_lite.learning.memory import bytes_a_task, tasks_at_once
from supsup_lite.learning.optimizers import as_gradients_come, make_optimizer
from supsup_lite.masks.edge_popup import init_scores
from supsup_lite.networks.mlp import MLP
from tests import oracles
from tests.waiting import PATIENCE

ADAM = sl.Recipe(steps=4, batch=16, optimizer="adam", lr=1e-2)
RMSPROP = sl.Recipe(steps=4, batch=16, optimizer="rmsprop", lr=1e-3)
CYCLE = sl.Recipe(steps=7, batch=16, optimizer="adam", lr=1e-2, one_cycle=True)
RECIPES = {"adam": ADAM, "rmsprop": RMSPROP, "one cycle": CYCLE}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def tasks():
    return sl.permuted_mnist(5, seed=1)


@pytest.fixture(scope="module")
def net():
    return MLP("small", (784, 24, 16, 12), 0)


def learn(net, tasks, **options):
    return sl.learn_masks(net, tasks, **{"recipe": ADAM, "progress": False} | options)


def differing(first, second):
    """The share of bits in which two stores differ."""
    assert len(first) == len(second)
    pairs = zip(first, second, strict=True)
    bits = sum(int((mask[name] != other[name]).sum()) for mask, other in pairs for name in mask)
    return bits / (len(first) * first.net.num_weights)


# Against a loop by hand


def by_hand(net, task, number, keep, recipe, seed, start):
    """The scores after a whole recipe: one task, float64, gradient and optimiser written out."""
    weights = [weight.cpu().double().numpy() for weight in net.weights().values()]
    scores = [values.cpu().double().numpy().copy() for values in start]
    order = batch_order(task, recipe.steps, recipe.batch, seed)[0]
    first = [np.zeros_like(values) for values in scores]
    second = [np.zeros_like(values) for values in scores]
    for step in range(recipe.steps):
        x, y = task[0].train.batch(order[step])
        rate = oracles.one_cycle(step, recipe.steps, recipe.lr) if recipe.one_cycle else recipe.lr
        gradients = oracles.scores_gradient(weights, scores, keep, x.cpu().double().numpy(), y.cpu().numpy())
        for i, gradient in enumerate(gradients):
            if recipe.optimizer == "rmsprop":
                second[i] = 0.99 * second[i] + 0.01 * gradient**2
                scores[i] -= rate * gradient / (np.sqrt(second[i]) + 1e-8)
            else:
                first[i] = 0.9 * first[i] + 0.1 * gradient
                second[i] = 0.999 * second[i] + 0.001 * gradient**2
                mean, square = first[i] / (1 - 0.9 ** (step + 1)), second[i] / (1 - 0.999 ** (step + 1))
                scores[i] -= rate * mean / (np.sqrt(square) + 1e-8)
    return scores


@pytest.mark.parametrize("keep", [None, 0.3])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_learning_equals_a_loop_by_hand(net, tasks, recipe, keep):
    part = tasks[2:4]
    got = learn_scores(net, part, keep, seed=5, recipe=recipe)
    for i in range(2):
        one = part[i : i + 1]
        start = init_scores(net, one.numbers, 5)
        wanted = by_hand(net, one, one.numbers[0], keep, recipe, 5, [values[0] for values in start.values()])
        for values, target, begin in zip(got.values(), wanted, start.values(), strict=True):
            moved = np.abs(target - begin[0].cpu().double().numpy()).max()
            assert moved > recipe.lr / 2  # something was learned
            # Optimisers divide by the gradient's size: rounding counts where a gradient is almost 0.
            np.testing.assert_allclose(values[i].cpu().numpy(), target, rtol=0, atol=0.01 * recipe.lr)


@pytest.mark.parametrize("keep", [None, 0.3])
def test_loss_and_gradient_equal_a_loop_by_hand(net, tasks, keep):
    scores = {name: values.requires_grad_(True) for name, values in init_scores(net, [0, 1], 0).items()}
    x, y = tasks[:2].train_view.batch(batch_order(tasks[:2], ADAM.steps, ADAM.batch, 0)[:, 0])
    losses = task_losses(net, net.weights(), scores, keep, x, y)
    assert losses.shape == (2,)
    losses.sum().backward()
    weights = [weight.cpu().double().numpy() for weight in net.weights().values()]
    for task in range(2):
        rows = [values[task].detach().cpu().double().numpy() for values in scores.values()]
        wanted = oracles.scores_gradient(weights, rows, keep, x[task].cpu().double().numpy(), y[task].cpu().numpy())
        for values, gradient in zip(scores.values(), wanted, strict=True):
            np.testing.assert_allclose(values.grad[task].cpu().numpy(), gradient, rtol=1e-5, atol=1e-7)
        masked = [weight * oracles.mask_of(values, keep) for weight, values in zip(weights, rows, strict=True)]
        loss = 0.0
        for image, label in zip(x[task].cpu().double().numpy(), y[task].tolist(), strict=True):
            logits = oracles.logits(masked, image)
            loss += np.log(np.exp(logits).sum()) - logits[label]
        assert losses[task].item() == pytest.approx(loss / len(y[task]), rel=1e-5)


@pytest.mark.parametrize("steps", range(1, 15))
def test_one_cycle_of_any_length(steps):
    """Up to the highest rate, down to almost nothing, for few steps too."""
    recipe = replace(CYCLE, steps=steps)
    value = torch.zeros(1, requires_grad=True)
    optimizer, schedule = make_optimizer([value], recipe)
    for step in range(steps):
        wanted = oracles.one_cycle(step, steps, recipe.lr) if steps > 1 else recipe.lr / 25e4
        assert optimizer.param_groups[0]["lr"] == pytest.approx(wanted, rel=1e-9)
        value.grad = torch.ones(1)
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 5), (7,)])
def test_another_layout_in_memory_is_the_same_tensor(shape):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    copy = as_gradients_come(values, torch.empty(shape[-2:]))
    assert torch.equal(copy, values)
    assert copy.data_ptr() != values.data_ptr()
    assert len(shape) == 1 or copy.mT.is_contiguous()


# The order of the batches


def test_an_epoch_sees_every_image_once():
    part = sl.split_mnist()[3:]
    size = part.train_view.sizes[0]
    recipe = replace(ADAM, steps=-(-2 * size // 100), batch=100)
    order = batch_order(part, recipe.steps, recipe.batch, 0)
    assert order.shape == (2, recipe.steps, 100)
    for indices, size in zip(order, part.train_view.sizes, strict=True):
        flat = indices.flatten()
        assert torch.equal(flat[:size].sort().values.cpu(), torch.arange(size))
        whole = flat[size : 2 * size]
        assert len(whole.unique()) == len(whole)
        assert not torch.equal(flat[:50], whole[:50])
        assert int(indices.max()) < size


def test_the_order_depends_on_seed_and_task_alone(tasks):
    order = batch_order(tasks, ADAM.steps, ADAM.batch, 3)
    assert torch.equal(batch_order(tasks[2:], ADAM.steps, ADAM.batch, 3), order[2:])
    assert torch.equal(batch_order(tasks, 2, ADAM.batch, 3), order[:, :2])
    assert not torch.equal(order[0], order[1])
    assert not torch.equal(order, batch_order(tasks, ADAM.steps, ADAM.batch, 4))


# Many at once


@pytest.mark.parametrize("keep", [None, 0.3])
def test_many_at_once_equal_one_by_one(net, tasks, keep):
    recipe = replace(CYCLE, steps=15)
    one, three, all_five = (learn(net, tasks, keep=keep, recipe=recipe, at_once=width) for width in (1, 3, 5))
    for other in (three, all_five):
        assert differing(one, other) < 1e-4
        for task, mask, same in zip(tasks, one, other, strict=True):
            here, there = (oracles.accuracy(net, either, task, 1000) for either in (mask, same))
            assert here == pytest.approx(there, abs=0.002)


def test_a_mask_does_not_depend_on_its_company(net, tasks):
    together = learn(net, tasks)
    assert differing(learn(net, tasks[3:4]), together[3:4]) < 1e-4
    assert differing(learn(net, tasks[::-1]), together[::-1]) < 1e-4
    assert differing(learn(net, sl.permuted_mnist(9, seed=1)[2:4]), together[2:4]) < 1e-4


def test_twice_the_same(net, tasks):
    assert differing(learn(net, tasks), learn(net, tasks)) == 0


def test_a_seed_matters(net, tasks):
    assert differing(learn(net, tasks[:1]), learn(net, tasks[:1], seed=1)) > 0.4


def test_every_layer_of_every_mask_has_its_density(net, tasks):
    for keep in (0.0, 0.25, 1.0):
        for name, kept in learn(net, tasks[:3], keep=keep, recipe=replace(ADAM, steps=2)).kept().items():
            assert kept.tolist() == [round(keep * net.weights()[name].numel())] * 3


def test_the_network_stays_as_it_is(net, tasks):
    before = net.fingerprint()
    learn(net, tasks[:2], keep=0.5)
    learn(net, tasks[:2], transfer=True)
    assert net.fingerprint() == before
    assert not any(weight.requires_grad or weight.grad is not None for weight in net.parameters())


def test_the_store_says_how_it_was_learned(net, tasks):
    store = learn(net, tasks[:2], keep=0.5, seed=7)
    assert store.learned == sl.Learned(num_classes=10, keep=0.5, recipe=ADAM, seed=7, transfer=False)
    assert store.identities == tasks[:2].identities
    assert store.about == {}, "notes are free"


# Memory


def test_as_many_at_once_as_fit_in_half_of_what_is_free(net, tasks, monkeypatch):
    """The masks are the same, the parts smaller."""
    want, each = learn(net, tasks), bytes_a_task(net, ADAM)
    for free, width in ((100 * each, 4), (6 * each, 3), (3 * each, 1), (each, 1)):
        monkeypatch.setattr(memory, "free_memory", lambda where, free=free: free)
        widths = []
        got = learn(net, tasks, on_step=lambda step, scores, loss, widths=widths: widths.append(len(loss)))
        assert max(widths) == min(width, len(tasks))
        assert differing(got, want) < 1e-4


def test_no_room_for_one_task_is_said_in_words(net, tasks, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda where: bytes_a_task(net, ADAM) - 1)
    with pytest.raises(MemoryError, match=r"One task of <small.*batches of 16 needs about \d+ MB.* has \d+ MB free"):
        learn(net, tasks)
    assert len(learn(net, tasks[:1], at_once=1)) == 1  # who says how many takes the risk


@pytest.mark.parametrize("kind", ["cpu", "mps", "cuda"])
def test_a_large_machine_learns_no_more_at_once_than_pays(kind, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda where: 2**50)
    somewhere = MLP("small", (784, 24, 12), 0, "cpu")
    monkeypatch.setattr(MLP, "device", torch.device(kind))
    assert tasks_at_once(somewhere, ADAM) == {"cpu": 4, "mps": 25, "cuda": 500}[kind]


def test_free_memory_is_what_the_machine_says(tmp_path, monkeypatch):
    cpu = torch.device("cpu")
    assert 0 < devices.free_memory(cpu) <= devices._built_in_memory()
    monkeypatch.setattr(devices, "_left_in_container", lambda folder: 7)
    assert devices.free_memory(cpu) in (7, devices._built_in_memory() // 2)  # the second has no /proc
    monkeypatch.undo()
    assert devices._left_in_container(tmp_path) == float("inf")
    (tmp_path / "memory.current").write_text("30\n")
    for most, left in (("max", float("inf")), ("100\n", 70), ("20", 0)):
        (tmp_path / "memory.max").write_text(most)
        assert devices._left_in_container(tmp_path) == left


MEASURE = """
import torch
torch.set_num_threads(1)
import supsup_lite as sl
from supsup_lite.learning import bytes_a_task
from tests.benchmarks.inference import _fresh_peak_mb, _peak_mb
net, tasks = sl.lenet_300_100(device="cpu"), sl.permuted_mnist(32, device="cpu")
recipe = sl.Recipe(2, 128, "adam", 1e-3)
sl.learn_masks(sl.lenet_300_100(10, device="cpu"), tasks[:1], recipe=sl.Recipe(1, 2, "adam", 1e-3), progress=False)
before = _fresh_peak_mb()
for count in (8, 32):
    masks = sl.learn_masks(net, tasks[:count], recipe=recipe, at_once=4, progress=False)
    print(_peak_mb() - before)
print(masks.nbytes / 2**20, 4 * bytes_a_task(net, recipe) / 2**20)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux forgets an earlier peak")
def test_the_peak_is_what_is_expected_and_does_not_grow_with_the_tasks():
    """In a process of its own, in MB."""
    command, root = [sys.executable, "-c", MEASURE], Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=PATIENCE)
    few, many, packed, expected = map(float, done.stdout.split())
    assert expected / 2 < few < expected + 8  # and what an allocator keeps back
    assert many < few + 3 * packed + 16  # a growing store is there three times; the scores of 24 more tasks: 26 MB


# Going on


def test_going_on_gives_the_same_masks(net, tasks):
    whole = learn(net, tasks, at_once=2)
    store = learn(net, tasks[:2], at_once=2)
    again = learn(net, tasks, at_once=2, masks=store)
    assert again is store
    assert len(store) == 5
    assert differing(store, whole) < 1e-4


def test_nothing_is_left_to_learn(net, tasks):
    store = learn(net, tasks[:2])
    before = list(store)
    calls = []
    assert learn(net, tasks[:2], masks=store, on_step=lambda *step: calls.append(step)) is store
    assert calls == []
    assert all(torch.equal(mask[name], old[name]) for mask, old in zip(store, before, strict=True) for name in mask)


@pytest.mark.parametrize("at", [0, 3])
def test_an_interruption_keeps_what_is_finished(net, tasks, at):
    whole = learn(net, tasks, at_once=2)
    chunks = []

    def stop_in_the_second_chunk(step, scores, loss):
        chunks.append(step == 0)
        if sum(chunks) == 2 and step == at:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match=r"2 of 5 tasks are learned and kept\. Call learn_masks again with masks="):
        store = learn(net, tasks, at_once=2, on_step=stop_in_the_second_chunk)
    assert differing(store, whole[:2]) == 0
    learn(net, tasks, at_once=2, masks=store)
    assert differing(store, whole) == 0


def test_an_interruption_of_transfer_says_that_there_is_no_going_on(net, tasks):
    def stop(step, scores, loss):
        raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="0 of 5 tasks are learned and kept. .*transfer cannot go on from here"):
        assert len(learn(net, tasks, transfer=True, on_step=stop)) == 0


def test_another_error_is_not_swallowed(net, tasks):
    def fail(step, scores, loss):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        learn(net, tasks, on_step=fail)


def test_on_step_sees_every_step_before_the_update(net, tasks):
    steps, firsts = [], []

    def watch(step, scores, loss):
        steps.append((step, tuple(loss.shape), loss.requires_grad))
        if step == 0:
            firsts.append({name: values.detach().clone() for name, values in scores.items()})
            assert all(values.grad.shape == values.shape and values.grad.any() for values in scores.values())

    learn(net, tasks[:3], at_once=2, on_step=watch)
    assert steps == [(step, (width,), False) for width in (2, 1) for step in range(4)]
    for first, numbers in zip(firsts, ([0, 1], [2]), strict=True):
        for name, values in init_scores(net, numbers, 0).items():
            assert torch.equal(first[name], values)


# Transfer


def test_transfer_starts_from_the_mean_of_all_scores_before(net, tasks):
    store = learn(net, tasks[:4], keep=0.4, transfer=True)
    learned = []
    for i in range(4):
        start = None
        if learned:
            start = {name: torch.stack([scores[name] for scores in learned]).mean(0) for name in net.weights()}
        scores = learn_scores(net, tasks[i : i + 1], 0.4, 0, ADAM, start)
        learned.append({name: values[0] for name, values in scores.items()})
        for name, bits in store[i].items():
            wanted = oracles.mask_of(learned[i][name].cpu().numpy(), 0.4)
            assert float((bits.cpu() != torch.from_numpy(wanted)).float().mean()) < 1e-3
    assert store.learned.transfer is True
    assert differing(learn(net, tasks[:1], keep=0.4), store[:1]) == 0
    assert differing(learn(net, tasks[:2], keep=0.4)[1:], store[1:2]) > 0.1


def test_a_given_start_is_shared_and_left_alone(net, tasks):
    start = {name: values[0] for name, values in init_scores(net, [9], 0).items()}
    before = {name: values.clone() for name, values in start.items()}
    seen = []
    learn_scores(
        net, tasks[:2], None, 0, ADAM, start, lambda step, scores, loss: seen.append(scores["fc1.weight"].clone())
    )
    assert torch.equal(seen[0], before["fc1.weight"].expand(2, -1, -1))
    assert all(torch.equal(start[name], before[name]) for name in before)


# Progress


def test_no_progress_writes_nothing(net, tasks, capfd):
    learn(net, tasks[:3], at_once=1)
    assert capfd.readouterr() == ("", "")


def test_progress_counts_tasks(net, tasks, capfd):
    learn(net, tasks[:3], at_once=1, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "learning masks" in err
    assert "/3 [" in err


def test_learning_warns_of_nothing(net, tasks):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for recipe in RECIPES.values():
            learn(net, tasks[:1], recipe=recipe)


# It learns


@pytest.mark.parametrize("keep", [None, 0.5])
def test_a_few_steps_beat_chance_and_shuffled_labels_do_not(keep):
    """The control: with labels drawn at random there is nothing to learn about the test images."""
    net = MLP("small", (784, 64, 20), 0)
    tasks = sl.permuted_mnist(4, seed=3)[3:]
    recipe = sl.Recipe(steps=60, batch=64, optimizer="adam", lr=1e-2, one_cycle=True)
    half = tasks.train_view.images
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(half))).to(half.labels.device)
    shuffled = replace(tasks, train_view=replace(tasks.train_view, images=Images(half.pixels, half.labels[order])))
    right, wrong = (
        oracles.accuracy(net, learn(net, suite, keep=keep, recipe=recipe)[0], tasks[0]) for suite in (tasks, shuffled)
    )
    assert right > 0.7
    assert wrong < 0.25


@pytest.mark.parametrize("make", [sl.rotated_mnist, sl.split_mnist, sl.split_fashion_mnist])
def test_every_kind_of_suite_can_be_learned(make):
    tasks = make()[1:3]
    net = MLP("small", (784, 64, 12), 0)
    recipe = sl.Recipe(steps=60, batch=64, optimizer="adam", lr=1e-2, one_cycle=True)
    for task, mask in zip(tasks, learn(net, tasks, recipe=recipe), strict=True):
        chance = 1 / tasks.num_classes
        assert oracles.accuracy(net, mask, task, 1000) > chance + 0.25


# Arguments that make no sense


NONSENSE = {
    "net": ({"net": "lenet"}, TypeError, "net must be a supsup_lite network.*got str"),
    "a plain module": ({"net": torch.nn.Linear(784, 10)}, TypeError, "net must be a supsup_lite network.*got Linear"),
    "one task": ({"tasks": lambda tasks: tasks[0]}, TypeError, "tasks must be a suite.*got Task"),
    "a list of tasks": ({"tasks": list}, TypeError, "tasks must be a suite.*got list"),
    "keep above 1": ({"keep": 30}, ValueError, r"keep must lie in 0\.\.1.*got 30"),
    "keep below 0": ({"keep": -0.1}, ValueError, r"keep must lie in 0\.\.1.*got -0.1"),
    "keep as text": ({"keep": "30%"}, TypeError, "keep must be a number.*got '30%'"),
    "seed below 0": ({"seed": -1}, ValueError, "seed must be 0 or more, got -1"),
    "seed as text": ({"seed": "0"}, TypeError, "seed must be a whole number, got '0'"),
    "no recipe": ({"recipe": "paper"}, TypeError, "recipe must be a Recipe such as PAPER or DEFAULT, got 'paper'"),
    "none at once": ({"at_once": 0}, ValueError, "at_once must be 1 or more, got 0"),
    "half at once": ({"at_once": 1.5}, TypeError, "at_once must be a whole number, got 1.5"),
    "true at once": ({"at_once": True}, TypeError, "at_once must be a whole number, got True"),
    "too few outputs": ({"net": MLP("few", (784, 8, 9), 0)}, ValueError, "fewer outputs than the tasks have classes"),
    "other images": ({"net": MLP("other", (100, 8, 10), 0)}, ValueError, r"100 numbers each for other, got \(1, 784\)"),
    "elsewhere": ({"net": MLP("meta", (784, 8, 10), 0, "meta")}, ValueError, "the images are on .*the network on meta"),
    "masks as a list": ({"masks": []}, TypeError, "masks must be a MaskStore to go on with, got list"),
    "masks of another": (
        {"masks": sl.MaskStore(MLP("small", (784, 24, 16, 12), 1))},
        ValueError,
        "masks belong to <small.*seed 1>, not to <small.*seed 0>",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "error", "message"), NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_refused(net, tasks, arguments, error, message):
    given = {"net": net, "tasks": tasks} | arguments
    if callable(given["tasks"]):
        given["tasks"] = given["tasks"](tasks)
    with pytest.raises(error, match=message):
        learn(given.pop("net"), given.pop("tasks"), **given)


BAD_RECIPES = {
    "optimizer": ({"optimizer": "sgd"}, ValueError, "'rmsprop', 'adam'.*got 'sgd'"),
    "no steps": ({"steps": 0}, ValueError, r"recipe\.steps must be 1 or more, got 0"),
    "half steps": ({"steps": 1.5}, TypeError, r"recipe\.steps must be a whole number, got 1.5"),
    "no images": ({"batch": 0}, ValueError, r"recipe\.batch must be 1 or more, got 0"),
    "half images": ({"batch": 8.0}, TypeError, r"recipe\.batch must be a whole number"),
    "no rate": ({"lr": 0}, ValueError, r"recipe\.lr must be a positive number, got 0"),
    "endless rate": ({"lr": float("inf")}, ValueError, r"recipe\.lr must be a positive number"),
    "rate NaN": ({"lr": float("nan")}, ValueError, r"recipe\.lr must be .* number, got nan"),
    "rate as text": ({"lr": "1e-3"}, TypeError, r"recipe\.lr must be a number, got '1e-3'"),
    "a huge rate": ({"lr": 1e18}, ValueError, "at most 1000"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "error", "message"), BAD_RECIPES.values(), ids=BAD_RECIPES)
def test_a_recipe_that_cannot_be_followed_is_refused_when_it_is_made(changes, error, message):
    with pytest.raises(error, match=message):
        replace(ADAM, **changes)


def test_a_recipe_takes_any_kind_of_number():
    made = replace(ADAM, steps=np.int64(2), batch=np.int8(4), lr=Fraction(1, 4))
    assert made == replace(ADAM, steps=2, batch=4, lr=0.25)
    assert [type(value) for value in (made.steps, made.batch, made.lr)] == [int, int, float]


def test_masks_that_do_not_fit_the_tasks(net, tasks):
    store = learn(net, tasks[:3])
    learned = store.learned
    with pytest.raises(ValueError, match=r"masks holds 3 masks already, more than there are tasks \(2\)"):
        learn(net, tasks[:2], masks=store)
    with pytest.raises(ValueError, match=r"transfer starts from the mean of earlier scores.*start afresh"):
        learn(net, tasks, masks=store, transfer=True)
    with pytest.raises(ValueError, match="seed must be 0 or more"):
        learn(net, tasks, masks=store, seed=-1)
    with pytest.raises(
        ValueError, match=r"learned with \{'keep': None, 'seed': 0\}, now given \{'keep': 0.5, 'seed': 7\}"
    ):
        learn(net, tasks, masks=store, keep=0.5, seed=7)
    assert len(store) == 3
    assert store.learned == learned
