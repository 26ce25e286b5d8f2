"""Tensors of one's own as suites, against loops over single images."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import supsup_lite as sl
from supsup_lite.networks import MLP
from supsup_lite.seeding import generator
from tests import oracles

LABELS = (-7, 3, 11, 400)  # any whole numbers
HEIGHT, WIDTH = 5, 8


def draw(count=60, shape=(HEIGHT, WIDTH), dtype=torch.uint8, labels=LABELS, seed=0):
    """Training and test images, noise around a picture for each class: x, y, x_test, y_test."""
    numbers = generator("test tensors", seed)
    pictures = numbers.random((len(labels), *shape))
    halves = []
    for n in (count, count // 2):
        which = np.arange(n) % len(labels)
        x = torch.from_numpy((pictures[which] * 0.7 + numbers.random((n, *shape)) * 0.3) * 255)
        halves += [x.to(dtype), torch.tensor(labels)[torch.from_numpy(which)]]
    return halves


def slow_mean_and_std(x):
    values = [float(value) for value in x.flatten()]
    mean = sum(values) / len(values)
    return mean, (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5


def check_against_loop(suite, tensors, look, rows=range(6)):
    """Each image of each task is what `look(task number, image)` makes of it, normalised; each label is its class."""
    x, y, x_test, y_test = tensors
    mean, std = slow_mean_and_std(x)
    for task in suite:
        for half, images, labels in ((task.train, x, y), (task.test, x_test, y_test)):
            members = [i for i, label in enumerate(labels.tolist()) if str(label) in task.classes]
            assert len(half) == len(members)
            got, classes = half.batch(rows)
            assert (got.dtype, classes.dtype) == (torch.float32, torch.int64)
            for row, pixels, label in zip(rows, got.cpu(), classes.tolist(), strict=True):
                want = np.asarray(look(task.number, images[members[row]].double().numpy())).reshape(-1)
                np.testing.assert_allclose(pixels.numpy(), (want - mean) / std, atol=2e-4)
                assert task.classes[label] == str(int(labels[members[row]]))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("shape", [(HEIGHT, WIDTH), (30,)])
def test_split_equals_a_loop(dtype, shape):
    tensors = draw(shape=shape, dtype=dtype)
    suite = sl.tasks_of(*tensors)
    assert [task.classes for task in suite] == [("-7", "3"), ("11", "400")]
    assert (suite.kind, len(suite), suite.num_classes) == ("split", 2, 2)
    check_against_loop(suite, tensors, lambda task, image: image)


def test_split_by_a_seed_and_into_other_numbers():
    tensors = draw(labels=(0, 1, 2, 3, 4, 5, 6))
    suite = sl.tasks_of(*tensors, num_tasks=2, classes_per_task=3, seed=1)
    order = generator("class order", 1).permutation(7)[:6]
    assert [task.classes for task in suite] == [tuple(map(str, order[:3])), tuple(map(str, order[3:]))]
    check_against_loop(suite, tensors, lambda task, image: image)


@pytest.mark.parametrize("shape", [(HEIGHT, WIDTH), (40,)])
def test_permuted_equals_a_loop(shape):
    tensors = draw(shape=shape, dtype=torch.float32)
    suite = sl.tasks_of(*tensors, "permuted", num_tasks=3, seed=5)
    shuffles = [generator("permutation", 5, task).permutation(40).tolist() for task in range(3)]
    check_against_loop(suite, tensors, lambda task, image: oracles.permuted(image, shuffles[task]))
    assert sl.tasks_of(*tensors, "permuted", num_tasks=2).identities[1].seed == 0


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("shape", [(6, 6), (HEIGHT, WIDTH)])
def test_rotated_equals_a_loop(dtype, shape):
    """An image that is not square is turned without being stretched."""
    tensors = draw(shape=shape, dtype=dtype)
    suite = sl.tasks_of(*tensors, kind="rotated", num_tasks=7)
    check_against_loop(suite, tensors, lambda task, image: oracles.rotated(image, 10 * task), range(3))
    assert len(sl.tasks_of(*tensors, kind="rotated")) == 36


def test_one_task_each_equals_a_loop():
    parts = [draw(40, labels=(0, 1, 2)), draw(24, labels=(2, 9, 5), seed=1), draw(60, labels=(0, 1, 2), seed=2)]
    suite = sl.tasks_of(*map(list, zip(*parts, strict=True)), "each")
    mean, std = slow_mean_and_std(torch.cat([part[0] for part in parts]))
    assert [task.classes for task in suite] == [("0", "1", "2"), ("2", "5", "9"), ("0", "1", "2")]
    for task, (x, y, x_test, y_test) in zip(suite, parts, strict=True):
        for half, images, labels in ((task.train, x, y), (task.test, x_test, y_test)):
            got, classes = half.all()
            want = (images.flatten(1).double() - mean) / std
            torch.testing.assert_close(got.cpu().double(), want, atol=2e-4, rtol=0)
            assert [int(task.classes[label]) for label in classes.tolist()] == labels.tolist()


@settings(deadline=None, max_examples=30)
@given(
    labels=st.lists(st.integers(-(2**60), 2**60), min_size=2, max_size=6, unique=True),
    seed=st.none() | st.integers(0, 9),
)
def test_any_labels_are_numbered_from_0(labels, seed):
    tensors = draw(24, labels=tuple(labels))
    suite = sl.tasks_of(*tensors, num_tasks=1, classes_per_task=len(labels), seed=seed)
    (task,) = suite
    assert sorted(map(int, task.classes)) == sorted(labels)
    assert seed is not None or list(map(int, task.classes)) == sorted(labels)
    _, classes = task.train.all()
    assert [int(task.classes[label]) for label in classes.tolist()] == tensors[1].tolist()


# Whose they are


def test_other_data_are_other_tasks():
    tensors = draw()
    want = sl.tasks_of(*tensors).identities
    assert want == sl.tasks_of(*[tensor.clone() for tensor in tensors]).identities
    assert want[1].dataset.startswith("data ")
    assert sl.tasks_of(*tensors, name="mine").identities[0].dataset.startswith("mine ")
    found = {want}
    for i in range(4):
        for j in (0, 1, -1):
            changed = [tensor.clone() for tensor in tensors]
            changed[i][j] = changed[i][j] + 1 if i in (0, 2) else tensors[i][j - 1]
            found.add(sl.tasks_of(*changed).identities)
    assert len(found) == 13


def test_later_changes_of_the_tensors_change_no_task():
    tensors = draw(dtype=torch.float32)
    suite = sl.tasks_of(*tensors)
    before = suite[0].train.all()
    for tensor in tensors:
        tensor.zero_()
    assert all(torch.equal(one, other) for one, other in zip(before, suite[0].train.all(), strict=True))


def test_masks_of_other_data_are_refused():
    net = MLP("small", (HEIGHT * WIDTH, 12, 2), 0)
    tasks = sl.tasks_of(*draw(), name="one")
    masks = sl.learn_masks(net, tasks, recipe=sl.Recipe(2, 8, "adam", 1e-3), progress=False)
    with pytest.raises(ValueError, match=r"no mask of this store belongs to task 0 of split two .*split one"):
        sl.evaluate(net, masks, sl.tasks_of(*draw(seed=1), name="two"))


# They work as the suites of MNIST do


@pytest.mark.parametrize(
    ("dtype", "shape", "kind", "options"),
    [
        (torch.uint8, (HEIGHT, WIDTH), "split", {}),
        (torch.float32, (40,), "permuted", {"num_tasks": 2}),
        (torch.float32, (HEIGHT, WIDTH), "rotated", {"num_tasks": 2}),
    ],
)
def test_masks_are_learned_measured_and_streamed(dtype, shape, kind, options):
    tasks = sl.tasks_of(*draw(400, shape, dtype), kind, **options)
    net = MLP("small", (40, 64, 12), 0)
    masks = sl.learn_masks(net, tasks, recipe=sl.Recipe(80, 32, "adam", 3e-2, True), progress=False)
    assert sl.evaluate(net, masks, tasks, "GG").accuracy > 0.9
    assert sl.evaluate(net, masks, tasks[1:], "GNu").confusion.shape == (1, 2)
    stream = list(sl.stream_of(tasks, [(0, 2), (-1, 2), (1, 1)], batch=16))
    assert [x.shape for x, _ in stream] == [(16, 40)] * 5
    view = tasks.train_view
    noise = stream[2][0].cpu() * view.std + view.mean
    least, most = view.images.range
    assert least - 1e-3 <= float(noise.min()) < float(noise.max()) <= most + 1e-3
    assert float(noise.max() - noise.min()) > 0.9 * (most - least), "noise spans what pixels span"


def test_mnist_by_its_tensors_is_mnist():
    train, test = sl.mnist()
    got = sl.tasks_of(train.pixels, train.labels, test.pixels, test.labels, "permuted", num_tasks=2, seed=3)
    want = sl.permuted_mnist(2, seed=3)
    assert got.classes == want.classes
    for one, other in zip(got[1].test.batch(range(64)), want[1].test.batch(range(64)), strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=0)  # the mean of MNIST is rounded to four digits


# What makes no sense


def changed(position, change):
    tensors = draw()
    tensors[position] = change(tensors[position])
    return tensors


def with_nan(x):
    x = x.float()
    x[3, 2, 2] = torch.nan
    return x


WRONG = {
    "an array": (lambda: changed(0, lambda x: x.numpy()), {}, TypeError, r"x must be a tensor.*torch\.from_numpy"),
    "a list": (lambda: changed(1, lambda y: y.tolist()), {}, TypeError, "y must be a tensor, got list"),
    "whole numbers": (
        lambda: changed(0, lambda x: x.int()),
        {},
        TypeError,
        r"x must be uint8 or floats, got torch\.int32",
    ),
    "float labels": (lambda: changed(1, lambda y: y.float()), {}, TypeError, "y must be whole numbers"),
    "bool labels": (lambda: changed(3, lambda y: y > 0), {}, TypeError, "y_test must be whole numbers"),
    "colour": (lambda: changed(0, lambda x: x[:, None].repeat(1, 3, 1, 1)), {}, ValueError, r"colour.*x\.flatten\(1\)"),
    "one image": (lambda: changed(2, lambda x: x[0, 0]), {}, ValueError, r"x_test must be images.*got \[8\]"),
    "a label too few": (
        lambda: changed(1, lambda y: y[1:]),
        {},
        ValueError,
        r"one label for each.*\[59\] for \[60, 5, 8\]",
    ),
    "labels in rows": (lambda: changed(3, lambda y: y[:, None]), {}, ValueError, "one label for each"),
    "none": (lambda: [x[:0] for x in draw()], {}, ValueError, "one or more"),
    "no pixels": (lambda: changed(0, lambda x: x[:, :0]), {}, ValueError, "one or more"),
    "NaN": (lambda: [with_nan(x) if x.ndim == 3 else x for x in draw()], {}, ValueError, "x must have finite numbers"),
    "infinity": (lambda: changed(2, lambda x: x.float() / 0), {}, ValueError, "x_test must have finite numbers"),
    "too large": (lambda: [x.double() * 1e300 if x.ndim == 3 else x for x in draw()], {}, ValueError, "deviation"),
    "all alike": (lambda: changed(0, torch.ones_like), {}, ValueError, "standard deviation of 0"),
    "other sizes": (
        lambda: changed(2, lambda x: x[:, 1:]),
        {},
        ValueError,
        r"alike, got .*\[60, 5, 8\].*\[30, 4, 8\] as x_test",
    ),
    "bytes and floats": (lambda: changed(2, lambda x: x / 255), {}, ValueError, "alike, got torch.uint8"),
    "a class without test": (lambda: changed(3, lambda y: y.clamp(max=11)), {}, ValueError, r"y alone has \[400\]"),
    "a class only in test": (lambda: changed(3, lambda y: y + (y == 3)), {}, ValueError, r"y_test alone has \[4\]"),
    "one class": (lambda: draw(labels=(5,)), {}, ValueError, "two classes or more, got 1"),
    "unknown kind": (draw, {"kind": "shuffled"}, ValueError, "kind must be one of"),
    "no tasks": (draw, {"num_tasks": 0}, ValueError, "num_tasks"),
    "too many tasks": (
        draw,
        {"num_tasks": 3},
        ValueError,
        "3 tasks of 2 classes need 6 classes, but the labels have 4",
    ),
    "too many classes": (draw, {"classes_per_task": 5}, ValueError, "1 tasks of 5 classes need 5 classes"),
    "one class a task": (draw, {"classes_per_task": 1}, ValueError, "classes_per_task must be 2 or more"),
    "some left over": (draw, {"classes_per_task": 3}, ValueError, "1 would be left out: give num_tasks=1"),
    "too many turns": (draw, {"kind": "rotated", "num_tasks": 37}, ValueError, r"in 1\.\.36"),
    "flat and turned": (
        lambda: draw(shape=(9,)),
        {"kind": "rotated"},
        ValueError,
        r"can be rotated, got x of shape \[60, 9\]",
    ),
    "a seed to turn": (
        draw,
        {"kind": "rotated", "seed": 3},
        ValueError,
        "seed means nothing to tasks of kind 'rotated'",
    ),
    "classes to permute": (draw, {"kind": "permuted", "classes_per_task": 2}, ValueError, "means nothing"),
    "a seed below 0": (draw, {"seed": -1}, ValueError, "seed must be 0 or more"),
    "no name": (draw, {"name": ""}, TypeError, "name must be a text"),
    "a device": (draw, {"device": "abc"}, ValueError, "device is 'abc'"),
    "each without lists": (draw, {"kind": "each"}, TypeError, "x must be a list with a tensor for each task"),
    "each of none": (lambda: [[], [], [], []], {"kind": "each"}, ValueError, "one or more"),
    "each of unlike numbers": (
        lambda: [[x, x] if i else [x] for i, x in enumerate(draw())],
        {"kind": "each"},
        ValueError,
        "'x': 1, 'y': 2",
    ),
    "each with other classes": (
        lambda: list(map(list, zip(draw(), draw(labels=(1, 2)), strict=True))),
        {"kind": "each"},
        ValueError,
        r"same number of classes, got \[4, 2\]",
    ),
    "each of other sizes": (
        lambda: list(map(list, zip(draw(), draw(shape=(8, 5)), strict=True))),
        {"kind": "each"},
        ValueError,
        r"\[60, 8, 5\] as x\[1\]",
    ),
}


@pytest.mark.parametrize(("tensors", "options", "error", "message"), WRONG.values(), ids=WRONG)
def test_nonsense_is_refused(tensors, options, error, message):
    with pytest.raises(error, match=message):
        sl.tasks_of(*tensors(), **options)


def test_the_same_images_dealt_in_another_way_are_other_tasks():
    x, y = torch.rand(12, 4, 4), torch.arange(12) % 2
    suites = [
        sl.tasks_of(*([part[:cut], part[cut:]] for part in (x, y, x, y)), "each", device="cpu") for cut in (4, 6, 6)
    ]
    assert suites[0].identities != suites[1].identities == suites[2].identities
