"""Streams: batches of one task after the other, with no word about which task it is (SupSup, "Scenario NNs")."""

import functools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_seed, check_whole
from supsup_lite.data.batches import batch_order
from supsup_lite.data.tasks import TaskSuite, check_suite
from supsup_lite.devices import free_memory
from supsup_lite.seeding import generator

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

    @isolated
    def since(self, start: int) -> Iterator[Batch]:
        """Yield the batches from number `start` on: the same ones as if those before had been read.

        Raises:
            TypeError, ValueError: start is no whole number, 0 or more.
        """
        start = check_whole("start", start, least=0)
        orders = functools.lru_cache(64)(self._order)  # a long stream does not hold those of all its tasks
        seen = dict.fromkeys([NOISE, *range(len(self.tasks))], 0)
        for step, task in enumerate(self.truth.tolist()):
            position, seen[task] = seen[task], seen[task] + 1
            if step < start:
                continue
            yield self._noise(position) if task == NOISE else self.tasks[task].train.batch(orders(task)[position])

    def _order(self, task: int) -> Tensor:
        """Return which images each batch of a task sees: int64 [batches of the task, batch]."""
        return batch_order(self.tasks[task : task + 1], int((self.truth == task).sum()), self.batch, self.seed)[0]

    def _noise(self, position: int) -> Batch:
        draw = generator("noise", self.seed, position)
        view = self.tasks.train_view
        least, most = view.images.range
        pixels = torch.from_numpy(draw.random((self.batch, math.prod(view.images.shape)), dtype="float32"))
        y = torch.from_numpy(draw.integers(0, self.tasks.num_classes, self.batch))
        x = pixels.to(self.tasks.device).mul_(most - least).add_(least)
        return view.normalised(x), y.to(self.tasks.device)


@isolated
def stream_of(tasks: TaskSuite, plan: Iterable[tuple[int, int]], batch: int = 128, seed: int = 0) -> Stream:
    """Return a stream that follows a plan: [(0, 300), (1, 150), (0, 50)] is 300 batches of task 0, then 150 of 1, ...

    Args:
        tasks: k tasks.
        plan: pairs (task, batches), task in 0..k-1 or `NOISE`.
        batch: images in a batch.
        seed: of the order of the images and of the noise.

    Raises:
        TypeError, ValueError: the plan is empty, names a task that is not there, or counts no batches.
        MemoryError: there is not the memory to count its batches.
    """
    check_suite(tasks)
    batch, seed = check_whole("batch", batch), check_seed(seed)
    pairs = [_entry(entry, len(tasks)) for entry in _entries(plan)]
    if not pairs:
        raise ValueError("the plan is empty: give at least one pair (task, batches).")
    _check_memory(pairs, batch)
    numbers, lengths = torch.tensor(pairs, device="cpu").T
    return Stream(tasks, tuple(pairs), batch, seed, numbers.repeat_interleave(lengths))


def _entries(plan: Iterable) -> list:
    try:
        return list(plan)
    except TypeError:
        raise TypeError(f"the plan must be pairs (task, batches), got {plan!r}.") from None


def _entry(entry: Sequence, k: int) -> tuple[int, int]:
    """Return one pair (task, batches) of a plan, if it makes sense for k tasks."""
    try:
        task, batches = entry
    except (TypeError, ValueError):
        raise TypeError(f"a plan is made of pairs (task, batches), got {entry!r}.") from None
    task, batches = check_whole("a task of the plan", task, least=NOISE), check_whole("batches", batches)
    if task >= k:
        raise ValueError(f"a plan names tasks 0..{k - 1}, or {NOISE} for noise, got {task}.")
    return task, batches


def _check_memory(pairs: Sequence[tuple[int, int]], batch: int) -> None:
    """Raise MemoryError unless all batches can be numbered, and the images of the longest task put in order."""
    lengths: Counter[int] = Counter()
    for task, batches in pairs:
        lengths[task] += batches
    need = 16 * lengths.total() + 20 * batch * max(lengths.values())  # bytes: two numbers a batch, 2.5 an image
    free = free_memory(torch.device("cpu"))
    if need > free:
        raise MemoryError(
            f"a stream of {lengths.total()} batches of {batch} images needs {need / 2**20:.0f} MB to say what comes "
            f"when, and {free / 2**20:.0f} MB are free: plan fewer batches."
        )
