"""`python -m supsup_lite.paper`: its last line is the result, and a killed run goes on where it stopped."""

import json
import subprocess
import sys
from functools import partial

import pytest

import supsup_lite as sl
from supsup_lite import networks
from supsup_lite.experiments import hopsupsup as hopfield
from supsup_lite.experiments import mnist as given
from supsup_lite.experiments import nns as unannounced
from supsup_lite.experiments import shards as blocks
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


def test_a_recall_needs_a_whole_batch(quick, monkeypatch):
    monkeypatch.setattr(hopfield, "UNITS", Recipe(2, 16, "adam", 2e-2, True))
    monkeypatch.setattr(hopfield.networks, "bn_mlp", partial(networks.bn_mlp, units=32))
    with pytest.raises(SystemExit, match="whole batch"):
        main(["split-mnist-hopfield", "--tasks", "1", "--images", "100"])


def test_a_killed_run_goes_on_and_ends_the_same(quick, capsys, monkeypatch, tmp_path):
    whole = result_of(capsys, ["permuted-mnist", "--tasks", "5", *quick])
    monkeypatch.setattr(runs, "cache_folder", lambda: tmp_path / "second")
    learn, calls = blocks.learn_masks, []

    def killed_in_the_second_call(net, suite, *arguments, **named):
        calls.append(suite.numbers)
        if len(calls) == 2:
            raise SystemExit("killed")
        return learn(net, suite, *arguments, **named)

    monkeypatch.setattr(blocks, "learn_masks", killed_in_the_second_call)
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
    monkeypatch.setattr(blocks, "learn_masks", lambda *_, **__: pytest.fail("learned again"))
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


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "invalid choice"),
        (["split-mnist", "--tasks", "0"], "1 or more"),
        (["split-mnist", "--tasks", "9"], "1..5"),
        (["split-mnist", "--keep", "1.5"], "0..1"),
        (["split-mnist", "--outputs", "1"], "outputs"),
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
