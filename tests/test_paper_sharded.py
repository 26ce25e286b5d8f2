"""A run shared by processes, killed and resumed: its masks are those of one process that nobody disturbed."""

import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
import torch

from supsup_lite import networks, tasks
from supsup_lite.learning import DEFAULT, Recipe
from supsup_lite.paper import blocks, runs
from supsup_lite.paper.blocks import block_file, finished, learn_resumably, missing
from supsup_lite.paper.command import main
from supsup_lite.paper.team import Team
from supsup_lite.store import MaskStore

TASKS, STEPS, SIZE = 40, 12, 4
COMMAND = ["permuted-mnist", "--tasks", str(TASKS), "--steps", str(STEPS), "--recipe", "default", "--images", "20"]
# What `python -m supsup_lite.paper` does, with blocks small enough for a test.
PROCESS = f"from supsup_lite.paper import blocks, command; blocks.BLOCK = {{'cpu': {SIZE}}}; command.main()"


def torchrun(folder, cache, *arguments: str) -> subprocess.Popen:
    script = folder / "run.py"
    script.write_text(PROCESS)
    settings = {"SUPSUP_CACHE": str(cache), "SUPSUP_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    two = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    with (folder / "log").open("a") as log:
        return subprocess.Popen(
            [*two, str(script), *arguments], env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=log
        )


def kill_all(process: subprocess.Popen) -> None:
    """End torchrun and its processes as a power cut does."""
    for one in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
        one.send_signal(signal.SIGKILL)
    process.wait()


@pytest.fixture
def one_thread(monkeypatch):
    """As the processes of torchrun compute: the number of threads decides how sums are rounded."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(blocks, "BLOCK", {"cpu": SIZE})
    monkeypatch.setenv("SUPSUP_DEVICE", "cpu")
    yield
    torch.set_num_threads(threads)


def learn(monkeypatch, cache, count: int = TASKS, team: Team | None = None) -> MaskStore:
    """What the command learns, in this process, from what a cache folder holds."""
    monkeypatch.setattr(runs, "cache_folder", lambda: cache)
    net, suite = networks.lenet_300_100(outputs=100, seed=0), tasks.permuted_mnist(count, seed=0)
    recipe = Recipe(STEPS, DEFAULT.batch, DEFAULT.optimizer, DEFAULT.lr, DEFAULT.one_cycle)
    return learn_resumably("permuted-mnist", net, suite, None, 0, recipe, team)[0]


def equal(one: MaskStore, other: MaskStore) -> bool:
    return len(one) == len(other) and all(torch.equal(one.packed(name), other.packed(name)) for name in one.shapes)


def test_two_processes_killed_and_resumed_by_two_or_by_one(one_thread, monkeypatch, tmp_path):
    whole = learn(monkeypatch, tmp_path / "undisturbed")
    (folder,) = (tmp_path / "undisturbed" / "runs").iterdir()
    assert len(finished(folder)) == TASKS / SIZE

    cache = tmp_path / "killed"
    (cache / "runs").mkdir(parents=True)
    process, limit = torchrun(tmp_path, cache, *COMMAND), time.monotonic() + 120
    while len(saved := finished(cache / "runs" / folder.name)) < 2:
        assert process.poll() is None and time.monotonic() < limit, (tmp_path / "log").read_text()
        time.sleep(0.01)
    kill_all(process)
    saved = finished(cache / "runs" / folder.name)
    assert 2 <= len(saved) < TASKS / SIZE
    written = {block: block_file(cache / "runs" / folder.name, block).stat().st_mtime_ns for block in saved}
    shutil.copytree(cache, tmp_path / "copy")

    process = torchrun(tmp_path, cache, *COMMAND)
    lines = process.communicate(timeout=120)[0].decode().splitlines()
    assert process.returncode == 0, (tmp_path / "log").read_text()
    assert f"going on with {SIZE * len(saved)} of {TASKS} masks" in (tmp_path / "log").read_text()
    for block in saved:
        assert block_file(cache / "runs" / folder.name, block).stat().st_mtime_ns == written[block], "learned again"
    assert equal(learn(monkeypatch, tmp_path / "copy"), whole)  # resumed by one process

    monkeypatch.setattr(blocks, "learn_masks", lambda *_, **__: pytest.fail("learned again"))
    assert equal(learn(monkeypatch, cache), whole)
    assert len(lines) == 1  # one result, by the first process; that of one process is the same
    main(COMMAND[:2] + [str(TASKS)] + COMMAND[3:])


def test_what_is_missing_lies_on_a_grid_that_no_number_of_processes_moves():
    assert missing(10, 4, []) == [range(0, 4), range(4, 8), range(8, 10)]
    assert missing(10, 4, [range(0, 4), range(8, 10)]) == [range(4, 8)]
    assert missing(12, 4, [range(0, 6)]) == [range(6, 8), range(8, 12)]  # interrupted amid a block
    assert missing(6, 4, [range(0, 2), range(3, 4)]) == [range(2, 3), range(4, 6)]
    assert missing(5, 4, [range(0, 9)]) == []


def test_shares_are_merged_in_order():
    things = list(range(7))
    teams = [Team(rank, 3) for rank in range(3)]
    parts = [team.share(things) for team in teams]
    whole = Team(0, 3)
    object.__setattr__(whole, "gather", lambda share: parts)
    assert whole.merge(parts[0]) == things
    assert Team().merge(things) == things
