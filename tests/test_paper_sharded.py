"""A run shared by processes, killed and resumed: its masks are those of one process that nobody disturbed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import distributed

from supsup_lite import networks
from supsup_lite.data import datasets as data
from supsup_lite.data import suites
from supsup_lite.experiments import shards as blocks
from supsup_lite.experiments.distributed import Team
from supsup_lite.experiments.shards import block_file, finished, learn_resumably, missing
from supsup_lite.learning import learn as learning
from supsup_lite.masks.origin import Learned
from supsup_lite.masks.store import MaskStore
from supsup_lite.paper import command
from supsup_lite.paper.command import main
from supsup_lite.recipes import DEFAULT, Recipe
from supsup_lite.results import runs
from tests.waiting import PATIENCE, wait_until

TASKS, STEPS, SIZE = 24, 12, 4
COMMAND = ["permuted-mnist", "--tasks", str(TASKS), "--steps", str(STEPS), "--recipe", "default", "--images", "20"]
# What `python -m supsup_lite.paper` does, with blocks small enough for a test.
PROCESS = f"""
import os, pathlib
from supsup_lite.experiments import shards as blocks
from supsup_lite.paper import command
pathlib.Path(__file__).with_name(f"{{os.getpid()}}.pid").touch()
blocks.BLOCK = {{"cpu": {SIZE}}}
command.main()
"""


def torchrun(folder, cache, *arguments: str) -> subprocess.Popen:
    script = folder / "run.py"
    script.write_text(PROCESS)
    (cache / "runs").mkdir(parents=True, exist_ok=True)
    if not (cache / "MNIST").exists():
        (cache / "MNIST").symlink_to(data.cache_folder() / "MNIST")  # unpacked once for all tests
    settings = {"SUPSUP_CACHE": str(cache), "SUPSUP_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    two = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    with (folder / "log").open("a") as log, (folder / "out").open("w") as out:
        return subprocess.Popen([*two, str(script), *arguments], env={**os.environ, **settings}, stdout=out, stderr=log)


def kill_all(process: subprocess.Popen, folder: Path) -> None:
    """End torchrun and its processes as a power cut does."""
    process.kill()
    for path in folder.glob("*.pid"):
        os.kill(int(path.stem), signal.SIGKILL)
    process.wait()


@pytest.fixture
def as_torchrun(one_thread, monkeypatch):
    """As its processes compute: the number of threads decides how sums are rounded."""
    monkeypatch.setattr(blocks, "BLOCK", {"cpu": SIZE})
    monkeypatch.setenv("SUPSUP_DEVICE", "cpu")


def learn(monkeypatch, cache, count: int = TASKS, team: Team | None = None) -> MaskStore:
    """What the command learns, in this process, from what a cache folder holds."""
    monkeypatch.setattr(runs, "cache_folder", lambda: cache)
    net, suite = networks.lenet_300_100(outputs=100, seed=0), suites.permuted_mnist(count, seed=0)
    recipe = Recipe(STEPS, DEFAULT.batch, DEFAULT.optimizer, DEFAULT.lr, DEFAULT.one_cycle)
    return learn_resumably("permuted-mnist", net, suite, None, 0, recipe, team)[0]


def learn_seed(net, seed: int) -> MaskStore:
    """A block of masks of the first four tasks of another suite, learned alike."""
    recipe = Recipe(STEPS, DEFAULT.batch, DEFAULT.optimizer, DEFAULT.lr, DEFAULT.one_cycle)
    return learning.learn_masks(net, suites.permuted_mnist(4, seed=seed), recipe=recipe, progress=False)


def equal(one: MaskStore, other: MaskStore) -> bool:
    return len(one) == len(other) and all(torch.equal(one.packed(name), other.packed(name)) for name in one.shapes)


def test_two_processes_killed_and_resumed_by_two_or_by_one(as_torchrun, capsys, monkeypatch, tmp_path):
    whole = learn(monkeypatch, tmp_path / "undisturbed")
    (folder,) = (tmp_path / "undisturbed" / "runs").iterdir()
    assert len(finished(folder)) == TASKS / SIZE
    assert whole.identities == suites.permuted_mnist(TASKS, seed=0).identities
    assert whole.learned == Learned(10, None, Recipe(STEPS, DEFAULT.batch, "adam", 1e-3, True), 0)

    cache = tmp_path / "killed"
    process = torchrun(tmp_path, cache, *COMMAND)

    def two_blocks_are_saved():
        assert process.poll() is None, (tmp_path / "log").read_text()
        return len(finished(cache / "runs" / folder.name)) >= 2

    wait_until(two_blocks_are_saved, pause=0.01)
    kill_all(process, tmp_path)
    saved = finished(cache / "runs" / folder.name)
    assert 2 <= len(saved) < TASKS / SIZE
    written = {block: block_file(cache / "runs" / folder.name, block).stat().st_mtime_ns for block in saved}
    shutil.copytree(cache / "runs", tmp_path / "copy" / "runs")

    process = torchrun(tmp_path, cache, *COMMAND)
    assert process.wait(timeout=PATIENCE) == 0, (tmp_path / "log").read_text()
    assert f"going on with {SIZE * len(saved)} of {TASKS} masks" in (tmp_path / "log").read_text()
    for block in saved:
        assert block_file(cache / "runs" / folder.name, block).stat().st_mtime_ns == written[block], "learned again"
    assert equal(learn(monkeypatch, tmp_path / "copy"), whole)  # resumed by one process

    monkeypatch.setattr(blocks, "learn_all_masks", lambda *_, **__: pytest.fail("learned again"))
    assert equal(learn(monkeypatch, cache), whole)
    main(COMMAND)
    results = [json.loads(text) for text in ((tmp_path / "out").read_text(), capsys.readouterr().out)]  # one line each
    for result in results:
        del result["seconds"], result["figures"]["learning_seconds"], result["figures"]["evaluating_seconds"]
    assert results[0] == results[1]


def test_what_is_missing_lies_on_a_grid_that_no_number_of_processes_moves():
    assert missing(10, 4, []) == [range(0, 4), range(4, 8), range(8, 10)]
    assert missing(10, 4, [range(0, 4), range(8, 10)]) == [range(4, 8)]
    assert missing(12, 4, [range(0, 6)]) == [range(6, 8), range(8, 12)]  # interrupted amid a block
    assert missing(6, 4, [range(0, 2), range(3, 4)]) == [range(2, 3), range(4, 6)]
    assert missing(5, 4, [range(0, 9)]) == []


def test_shares_are_merged_in_order(monkeypatch):
    things = list(range(7))
    parts = [Team(rank, 3).share(things) for rank in range(3)]
    monkeypatch.setattr(Team, "gather", lambda team, share: parts)
    assert Team(1, 3).merge(parts[1]) == things


def test_a_file_is_handed_out_where_it_is_missing(monkeypatch, tmp_path):
    """Two machines without a common folder: each has a block that the other lacks."""
    folders = [tmp_path / "a", tmp_path / "b"]
    ours = [[range(0, 4), range(4, 8)], [range(4, 8), range(8, 12)]]
    for folder, theirs in zip(folders, ours, strict=True):
        folder.mkdir()
        for block in theirs:
            block_file(folder, block).write_bytes(bytes(block))
    monkeypatch.setattr(Team, "gather", lambda team, value: ours)
    for rank, folder in enumerate(folders):
        asked = []

        def hand_out(team, value, source, asked=asked):
            assert (value is not None) == (team.rank == source)
            asked.append(source)
            return bytes(ours[source][-1 if source else 0])

        monkeypatch.setattr(Team, "hand_out", hand_out)
        blocks._exchange(folder, Team(rank, 2))
        assert asked == [0, 1]
        assert finished(folder) == [range(0, 4), range(4, 8), range(8, 12)]
        assert [bytes(b) for b in finished(folder)] == [block_file(folder, b).read_bytes() for b in finished(folder)]


def test_processes_with_different_seeds_are_refused(as_torchrun, monkeypatch, tmp_path):
    monkeypatch.setattr(Team, "gather", lambda team, value: [value, ("permuted-mnist-of-another-seed", *value[1:])])
    with pytest.raises(ValueError, match="process 1: permuted-mnist-of-another-seed"):
        learn(monkeypatch, tmp_path, 2, Team(0, 2))


def test_a_block_of_another_run_is_refused(as_torchrun, monkeypatch, tmp_path):
    masks = learn(monkeypatch, tmp_path, 4)
    (folder,) = (tmp_path / "runs").iterdir()
    masks[:3].save(block_file(folder, range(0, 4)))
    with pytest.raises(ValueError, match=r"holds 3 masks .* expected 4"):
        learn(monkeypatch, tmp_path, 4)
    for other, says in ((masks[::-1], "in another order"), (learn_seed(masks.net, 5), "no mask of this store belongs")):
        other.save(block_file(folder, range(0, 4)))
        with pytest.raises(ValueError, match=rf"00000-00004.*{says}.* Delete it"):
            learn(monkeypatch, tmp_path, 4)
    masks.learned = replace(masks.learned, seed=7)
    masks.save(block_file(folder, range(0, 4)))
    with pytest.raises(ValueError, match=r"seed=7.* with .*seed=0.* Delete it"):
        learn(monkeypatch, tmp_path, 4)


def test_ctrl_c_keeps_the_tasks_of_the_block_that_are_finished(as_torchrun, monkeypatch, tmp_path):
    whole = learn(monkeypatch, tmp_path / "undisturbed", 12)
    monkeypatch.setattr(blocks, "BLOCK", {"cpu": 12})
    learn_scores, calls = learning.learn_scores, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return learn_scores(*arguments)

    monkeypatch.setattr(learning, "learn_scores", interrupted)
    with pytest.raises(KeyboardInterrupt):
        learn(monkeypatch, tmp_path, 12)
    (folder,) = (tmp_path / "runs").iterdir()
    assert finished(folder) == [range(0, 4)]
    assert equal(learn(monkeypatch, tmp_path, 12), whole)


def test_a_lost_process_is_told_in_words(monkeypatch):
    def closed(*_, **__):
        raise RuntimeError("[/gloo/pair.cc:553] Connection closed by peer [127.0.0.1]:1. Check the logs.\n and more")

    monkeypatch.setattr(distributed, "all_gather_object", closed)
    said = (
        r"process 1 of 2 lost another one of this run .Connection closed by peer .127.0.0.1.:1.. All .* start the same"
    )
    with pytest.raises(ConnectionError, match=said):
        Team(1, 2).gather("something")


def test_a_stream_is_read_by_one_process(monkeypatch):
    monkeypatch.setattr(command, "join_team", lambda: Team(0, 2))
    with pytest.raises(SystemExit, match=r"one process reads a stream.*permuted-mnist-nns without torchrun"):
        main(["permuted-mnist-nns", "--tasks", "2"])
