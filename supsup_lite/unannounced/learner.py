"""Scenario NNs: no batch says which task it is from, in learning or later (SupSup, "Scenario NNs").

The learner goes on with a mask that it recognises, or allocates a new one. Of a mask that is not in use it keeps one
bit a weight, and two numbers for its record. Scores and the optimiser's state exist for the mask in use alone.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_seed, check_whole
from supsup_lite.data.streams import SET_ASIDE, Batch, Stream
from supsup_lite.inference.objectives import objective_of
from supsup_lite.learning.optimizers import as_gradients_come, make_optimizer
from supsup_lite.masks.apply import Mask, apply_mask, forward_tasks
from supsup_lite.masks.bits import unpack_bits
from supsup_lite.masks.edge_popup import Scores, init_scores, masked_weight
from supsup_lite.masks.store import MaskStore
from supsup_lite.masks.superposition import mean_gradient
from supsup_lite.networks.network import Network, check_images, check_network
from supsup_lite.recipes import STEADY, Recipe, check_recipe
from supsup_lite.unannounced.novelty import Look, Record, RecordRule, Rule


@dataclass(frozen=True)
class Decision:
    """One decision of the learner.

    Attributes:
        step: the number of the batch.
        gradient: dH/dalpha of the k masks and, last, of an untrained one: float [k + 1], on the CPU.
        mask: the mask to go on with, or SET_ASIDE where nobody knows the batch and none is allocated (yet).
        new: the mask was allocated here.
        due: a block was over; otherwise the mask in use was in doubt.
    """

    step: int
    gradient: Tensor
    mask: int
    new: bool
    due: bool


class StreamLearner:
    """Learns from batches without task ids, one `feed(x, y)` after the other; `learn_unannounced` reads a whole stream.

    Attributes:
        decisions: the log.
        used: for each batch the mask that learned from it, or SET_ASIDE.
    """

    @isolated
    def __init__(self, net: Network, num_classes: int, rule: Rule, recipe: Recipe, every: int, budget: int, seed: int):
        _check(net, num_classes, recipe, every, budget, seed)
        self.net, self.rule, self.recipe, self.every, self.budget, self.seed = net, rule, recipe, every, budget, seed
        self.num_classes = num_classes
        self.decisions: list[Decision] = []
        self.used: list[int] = []
        about = {"num_classes": num_classes, "recipe": asdict(recipe), "seed": seed, "rule": repr(rule), "every": every}
        self._store = MaskStore(net, about)  # the k masks and, last, the untrained one that comes next
        self._store.append(_bits(init_scores(net, [0], seed)))
        self._records: list[Record] = []  # of the k masks
        self._weights = {name: as_gradients_come(weight) for name, weight in net.weights().items()}
        self._active: int | None = None
        self._since = 0  # batches since the last decision
        self._held: list[tuple[int, Batch]] = []  # the last batches, which nobody knows

    @property
    def masks(self) -> MaskStore:
        """The k masks so far, the one in use as it is now."""
        if self._active is not None:
            self._store.replace(self._active, _bits(self._scores))
        return self._store[: len(self._records)]

    @isolated
    def feed(self, x: Tensor, y: Tensor) -> int:
        """Learn from one batch, images float [B, D] and labels long [B]; return the mask that did, or SET_ASIDE."""
        x = check_images(self.net, x)
        step, due = len(self.used), self._active is None or self._since >= self.every
        self.used.append(SET_ASIDE)
        if not due:
            loss, right = self._loss(x, y)
            evidence = self._records[self._active].evidence(right, len(y), 1 / self.num_classes)
            if not self.rule.doubts(evidence):
                self._held.clear()
                self._train(step, loss, right, len(y))
                return self.used[step]
        gradient = self._gradient(x)
        chosen = self.rule.recognise(self._look(gradient, x, y))
        new = False
        if chosen is not None:
            self._held.clear()
            if chosen != self._active:
                self._leave()
                self._resume(chosen)
            self._train(step, *self._loss(x, y), len(y))
        elif len(self._records) < self.budget:
            self._held.append((step, (x, y)))
            if len(self._held) >= self.rule.patience:
                chosen, new = self._allocate(), True
        if chosen is not None:
            self._since = 1
        self.decisions.append(Decision(step, gradient.cpu(), SET_ASIDE if chosen is None else chosen, new, due))
        return self.used[step]

    def _gradient(self, x: Tensor) -> Tensor:
        """Return dH/dalpha of the k masks and the untrained one, at equal alphas, mean over the batch: [k + 1]."""
        candidates = len(self.masks) + 1
        alphas = torch.full((candidates,), 1 / candidates, device=x.device, dtype=x.dtype)
        return mean_gradient(self.net, self._store, alphas, x, lambda logits: objective_of(logits, "entropy"))

    def _look(self, gradient: Tensor, x: Tensor, y: Tensor) -> Look:
        def right(i: int) -> int:
            return int((apply_mask(self.net, self._store[i], x).argmax(1) == y).sum())

        return Look(gradient, self._records, self._active, len(y), 1 / self.num_classes, right)

    @torch.enable_grad()
    def _loss(self, x: Tensor, y: Tensor) -> tuple[Tensor, int]:
        """Return the loss under the mask in use, differentiable in its scores, and how many answers are right."""
        masked = {name: masked_weight(self._weights[name], values, None) for name, values in self._scores.items()}
        logits = forward_tasks(self.net, masked, x[None])[0]
        return F.cross_entropy(logits, y), int((logits.argmax(1) == y).sum())

    def _train(self, step: int, loss: Tensor, right: int, images: int) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        self._records[self._active].add(right, images)
        self._since += 1
        self.used[step] = self._active

    def _allocate(self) -> int:
        """Take the untrained mask into use, draw the next one, and learn from the batches that were held."""
        fresh = len(self._records)
        self._records.append(Record())
        self._store.append(_bits(init_scores(self.net, [fresh + 1], self.seed)))
        self._use(fresh, init_scores(self.net, [fresh], self.seed))
        for step, (x, y) in self._held:
            self._train(step, *self._loss(x, y), len(y))
        self._held.clear()
        return fresh

    def _leave(self) -> None:
        """Give the newest mask back if it is in use and has learned nothing: it was allocated for noise."""
        newest = len(self._records) - 1
        if self._active != newest or not self.rule.doubts(self._records[newest].knows(1 / self.num_classes)):
            return
        self._records.pop()
        self._store = self._store[:newest]
        self._store.append(_bits(init_scores(self.net, [newest], self.seed)))
        self.used = [SET_ASIDE if mask == newest else mask for mask in self.used]
        self._active = None

    def _resume(self, mask: int) -> None:
        """Go on with a known mask: its bits are the signs of the scores, and the seed knows how large each one began.

        One size for all would be a trap: the optimiser's steps are alike, so all would cross 0 in the same step.
        """
        sizes, bits = init_scores(self.net, [mask], self.seed), self._store[mask]
        self._use(mask, {name: torch.where(bits[name], size.abs(), -size.abs()) for name, size in sizes.items()})

    def _use(self, mask: int, scores: Scores) -> None:
        _ = self.masks  # writes the mask used so far into the store
        self._active = mask
        self._scores = {name: as_gradients_come(values).requires_grad_(True) for name, values in scores.items()}
        self._optimizer, _ = make_optimizer(list(self._scores.values()), self.recipe)

    def state(self) -> dict[str, Any]:
        """Return all that the learner needs to go on after a kill: tensors, lists and numbers, for `torch.save`."""
        _ = self.masks
        return {
            "store": {name: self._store.packed(name) for name in self._store.shapes},
            "records": [(record.right, record.seen) for record in self._records],
            "decisions": [(d.step, d.gradient, d.mask, d.new, d.due) for d in self.decisions],
            "used": self.used,
            "active": self._active,
            "since": self._since,
            "held": self._held,
            "scores": None if self._active is None else {n: values.detach() for n, values in self._scores.items()},
            "optimizer": None if self._active is None else self._optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` returned, in a learner that was made with the same arguments."""
        self._store = self._store[:0]
        shapes = self._store.shapes
        for rows in zip(*(packed.split(50) for packed in state["store"].values()), strict=True):  # unpacked on the way
            self._store.extend(
                {
                    name: unpack_bits(part, math.prod(shapes[name])).unflatten(1, shapes[name])
                    for name, part in zip(state["store"], rows, strict=True)
                }
            )
        self._records = [Record(right, seen) for right, seen in state["records"]]
        self.decisions = [Decision(*fields) for fields in state["decisions"]]
        self.used, self._since, self._held = state["used"], state["since"], state["held"]
        if state["active"] is not None:
            self._use(state["active"], state["scores"])
            self._optimizer.load_state_dict(state["optimizer"])


def _bits(scores: Scores) -> Mask:
    return {name: values.detach()[0] >= 0 for name, values in scores.items()}


@isolated
def learn_unannounced(
    net: Network,
    stream: Stream,
    rule: Rule | None = None,
    *,
    recipe: Recipe = STEADY,
    every: int = 100,
    budget: int = 2500,
    seed: int = 0,
    progress: bool = True,
) -> StreamLearner:
    """Learn masks from a stream of batches, without ever being told the task (SupSup, "Scenario NNs").

    At the start of each block of `every` batches, and amid a block when the rule doubts the mask in use, the learner
    takes one gradient on alpha and decides. A task that comes back finds its old mask and goes on with it; a new task
    gets a new mask, with the scores that `learn_masks` draws for a task of that number. So where every task is told
    apart, the masks are those of `learn_masks`, bit for bit. Batches that nobody knows are held, and learned from
    once a mask is allocated; where it turns out that they were noise, they are set aside. So are all batches that
    nobody knows once the budget is spent.

    Args:
        net: the frozen base network.
        stream: batches (x, y), with labels shared between tasks. Only they are read, never `stream.truth`.
        rule: how to tell known from new; None is `RecordRule()`, which needs no tuning, `PaperRule()` is the paper's.
        recipe: optimiser and rate of the scores. The rate must be constant: when a task ends is not known.
        every: batches in a block.
        budget: how many masks there may be.
        seed: of the scores.
        progress: show a bar.

    Returns:
        The learner: `.masks` is a `MaskStore`, `.used` says which mask learned from which batch, `.decisions` is the
        log; `feed` goes on with further batches.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    if not isinstance(stream, Stream):
        raise TypeError(f"stream must be made by stream_of(tasks, plan), got {type(stream).__name__}.")
    classes = stream.tasks.num_classes
    learner = StreamLearner(net, classes, RecordRule() if rule is None else rule, recipe, every, budget, seed)
    for x, y in tqdm(
        stream, total=len(stream), desc="reading the stream", unit="batch", disable=not progress, leave=False
    ):
        learner.feed(x, y)
    return learner


def _check(net: Network, num_classes: int, recipe: Recipe, every: int, budget: int, seed: int) -> None:
    """Raise on arguments that make no sense, before any work is done."""
    check_network(net)
    for name, count in (("num_classes", num_classes), ("every", every), ("budget", budget)):
        check_whole(name, count)
    if not 2 <= num_classes <= net.outputs:
        raise ValueError(f"num_classes must be in 2..{net.outputs}, the outputs of {net!r}, got {num_classes}.")
    check_recipe(recipe)
    if recipe.one_cycle:
        raise ValueError("a one-cycle rate needs the end of a task, which nobody announces: use one_cycle=False.")
    check_seed(seed)
