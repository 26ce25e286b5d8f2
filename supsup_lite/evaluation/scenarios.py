"""The scenarios GG, GNs and GNu: what is given at inference, and what counts as right (SupSup, table 1)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_choice, check_whole
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.devices import check_memory
from supsup_lite.evaluation.accuracy import check_images_count
from supsup_lite.evaluation.intervals import interval_95
from supsup_lite.evaluation.steps import (
    BATCH,
    INFER_FROM,
    answers,
    check_rows_of_choices,
    check_wholes,
    each_image,
    given_masks,
    infer_masks,
)
from supsup_lite.inference.methods import METHODS
from supsup_lite.inference.objectives import OBJECTIVES
from supsup_lite.masks.fits import check_fits
from supsup_lite.masks.store import MaskStore
from supsup_lite.masks.weights import check_learnable
from supsup_lite.networks.network import Network

SCENARIOS = ("GG", "GNs", "GNu")


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
    """Measure the masks on the tasks' test images; masks of other tasks only distract.

    Each task is measured with its own mask, wherever that stands in the store, so the tasks may be some of those that
    were learned, in any order. Where the store does not know the tasks of its masks, mask i belongs to task i.

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
        owners: for each mask the position of its task among those given, such as `assignment(...).owners`; a task may
            have several masks, or none. Of masks of no task given it is any other number, such as -1.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together: the masks belong to another network,
            or none of them to one of the tasks.
    """
    _check(scenario, infer_from, method, objective, images)
    check_learnable(net, tasks)
    masks = masks[:] if isinstance(masks, MaskStore) else masks  # those of now: another thread may add some meanwhile
    if owners is None:
        positions = check_fits(net, masks, tasks)
        owners = _owners(positions, masks, tasks)
    else:
        check_fits(net, masks)
        owners = _checked_owners(owners, masks, scenario)
    which = {"images": images, "seed": seed}
    if scenario == "GG":
        chosen, infer_from = given_masks(tasks, images, positions), "given"
    else:
        how = {"infer_from": infer_from, "method": method, "objective": objective}
        chosen = list(infer_masks(net, masks, tasks, **how, **which))
    right = list(answers(net, masks, tasks, chosen, infer_from, **which))
    return score(scenario, chosen, right, len(masks), infer_from, method, objective, owners)


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
    """Return what the answers [n] of each task are worth in a scenario, given the masks `chosen` for them.

    Args:
        owners: for each mask the position of its task, as in `evaluate`; None where mask i belongs to task i.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    check_choice("scenario", scenario, SCENARIOS)
    check_choice("infer_from", infer_from, (*INFER_FROM, "given"))
    num_masks = check_whole("num_masks", num_masks)
    check_rows_of_choices("chosen", chosen, torch.long)
    check_rows_of_choices("right", right, torch.bool)
    check_memory(f"a table of {num_masks:,} masks", 8 * len(right) * num_masks, torch.device("cpu"))
    if len(chosen) != len(right) or not len(right):
        raise ValueError(f"each task needs its masks and its answers, got {len(chosen)} and {len(right)}.")
    if not all(len(choice) and choice.min() >= 0 and choice.max() < num_masks for choice in chosen):
        raise ValueError(f"each image needs one of {num_masks} masks, 0..{num_masks - 1}.")
    if owners is not None:
        owners = check_wholes("owners", owners, num_masks, least=-1)
    given = scenario == "GG"
    by_image = given or infer_from == "each_image"
    owner = torch.arange(num_masks, device="cpu") if owners is None else torch.tensor(owners, device="cpu")
    confusion = torch.zeros(len(right), num_masks, dtype=torch.long, device="cpu")
    per_task = torch.zeros(len(right), dtype=torch.float64, device="cpu")
    shares: list[Tensor] = []  # for each independent unit, the share of its images that are right
    sizes: list[Tensor] = []
    found: list[Tensor] = []
    for i, (hit, choice) in enumerate(zip(right, chosen, strict=True)):
        mask = each_image(choice, len(hit), infer_from)
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


def _owners(positions: Sequence[int], masks: MaskStore, tasks: TaskSuite) -> list[int]:
    """Return for each mask the position of its task among those given, or -1: it belongs to none of them.

    A task may have several masks, of which the first is its own; the others are not those of another task.
    """
    known = {identity: task for task, identity in enumerate(tasks.identities)}
    owners = [known.get(identity, -1) for identity in masks.identities]
    for task, position in enumerate(positions):
        owners[position] = task
    return owners


def _checked_owners(owners, masks: MaskStore, scenario: str) -> list[int]:
    if not isinstance(owners, Sequence):
        raise TypeError(f"owners must be a list with the task of each mask, got {type(owners).__name__}.")
    if scenario == "GG" or len(owners) != len(masks):
        raise ValueError(
            f"owners are for GNs and GNu, one for each of {len(masks)} masks, got {len(owners)} in scenario {scenario}."
        )
    return [check_whole("an owner", owner, least=-1) for owner in owners]


def _check(scenario, infer_from, method, objective, images) -> None:
    if isinstance(scenario, str) and scenario == "NNs":
        raise ValueError(
            "scenario 'NNs' has its own learner, because no task is ever given; evaluate takes GG, GNs, GNu."
        )
    for name, value, allowed in (
        ("scenario", scenario, SCENARIOS),
        ("infer_from", infer_from, INFER_FROM),
        ("method", method, METHODS),
        ("objective", objective, OBJECTIVES),
    ):
        check_choice(name, value, allowed)
    check_images_count(images)
