"""The suites of the course: permuted, rotated and split MNIST, split FashionMNIST."""

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_seed
from supsup_lite.data import datasets as data
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.data.views import View
from supsup_lite.devices import resolve
from supsup_lite.seeding import generator

# Mean and standard deviation of the training pixels, scaled to 0..1. Test: tests/test_tasks.py computes them.
NORMALISATION = {"mnist": (0.1307, 0.3081), "fashion_mnist": (0.2860, 0.3530)}


DEGREES = 10


ROTATIONS = 36


@isolated
def permuted_mnist(num_tasks: int = 20, seed: int = 0, device: torch.device | str | None = None) -> TaskSuite:
    """Return PermutedMNIST: in each task the 784 pixels are shuffled in its own fixed way.

    The permutation of a task depends on (seed, task) alone. Labels are the ten digits in every task.

    Raises:
        ValueError: num_tasks is less than 1.
        TypeError: num_tasks or seed is not a whole number.
    """
    _check_count(num_tasks, None)
    where = resolve(device)
    shuffles = np.stack([generator("permutation", seed, task).permutation(784) for task in range(num_tasks)])
    permutations = torch.from_numpy(shuffles).to(where)
    names = [f"permutation {i}" for i in range(num_tasks)]
    return _whole_suite("permuted", seed, names, where, permutations=permutations)


@isolated
def rotated_mnist(
    num_tasks: int = ROTATIONS, seed: int | None = None, device: torch.device | str | None = None
) -> TaskSuite:
    """Return RotatedMNIST: task i shows every digit turned by 10 i degrees, counter-clockwise.

    Pixels are interpolated bilinearly, and what turns in from outside is black. The angles do not depend on the
    seed, which is accepted because every suite has one.

    Raises:
        ValueError: num_tasks is not in 1..36 (36 turns of 10 degrees are a full circle).
        TypeError: num_tasks or seed is not a whole number.
    """
    _check_count(num_tasks, ROTATIONS)
    if seed is not None:
        check_seed(seed)
    where = resolve(device)
    angles = [math.radians(DEGREES * i) for i in range(num_tasks)]
    # grid_sample asks, for each output pixel, where to look in the input: the inverse rotation (y points down).
    turns = torch.tensor(
        [[[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0]] for a in angles],
        dtype=torch.float32,
        device="cpu",
    )
    grids = F.affine_grid(turns, [num_tasks, 1, 28, 28], align_corners=False).to(where)
    names = [f"{DEGREES * i} degrees" for i in range(num_tasks)]
    return _whole_suite("rotated", seed, names, where, grids=grids)


@isolated
def split_mnist(num_tasks: int = 5, seed: int | None = None, device: torch.device | str | None = None) -> TaskSuite:
    """Return SplitMNIST: five tasks of two digits each, 0-1, 2-3, ..., 8-9.

    With a seed the ten digits are dealt to the tasks in a random order. Labels are 0 and 1 in every task; a task's
    `classes` say which digits they stand for.

    Raises:
        ValueError: num_tasks is not in 1..5.
        TypeError: num_tasks or seed is not a whole number.
    """
    return _split_suite("mnist", data.mnist, [str(digit) for digit in range(10)], num_tasks, seed, device)


@isolated
def split_fashion_mnist(
    num_tasks: int = 5, seed: int | None = None, device: torch.device | str | None = None
) -> TaskSuite:
    """Return SplitFashionMNIST: five tasks of two kinds of clothes each; otherwise as `split_mnist`."""
    clothes = [
        "T-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ]
    return _split_suite("fashion_mnist", data.fashion_mnist, clothes, num_tasks, seed, device)


def _check_count(num_tasks: int, most: int | None) -> None:
    if isinstance(num_tasks, bool) or not isinstance(num_tasks, (int, np.integer)):
        raise TypeError(f"num_tasks must be a whole number, got {num_tasks!r}.")
    if num_tasks < 1 or (most is not None and num_tasks > most):
        expected = "1 or more" if most is None else f"in 1..{most}"
        raise ValueError(f"num_tasks must be {expected}, got {num_tasks}.")


def _whole_suite(kind: str, seed: int | None, names: list[str], device: torch.device, **transform: Tensor) -> TaskSuite:
    """Return a suite whose tasks each see all of MNIST, through their own transform."""
    mean, std = NORMALISATION["mnist"]
    views = [View(half, mean, std, (len(half),) * len(names), **transform) for half in data.mnist(device)]
    classes = (tuple(str(digit) for digit in range(10)),) * len(names)
    return TaskSuite(kind, "mnist", seed, tuple(range(len(names))), tuple(names), classes, *views)


def _split_suite(
    dataset: str,
    read: Callable[[torch.device], tuple[data.Images, data.Images]],
    class_names: list[str],
    num_tasks: int,
    seed: int | None,
    device: torch.device | str | None,
) -> TaskSuite:
    per_task = 2
    _check_count(num_tasks, len(class_names) // per_task)
    order = np.arange(10) if seed is None else generator("class order", seed).permutation(10)
    dealt = order[: num_tasks * per_task].reshape(num_tasks, per_task).tolist()
    relabel = torch.zeros(num_tasks, len(class_names), dtype=torch.long, device="cpu")
    for task, labels in enumerate(dealt):
        relabel[task, labels] = torch.arange(per_task, device="cpu")
    where = resolve(device)
    views = [_split_view(half, NORMALISATION[dataset], dealt, relabel.to(where)) for half in read(where)]
    classes = tuple(tuple(class_names[label] for label in labels) for labels in dealt)
    names = tuple(" or ".join(pair) for pair in classes)
    return TaskSuite("split", dataset, seed, tuple(range(num_tasks)), names, classes, *views)


def _split_view(half: data.Images, normalisation: tuple[float, float], dealt: list[list[int]], relabel: Tensor) -> View:
    wanted = [torch.isin(half.labels, torch.tensor(labels, device=half.labels.device)) for labels in dealt]
    members = [mask.nonzero().flatten() for mask in wanted]
    padded = torch.nn.utils.rnn.pad_sequence(members, batch_first=True)
    return View(half, *normalisation, tuple(len(rows) for rows in members), members=padded, relabel=relabel)
