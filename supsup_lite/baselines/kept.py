"""What a method keeps of its tasks, in one form for all: shared and task-specific tensors, and the bytes of both.

Whatever a method does, in the end it has weights for each task: W * M_i, W * s r^T, W C_i, or a network of its own.
So one function measures them all (`evaluation.measure`), and bytes are counted here alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_position
from supsup_lite.data.tasks import TaskIdentity, TaskSuite
from supsup_lite.learning.learn import task_batches
from supsup_lite.learning.statistics import task_statistics
from supsup_lite.masks.apply import under_mask
from supsup_lite.masks.fits import check_fits
from supsup_lite.masks.statistics import statistics_of
from supsup_lite.masks.store import MaskStore
from supsup_lite.masks.weights import Weights
from supsup_lite.networks.batch_norm import Statistics
from supsup_lite.networks.network import Network
from supsup_lite.recipes import Recipe


@dataclass(frozen=True, eq=False, repr=False)
class Kept:
    """What a method keeps of k tasks. Its kinds say how the weights of one task come of it.

    What a seed draws (the base network, PSP's contexts) is not kept: a seed is 8 bytes, whatever it draws, and is not
    counted. All else counts, in the precision in which it is kept.

    Attributes:
        net: the base network, whose random weights stand in where nothing shared is kept.
        identities: of the k tasks.
        shared: what all tasks share and is kept once, by the weight's name: float [*shape].
        task_specific: tensors [k, ...], a row for each task; the statistics of batch norm too, by the norm's name.
        steps: updates that it took, over all tasks.
    """

    net: Network
    identities: tuple[TaskIdentity, ...]
    shared: Weights
    task_specific: Weights
    steps: int

    def __post_init__(self):
        object.__setattr__(self, "_fingerprint", self.net.fingerprint())

    def __len__(self) -> int:
        return len(self.identities)

    def check_network(self) -> None:
        """Raise ValueError where the weights of the network were changed since, which all that is kept builds on."""
        if self.net.fingerprint() != self._fingerprint:
            raise ValueError(f"the weights of {self.net!r} were changed since {self!r} was trained: build it anew.")

    @isolated
    def weights(self, i: int) -> Weights:
        """Return the weights with which the network computes task i: for each of `net.weights()` float [*shape]."""
        self.check_network()
        return self._weights(check_position(i, len(self), "method's result", "task"))

    def _weights(self, i: int) -> Weights:
        raise NotImplementedError

    def statistics(self, i: int) -> Statistics | None:
        """Return what batch norm uses for task i, [2, channels] for each norm; None where nothing is kept."""
        i = check_position(i, len(self), "method's result", "task")
        return {name: self.task_specific[name][i] for name in self.net.norms() if name in self.task_specific} or None

    @property
    def shared_nbytes(self) -> int:
        """Bytes that are kept once."""
        return _nbytes(self.shared)

    @property
    def task_specific_nbytes(self) -> int:
        """Bytes of what is kept for each task, of all k together."""
        return _nbytes(self.task_specific)

    @property
    def nbytes(self) -> int:
        """Bytes in all."""
        return self.shared_nbytes + self.task_specific_nbytes

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} tasks: {self.nbytes:,} bytes, {self.steps:,} steps>"


def joined(parts: Sequence[Kept]) -> Kept:
    """Return what a method keeps of several parts of its tasks, learned in this order: the last has what all share."""
    last = parts[-1]
    rows = {name: torch.cat([part.task_specific[name] for part in parts]) for name in last.task_specific}
    identities = tuple(identity for part in parts for identity in part.identities)
    return replace(last, identities=identities, task_specific=rows, steps=sum(part.steps for part in parts))


def with_statistics(kept: Kept, tasks: TaskSuite, seed: int, recipe: Recipe) -> Kept:
    """Return what was kept, with the statistics of batch norm that each task has under its weights as they are now.

    They are measured as those of masks are (`task_statistics`), on the task's first batches. They stay as they are when
    later tasks change what is shared: then the task's images are gone.
    """
    if not kept.net.norms():
        return kept
    rows = []
    for i in range(len(tasks)):
        weights = {name: values[None] for name, values in kept.weights(i).items()}
        rows.append(task_statistics(kept.net, weights, task_batches(tasks[i : i + 1], recipe, seed)))
    statistics = {name: torch.cat([row[name] for row in rows]) for name in kept.net.norms()}
    return replace(kept, task_specific=kept.task_specific | statistics)


def _nbytes(tensors: dict[str, Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


@dataclass(frozen=True, eq=False, repr=False)
class Masked(Kept):
    """SupSup: a mask for each task, packed eight weights a byte.

    Attributes:
        masks: the store of the k masks.
    """

    masks: MaskStore

    def _weights(self, i: int) -> Weights:
        return under_mask(self.net.weights(), self.masks[i])

    def statistics(self, i: int) -> Statistics | None:
        return statistics_of(self.masks[i])

    @property
    def task_specific_nbytes(self) -> int:
        return self.masks.nbytes


def masked(net: Network, masks: MaskStore, tasks: TaskSuite, steps: int) -> Masked:
    """Return masks as what a method keeps, to be measured beside its rivals.

    Args:
        masks: those of the k tasks, in their order.
        steps: updates that they took, over all tasks.

    Raises:
        TypeError, ValueError: the masks are not those of the tasks, one by one.
    """
    if check_fits(net, masks, tasks) != tuple(range(len(masks))):
        raise ValueError(f"masks must be those of {tasks!r}, one by one in their order: learn them so, or slice both.")
    return Masked(net, tasks.identities, {}, {}, steps, masks)
