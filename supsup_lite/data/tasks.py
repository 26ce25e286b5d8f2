"""Suites of tasks. A task is a view of one data set: a permutation, a rotation, or a subset of its classes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from supsup_lite.data.views import TaskImages, View


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
