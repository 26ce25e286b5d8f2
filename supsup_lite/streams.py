"""Streams: batches of one task after the other, with no word about which task it is (SupSup, "Scenario NNs")."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from supsup_lite.learning import batch_order
from supsup_lite.recipes import Recipe, check_whole
from supsup_lite.seeding import check_seed, generator
from supsup_lite.tasks import NORMALISATION, TaskSuite

NOISE = -1  # in place of a task: random pixels with random labels
SET_ASIDE = -1  # in place of a mask: nothing was learned from the batch
Batch = tuple[Tensor, Tensor]  # images [B, D] and labels [B]


@dataclass(frozen=True, eq=False)
class Stream:
    """Labelled batches (x, y) of several tasks. Iterating tells the learner nothing else.

    A task that comes back goes on with its own images where it stopped: over the whole stream each task sees the
    batches, in the order, of `learn_masks` with the same seed.

    Attributes:
        tasks: the suite that the batches are from.
        plan: what comes when, as (task, batches) pairs; task `NOISE` is images of random pixels with random labels.
        batch: images in a batch.
        seed: decides the order of the images and the noise.
        truth: the task of each batch, long [batches]. For those who judge, not for the learner.
    """

    tasks: TaskSuite
    plan: tuple[tuple[int, int], ...]
    batch: int
    seed: int
    truth: Tensor

    def __len__(self) -> int:
        return len(self.truth)

    def __iter__(self) -> Iterator[Batch]:
        return self.since(0)

    def since(self, start: int) -> Iterator[Batch]:
        """Yield the batches from number `start` on: the same ones as if those before had been read."""
        orders = functools.lru_cache(64)(self._order)  # a long stream does not hold those of all its tasks
        seen = dict.fromkeys([NOISE, *range(len(self.tasks))], 0)
        for step, task in enumerate(self.truth.tolist()):
            position, seen[task] = seen[task], seen[task] + 1
            if step < start:
                continue
            yield self._noise(position) if task == NOISE else self.tasks[task].train.batch(orders(task)[position])

    def _order(self, task: int) -> Tensor:
        """Return which images each batch of a task sees: int64 [batches of the task, batch]."""
        recipe = Recipe(
            int((self.truth == task).sum()), self.batch, "adam", 1.0
        )  # of which only the counts matter here
        return batch_order(self.tasks[task : task + 1], recipe, self.seed)[0]

    def _noise(self, position: int) -> Batch:
        draw = generator("noise", self.seed, position)
        height, width = self.tasks.input_shape
        mean, std = NORMALISATION[self.tasks.dataset]
        x = torch.from_numpy(draw.random((self.batch, height * width), dtype="float32")).sub_(mean).div_(std)
        y = torch.from_numpy(draw.integers(0, self.tasks.num_classes, self.batch))
        return x.to(self.tasks.device), y.to(self.tasks.device)


def stream_of(tasks: TaskSuite, plan: Sequence[tuple[int, int]], batch: int = 128, seed: int = 0) -> Stream:
    """Return a stream that follows a plan: [(0, 300), (1, 150), (0, 50)] is 300 batches of task 0, then 150 of 1, ...

    Args:
        tasks: k tasks.
        plan: pairs (task, batches), task in 0..k-1 or `NOISE`.
        batch: images in a batch.
        seed: of the order of the images and of the noise.

    Raises:
        TypeError, ValueError: the plan is empty, names a task that is not there, or counts no batches.
    """
    if not isinstance(tasks, TaskSuite):
        raise TypeError(f"tasks must be a suite such as permuted_mnist(), got {type(tasks).__name__}.")
    check_whole("batch", batch)
    check_seed(seed)
    if not len(plan):
        raise ValueError("the plan is empty: give at least one pair (task, batches).")
    for entry in plan:
        if not isinstance(entry, (tuple, list)) or len(entry) != 2:
            raise TypeError(f"a plan is made of pairs (task, batches), got {entry!r}.")
        task, batches = entry
        check_whole("batches", batches)
        if isinstance(task, bool) or not isinstance(task, int) or not NOISE <= task < len(tasks):
            raise ValueError(f"a plan names tasks 0..{len(tasks) - 1}, or {NOISE} for noise, got {task!r}.")
    truth = torch.tensor([task for task, batches in plan for _ in range(batches)])
    return Stream(tasks, tuple((int(task), int(batches)) for task, batches in plan), batch, seed, truth)


@dataclass(frozen=True)
class Assignment:
    """How the masks of a learner fit the tasks of its stream, for those who know the truth.

    Attributes:
        batches: how many batches of task i mask j learned from: long [k, masks]. Noise does not count.
        owners: the task that each mask learned most from.
        purity: share of those batches whose mask belongs to their task.
        returns: how often a task came back, after another one or after noise.
        recognised: how often it then got, for most of its batches, the mask that had learned most of it, and that
            learned from no other task as much.
        set_aside: share of the tasks' batches that nothing was learned from.
    """

    batches: Tensor
    owners: tuple[int, ...]
    purity: float
    returns: int
    recognised: int
    set_aside: float


def assignment(stream: Stream, used: Sequence[int]) -> Assignment:
    """Judge which mask learned from which batch: `used` as `learn_unannounced(...).used`.

    Raises:
        ValueError: there is not one entry for each batch, or nothing was learned from any task.
    """
    if len(used) != len(stream):
        raise ValueError(f"the stream has {len(stream)} batches, but `used` has {len(used)} entries.")
    masks = torch.tensor(used)
    batches = torch.zeros(len(stream.tasks), int(masks.max()) + 1, dtype=torch.long)
    start, returns = 0, []  # of each return: the task, its old mask, and the mask that it got
    for task, length in stream.plan:
        segment = masks[start : start + length]
        chosen = segment[segment != SET_ASIDE]
        start += length
        if task == NOISE:
            continue
        if batches[task].any() and stream.truth[start - length - 1] != task:
            got = int(chosen.mode().values) if len(chosen) else SET_ASIDE
            returns.append((task, int(batches[task].argmax()), got))
        batches[task] += chosen.bincount(minlength=batches.shape[1])
    if not batches.any():
        raise ValueError("nothing was learned from any task: there is no mask to judge.")
    owners = batches.argmax(0)
    pure = batches[owners, torch.arange(len(owners))].sum() / batches.sum()
    offered = (stream.truth != NOISE).sum()
    recognised = sum(old == got and owners[old] == task for task, old, got in returns)
    aside = 1 - float(batches.sum() / offered)
    return Assignment(batches, tuple(owners.tolist()), float(pure), len(returns), int(recognised), aside)
