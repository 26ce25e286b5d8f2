"""The suites: every view of the data against a loop over single images."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import supsup_lite as sl
from supsup_lite.data.suites import NORMALISATION
from tests import oracles

SUITES = {
    "permuted": lambda **options: sl.permuted_mnist(num_tasks=4, seed=3, **options),
    "rotated": lambda **options: sl.rotated_mnist(**options),
    "split": lambda **options: sl.split_mnist(**options),
    "split, shuffled": lambda **options: sl.split_mnist(seed=1, **options),
    "split fashion": lambda **options: sl.split_fashion_mnist(**options),
}
EVERY_SUITE = pytest.mark.parametrize("make", SUITES.values(), ids=SUITES)


def grey(task, x):
    """Undo the normalisation of PermutedMNIST and its like: numbers in 0..1."""
    mean, std = NORMALISATION["mnist"]
    return x.cpu().double() * std + mean


# Permutations


def shuffles(suite):
    return suite.train_view.permutations.cpu()


def test_a_permutation_depends_on_seed_and_task_alone():
    few, many = sl.permuted_mnist(3, seed=5), sl.permuted_mnist(9, seed=5)
    assert torch.equal(shuffles(few), shuffles(many)[:3])
    assert torch.equal(shuffles(many[4:6]), shuffles(many)[4:6])
    assert torch.equal(shuffles(many[::-1]), shuffles(many).flip(0))
    assert not torch.equal(shuffles(few), shuffles(sl.permuted_mnist(3, seed=6)))


def test_each_is_a_permutation_and_none_coincide():
    found = torch.cat([shuffles(sl.permuted_mnist(50, seed=seed)) for seed in range(20)])
    assert torch.equal(found.sort(1).values, torch.arange(784).expand(1000, 784))
    assert len({row.numpy().tobytes() for row in found}) == 1000


def test_training_and_test_images_are_shuffled_alike():
    suite = sl.permuted_mnist(3)
    assert suite.train_view.permutations is suite.test_view.permutations


def test_permuted_batch_equals_a_loop():
    _, test = sl.mnist()
    suite = sl.permuted_mnist(4, seed=2)
    for task in suite:
        x, y = task.test.batch([7, 0, 9_999, 7])
        assert x.dtype == torch.float32
        assert y.dtype == torch.long
        for row, index in enumerate([7, 0, 9_999, 7]):
            image = test.pixels[index].cpu().numpy() / 255
            wanted = oracles.permuted(image, shuffles(suite)[task.number].tolist())
            torch.testing.assert_close(grey(task, x[row]), torch.tensor(wanted).double(), rtol=0, atol=1e-6)
            assert y[row] == test.labels[index]


# Rotations


def test_rotated_batch_equals_a_bilinear_loop():
    train, _ = sl.mnist()
    suite = sl.rotated_mnist()
    for number in (1, 4, 13, 20, 35):
        x, y = suite[number].train.batch([3, 11])
        for row, index in enumerate([3, 11]):
            wanted = oracles.rotated(train.pixels[index].cpu().numpy() / 255, 10 * number)
            torch.testing.assert_close(
                grey(suite[number], x[row]).view(28, 28), torch.from_numpy(wanted), rtol=0, atol=1e-5
            )
            assert y[row] == train.labels[index]


@pytest.mark.parametrize(("number", "quarters"), [(0, 0), (9, 1), (18, 2), (27, 3)])
def test_right_angles_turn_counter_clockwise(number, quarters):
    _, test = sl.mnist()
    x, _ = sl.rotated_mnist()[number].test.batch(range(50))
    wanted = torch.rot90(test.pixels[:50].cpu(), quarters, dims=(1, 2)).double() / 255
    torch.testing.assert_close(grey(None, x).view(50, 28, 28), wanted, rtol=0, atol=1e-5)


def test_a_rotation_does_not_depend_on_its_company():
    alone, _ = sl.rotated_mnist(3)[2].test.batch(range(5))
    among, _ = sl.rotated_mnist(36, seed=4)[2].test.batch(range(5))
    assert torch.equal(alone, among)


# Splits


@pytest.mark.parametrize("seed", [None, 0, 1])
@pytest.mark.parametrize(
    ("make", "read"), [(sl.split_mnist, sl.mnist), (sl.split_fashion_mnist, sl.fashion_mnist)], ids=["mnist", "fashion"]
)
def test_a_split_deals_every_image_to_the_task_of_its_class(make, read, seed):
    suite = make(seed=seed)
    names = [name for pair in make().classes for name in pair]  # in the data set's order
    pairs = [[names.index(name) for name in task.classes] for task in suite]
    assert sorted(label for pair in pairs for label in pair) == list(range(10))
    assert (pairs == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]) == (seed is None)
    for half, view in zip(read(), (suite.train_view, suite.test_view), strict=True):
        labels = half.labels.tolist()
        for task, pair in enumerate(pairs):
            members = [i for i, label in enumerate(labels) if label in pair]
            assert view.sizes[task] == len(members)
            assert view.members[task, : len(members)].tolist() == members


@pytest.mark.parametrize("seed", [None, 7])
def test_split_batch_equals_a_loop(seed):
    train, _ = sl.fashion_mnist()
    mean, std = NORMALISATION["fashion_mnist"]
    names = [name for pair in sl.split_fashion_mnist().classes for name in pair]
    for task in sl.split_fashion_mnist(seed=seed):
        labels = [names.index(name) for name in task.classes]
        members = [i for i, label in enumerate(train.labels.tolist()) if label in labels]
        wanted = [0, 5, len(task.train) - 1]
        x, y = task.train.batch(wanted)
        for row, index in enumerate(wanted):
            image = train.pixels[members[index]].cpu().double().flatten() / 255
            torch.testing.assert_close(x[row].cpu().double(), (image - mean) / std, rtol=0, atol=1e-6)
            assert y[row] == labels.index(int(train.labels[members[index]]))


def test_split_labels_are_0_and_1_about_half_each():
    for suite in (sl.split_mnist(), sl.split_mnist(seed=3), sl.split_fashion_mnist(seed=3)):
        assert suite.num_classes == 2
        for task in suite:
            _, y = task.test.all()
            assert y.unique().tolist() == [0, 1]
            assert 0.4 < y.float().mean() < 0.6


def test_split_sizes_add_up():
    suite = sl.split_mnist()
    assert sum(suite.train_view.sizes) == 60_000
    assert [len(task.test) for task in suite] == [2115, 2042, 1874, 1986, 1983]


# All suites


@pytest.mark.parametrize(("name", "read"), [("mnist", sl.mnist), ("fashion_mnist", sl.fashion_mnist)])
def test_normalisation_is_the_data_s_own(name, read):
    pixels = read()[0].pixels.double() / 255
    assert NORMALISATION[name] == (round(float(pixels.mean()), 4), round(float(pixels.std()), 4))


@EVERY_SUITE
def test_all_tasks_at_once_equal_one_by_one(make):
    suite = make()
    for view, half in ((suite.train_view, "train"), (suite.test_view, "test")):
        draw = np.random.default_rng(0)
        indices = torch.from_numpy(np.stack([draw.integers(0, size, 6) for size in view.sizes]))
        x, y = view.batch(indices.to(suite.device))
        assert x.shape == (len(suite), 6, 784)
        for i, task in enumerate(suite):
            x_task, y_task = getattr(task, half).batch(indices[i])
            assert torch.equal(x[i], x_task)
            assert torch.equal(y[i], y_task)


@EVERY_SUITE
def test_a_slice_is_a_suite_of_the_same_tasks(make):
    suite = make()
    for key in (slice(1, 3), slice(None, None, 2), slice(None, None, -1), slice(-2, None)):
        part = suite[key]
        chosen = list(range(len(suite)))[key]
        assert len(part) == len(chosen)
        assert part.numbers == tuple(chosen)
        for mine, number in zip(part, chosen, strict=True):
            same = suite[number]
            assert (mine.number, mine.name, mine.classes) == (same.number, same.name, same.classes)
            assert torch.equal(mine.test.batch([0, 1])[0], same.test.batch([0, 1])[0])
            assert torch.equal(mine.train.batch([5])[1], same.train.batch([5])[1])


def test_slices_of_slices_keep_the_numbers():
    assert sl.rotated_mnist()[10:20][::3][1:].numbers == (13, 16, 19)
    assert sl.rotated_mnist()[10:20][3].number == 13


def test_indexing_works_as_for_a_list():
    suite = sl.rotated_mnist(5)
    assert [task.number for task in suite] == [0, 1, 2, 3, 4]
    assert suite[-1].number == 4
    assert suite[np.int64(2)].number == 2
    assert suite[-5].name == "0 degrees"
    for outside in (5, -6):
        with pytest.raises(IndexError, match="this suite has 5 tasks"):
            suite[outside]
    for nonsense in (1.0, "1", None, True, (0, 1)):
        with pytest.raises(TypeError, match="whole number or a slice"):
            suite[nonsense]
    with pytest.raises(ValueError, match="at least one task"):
        suite[5:]


def test_suites_and_tasks_can_be_compared_and_hashed():
    suite = sl.permuted_mnist(2)
    assert suite == suite
    assert suite != suite[:]
    assert suite[0] != suite[1]
    assert len({suite, suite, suite[:1]}) == 2


def test_what_a_suite_says_of_itself():
    suite = sl.permuted_mnist(3, seed=8)
    assert (suite.kind, suite.dataset, suite.seed) == ("permuted", "mnist", 8)
    assert (suite.num_classes, suite.input_shape) == (10, (28, 28))
    assert suite.device.type == sl.device().type
    assert repr(suite) == "<3 tasks: permuted mnist, seed 8, 10 classes each>"
    assert sl.split_mnist()[2].name == "4 or 5"


@EVERY_SUITE
def test_images_live_on_the_chosen_device(make):
    suite = make(device="cpu")
    x, y = suite[0].test.batch([0])
    assert suite.device.type == x.device.type == y.device.type == "cpu"


# Indices


@pytest.fixture(scope="module")
def task():
    return sl.split_mnist()[1]


KINDS_OF_INDICES = {
    "range": range(3),
    "list": [0, 1, 2],
    "tuple": (0, 1, 2),
    "numpy": np.arange(3),
    "numpy, unsigned": np.arange(3, dtype=np.uint64),
    "tensor": torch.arange(3),
    "tensor, int32": torch.arange(3, dtype=torch.int32),
    "tensor, uint8": torch.arange(3, dtype=torch.uint8),
    "tensor, uint16": torch.tensor([0, 1, 2], dtype=torch.uint16),
    "list of numpy": [np.int64(0), np.int64(1), np.int64(2)],
}


@pytest.mark.parametrize("indices", KINDS_OF_INDICES.values(), ids=KINDS_OF_INDICES)
def test_indices_of_any_integer_kind(task, indices):
    x, y = task.test.batch(indices)
    wanted_x, wanted_y = task.test.all()
    assert torch.equal(x, wanted_x[:3])
    assert torch.equal(y, wanted_y[:3])


@pytest.mark.parametrize("indices", [[], range(0), torch.empty(0, dtype=torch.long)], ids=["list", "range", "tensor"])
def test_no_indices_give_an_empty_batch(task, indices):
    x, y = task.test.batch(indices)
    assert (x.shape, y.shape) == ((0, 784), (0,))


@pytest.mark.parametrize(
    "indices",
    [5, None, "12", 1.5, [1.0], ["a"], [True], [None], {1, 2}, [[0, 1]], [[0], [1, 2]], [2**70], [1j],
     torch.tensor(3), torch.tensor([0.0]), torch.tensor([[0]]), torch.tensor([True]), np.array([0.5])],
    ids=repr,
)  # fmt: skip
def test_indices_that_are_not_a_list_of_whole_numbers(task, indices):
    with pytest.raises(TypeError, match=r"one-dimensional list of whole numbers, such as range\(128\), got"):
        task.test.batch(indices)


@pytest.mark.parametrize("indices", [[-1], [2042], [0, 10**9], torch.tensor([-(2**60)])], ids=repr)
def test_indices_outside_the_task(task, indices):
    with pytest.raises(IndexError, match=r"indices must lie in 0\.\.2041, got"):
        task.test.batch(indices)


def test_padding_of_a_smaller_task_cannot_be_reached():
    """Rows of `members` are as long as the largest task; an index beyond a smaller task must not read the padding."""
    suite = sl.split_mnist()
    sizes = suite.train_view.sizes
    smallest = min(range(5), key=sizes.__getitem__)
    assert sizes[smallest] < suite.train_view.members.shape[1]
    with pytest.raises(IndexError):
        suite[smallest].train.batch([sizes[smallest]])


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 9_999), min_size=1, max_size=20))
def test_a_batch_is_made_of_its_images(indices):
    """Images do not depend on the batch that they come in, nor a batch on what was read before."""
    for task in (sl.permuted_mnist(2)[1], sl.rotated_mnist(8)[7]):
        x, y = task.test.batch(indices)
        singles = [task.test.batch([index]) for index in indices]
        assert torch.equal(x, torch.cat([single for single, _ in singles]))
        assert torch.equal(y, torch.cat([label for _, label in singles]))


def test_a_batch_is_a_copy():
    task = sl.permuted_mnist(1)[0]
    before, labels = task.test.batch([0])
    task.test.batch([0])[0].zero_()
    task.test.batch([0])[1].fill_(99)
    after, labels_after = task.test.batch([0])
    assert torch.equal(before, after)
    assert torch.equal(labels, labels_after)


# Arguments that make no sense


@pytest.mark.parametrize("make", [sl.permuted_mnist, sl.rotated_mnist, sl.split_mnist, sl.split_fashion_mnist])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_tasks": 0}, ValueError, "num_tasks must be .*, got 0"),
        ({"num_tasks": -3}, ValueError, "num_tasks must be .*, got -3"),
        ({"num_tasks": 2.0}, TypeError, "num_tasks must be a whole number, got 2.0"),
        ({"num_tasks": "2"}, TypeError, "num_tasks must be a whole number, got '2'"),
        ({"num_tasks": None}, TypeError, "num_tasks must be a whole number, got None"),
        ({"num_tasks": True}, TypeError, "num_tasks must be a whole number, got True"),
        ({"num_tasks": 2, "seed": -1}, ValueError, "seed must be 0 or more, got -1"),
        ({"num_tasks": 2, "seed": 0.5}, TypeError, "seed must be a whole number, got 0.5"),
        ({"num_tasks": 2, "seed": "x"}, TypeError, "seed must be a whole number, got 'x'"),
        ({"num_tasks": 2, "device": "abc"}, ValueError, "device is 'abc', which this machine cannot use"),
        ({"num_tasks": 2, "device": 3.5}, TypeError, "device must be a name"),
    ],
)
def test_nonsense_is_refused(make, arguments, error, message):
    with pytest.raises(error, match=message):
        make(**arguments)


def test_more_tasks_than_there_are():
    with pytest.raises(ValueError, match=r"num_tasks must be in 1\.\.36, got 37"):
        sl.rotated_mnist(37)
    with pytest.raises(ValueError, match=r"num_tasks must be in 1\.\.5, got 6"):
        sl.split_mnist(6)


def test_views_share_the_images():
    suite = sl.permuted_mnist(3)
    assert suite[2:].train_view.images is suite.train_view.images
    assert replace(suite, seed=1).train_view is suite.train_view
