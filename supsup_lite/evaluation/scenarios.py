"""The scenarios GG, GNs and GNu: what is given at inference, and what counts as right (SupSup, table 1)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from supsup_lite.ambient import isolated
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.evaluation.intervals import interval_95
from supsup_lite.inference.methods import METHODS, infer_task
from supsup_lite.inference.objectives import OBJECTIVES
from supsup_lite.masks.apply import apply_mask
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.network import Network
from supsup_lite.seeding import generator

SCENARIOS = ("GG", "GNs", "GNu")
INFER_FROM = ("one_image", "each_image", "whole_batch")
BATCH = 128
TOGETHER = 10 * BATCH  # images classified at once: a mask is unpacked once for them
ASKED = 4 * BATCH  # images whose task is inferred at once: all masks are unpacked once for them


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


@isolated
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
    which = {"images": images, "seed": seed}
    if scenario == "GG":
        chosen, infer_from = given_masks(tasks, images), "given"
    else:
        how = {"infer_from": infer_from, "method": method, "objective": objective}
        chosen = list(infer_masks(net, masks, tasks, **how, **which))
    right = list(answers(net, masks, tasks, chosen, infer_from, **which))
    return score(scenario, chosen, right, len(masks), infer_from, method, objective, owners)


# What `evaluate` does in one go, in its three steps: for those who need several scenarios of the same inferences, or
# who share the tasks of a large suite among processes. All that they hand on lies on the CPU.


def given_masks(tasks: TaskSuite, images: int | None = None) -> list[Tensor]:
    """Return the choice of GG, for each task: long [n], its own position for each of its n test images."""
    sizes = tasks.test_view.sizes
    return [torch.tensor([i], device="cpu").expand(_drawn(size, images)) for i, size in enumerate(sizes)]


@isolated
@torch.no_grad()
def infer_masks(
    net: Network,
    masks: MaskStore,
    tasks: TaskSuite,
    *,
    infer_from: str = "one_image",
    method: str = "one_shot",
    objective: str = "entropy",
    images: int | None = None,
    seed: int = 0,
) -> Iterator[Tensor]:
    """Yield, for each task, the mask inferred for each image, or for each batch of 128: long [inferences].

    The first images of many tasks' batches are asked about together, because unpacking the masks costs much and each
    further image little.
    """
    if infer_from != "one_image":
        together = infer_from == "whole_batch"
        for i, task in enumerate(tasks):
            batches = (task.test.batch(rows)[0] for rows in _draw(tasks, i, images, seed).split(BATCH))
            found = [infer_task(net, masks, x, method, objective, together=together) for x in batches]
            yield torch.cat([own[:1] if together else own for own in found]).cpu()
        return
    batches = math.ceil(_drawn(max(tasks.test_view.sizes), images) / BATCH)
    width = max(1, ASKED // batches)  # tasks
    for start in range(0, len(tasks), width):
        part = range(start, min(start + width, len(tasks)))
        first = [tasks[i].test.batch(_draw(tasks, i, images, seed)[::BATCH])[0] for i in part]
        found = infer_task(net, masks, torch.cat(first), method, objective).cpu()
        yield from found.split([len(x) for x in first])


@isolated
@torch.no_grad()
def answers(
    net: Network,
    masks: MaskStore,
    tasks: TaskSuite,
    chosen: Sequence[Tensor],
    infer_from: str = "one_image",
    *,
    images: int | None = None,
    seed: int = 0,
    own: Sequence[int] | None = None,
    given: Sequence[Tensor] | None = None,
) -> Iterator[Tensor]:
    """Yield, for each task, which of its n test images get the right class under the mask chosen for them: bool [n].

    Args:
        chosen: what `infer_masks` or `given_masks` returned, with the same images and seed.
        own, given: the position of each task's own mask, and the answers under it, where they are known already: only
            images for which another mask was chosen are classified then.
    """
    for i, found in enumerate(chosen):
        order = _draw(tasks, i, images, seed)
        mask = _each(found, len(order), infer_from)
        right = torch.empty(len(order), dtype=torch.bool, device="cpu") if given is None else given[i].clone()
        unknown = torch.ones_like(right) if given is None else mask != own[i]
        for rows in unknown.nonzero().flatten().split(TOGETHER) if unknown.any() else ():
            x, y = tasks[i].test.batch(order[rows])
            right[rows] = (_classify(net, masks, mask[rows], x) == y).cpu()
        yield right


def score(
    scenario: str,
    chosen: Sequence[Tensor],
    right: Sequence[Tensor],
    num_masks: int,
    infer_from: str = "one_image",
    method: str = "one_shot",
    objective: str = "entropy",
    owners: Sequence[int] | None = None,
) -> Evaluation:
    """Return what the answers [n] of each task are worth in a scenario, given the masks `chosen` for them."""
    given = scenario == "GG"
    by_image = given or infer_from == "each_image"
    owner = torch.arange(num_masks, device="cpu") if owners is None else torch.tensor(owners, device="cpu")
    confusion = torch.zeros(len(right), num_masks, dtype=torch.long, device="cpu")
    per_task = torch.zeros(len(right), dtype=torch.float64, device="cpu")
    shares: list[Tensor] = []  # for each independent unit, the share of its images that are right
    sizes: list[Tensor] = []
    found: list[Tensor] = []
    for i, (hit, choice) in enumerate(zip(right, chosen, strict=True)):
        mask = _each(choice, len(hit), infer_from)
        fits = owner[choice] == i
        if scenario == "GNu":
            hit = hit & (owner[mask] == i)
        confusion[i] = mask.bincount(minlength=num_masks)
        per_task[i] = hit.double().mean()
        # Images that share an inference are one unit: they are right or wrong together.
        units = hit.double()[:, None] if by_image else pad_sequence(hit.double().split(BATCH), True, math.nan)
        shares.append(units.nanmean(1))
        sizes.append(units.isfinite().sum(1))
        found.append(fits.double())
    hits = torch.cat(found)
    return Evaluation(
        scenario,
        "given" if given else infer_from,
        "given" if given else method,
        "given" if given else objective,
        float(per_task.mean()),
        interval_95(torch.cat(shares), torch.cat(sizes)),
        per_task,
        float(hits.mean()),
        (1.0, 1.0) if given else interval_95(hits),
        int(confusion.sum()),
        0 if given else len(hits),
        confusion,
    )


def _drawn(size: int, images: int | None) -> int:
    return size if images is None else min(size, images)


def _draw(tasks: TaskSuite, i: int, images: int | None, seed: int) -> Tensor:
    """Return distinct test images of task i, long [n], shuffled by (seed, task number)."""
    size = tasks.test_view.sizes[i]
    return torch.from_numpy(generator("evaluation", seed, tasks.numbers[i]).permutation(size)[:images])


def _each(chosen: Tensor, n: int, infer_from: str) -> Tensor:
    """Return the mask chosen for each of n images, where a batch may share one."""
    return chosen.repeat_interleave(BATCH)[:n] if infer_from in ("one_image", "whole_batch") else chosen


def _classify(net: Network, masks: MaskStore, chosen: Tensor, x: Tensor) -> Tensor:
    """Return the class [B] of each image under its own mask, each mask applied once to all that chose it."""
    classes = torch.empty(len(x), dtype=torch.long, device=x.device)
    for j in chosen.unique().tolist():
        rows = (chosen == j).to(x.device)
        classes[rows] = apply_mask(net, masks[j], x[rows]).argmax(1)
    return classes


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
