"""BatchE, PSP, separate heads, upper and lower bound: against slow loops and hand counts, on linear and conv layers."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import supsup_lite as sl
from supsup_lite import baselines, evaluation
from supsup_lite.baselines.batch_ensemble import forward_vectors, superposed_weights
from supsup_lite.baselines.heads import forward_heads, head_of
from supsup_lite.baselines.psp import random_rotation, train_in_context
from supsup_lite.data.batches import batch_order
from supsup_lite.inference.objectives import objective_of
from supsup_lite.networks.network import run
from supsup_lite.seeding import generator

SHORT = sl.Recipe(steps=6, batch=16, optimizer="adam", lr=1e-2, one_cycle=True)

pytestmark = pytest.mark.usefixtures("one_thread")


def conv_module():
    """Strides, groups, biases, and a linear layer at the end: 28 x 28 -> 12."""
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 5, stride=4), nn.ReLU(), nn.Conv2d(4, 6, 3, groups=2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(96, 12)),
    )


@pytest.fixture(scope="module")
def tasks():
    return sl.permuted_mnist(3, seed=0, device="cpu")


@pytest.fixture(scope="module")
def mlp():
    return sl.mlp((784, 14, 11, 12), seed=0, device="cpu")


@pytest.fixture(scope="module")
def conv():
    torch_state = torch.get_rng_state()
    torch.manual_seed(0)
    net = sl.freeze_as_base(conv_module(), input_shape=(1, 28, 28), device="cpu")
    torch.set_rng_state(torch_state)
    return net


@pytest.fixture(params=["mlp", "conv"])
def net(request):
    return request.getfixturevalue(request.param)


def drawn(tensors):
    """Other numbers in the place of some tensors, float64, from a generator of our own."""
    draw = torch.Generator().manual_seed(3)
    return {
        name: torch.randn(values.shape, generator=draw, dtype=torch.float64) + 0.5 for name, values in tensors.items()
    }


def slowly(start, forward, tasks, i, seed, recipe):
    """The oracle: plain autograd on tensors of one task, on the batches of `learn_masks`."""
    leaves = {name: values.detach().clone().requires_grad_(True) for name, values in start.items()}
    optimizer = torch.optim.Adam(leaves.values(), lr=recipe.lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.lr, total_steps=recipe.steps, cycle_momentum=False)
    for rows in batch_order(tasks, recipe.steps, recipe.batch, seed)[i]:
        x, y = tasks[i].train.batch(rows)
        optimizer.zero_grad()
        F.cross_entropy(forward(leaves, x), y).backward()
        optimizer.step(), schedule.step()
    return {name: leaf.detach() for name, leaf in leaves.items()}


def assert_close(got, want, **tolerance):
    assert got.keys() == want.keys()
    for name in want:
        torch.testing.assert_close(got[name], want[name], **tolerance)


def layers_of(weights, x):
    """Three linear layers and ReLU, written out."""
    h = torch.relu(x @ weights["fc1.weight"].mT)
    return torch.relu(h @ weights["fc2.weight"].mT) @ weights["fc3.weight"].mT


# --- BatchE ----------------------------------------------------------------------------------------------------------


def test_vectors_scale_inputs_and_outputs_one_by_one(net, tasks):
    """Weight [o, i, ...] is scaled by s[o] r[i]; in a group by the r of the input that it reads."""
    vectors = drawn(baselines.unit_vectors(net, 2))
    kept = baselines.BatchEnsemble(net, tasks[:2].identities, {}, vectors, 0)
    for name, layer in net.masked_layers().items():
        weight, got = layer.weight.double(), kept.weights(1)[f"{name}.weight"]
        r, s = vectors[f"{name}.in"][1], vectors[f"{name}.out"][1]
        group_in, group_out = weight.shape[1], len(weight) // getattr(layer, "groups", 1)
        for o in range(len(weight)):
            for i in range(group_in):
                want = weight[o, i] * s[o] * r[i + group_in * (o // group_out)]
                torch.testing.assert_close(got[o, i], want)


def test_one_product_for_all_tasks_is_each_task_by_itself(net, tasks):
    vectors, k = drawn(baselines.unit_vectors(net, 3)), 3
    kept = baselines.BatchEnsemble(net, tasks.identities, {}, vectors, 0)
    x = torch.stack([task.test.batch(range(5))[0] for task in tasks]).double()
    trunk = {name: weight.double() for name, weight in net.weights().items()}
    got = forward_vectors(net, trunk, vectors, x)
    assert got.shape == (k, 5, 12)
    for i in range(k):
        torch.testing.assert_close(got[i], run(net, kept.weights(i), x[i]))


def test_vectors_of_ones_are_the_plain_network(net, tasks):
    x = tasks[0].test.batch(range(8))[0]
    plain = net(x)
    got = forward_vectors(net, net.weights(), baselines.unit_vectors(net, 1), x[None])[0]
    torch.testing.assert_close(got, plain, rtol=1e-5, atol=1e-6)
    kept = baselines.BatchEnsemble(net, tasks[:1].identities, {}, baselines.unit_vectors(net, 1), 0)
    assert all(torch.equal(values, net.weights()[name]) for name, values in kept.weights(0).items())


@pytest.mark.parametrize("on_first_task", [False, True])
def test_batch_ensemble_equals_a_slow_loop(mlp, tasks, on_first_task):
    trunk = baselines.first_task_trunk(mlp, tasks, 3, SHORT) if on_first_task else None
    kept = baselines.train_batch_ensemble(mlp, tasks, 3, SHORT, trunk)
    weights = trunk or mlp.weights()

    def forward(vectors, x):
        scales = {n: vectors[f"{n}.out"][:, None] * vectors[f"{n}.in"][None, :] for n in mlp.masked_layers()}
        return layers_of({f"{n}.weight": weights[f"{n}.weight"] * scale for n, scale in scales.items()}, x)

    start = {name: values[0] for name, values in baselines.unit_vectors(mlp, 1).items()}
    for i in range(3):
        want = slowly(start, forward, tasks, i, 3, SHORT)
        assert_close({name: values[i] for name, values in kept.task_specific.items()}, want, rtol=1e-3, atol=1e-4)
    assert kept.steps == 3 * SHORT.steps


@pytest.mark.parametrize("train", [baselines.train_batch_ensemble, baselines.train_heads, baselines.train_separate])
def test_a_task_learns_the_same_in_any_company(net, tasks, train):
    together, alone = train(net, tasks, 0, SHORT), train(net, tasks[1:2], 0, SHORT)
    assert_close({n: v[1:2] for n, v in together.task_specific.items()}, alone.task_specific, rtol=1e-3, atol=1e-4)
    assert_close(together.weights(1), alone.weights(0), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("objective", ["entropy", "superfluous"])
def test_one_shot_for_batch_ensemble_is_the_gradient_in_the_alphas(net, tasks, objective, monkeypatch):
    monkeypatch.setattr(baselines.rank_one_inference, "ROOM", 900)  # a chunk of one task, of two, of all
    kept = baselines.BatchEnsemble(net, tasks.identities, {}, drawn(baselines.unit_vectors(net, 3)), 0)
    x = tasks[0].test.batch(range(4))[0].double()
    got = baselines.rank_one_gradient(kept, x, objective, 10)
    trunk = {name: weight.double() for name, weight in net.weights().items()}
    for b in range(4):
        alphas = torch.full((3,), 1 / 3, dtype=torch.float64, requires_grad=True)
        mixed = {name: 0 for name in trunk}
        for i in range(3):
            for name, weight in kept.weights(i).items():
                mixed[name] = mixed[name] + alphas[i] * weight
        assert_close(superposed_weights(net, trunk, kept.task_specific, alphas), mixed)
        value = objective_of(run(net, mixed, x[b : b + 1]), objective, 10).sum()
        torch.testing.assert_close(got[b], torch.autograd.grad(value, alphas)[0])
    assert torch.equal(baselines.infer_rank_one(kept, x, objective, 10), got.argmin(1))


def test_one_shot_finds_tasks_that_batch_ensemble_learned(tasks):
    """More often than by chance, 1/3: vectors tell tasks apart far less well than masks do."""
    net = sl.mlp((784, 100, 50, 100), seed=0, device="cpu")
    recipe = sl.Recipe(steps=100, batch=64, optimizer="adam", lr=0.1, one_cycle=True)
    kept = baselines.train_batch_ensemble(net, tasks, 0, recipe)
    found = [baselines.infer_rank_one(kept, task.test.batch(range(60))[0]) == i for i, task in enumerate(tasks)]
    assert torch.cat(found).double().mean() > 0.55


# --- PSP -------------------------------------------------------------------------------------------------------------


def test_one_task_in_the_context_that_turns_nothing_is_plain_training(net, tasks):
    identity = {name: torch.eye(layer.weight[0].numel()) for name, layer in net.masked_layers().items()}
    got = train_in_context(net, net.weights(), identity, tasks[:1], 0, SHORT)
    want = baselines.train_dense(net, tasks[:1], 0, SHORT)
    assert_close(got, {name: values[0] for name, values in want.items()}, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("contexts", ["rotation", "binary"])
def test_a_context_turns_and_keeps_lengths(net, contexts):
    context = baselines.draw_context(net, contexts, 0, 5)
    for name, layer in net.masked_layers().items():
        turn = context[name] if contexts == "rotation" else context[name].diag()
        d = layer.weight[0].numel()
        torch.testing.assert_close(turn @ turn.mT, torch.eye(d), rtol=0, atol=1e-5)
        assert d < 10 or not torch.equal(turn, torch.eye(d))
        weight = drawn({"w": layer.weight})["w"].float()
        want = weight.flatten(1) @ turn
        torch.testing.assert_close(baselines.in_context(weight, context[name]).flatten(1), want)
    again, other = (baselines.draw_context(net, contexts, 0, number) for number in (5, 6))
    assert all(torch.equal(context[name], again[name]) for name in context)
    assert not any(torch.equal(context[name], other[name]) for name in context if context[name].numel() > 50)


def test_rotations_are_uniform():
    """Of a uniform orthogonal matrix the trace has mean 0 and variance 1 (that of Q alone, as LAPACK gives it, not)."""
    draw = generator("a test", 0)
    traces = torch.stack([random_rotation(draw, 4).trace() for _ in range(3000)])
    assert abs(traces.mean()) < 4 / 3000**0.5
    assert abs(traces.var() - 1) < 0.12
    determinants = torch.stack([torch.linalg.det(random_rotation(draw, 3)) for _ in range(500)])
    assert 0.4 < (determinants > 0).double().mean() < 0.6


@pytest.mark.parametrize("contexts", ["rotation", "binary"])
def test_psp_equals_a_slow_loop(mlp, tasks, contexts):
    kept = baselines.train_psp(mlp, tasks, 3, SHORT, contexts=contexts)
    weights = dict(mlp.weights())
    for i in range(3):
        context = baselines.draw_context(mlp, contexts, 3, i)
        turns = {f"{n}.weight": turn if turn.ndim == 2 else turn.diag() for n, turn in context.items()}
        forward = lambda leaves, x, t=turns: layers_of({n: w @ t[n] for n, w in leaves.items()}, x)  # noqa: E731
        weights = slowly(weights, forward, tasks, i, 3, SHORT)
    assert_close(kept.shared, weights, rtol=1e-3, atol=1e-4)
    assert not kept.task_specific
    assert_close(kept.weights(2), {n: weights[n] @ turns[n] for n in weights}, rtol=1e-3, atol=1e-4)


def test_psp_learns_in_the_context_in_which_it_answers(net, tasks):
    """The loss of a step is that of the weights that `weights(i)` gives back: images turned, or weights, is one."""
    losses = {}
    watch = lambda step, weights, loss: losses.setdefault("first", loss)  # noqa: E731
    baselines.train_psp(net, tasks[1:2], 0, SHORT, on_step=watch)
    start = baselines.ParameterSuperposition(net, tasks[1:2].identities, net.weights(), {}, 0, 0, "rotation")
    x, y = tasks[1].train.batch(batch_order(tasks, SHORT.steps, SHORT.batch, 0)[1][0])
    torch.testing.assert_close(losses["first"][0], F.cross_entropy(run(net, start.weights(0), x), y))


# --- heads, bounds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_first_task", [False, True])
def test_heads_equal_a_slow_loop(mlp, tasks, on_first_task):
    trunk = baselines.first_task_trunk(mlp, tasks, 3, SHORT) if on_first_task else None
    kept = baselines.train_heads(mlp, tasks, 3, SHORT, trunk)
    weights, head = trunk or mlp.weights(), "fc3.weight"
    for i in range(3):
        want = slowly({head: mlp.weights()[head]}, lambda h, x: layers_of({**weights, **h}, x), tasks, i, 3, SHORT)
        assert_close({head: kept.task_specific[head][i]}, want, rtol=1e-3, atol=1e-4)
        assert_close(kept.weights(i), {**weights, head: kept.task_specific[head][i]})


def test_heads_side_by_side_are_each_by_itself(net, tasks):
    head = head_of(net)
    heads = drawn({head: net.weights()[head].expand(3, *net.weights()[head].shape)})
    x = torch.stack([task.test.batch(range(5))[0] for task in tasks]).double()
    kept = baselines.Heads(net, tasks.identities, {}, heads, 0)
    got = forward_heads(net, net.weights(), heads, x)
    for i in range(3):
        weights = {name: values.double() for name, values in kept.weights(i).items()}
        torch.testing.assert_close(got[i], run(net, weights, x[i]))


def test_a_trunk_trained_on_and_on_leaves_each_head_as_its_task_did(net, tasks):
    kept, head = baselines.train_shared_trunk(net, tasks, 0, SHORT), head_of(net)
    weights = {name: weight[None] for name, weight in net.weights().items()}
    for i in range(3):
        start = {**weights, head: net.weights()[head][None]}
        weights = baselines.train_weights(net, start, tasks[i : i + 1], 0, SHORT)
        assert_close({head: kept.task_specific[head][i]}, {head: weights[head][0]})
    assert_close(kept.shared, {name: values[0] for name, values in weights.items() if name != head})
    assert head not in kept.shared


@pytest.mark.parametrize("train", [baselines.train_psp, baselines.train_shared_trunk, baselines.train_heads])
def test_what_was_kept_can_be_gone_on_with(net, tasks, train):
    whole = train(net, tasks, 0, SHORT)
    first = train(net, tasks[:2], 0, SHORT)
    second = train(net, tasks[2:], 0, SHORT, first.shared)
    both = baselines.joined([first, second])
    assert_close(both.shared, whole.shared)
    assert_close(both.task_specific, whole.task_specific)
    assert both.identities == whole.identities
    assert (both.steps, both.nbytes) == (whole.steps, whole.nbytes)


# --- one ruler -------------------------------------------------------------------------------------------------------


def everything(net, tasks):
    trunk = baselines.first_task_trunk(net, tasks, 0, SHORT)
    masks = sl.learn_masks(net, tasks, recipe=SHORT, progress=False)
    return {
        "masks": baselines.masked(net, masks, tasks, len(tasks) * SHORT.steps),
        "upper": baselines.train_separate(net, tasks, 0, SHORT),
        "batch_ensemble": baselines.train_batch_ensemble(net, tasks, 0, SHORT, trunk),
        "batch_ensemble_random": baselines.train_batch_ensemble(net, tasks, 0, SHORT),
        "psp": baselines.train_psp(net, tasks, 0, SHORT),
        "heads": baselines.train_heads(net, tasks, 0, SHORT, trunk),
        "heads_random": baselines.train_heads(net, tasks, 0, SHORT),
        "lower": baselines.train_shared_trunk(net, tasks, 0, SHORT),
    }


BYTES = {  # by hand: of 3 tasks, floats of 4 bytes, masks of one bit a weight in whole bytes a layer
    "mlp": {
        "masks": 3 * (784 * 14 // 8 + (14 * 11 + 7) // 8 + (11 * 12 + 7) // 8),
        "upper": 3 * 4 * (784 * 14 + 14 * 11 + 11 * 12),
        "batch_ensemble_random": 3 * 4 * ((784 + 14) + (14 + 11) + (11 + 12)),
        "batch_ensemble": 3 * 4 * ((784 + 14) + (14 + 11) + (11 + 12)) + 4 * (784 * 14 + 14 * 11 + 11 * 12),
        "psp": 4 * (784 * 14 + 14 * 11 + 11 * 12),
        "heads_random": 3 * 4 * 11 * 12,
        "heads": 3 * 4 * 11 * 12 + 4 * (784 * 14 + 14 * 11),
        "lower": 3 * 4 * 11 * 12 + 4 * (784 * 14 + 14 * 11),
    },
    "conv": {
        "masks": 3 * ((100 + 7) // 8 + (6 * 2 * 9 + 7) // 8 + 96 * 12 // 8),
        "upper": 3 * 4 * (100 + 6 * 2 * 9 + 96 * 12),
        "batch_ensemble_random": 3 * 4 * ((1 + 4) + (4 + 6) + (96 + 12)),
        "batch_ensemble": 3 * 4 * ((1 + 4) + (4 + 6) + (96 + 12)) + 4 * (100 + 6 * 2 * 9 + 96 * 12),
        "psp": 4 * (100 + 6 * 2 * 9 + 96 * 12),
        "heads_random": 3 * 4 * 96 * 12,
        "heads": 3 * 4 * 96 * 12 + 4 * (100 + 6 * 2 * 9),
        "lower": 3 * 4 * 96 * 12 + 4 * (100 + 6 * 2 * 9),
    },
}


@pytest.mark.parametrize("kind", BYTES)
def test_accuracy_bytes_and_steps_of_every_method(kind, request, tasks):
    net = request.getfixturevalue(kind)
    before = net.fingerprint()
    for name, kept in everything(net, tasks).items():
        result = evaluation.measure(kept, tasks, images=40)
        assert result.nbytes == BYTES[kind][name], name
        assert result.nbytes == kept.shared_nbytes + kept.task_specific_nbytes
        assert result.steps == 3 * SHORT.steps
        assert result.n == 120
        for i, task in enumerate(tasks):
            x, y = task.test.batch(range(40))
            right = (run(net, kept.weights(i), x)[:, :10].argmax(1) == y).double().mean()
            assert result.per_task[i] == right, name
        assert result.accuracy == pytest.approx(result.per_task.mean().item())
    assert net.fingerprint() == before


def test_masks_measured_here_are_as_evaluate_has_them(tasks):
    net = sl.mlp((784, 30, 10), seed=0, device="cpu")
    recipe = replace(SHORT, steps=40, batch=64)
    masks = sl.learn_masks(net, tasks, recipe=recipe, progress=False)
    want = sl.evaluate(net, masks, tasks, "GG")
    got = evaluation.measure(baselines.masked(net, masks, tasks, 120), tasks)
    torch.testing.assert_close(got.per_task, want.per_task)
    assert got.n == want.n
    assert want.accuracy > 0.5


def test_every_method_learns(tasks):
    """Far above chance after a hundred steps, and the order is as it should be: one network a task is the best."""
    net = sl.mlp((784, 60, 10), seed=0, device="cpu")
    recipe = sl.Recipe(steps=80, batch=64, optimizer="adam", lr=3e-3, one_cycle=True)
    fast, two = replace(recipe, lr=0.1), tasks[:2]
    found = {
        "upper": baselines.train_separate(net, two, 0, recipe),
        "batch_ensemble": baselines.train_batch_ensemble(net, two, 0, fast),
        "psp": baselines.train_psp(net, two, 0, recipe),
        "heads": baselines.train_heads(net, two, 0, fast),
    }
    accuracy = {name: evaluation.measure(kept, two, 1000).accuracy for name, kept in found.items()}
    assert min(accuracy.values()) > 0.6, accuracy
    assert max(accuracy, key=accuracy.__getitem__) == "upper", accuracy


# --- batch norm with statistics of each task -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def normed():
    return sl.conv_net(12, 0, device="cpu", widths=(3, 4))


def layer_by_layer(net, kept, i, x, moments=None):
    """The conv net written out, float64: by statistics that are kept, or by the batch's, which are noted."""
    weights, statistics = kept.weights(i), kept.statistics(i)
    h = x.view(-1, 1, 28, 28)
    for depth in range(2):
        h = F.conv2d(h, weights[f"blocks.{depth}.0.weight"].double(), stride=2, padding=1)
        mean, variance = h.mean((0, 2, 3)), h.var((0, 2, 3), correction=0)
        if moments is None:
            mean, variance = statistics[f"blocks.{depth}.1"].double()
        else:
            moments.setdefault(f"blocks.{depth}.1", []).append(torch.stack([mean, variance]))
        h = torch.relu((h - mean.view(-1, 1, 1)) / (variance.view(-1, 1, 1) + 1e-5).sqrt())
    return h.flatten(1) @ weights["head.weight"].double().mT


@pytest.mark.parametrize("name", list(BYTES["mlp"]))
def test_each_task_keeps_its_own_statistics(normed, tasks, name):
    """Those of its first batches under the weights of its own time; they count, and the ruler reads by them."""
    kept = everything(normed, tasks)[name]
    last = len(tasks) - 1  # whose weights are the last ones, for every method
    moments = {}
    for rows in batch_order(tasks, SHORT.steps, SHORT.batch, 0)[last]:
        layer_by_layer(normed, kept, last, tasks[last].train.batch(rows)[0].double(), moments)
    for norm, each in moments.items():
        means, variances = torch.stack(each).unbind(1)
        want = torch.stack([means.mean(0), variances.mean(0) + means.var(0, correction=0)])
        torch.testing.assert_close(kept.statistics(last)[norm].double(), want, rtol=1e-3, atol=1e-5)
    result = evaluation.measure(kept, tasks, images=40)
    for i, task in enumerate(tasks):
        x, y = task.test.batch(range(40))
        right = (layer_by_layer(normed, kept, i, x.double())[:, :10].argmax(1) == y).double().mean()
        assert abs(result.per_task[i] - right) <= 1 / 40
    floats = 3 * 4 * 2 * (3 + 4)
    if name == "upper":
        assert kept.nbytes == 3 * 4 * (9 * 3 + 9 * 3 * 4 + 4 * 49 * 12) + floats
    if name == "psp":
        assert kept.nbytes == 4 * (9 * 3 + 9 * 3 * 4 + 4 * 49 * 12) + floats


@pytest.mark.parametrize("train", [baselines.train_batch_ensemble, baselines.train_heads, baselines.train_separate])
def test_with_batch_norm_too_a_task_learns_the_same_in_any_company(normed, tasks, train):
    together, alone = train(normed, tasks, 0, SHORT), train(normed, tasks[1:2], 0, SHORT)
    assert_close({n: v[1:2] for n, v in together.task_specific.items()}, alone.task_specific, rtol=1e-3, atol=1e-4)


def test_one_shot_for_batch_ensemble_superposes_statistics(normed, tasks):
    kept = baselines.train_batch_ensemble(normed, tasks, 0, SHORT)
    kept = replace(kept, task_specific={name: values.double() for name, values in kept.task_specific.items()})
    x = tasks[0].test.batch(range(3))[0].double()
    got = baselines.rank_one_gradient(kept, x)
    trunk = {name: weight.double() for name, weight in normed.weights().items()}
    for b in range(3):
        alphas = torch.full((3,), 1 / 3, dtype=torch.float64, requires_grad=True)
        mixed = superposed_weights(normed, trunk, kept.task_specific, alphas)
        statistics = {n: torch.einsum("k,kdc->dc", alphas, kept.task_specific[n]) for n in normed.norms()}
        value = objective_of(run(normed, mixed, x[b : b + 1], statistics), "entropy").sum()
        torch.testing.assert_close(got[b], torch.autograd.grad(value, alphas)[0])


def test_what_makes_no_sense_is_refused(mlp, tasks):
    kept = baselines.train_heads(mlp, tasks[:2], 0, SHORT)
    for other in (tasks, tasks[1:], sl.permuted_mnist(2, seed=1, device="cpu")):
        with pytest.raises(ValueError, match="trained on other tasks"):
            evaluation.measure(kept, other)
    with pytest.raises(TypeError, match="what a method keeps"):
        evaluation.measure(mlp, tasks)
    with pytest.raises(TypeError, match="must be a suite"):
        evaluation.measure(kept, tasks[0])
    with pytest.raises(IndexError, match="has 2 tasks"):
        kept.weights(2)
    masks = sl.learn_masks(mlp, tasks, recipe=SHORT, progress=False)
    with pytest.raises(ValueError, match="one by one in their order"):
        baselines.masked(mlp, masks, tasks[:2], 1)
    with pytest.raises(TypeError, match="train_batch_ensemble returns"):
        baselines.infer_rank_one(kept, tasks[0].test.batch(range(2))[0])
    with pytest.raises(ValueError, match="contexts must be one of"):
        baselines.train_psp(mlp, tasks, recipe=SHORT, contexts="complex")
    for trunk in ({"fc1.weight": mlp.weights()["fc1.weight"]}, sl.mlp((784, 12), device="cpu").weights()):
        with pytest.raises(ValueError, match="must hold all weights"):
            baselines.train_heads(mlp, tasks, trunk=trunk)
    with pytest.raises(TypeError, match="a trunk is a dict"):
        baselines.train_batch_ensemble(mlp, tasks, trunk=mlp)
    trains = (
        *(baselines.train_batch_ensemble, baselines.train_psp, baselines.train_heads),
        *(baselines.train_shared_trunk, baselines.train_separate),
    )
    for train in trains:
        with pytest.raises(TypeError, match="tasks must be a suite"):
            train(mlp, tasks[0])
        with pytest.raises(ValueError, match="fewer outputs"):
            train(sl.mlp((784, 2), device="cpu"), tasks)
        with pytest.raises(TypeError, match="recipe must be a Recipe"):
            train(mlp, tasks, recipe="fast")
    units = sl.bn_mlp(units=8, device="cpu")
    for train, says in (
        (baselines.train_batch_ensemble, "linear and convolutional"),
        (baselines.train_psp, "one input an output"),
        (baselines.train_heads, "does not make its 10 logits"),
    ):
        with pytest.raises((TypeError, ValueError), match=says):
            train(units, tasks, recipe=SHORT)
