"""Suites of grey images: permuted, rotated and split MNIST and its like; and how any data set becomes a suite."""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_choice, check_seed, check_whole
from supsup_lite.data.datasets import DataSet, fashion_mnist, mnist
from supsup_lite.data.folders import cache_folder
from supsup_lite.data.images import Images
from supsup_lite.data.online import online_data_set
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.data.views import View
from supsup_lite.devices import check_memory, resolve
from supsup_lite.seeding import generator

# Mean and standard deviation of the training pixels, scaled to 0..1. Test: tests/test_tasks.py computes them.
NORMALISATION = {
    "mnist": (0.1307, 0.3081),
    "fashion_mnist": (0.2860, 0.3530),
    "mnist and fashion_mnist": (0.2084, 0.3403),
}
DIGITS = tuple(str(digit) for digit in range(10))
CLOTHES = (
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
)
GREY = ("mnist", "fashion_mnist", "kmnist", "emnist")  # data sets of grey images of 28 x 28
DEGREES = 10
ROTATIONS = 36


@isolated
def permuted_mnist(
    num_tasks: int = 20, seed: int = 0, device: torch.device | str | None = None, *, dataset: str = "mnist"
) -> TaskSuite:
    """Return PermutedMNIST: in each task the 784 pixels are shuffled in its own fixed way.

    The permutation of a task depends on (seed, task) alone. Labels are the ten digits in every task.

    Args:
        dataset: "mnist", or another of its format: "fashion_mnist"; "kmnist" and "emnist" (47 classes, its balanced
            split) once `supsup_lite.data.download` has fetched them.

    Raises:
        ValueError: num_tasks is less than 1, or the data set is not one of these.
        TypeError: num_tasks or seed is not a whole number.
        DataError: the data are not there.
    """
    num_tasks, seed = check_count(num_tasks), check_seed(seed)
    return permuted_suite(grey_data_set(dataset, device), num_tasks, seed)


@isolated
def rotated_mnist(
    num_tasks: int = ROTATIONS,
    seed: int | None = None,
    device: torch.device | str | None = None,
    *,
    dataset: str = "mnist",
) -> TaskSuite:
    """Return RotatedMNIST: task i shows every digit turned by 10 i degrees, counter-clockwise.

    Pixels are interpolated bilinearly, and what turns in from outside is black. The angles do not depend on the
    seed, which is accepted because every suite has one; the suite's own is None, since nothing is drawn.

    Args:
        dataset: as in `permuted_mnist`.

    Raises:
        ValueError: num_tasks is not in 1..36 (36 turns of 10 degrees are a full circle), or the data set is unknown.
        TypeError: num_tasks or seed is not a whole number.
        DataError: the data are not there.
    """
    num_tasks = check_count(num_tasks, ROTATIONS)
    if seed is not None:
        check_seed(seed)
    return rotated_suite(grey_data_set(dataset, device), num_tasks)


@isolated
def split_mnist(
    num_tasks: int = 5, seed: int | None = None, device: torch.device | str | None = None, *, dataset: str = "mnist"
) -> TaskSuite:
    """Return SplitMNIST: five tasks of two digits each, 0-1, 2-3, ..., 8-9.

    With a seed the ten digits come to the tasks in a random order. Labels are 0 and 1 in every task; a task's
    `classes` say which digits they stand for.

    Args:
        dataset: as in `permuted_mnist`; the 47 classes of "emnist" make up to 23 tasks.

    Raises:
        ValueError: num_tasks is not in 1..5, or the data set is unknown.
        TypeError: num_tasks or seed is not a whole number.
        DataError: the data are not there.
    """
    num_tasks, seed = check_count(num_tasks), None if seed is None else check_seed(seed)
    source = grey_data_set(dataset, device)
    return split_suite(source, check_count(num_tasks, len(source.classes) // 2), 2, seed)


@isolated
def split_fashion_mnist(
    num_tasks: int = 5, seed: int | None = None, device: torch.device | str | None = None
) -> TaskSuite:
    """Return SplitFashionMNIST: five tasks of two kinds of clothes each; otherwise as `split_mnist`."""
    return split_mnist(num_tasks, seed, device, dataset="fashion_mnist")


def check_count(num_tasks: int, most: int | None = None) -> int:
    """Return a number of tasks as an int, if it is in 1..most."""
    count = check_whole("num_tasks", num_tasks)
    if most is not None and count > most:
        raise ValueError(f"num_tasks must be in 1..{most}, got {count}.")
    return count


def grey_data_set(name: str, device: torch.device | str | None) -> DataSet:
    """Return one of the data sets `GREY`, as its suites see it."""
    where = resolve(device)
    if check_choice("dataset", name, GREY) in ("kmnist", "emnist"):
        return online_data_set(name, cache_folder(), str(where))
    halves, classes = (mnist(where), DIGITS) if name == "mnist" else (fashion_mnist(where), CLOTHES)
    return DataSet(name, *halves, *NORMALISATION[name], classes)


def permuted_suite(source: DataSet, num_tasks: int, seed: int) -> TaskSuite:
    """Return a suite of all classes, whose tasks each shuffle the pixels in their own way, by (seed, task)."""
    size = source.train.pixels[0].numel()
    check_memory(f"{num_tasks:,} permutations of {size} pixels", 16 * num_tasks * size, torch.device("cpu"))
    shuffles = np.stack([generator("permutation", seed, task).permutation(size) for task in range(num_tasks)])
    permutations = torch.from_numpy(shuffles).to(source.train.device)
    return _whole_suite(
        source, "permuted", seed, [f"permutation {i}" for i in range(num_tasks)], permutations=permutations
    )


def rotated_suite(source: DataSet, num_tasks: int) -> TaskSuite:
    """Return a suite of all classes, whose task i shows each image turned by 10 i degrees, counter-clockwise."""
    degrees = [DEGREES * i for i in range(num_tasks)]
    grids = rotation_grids(degrees, *source.train.shape).to(source.train.device)
    return _whole_suite(source, "rotated", None, [f"{angle} degrees" for angle in degrees], grids=grids)


def rotation_grids(degrees: Sequence[float], height: int, width: int) -> Tensor:
    """Return for each angle, counter-clockwise, where each pixel of the turned image is looked up: [k, h, w, 2]."""
    angles = list(map(math.radians, degrees))
    # grid_sample asks, for each output pixel, where to look in the input: the inverse rotation (y points down). It
    # counts height and width as 2 each, so in an image that is not square a step along one is longer than one along
    # the other.
    turns = torch.tensor(
        [
            [[math.cos(a), -math.sin(a) * height / width, 0], [math.sin(a) * width / height, math.cos(a), 0]]
            for a in angles
        ],
        dtype=torch.float32,
        device="cpu",
    )
    return F.affine_grid(turns, [len(angles), 1, height, width], align_corners=False)


def split_suite(source: DataSet, num_tasks: int, classes_per_task: int, seed: int | None) -> TaskSuite:
    """Return a suite whose tasks each have some of the classes, in their order, or in one drawn by a seed."""
    total = len(source.classes)
    order = np.arange(total) if seed is None else generator("class order", seed).permutation(total)
    groups = order[: num_tasks * classes_per_task].reshape(num_tasks, classes_per_task).tolist()
    members = [
        [torch.isin(half.labels, torch.tensor(labels, device=half.labels.device)) for labels in groups]
        for half in (source.train, source.test)
    ]
    rows = [[chosen.nonzero().flatten() for chosen in half] for half in members]
    names = tuple(" or ".join(source.classes[label] for label in labels) for labels in groups)
    return subset_suite(source, "split", seed, names, groups, rows)


def subset_suite(
    source: DataSet,
    kind: str,
    seed: int | None,
    names: tuple[str, ...],
    groups: list[list[int]],
    rows: list[list[Tensor]],
    grids: Tensor | None = None,
) -> TaskSuite:
    """Return a suite whose tasks each have some of the images.

    Args:
        groups: the labels of each task, in the order of its own labels: k lists of l.
        rows: for training and test, which images belong to each task: two lists of k.
        grids: how each task turns its images, [k, height, width, 2] (`rotation_grids`).
    """
    relabel = torch.zeros(len(groups), len(source.classes), dtype=torch.long, device="cpu")
    for task, labels in enumerate(groups):
        relabel[task, labels] = torch.arange(len(labels), device="cpu")
    relabel = relabel.to(source.train.labels.device)
    views = [
        View(
            half,
            source.mean,
            source.std,
            tuple(map(len, members)),
            grids=grids,
            members=torch.nn.utils.rnn.pad_sequence(members, batch_first=True),
            relabel=relabel,
        )
        for half, members in zip((source.train, source.test), rows, strict=True)
    ]
    classes = tuple(tuple(source.classes[label] for label in labels) for labels in groups)
    return TaskSuite(kind, source.name, seed, tuple(range(len(groups))), names, classes, *views)


def _whole_suite(source: DataSet, kind: str, seed: int | None, names: list[str], **transform: Tensor) -> TaskSuite:
    """Return a suite whose tasks each see all of the data set, through their own transform."""

    def seen(half: Images) -> View:
        return View(half, source.mean, source.std, (len(half),) * len(names), **transform)

    classes = (source.classes,) * len(names)
    views = seen(source.train), seen(source.test)
    return TaskSuite(kind, source.name, seed, tuple(range(len(names))), tuple(names), classes, *views)
