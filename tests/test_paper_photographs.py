"""`python -m supsup_lite.paper split-cifar100` and `split-imagenet`, on small data sets in the original formats."""

import json
from dataclasses import replace

import pytest
from torch import nn

import supsup_lite as sl
from supsup_lite.data import online
from supsup_lite.experiments import natural, shards
from supsup_lite.experiments.settings import NaturalSettings, RivalSettings
from supsup_lite.paper import command
from supsup_lite.recipes import Recipe
from supsup_lite.results import runs
from tests import small_archives

QUICK = Recipe(25, 20, "adam", 1e-2)

pytestmark = pytest.mark.usefixtures("one_thread")


def small_resnet(outputs: int, seed: int, device: str = "cpu"):
    return sl.conv_net(outputs, seed, device, input_shape=(3, 32, 32), widths=(6, 8))


def large_convolution(outputs: int, seed: int, device: str = "cpu"):
    module = nn.Sequential(nn.Conv2d(3, 6, 16, stride=16), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 14 * 14, outputs))
    return sl.freeze_as_base(module, seed=seed, input_shape=(3, 224, 224), device=device)


@pytest.fixture
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(runs, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setitem(natural.RECIPES, "default", QUICK)
    monkeypatch.setitem(natural.NETWORKS, "resnet18", small_resnet)
    monkeypatch.setitem(natural.NETWORKS, "resnet50", large_convolution)
    monkeypatch.setitem(shards.BLOCK, "cpu", 2)
    monkeypatch.setenv("SUPSUP_DEVICE", "cpu")


@pytest.fixture
def cifar100(tmp_path, monkeypatch):
    small_archives.cifar100(tmp_path / "photographs", monkeypatch)
    yield str(tmp_path / "photographs")
    online.online_data_set.cache_clear()


def result_of(capsys, arguments: list[str]) -> dict:
    command.main(arguments)
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_split_cifar100_is_what_learning_and_evaluating_give(quick, capsys, cifar100):
    result = result_of(capsys, ["split-cifar100", "--tasks", "3", "--steps", "25", "--root", cifar100])
    net, tasks = small_resnet(5, 0), sl.split_cifar100(3, 0, cifar100, "cpu")
    masks = sl.learn_masks(net, tasks, "er:0.08", recipe=QUICK, progress=False)
    want = sl.evaluate(net, masks, tasks, "GG")
    assert result["experiment"] == "split-cifar100"
    assert result["setting"] | {"keep": "er:0.08", "tasks": 3, "steps": 25, "outputs": 5} == result["setting"]
    found = result["figures"]["GG"]
    assert found["accuracy"] == pytest.approx(want.accuracy, abs=0.03)  # tasks learned two at once, sums in that order
    assert found["n"] == result["n"] == want.n == 45
    assert result["figures"]["bytes"] == masks.nbytes


def test_a_killed_run_goes_on_where_it_stopped(quick, capsys, cifar100, monkeypatch):
    arguments = ["split-cifar100", "--tasks", "4", "--steps", "25", "--root", cifar100]
    whole = result_of(capsys, [*arguments, "--seed", "1"])["figures"]["GG"]
    learned, learn = [], shards.learn_all_masks

    def once(net, suite, *rest, **how):
        if learned:
            raise KeyboardInterrupt
        learned.append(suite)
        return learn(net, suite, *rest, **how)

    another = runs.cache_folder() / "another"
    monkeypatch.setattr(runs, "cache_folder", lambda: another)
    with monkeypatch.context() as patched:
        patched.setattr(shards, "learn_all_masks", once)
        with pytest.raises(SystemExit, match="the same command goes on"):
            command.main([*arguments, "--seed", "1"])
    assert result_of(capsys, [*arguments, "--seed", "1"])["figures"]["GG"] == whole
    assert len(learned) == 1


def test_split_imagenet_streams_from_its_root(quick, capsys, tmp_path):
    root = small_archives.imagenet(tmp_path / "imagenet")
    arguments = ["--tasks", "2", "--steps", "15", "--keep", "0.5", "--root", str(root)]
    result = result_of(capsys, ["split-imagenet", *arguments])
    net, tasks = large_convolution(10, 0), sl.split_imagenet(2, 0, root, "cpu", workers=0, progress=False)
    masks = sl.learn_masks(net, tasks, 0.5, recipe=replace(QUICK, steps=15), progress=False)
    want = sl.evaluate(net, masks, tasks, "GG")
    assert result["setting"]["dataset"] == "imagenet, 120 and 40 images"
    assert result["n"] == want.n == 40
    assert result["figures"]["GG"]["accuracy"] == pytest.approx(want.accuracy, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "says"),
    [("split-cifar100", "cifar100 is not in"), ("split-imagenet", "ImageNet is not in|cannot be read")],
)
def test_data_that_are_not_there_are_named_before_any_work(quick, tmp_path, monkeypatch, name, says):
    monkeypatch.setattr(natural, "learn_resumably", None)
    with pytest.raises(SystemExit, match=f"(?s){name}: .*({says})"):
        command.main([name, "--root", str(tmp_path)])


def test_digits_have_no_root():
    with pytest.raises(ValueError, match="root is for split-cifar100 and split-imagenet: leave it out, split-rotated"):
        RivalSettings(tasks=2, suite="split-rotated", root="here")
    with pytest.raises(SystemExit, match="no --root"):
        command.main(["split-mnist", "--root", "here"])


def test_rivals_take_the_same_root(quick, capsys, cifar100, monkeypatch):
    rivals = ["rivals", "--suite", "split-cifar100", "--network", "resnet18", "--rival", "supsup", "--lr", "0.01"]
    result = result_of(capsys, [*rivals, "--tasks", "2", "--steps", "3", "--root", cifar100])
    net, tasks = small_resnet(5, 0), sl.split_cifar100(2, 0, cifar100, "cpu")
    masks = sl.learn_masks(net, tasks, recipe=replace(QUICK, steps=3, lr=0.01), progress=False)
    (row,) = result["figures"]
    assert row["accuracy"] == pytest.approx(sl.evaluate(net, masks, tasks, "GG").accuracy, abs=1e-5)
    assert row["bytes"] == masks.nbytes


def test_all_leaves_out_what_one_has_to_get():
    assert set(command.EXPERIMENTS) - set(command._of_the_paper()) == {
        "split-cifar100",
        "split-imagenet",
        "open-questions",
    }
    assert NaturalSettings(tasks=2).root is None
