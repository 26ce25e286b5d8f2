"""Open questions on a temperature and on rotations: what is chosen and judged, by loops, and the stored results."""

import math
from dataclasses import asdict

import pytest
import torch

import supsup_lite as sl
from supsup_lite import results
from supsup_lite.experiments.open_questions import ask, rotations, temperature
from supsup_lite.experiments.open_questions.asking import question_of
from supsup_lite.inference import objective_of
from supsup_lite.results import runs

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Small networks, and a folder of our own for the runs."""
    monkeypatch.setattr(runs, "cache_folder", lambda: tmp_path)
    monkeypatch.setenv("SUPSUP_DEVICE", "cpu")
    monkeypatch.setattr(temperature, "lenet_300_100", lambda outputs, seed: sl.mlp((784, 12, outputs), seed))
    monkeypatch.setattr(temperature, "COUNTS", (2, 100))
    monkeypatch.setattr(rotations, "fc_1024", lambda outputs, seed: sl.mlp((784, 12, outputs), seed))


def learned(tasks, outputs: int = 20):
    net = sl.mlp((784, 20, outputs), seed=0, device="cpu")
    return net, sl.learn_masks(net, tasks, recipe=sl.Recipe(20, 64, "adam", 1e-2), progress=False)


# A temperature


def test_the_rows_of_a_temperature(small):
    rows = ask("temperature", tasks=4, steps=4, images=2, seeds=1)["figures"]
    assert [row["case"] for row in rows] == [f"{case}, k = {k}" for case in temperature.LEARNED for k in (2, 4)]
    assert {row["n"] for row in rows} == {8}, "as many images for every k"
    for row in rows:
        assert ("G" in row) == (row["s"] > 10)
        assert row["rate"] in temperature.RATES
        assert row["right"] <= row["best"]


def test_a_scaled_last_layer_is_a_temperature_in_the_loss():
    net, masks = learned(sl.permuted_mnist(2, device="cpu"), outputs=10)
    x, _ = sl.permuted_mnist(1, device="cpu")[0].test.batch(range(50))
    before = net.fingerprint()
    scaled = temperature.tempered(net, 4.0)
    assert net.fingerprint() == before
    logits = sl.apply_mask(net, masks[0], x)
    torch.testing.assert_close(sl.apply_mask(scaled, masks[0], x), logits / 4)


def test_votes_are_the_gradients_of_one_shot():
    net, masks = learned(sl.permuted_mnist(3, device="cpu"))
    x, _ = sl.permuted_mnist(1, device="cpu")[0].test.batch(range(30))
    objectives = [
        lambda p: objective_of(p, "entropy"),
        lambda p: objective_of(p, "superfluous", 10),
        temperature.colder(temperature.sigmoid_entropy, 3.0),
    ]
    votes = temperature.votes(net, masks, x, objectives)
    torch.testing.assert_close(votes[0], -sl.alpha_gradient(net, masks, x))
    torch.testing.assert_close(votes[1], -sl.alpha_gradient(net, masks, x, "superfluous"))

    def value(alphas):  # one image, one superposition, in double precision
        weights = {name: sum(a * mask[name] for a, mask in zip(alphas, masks, strict=True)) for name in masks.shapes}
        h = x[:1].double()
        for name in list(masks.shapes)[:-1]:
            h = (h @ (net.weights()[name] * weights[name]).double().T).relu()
        *_, last = masks.shapes
        q = ((h @ (net.weights()[last] * weights[last]).double().T) / 3).sigmoid()[0].tolist()
        return -sum(share * math.log(share) + (1 - share) * math.log(1 - share) for share in q)

    equal, step = [1 / 3] * 3, 1e-4
    for i in range(3):
        up, down = ([a + sign * step * (j == i) for j, a in enumerate(equal)] for sign in (1, -1))
        assert votes[2, 0, i].item() == pytest.approx(-(value(up) - value(down)) / (2 * step), rel=1e-3, abs=1e-4)


def test_digits_are_read_under_the_mask_that_was_chosen():
    tasks = sl.permuted_mnist(3, device="cpu")
    net, masks = learned(tasks)
    x, y = tasks[1].test.batch(range(12))
    chosen = torch.arange(12) % 3
    right = temperature.digits_right(net, masks, x, y, chosen)
    for i in range(12):
        assert right[i] == (sl.apply_mask(net, masks[int(chosen[i])], x[i : i + 1]).argmax() == y[i])


def test_the_objective_is_chosen_on_images_that_do_not_count(monkeypatch):
    tasks = sl.permuted_mnist(2, device="cpu")
    net, masks = learned(tasks)
    asked = []
    plain = temperature.votes
    monkeypatch.setattr(temperature, "votes", lambda *given: asked.append(given) or plain(*given))
    found = temperature.found_at(net, masks, tasks, 1.0, 20, seed=0)
    (_, _, held_out, searched), (_, _, counted, judged) = asked
    assert (len(held_out), len(searched), len(counted), len(judged)) == (40, 10, 40, 3)
    assert not {tuple(image) for image in held_out.tolist()} & {tuple(image) for image in counted.tolist()}
    truth = torch.tensor([0] * 20 + [1] * 20)
    assert found["found"] == (sl.infer_task(net, masks, counted) == truth).float().mean().item()
    assert found["G"] == (sl.infer_task(net, masks, counted, objective="superfluous") == truth).float().mean().item()


# Rotations


def test_the_rows_of_rotations(small):
    rows = ask("rotations", tasks=4, steps=4, images=130, seeds=1)["figures"]
    assert [row["case"] for row in rows] == ["task given", "every mask, H", *rotations.NARROWED]
    assert {row["n"] for row in rows} == {8}, "two batches of each task"
    for row in rows:
        assert row["found"] + row["next"] + row["far"] == pytest.approx(1)
        assert row["GNu"] <= row["GNs"]
    assert rows[0]["found"] == 1
    again = ask("rotations", tasks=4, steps=4, images=130, seeds=1)["figures"]
    assert again == rows


@pytest.mark.parametrize("objective", ["entropy", "superfluous"])
def test_halving_is_binary_and_naming_one_is_one_shot(objective):
    tasks = sl.rotated_mnist(11, device="cpu")
    net, masks = learned(tasks)
    unpacked = rotations.unpacked(masks)
    for i in (0, 4, 7):
        x, _ = tasks[i].test.batch(range(64))
        for method, keep in (("binary", 0.5), ("one_shot", 0.0)):
            wanted = sl.infer_task(net, masks, x, method, objective, together=True)[0]
            *_, last = rotations.narrowed(net, unpacked, x, rotations.Way(objective, keep))
            assert last.tolist() == [wanted]
        torch.testing.assert_close(unpacked.answers(i, x), sl.apply_mask(net, masks[i], x))


def test_candidates_are_dropped_by_their_gradient_a_quarter_at_a_time():
    tasks = sl.rotated_mnist(7, device="cpu")
    net, masks = learned(tasks)
    x, _ = tasks[2].test.batch(range(64))
    kept = rotations.narrowed(net, rotations.unpacked(masks), x, rotations.Way("entropy", 0.75))
    assert [len(left) for left in kept] == [6, 5, 4, 3, 2, 1]
    left = list(range(7))
    for step in kept:
        slopes = sl.alpha_gradient(net, masks.take(torch.tensor(left)), x).mean(0).tolist()
        order = sorted(range(len(left)), key=lambda j: slopes[j])
        left = sorted(left[j] for j in order[: len(step)])
        assert step.tolist() == left


def test_what_is_found_and_read():
    digits = torch.tensor([[0.9, 0.6, 0.1, 0.5], [0.2, 0.8, 0.3, 0.1]], dtype=torch.float64)
    found = rotations.figures(torch.tensor([3, 1]), torch.tensor([0, 1]), digits)
    assert found == {"n": 2, "found": 0.5, "next": 0.5, "far": 0.0, "GNu": 0.4, "GNs": 0.65}
    assert rotations.figures(torch.tensor([2]), torch.tensor([0]), digits[:1])["far"] == 1
    shares = rotations.astray(torch.tensor([0, 1]), digits)
    assert shares["1 off"] == pytest.approx((0.6 + 0.5 + 0.3 + 0.2) / 4)
    assert shares["2 off"] == pytest.approx((0.1 + 0.1) / 2)


# What is stored


@pytest.mark.parametrize("which", ["temperature", "rotations"])
def test_the_stored_result_is_of_the_run_as_it_is_now(which):
    stored = results.load(f"open_{which}")
    question = question_of(which)
    assert stored["setting"]["question"] == question.text
    assert {name: stored["setting"][name] for name in asdict(question.size)} == asdict(question.size)
    seeds = stored["setting"]["seeds"]
    assert len(seeds) >= 3
    if which == "temperature":
        cases = [f"{case}, k = {k}" for case in temperature.LEARNED for k in (10, 30, 100)]
        names = {"found", "best", "right", "digits"}
    else:
        cases, names = ["task given", "every mask, H", *rotations.NARROWED], {"found", "next", "far", "GNu", "GNs"}
    assert [(row["seed"], row["case"]) for row in stored["figures"]] == [
        (seed, case) for seed in seeds for case in cases
    ]
    assert all(names <= row.keys() for row in stored["figures"])
