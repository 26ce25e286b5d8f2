"""Scenario NNs: no batch says which task it is from, in learning or later (SupSup, "Scenario NNs").

The learner goes on with a mask that it recognises, or allocates a new one. Of a mask that is not in use it keeps one
bit a weight, and two numbers for its record. Scores and the optimiser's state exist for the mask in use alone.
"""

import math
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_seed, check_whole
from supsup_lite.data.streams import SET_ASIDE
from supsup_lite.inference.objectives import objective_of
from supsup_lite.masks.apply import Mask, run_masked
from supsup_lite.masks.bits import unpack_bits
from supsup_lite.masks.edge_popup import Scores, init_scores, masked_weight
from supsup_lite.masks.fits import check_fits
from supsup_lite.masks.origin import Learned
from supsup_lite.masks.store import MaskStore
from supsup_lite.masks.superposition import mean_gradient
from supsup_lite.networks.network import Network, check_images, check_network, run
from supsup_lite.recipes import Recipe, check_recipe
from supsup_lite.unannounced.novelty import Look, Record, Rule, check_rule
from supsup_lite.unannounced.state import Log, State, Training


@dataclass(frozen=True)
class Decision:
    """One decision of the learner.

    Attributes:
        step: the number of the batch.
        gradient: dH/dalpha of the k masks and, last, of the u untrained ones that the rule asks for (`Rule.untrained`):
            float [k + u], on the CPU.
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

    Args:
        net: the frozen base network.
        num_classes: l, of every task.
        rule: how to tell known from new.
        recipe: optimiser and rate of the scores.
        every: batches in a block.
        budget: how many masks there may be.
        seed: of the scores.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """

    @isolated
    def __init__(self, net: Network, num_classes: int, rule: Rule, recipe: Recipe, every: int, budget: int, seed: int):
        check_network(net)
        check_rule(rule)
        check_recipe(recipe)
        self.net, self.rule, self.recipe = net, rule, recipe
        self.num_classes = check_whole("num_classes", num_classes)
        self.every, self.budget, self.seed = (
            check_whole("every", every),
            check_whole("budget", budget),
            check_seed(seed),
        )
        if not 2 <= self.num_classes <= net.outputs:
            raise ValueError(f"num_classes must be in 2..{net.outputs}, the outputs of {net!r}, got {num_classes}.")
        if recipe.one_cycle:
            raise ValueError("a one-cycle rate needs the end of a task, which nobody announces: use one_cycle=False.")
        learned = Learned(self.num_classes, None, recipe, self.seed)
        self._state = State(MaskStore(net, {"rule": repr(rule), "every": self.every}, learned))

    @property
    def masks(self) -> MaskStore:
        """The k masks so far, the one in use as it is now."""
        return self._up_to_date(self._state)[: len(self._state.records)]

    @property
    def used(self) -> list[int]:
        """For each batch that was read the mask that learned from it, or SET_ASIDE."""
        return list(self._state.used)

    @property
    def decisions(self) -> list[Decision]:
        """The log."""
        return list(self._state.decisions)

    def feed(self, x: Tensor, y: Tensor) -> int:
        """Learn from one batch; return the mask that did, or SET_ASIDE.

        Where it raises, be it KeyboardInterrupt, nothing was read: feed the batch again, and all goes on as if it had
        not been.

        Args:
            x: images, float32 [B, D].
            y: their labels, long [B], in 0..num_classes - 1.

        Raises:
            TypeError, ValueError: images or labels make no sense or do not fit together.
        """
        before = self._state
        try:
            self._state = self._after(before, x, y)  # from here on the batch is read
            return self._state.used.last
        except BaseException:
            self._state = before
            raise

    @isolated
    def _after(self, state: State, x: Tensor, y: Tensor) -> State:
        """Return the state after one more batch."""
        check_fits(self.net, state.store)  # nobody has changed a weight
        x = check_images(self.net, x)
        _check_labels(x, y, self.num_classes)
        due = state.active is None or state.since >= self.every
        if not due:
            loss, right = self._loss(state, x, y)
            evidence = state.records[state.active].evidence(right, len(y), 1 / self.num_classes)
            if not self.rule.doubts(evidence):
                return self._read(self._trained(replace(state, held=()), loss, right, len(y)))
        gradient = self._gradient(state, x)
        chosen, step, new = self.rule.recognise(self._look(state, gradient, x, y)), len(state.used), False
        if chosen is not None:
            if chosen != state.active:
                state = self._resumed(self._left(state), chosen)
            state = self._read(self._trained(replace(state, held=()), *self._loss(state, x, y), len(y)))
        elif len(state.records) == self.budget:
            state = self._set_aside(state)
        else:
            state = self._set_aside(replace(state, held=(*state.held, (step, (x, y)))))
            if len(state.held) >= self.rule.patience:
                chosen, new = len(state.records), True
                state = self._allocated(state)
        if chosen is not None:
            state = replace(state, since=1)
        decision = Decision(step, gradient.cpu(), SET_ASIDE if chosen is None else chosen, new, due)
        return replace(state, decisions=state.decisions.plus(decision))

    def _read(self, state: State) -> State:
        """Return the state with one more batch that the mask in use has learned from."""
        return replace(state, used=state.used.plus(state.active), since=state.since + 1)

    def _set_aside(self, state: State) -> State:
        return replace(state, used=state.used.plus(SET_ASIDE))

    def _gradient(self, state: State, x: Tensor) -> Tensor:
        """Return dH/dalpha of the k masks and u untrained ones, at equal alphas, mean over the batch: [k + u]."""
        candidates = len(state.records) + self.rule.untrained(len(state.records))
        store = self._filled(self._up_to_date(state), candidates)[:candidates]
        alphas = torch.full((candidates,), 1 / candidates, device=x.device, dtype=x.dtype)
        return mean_gradient(self.net, store, alphas, x, lambda logits: objective_of(logits, "entropy"))

    def _filled(self, store: MaskStore, count: int) -> MaskStore:
        """Return the store with `count` masks or more: to those it has come untrained ones of the next numbers."""
        for number in range(len(store), count):
            store.append(_bits(init_scores(self.net, [number], self.seed)))
        return store

    def _look(self, state: State, gradient: Tensor, x: Tensor, y: Tensor) -> Look:
        def right(i: int) -> int:
            return int((run_masked(self.net, state.store[i], x).argmax(1) == y).sum())

        return Look(gradient, state.records, state.active, len(y), 1 / self.num_classes, right)

    def _loss(self, state: State, x: Tensor, y: Tensor) -> tuple[Tensor, int]:
        """Return the loss under the mask in use, differentiable in its scores, and how many answers are right."""
        with torch.enable_grad():
            scores = state.training.scores
            weights = self.net.weights()
            masked = {name: masked_weight(weights[name], values, None)[0] for name, values in scores.items()}
            logits = run(self.net, masked, x)
            return F.cross_entropy(logits, y), int((logits.argmax(1) == y).sum())

    def _trained(self, state: State, loss: Tensor, right: int, images: int) -> State:
        """Return the state after one step of the mask in use."""
        records = list(state.records)
        records[state.active] = records[state.active].plus(right, images)
        return replace(state, training=state.training.stepped(loss), records=tuple(records))

    def _allocated(self, state: State) -> State:
        """Return the state with the next mask in use, which has learned from the batches that were held."""
        fresh, held = len(state.records), state.held
        self._filled(state.store, fresh + 1)
        state = replace(self._using(state, fresh, init_scores(self.net, [fresh], self.seed)), held=())
        state = replace(state, records=(*state.records, Record()))
        for _, (x, y) in held:
            state = self._trained(state, *self._loss(state, x, y), len(y))
        used = list(state.used)
        for step, _ in held:
            used[step] = fresh
        return replace(state, used=Log(used))

    def _left(self, state: State) -> State:
        """Return the state without the newest mask if it is in use and has learned nothing: it was made for noise."""
        newest = len(state.records) - 1
        if state.active != newest or not self.rule.doubts(state.records[newest].knows(1 / self.num_classes)):
            return state
        used = Log(SET_ASIDE if mask == newest else mask for mask in state.used)
        store = state.store[:newest]  # its place is for an untrained one again
        return replace(state, store=store, records=state.records[:newest], used=used, active=None, training=None)

    def _resumed(self, state: State, mask: int) -> State:
        """Return the state with a known mask in use: the seed knows how large each of its scores began.

        The bits are the signs of the scores. One size for all would be a trap: the optimiser's steps are alike, so all
        would cross 0 in the same step.
        """
        sizes, bits = init_scores(self.net, [mask], self.seed), state.store[mask]
        scores = {name: torch.where(bits[name], size.abs(), -size.abs()) for name, size in sizes.items()}
        return self._using(state, mask, scores)

    def _using(self, state: State, mask: int, scores: Scores) -> State:
        self._up_to_date(state)
        return replace(state, active=mask, training=Training(scores, self.recipe))

    def _up_to_date(self, state: State) -> MaskStore:
        """Return the store, with the mask in use as its scores have it now."""
        if state.active is not None:
            state.store.replace(state.active, _bits(state.training.scores))
        return state.store

    def state(self) -> dict[str, Any]:
        """Return all that the learner needs to go on after a kill: tensors, lists and numbers, for `torch.save`."""
        state = self._state
        store, training = self._up_to_date(state), state.training
        return {
            "store": {name: store.packed(name).clone() for name in store.shapes},
            "records": [(record.right, record.seen) for record in state.records],
            "decisions": [(d.step, d.gradient, d.mask, d.new, d.due) for d in state.decisions],
            "used": self.used,
            "active": state.active,
            "since": state.since,
            "held": list(state.held),
            "scores": None if training is None else {n: v.detach().clone() for n, v in training.scores.items()},
            "optimizer": None if training is None else deepcopy(training.optimizer.state_dict()),
        }

    @isolated
    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` returned, in a learner that was made with the same arguments."""
        store, training = MaskStore(self.net, self._state.store.about, self._state.store.learned), None
        for rows in zip(*(packed.split(50) for packed in state["store"].values()), strict=True):  # unpacked on the way
            store.extend(
                {
                    name: unpack_bits(part, math.prod(store.shapes[name])).unflatten(1, store.shapes[name])
                    for name, part in zip(state["store"], rows, strict=True)
                }
            )
        if state["active"] is not None:
            training = Training(state["scores"], self.recipe)
            training.optimizer.load_state_dict(deepcopy(state["optimizer"]))
        self._state = State(
            store,
            tuple(Record(right, seen) for right, seen in state["records"]),
            state["active"],
            training,
            state["since"],
            tuple(state["held"]),
            Log(state["used"]),
            Log(Decision(*fields) for fields in state["decisions"]),
        )


def _bits(scores: Scores) -> Mask:
    return {name: values.detach()[0] >= 0 for name, values in scores.items()}


def _check_labels(x: Tensor, y: Tensor, num_classes: int) -> None:
    """Raise unless y is long [B], one label in 0..num_classes - 1 for each of the images x, on their device."""
    if x.dtype != torch.float32:
        raise TypeError(f"images to learn from must be float32, as the weights are, got {x.dtype}: x.float().")
    if not isinstance(y, Tensor) or y.dtype != torch.long:
        kind = y.dtype if isinstance(y, Tensor) else type(y).__name__
        raise TypeError(f"labels must be a long tensor [B], got {kind}: y.long() makes one of whole numbers.")
    if y.shape != x.shape[:1] or not len(y):
        raise ValueError(
            f"there must be one label for each image, one or more, got {len(x)} images and {tuple(y.shape)}."
        )
    if y.device != x.device:
        raise ValueError(f"the labels are on {y.device}, the images on {x.device}: move one of them.")
    low, high = (int(end) for end in y.aminmax())
    if low < 0 or high >= num_classes:
        raise ValueError(f"labels must lie in 0..{num_classes - 1}, got {low}..{high}: number the classes of the task.")
