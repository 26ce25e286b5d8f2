"""The scenarios GG, GNs and GNu: what is given at inference, and what counts as right (SupSup, table 1)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from supsup_lite.inference import METHODS, OBJECTIVES, infer_task
from supsup_lite.masks import apply_mask
from supsup_lite.networks import Network
from supsup_lite.seeding import generator
from supsup_lite.store import MaskStore
from supsup_lite.tasks import TaskSuite

SCENARIOS = ("GG", "GNs", "GNu")
INFER_FROM = ("one_image", "each_image", "whole_batch")
BATCH = 128


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` measured, and how.

    Attributes:
        scenario, infer_from, method, objective: what was done ("given" where the task id is).
        accuracy: share of images that count as right, mean over tasks.
        interval: 95 % interval of the accuracy (see `interval_95`).
        per_task: accuracy of each task, float [k].
        task_accuracy: share of task inferences that found the task; 1 in GG.
        task_interval: 95 % interval of the task accuracy.
        n: images classified, over all tasks.
        inferences: task inferences made; 0 in GG.
        confusion: long [k, masks], how many images of task i were given mask j.
    """

    scenario: str
    infer_from: str
    method: str
    objective: str
    accuracy: float
    interval: tuple[float, float]
    per_task: Tensor
    task_accuracy: float
    task_interval: tuple[float, float]
    n: int
    inferences: int
    confusion: Tensor

    def __repr__(self) -> str:
        how = "task given" if self.scenario == "GG" else f"{self.method} on {self.objective}, {self.infer_from}"
        low, high = self.interval
        return (
            f"<{self.scenario} ({how}): accuracy {self.accuracy:.4f} [{low:.4f}, {high:.4f}], "
            f"task {self.task_accuracy:.4f}, n {self.n:,}>"
        )


@torch.no_grad()
def evaluate(
    net: Network,
    masks: MaskStore,
    tasks: TaskSuite,
    scenario: str = "GNu",
    *,
    infer_from: str = "one_image",
    method: str = "one_shot",
    objective: str = "entropy",
    images: int | None = None,
    seed: int = 0,
    owners: Sequence[int] | None = None,
) -> Evaluation:
    """Measure the masks on the tasks' test images. Mask i belongs to task i; further masks only distract.

    Masks of a learner that was never told the tasks (NNs) have `owners`; they are measured as GNs.

    * GG: the task is given, its own mask is used.
    * GNs: the task is inferred; the class must be right (labels are shared between tasks).
    * GNu: the task is inferred; task and class must both be right (labels are not shared).

    Test images are drawn in batches of 128, without repetition. The task is inferred
    * infer_from="one_image" (the paper, PermutedMNIST): from the first image of a batch, for the whole batch;
    * "each_image" (fairer to the reader): from each image for itself;
    * "whole_batch" (the paper's RotatedMNIST): from all images of a batch together.
    The class is the largest of all s outputs.

    Args:
        images: how many distinct test images of each task to draw; None takes all of them.
        seed: decides which.
        owners: the task of each mask, such as `assignment(...).owners`; a task may have several masks, or none.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    _check(masks, tasks, scenario, infer_from, method, objective, images, owners)
    owner = torch.arange(len(masks)) if owners is None else torch.tensor(owners)
    given = scenario == "GG"
    confusion = torch.zeros(len(tasks), len(masks), dtype=torch.long)
    per_task = torch.zeros(len(tasks), dtype=torch.float64)
    shares: list[float] = []  # for each independent unit, the share of its images that are right
    sizes: list[int] = []
    found: list[float] = []
    for i in range(len(tasks)):
        batches = list(_test_batches(tasks, i, images, seed))
        if given:
            chosen = [torch.full_like(y, i) for _, y in batches]
        else:
            chosen = _infer(net, masks, [x for x, _ in batches], infer_from, method, objective)
        for (x, y), inferred in zip(batches, chosen, strict=True):
            hit = _classify(net, masks, inferred, x) == y
            fits = owner.to(inferred.device)[inferred] == i
            if scenario == "GNu":
                hit &= fits
            confusion[i] += inferred.bincount(minlength=len(masks)).cpu()
            per_task[i] += float(hit.sum())
            # Images that share an inference are one unit: they are right or wrong together.
            by_image = given or infer_from == "each_image"
            shares += hit.float().tolist() if by_image else [float(hit.float().mean())]
            sizes += [1] * len(y) if by_image else [len(y)]
            found += fits.float().tolist() if by_image else [float(fits[0])]
    per_task /= confusion.sum(1)
    return Evaluation(
        scenario,
        "given" if given else infer_from,
        "given" if given else method,
        "given" if given else objective,
        float(per_task.mean()),
        interval_95(shares, sizes),
        per_task,
        sum(found) / len(found),
        (1.0, 1.0) if given else interval_95(found),
        int(confusion.sum()),
        0 if given else len(found),
        confusion,
    )


def _test_batches(tasks: TaskSuite, i: int, images: int | None, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches of distinct test images of task i, shuffled by (seed, task number)."""
    test = tasks[i].test
    order = torch.from_numpy(generator("evaluation", seed, tasks.numbers[i]).permutation(len(test)))
    for rows in order[:images].split(BATCH):
        yield test.batch(rows)


def _infer(net, masks, batches: list[Tensor], infer_from: str, method: str, objective: str) -> list[Tensor]:
    """Return the mask chosen for each image of each batch."""
    if infer_from == "one_image":  # the first images of all batches at once: the masks are unpacked once for them
        chosen = infer_task(net, masks, torch.cat([x[:1] for x in batches]), method, objective)
        return [own.expand(len(x)) for own, x in zip(chosen, batches, strict=True)]
    together = infer_from == "whole_batch"
    return [infer_task(net, masks, x, method, objective, together=together) for x in batches]


def _classify(net: Network, masks: MaskStore, chosen: Tensor, x: Tensor) -> Tensor:
    """Return the class [B] of each image under its own mask, each mask applied once to all that chose it."""
    classes = torch.empty(len(x), dtype=torch.long, device=x.device)
    for j in chosen.unique().tolist():
        rows = chosen == j
        classes[rows] = apply_mask(net, masks[j], x[rows]).argmax(1)
    return classes


def interval_95(shares: Sequence[float], sizes: Sequence[int] | None = None) -> tuple[float, float]:
    """Return the 95 % interval of the weighted mean of independent values in 0..1 (Wilson's, 1927).

    For shares that are not just 0 or 1 (a batch of images that share one inference), n is replaced by the number of
    coin flips with the same standard error. If all values are 0, or all 1, it stays the number of values.

    Args:
        shares: the values.
        sizes: their weights; None weighs them alike.
    """
    values = torch.tensor(shares, dtype=torch.float64)
    weights = torch.ones_like(values) if sizes is None else torch.tensor(sizes, dtype=torch.float64)
    weights /= weights.sum()
    p, n = float(weights @ values), float(1 / (weights**2).sum())
    spread = float(weights @ (values - p) ** 2)
    if spread > 0:
        n = n * p * (1 - p) / spread
    z = 1.959964
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def _check(masks, tasks, scenario, infer_from, method, objective, images, owners) -> None:
    if scenario == "NNs":
        raise ValueError(
            "scenario 'NNs' has its own learner, because no task is ever given; evaluate takes GG, GNs, GNu."
        )
    for name, value, allowed in (
        ("scenario", scenario, SCENARIOS),
        ("infer_from", infer_from, INFER_FROM),
        ("method", method, METHODS),
        ("objective", objective, OBJECTIVES),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {allowed}, got {value!r}.")
    if not isinstance(tasks, TaskSuite):
        raise TypeError(f"tasks must be a suite such as permuted_mnist(), got {type(tasks).__name__}.")
    if not isinstance(masks, MaskStore):
        raise TypeError(f"masks must be a MaskStore, as learn_masks returns it, got {type(masks).__name__}.")
    if owners is not None and (scenario == "GG" or len(owners) != len(masks)):
        raise ValueError(
            f"owners are for GNs and GNu, one for each of {len(masks)} masks, got {len(owners)} in scenario {scenario}."
        )
    if owners is None and len(masks) < len(tasks):
        raise ValueError(
            f"there are {len(tasks)} tasks but only {len(masks)} masks: learn the others, or slice the suite."
        )
    if images is not None and images < 1:
        raise ValueError(f"images must be 1 or more, or None for all, got {images}.")
