"""`python -m supsup_lite.paper`: its last line is the result, and a killed run goes on where it stopped."""

import errno
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import FrozenInstanceError, replace
from functools import partial

import numpy as np
import pytest
import torch

import supsup_lite as sl
from supsup_lite import networks
from supsup_lite.experiments import hopsupsup as hopfield
from supsup_lite.experiments import mnist as given
from supsup_lite.experiments import nns as unannounced
from supsup_lite.experiments import shards as blocks
from supsup_lite.experiments.settings import SETTINGS
from supsup_lite.learning import learn
from supsup_lite.masks import store
from supsup_lite.paper.command import main
from supsup_lite.recipes import Recipe
from supsup_lite.results import runs
from supsup_lite.unannounced.learner import StreamLearner


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """A tiny recipe, and a cache folder of our own for the runs."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(runs, "cache_folder", lambda: folder)
    monkeypatch.setitem(given.RECIPES, "default", Recipe(10, 32, "adam", 1e-3, True))
    monkeypatch.setattr(blocks, "BLOCK", {"cpu": 2})
    monkeypatch.setenv("SUPSUP_DEVICE", "cpu")
    return ["--recipe", "default", "--images", "128", "--outputs", "20"]


def result_of(capsys, arguments: list[str]) -> dict:
    main(arguments)
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize(("name", "tasks"), [("permuted-mnist", 3), ("rotated-mnist", 2), ("split-mnist", 2)])
def test_the_last_line_is_the_result(quick, capsys, name, tasks):
    result = result_of(capsys, [name, "--tasks", str(tasks), *quick])
    assert list(result) == ["experiment", "setting", "figures", "n", "seconds", "device", "versions"]
    assert result["experiment"] == name
    assert result["setting"]["tasks"] == tasks
    assert result["n"] == 128 * tasks
    assert set(result["figures"]) >= {"GG", "GNs", "GNu"}
    low, high = result["figures"]["GNu"]["interval_95"]
    assert low <= result["figures"]["GNu"]["accuracy"] <= high


def test_growth_is_what_evaluate_says_of_the_first_tasks(quick, capsys, monkeypatch):
    monkeypatch.setattr(given, "COUNTS", (2, 3, 9))
    figures = result_of(capsys, ["permuted-mnist", "--tasks", "4", "--steps", "5", *quick])["figures"]
    rows = {row["tasks"]: row for row in figures["by_tasks"]}
    assert list(rows) == [2, 3, 4]
    net, suite = networks.lenet_300_100(outputs=20, seed=0), sl.permuted_mnist(4, seed=0)
    masks = sl.learn_masks(net, suite, recipe=Recipe(5, 32, "adam", 1e-3, True), progress=False)
    for k, row in rows.items():
        for scenario in ("GG", "GNs", "GNu"):
            result = sl.evaluate(net, masks[:k], suite[:k], scenario, images=128)
            assert row[scenario] == pytest.approx(result.accuracy, abs=2e-3)  # blocks of 2 round otherwise than 4
        assert row["task_accuracy"] == round(result.task_accuracy, 5)
        assert row["inferences"] == result.inferences == k
        assert row["bytes"] == masks[:k].nbytes
        assert row["entropy_bytes"] == pytest.approx(masks[:k].entropy_bytes, abs=2)
    assert {name: rows[4][name] for name in ("GG", "GNs", "GNu")} == {
        name: figures[name]["accuracy"] for name in ("GG", "GNs", "GNu")
    }
    assert rows[4]["GNu_interval_95"] == figures["GNu"]["interval_95"]


@pytest.mark.parametrize("rule", ["storkey", "centred"])
def test_masks_come_back_from_a_hopfield_store(quick, capsys, monkeypatch, rule):
    monkeypatch.setattr(hopfield, "UNITS", Recipe(30, 64, "adam", 2e-2, True))
    monkeypatch.setattr(hopfield.networks, "bn_mlp", partial(networks.bn_mlp, units=256))
    result = result_of(capsys, ["split-mnist-hopfield", "--tasks", "2", "--images", "256", "--rule", rule])
    figures = result["figures"]
    assert result["n"] == 512
    assert figures["recalls"] == 4
    assert figures["exact"] + figures["wrong"] + figures["not recalled"] == 4
    assert figures["exact"] == sum(task["exact"] for task in figures["per_task"])
    assert figures["accuracy"] <= figures["accuracy_explicit"]
    if figures["exact"] == 4:
        assert figures["accuracy"] == figures["accuracy_explicit"]
    assert figures["bytes_masks"] == 2 * 2 * 256 / 8
    assert set(figures["per_task"][0]) >= {"task", "exact", "steps", "accuracy", "accuracy_explicit"}


def test_an_interrupted_hopfield_run_goes_on_with_the_masks_that_it_has(quick, capsys, monkeypatch):
    monkeypatch.setattr(hopfield, "UNITS", Recipe(8, 64, "adam", 2e-2, True))
    monkeypatch.setattr(hopfield.networks, "bn_mlp", partial(networks.bn_mlp, units=64))
    command = ["split-mnist-hopfield", "--tasks", "3", "--images", "128"]
    whole = result_of(capsys, command)["figures"]
    shutil.rmtree(runs.cache_folder() / "runs")
    learn_scores, numbers = learn.learn_scores, []

    def interrupted_in_the_second_block(net, tasks, *rest):
        numbers.append(tasks.numbers)
        if len(numbers) == 2:
            raise KeyboardInterrupt
        return learn_scores(net, tasks, *rest)

    monkeypatch.setattr(learn, "learn_scores", interrupted_in_the_second_block)
    with pytest.raises(SystemExit, match=r"interrupted: .* kept"):
        main(command)
    assert result_of(capsys, command)["figures"] == whole
    assert numbers == [(0, 1), (2,), (2,)]


def test_a_recall_needs_a_whole_batch(quick, monkeypatch):
    monkeypatch.setattr(hopfield, "UNITS", Recipe(2, 16, "adam", 2e-2, True))
    monkeypatch.setattr(hopfield.networks, "bn_mlp", partial(networks.bn_mlp, units=32))
    with pytest.raises(SystemExit, match="whole batch"):
        main(["split-mnist-hopfield", "--tasks", "1", "--images", "100"])


def test_a_killed_run_goes_on_and_ends_the_same(quick, capsys, monkeypatch, tmp_path):
    whole = result_of(capsys, ["permuted-mnist", "--tasks", "5", *quick])
    monkeypatch.setattr(runs, "cache_folder", lambda: tmp_path / "second")
    learn, calls = blocks.learn_all_masks, []

    def killed_in_the_second_call(net, suite, *arguments, **named):
        calls.append(suite.numbers)
        if len(calls) == 2:
            raise SystemExit("killed")
        return learn(net, suite, *arguments, **named)

    monkeypatch.setattr(blocks, "learn_all_masks", killed_in_the_second_call)
    with pytest.raises(SystemExit, match="killed"):
        main(["permuted-mnist", "--tasks", "5", *quick])
    again = result_of(capsys, ["permuted-mnist", "--tasks", "5", *quick])
    assert calls == [(0, 1), (2, 3), (2, 3), (4,)]
    for figures in (whole["figures"], again["figures"]):
        figures.pop("learning_seconds")
        figures.pop("evaluating_seconds")
    assert again["figures"] == whole["figures"]


def test_a_run_with_fewer_tasks_takes_what_is_there(quick, capsys, monkeypatch):
    result_of(capsys, ["permuted-mnist", "--tasks", "3", *quick])
    monkeypatch.setattr(blocks, "learn_all_masks", lambda *_, **__: pytest.fail("learned again"))
    assert result_of(capsys, ["permuted-mnist", "--tasks", "2", *quick])["setting"]["tasks"] == 2


def test_unannounced_tasks_go_on_after_a_kill(quick, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(unannounced, "STEADY", Recipe(12, 32, "adam", 3e-3))
    monkeypatch.setattr(unannounced, "SAVE_EVERY", 5)
    command = ["permuted-mnist-nns", "--tasks", "3", *quick]
    whole = result_of(capsys, command)
    assert whole["figures"]["record"]["n"] == 3 * 128
    assert set(whole["figures"]) == {"GNu", "record", "paper", "paper_aligned"}
    monkeypatch.setattr(runs, "cache_folder", lambda: tmp_path / "second")
    feed, fed = StreamLearner.feed, []

    def killed_at_batch_13(self, x, y):
        fed.append(len(self.used))
        if len(fed) == 13:
            raise SystemExit("killed")
        return feed(self, x, y)

    monkeypatch.setattr(StreamLearner, "feed", killed_at_batch_13)
    with pytest.raises(SystemExit, match="killed"):
        main(command)
    again = result_of(capsys, command)
    assert fed[:13] == list(range(13))
    assert fed[13] == 10
    for result in (whole, again):
        for figures in result["figures"].values():
            figures.pop("learning_seconds", None)
    assert again["figures"] == whole["figures"]


def test_out_saves_the_result(quick, capsys, tmp_path):
    target = tmp_path / "deep" / "result.json"
    result = result_of(capsys, ["split-mnist", "--tasks", "2", "--out", str(target), *quick])
    assert json.loads(target.read_text()) == result
    assert [path.name for path in target.parent.iterdir()] == ["result.json"]


@pytest.mark.parametrize("full", ["the screen", "the file"])
def test_a_result_is_not_lost_where_only_one_place_is_full(quick, capsys, tmp_path, monkeypatch, full):
    def no_room(*_, **__):
        raise OSError(errno.ENOSPC, "no room")

    class Full(io.StringIO):
        write = no_room

    target = tmp_path / "result.json"
    with monkeypatch.context() as patched:
        if full == "the file":
            patched.setattr(runs, "write", no_room)
        else:
            patched.setattr(sys, "stdout", Full())
        with pytest.raises(SystemExit, match="no room"):
            main(["split-mnist", "--tasks", "1", "--steps", "2", "--out", str(target), *quick])
    shown = capsys.readouterr().out if full == "the file" else target.read_text()
    assert json.loads(shown)["experiment"] == "split-mnist"


def test_out_writes_through_a_link_and_into_a_device(quick, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "link.json").symlink_to(tmp_path / "there.json")
    result = {"experiment": "none"}
    assert runs.save(result, "~/link.json") == tmp_path / "there.json"
    assert json.loads((tmp_path / "there.json").read_text()) == result
    assert (tmp_path / "link.json").is_symlink()
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    runs.save(result, tmp_path / "pipe")
    assert json.loads(os.read(reader, 1000)) == result
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize(("out", "says"), [("", "is a folder"), ("file/result.json", "cannot be written")])
def test_a_target_that_will_not_do_is_found_before_the_work(quick, tmp_path, monkeypatch, out, says):
    (tmp_path / "file").touch()
    monkeypatch.setattr(blocks, "learn_all_masks", lambda *_, **__: pytest.fail("worked first"))
    with pytest.raises(SystemExit, match=rf"split-mnist: .*{says}"):
        main(["split-mnist", "--tasks", "2", "--out", str(tmp_path / out), *quick])


def test_a_full_disk_and_a_folder_that_is_none_end_in_one_sentence(quick, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(store, "write", full)
        with pytest.raises(SystemExit, match=r"split-mnist: .*No space left on device.*SUPSUP_CACHE"):
            main(["split-mnist", "--tasks", "2", "--steps", "2", *quick])
    shutil.rmtree(tmp_path / "cache" / "runs")
    (tmp_path / "cache" / "runs").touch()
    with pytest.raises(SystemExit, match=r"split-mnist: .*File exists.*SUPSUP_CACHE"):
        main(["split-mnist", "--tasks", "2", "--steps", "2", *quick])


@pytest.mark.parametrize(
    "arguments",
    [
        ["permuted-mnist", "--tasks", str(10**9)],
        ["permuted-mnist", "--outputs", str(10**9)],
        ["split-mnist", "--steps", str(10**12)],
        ["permuted-mnist-nns", "--steps", str(10**12)],
        ["split-mnist-hopfield", "--steps", str(10**12)],
    ],
)
def test_what_no_memory_holds_is_refused_at_once_with_numbers(quick, arguments):
    began = time.process_time()
    with pytest.raises(SystemExit, match=r"\d MB.* MB free"):
        main(arguments)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("number", [10**30, 10**400, 10**4000])
@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("rotated-mnist", "tasks"),
        ("permuted-mnist", "outputs"),
        ("split-mnist", "steps"),
        ("permuted-mnist-nns", "images"),
        ("rivals", "seeds"),
        ("rivals", "tuning-tasks"),
        ("open-questions", "seeds"),
    ],
)
def test_what_no_machine_counts_to_is_refused_in_words(monkeypatch, capsys, name, option, number):
    monkeypatch.setenv("SUPSUP_DEVICE", "cpu")
    with pytest.raises(SystemExit) as refused:
        main([name, f"--{option}", str(number)])
    said = capsys.readouterr().err + str(refused.value.code)
    assert f"{option}: must be a whole number" in said


@pytest.mark.parametrize("name", ["rivals", "open-questions"])
def test_seeds_that_no_result_could_list_are_refused_before_they_are_listed(quick, name):
    with pytest.raises(SystemExit, match=r"seeds must be in 1\.\.10000, got 1000000000\."):
        main([name, "--seeds", str(10**9)])


def test_a_device_without_numbers_is_refused(quick):
    with pytest.raises(SystemExit, match="'meta', which holds no numbers"):
        main(["split-mnist", "--device", "meta"])


def test_guests_in_the_folder_of_a_run_do_not_count(quick, capsys):
    command = ["split-mnist", "--tasks", "2", "--steps", "2", *quick]
    before = result_of(capsys, command)
    (folder,) = (runs.cache_folder() / "runs").iterdir()
    for guest in ("00000-00002 (1).safetensors", "00002-00001.safetensors", "a-b.safetensors", "x.part", "x.json"):
        (folder / guest).write_bytes(b"")
    assert result_of(capsys, command)["figures"]["GNu"] == before["figures"]["GNu"]


def test_what_a_kill_left_is_removed_when_the_run_is_looked_at_again(quick, capsys):
    """Also where nothing is left to write, and so nothing has its name."""
    command = ["split-mnist", "--tasks", "2", "--steps", "2", *quick]
    result_of(capsys, command)
    (folder,) = (runs.cache_folder() / "runs").iterdir()
    left = [folder / "00000-00001.safetensors.0123abcd.part", folder.parent / "x.json.0123abcd.part"]
    other = [folder / "00000-00001.safetensors.abcd0123.part", folder / "mine.part"]
    for path in (*left, *other):
        path.touch()
    for path in (*left, other[1]):
        os.utime(path, (0, time.time() - 4000))
    result_of(capsys, command)
    assert [path.exists() for path in (*left, *other)] == [False, False, True, True]


@pytest.mark.parametrize("harm", ["no bytes", "no masks", "half"])
def test_a_block_that_cannot_be_used_is_named_before_the_run_goes_on(quick, capsys, harm):
    command = ["split-mnist", "--tasks", "2", "--steps", "2", *quick]
    result_of(capsys, command)
    (folder,) = (runs.cache_folder() / "runs").iterdir()
    (path,) = folder.iterdir()
    if harm == "no masks":
        sl.MaskStore.load(path, networks.lenet_300_100(outputs=20), only=[]).save(path)
    else:
        path.write_bytes(path.read_bytes()[: 0 if harm == "no bytes" else 20_000])
    capsys.readouterr()
    with pytest.raises(SystemExit, match=rf"{path.name}.*elete it"):
        main(command)
    assert "going on" not in capsys.readouterr().err


def test_a_stream_that_is_interrupted_goes_on_at_that_batch(quick, capsys, monkeypatch):
    monkeypatch.setattr(unannounced, "STEADY", Recipe(12, 32, "adam", 3e-3))
    command = ["permuted-mnist-nns", "--tasks", "2", "--candidates", "both", *quick]
    feed, fed = StreamLearner.feed, []

    def interrupted_at_batch_7(self, x, y):
        fed.append(len(self.used))
        if len(fed) == 8:
            raise KeyboardInterrupt
        return feed(self, x, y)

    monkeypatch.setattr(StreamLearner, "feed", interrupted_at_batch_7)
    with pytest.raises(SystemExit, match=r"interrupted: .* kept"):
        main(command)
    result = result_of(capsys, command)
    assert fed[7:9] == [7, 7]
    both = {f"paper{ways}{ends}" for ways in ("", "_one_untrained") for ends in ("", "_aligned")}
    assert set(result["figures"]) == {"GNu", "record"} | both


def a_bit_less(content: bytes) -> bytes:
    middle = len(content) // 2  # the numbers of a tensor, which torch itself does not check
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def sealed(state: object) -> bytes:
    content = io.BytesIO()
    torch.save(state, content)
    return hashlib.sha256(content.getvalue()).digest() + content.getvalue()


@pytest.mark.parametrize(
    "harm",
    [
        lambda content: content[:1000],
        lambda content: content[: len(content) // 2],
        a_bit_less,
        lambda content: content[32:],
        lambda content: sealed({"learner": None, "seconds": 1}),
        lambda content: sealed({"learner": {"store": 5}, "seconds": 1}),
        lambda content: sealed([]),
        lambda content: b"",
    ],
)
def test_a_stream_that_cannot_be_gone_on_with_is_named(quick, capsys, monkeypatch, harm):
    monkeypatch.setattr(unannounced, "STEADY", Recipe(4, 32, "adam", 3e-3))
    command = ["permuted-mnist-nns", "--tasks", "1", *quick]
    result_of(capsys, command)
    for path in (runs.cache_folder() / "runs").glob("*.pt"):
        path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(SystemExit, match=r"\.pt is damaged.*Delete it"):
        main(command)


def test_settings_are_values_that_make_sense():
    for name, default in SETTINGS.items():
        assert replace(default, seed=np.int64(3)).seed == 3, name
        with pytest.raises(FrozenInstanceError):
            default.tasks = 3
        none = {"tasks": None} if default.tasks else {"seeds": None}  # an open question has a number of its own
        for wrong in ({"tasks": 0}, none, {"seed": -1}, {"steps": 0}, {"images": 1.5}):
            with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
                replace(default, **wrong)
    for wrong in ({"network": "resnet"}, {"recipe": "x"}, {"method": "x"}, {"objective": "x"}, {"infer_from": "x"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            replace(SETTINGS["permuted-mnist"], **wrong)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "invalid choice"),
        (["split-mnist", "--tasks", "0"], "1 or more"),
        (["split-mnist", "--tasks", "9"], "1..5"),
        (["split-mnist", "--keep", "1.5"], "0..1"),
        (["split-mnist", "--outputs", "1"], "outputs"),
        (["split-mnist", "--seed", "-1"], "seed must be 0 or more"),
        (["split-mnist", "--rule", "hebb"], "no --rule"),
        (["permuted-mnist-nns", "--keep", "0.5", "--method", "binary"], "no --keep and no --method"),
        (["split-mnist", "--device", "nowhere"], "nowhere"),
    ],
)
def test_nonsense_is_refused_in_words(quick, capsys, arguments, says):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert says in f"{stop.value.code} {capsys.readouterr().err}"


def test_it_runs_as_a_module():
    shown = subprocess.run(
        [sys.executable, "-m", "supsup_lite.paper", "--help"], capture_output=True, text=True, check=True
    )
    assert "permuted-mnist" in shown.stdout
