"""Under real use: a checkout that cannot be written, no home folder, two at once, an interrupt, a broken driver."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import supsup_lite as sl

ROOT = Path(sl.__file__).parents[1]
QUICK = sl.Recipe(steps=3, batch=16, optimizer="adam", lr=1e-3)
WATCH_WRITES = f"""
import os, sys
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and (arguments[2] or 0) & WRITES:
        if os.path.realpath(arguments[0]).startswith({str(ROOT)!r}):
            raise OSError(30, "Read-only file system", arguments[0])
    if event in ("os.mkdir", "os.rename", "os.remove") and os.path.realpath(arguments[0]).startswith({str(ROOT)!r}):
        raise OSError(30, "Read-only file system", arguments[0])
sys.addaudithook(watch)
"""
USE = """
import supsup_lite as sl
from supsup_lite.plots import image_grid
train, test = sl.mnist()
net, tasks = sl.lenet_300_100(outputs=10, seed=0), sl.permuted_mnist(1, seed=0)
masks = sl.learn_masks(net, tasks, recipe=sl.Recipe(2, 16, "adam", 1e-3), progress=False)
print(len(train), len(masks))
"""


def run(code, **surroundings):
    """Run code in a process that has only these variables."""
    keep = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", code], cwd="/", env=keep | surroundings, capture_output=True, text=True, timeout=140
    )


def test_nothing_is_written_into_the_checkout(tmp_path):
    done = run(WATCH_WRITES + USE, HOME=str(tmp_path))
    assert done.stdout == "60000 1\n", done.stderr


def test_a_write_into_the_checkout_would_be_seen():
    done = run(WATCH_WRITES + f"open({str(ROOT / 'spot')!r}, 'w')")
    assert "Read-only file system" in done.stderr
    assert not (ROOT / "spot").exists()


@pytest.mark.parametrize("home", [{}, {"HOME": "/nonexistent"}], ids=["none", "not there"])
def test_there_need_be_no_home_folder(home, tmp_path):
    done = run(USE, TMPDIR=str(tmp_path), **home)
    assert done.stdout == "60000 1\n", done.stderr


def test_two_lessons_may_unpack_at_once(tmp_path):
    code = "import supsup_lite as sl; print(len(sl.mnist()[0]))"
    surroundings = os.environ | {"SUPSUP_CACHE": str(tmp_path), "OMP_NUM_THREADS": "1"}
    both = [subprocess.Popen([sys.executable, "-c", code], env=surroundings, stdout=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate()[0].split() for process in both] == [[b"60000"]] * 2


def test_an_interrupt_loses_nothing_and_the_run_goes_on():
    """Masks that were learned before stay, and those learned afterwards are what they would have been."""
    net, tasks = sl.lenet_300_100(outputs=10, seed=0), sl.permuted_mnist(3, seed=0)
    whole = sl.learn_masks(net, tasks, recipe=QUICK, progress=False)
    store = sl.learn_masks(net, tasks[:1], recipe=QUICK, progress=False)

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.warns(UserWarning, match=r"1 of 3 tasks are learned and kept. Call learn_masks again"):
        sl.learn_masks(net, tasks, recipe=QUICK, progress=False, masks=store, on_step=interrupt)
    assert len(store) == 1
    sl.learn_masks(net, tasks, recipe=QUICK, progress=False, masks=store)
    assert len(store) == 3
    for name in net.weights():
        assert all(torch.equal(store[i][name], whole[i][name]) for i in range(3))


def test_a_broken_driver_is_named_with_a_way_on(monkeypatch):
    """torch sees a GPU, and the first use of it fails: a driver that does not fit, or one that hangs after sleep."""

    def broken(*_, **__):
        raise RuntimeError("CUDA driver version is insufficient for CUDA runtime version\nCUDA kernel errors might ...")

    monkeypatch.delenv("SUPSUP_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "empty", broken)
    with pytest.raises(ValueError, match=r"the GPU is 'cuda', .*driver version is insufficient.*SUPSUP_DEVICE=cpu"):
        sl.device()


def test_without_it_the_course_goes_on(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("SUPSUP_DEVICE", "cpu")
    assert sl.device() == torch.device("cpu")
