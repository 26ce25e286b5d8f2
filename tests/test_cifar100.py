"""SplitCIFAR100 from pickles in the original layout; crops and flips of whole batches against loops over pixels."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import supsup_lite as sl
from supsup_lite.data import batch_order, crop_and_flip, download, online
from supsup_lite.seeding import generator
from tests import oracles, small_archives

CPU = {"device": "cpu"}
QUICK = sl.Recipe(steps=80, batch=20, optimizer="adam", lr=1e-2)


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """The root of a small CIFAR-100, and what its files hold."""
    content = small_archives.cifar100(tmp_path, monkeypatch)
    yield tmp_path, content
    online.online_data_set.cache_clear()


def parts_of(variant: int, padding: int) -> tuple[int, int, bool]:
    """What a variant is, counted off: places row by row from the middle on, each as it is and mirrored."""
    places = [(down, right) for down in range(-padding, padding + 1) for right in range(-padding, padding + 1)]
    middle = places.index((0, 0))
    place = (places[middle:] + places[:middle])[variant // 2]
    return *place, variant % 2 == 1


def global_state() -> list:
    """The state of every global generator."""
    legacy = np.random.get_state()  # noqa: NPY002 - it is this state that must stay
    return [torch.get_rng_state().tolist(), str(legacy), random.getstate()]


# Crops and flips


@pytest.mark.parametrize(("shape", "padding"), [((3, 5, 4), 1), ((1, 4, 6), 2), ((2, 3, 3), 4)])
def test_every_variant_equals_a_loop_over_pixels(shape, padding):
    count = 2 * (2 * padding + 1) ** 2
    images = generator("images", 0).integers(1, 256, (count, *shape), dtype=np.uint8)
    before = images.copy()
    got = crop_and_flip(torch.from_numpy(images), torch.arange(count), padding)
    wanted = [oracles.crop_and_flip(image, *parts_of(v, padding)) for v, image in enumerate(images)]
    assert got.dtype == torch.uint8
    np.testing.assert_array_equal(got.numpy(), np.stack(wanted))
    np.testing.assert_array_equal(images, before)


def test_all_variants_of_an_image_differ_and_the_first_is_the_image():
    image = torch.from_numpy(generator("image", 0).integers(1, 256, (1, 3, 32, 32), dtype=np.uint8))
    seen = crop_and_flip(image.expand(162, -1, -1, -1), torch.arange(162), 4)
    assert torch.equal(seen[0], image[0])
    assert torch.equal(seen[1], image[0].flip(-1))
    assert len({one.numpy().tobytes() for one in seen}) == 162


@settings(deadline=None, max_examples=30)
@given(st.data(), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
def test_an_image_does_not_depend_on_its_batch(draw, padding, height, width):
    variants = draw.draw(st.lists(st.integers(0, 2 * (2 * padding + 1) ** 2 - 1), min_size=1, max_size=8))
    images = torch.arange(len(variants) * 2 * height * width).view(-1, 2, height, width).float()
    together = crop_and_flip(images, torch.tensor(variants), padding)
    for image, variant, got in zip(images, variants, together, strict=True):
        assert torch.equal(crop_and_flip(image[None], torch.tensor([variant]), padding)[0], got)
        np.testing.assert_array_equal(got, oracles.crop_and_flip(image.numpy(), *parts_of(variant, padding)))


# The suite


@pytest.mark.parametrize("seed", [0, 1, None])
def test_batches_equal_a_loop_over_the_pickles(archive, seed):
    root, content = archive
    names = content["meta"]["fine_label_names"]
    order = range(100) if seed is None else generator("class order", seed).permutation(100)
    raw = content["train"]["data"].reshape(-1, 3, 32, 32)
    mean = [raw[:, channel].astype(float).mean() / 255 for channel in range(3)]
    std = [raw[:, channel].astype(float).std() / 255 for channel in range(3)]
    suite = sl.split_cifar100(seed=seed, root=root, **CPU)
    assert (len(suite), suite.num_classes, suite.input_shape, suite.dataset) == (20, 5, (3, 32, 32), "cifar100")
    assert [name for task in suite for name in task.classes] == [names[label] for label in order]
    for task in (suite[0], suite[13]):
        for half, split in ((task.train, "train"), (task.test, "test")):
            labels = content[split]["fine_labels"]
            members = [i for i, label in enumerate(labels) if names[label] in task.classes]
            x, y = half.batch(range(7))
            assert (len(half), x.shape, x.dtype) == (len(members), (7, 3072), torch.float32)
            for row in range(7):
                image = content[split]["data"][members[row]].reshape(3, 32, 32) / 255
                wanted = [(image[channel] - mean[channel]) / std[channel] for channel in range(3)]
                np.testing.assert_allclose(x[row].view(3, 32, 32).numpy(), wanted, atol=1e-5)
                assert task.classes[y[row]] == names[labels[members[row]]]


def test_training_images_are_varied_and_test_images_are_not(archive):
    task = sl.split_cifar100(1, root=archive[0], **CPU)[0]
    size = len(task.train)
    plain, labels = task.train.all()
    assert len(plain) == size == 40
    for variant in (1, 2, 77, 161):
        x, y = task.train.batch(torch.arange(size) + size * variant)
        assert torch.equal(y, labels)
        down, right, mirrored = parts_of(variant, 4)
        view = plain.view(size, 3, 32, 32)
        inside = slice(max(0, -down), 32 - max(0, down)), slice(max(0, -right), 32 - max(0, right))
        wanted = view.roll((-down, -right), (2, 3))[..., *inside]
        got = x.view(size, 3, 32, 32)
        got = (got.flip(-1) if mirrored else got)[..., *inside]
        torch.testing.assert_close(got, wanted, rtol=0, atol=0)
    with pytest.raises(IndexError, match=r"0\.\.6479, got"):
        task.train.batch([162 * size])
    with pytest.raises(IndexError, match=rf"0\.\.{len(task.test) - 1}, got"):
        task.test.batch([len(task.test)])


def test_the_order_draws_every_image_once_an_epoch_and_its_variants_anew(archive):
    suite = sl.split_cifar100(3, root=archive[0], **CPU)
    order = batch_order(suite, steps=60, batch=20, seed=4).long()  # 30 epochs
    images, variants = order % 40, order // 40
    assert torch.equal(images.view(3, 30, 40).sort(2).values, torch.arange(40).expand(3, 30, 40))
    assert variants.min() >= 0
    assert variants.max() < 162
    assert len(variants.unique()) > 155, "nearly all variants come"
    assert (variants % 2 == 1).double().mean().sub(0.5).abs() < 0.03, "half are mirrored"
    assert torch.equal(order[1:], batch_order(suite[1:], 60, 20, 4).long()), "by seed and number alone"
    assert not torch.equal(variants[0], batch_order(suite[:1], 60, 20, 5).long()[0] // 40)
    for step, (x, y) in enumerate(suite.train_view.batches(order[:, :3])):
        again = suite.train_view.batch(order[:, step])
        assert torch.equal(x, again[0])
        assert torch.equal(y, again[1])


def test_masks_are_learned_on_varied_images_and_nothing_global_is_drawn_from(archive):
    """End to end, with one network of each kind. The classes are noise around a picture, which no move leaves alike."""
    suite = sl.split_cifar100(2, root=archive[0], **CPU)
    conv = nn.Sequential(nn.Conv2d(3, 8, 8, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 49, 20))
    before = global_state()
    nets = [
        sl.mlp((3072, 64, 20), **CPU),
        sl.freeze_as_base(conv, seed=0, input_shape=(3, 32, 32), **CPU),
    ]
    for net in nets:
        masks, again = (sl.learn_masks(net, suite, recipe=QUICK, progress=False) for _ in range(2))
        for i in range(2):
            assert all(torch.equal(bits, again[i][name]) for name, bits in masks[i].items())
        assert sl.evaluate(net, masks, suite, "GG").accuracy > 0.4, "chance is 0.2"
        assert sl.infer_task(net, masks, suite[1].test.batch(range(8))[0]).shape == (8,)
    assert global_state() == before


def test_noise_in_a_stream_is_normalised_by_channel(archive):
    suite = sl.split_cifar100(2, root=archive[0], **CPU)
    [(x, _)] = list(sl.stream_of(suite, [(-1, 1)], batch=64))
    view = suite.train_view
    values = x.view(64, 3, -1) * torch.tensor(view.std)[:, None] + torch.tensor(view.mean)[:, None]
    assert 0 <= values.min() + 1e-6 < 0.01
    assert 0.99 < values.max() <= 1 + 1e-6


# What is not there


def test_missing_data_say_what_to_get_and_where_to_put_it(tmp_path):
    with pytest.raises(sl.DataError) as caught:
        sl.split_cifar100(root=tmp_path, **CPU)
    for part in (str(tmp_path), 'download("cifar100")', "cifar-100-python.tar.gz", "https://www.cs.toronto.edu", "tar"):
        assert part in str(caught.value)


@pytest.mark.parametrize("file", ["train", "test", "meta"])
def test_damaged_data_are_refused(archive, file):
    path = archive[0] / "cifar-100-python" / file
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(sl.DataError, match=r"cifar100 is not in .*, or damaged there"):
        sl.split_cifar100(root=archive[0], **CPU)


def test_the_cache_is_looked_into_where_no_root_is_given(archive, monkeypatch):
    monkeypatch.setenv("SUPSUP_CACHE", str(archive[0]))
    assert len(sl.split_cifar100(2, **CPU)) == 2


def test_an_archive_that_is_there_is_unpacked_without_a_network(tmp_path, monkeypatch):
    small_archives.cifar100(tmp_path, monkeypatch, unpacked=False)
    with pytest.raises(sl.DataError):
        sl.split_cifar100(root=tmp_path, **CPU)
    assert download("cifar100", tmp_path) == tmp_path
    assert len(sl.split_cifar100(2, root=tmp_path, **CPU)) == 2


@pytest.mark.parametrize("error", [ConnectionError("no network"), RuntimeError("File not found or corrupted.")])
def test_a_failed_download_says_how_to_go_on_by_hand(tmp_path, monkeypatch, error):
    def fail(self):
        raise error

    monkeypatch.setattr(online.torchvision_datasets().CIFAR100, "download", fail)
    with pytest.raises(sl.DataError, match=rf"cifar100 into .* failed \({error}\). By hand: put cifar-100-python"):
        download("cifar100", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_tasks": 0}, ValueError, "num_tasks must be"),
        ({"num_tasks": 21}, ValueError, r"num_tasks must be in 1\.\.20, got 21"),
        ({"seed": -1}, ValueError, "seed must be 0 or more"),
        ({"root": 5}, TypeError, "root must be a folder's path"),
        ({"root": "~nobody-of-this-name/x"}, ValueError, "no such home folder"),
        ({"device": "abc"}, ValueError, "device is 'abc'"),
    ],
)
def test_nonsense_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        sl.split_cifar100(**arguments)


def test_only_what_can_be_fetched_is_fetched():
    with pytest.raises(ValueError, match="dataset must be one of"):
        download("imagenet")
