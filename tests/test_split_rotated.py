"""SplitRotated, and the suites of KMNIST and EMNIST: every view against a loop over single images."""

import itertools

import numpy as np
import pytest
import torch

import supsup_lite as sl
from supsup_lite.data import download, online
from supsup_lite.data.suites import CLOTHES, DIGITS, NORMALISATION
from supsup_lite.seeding import generator
from tests import oracles, small_archives

CPU = {"device": "cpu"}
KINDS = DIGITS + CLOTHES


@pytest.fixture(scope="module")
def suites():
    return {seed: sl.split_rotated(seed=seed, **CPU) for seed in (None, 0, 1)}


def turn_of(task) -> int:
    return int(task.name.split("turned by ")[1].removesuffix(" degrees"))


def members_of(task, halves) -> list[tuple[int, int]]:
    """Which images a task has, as (data set, position): of each class every fifth image, from its turn on."""
    members = []
    for source, half in enumerate(halves):
        seen = dict.fromkeys(range(10), 0)
        for position, label in enumerate(half.labels.tolist()):
            if KINDS[10 * source + label] in task.classes and seen[label] % 5 == turn_of(task) // 72:
                members.append((source, position))
            seen[label] += 1
    return members


# SplitRotated


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_each_class_comes_once_at_every_turn(suites, seed):
    suite = suites[seed]
    assert (len(suite), suite.num_classes, suite.input_shape) == (20, 5, (28, 28))
    found = sorted((turn_of(task), name) for task in suite for name in task.classes)
    assert found == sorted(itertools.product(range(0, 360, 72), KINDS))
    for task in suite:
        assert set(task.classes) <= set(DIGITS) or set(task.classes) <= set(CLOTHES)


def test_a_seed_draws_halves_and_order():
    plain, drawn = sl.split_rotated(seed=None, **CPU), sl.split_rotated(seed=3, **CPU)
    assert [task.classes for task in plain[:4]] == [DIGITS[:5], DIGITS[5:], CLOTHES[:5], CLOTHES[5:]]
    assert [turn_of(task) for task in plain] == [72 * (i // 4) for i in range(20)]
    plan = []
    for turn, kinds in itertools.product(range(5), (DIGITS, CLOTHES)):
        order = generator("class order", 3, turn + (0 if kinds is DIGITS else 10)).permutation(10)
        plan += [(72 * turn, tuple(kinds[i] for i in half)) for half in (order[:5], order[5:])]
    order = generator("task order", 3).permutation(20)
    assert [(turn_of(task), task.classes) for task in drawn] == [plan[i] for i in order]
    assert sl.split_rotated(6, seed=3, **CPU).identities == drawn.identities[:6]


@pytest.mark.parametrize("number", [0, 5, 11])
def test_batches_equal_a_loop(suites, number):
    mean, std = NORMALISATION["mnist and fashion_mnist"]
    task = suites[0][number]
    for which, half in enumerate((task.train, task.test)):
        halves = [read("cpu")[which] for read in (sl.mnist, sl.fashion_mnist)]
        members = members_of(task, halves)
        assert len(half) == len(members)
        rows = [0, len(members) // 2, len(members) - 1]
        x, y = half.batch(rows)
        for got, label, row in zip(x, y.tolist(), rows, strict=True):
            source, position = members[row]
            wanted = oracles.rotated(halves[source].pixels[position].numpy() / 255, turn_of(task))
            np.testing.assert_allclose(got.view(28, 28) * std + mean, wanted, atol=1e-4)
            assert task.classes[label] == KINDS[10 * source + int(halves[source].labels[position])]


def test_no_image_is_in_two_tasks(suites):
    for half, count in (("train_view", 120_000), ("test_view", 20_000)):
        view = getattr(suites[1], half)
        rows = torch.cat([row[:size] for row, size in zip(view.members, view.sizes, strict=True)])
        assert torch.equal(rows.sort().values, torch.arange(count))


def test_normalisation_is_the_data_s_own():
    pixels = torch.cat([read("cpu")[0].pixels.flatten() for read in (sl.mnist, sl.fashion_mnist)])
    histogram = pixels.bincount(minlength=256).double()
    values = torch.arange(256).double() / 255
    mean = float((histogram * values).sum() / histogram.sum())
    std = float(((histogram * (values - mean) ** 2).sum() / histogram.sum()).sqrt())
    assert NORMALISATION["mnist and fashion_mnist"] == (round(mean, 4), round(std, 4))


def test_masks_know_whose_they_are(suites):
    net = sl.mlp((784, 16, 8), **CPU)
    recipe = sl.Recipe(steps=60, batch=64, optimizer="adam", lr=1e-2)
    masks = sl.learn_masks(net, suites[0][:2], recipe=recipe, progress=False)
    assert sl.evaluate(net, masks, suites[0][:2], "GG").accuracy > 0.5, "chance is 0.2"
    for others in (suites[1], suites[None], sl.split_mnist(**CPU)):
        with pytest.raises(ValueError, match="no mask of this store belongs to task 0"):
            sl.evaluate(net, masks, others[:2], "GG")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_tasks": 21}, ValueError, r"num_tasks must be in 1\.\.20, got 21"),
        ({"num_tasks": 1.5}, TypeError, "num_tasks must be a whole number"),
        ({"seed": "0"}, TypeError, "seed must be a whole number"),
        ({"device": "abc"}, ValueError, "device is 'abc'"),
    ],
)
def test_nonsense_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        sl.split_rotated(**arguments)


# Other data sets of MNIST's format


@pytest.fixture
def letters(tmp_path, monkeypatch):
    """Small KMNIST and EMNIST in the cache; their pixels and labels."""
    monkeypatch.setenv("SUPSUP_CACHE", str(tmp_path))
    yield {
        "kmnist": small_archives.idx(tmp_path / "KMNIST" / "raw", "", 10),
        "emnist": small_archives.idx(tmp_path / "EMNIST" / "raw", "emnist-balanced-", 47),
    }
    online.online_data_set.cache_clear()


@pytest.mark.parametrize(("name", "classes"), [("kmnist", 10), ("emnist", 47)])
def test_other_data_sets_come_through_the_same_door(letters, name, classes):
    content = letters[name]
    pixels, labels = content["train"]
    mean, std = pixels.mean() / 255, pixels.std() / 255
    upright = pixels.transpose(0, 2, 1) if name == "emnist" else pixels
    suite = sl.permuted_mnist(2, seed=1, dataset=name, **CPU)
    assert (suite.dataset, suite.num_classes, len(suite[0].train)) == (name, classes, len(labels))
    x, y = suite[1].train.batch(range(5))
    shuffle = generator("permutation", 1, 1).permutation(784).tolist()
    for row in range(5):
        wanted = oracles.permuted(upright[row] / 255, shuffle)
        np.testing.assert_allclose(x[row] * std + mean, wanted, atol=1e-5)
        assert y[row] == labels[row]
    whole, _ = sl.rotated_mnist(1, dataset=name, **CPU)[0].test.all()
    test = content["t10k" if name == "kmnist" else "test"][0]
    upright = test.transpose(0, 2, 1) if name == "emnist" else test
    np.testing.assert_allclose(whole.view(-1, 28, 28) * std + mean, upright / 255, atol=1e-4)
    split = sl.split_mnist(classes // 2, dataset=name, **CPU)
    assert len({label for task in split for label in task.classes}) == classes // 2 * 2
    with pytest.raises(ValueError, match=rf"in 1\.\.{classes // 2}, got"):
        sl.split_mnist(classes // 2 + 1, dataset=name, **CPU)


def test_letters_and_digits_are_named(letters):
    assert sl.split_mnist(dataset="kmnist", **CPU)[1].classes == ("su", "tsu")
    assert sl.split_mnist(20, dataset="emnist", **CPU)[18].classes == ("a", "b")


def test_fashion_mnist_comes_through_it_too():
    assert sl.permuted_mnist(2, dataset="fashion_mnist").classes[0] == CLOTHES
    assert sl.split_mnist(seed=1, dataset="fashion_mnist").identities == sl.split_fashion_mnist(seed=1).identities


@pytest.mark.parametrize("make", [sl.permuted_mnist, sl.rotated_mnist, sl.split_mnist])
@pytest.mark.parametrize("name", ["kmnist", "emnist"])
def test_missing_data_say_what_to_get_and_where_to_put_it(make, name, tmp_path, monkeypatch):
    monkeypatch.setenv("SUPSUP_CACHE", str(tmp_path))
    with pytest.raises(sl.DataError) as caught:
        make(2, dataset=name)
    for part in (f'download("{name}")', str(tmp_path / name.upper() / "raw"), "-ubyte.gz", "https://", "gunzip"):
        assert part in str(caught.value)


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-5], lambda content: content[7:]])
def test_damaged_data_are_refused(letters, tmp_path, damage):
    for file in ("KMNIST/raw/train-images-idx3-ubyte", "EMNIST/raw/emnist-balanced-test-labels-idx1-ubyte"):
        path = tmp_path / file
        path.write_bytes(damage(path.read_bytes()))
    for name in letters:
        with pytest.raises(sl.DataError, match=f"{name} is not in .* or damaged there"):
            sl.permuted_mnist(2, dataset=name)


@pytest.mark.parametrize("name", ["cifar100", "MNIST", None, 3])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match=r"dataset must be one of \('mnist', 'fashion_mnist', 'kmnist', 'emnist'\)"):
        sl.permuted_mnist(dataset=name)


def test_what_is_there_is_not_fetched_again(letters, tmp_path):
    assert download("kmnist") == tmp_path
    assert download("emnist", tmp_path) == tmp_path
