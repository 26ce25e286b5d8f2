"""Open questions on width and on what came after: tiny runs, slow loops, and what is stored against what would run."""

import math
from dataclasses import asdict, replace

import pytest
import torch
import torch.nn.functional as F

import supsup_lite as sl
from supsup_lite import baselines, results
from supsup_lite.data.batches import batch_order
from supsup_lite.experiments.open_questions import ask, follow_ups, over_seeds, starts, width
from supsup_lite.experiments.open_questions.asking import Size, question_of
from supsup_lite.experiments.open_questions.exclusive import train_exclusive
from supsup_lite.masks import init_scores
from supsup_lite.seeding import generator

SHORT = sl.Recipe(steps=6, batch=16, optimizer="adam", lr=3e-2, one_cycle=True)
STORED = {"width": "open_width", "follow-ups": "open_follow_ups"}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def runs_apart(tmp_path, monkeypatch):
    """Where finished seeds are kept: none of another version of the rows may answer."""
    monkeypatch.setattr(results.runs, "cache_folder", lambda: tmp_path)


@pytest.fixture(scope="module")
def tasks():
    return sl.permuted_mnist(3, seed=0, device="cpu")


@pytest.fixture(scope="module")
def net():
    return sl.mlp((784, 12, 11, 10), seed=0, device="cpu")


def run_by_hand(weights, x):
    *below, last = weights.values()
    for weight in below:
        x = (x @ weight.T).relu()
    return x @ last.T


def entropy(logits):
    p = logits.softmax(-1)
    return -(p * p.log()).sum(-1)


# --- width


def test_width_has_a_row_for_each_shape_and_the_same_twice(monkeypatch):
    monkeypatch.setattr(width, "WIDTHS", (3,))
    monkeypatch.setattr(width, "SHARED", 3)
    monkeypatch.setattr(width, "DEPTHS", (1, 2))
    result = ask("width", tasks=2, steps=2, images=5, seeds=2)
    assert result["setting"]["seeds"] == [0, 1]
    cases = [row["case"] for row in result["figures"]]
    assert cases == 2 * ["2 x 3", "1 x 3"]
    again = [{"seed": 1} | row for row in width.rows(Size(tasks=2, steps=2, images=5), 1)]
    assert again == result["figures"][2:]
    assert 0 <= over_seeds(result["figures"], "2 x 3", "one_shot").mean <= 1


def test_depths_have_about_the_same_number_of_weights():
    deep = {case: hidden for case, hidden in width.shapes().items() if case not in ("2 x 16", "2 x 32")}
    wanted = 784 * 64 + 64 * 64 + 64 * 100
    for depth in width.DEPTHS:
        (units,) = {hidden[0] for hidden in deep.values() if len(hidden) == depth and hidden[0] < 100}
        off = {
            tried: abs(sl.mlp((784, *[tried] * depth, 100), device="cpu").num_weights - wanted)
            for tried in range(units - 2, units + 3)
        }
        assert min(off, key=off.get) == units
        assert off[units] < 0.01 * wanted


def test_figures_of_width_are_those_of_a_slow_loop(monkeypatch):
    hidden, size, seed = (7, 7), Size(tasks=3, steps=30, images=6), 2
    monkeypatch.setattr(width, "shapes", lambda: {"tiny": hidden})
    (row,) = width.rows(size, seed)
    assert row["lr"] == max(row["search"], key=lambda entry: entry["GNu"])["lr"]
    suite, net = sl.permuted_mnist(3, seed), sl.mlp((784, 7, 7, 100), seed)
    masks = sl.learn_masks(net, suite, seed=seed, recipe=replace(sl.DEFAULT, steps=30, lr=row["lr"]), progress=False)
    one_shot = exhaustive = given = both = 0
    for i, task in enumerate(suite):
        order = drawn_images(task, 6, seed)
        for x, y in zip(*task.test.batch(order), strict=True):
            alphas = torch.full((3,), 1 / 3, requires_grad=True)
            mixed = {
                name: weight * sum(alpha * mask[name] for alpha, mask in zip(alphas, masks, strict=True))
                for name, weight in net.weights().items()
            }
            entropy(run_by_hand(mixed, x[None])).sum().backward()
            each = [run_by_hand({n: w * mask[n] for n, w in net.weights().items()}, x[None])[0] for mask in masks]
            found = int(alphas.grad.argmin())
            one_shot += found == i
            exhaustive += int(torch.stack([entropy(logits) for logits in each]).argmin()) == i
            given += int(each[i].argmax()) == int(y)
            both += found == i and int(each[i].argmax()) == int(y)
    assert row["n"] == 18
    shares = [round(hits / 18, 5) for hits in (one_shot, exhaustive, given, both)]
    assert shares == [row[name] for name in ("one_shot", "exhaustive", "GG", "GNu")]
    assert (row["weights"], row["bytes_a_task"]) == (784 * 7 + 49 + 700, 686 + 7 + 88)


def drawn_images(task, images, seed):
    """Which images `evaluate` draws of a task."""
    return torch.from_numpy(generator("evaluation", seed, task.number).permutation(len(task.test))[:images])


# --- exclusive weights


def test_the_first_exclusive_task_is_a_mask_and_then_adam(net, tasks):
    """Task 0 by hand: the mask of `learn_masks`, then a plain loop of torch's Adam over the weights that it keeps."""
    (kept,) = train_exclusive(net, tasks[:1], 0.3, 0, SHORT, 1e-2)
    mask = sl.learn_masks(net, tasks[:1], 0.3, recipe=SHORT, progress=False)[0]
    for name, bits in kept.masks[0].items():
        assert torch.equal(bits, mask[name])
    weights = {name: weight.clone().requires_grad_(True) for name, weight in net.weights().items()}
    optimizer = torch.optim.Adam(weights.values(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=6, cycle_momentum=False)
    for rows in batch_order(tasks[:1], 12, 16, 0)[0, 6:]:  # the batches after those of the mask
        x, y = tasks[0].train.batch(rows)
        optimizer.zero_grad()
        F.cross_entropy(run_by_hand({name: w * mask[name] for name, w in weights.items()}, x), y).backward()
        optimizer.step()
        schedule.step()
    for name, weight in weights.items():
        torch.testing.assert_close(kept.weights(0)[name], (weight * mask[name]).detach(), atol=1e-5, rtol=1e-4)
        assert not torch.equal(kept.shared[name], net.weights()[name])


def test_exclusive_weights_change_where_no_mask_before_kept_them(net, tasks):
    history = train_exclusive(net, tasks, 0.3, 0, SHORT, 1e-2)
    before = {name: weight.clone() for name, weight in net.weights().items()}
    taken = {name: torch.zeros_like(weight, dtype=torch.bool) for name, weight in before.items()}
    for i, kept in enumerate(history):
        trained = 0
        for name, weight in kept.shared.items():
            moved = weight != before[name]
            assert not (moved & ~(kept.masks[i][name] & ~taken[name])).any()
            trained += int(moved.sum())
            taken[name] = taken[name] | kept.masks[i][name]
        assert trained > 0
        before = kept.shared
        many = sum(int(bits.sum()) for bits in taken.values())
        assert kept.nbytes == 4 * many + (i + 1) * sum(math.ceil(w.numel() / 8) for w in before.values())
    found = baselines.masked(net, sl.learn_masks(net, tasks, 0.3, recipe=SHORT, progress=False), tasks, 18)
    assert found.nbytes == history[-1].task_specific_nbytes, "without trained weights, masks take what SupSup's do"


def test_earlier_logits_stay_to_the_bit_and_without_exclusion_they_do_not(net, tasks):
    exclusive, control = (train_exclusive(net, tasks, 0.3, 0, SHORT, 1e-2, flag) for flag in (True, False))
    for history, stays in ((exclusive, True), (control, False)):
        x, y = tasks[0].test.batch(range(50))
        then, now = (run_by_hand(history[i].weights(0), x) for i in (0, 2))
        assert torch.equal(then, now) == stays
        since = follow_ups.since_learned(history, tasks, 50)
        assert (since["changed"] == 0) == stays
        if stays:
            assert since["lost"] == 0
    lost = []
    for i in range(2):
        x, y = tasks[i].test.batch(range(50))
        right = [(run_by_hand(control[t].weights(i), x).argmax(1) == y).float().mean() for t in (i, 2)]
        lost.append(right[0] - right[1])
    assert follow_ups.since_learned(control, tasks, 50)["lost"] == pytest.approx(float(sum(lost) / 2), abs=1e-5)


def test_a_wider_network_takes_as_many_bytes_and_one_unit_more_would_take_more(tasks):
    units = follow_ups.units_for(50_000, tasks)
    takes = [3 * (784 * wide + wide**2 + wide * 10) / 8 for wide in (units, units + 1)]
    assert takes[0] <= 50_000 < takes[1]


# --- starts


def test_neighbours_say_what_a_slow_loop_says():
    draw = torch.Generator().manual_seed(0)
    points, y = torch.randn(40, 3, generator=draw), torch.randint(0, 3, (40,), generator=draw)
    right = 0
    for i in range(40):
        near = sorted((float((points[i] - points[j]).norm()), j) for j in range(40) if j != i)[: starts.NEIGHBOURS]
        labels = [int(y[j]) for _, j in near]
        right += max(range(3), key=lambda label: (labels.count(label), -label)) == int(y[i])
    assert starts.neighbours_say(points, y) == pytest.approx(right / 40)
    assert starts.neighbours_say(torch.eye(4)[y], y) == 1, "points that are their label"


def test_features_are_what_the_last_layer_takes_in(net, tasks):
    mask, (x, _) = sl.random_mask(net, 0.5, 0), tasks[0].test.batch(range(5))
    first, second, _ = (weight * mask[name] for name, weight in net.weights().items())
    torch.testing.assert_close(starts.features(net, mask, x), ((x @ first.T).relu() @ second.T).relu())


def test_signed_scores_say_the_mask_with_the_sizes_of_a_fresh_start(net, tasks):
    mask, drawn = sl.random_mask(net, 0.3, 0), init_scores(net, [1], 0)
    for name, scores in starts.signed(net, mask, tasks[1:2], 0).items():
        assert torch.equal(scores >= 0, mask[name])
        assert torch.equal(scores.abs(), drawn[name][0].abs())
    fresh = starts.signed(net, starts.fresh_mask(net, tasks[1:2], 0), tasks[1:2], 0)
    assert all(torch.equal(scores, drawn[name][0]) for name, scores in fresh.items()), "the fresh start itself"


def test_nearest_starts_at_the_mask_that_looks_best_and_may_refuse_all(net, tasks, monkeypatch):
    found = starts.learned("fresh", net, tasks, 0, SHORT)
    same = {}
    for name, says in {"old": 0.9, "fresh": 0.1}.items():  # of every old mask; a fresh one looks like 0.5
        monkeypatch.setattr(
            starts, "look", lambda net, mask, task, seed, says=says: 0.5 if is_fresh(net, mask, task) else says
        )
        for start in ("nearest", "nearest or fresh"):
            masks = starts.learned(start, net, tasks, 0, SHORT)
            same[name, start] = all(
                (masks[i][layer] == found[i][layer]).float().mean() > 0.999 for i in range(3) for layer in found[0]
            )
    assert same == {
        ("old", "nearest"): False,
        ("old", "nearest or fresh"): False,
        ("fresh", "nearest"): False,
        ("fresh", "nearest or fresh"): True,
    }


def is_fresh(net, mask, task):
    return all(torch.equal(mask[name], bits) for name, bits in starts.fresh_mask(net, task, 0).items())


# --- both


def test_follow_ups_have_all_cases_and_the_same_twice(monkeypatch):
    monkeypatch.setattr(follow_ups, "RATES", (1e-2,))
    monkeypatch.setattr(follow_ups, "few", lambda steps: [steps])
    monkeypatch.setattr(follow_ups, "units_for", lambda nbytes, tasks: 20)
    rows = ask("follow-ups", tasks=2, steps=2, images=8, seeds=1)["figures"]
    assert [row["case"] for row in rows] == list(expected_cases([2]))
    size = Size(tasks=2, steps=2, images=8)
    again = [*follow_ups.exclusive_rows("turned", size, 0), follow_ups.start_row("mixed", "nearest", 2, size, 0)]
    assert [{"seed": 0} | row for row in again] == [*rows[7:14], rows[-2]]
    for row in rows:
        assert (row.get("changed", 0) > 0) == ("not exclusive" in row["case"])


def test_one_task_has_nothing_to_start_from():
    with pytest.raises(ValueError, match="two tasks or more"):
        ask("follow-ups", tasks=1, steps=2, images=8, seeds=1)


def expected_cases(steps):
    for suite in ("shuffled", "turned"):
        for keep in ("10%", "30%"):
            yield from (f"{suite}: {name}, {keep} kept" for name in ("SupSup", "not exclusive", "ExSSNeT"))
        yield f"{suite}: SupSup, 30% kept, wider"
    for suite in ("shuffled", "turned", "mixed"):
        yield from (f"{suite}, {few} steps: {start}" for few in steps for start in starts.STARTS)


@pytest.mark.parametrize("which", STORED)
def test_what_is_stored_is_what_would_run(which):
    question, stored = question_of(which), results.load(STORED[which])
    asked = {"which": which, "question": question.text, **asdict(question.size), "seeds": [0, 1, 2]}
    assert stored["setting"] == asked
    cases = list(width.shapes()) if which == "width" else list(expected_cases([10, 30, 100]))
    assert [row["case"] for row in stored["figures"]] == 3 * cases
    rates = list(question.rows.__globals__["RATES"])
    for row in stored["figures"]:
        assert [entry["lr"] for entry in row["search"]] == rates
        best = max(row["search"], key=lambda entry: entry["GNu" if which == "width" else "GG"])
        assert row["lr"] == best["lr"]
    if which == "width":
        for row in stored["figures"]:
            net = sl.mlp((784, *width.shapes()[row["case"]], 100), device="cpu")
            assert (row["weights"], row["bytes_a_task"]) == (net.num_weights, sl.MaskStore(net).bytes_each)
    else:
        assert {row["changed"] for row in stored["figures"] if ": ExSSNeT" in row["case"]} == {0}
        assert min(row["changed"] for row in stored["figures"] if "not exclusive" in row["case"]) > 0
