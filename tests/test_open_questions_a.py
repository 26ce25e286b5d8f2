"""Open questions on difficulty and domains: what is chosen and judged, against loops, and the stored results."""

import itertools
import math
from dataclasses import asdict, replace

import pytest
import torch
import torch.nn.functional as F

import supsup_lite as sl
from supsup_lite import results
from supsup_lite.experiments.open_questions import ask, cures, difficulty, domains
from supsup_lite.experiments.open_questions.aside import set_aside
from supsup_lite.experiments.open_questions.asking import Size, question_of
from supsup_lite.recipes import DEFAULT
from supsup_lite.results import runs
from supsup_lite.seeding import generator

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A small network and few images set aside, and a folder of our own for the runs."""
    monkeypatch.setattr(runs, "cache_folder", lambda: tmp_path)
    monkeypatch.setenv("SUPSUP_DEVICE", "cpu")
    for module in (difficulty, domains):
        monkeypatch.setattr(module, "lenet_300_100", lambda outputs, seed: sl.mlp((784, 12, outputs), seed))
        monkeypatch.setattr(module, "ASIDE", 60)
    monkeypatch.setattr(difficulty, "RATES", (1e-3, 3e-2))


def tiny(which: str) -> list[dict]:
    """The rows of one seed, with a task of each kind, or two tasks of each domain."""
    return ask(which, tasks=4, steps=4, images=50, seeds=1)["figures"]


def by_case(rows: list[dict]) -> dict[str, dict]:
    found = {row["case"]: row for row in rows}
    assert len(found) == len(rows), "a case has one row in each seed"
    return found


# Images set aside


@pytest.mark.parametrize("kind", ["permuted", "split"])
def test_what_is_set_aside_is_not_learned_from_and_nothing_is_lost(kind):
    draw = torch.Generator().manual_seed(0)
    x, y = torch.rand(90, 4, 4, generator=draw), torch.arange(90) % 6
    tasks = sl.tasks_of(x, y, x[:30], y[:30], kind=kind, num_tasks=3, device="cpu")
    aside = set_aside(tasks, 7, seed=0)
    assert aside.identities == tasks.identities
    for before, after in zip(tasks, aside, strict=True):
        parts = [before.train.all(), after.train.all(), after.test.all()]
        whole, left, chosen = (
            {(*image.tolist(), int(label)) for image, label in zip(*part, strict=True)} for part in parts
        )
        assert len(after.test) == len(chosen) == 7
        assert not left & chosen
        assert left | chosen == whole
    again = set_aside(tasks[1:], 7, seed=0)
    assert torch.equal(again[0].test.all()[0], aside[1].test.all()[0]), "by the number of the task, not its place"
    assert not torch.equal(set_aside(tasks, 7, seed=1)[0].test.all()[0], aside[0].test.all()[0])


@pytest.mark.parametrize("images", [0, 30])
def test_no_task_can_be_left_without_images(images):
    x, y = torch.rand(90, 4, 4), torch.arange(90) % 6
    tasks = sl.tasks_of(x, y, x, y, kind="split", device="cpu")  # 30 images each
    with pytest.raises(ValueError, match=r"must be in 1\.\.29"):
        set_aside(tasks, images, seed=0)


# Difficulty


def test_a_budget_of_ones_is_shared_out_as_by_trying_everything():
    draw = torch.Generator().manual_seed(0)
    for _ in range(5):
        shares = list(torch.rand(3, len(difficulty.DENSITIES), generator=draw, dtype=torch.float64))
        chosen = difficulty.shared_out(shares, 0.1)
        best = -math.inf
        for tried in itertools.product(range(len(difficulty.DENSITIES)), repeat=3):
            if sum(difficulty.DENSITIES[i] for i in tried) <= 0.3 + 1e-9:
                best = max(best, sum(task[i].item() for task, i in zip(shares, tried, strict=True)))
        assert sum(task[i].item() for task, i in zip(shares, chosen, strict=True)) == pytest.approx(best)
        assert sum(difficulty.DENSITIES[i] for i in chosen) <= 0.3 + 1e-9


def test_the_smallest_mask_within_one_standard_error():
    shares = [0.5, 0.9, 0.945, 0.949, 0.95, 0.94, 0.948, 0.947, 0.99]  # the last is the threshold mask: no candidate
    nbytes = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 4.0, 2.5, 0.0]
    task = difficulty.Tried(torch.tensor(shares), torch.zeros(9), torch.zeros(9), torch.tensor(nbytes), 1)
    error = math.sqrt(0.95 * 0.05 / difficulty.ASIDE)
    within = [i for i in range(8) if shares[i] >= 0.95 - error]
    assert within == [3, 4, 6, 7]  # 0.00487
    assert difficulty.smallest(task) == 7


def test_labels_are_noisy_where_one_learns_and_true_where_one_is_measured():
    suites = difficulty.kinds(8, seed=3)
    assert [len(tasks) for tasks in suites.values()] == [2, 2, 2, 2]
    clean, noisy = suites["ten digits"], suites["noisy digits"]
    same = clean.train_view.images.labels == noisy.train_view.images.labels
    assert same.double().mean().item() == pytest.approx(1 - 0.9 * difficulty.NOISE, abs=0.01)  # a tenth by chance
    assert torch.equal(clean.test_view.images.labels, noisy.test_view.images.labels)
    assert not {*clean.identities} & {*noisy.identities}


def test_difficulty_chooses_by_images_set_aside(small):
    rows = by_case(tiny("difficulty"))
    kinds = difficulty.kinds(4, seed=0)
    aside = [[rows[f"{kind}, {keep:g}"]["aside"] for keep in difficulty.DENSITIES] for kind in kinds]
    test = [[rows[f"{kind}, {keep:g}"]["accuracy"] for keep in difficulty.DENSITIES] for kind in kinds]
    means = [sum(column) / 4 for column in zip(*aside, strict=True)]
    one, own = means.index(max(means)), [shares.index(max(shares)) for shares in aside]
    assert rows["one density"]["accuracy"] == pytest.approx(sum(shares[one] for shares in test) / 4, abs=1e-4)
    assert rows["own density"]["accuracy"] == pytest.approx(
        sum(shares[i] for shares, i in zip(test, own, strict=True)) / 4, abs=1e-4
    )
    assert rows["own density"]["density"] == pytest.approx(sum(difficulty.DENSITIES[i] for i in own) / 4, abs=0.002)
    assert rows["a tenth on average"]["density"] <= difficulty.BUDGET + 0.002  # a layer keeps whole weights
    assert rows["own density"]["aside"] >= max(rows["one density"]["aside"], rows["own density, smallest"]["aside"])
    assert rows["own density, smallest"]["bytes"] <= rows["own density"]["bytes"]
    thresholds = [rows[f"{kind}, threshold"]["accuracy"] for kind in kinds]
    assert rows["threshold masks"]["accuracy"] == pytest.approx(sum(thresholds) / 4, abs=1e-4)


def test_difficulty_measures_what_a_loop_counts(small):
    rows = by_case(tiny("difficulty"))
    net = sl.mlp((784, 12, 10), 0)
    for kind, keep in (("two digits", 0.3), ("noisy digits", None)):
        row, tasks = rows[f"{kind}, {'threshold' if keep is None else keep}"], difficulty.kinds(4, 0)[kind]
        aside = set_aside(tasks, 60, 0)
        recipe = replace(DEFAULT, steps=4, lr=row["lr"])
        mask = sl.learn_masks(net, aside, keep, 0, recipe=recipe, progress=False)[0]
        for figure, images in (("accuracy", tasks[0].test.batch(range(50))), ("aside", aside[0].test.all())):
            right = 0
            for x, y in zip(*images, strict=True):
                right += int(sl.apply_mask(net, mask, x[None])[0, : tasks.num_classes].argmax() == y)
            assert row[figure] == pytest.approx(right / len(images[1]), abs=1e-5)
        assert row["density"] == pytest.approx(sum(int(b.sum()) for b in mask.values()) / net.num_weights, abs=1e-5)


def test_the_rates_are_those_of_the_search(small):
    size = Size(tasks=4, steps=4, images=50)
    rates = difficulty.tuned_rates(size, 1000)
    suites = difficulty.kinds(4, 1000).values()
    tried = {rate: [difficulty.tries(tasks, size, 1000, [rate] * 9)[0] for tasks in suites] for rate in (1e-3, 3e-2)}
    for place, rate in enumerate(rates):
        sums = {other: sum(task.aside[place].item() for task in tasks) for other, tasks in tried.items()}
        assert sums[rate] == pytest.approx(max(sums.values()))


# Domains


def drawn_seen(n: int = 60, k: int = 4, s: int = 5) -> cures.Seen:
    draw = torch.Generator().manual_seed(0)
    logits, votes = torch.randn(n, k, s, generator=draw) * 3, torch.randn(n, k, generator=draw)
    return cures.Seen(logits, votes, votes**3, torch.arange(n) % k, torch.randint(0, s, (n,), generator=draw))


def test_what_is_said_is_compared_with_what_was_said_before():
    seen, known = drawn_seen(), drawn_seen(40)
    own = cures.against_own(seen.entropy, known.entropy, known.task)
    every = cures.against_all(seen.entropy, known.entropy)
    for i in range(4):
        before = [known.entropy[j, i].item() for j in range(40)]
        of_own = [value for j, value in enumerate(before) if known.task[j] == i]
        for values, found in ((of_own, own), (before, every)):
            mean = sum(values) / len(values)
            spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
            for j in (0, 7, 59):
                assert found[j, i].item() == pytest.approx((seen.entropy[j, i].item() - mean) / spread, rel=1e-4)


def test_dividing_by_the_largest_and_logarithms_change_no_choice_by_themselves():
    seen = drawn_seen()
    assert torch.equal(cures.relative(seen.entropy).argmin(1), seen.entropy.argmin(1))
    assert torch.equal(cures.decades(seen.logits).argmin(1), cures.entropies(seen.logits).argmin(1))


@pytest.mark.parametrize("shared_by", [1, 2])
def test_a_temperature_is_the_best_on_the_images_of_its_own_masks(shared_by):
    known = drawn_seen()
    found = cures.temperatures(known, shared_by).tolist()
    for i in range(0, 4, shared_by):
        losses = {}
        for temperature in cures.TEMPERATURES:
            pairs = [
                (known.logits[j, known.task[j]], known.label[j])
                for j in range(60)
                if i <= known.task[j] < i + shared_by
            ]
            losses[temperature] = sum(-F.log_softmax(z / temperature, 0)[label].item() for z, label in pairs)
        assert losses[found[i]] == pytest.approx(min(losses.values()), rel=1e-5)
        assert found[i : i + shared_by] == [found[i]] * shared_by
    assert len(found) == 4


def test_choices_are_judged_as_by_a_loop():
    seen = drawn_seen()
    chosen = torch.randint(0, 4, (60,), generator=torch.Generator().manual_seed(1))
    counts = dict.fromkeys(("task", "accuracy", "first", "second", "to_first", "to_second"), 0)
    for j, (mask, task) in enumerate(zip(chosen.tolist(), seen.task.tolist(), strict=True)):
        right, class_right = mask == task, seen.logits[j, task].argmax() == seen.label[j]
        counts["task"] += right
        counts["accuracy"] += right and bool(class_right)
        counts["first" if task < 2 else "second"] += right
        counts["to_first"] += task >= 2 and mask < 2
        counts["to_second"] += task < 2 and mask >= 2
    of = {"task": 60, "accuracy": 60}  # the other figures are shares of one half
    expected = {name: round(count / of.get(name, 30), 5) for name, count in counts.items()}
    assert domains.judged(chosen, seen) == {"n": 60} | expected


@pytest.mark.parametrize("first", [True, False])
def test_calibration_is_as_by_a_loop(first):
    seen, known = drawn_seen(), drawn_seen(40)
    found = domains.calibration(seen, known, first)
    half = (0, 1) if first else (2, 3)
    own, home, abroad, confidence = [], [], [], []
    for j in range(60):
        if (task := seen.task[j].item()) not in half:
            continue
        for i in range(4):
            p = seen.logits[j, i].softmax(0)
            where = own if i == task else home if i in half else abroad
            where.append(-(p * p.log()).sum().item())
        confidence.append(seen.logits[j, task].softmax(0).max().item())
    for name, values in {"own": own, "home": home, "abroad": abroad, "confidence": confidence}.items():
        assert found[name] == pytest.approx(sum(values) / len(values), abs=2e-5)
    assert found["temperature"] == pytest.approx(cures.temperatures(known, 2)[half[0]].item(), abs=2e-5)


def test_settings_share_tasks_where_they_should():
    suites = domains.settings(4, seed=0)
    (d, c), (same_d, same_c) = suites["own pixels"], suites["same pixels"]
    assert d.identities == same_d.identities == suites["digits alone"][0].identities
    assert c.identities == suites["clothes alone"][1].identities
    assert torch.equal(same_d.train_view.permutations, same_c.train_view.permutations)
    assert not (d.train_view.permutations == c.train_view.permutations).all(1).any()
    assert d.train_view.mean == c.train_view.mean
    assert d.train_view.std == c.train_view.std


def test_domains_agrees_with_infer_task(small):
    rows = by_case(tiny("domains"))
    net, halves = sl.mlp((784, 12, 10), 0), domains.settings(4, 0)["same pixels"]
    masks = sl.MaskStore(net)
    for tasks, start in zip(halves, (0, domains.APART), strict=True):
        recipe = replace(DEFAULT, steps=4)
        part = sl.learn_masks(net, set_aside(tasks, 60, 0), seed=start, recipe=recipe, progress=False)
        masks.extend(part.chunk(0, len(part)), part.identities)
    for rule, method in (("One-Shot", "one_shot"), ("every mask", "exhaustive")):
        right, lost = 0, 0
        for i, task in enumerate(task for tasks in halves for task in tasks):
            order = generator("evaluation", 0, task.number).permutation(len(task.test))[:50]
            chosen = sl.infer_task(net, masks, task.test.batch(torch.from_numpy(order))[0], method)
            right += int((chosen == i).sum())
            lost += int((chosen < 2).sum()) if i >= 2 else 0
        row = rows[f"same pixels, 10 outputs: {rule}"]
        assert (row["task"], row["to_first"], row["n"]) == (pytest.approx(right / 200), pytest.approx(lost / 100), 200)


def test_g_is_asked_where_there_are_superfluous_outputs(small):
    cases = by_case(tiny("domains"))
    asked = {case for case in cases if case.endswith("One-Shot, G")}
    settings = ("own pixels, 100", "same pixels, 100", "pairs, 100", "pairs, 10")
    assert asked == {f"{setting} outputs: One-Shot, G" for setting in settings}


# Both


@pytest.mark.parametrize("which", ["difficulty", "domains"])
def test_a_seed_decides_all_rows(small, which):
    size = Size(tasks=4, steps=1, images=20)
    first, again, other = ([*question_of(which).rows(size, seed)] for seed in (5, 5, 6))
    assert first == again != other
    assert [row["case"] for row in first] == [row["case"] for row in other]


@pytest.mark.parametrize("which", ["difficulty", "domains"])
def test_the_stored_result_is_what_the_module_would_run(small, which):
    stored = results.load(f"open_{which}")
    question, setting = question_of(which), stored["setting"]
    assert setting == {"which": which, "question": question.text, **asdict(question.size), "seeds": setting["seeds"]}
    assert setting["seeds"] == [*range(len(setting["seeds"]))]
    assert len(setting["seeds"]) >= 3
    cases = [row["case"] for row in tiny(which)]
    for seed in setting["seeds"]:
        assert [row["case"] for row in stored["figures"] if row["seed"] == seed] == cases
