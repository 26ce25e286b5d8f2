"""Explorers, as Python sees them: stored masks, the files that the front end asks for, and learning on the side."""

import errno
import os
import runpy
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

import supsup_lite as sl
from supsup_lite import plots
from supsup_lite.baselines import fine_tune
from supsup_lite.explorers import Forgetting, Masks, RandomMasks, TaskInference, task_inference
from supsup_lite.explorers.base import COLOURS, Explorer
from supsup_lite.explorers.masks import kept_share
from supsup_lite.explorers.stored import masks as stored
from supsup_lite.explorers.stored import place, streams
from supsup_lite.learning import learn, learn_all_masks
from supsup_lite.networks.mlp import MLP
from tests.waiting import wait_until

QUICK = sl.Recipe(steps=3, batch=16, optimizer="adam", lr=1e-3)


@pytest.fixture
def sent(monkeypatch):
    """What explorers send to their front end: (message, buffers)."""
    messages = []
    monkeypatch.setattr(Explorer, "send", lambda self, message, buffers=(): messages.append((message, list(buffers))))
    return messages


@pytest.fixture(scope="module")
def explorer():
    return TaskInference()


# --- stored masks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", stored.STORED, ids=lambda setting: setting.name)
def test_stored_masks_are_what_they_say(setting):
    masks = stored.stored_masks(setting)
    assert len(masks) == 50
    assert masks.net.outputs == setting.outputs
    assert masks.learned.keep == setting.keep
    assert masks.density.mean() == pytest.approx(1 - setting.sparsity / 100, abs=0.03)
    first = sl.evaluate(masks.net, masks[:3], stored.tasks(3), "GG", images=300)
    assert first.accuracy > 0.8


def test_the_command_learns_the_stored_masks_again():
    """Sums are rounded in another order on another machine, which flips one or two weights in a hundred."""
    setting = stored.STORED[0]
    again = sl.learn_masks(setting.net(), stored.tasks(1), setting.keep, stored.SEED, progress=False)
    flips = sum((again[0][name] != bits).sum().item() for name, bits in stored.stored_masks(setting)[0].items())
    assert flips < 0.05 * setting.net().num_weights, "masks of another seed differ in half of their weights"


def run_command():
    """`python -m supsup_lite.explorers.stored`, but in this process, with the settings of a test."""
    runpy.run_module("supsup_lite.explorers.stored", run_name="__main__")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """The folder that the command then writes to: two masks a setting, and a short stream."""
    monkeypatch.setattr(place, "FOLDER", tmp_path / "package" / "data")
    monkeypatch.setattr(stored, "TASKS", 2)
    monkeypatch.setattr(stored, "learn_all_masks", lambda *args, **_: learn_all_masks(*args, recipe=QUICK))
    monkeypatch.setattr(streams, "PLANS", {"even": [(0, 25), (1, 5)]})
    monkeypatch.setattr(streams, "EPSILONS", (0.125,))
    return place.FOLDER


@pytest.mark.parametrize(
    ("ending", "says"),
    [(KeyboardInterrupt(), "interrupted: "), (OSError(errno.ENOSPC, "full"), "full"), (sl.DataError("damaged"), "dam")],
)
def test_a_command_that_cannot_go_on_says_so_and_leaves_files_as_they_were(tiny, monkeypatch, ending, says):
    def ended(*_, **__):
        raise ending

    tiny.mkdir(parents=True)
    (tiny / f"{stored.STORED[0].name}.safetensors").write_bytes(b"before")
    monkeypatch.setattr(learn, "learn_scores", ended)
    with pytest.raises(SystemExit, match=says):
        run_command()
    assert [path.read_bytes() for path in tiny.iterdir()] == [b"before"]


def test_the_command_writes_every_file(tiny, tmp_path, monkeypatch, capsys):
    """From any folder, which stays empty."""
    tiny.parent.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run_command()
    for setting in stored.STORED:
        assert len(stored.stored_masks(setting, tiny)) == 2
    assert set(streams.stored_runs(tiny / streams.FILE.name)) == {"even, 0.125", "even, evidence"}
    assert len(list(tiny.iterdir())) == len(stored.STORED) + 1
    assert list(elsewhere.iterdir()) == []
    assert "even, evidence" in capsys.readouterr().out


def test_the_command_refuses_a_folder_that_cannot_be_written(tiny, monkeypatch):
    """Before it learns for minutes."""
    tiny.parent.write_text("a file in the folder's place")
    monkeypatch.setattr(stored, "learn_all_masks", None)
    with pytest.raises(
        SystemExit, match=r"cannot be written to .*data \(Not a directory\)\. Call this in a copy"
    ) as error:
        run_command()
    assert error.value.code != 0


def test_the_stored_files_lie_beside_the_code_wherever_one_calls_from(tmp_path):
    code = "from supsup_lite.explorers.stored import place; print(place.FOLDER)"
    package = Path(sl.__file__).parent
    environment = os.environ | {"PYTHONPATH": os.path.relpath(package.parent, tmp_path)}
    folder = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert folder == str(package / "explorers" / "stored" / "data")


@pytest.mark.parametrize("harm", ["missing", "damaged", "truncated", "of another network"])
def test_a_bad_file_is_refused_with_the_command_that_mends_it(tmp_path, harm):
    setting = stored.STORED[0]
    path = tmp_path / f"{setting.name}.safetensors"
    if harm == "of another network":
        shutil.copy(stored.FOLDER / f"{stored.STORED[2].name}.safetensors", path)
    elif harm != "missing":
        content = bytearray((stored.FOLDER / path.name).read_bytes())
        content[-100] ^= 1
        path.write_bytes(content if harm == "damaged" else content[:-100])
    with pytest.raises((FileNotFoundError, ValueError), match=r"python -m supsup_lite\.explorers\.stored"):
        stored.stored_masks(setting, tmp_path)


# --- files for the front end -----------------------------------------------------------------------------------


def test_the_bits_are_signs_and_masks():
    net = sl.lenet_300_100(outputs=25, seed=0, device="cpu")  # 2500 bits of the last layer end within a byte
    masks = sl.MaskStore(net)
    for task in range(3):
        masks.append(sl.random_mask(net, 0.3, seed=0, task=task))
    content = np.frombuffer(stored.bits_of(masks), np.uint8)
    rows = content.reshape(4, -1)
    for row, tensors in zip(rows, [{n: w > 0 for n, w in net.weights().items()}, *masks], strict=True):
        start = 0
        for bits in tensors.values():
            n = bits.numel()
            unpacked = np.unpackbits(row[start : start + -(-n // 8)], bitorder="little")[:n]
            assert unpacked.tolist() == bits.flatten().int().tolist()
            start += -(-n // 8)
        assert start == len(row)


def test_digits_and_permutations():
    content = np.frombuffer(zlib.decompress(stored.asset("digits")), np.uint8)
    labels = content[20 * 784 :].tolist()
    assert labels == sorted(labels)
    assert {labels.count(digit) for digit in range(10)} == {2}
    shuffles = np.frombuffer(zlib.decompress(stored.asset("permutations")), "<u2").reshape(-1, 784)
    task = stored.tasks(8)[7]
    x, _ = task.test.batch([stored.digit_positions()[4]])
    grey = content[4 * 784 : 5 * 784][shuffles[7]]
    np.testing.assert_allclose((grey / 255 - 0.1307) / 0.3081, x[0], atol=1e-6)


def test_images_to_ask_about_are_the_first_of_the_test_set():
    content, test = zlib.decompress(stored.asset("test-images")), sl.mnist("cpu")[1]
    assert content == test.pixels[:500].numpy().tobytes() + test.labels[:500].byte().numpy().tobytes()


def test_no_other_file_is_handed_out():
    with pytest.raises(ValueError, match=r"no file '\.\./README\.md': there are digits, small-digits, permutations"):
        stored.asset("../README.md")


def test_the_front_end_gets_what_it_asks_for(explorer, sent):
    for name in explorer.assets:
        explorer.reply({"want": name})
        message, (content,) = sent.pop()
        assert message == {"name": name}
        assert zlib.decompress(content) == zlib.decompress(stored.asset(name))


def test_the_front_end_hears_why_there_is_no_file(explorer, sent):
    explorer.reply({"want": "s3-sparsity1"})
    ((message, buffers),) = sent
    assert message["name"] == "s3-sparsity1"
    assert "no file 's3-sparsity1'" in message["trouble"]
    assert not buffers


# --- the widget ------------------------------------------------------------------------------------------------


def test_demo_is_the_centrepiece():
    assert isinstance(sl.demo(), TaskInference)
    assert sl.demo().short
    assert not TaskInference().short


def test_the_still_picture_says_what_one_shot_says(explorer):
    assert "asks most for mask 7; the image is of task 7" in explorer.still
    assert explorer.still.startswith("<svg")


def test_an_unknown_task_has_no_bar():
    assert "the image is of task 30" in TaskInference(task=30, num_tasks=10).still


@pytest.mark.parametrize("wrong", [{"task": -1}, {"task": 100}, {"num_tasks": 0}, {"num_tasks": 101}])
def test_numbers_out_of_range_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name} must be in"):
        TaskInference(**wrong)


def test_the_style_sheet_has_the_colours_of_the_figures(explorer):
    for name, colour in COLOURS.items():
        assert colour == getattr(plots, name.upper())
        assert f"--{name}: {colour}" in explorer._css
        assert f"var(--{name})" in explorer._css


def test_modules_import_nothing_from_elsewhere(explorer):
    assert "import" not in [line.split(" ")[0] for line in explorer._esm.splitlines()]
    assert "http" not in explorer._esm.replace("http://www.w3.org/2000/svg", "")


# --- learning on the side --------------------------------------------------------------------------------------


def test_it_learns_what_is_missing(monkeypatch, sent):
    monkeypatch.setattr(task_inference, "DEFAULT", QUICK)
    monkeypatch.setattr(
        task_inference, "learn_masks", lambda *given, **named: sl.learn_masks(*given, recipe=QUICK, **named)
    )
    explorer = TaskInference()
    shares = []
    explorer.observe(lambda change: shares.append(change.new), "progress")
    for tasks in (2, 3):
        explorer.reply({"learn": {"outputs": 25, "sparsity": 70, "tasks": tasks}})
        wait_until(lambda: explorer.progress < 0)
        assert explorer.trouble == ""
        assert {"name": "s25-sparsity70", "outputs": 25, "sparsity": 70, "tasks": tasks} in explorer.learned
        assert len(explorer.learned) == len(stored.STORED) + 1
    assert max(shares) == 1
    setting = stored.Setting(25, 70)
    expected = sl.learn_masks(setting.net(), stored.tasks(3), 0.3, recipe=QUICK, progress=False)
    sent.clear()
    explorer.reply({"want": "s25-sparsity70"})
    ((_, (content,)),) = sent
    seen, wanted = (np.frombuffer(bits, np.uint8) for bits in (zlib.decompress(content), stored.bits_of(expected)))
    assert (seen == wanted).mean() > 0.999


def test_what_goes_wrong_in_the_thread_is_said(monkeypatch, sent):
    def fail(*given, **named):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(task_inference, "learn_masks", fail)
    explorer = TaskInference()
    explorer.reply({"learn": {"outputs": 25, "sparsity": 70, "tasks": 2}})
    wait_until(lambda: explorer.trouble)
    wait_until(lambda: explorer.progress < 0)
    assert explorer.trouble == "RuntimeError: out of luck."
    explorer.trouble = ""
    explorer.reply({"learn": {"outputs": 25, "sparsity": 70, "tasks": 2}})  # it can be asked again
    wait_until(lambda: explorer.progress < 0 and explorer.trouble == "RuntimeError: out of luck.")


# --- forgetting and masks --------------------------------------------------------------------------------------


def known(k, value):
    return torch.full((k, k), value).where(torch.ones(k, k, dtype=torch.bool).tril(), torch.nan)


def test_forgetting_learns_what_is_missing(sent):
    explorer = Forgetting(
        {"one": known(3, 0.5), "two": known(3, 0.25)}, lambda method, k, on_step: known(k, 0.75), most_tasks=8
    )
    assert explorer.matrices["one"] == [[0.5], [0.5, 0.5], [0.5, 0.5, 0.5]]
    assert (explorer.method, explorer.beside, explorer.num_tasks, explorer.most_tasks) == ("one", "two", 3, 8)
    assert "3 tasks, one: 50.0%; 3 tasks, two: 25.0%" in explorer.still
    explorer.reply({"learn": {"method": "two", "tasks": 5}})
    wait_until(lambda: explorer.progress < 0)
    assert (explorer.trouble, [len(explorer.matrices[name]) for name in ("one", "two")]) == ("", [3, 5])
    assert explorer.matrices["two"][4] == [0.75] * 5


def test_without_a_way_to_learn_there_are_no_more_tasks():
    assert Forgetting({"one": known(3, 0.5)}, most_tasks=8).most_tasks == 3


def test_odd_matrices_and_methods_are_refused():
    for matrices in ({}, {"one": known(1, 0.5)}, {"one": known(3, 0.5), "two": known(4, 0.5)}):
        with pytest.raises(ValueError, match="matrices must be"):
            Forgetting(matrices)
    for name in ("method", "beside"):
        with pytest.raises(ValueError, match=f"{name} must be one of"):
            Forgetting({"one": known(2, 0.5)}).set_trait(name, "two")


@pytest.fixture(scope="module")
def masks():
    return Masks(sl.lenet_300_100(), sl.rotated_mnist(1), QUICK, (50, 90))


def test_masks_are_those_that_learning_gives(masks):
    assert masks.steps == [0, 1, 2, 3]
    net, task = sl.lenet_300_100(), sl.rotated_mnist(1)
    last = sl.learn_masks(net, task, 0.1, recipe=QUICK, progress=False)[0]
    x, y = task[0].test.batch(range(1000))
    right = (sl.apply_mask(net, last, x).argmax(1) == y).float().mean().item()
    numbers, pictures = masks.learned["90"], zlib.decompress(masks.pictures["90"])
    assert numbers["accuracy"][-1] == pytest.approx(right, abs=1e-6)
    assert numbers["kept"][-1] == [int(bits.sum()) for bits in last.values()]
    first, second, third = last.values()
    share = first.float().mean(0).view(28, 28).cpu()
    assert (kept_share(pictures, 3, 4) - share).abs().max() <= 0.5 / 255 + 1e-6
    bits = np.unpackbits(np.frombuffer(pictures, np.uint8).reshape(4, -1)[3, 784:], bitorder="little")
    assert (bits == torch.cat([second.flatten(), third.flatten()]).cpu().numpy()).all()


def test_masks_learn_at_another_sparsity(masks, sent):
    assert masks.progress < 0
    masks.reply({"learn": {"sparsity": 72}})
    wait_until(lambda: masks.progress < 0)
    assert masks.trouble == ""
    assert masks.learned["72"]["kept"][-1] == [round(0.28 * rows * columns) for _, rows, columns in masks.shapes]


def test_sparsities_may_be_any_kind_of_whole_number():
    masks = Masks(sl.lenet_300_100(), sl.rotated_mnist(1), QUICK, np.array([50, 90]), sparsity=np.int64(50))
    assert (list(masks.learned), masks.sparsity) == (["50", "90"], 50)


def test_masks_refuse_what_they_cannot_show(masks):
    with pytest.raises(ValueError, match=r"sparsity must be a whole percentage.*got 0\.9"):
        Masks(sl.lenet_300_100(), sl.rotated_mnist(1), QUICK, (0.9,))
    for wrong in ({"sparsity": 101}, {"step": 4}, {"layer": 3}):
        with pytest.raises(ValueError, match="must be"):
            masks.set_trait(*next(iter(wrong.items())))


@pytest.mark.parametrize("explorer", [Masks, RandomMasks])
def test_the_sparsity_shown_at_first_is_one_that_is_made(explorer):
    for sparsities, shown in (((), {}), ((50, 90), {"sparsity": 30})):
        with pytest.raises(ValueError, match="sparsity must be one of the sparsities"):
            explorer(sl.lenet_300_100(), sl.rotated_mnist(1), sparsities=sparsities, **shown)


@pytest.mark.parametrize("explorer", [Masks, RandomMasks])
def test_only_images_of_28_by_28_pixels_are_shown(explorer):
    with pytest.raises(ValueError, match="net must read 28 x 28 pixels"):
        explorer(MLP("small", (5, 4, 3), 0), sl.rotated_mnist(1))


# --- learning beside the cells of a lesson -----------------------------------------------------------------------


def computed_by_cells(net, suite):
    """What a lesson's cells compute: masks by descent, logits, gradients, accuracies and trained weights."""
    masks = sl.learn_masks(net, suite, 0.5, recipe=QUICK, progress=False)
    x, _ = suite[0].test.batch(range(32))
    trained = fine_tune(net, suite, recipe=QUICK)[-1]
    parts = [sl.apply_mask(net, masks[0], x), sl.alpha_gradient(net, masks, x), net(x), *trained.values()]
    parts += [masks.packed(name) for name in masks.shapes]
    return [*parts, sl.evaluate(net, masks, suite, "GG", images=100).per_task]


@pytest.mark.parametrize("kind", [Masks, TaskInference])
def test_an_explorer_learns_while_cells_compute_with_the_same_network(monkeypatch, kind):
    """Neither disturbs the other: both get, bit for bit, what they get alone; and the network stays as it is."""
    net, suite = sl.lenet_300_100(device="cpu"), sl.permuted_mnist(2, device="cpu")
    longer = sl.Recipe(steps=40, batch=16, optimizer="adam", lr=1e-3)
    if kind is TaskInference:
        monkeypatch.setattr(stored.Setting, "net", lambda setting: net)
        monkeypatch.setattr(
            task_inference, "learn_masks", lambda *a, **named: sl.learn_masks(*a, **named, recipe=longer)
        )
        wanted, explorers = {"outputs": 100, "sparsity": 70, "tasks": 3}, [TaskInference(), TaskInference()]
    else:
        wanted, explorers = {"sparsity": 72}, [Masks(net, suite, longer, (50,)) for _ in range(2)]
    before, alone = net.fingerprint(), computed_by_cells(net, suite)
    undisturbed, explorer = explorers
    undisturbed.reply({"learn": wanted})
    wait_until(lambda: undisturbed.progress < 0)

    explorer.reply({"learn": wanted})
    rounds = 0
    while explorer.progress >= 0 or rounds < 3:
        for part, expected in zip(computed_by_cells(net, suite), alone, strict=True):
            assert torch.equal(part, expected)
        rounds += 1
    assert explorer.trouble == undisturbed.trouble == ""
    assert net.fingerprint() == before
    if kind is TaskInference:
        assert explorer.asset("s100-sparsity70") == undisturbed.asset("s100-sparsity70")
    else:
        assert (explorer.learned, explorer.pictures) == (undisturbed.learned, undisturbed.pictures)


def test_an_explorer_refuses_what_it_cannot_show():
    net, tasks = sl.lenet_300_100(device="cpu"), sl.permuted_mnist(2, device="cpu")
    for make in (Masks, RandomMasks):
        with pytest.raises(TypeError, match="net must be"):
            make(None, tasks)
        with pytest.raises(TypeError, match="tasks must be"):
            make(net, None)
        with pytest.raises(ValueError, match="must read 28 x 28 pixels"):
            make(sl.conv_net(device="cpu"), tasks)
    with pytest.raises(TypeError, match="recipe must be"):
        Masks(net, tasks, recipe=3)
    for wrong in (None, {"a": "x"}, 3):
        with pytest.raises(TypeError, match="matrices must be"):
            Forgetting(wrong)
