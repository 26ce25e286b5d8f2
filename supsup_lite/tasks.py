"""Suites of tasks. A task is a view of one data set: a permutation, a rotation, or a subset of its classes."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from supsup_lite import data
from supsup_lite.devices import resolve
from supsup_lite.seeding import check_seed, generator
from supsup_lite.views import TaskImages, View

# Mean and standard deviation of the training pixels, scaled to 0..1. Test: tests/test_tasks.py computes them.
NORMALISATION = {"mnist": (0.1307, 0.3081), "fashion_mnist": (0.2860, 0.3530)}
DEGREES = 10
ROTATIONS = 36


@dataclass(frozen=True, eq=False)
class Task:
    """One task of a suite: `train` and `test` images, its `number` in the suite, its `name`, its `classes`."""

    number: int
    name: str
    classes: tuple[str, ...]
    train: TaskImages
    test: TaskImages


@dataclass(frozen=True, eq=False)
class TaskSuite:
    """An ordered list of tasks over one data set, all on one device.

    `suite[3]` is a `Task`, `suite[:5]` a suite again; `len` and iteration work. A task keeps its number when a
    suite is sliced, so a mask learned for it does not depend on its company.

    Attributes:
        kind: "permuted", "rotated" or "split"; with `dataset` and `seed`, where the tasks come from.
        numbers: the number of each task.
        names: one line about each task.
        classes: the names of each task's classes.
        train_view, test_view: all the tasks at once, for code that works on many tasks in one batch.
    """

    kind: str
    dataset: str
    seed: int | None
    numbers: tuple[int, ...]
    names: tuple[str, ...]
    classes: tuple[tuple[str, ...], ...]
    train_view: View
    test_view: View

    @property
    def num_classes(self) -> int:
        """The number of classes l of every task."""
        return len(self.classes[0])

    @property
    def input_shape(self) -> tuple[int, int]:
        """Height and width of an image; batches are flat, with D = height * width."""
        return tuple(self.train_view.images.pixels.shape[1:])

    @property
    def device(self) -> torch.device:
        """Where the images live."""
        return self.train_view.images.pixels.device

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Task]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: int | slice) -> "Task | TaskSuite":
        if isinstance(key, slice):
            return self._select(range(len(self))[key])
        if isinstance(key, bool) or not hasattr(key, "__index__"):
            raise TypeError(f"a task is chosen by a whole number or a slice, got {key!r}.")
        i = key.__index__()
        if not -len(self) <= i < len(self):
            raise IndexError(f"this suite has {len(self)} tasks, so there is no task {i}.")
        i %= len(self)
        one = self._select([i])
        return Task(
            self.numbers[i],
            self.names[i],
            self.classes[i],
            TaskImages(one.train_view),
            TaskImages(one.test_view),
        )

    def __repr__(self) -> str:
        return f"<{len(self)} tasks: {self.kind} {self.dataset}, seed {self.seed}, {self.num_classes} classes each>"

    def _select(self, chosen: Sequence[int]) -> "TaskSuite":
        if not len(chosen):
            raise ValueError("a suite needs at least one task: this slice has none.")
        return replace(
            self,
            numbers=tuple(self.numbers[i] for i in chosen),
            names=tuple(self.names[i] for i in chosen),
            classes=tuple(self.classes[i] for i in chosen),
            train_view=self.train_view.select(chosen),
            test_view=self.test_view.select(chosen),
        )


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
    turns = torch.tensor([[[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0]] for a in angles])
    grids = F.affine_grid(turns, [num_tasks, 1, 28, 28], align_corners=False).to(where)
    names = [f"{DEGREES * i} degrees" for i in range(num_tasks)]
    return _whole_suite("rotated", seed, names, where, grids=grids)


def split_mnist(num_tasks: int = 5, seed: int | None = None, device: torch.device | str | None = None) -> TaskSuite:
    """Return SplitMNIST: five tasks of two digits each, 0-1, 2-3, ..., 8-9.

    With a seed the ten digits are dealt to the tasks in a random order. Labels are 0 and 1 in every task; a task's
    `classes` say which digits they stand for.

    Raises:
        ValueError: num_tasks is not in 1..5.
        TypeError: num_tasks or seed is not a whole number.
    """
    return _split_suite("mnist", data.mnist, [str(digit) for digit in range(10)], num_tasks, seed, device)


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
    relabel = torch.zeros(num_tasks, len(class_names), dtype=torch.long)
    for task, labels in enumerate(dealt):
        relabel[task, labels] = torch.arange(per_task)
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
