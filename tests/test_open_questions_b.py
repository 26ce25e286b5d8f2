"""Open questions: small networks, and units, against masks over weights. Slow loops check what decides them."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

import supsup_lite as sl
from supsup_lite import baselines, results
from supsup_lite.data.batches import batch_order
from supsup_lite.experiments.open_questions import Size, ask, small_networks, units
from supsup_lite.masks import random_mask
from supsup_lite.networks import UnitMLP, run
from supsup_lite.seeding import generator

pytestmark = pytest.mark.usefixtures("one_thread")

RECIPE = sl.Recipe(steps=5, batch=16, optimizer="adam", lr=1e-2, one_cycle=True)
TINY = {"tasks": 1, "steps": 2, "images": 256}
STORED = {"small-networks": small_networks.QUESTION, "units": units.QUESTION}


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """Runs are kept in a folder of their own; the data lies where it lay."""
    monkeypatch.setattr("supsup_lite.results.runs.cache_folder", lambda: tmp_path)


# --- networks of bytes, and pruned ones ------------------------------------------------------------------------------


def test_bytes_are_whole_numbers_of_a_scale_and_the_nearest():
    draw = torch.Generator().manual_seed(0)
    weights = {"a": torch.randn(3, 4, 5, generator=draw), "b": torch.randn(3, 2, generator=draw)}
    rounded = baselines.to_bytes(weights)
    for name, values in weights.items():
        for row, got in zip(values, rounded[name], strict=True):
            scale = max(abs(w) for w in row.flatten().tolist()) / 127
            for before, after in zip(row.flatten().tolist(), got.flatten().tolist(), strict=True):
                assert abs(after / scale - round(after / scale)) < 1e-4
                assert abs(after - before) <= scale / 2 * 1.0001
            assert got.unique().numel() <= 255
    assert torch.equal(baselines.to_bytes({"zeros": torch.zeros(2, 3, 3)})["zeros"], torch.zeros(2, 3, 3))


def slowly(weights, kept, task, order):
    """The oracle: plain autograd on one task, the layers written out, with what is not kept held at 0."""
    leaves = {name: weight.clone().requires_grad_(True) for name, weight in weights.items()}
    optimizer = torch.optim.Adam(leaves.values(), lr=RECIPE.lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RECIPE.lr, total_steps=len(order), cycle_momentum=False)
    for chosen in order:
        x, y = task.train.batch(chosen)
        h = torch.relu(x @ (leaves["fc1.weight"] * kept["fc1.weight"]).T)
        optimizer.zero_grad()
        F.cross_entropy(h @ (leaves["fc2.weight"] * kept["fc2.weight"]).T, y).backward()
        optimizer.step()
        schedule.step()
    return {name: leaf.detach() for name, leaf in leaves.items()}


def test_pruned_training_equals_a_slow_loop():
    net, tasks = sl.mlp((784, 6, 10), seed=0), sl.permuted_mnist(2, seed=0)
    trained, kept = baselines.train_pruned(net, tasks, 0.3, 3, RECIPE)
    half, start = RECIPE.steps // 2, net.weights()
    for i, order in enumerate(batch_order(tasks, RECIPE.steps, RECIPE.batch, 3)):
        own = {name: bits[i] for name, bits in kept.items()}
        before = slowly(start, {name: torch.ones_like(bits) for name, bits in own.items()}, tasks[i], order[:half])
        for name, bits in own.items():
            assert bits.sum() == round(0.3 * bits.numel())
            sizes = before[name].abs()
            assert sizes[bits].min() > sizes[~bits].max() - 1e-5  # the largest; of near ties any
        after = slowly(before, own, tasks[i], order[half:])
        for name, bits in own.items():
            torch.testing.assert_close(trained[name][i], after[name] * bits, rtol=1e-4, atol=1e-5)


def test_pruned_training_refuses_what_makes_no_sense():
    net, tasks = sl.mlp((784, 6, 10), seed=0), sl.permuted_mnist(1, seed=0)
    with pytest.raises(ValueError, match=r"recipe\.steps"):
        baselines.train_pruned(net, tasks, 0.3, 0, sl.Recipe(steps=1, batch=8, optimizer="adam", lr=1e-3))
    with pytest.raises(ValueError, match="keep"):
        baselines.train_pruned(net, tasks, 1.5, 0, RECIPE)


# --- bytes -----------------------------------------------------------------------------------------------------------


def test_coded_bytes_are_what_a_file_grows_by():
    """One more mask makes a file longer by its code, and by what is the same for all: a checksum and its places."""
    net, besides = sl.mlp((784, 30, 10), seed=0), set()
    for keep in (0.01, 0.1, 0.5):
        masks = sl.MaskStore(net)
        for task in range(3):
            masks.append(random_mask(net, keep, seed=0, task=task))
        besides.add(round(masks.file_bytes - masks[:2].file_bytes - small_networks.coded_bytes(masks[2:])))
    assert max(besides) - min(besides) <= 16
    assert max(besides) < 100


def test_the_densest_mask_fits_and_a_denser_one_does_not():
    net = sl.mlp((784, 30, 10), seed=0)
    for nbytes in (small_networks.coded_bytes, small_networks.pruned_bytes):
        taken = []
        density = float(small_networks.densest(net, 1000, nbytes, seed=0).removeprefix("er:"))
        for keep in (density, 1.02 * density):
            masks = sl.MaskStore(net)
            masks.append(random_mask(net, f"er:{keep}", seed=0))
            taken.append(nbytes(masks))
        assert taken[0] <= 1000 < taken[1]


def test_a_kept_weight_of_a_pruned_network_takes_a_byte_more():
    masks = sl.MaskStore(sl.mlp((784, 30, 10), seed=0))
    masks.append(random_mask(masks.net, 0.1, seed=0))
    kept = sum(int(bits.sum()) for bits in masks[0].values())
    assert small_networks.pruned_bytes(masks) == small_networks.coded_bytes(masks) + kept


def test_networks_are_as_wide_as_their_bytes_allow():
    for name, bits in {"mask": 1, "floats": 32, "bytes": 8}.items():
        contestant = small_networks.CONTESTANTS[name]
        for budget in small_networks.BUDGETS:
            hidden, left = small_networks.hidden_units(contestant, budget), budget - contestant.scales
            assert hidden * 794 * bits <= 8 * left < (hidden + 1) * 794 * bits
    for name, contestant in units.CONTESTANTS.items():
        count = {"units": lambda widths: sum(widths[1:-1])}.get(name, units.all_weights)
        for budget in units.BUDGETS:
            for widths in units.shapes(contestant, budget, 10):
                wider = (784, *[widths[1] + 1] * (len(widths) - 2), 10)
                assert any(count(widths) <= 8 * budget * times < count(wider) for times in contestant.times)
                assert units.all_weights(widths) == sum(a * b for a, b in pairwise(widths))


def test_masked_weights_compute_what_masked_units_compute():
    """The same layers, batch norm and Swish: with the same numbers in them they give the same logits."""
    widths, x = (784, 7, 6, 10), sl.permuted_mnist(1)[0].test.batch(range(20))[0]
    over_units, over_weights = units.masked_units(widths, 0), units.masked_weights(widths, 0)
    given = dict(zip(over_weights.weights(), (over_units.get_buffer(name) for name in over_units.linear), strict=True))
    assert [tuple(w.shape) for w in over_weights.weights().values()] == [tuple(w.shape) for w in given.values()]
    torch.testing.assert_close(run(over_weights, given, x), over_units(x), rtol=1e-4, atol=1e-5)


# --- what the rows say -----------------------------------------------------------------------------------------------


def share_right(answer, task, images):
    x, y = task.test.batch(images)
    return sum(int(guess == label) for guess, label in zip(answer(x).argmax(1), y, strict=True)) / len(y)


def test_small_networks_say_what_slow_loops_say(fresh, monkeypatch):
    monkeypatch.setattr(small_networks, "BUDGETS", (3000,))
    rows = {row["contestant"]: row for row in ask("small-networks", seeds=1, seed=4, **TINY)["figures"]}
    assert list(rows) == ["mask", "mask, coded", "bytes", "pruned"]  # a float network needs 3,176 bytes
    task, others = sl.permuted_mnist(1, seed=4), sl.permuted_mnist(1, seed=1004)

    def by_mask(tasks, seed, rate):
        net = sl.mlp((784, 30, 10), seed=seed)
        recipe = sl.Recipe(2, 128, "adam", rate, one_cycle=True)
        masks = sl.learn_masks(net, tasks, seed=seed, recipe=recipe, progress=False)
        each = [
            share_right(lambda x, mask=mask: sl.apply_mask(net, mask, x), task, range(256))
            for mask, task in zip(masks, tasks, strict=True)
        ]
        return sum(each) / len(each), masks.bytes_each

    tried = {rate: by_mask(others, 1004, rate)[0] for rate in small_networks.RATES}
    assert rows["mask"]["tried"] == {str(rate): round(share, 5) for rate, share in tried.items()}
    best = max(tried, key=tried.get)
    share, nbytes = by_mask(task, 4, best)
    assert (rows["mask"]["rate"], rows["mask"]["accuracy"], rows["mask"]["bytes"]) == (best, round(share, 5), nbytes)

    row, net = rows["bytes"], sl.mlp((784, 3, 10), seed=4)
    recipe = sl.Recipe(2, 128, "adam", row["rate"], one_cycle=True)
    weights = {name: w[0] for name, w in baselines.train_dense(net, task, 4, recipe).items()}
    weights = {name: (w * 127 / w.abs().max()).round() * w.abs().max() / 127 for name, w in weights.items()}
    share = share_right(lambda x: (x @ weights["fc1.weight"].T).relu() @ weights["fc2.weight"].T, task[0], range(256))
    assert row["accuracy"] == pytest.approx(share, abs=1 / 256)  # rounding may turn an answer that is a near tie
    assert row["bytes"] == 3 * 794 + 8
    assert rows["pruned"]["hidden"] == rows["mask"]["hidden"] == 30
    assert 0.06 < rows["pruned"]["used_weights"] / rows["pruned"]["multiply_adds"] < 0.1
    assert 0.1 < rows["mask, coded"]["used_weights"] / rows["mask, coded"]["multiply_adds"] < 0.13


def test_units_say_what_slow_loops_say(fresh, monkeypatch):
    monkeypatch.setattr(units, "BUDGETS", (128,))
    monkeypatch.setattr(units, "SUITES", {"split rotated": sl.split_rotated})
    figures = ask("units", seeds=1, seed=2, **TINY)["figures"]
    assert [row["case"] for row in figures] == [f"split rotated: {name}, 128 bytes" for name in units.CONTESTANTS]
    row = figures[0]
    assert (row["bytes"], sum(row["widths"][1:-1])) == (128, 1024)
    tasks, net = sl.split_rotated(1, seed=2), UnitMLP("units", tuple(row["widths"]), 2)
    recipe = sl.Recipe(2, 128, "adam", row["rate"], one_cycle=True)
    masks = sl.learn_masks(net, tasks, seed=2, recipe=recipe, progress=False)
    result = sl.evaluate(net, masks, tasks, "GG", images=256, seed=2)
    assert (row["accuracy"], row["n"]) == (round(result.accuracy, 5), 256)
    shares = [share for *_, share in row["tried"]]
    assert [row["widths"], row["rate"]] == row["tried"][shares.index(max(shares))][:2]


def test_nothing_but_bits_is_kept_of_a_task_with_batch_norm():
    """Where masks over weights are measured, each batch is normalised by itself, as for units."""
    tasks, contestant = sl.permuted_mnist(1, seed=0), units.CONTESTANTS["weights"]
    found = units.measured(contestant, (784, 5, 10), 512, tasks, 0, 1e-2, Size(tasks=1, steps=3, images=128))
    net = units.masked_weights((784, 5, 10), 0)
    masks = sl.learn_masks(net, tasks, recipe=sl.Recipe(3, 128, "adam", 1e-2, True), progress=False)
    chosen = generator("evaluation", 0, tasks.numbers[0]).permutation(len(tasks[0].test))[:128]
    x, y = tasks[0].test.batch(torch.from_numpy(chosen))
    bare = sl.apply_mask(net, dict(masks[0]), x).argmax(1)
    assert found.accuracy == pytest.approx((bare == y).double().mean().item())
    assert found.nbytes == 5 * 794 / 8


@pytest.mark.parametrize("which", STORED)
def test_the_same_seed_gives_the_same_rows(which, monkeypatch):
    module = {"small-networks": small_networks, "units": units}[which]
    monkeypatch.setattr(module, "BUDGETS", (128 if which == "units" else 1000,))
    monkeypatch.setattr(module, "CONTESTANTS", dict(list(module.CONTESTANTS.items())[:1]))
    one, again, other = (list(module.rows(Size(**TINY), seed)) for seed in (0, 0, 1))
    for row in (*one, *again, *other):
        row.pop("seconds", None)
    assert one == again
    assert [row["tried"] for row in one] != [row["tried"] for row in other]


# --- what is stored --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", STORED)
def test_stored_rows_are_of_the_question_as_it_is_asked_now(which):
    stored, size = results.load(f"open_{which.replace('-', '_')}"), STORED[which].size
    setting = stored["setting"]
    assert (setting["which"], setting["question"]) == (which, STORED[which].text)
    assert (setting["tasks"], setting["steps"], setting["images"]) == (size.tasks, size.steps, size.images)
    assert len(setting["seeds"]) >= 3
    cases = {
        "small-networks": [
            small_networks.case_of(name, budget)
            for name, contestant in small_networks.CONTESTANTS.items()
            for budget in small_networks.BUDGETS
            if small_networks.hidden_units(contestant, budget)
        ],
        "units": [
            units.case_of(suite, name, budget)
            for suite in units.SUITES
            for name, contestant in units.CONTESTANTS.items()
            for budget in units.BUDGETS
            if units.shapes(contestant, budget, 10)
        ],
    }[which]
    assert [(row["seed"], row["case"]) for row in stored["figures"]] == [
        (seed, case) for seed in setting["seeds"] for case in cases
    ]
    for row in stored["figures"]:
        assert 0.5 * row["budget"] < row["bytes"] <= 1.04 * row["budget"]
        tried = row["tried"].values() if which == "small-networks" else [share for *_, share in row["tried"]]
        assert 0 < max(tried) <= 1


def test_stored_cases_that_are_quick_come_out_again():
    """The smallest of each kind is learned anew, at the rate and widths that are stored."""
    rows = {row["case"]: row for row in results.load("open_small_networks")["figures"] if row["seed"] == 0}
    for name, budget in (("mask", 500), ("bytes", 10_000)):
        row, question = rows[small_networks.case_of(name, budget)], small_networks.QUESTION
        suite, contestant = sl.permuted_mnist(question.size.tasks, 0), small_networks.CONTESTANTS[name]
        found = small_networks.measured(contestant, budget, suite, 0, row["rate"], question.size)
        assert found.accuracy == pytest.approx(row["accuracy"], abs=0.02)
        assert found.nbytes == row["bytes"]
    rows = {row["case"]: row for row in results.load("open_units")["figures"] if row["seed"] == 0}
    for name in ("units", "weights"):
        row, size = rows[units.case_of("split rotated", name, 128)], units.QUESTION.size
        suite, widths = sl.split_rotated(size.tasks, 0), tuple(row["widths"])
        found = units.measured(units.CONTESTANTS[name], widths, 128, suite, 0, row["rate"], size)
        assert found.accuracy == pytest.approx(row["accuracy"], abs=0.02)
        assert found.n == row["n"]
