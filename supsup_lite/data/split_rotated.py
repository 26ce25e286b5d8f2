"""SplitRotated: twenty tasks of five classes each from what comes with the course, a laptop's SplitCIFAR100."""

import functools

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_seed
from supsup_lite.data.datasets import DataSet, fashion_mnist, mnist
from supsup_lite.data.images import Images
from supsup_lite.data.suites import CLOTHES, DIGITS, NORMALISATION, check_count, rotation_grids, subset_suite
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.devices import resolve
from supsup_lite.seeding import generator

NAME = "mnist and fashion_mnist"
TURNS = (0, 72, 144, 216, 288)  # degrees
HALVES = 2  # of the ten classes of a data set
TASKS = 2 * HALVES * len(TURNS)


@isolated
def split_rotated(num_tasks: int = TASKS, seed: int | None = 0, device: torch.device | str | None = None) -> TaskSuite:
    """Return SplitRotated: twenty tasks of five classes, digits or clothes, with labels 0..4 in each.

    It stands in for SplitCIFAR100 where that is not at hand: a hundred classes, in tasks of five. These are the digits
    of MNIST and the clothes of FashionMNIST, each at five turns, by 0, 72, 144, 216 and 288 degrees, counter-clockwise.
    For every turn of a data set its ten classes are dealt to two tasks at random; the order of the tasks is random,
    too. So neighbours in the sequence share little, and a network that is trained on and on forgets. No image is in
    two tasks: a class's images are dealt to its turns in order. A task has some 6,000 images to learn from, and 1,000
    to test.

    Images are 28 x 28 grey pixels, and come flat, [B, 784]: [B, 1, 28, 28] to a conv net.

    Args:
        seed: of the halves and of the order; None takes classes and tasks in order, so that each four tasks are one
            turn.

    Raises:
        ValueError: num_tasks is not in 1..20.
        TypeError: num_tasks or seed is not a whole number.
    """
    num_tasks, seed = check_count(num_tasks, TASKS), None if seed is None else check_seed(seed)
    source = _both(str(resolve(device)))
    plan = _plan(seed)[:num_tasks]
    members = [_members(half.labels, plan) for half in (source.train, source.test)]
    names = tuple(
        f"{', '.join(source.classes[label] for label in labels[:-1])} or {source.classes[labels[-1]]}, "
        f"turned by {TURNS[turn]} degrees"
        for turn, labels in plan
    )
    grids = rotation_grids([TURNS[turn] for turn, _ in plan], *source.train.shape).to(source.train.device)
    return subset_suite(source, "split rotated", seed, names, [labels for _, labels in plan], members, grids)


def _plan(seed: int | None) -> list[tuple[int, list[int]]]:
    """Return turn and labels of every task, in their order: digits are labels 0..9, clothes 10..19."""
    plan = []
    for turn in range(len(TURNS)):
        for first in (0, 10):
            draw = None if seed is None else generator("class order", seed, first + turn)
            order = [first + i for i in (range(10) if draw is None else draw.permutation(10).tolist())]
            plan += [(turn, order[:5]), (turn, order[5:])]
    if seed is None:
        return plan
    return [plan[i] for i in generator("task order", seed).permutation(TASKS).tolist()]


def _members(labels: Tensor, plan: list[tuple[int, list[int]]]) -> list[Tensor]:
    """Return which images each task has: those of a class are dealt to the turns one by one."""
    turns = torch.empty_like(labels)
    for label in labels.unique():
        rows = (labels == label).nonzero().flatten()
        turns[rows] = torch.arange(len(rows), device=labels.device) % len(TURNS)
    return [
        (torch.isin(labels, torch.tensor(chosen, device=labels.device)) & (turns == turn)).nonzero().flatten()
        for turn, chosen in plan
    ]


@functools.lru_cache(maxsize=1)
def _both(device: str) -> DataSet:
    """Return MNIST and FashionMNIST as one data set of twenty classes: 110 MB."""
    halves = [
        Images(
            torch.cat([digits.pixels, clothes.pixels]),
            torch.cat([digits.labels, clothes.labels + len(DIGITS)]),
        )
        for digits, clothes in zip(mnist(device), fashion_mnist(device), strict=True)
    ]
    return DataSet(NAME, *halves, *NORMALISATION[NAME], DIGITS + CLOTHES)
