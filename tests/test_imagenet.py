"""SplitImageNet from small archives in the original formats: unpacked by torchvision, streamed, stopped, resumed."""

import io
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import supsup_lite as sl
from supsup_lite import baselines
from supsup_lite.data import batch_order
from supsup_lite.seeding import generator
from tests import small_archives
from tests.small_archives import WNIDS

QUIET = {"device": "cpu", "workers": 0, "progress": False}
QUICK = sl.Recipe(steps=15, batch=12, optimizer="adam", lr=5e-3)
ROOT = Path(sl.__file__).parents[1]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return small_archives.imagenet(tmp_path_factory.mktemp("imagenet"))


@pytest.fixture
def copy(tmp_path):
    """A small ImageNet of one's own, to spoil."""
    return small_archives.imagenet(tmp_path / "imagenet")


@pytest.fixture(scope="module")
def net():
    module = nn.Sequential(nn.Conv2d(3, 6, 16, stride=16), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 14 * 14, 20))
    return sl.freeze_as_base(module, seed=0, input_shape=(3, 224, 224), device="cpu")


def wnids(task):
    return [name[name.index("(") + 1 : -1] for name in task.classes]


def as_in_a_test(content: bytes) -> np.ndarray:
    """The middle of a photograph: the shorter side resized to 256, 224 x 224 of it, by PIL alone."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    width, height = image.size
    longer = int(256 * max(width, height) / min(width, height))
    image = image.resize((longer, 256) if width > height else (256, longer), Image.Resampling.BILINEAR)
    left, top = round((image.width - 224) / 2), round((image.height - 224) / 2)
    return np.asarray(image.crop((left, top, left + 224, top + 224))).transpose(2, 0, 1)


def as_in_training(content: bytes, row: int, variant: int) -> np.ndarray:
    """A random part of a photograph, by torchvision's first transforms and PIL."""
    from torchvision.transforms import RandomResizedCrop

    image = Image.open(io.BytesIO(content)).convert("RGB")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator("crop of an image", variant, row).integers(2**63)))
        top, left, height, width = RandomResizedCrop.get_params(image, (0.08, 1), (3 / 4, 4 / 3))
        mirrored = torch.rand(1) < 0.5
    part = image.crop((left, top, left + width, top + height)).resize((224, 224), Image.Resampling.BILINEAR)
    pixels = np.asarray(part).transpose(2, 0, 1)
    return pixels[..., ::-1] if mirrored else pixels


def normalised(pixels: np.ndarray) -> np.ndarray:
    mean, std = np.array([[0.485], [0.456], [0.406]]), np.array([[0.229], [0.224], [0.225]])
    return ((pixels.reshape(3, -1) / 255 - mean) / std).reshape(-1)


# The suite


@pytest.mark.parametrize("seed", [0, 1, None])
def test_batches_equal_a_loop_over_the_files(root, seed):
    suite = sl.split_imagenet(2, seed, root, **QUIET)
    order = range(20) if seed is None else generator("class order", seed).permutation(20)
    assert [wnid for task in suite for wnid in wnids(task)] == [WNIDS[label] for label in order]
    assert (len(suite), suite.num_classes, suite.input_shape) == (2, 10, (3, 224, 224))
    files = {
        "train": [(wnid, content) for wnid, held in small_archives.train_files().items() for content in held.values()],
        "test": sorted(((WNIDS[label], name, content) for name, label, content in small_archives.val_files())),
    }
    for task in suite:
        for half, split in ((task.train, "train"), (task.test, "test")):
            members = [(entry[0], entry[-1]) for entry in files[split] if entry[0] in wnids(task)]
            rows = [0, len(members) - 1, 5, 5]
            x, y = half.batch(rows)
            assert (len(half), x.shape, x.dtype, y.dtype) == (len(members), (4, 150_528), torch.float32, torch.int64)
            for got, label, row in zip(x, y.tolist(), rows, strict=True):
                assert wnids(task)[label] == members[row][0]
                np.testing.assert_allclose(got.numpy(), normalised(as_in_a_test(members[row][1])), atol=1e-5)


def test_a_training_image_is_a_random_part_by_its_variant(root):
    task = sl.split_imagenet(1, None, root, **QUIET)[0]
    size = len(task.train)
    files = [content for held in small_archives.train_files().values() for content in held.values()]
    cases = [(0, 1), (7, 1), (7, 2), (59, 65_535)]
    x, _ = task.train.batch([row + size * variant for row, variant in cases])
    for got, (row, variant) in zip(x, cases, strict=True):
        np.testing.assert_allclose(got.numpy(), normalised(as_in_training(files[row], row, variant)), atol=1e-5)
    assert not torch.equal(x[1], x[2])
    with pytest.raises(IndexError):
        task.test.batch([len(task.test)])


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_read_what_one_process_reads_in_the_same_order(root, workers):
    alone = sl.split_imagenet(2, 0, root, **QUIET)
    beside = sl.split_imagenet(2, 0, root, **QUIET | {"workers": workers})
    order = batch_order(alone, steps=3, batch=40, seed=1)  # two chunks of a task, in each step
    assert order.max() > 60 * 1000
    assert order.max() < 60 * 2**16
    state = torch.get_rng_state(), random.getstate()
    batches = list(beside.train_view.batches(order))
    for step, (x, y) in enumerate(batches):
        wanted, labels = alone.train_view.batch(order[:, step])
        assert torch.equal(x, wanted)
        assert torch.equal(y, labels)
    assert len(batches) == 3
    assert torch.equal(beside[1].test.all()[0], alone[1].test.all()[0])
    assert torch.equal(state[0], torch.get_rng_state())
    assert state[1] == random.getstate()
    assert multiprocessing.active_children() == []


def test_the_package_s_functions_take_it(root, net):
    suite = sl.split_imagenet(2, 0, root, **QUIET)
    masks = sl.learn_masks(net, suite, recipe=QUICK, progress=False)
    assert sl.evaluate(net, masks, suite, "GG").accuracy > 0.3, "chance is 0.1"
    assert sl.evaluate(net, masks, suite[1:], "GNu").confusion.shape == (1, 2)
    assert sl.infer_task(net, masks, suite[0].test.batch(range(6))[0]).shape == (6,)
    assert sl.learn_coefficients(net, masks, suite, recipe=QUICK).shape == (2, 2)
    part = sl.learn_masks(net, suite[:1], recipe=QUICK, progress=False)
    again = sl.learn_masks(net, suite, recipe=QUICK, masks=part, progress=False)
    for i in range(2):
        assert all(torch.equal(bits, again[i][name]) for name, bits in masks[i].items())


def test_a_part_of_imagenet_is_another_data_set(root, copy):
    whole = sl.split_imagenet(1, 0, root, **QUIET)
    assert whole.dataset == "imagenet, 120 and 40 images"
    next((copy / "train" / WNIDS[0]).iterdir()).unlink()
    part = sl.split_imagenet(1, 0, copy, **QUIET)
    assert part.identities != whole.identities


def test_a_bar_counts_the_images(root, capsys):
    suite = sl.split_imagenet(1, 0, root, **QUIET | {"progress": True})
    list(suite.train_view.batches(batch_order(suite, 2, 40, 0)))
    assert "reading train:" in capsys.readouterr().err
    silent = sl.split_imagenet(1, 0, root, **QUIET)
    list(silent.train_view.batches(batch_order(silent, 2, 40, 0)))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("surrounding", [lambda: torch.device("meta"), torch.inference_mode])
def test_what_surrounds_a_call_changes_no_pixel(root, surrounding):
    suite = sl.split_imagenet(1, 0, root, **QUIET | {"workers": 1})
    rows = [3, 60 * 9 + 4, *range(60, 100)]
    x, _ = suite[0].train.batch(rows)
    with surrounding():
        suite = sl.split_imagenet(1, 0, root, **QUIET | {"workers": 1})
        assert torch.equal(suite[0].train.batch(rows)[0], x)


def test_no_images_are_an_empty_batch(root):
    x, y = sl.split_imagenet(1, 0, root, **QUIET)[0].test.batch([])
    assert (x.shape, y.shape) == ((0, 150_528), (0,))


# Stopping

INTERRUPTED = """
import json, multiprocessing, signal, sys, time, warnings
import supsup_lite as sl

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has it ignored in its background

def on_step(step, scores, loss):
    if len(masks) == 1:
        print(json.dumps([child.pid for child in multiprocessing.active_children()]), flush=True)
        time.sleep(100)  # a long step

warnings.simplefilter("always")
recipe = sl.Recipe(steps=4, batch=40, optimizer="adam", lr=1e-3)
tasks = sl.split_imagenet(2, 0, sys.argv[1], device="cpu", workers=2, progress=False)
net = sl.mlp((150528, 4, 12), device="cpu")
masks = sl.MaskStore(net)
sl.learn_masks(net, tasks, recipe=recipe, masks=masks, at_once=1, progress=False, on_step=on_step)
print(json.dumps({"learned": len(masks), "workers": len(multiprocessing.active_children())}), flush=True)
sys.stdin.read()
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(os.name != "posix", reason="sends signals as a terminal does")
@pytest.mark.parametrize("sender", ["a terminal, to all processes", "JupyterLab, to the kernel alone"])
def test_ctrl_c_keeps_what_is_learned_and_leaves_no_worker(root, sender):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, "-c", INTERRUPTED, str(root)]
    with subprocess.Popen(command, text=True, cwd=ROOT, start_new_session=True, **pipes) as learner:
        pids = json.loads(learner.stdout.readline())
        assert len(pids) == 2
        assert all(map(is_alive, pids))
        (os.killpg if sender.startswith("a terminal") else os.kill)(learner.pid, signal.SIGINT)
        result = next(line for line in map(json.loads, learner.stdout) if isinstance(line, dict))
        assert result == {"learned": 1, "workers": 0}
        assert not any(map(is_alive, pids)), "while the learner's process goes on"
        _, errors = learner.communicate("", timeout=60)
    assert learner.returncode == 0, errors
    assert "Interrupted: 1 of 2 tasks are learned and kept" in errors
    assert "Traceback" not in errors


def test_who_stops_asking_leaves_no_worker(root):
    suite = sl.split_imagenet(1, 0, root, **QUIET | {"workers": 2})
    batches = suite.train_view.batches(batch_order(suite, 50, 40, 0))
    next(batches)
    assert len(multiprocessing.active_children()) == 2
    batches.close()
    assert multiprocessing.active_children() == []


def test_a_traceback_that_is_kept_keeps_no_worker(root, net):
    def interrupt(step, weights, loss):
        assert len(multiprocessing.active_children()) == 2
        raise KeyboardInterrupt

    suite = sl.split_imagenet(1, 0, root, **QUIET | {"workers": 2})
    with pytest.raises(KeyboardInterrupt) as caught:
        baselines.train_dense(net, suite, recipe=sl.Recipe(50, 40, "adam", 1e-3), on_step=interrupt)
    assert multiprocessing.active_children() == [], caught


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("damage", ["cut", "gone", "a folder", "a bomb"])
def test_a_damaged_image_is_named_and_leaves_no_worker(copy, workers, damage):
    suite = sl.split_imagenet(1, None, copy, **QUIET | {"workers": workers})
    path = copy / "train" / WNIDS[3] / f"{WNIDS[3]}_2.JPEG"
    content = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[:300])
    elif damage == "a folder":
        path.mkdir()
    elif damage == "a bomb":  # more pixels than PIL opens
        Image.new("1", (20_000, 20_000)).save(path, "PNG")
    with pytest.raises(sl.DataError, match=rf"{path.name} is missing or damaged .*: get it again") as caught:
        suite[0].train.all()
    assert multiprocessing.active_children() == [], caught
    suite[0].train.batch([0])


# What is there, and what is not


def test_the_archives_are_unpacked_by_torchvision(tmp_path, root, monkeypatch):
    pytest.importorskip("scipy", reason="torchvision reads the devkit with scipy")
    packed = small_archives.imagenet_archives(tmp_path / "packed", monkeypatch)
    suite, wanted = (sl.split_imagenet(2, 0, folder, **QUIET) for folder in (packed, root))
    assert suite.identities == wanted.identities
    for task, same in zip(suite, wanted, strict=True):
        for half in ("train", "test"):
            got, expected = getattr(task, half).all(), getattr(same, half).all()
            assert all(map(torch.equal, got, expected))
    for archive in packed.glob("ILSVRC*"):
        archive.unlink()
    assert sl.split_imagenet(2, 0, packed, **QUIET).identities == wanted.identities


def test_without_scipy_the_devkit_says_what_is_needed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(sl.DataError, match="pip install scipy"):
        sl.split_imagenet(root=tmp_path, **QUIET)


@pytest.mark.parametrize("lacking", ["everything", "train", "val", "meta.bin"])
def test_missing_data_say_what_to_get_and_where_to_put_it(copy, lacking, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", SimpleNamespace(io=None))
    monkeypatch.setitem(sys.modules, "scipy.io", SimpleNamespace())
    for place in ("train", "val", "meta.bin") if lacking == "everything" else (lacking,):
        (copy / place).unlink() if place == "meta.bin" else shutil.rmtree(copy / place)
    with pytest.raises(sl.DataError) as caught:
        sl.split_imagenet(root=copy, **QUIET)
    for part in (str(copy), "https://image-net.org", "devkit_t12.tar.gz", "img_train.tar", "img_val.tar", "root"):
        assert part in str(caught.value)


@pytest.mark.parametrize("stray", ["train/n09999999.tar", "val/ILSVRC2012_val_00000001.JPEG"])
def test_what_was_half_unpacked_is_refused(copy, stray):
    (copy / "train" / ".DS_Store").touch()  # of a Mac, harmless
    assert len(sl.split_imagenet(2, 0, copy, **QUIET)) == 2
    (copy / stray).touch()
    with pytest.raises(sl.DataError, match=rf"{Path(stray).name} is in it.* delete this folder"):
        sl.split_imagenet(2, 0, copy, **QUIET)


def test_other_classes_in_training_than_in_test_are_refused(copy):
    shutil.rmtree(copy / "val" / WNIDS[4])
    with pytest.raises(sl.DataError, match=rf"same classes, but only one of them has \['{WNIDS[4]}'\]"):
        sl.split_imagenet(1, 0, copy, **QUIET)


def test_the_cache_is_looked_into_where_no_root_is_given(copy, monkeypatch):
    monkeypatch.setenv("SUPSUP_CACHE", str(copy.parent))
    assert len(sl.split_imagenet(2, 0, **QUIET)) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_tasks": 0}, ValueError, "num_tasks must be"),
        ({"num_tasks": 3}, ValueError, r"num_tasks must be in 1\.\.2, got 3"),
        ({"seed": -1}, ValueError, "seed must be 0 or more"),
        ({"root": b"x"}, TypeError, "root must be a folder's path"),
        ({"workers": -1}, ValueError, "workers must be 0 or more"),
        ({"workers": 1.5}, TypeError, "workers must be a whole number"),
        ({"progress": "yes"}, TypeError, "progress must be True or False"),
        ({"device": "abc"}, ValueError, "device is 'abc'"),
    ],
)
def test_nonsense_is_refused(root, arguments, error, message):
    with pytest.raises(error, match=message):
        sl.split_imagenet(**{"root": root, **arguments})
