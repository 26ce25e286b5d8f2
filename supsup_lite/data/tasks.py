"""Suites of tasks. A task is a view of one data set: a permutation, a rotation, or a subset of its classes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from supsup_lite.checks import check_position, check_seed
from supsup_lite.data.views import TaskImages, View

MANY = 4  # classes, beyond which a line names the first and the last alone


@dataclass(frozen=True)
class TaskIdentity:
    """What makes a task the task that it is. Two tasks with one identity have the same images and labels.

    Attributes:
        kind: of its suite: "permuted", "rotated", "split", "split rotated" or "each".
        dataset: the data set; for tensors of one's own its name and a digest of them (`tasks_of`).
        seed: what the suite was drawn with, or None where nothing was.
        number: of the task in its whole suite.
        classes: their names, in the order of the labels.

    Raises:
        TypeError, ValueError: one of them makes no sense.
    """

    kind: str
    dataset: str
    seed: int | None
    number: int
    classes: tuple[str, ...]

    def __post_init__(self):
        texts = (self.kind, self.dataset, *(self.classes if isinstance(self.classes, tuple) else [self.classes]))
        if not isinstance(self.classes, tuple) or not all(isinstance(text, str) for text in texts):
            raise TypeError(f"kind and dataset must be text, and classes a tuple of text, got {texts!r}.")
        if self.seed is not None:
            object.__setattr__(self, "seed", check_seed(self.seed))
        object.__setattr__(self, "number", check_seed(self.number, "number"))

    def __str__(self) -> str:
        first, last = self.classes[:1], self.classes[-1:]
        named = self.classes if len(self.classes) <= MANY else (*first, f"... ({len(self.classes)} in all)", *last)
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"task {self.number} of {self.kind} {self.dataset}{seed}, classes {', '.join(named)}"


@dataclass(frozen=True, eq=False)
class Task:
    """One task of a suite: `train` and `test` images, its `number` in the suite, its `name`, its `classes`.

    Its `identity` says which task of all it is, so that its mask is known again.
    """

    number: int
    name: str
    classes: tuple[str, ...]
    train: TaskImages
    test: TaskImages
    identity: TaskIdentity


@dataclass(frozen=True, eq=False)
class TaskSuite:
    """An ordered list of tasks over one data set, all on one device.

    `suite[3]` is a `Task`, `suite[:5]` a suite again; `len` and iteration work. A task keeps its number when a
    suite is sliced, so a mask learned for it does not depend on its company.

    Attributes:
        kind: "permuted", "rotated", "split", "split rotated" or "each"; with `dataset` and `seed`, where the tasks come
            from.
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
    def identities(self) -> tuple[TaskIdentity, ...]:
        """Which task of all each one is: what a mask store keeps beside a mask."""
        return tuple(
            TaskIdentity(self.kind, self.dataset, self.seed, number, classes)
            for number, classes in zip(self.numbers, self.classes, strict=True)
        )

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Height and width of an image (1 and D where images are flat); channels before them where there is colour.

        Batches are flat, [B, D] with D their product: `x.view(-1, 3, 32, 32)` are images again, without a copy.
        """
        return self.train_view.images.shape

    @property
    def device(self) -> torch.device:
        """Where the images live."""
        return self.train_view.images.device

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Task]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: int | slice) -> "Task | TaskSuite":
        chosen = check_position(key, len(self), "suite", "task")
        if isinstance(chosen, range):
            return self._select(chosen)
        i, one = chosen, self._select([chosen])
        return Task(
            self.numbers[i],
            self.names[i],
            self.classes[i],
            TaskImages(one.train_view),
            TaskImages(one.test_view),
            one.identities[0],
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


def check_suite(tasks: TaskSuite) -> None:
    """Raise TypeError unless it is a suite of tasks."""
    if not isinstance(tasks, TaskSuite):
        raise TypeError(
            f"tasks must be a suite such as permuted_mnist(), or a slice of one, got {type(tasks).__name__}."
        )
