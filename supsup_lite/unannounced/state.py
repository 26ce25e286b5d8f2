"""What a learner knows after each batch, as one value that is never changed (SupSup, "Scenario NNs").

A batch is read when the next state takes the place of this one, in one assignment. So wherever a reader is
interrupted, a batch is read wholly or not at all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from supsup_lite.data.streams import Batch
from supsup_lite.learning.optimizers import make_optimizer
from supsup_lite.masks.edge_popup import Scores
from supsup_lite.masks.store import MaskStore
from supsup_lite.recipes import Recipe
from supsup_lite.unannounced.novelty import Record


class Log:
    """A sequence to which one more entry makes a new sequence, without copying those before.

    All that grow from one share a list. An entry that was added to a sequence and then given up is overwritten, so of
    two that grow from the same one only the later is valid.
    """

    def __init__(self, entries: Iterable = ()):
        self._entries = list(entries)
        self._count = len(self._entries)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator:
        return iter(self._entries[: self._count])

    @property
    def last(self) -> Any:
        """The last entry."""
        return self._entries[self._count - 1]

    def plus(self, entry: object) -> "Log":
        """Return this sequence and one more entry."""
        longer = Log()
        longer._entries, longer._count = self._entries, self._count + 1
        self._entries[self._count :] = [entry]
        return longer


class Training:
    """The scores of the mask in use, and their optimiser.

    Attributes:
        scores: for each weight of the network float [1, *shape], leaves.
        optimizer: of the recipe, over the scores.
    """

    def __init__(self, scores: Scores, recipe: Recipe):
        self.scores = {name: values.detach().clone().requires_grad_(True) for name, values in scores.items()}
        self.optimizer, _ = make_optimizer(list(self.scores.values()), recipe)
        self._recipe = recipe
        self._next: Training | None = None

    def stepped(self, loss: Tensor) -> "Training":
        """Return the training after one step down the loss, which was computed from these scores.

        torch's optimisers work in place, so this step is done on a copy. The two take turns: what this returns is
        overwritten when `stepped` is called on this again, and this when it is called on what it returns.
        """
        if self._next is None:
            self._next = Training(self.scores, self._recipe)
            self._next._next = self
        following = self._next
        following._copy(self)
        self.optimizer.zero_grad(set_to_none=True)
        # Each gradient is laid out in memory as its scores are: a fused optimiser relies on that.
        loss.backward(inputs=list(self.scores.values()))
        for mine, theirs in zip(self.scores.values(), following.scores.values(), strict=True):
            theirs.grad = mine.grad
        following.optimizer.step()
        return following

    @torch.no_grad()
    def _copy(self, other: "Training") -> None:
        for mine, theirs in zip(self.scores.values(), other.scores.values(), strict=True):
            mine.copy_(theirs)
            held, wanted = self.optimizer.state[mine], other.optimizer.state.get(theirs, {})
            if held.keys() == wanted.keys():  # into the same memory: a fresh copy would take half as long again
                for key, value in wanted.items():
                    held[key].copy_(value)
            else:  # the first steps, and an interrupted first one
                self.optimizer.state[mine] = {key: value.clone() for key, value in wanted.items()}


@dataclass(frozen=True)
class State:
    """What a learner knows.

    Attributes:
        store: the k masks, of which the one in use may lie behind its scores, and untrained ones of the next numbers.
        records: of the k masks.
        active: the mask in use, or None.
        training: of the mask in use, or None.
        since: batches since the last decision.
        held: the last batches, which nobody knows, with their numbers.
        used: for each batch the mask that learned from it, or SET_ASIDE.
        decisions: the log.
    """

    store: MaskStore
    records: tuple[Record, ...] = ()
    active: int | None = None
    training: Training | None = None
    since: int = 0
    held: tuple[tuple[int, Batch], ...] = ()
    used: Log = field(default_factory=Log)
    decisions: Log = field(default_factory=Log)
