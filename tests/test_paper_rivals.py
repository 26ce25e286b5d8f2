"""`python -m supsup_lite.paper rivals`: one row a method, tuned by one search, and a killed run goes on."""

import json

import pytest
import torch

import supsup_lite as sl
from supsup_lite import baselines, evaluation
from supsup_lite.experiments import contestants, rivals, shards
from supsup_lite.experiments.settings import RIVALS, RivalSettings
from supsup_lite.files import read_checked, write_checked
from supsup_lite.paper.command import main
from supsup_lite.recipes import Recipe
from supsup_lite.results import runs

QUICK = Recipe(8, 32, "adam", 1e-3, True)
WEIGHTS = 36 * 12 + 12 * 8 + 8 * 10


def small_network(outputs: int, seed: int):
    return sl.mlp((36, 12, 8, outputs), seed)


def small_suite(tasks: int, seed: int):
    draw = torch.Generator().manual_seed(0)
    x, y = torch.rand(500, 6, 6, generator=draw), torch.arange(500) % 10
    return sl.tasks_of(x, y, x[:200], y[:200], kind="permuted", num_tasks=tasks, seed=seed)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """A tiny recipe, network and suite, and a cache folder of our own for the runs."""
    monkeypatch.setattr(runs, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setitem(rivals.RECIPES, "default", QUICK)
    monkeypatch.setitem(rivals.NETWORKS, "lenet", small_network)
    monkeypatch.setitem(rivals.SUITES, "permuted-mnist", small_suite)
    monkeypatch.setitem(shards.BLOCK, "cpu", 2)
    monkeypatch.setattr(contestants, "COUNTS", (3, 9))
    monkeypatch.setattr(rivals, "COUNTS", (3, 9))
    monkeypatch.setenv("SUPSUP_DEVICE", "cpu")
    return ["rivals", "--tasks", "4", "--images", "100"]


def result_of(capsys, arguments: list[str]) -> dict:
    main(arguments)
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def untimed(row: dict) -> dict:
    return {name: value for name, value in row.items() if not name.endswith("_seconds")}


def test_every_contestant_has_a_row(quick, capsys):
    result = result_of(capsys, [*quick, "--lr", "0.003"])
    assert list(result) == ["experiment", "setting", "figures", "n", "seconds", "device", "versions"]
    rows = {row["method"]: row for row in result["figures"]}
    assert tuple(rows) == RIVALS == tuple(contestants.CONTESTANTS)
    assert result["n"] == 400 * len(rows)
    net, tasks = small_network(10, 0), small_suite(4, 0)
    recipe = Recipe(8, 32, "adam", 3e-3, True)
    trunk = baselines.first_task_trunk(net, tasks, 0, QUICK)
    want = {  # learned in one go instead of in blocks
        "batch_ensemble": baselines.train_batch_ensemble(net, tasks, 0, recipe, trunk),
        "psp": baselines.train_psp(net, tasks, 0, recipe),
        "psp_binary": baselines.train_psp(net, tasks, 0, recipe, contexts="binary"),
        "heads": baselines.train_heads(net, tasks, 0, recipe, trunk),
        "heads_random": baselines.train_heads(net, tasks, 0, recipe),
        "upper_bound": baselines.train_separate(net, tasks, 0, recipe),
        "lower_bound": baselines.train_shared_trunk(net, tasks, 0, recipe),
    }
    for name, kept in want.items():
        measured, row = evaluation.measure(kept, tasks, 100), rows[name]
        assert row["accuracy"] == pytest.approx(measured.accuracy, abs=0.03), name
        assert row["bytes"] == measured.nbytes, name
        assert row["steps"] == measured.steps + (QUICK.steps if name in ("batch_ensemble", "heads") else 0), name
    assert rows["supsup"]["bytes"] == 4 * WEIGHTS // 8
    assert set(rows["batch_ensemble"]["GNu"]) >= {"accuracy", "task_accuracy"}


def test_the_first_tasks_are_measured_when_as_many_were_learned(quick, capsys):
    """PSP's weights after three tasks, not after four; and bytes of three."""
    lr = ["--lr", "0.003"]
    four = result_of(capsys, [*quick, "--rival", "psp", *lr])["figures"][0]["by_tasks"]
    three = result_of(capsys, [*quick, "--rival", "psp", *lr, "--tasks", "3"])["figures"][0]["by_tasks"]
    assert [row["tasks"] for row in four] == [3, 4]
    assert four[0] == three[0]
    upper = result_of(capsys, [*quick, "--rival", "upper_bound", *lr])["figures"][0]["by_tasks"]
    assert [row["bytes"] for row in upper] == [3 * 4 * WEIGHTS, 4 * 4 * WEIGHTS]


@pytest.mark.parametrize("rival", ["psp", "batch_ensemble", "lower_bound", "supsup"])
def test_a_killed_run_goes_on_and_ends_the_same(quick, capsys, monkeypatch, tmp_path, rival):
    command = [*quick, "--rival", rival, "--lr", "0.003"]
    whole = result_of(capsys, command)
    monkeypatch.setattr(runs, "cache_folder", lambda: tmp_path / "second")
    where, name = (shards, "learn_all_masks") if rival == "supsup" else (contestants, "learn")
    learn, calls = getattr(where, name), []

    def killed_in_the_second_call(*arguments, **named):
        calls.append(arguments)
        if len(calls) == 2:
            raise SystemExit("killed")
        return learn(*arguments, **named)

    monkeypatch.setattr(where, name, killed_in_the_second_call)
    with pytest.raises(SystemExit, match="killed"):
        main(command)
    again = result_of(capsys, command)
    assert len(calls) == (3 if rival == "supsup" else 4)
    assert untimed(again["figures"][0]) == untimed(whole["figures"][0])


def test_a_damaged_block_is_named(quick, tmp_path):
    command = [*quick, "--rival", "psp", "--lr", "0.003"]
    main(command)
    block = next((tmp_path / "cache" / "runs").glob("rivals-psp-*/00000-*"))
    block.write_bytes(block.read_bytes()[:-1] + b"x")
    with pytest.raises(SystemExit, match=f"{block.name} is damaged.*learned again"):
        main(command)


def test_a_block_of_another_run_or_of_other_tasks_is_named(quick, tmp_path):
    for rate in ("0.003", "0.03"):
        main([*quick, "--rival", "psp", "--lr", rate])
    one, other = sorted((tmp_path / "cache" / "runs").glob("rivals-psp-*/00000-*"))
    content = one.read_bytes(), other.read_bytes()
    one.write_bytes(content[1])
    other.write_bytes(content[0])
    for rate in ("0.003", "0.03"):
        with pytest.raises(
            SystemExit, match=rf"{one.name} is not what this run has kept \(.*written as .*learned again"
        ):
            main([*quick, "--rival", "psp", "--lr", rate])


HARMS = {
    "no steps": lambda tensors, about: about.update(steps="many"),
    "no time": lambda tensors, about: about.update(seconds="nan"),
    "a tensor less": lambda tensors, about: tensors.pop("own fc1.in"),
    "another tensor": lambda tensors, about: tensors.update({"shared fc9.weight": torch.zeros(2)}),
    "NaN": lambda tensors, about: tensors["own fc1.in"].fill_(float("nan")),
    "other numbers": lambda tensors, about: tensors.update({"own fc1.in": tensors["own fc1.in"].double()}),
    "a task less": lambda tensors, about: tensors.update({"own fc1.in": tensors["own fc1.in"][:-1]}),
    "no tasks": lambda tensors, about: tensors.update({"own fc1.in": torch.tensor(1.0)}),
    "another shape": lambda tensors, about: tensors.update({"own fc1.in": tensors["own fc1.in"][:, :-1]}),
    "another trunk": lambda tensors, about: tensors.update({"shared fc1.weight": torch.zeros(3, 3)}),
    "much more": lambda tensors, about: tensors.update(more=torch.zeros(10**6)),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_block_that_is_sealed_but_no_block_is_named(quick, tmp_path, harm):
    command = [*quick, "--rival", "batch_ensemble", "--lr", "0.003"]
    main(command)
    block = next((tmp_path / "cache" / "runs").glob("rivals-batch_ensemble-*/00000-*"))
    tensors, about = read_checked(block, *contestants.FORMAT, (), "", lambda entries: None)
    for name in ("format", "version", "sha256"):
        about.pop(name)
    HARMS[harm](tensors, about)
    write_checked(block, *contestants.FORMAT, tensors, about)
    with pytest.raises(SystemExit, match=rf"^rivals: .*{block.name} is .*learned again\.$"):
        main(command)


NO_RATES = ["", "{", "null", "5", "[1, 2]", '{"ab": 1}', "[[0.5, 0.7]]", "[[0.001, 7]]", "[[0.001, NaN]]", "[" * 10**5]


@pytest.mark.parametrize("said", [*NO_RATES, "[[[1], 2]]", '[[0.001, "x"]]', " " * 2**23], ids=lambda said: said[:9])
def test_a_search_that_cannot_be_gone_on_with_is_named(quick, tmp_path, said):
    settings = RivalSettings(tasks=3)
    name = rivals.runs.checkpoint("rivals-psp-rates", ["x"]).name
    path = tmp_path / f"{name}.json"
    path.write_text(said)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rivals.runs, "checkpoint", lambda name, identity: path.with_suffix(""))
        with pytest.raises(ValueError, match=rf"{path.name} is damaged.*Delete it"):
            rivals.search("psp", QUICK, settings)


def test_the_search_tries_every_rate_and_is_kept(quick, monkeypatch):
    """With two summits: whoever climbs from the recipe's rate stops at the lower one."""
    seen = []
    heights = dict(zip(rivals.RATES, (0.1, 0.2, 0.6, 0.5, 0.3, 0.4, 0.9, 0.8, 0.3, 0.1, 0.0), strict=True))

    def learned(contestant, net, suite, seed, recipe, lr):
        assert (suite.seed, net.seed, len(suite)) == (rivals.APART + 7, rivals.APART + 7, 2)
        seen.append(lr)
        return lr

    class Found:
        def __init__(self, lr, *_):
            self.accuracy = heights[lr]

    monkeypatch.setattr(rivals, "learn", learned)
    monkeypatch.setattr(rivals, "measure", Found)
    settings = RivalSettings(tasks=3, seed=7, tuning_tasks=2)
    assert rivals.search("psp", QUICK, settings) == heights
    assert rivals.search("psp", QUICK, settings) == heights
    assert seen == list(rivals.RATES), "each once: what was tried is kept"
    assert (rivals.RATES[0], rivals.RATES[-1]) == (1e-4, 10)


def test_one_search_serves_all_seeds_each_with_a_network_and_tasks_of_its_own(quick, capsys, monkeypatch):
    searched = []
    monkeypatch.setattr(rivals, "search", lambda *given: searched.append(given[0]) or {1e-3: 0.2, 1e-2: 0.7})
    rows = result_of(capsys, [*quick, "--rival", "supsup", "--seed", "3", "--seeds", "2"])["figures"]
    assert searched == ["supsup"]
    assert [(row["seed"], row["lr"]) for row in rows] == [(3, 1e-2), (4, 1e-2)]
    alone = result_of(capsys, [*quick, "--rival", "supsup", "--seed", "4", "--lr", "0.01"])["figures"][0]
    assert {**untimed(rows[1]), "search": []} == untimed(alone)


def test_masks_have_the_density_that_is_asked_for_and_the_bytes_of_their_file(quick, capsys):
    lr = ["--rival", "supsup", "--lr", "0.01"]
    rows = {keep: result_of(capsys, [*quick, *lr, "--keep", keep])["figures"][0] for keep in ("0.3", "er:0.1")}
    net, tasks = small_network(10, 0), small_suite(4, 0)
    for keep, row in rows.items():
        want = keep if keep.startswith("er:") else float(keep)
        masks = sl.learn_masks(net, tasks, want, 0, recipe=Recipe(8, 32, "adam", 1e-2, True), progress=False)
        assert row["file_bytes"] == pytest.approx(masks.file_bytes, rel=0.02)
    assert rows["er:0.1"]["file_bytes"] < rows["0.3"]["file_bytes"]
    assert rows["er:0.1"]["bytes"] == rows["0.3"]["bytes"], "in memory a mask takes a bit a weight"


def test_the_best_rate_is_used(quick, capsys, monkeypatch):
    monkeypatch.setattr(rivals, "search", lambda *_: {1e-3: 0.2, 1e-2: 0.7, 1e-1: 0.5})
    row = result_of(capsys, [*quick, "--rival", "heads_random", "--tasks", "1"])["figures"][0]
    assert row["lr"] == 1e-2
    assert [entry["lr"] for entry in row["search"]] == [1e-3, 1e-2, 1e-1]


@pytest.mark.parametrize(
    ("suite", "network", "says"),
    [
        ("split-cifar100", "resnet18", r"cifar100 is not in .*download\("),
        ("split-imagenet", "resnet50", "ImageNet.* cannot be read|ImageNet is not in"),
    ],
)
def test_suites_that_do_not_come_with_the_course_say_how_to_get_them(monkeypatch, tmp_path, suite, network, says):
    monkeypatch.setenv("SUPSUP_CACHE", str(tmp_path))
    monkeypatch.setenv("SUPSUP_DEVICE", "cpu")
    with pytest.raises(SystemExit, match=f"(?s)rivals: .*({says})"):
        main(["rivals", "--suite", suite, "--network", network, "--tasks", "2", "--keep", "er:0.08"])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"suite": "x"}, "suite must be"), ({"rival": "x"}, "rival must be"), ({"lr": 0}, "lr must be"),
     ({"outputs": 1}, "outputs must be"), ({"tuning_tasks": 0}, "tuning_tasks must be"), ({"tasks": 0}, "tasks must"),
     ({"keep": "er:2"}, "keep must be"), ({"seeds": 0}, "seeds must be")],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        RivalSettings(**{"tasks": 2} | wrong)
