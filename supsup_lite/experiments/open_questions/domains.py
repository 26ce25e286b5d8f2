"""Tasks from two data sets on one base network: does the surer domain swallow the other, and what cures it?

The paper names the limit itself: task inference "fails when models are not well calibrated - are overly confident for
the wrong task" (section 5). Half of the tasks show digits, half clothes, with one normalisation for both, or brightness
would give the domain away. Masks are LeNet 300-100's, threshold, learned by the course's recipe; nothing is tuned.

Settings, each with 100 and with 10 outputs:

* own pixels: each task shuffles pixels in its own way.
* same pixels: task i of the digits and task i of the clothes shuffle alike, so the content alone tells them apart.
* pairs: two digits or two clothes a task, not shuffled at all.
* digits alone, clothes alone: the control. Half of "own pixels" stays, and the rest is more of its own kind.

Each image is judged by itself. Cures use training images that no mask learns from. One is a temperature for each mask,
or for each half of the masks, the best by their cross-entropy. Or what an image says of a mask is compared with what
the mask's own such images say of it (or those of all tasks): less their mean, over their spread.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from supsup_lite.data.datasets import DataSet
from supsup_lite.data.suites import NORMALISATION, grey_data_set, permuted_suite, split_suite
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.experiments.contestants import contestant_of, joined_masks, learn
from supsup_lite.experiments.open_questions.aside import set_aside
from supsup_lite.experiments.open_questions.asking import Question, Size
from supsup_lite.experiments.open_questions.cures import CURES, UNCURED, Seen, entropies, of_halves
from supsup_lite.inference.methods import alpha_gradient
from supsup_lite.masks.apply import apply_mask
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.mlp import lenet_300_100
from supsup_lite.networks.network import Network
from supsup_lite.recipes import DEFAULT
from supsup_lite.seeding import generator

OUTPUTS = (100, 10)
ASIDE = 300  # training images of each task to calibrate by
APART = 500  # added to the seed of the clothes' scores: else task i of both domains would start from the same ones


def rows(size: Size, seed: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each setting and rule; in the settings with both domains one for each domain's calibration, too.

    Figures of a rule: "task" and "accuracy" (the task is right; task and class are), "first" and "second" (the task
    accuracy of each half: digits and clothes, where both are there), "to_first" and "to_second" (the share of the
    other half's images that a mask of this half takes).
    """
    for outputs in OUTPUTS:
        net, kept = lenet_300_100(outputs=outputs, seed=seed), {}
        for setting, halves in settings(size.tasks, seed).items():
            case, alone = f"{setting}, {outputs} outputs", setting.endswith("alone")
            aside = [set_aside(tasks, ASIDE, seed) for tasks in halves]
            for tasks in aside:
                if tasks.identities not in kept:
                    start, recipe = seed + APART * (tasks.dataset != "mnist"), replace(DEFAULT, steps=size.steps)
                    kept[tasks.identities] = learn(contestant_of("supsup", None), net, tasks, start, recipe, DEFAULT.lr)
            masks = joined_masks([kept[tasks.identities] for tasks in halves])
            test, known = look(net, masks, halves, size.images, seed), look(net, masks, aside, None, seed)
            for rule, lowest_is_right in (UNCURED if alone else UNCURED | CURES).items():
                if test.superfluous is not None or "G" not in rule:
                    yield {"case": f"{case}: {rule}"} | judged(lowest_is_right(test, known).argmin(1), test)
            if not alone:
                yield {"case": f"{case}: digits"} | calibration(test, known, first=True)
                yield {"case": f"{case}: clothes"} | calibration(test, known, first=False)


def settings(tasks: int, seed: int) -> dict[str, tuple[TaskSuite, TaskSuite]]:
    """Return for each setting the tasks of its two halves, as many in both (of pairs there are five at most)."""
    half = max(1, tasks // 2)
    digits, clothes = _source("mnist"), _source("fashion_mnist")
    all_digits, all_clothes = (permuted_suite(source, 2 * half, seed) for source in (digits, clothes))
    return {
        "own pixels": (all_digits[:half], all_clothes[half:]),
        "same pixels": (all_digits[:half], all_clothes[:half]),
        "pairs": tuple(split_suite(source, min(half, 5), 2, seed) for source in (digits, clothes)),
        "digits alone": (all_digits[:half], all_digits[half:]),
        "clothes alone": (all_clothes[:half], all_clothes[half:]),
    }


def _source(name: str) -> DataSet:
    mean, std = NORMALISATION["mnist and fashion_mnist"]
    return replace(grey_data_set(name, None), mean=mean, std=std)


@torch.no_grad()
def look(net: Network, masks: MaskStore, halves: tuple[TaskSuite, ...], images: int | None, seed: int) -> Seen:
    """Return what the masks say of test images of all tasks, so many of each; None takes all."""
    batches = []
    for task in (task for tasks in halves for task in tasks):
        order = generator("evaluation", seed, task.number).permutation(len(task.test))[:images]
        batches.append(task.test.batch(torch.from_numpy(order)))
    x, label = (torch.cat(parts) for parts in zip(*batches, strict=True))
    task = torch.cat([torch.full_like(y, i) for i, (_, y) in enumerate(batches)])
    superfluous = net.outputs > halves[0].num_classes
    return Seen(
        torch.stack([apply_mask(net, mask, x) for mask in masks], dim=1),
        alpha_gradient(net, masks, x, "entropy"),
        alpha_gradient(net, masks, x, "superfluous") if superfluous else None,
        task,
        label,
    )


def judged(chosen: Tensor, seen: Seen) -> dict[str, Any]:
    """Return what the masks chosen for images are worth, as `rows` says: chosen long [n]."""
    half = seen.logits.shape[1] // 2
    right, first = chosen == seen.task, seen.task < half
    read = seen.of_true_task(seen.logits).argmax(1) == seen.label
    figures = {
        "task": right,
        "accuracy": right & read,
        "first": right[first],
        "second": right[~first],
        "to_first": chosen[~first] < half,
        "to_second": chosen[first] >= half,
    }
    return {"n": len(right)} | {name: _mean(values) for name, values in figures.items()}


def calibration(seen: Seen, known: Seen, first: bool) -> dict[str, Any]:
    """Return how sure masks are of one half's images, and how often the own mask is right.

    "own", "home" and "abroad" are entropies in nats: of the own mask, and in the mean of the other masks of the same
    half, and of those of the other half; "temperature" is the half's.
    """
    k = seen.logits.shape[1]
    of_first = torch.arange(k, device=seen.task.device) < k // 2
    chosen = of_first[seen.task] == first
    confidence, answer = seen.of_true_task(seen.logits).softmax(1).max(1)
    entropy, others = entropies(seen.logits)[chosen], ~F.one_hot(seen.task, k).bool()[chosen]
    figures = {
        "right": (answer == seen.label)[chosen],
        "confidence": confidence[chosen],
        "own": entropy[~others],
        "home": entropy[others & (of_first == first)],
        "abroad": entropy[:, of_first != first],
    }
    temperature = of_halves(known)[of_first == first][0].item()
    means = {name: _mean(values) for name, values in figures.items()}
    return {"n": int(chosen.sum())} | means | {"temperature": round(temperature, 5)}


def _mean(values: Tensor) -> float:
    return round(values.double().mean().item(), 5)


QUESTION = Question(
    text="Digits and clothes on one network: does the surer domain swallow the other?",
    rows=rows,
    size=Size(tasks=10, steps=300, images=200),
)
