"""GG, GNs, GNu: counted the slow way, one image after the other; nothing is forgotten, to the bit."""

import math

import pytest
import torch

import supsup_lite as sl
from supsup_lite.evaluation.intervals import interval_95
from supsup_lite.evaluation.scenarios import score
from supsup_lite.evaluation.steps import answers, given_masks, infer_masks
from supsup_lite.inference.methods import infer_task
from supsup_lite.seeding import generator

QUICK = sl.Recipe(30, 64, "adam", 1e-3, True)


@pytest.fixture(scope="module")
def learned():
    """Three rotations, so near one another that inference errs: both outcomes occur in every count."""
    net, tasks = sl.lenet_300_100(outputs=20, device="cpu"), sl.rotated_mnist(3, device="cpu")
    return net, sl.learn_masks(net, tasks, recipe=QUICK, progress=False), tasks


def slow_evaluate(net, masks, tasks, scenario, infer_from, images):
    """The oracle: one image, one class at a time; an inference for each image or each batch."""
    shares, found = [], []
    for i in range(len(tasks)):
        order = generator("evaluation", 0, i).permutation(len(tasks[i].test))[:images].tolist()
        hits = []
        for position, row in enumerate(order):
            x, y = tasks[i].test.batch([row])
            batch = order[position // 128 * 128 :][:128]
            if scenario == "GG":
                chosen = i
            elif infer_from == "each_image":
                chosen = int(infer_task(net, masks, x))
            elif position % 128 == 0 and infer_from == "one_image":
                chosen = int(infer_task(net, masks, tasks[i].test.batch(batch[:1])[0]))
            elif position % 128 == 0:
                chosen = int(infer_task(net, masks, tasks[i].test.batch(batch)[0], together=True)[0])
            right = int(sl.apply_mask(net, masks[chosen], x).argmax()) == int(y)
            hits.append(right and (scenario != "GNu" or chosen == i))
            if infer_from == "each_image" or position % 128 == 0:
                found.append(chosen == i)
        shares.append(sum(hits) / len(hits))
    return shares, sum(found) / len(found)


@pytest.mark.parametrize("infer_from", ["one_image", "each_image", "whole_batch"])
@pytest.mark.parametrize("scenario", ["GG", "GNs", "GNu"])
def test_counts_equal_the_slow_way(learned, scenario, infer_from):
    net, masks, tasks = learned
    result = sl.evaluate(net, masks, tasks, scenario, infer_from=infer_from, images=140)
    per_task, task_accuracy = slow_evaluate(net, masks, tasks, scenario, infer_from, 140)
    torch.testing.assert_close(result.per_task, torch.tensor(per_task, dtype=torch.float64), atol=1e-6, rtol=0)
    assert result.accuracy == pytest.approx(sum(per_task) / 3, abs=1e-6)
    assert result.task_accuracy == pytest.approx(task_accuracy)
    assert result.n == 420
    assert result.confusion.sum(1).tolist() == [140] * 3
    assert result.inferences == {"GG": 0}.get(scenario, 420 if infer_from == "each_image" else 6)
    low, high = result.interval
    assert low < result.accuracy < high


@pytest.mark.parametrize("infer_from", ["one_image", "whole_batch", "each_image"])
def test_many_tasks_asked_together_choose_as_each_by_itself(learned, infer_from):
    """Batches of first images span several tasks; known answers, and shares of the tasks, change nothing."""
    net, masks, tasks = learned
    how = {"infer_from": infer_from, "images": 300}
    together = list(infer_masks(net, masks, tasks, **how))
    alone = [found for i in range(3) for found in infer_masks(net, masks, tasks[i : i + 1], **how)]
    assert [len(found) for found in together] == [300 if infer_from == "each_image" else 3] * 3
    assert all(torch.equal(one, other) for one, other in zip(together, alone, strict=True))
    assert len(torch.cat(together).unique()) > 1
    given = list(answers(net, masks, tasks, given_masks(tasks, 300), "given", images=300))
    plain = list(answers(net, masks, tasks, together, infer_from, images=300))
    share = answers(
        net, masks, tasks[1::2], together[1::2], infer_from, images=300, true_masks=range(1, 3, 2), given=given[1::2]
    )
    assert all(torch.equal(one, other) for one, other in zip(share, plain[1::2], strict=True))
    for scenario in ("GNs", "GNu"):
        whole = sl.evaluate(net, masks, tasks, scenario, **how)
        assert repr(score(scenario, together, plain, 3, infer_from)) == repr(whole)


def test_unshared_labels_are_never_easier_than_shared_ones_and_given_never_harder(learned):
    net, masks, tasks = learned
    figures = {s: sl.evaluate(net, masks, tasks, s, infer_from="each_image", images=200) for s in ("GG", "GNs", "GNu")}
    assert figures["GNu"].accuracy < figures["GNs"].accuracy
    assert figures["GNu"].accuracy <= figures["GG"].accuracy
    assert figures["GNu"].task_accuracy < 1  # the suite is hard enough for the comparison to mean something


def test_no_task_changes_by_a_bit_when_others_are_learned():
    net, tasks = sl.lenet_300_100(outputs=20, device="cpu"), sl.permuted_mnist(6, seed=2, device="cpu")
    masks = sl.learn_masks(net, tasks[:2], recipe=QUICK, progress=False)
    before = sl.evaluate(net, masks, tasks[:2], "GG").per_task
    logits = [sl.apply_mask(net, masks[i], tasks[i].test.all()[0]) for i in range(2)]
    masks = sl.learn_masks(net, tasks, recipe=QUICK, masks=masks, progress=False)
    assert len(masks) == 6
    assert torch.equal(sl.evaluate(net, masks, tasks[:2], "GG").per_task, before)
    for i in range(2):
        assert torch.equal(sl.apply_mask(net, masks[i], tasks[i].test.all()[0]), logits[i])


def test_images_are_distinct_and_the_seed_draws_others(learned):
    net, masks, tasks = learned
    seen: list[torch.Tensor] = []
    whole = sl.data.TaskImages.batch

    def spy(self, rows):
        seen.append(torch.as_tensor(rows))
        return whole(self, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sl.data.TaskImages, "batch", spy)
        sl.evaluate(net, masks, tasks[:1], "GG", images=300)
        first, seen = torch.cat(seen), []
        sl.evaluate(net, masks, tasks[:1], "GG", images=300, seed=1)
        second = torch.cat(seen)
    assert len(first.unique()) == len(second.unique()) == 300
    assert not torch.equal(first.sort().values, second.sort().values)


def test_wilsons_interval_against_figures_worked_by_hand():
    low, high = interval_95([1.0] * 8 + [0.0] * 2)  # 8 of 10: Brown, Cai and DasGupta's formula by hand
    centre, half = (0.8 + 3.8415 / 20) / 1.38415, 1.96 / 1.38415 * math.sqrt(0.8 * 0.2 / 10 + 3.8415 / 400)
    assert (low, high) == pytest.approx((centre - half, centre + half), abs=1e-4)
    assert interval_95([1.0] * 10)[1] == pytest.approx(1.0)
    assert interval_95([1.0] * 10)[0] == pytest.approx(1 / (1 + 3.8415 / 10), abs=1e-4)
    for n in (49, 100, 500, 1000):  # the mean of n ones, each weighed 1 / n, is rounded
        assert interval_95([1.0] * n) == pytest.approx((1 / (1 + 3.8415 / n), 1.0), abs=1e-4)
        assert interval_95([0.0] * n) == pytest.approx((0.0, 1 - 1 / (1 + 3.8415 / n)), abs=1e-4)
    wide, narrow = interval_95([0.0, 1.0] * 5), interval_95([0.4, 0.6] * 5)
    assert narrow[1] - narrow[0] < wide[1] - wide[0]
    assert interval_95([1.0, 0.0], [3, 1]) != interval_95([1.0, 0.0])


NONSENSE = {
    "NNs": (lambda n, m, t: sl.evaluate(n, m, t, "NNs"), ValueError, "own learner"),
    "scenario": (lambda n, m, t: sl.evaluate(n, m, t, "XX"), ValueError, "GNu"),
    "infer_from": (lambda n, m, t: sl.evaluate(n, m, t, infer_from="stars"), ValueError, "one_image"),
    "method": (lambda n, m, t: sl.evaluate(n, m, t, method="guess"), ValueError, "one_shot"),
    "objective": (lambda n, m, t: sl.evaluate(n, m, t, objective="F"), ValueError, "entropy"),
    "too few masks": (lambda n, m, t: sl.evaluate(n, m[:2], t), ValueError, "3 tasks but only 2"),
    "a task": (lambda n, m, t: sl.evaluate(n, m, t[0]), TypeError, "suite"),
    "masks": (lambda n, m, t: sl.evaluate(n, [m[0]], t[:1]), TypeError, "MaskStore"),
    "no images": (lambda n, m, t: sl.evaluate(n, m, t, images=0), ValueError, "images"),
}


@pytest.mark.parametrize(("call", "error", "says"), NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_refused_in_words(learned, call, error, says):
    with pytest.raises(error, match=says):
        call(*learned)
