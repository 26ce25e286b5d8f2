"""Would small separate networks be cheaper? Masks against small networks, at equal bytes and equal steps.

Permutations of MNIST, the task given. All contestants are networks 784-h-10 with one hidden layer, and a budget of
bytes for each task says how wide they are:

* "mask": a threshold mask, a bit a weight.
* "mask, coded": an edge-popup mask of a network twice as wide, as the store's code writes it (`masks.encode`). It is
  as dense as fits: some 11 %, half a bit a weight. At 100 kB it would take as long as all others together: left out.
* "floats", "bytes": a network of the task's own, of 4 bytes or of one byte a weight.
* "pruned": the mask's network with weights of the task's own, pruned by magnitude half-way (`train_pruned`). A kept
  weight takes one byte, and which are kept is coded as a mask is. It is as dense as fits: some 8 %, a bit a weight.

A weight of one byte has a scale of 4 bytes for each layer. Names of tasks, widths and checksums are not counted: they
are the same for all. All are tuned by one search: for each budget the rate of `RATES` that reads the most images of a
task of another seed. Chance is 10 %.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from supsup_lite.baselines import to_bytes, train_dense, train_pruned
from supsup_lite.data.suites import permuted_mnist
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.evaluation.accuracy import accuracy
from supsup_lite.experiments.open_questions.asking import Question, Size
from supsup_lite.learning.learn import learn_all_masks
from supsup_lite.masks import Keep, MaskStore, Weights, chosen_weights, encode, random_mask
from supsup_lite.networks.mlp import mlp
from supsup_lite.networks.network import Network
from supsup_lite.recipes import DEFAULT, Recipe

BUDGETS = (500, 1_000, 3_000, 10_000, 30_000, 100_000)  # bytes a task
RATES = (3e-3, 1e-2, 3e-2)
APART = 1000  # added to the seed of the task on which rates are tried
INPUTS, OUTPUTS = 784, 10
SCALES = 8  # bytes of the scales of two layers


@dataclass(frozen=True)
class Contestant:
    """How wide a network is, and what is learned in it.

    Attributes:
        weights_a_byte: of the budget; what is wider than its bytes is made sparse.
        learn: of network, budget in bytes, tasks, seed and recipe: weights to run, [k, *shape], and bytes of one task.
        scales: bytes of a task besides.
        largest: the largest budget that it is tried on.
    """

    weights_a_byte: float
    learn: Callable[[Network, int, TaskSuite, int, Recipe], tuple[Weights, float]]
    scales: int = 0
    largest: int = BUDGETS[-1]


def width(budget: float, weights_a_byte: float) -> int:
    """Return the hidden units of the widest network 784-h-10 that fits into a budget of bytes; 0 where none fits."""
    return int(budget * weights_a_byte) // (INPUTS + OUTPUTS)


def coded_bytes(masks: MaskStore) -> float:
    """Return the bytes that the code of one mask takes, mean over the masks: what a store's file holds of it."""
    widths = [masks.packed(name).shape[1] for name in masks.shapes]
    rows = torch.cat([masks.packed(name) for name in masks.shapes], 1).cpu().numpy()
    return sum(len(encode(row, widths)) for row in rows) / len(masks)


def pruned_bytes(masks: MaskStore) -> float:
    """Return the bytes of a pruned network, mean over the masks of its weights: their code, and a byte each."""
    return coded_bytes(masks) + sum(int(kept.sum()) for kept in masks.kept().values()) / len(masks)


def densest(net: Network, budget: float, nbytes: Callable[[MaskStore], float], seed: int) -> Keep:
    """Return the largest density up to a half, shared out by ER, at which a random mask fits into a budget of bytes."""
    low, high = 0.0, 0.5
    for _ in range(16):
        middle = (low + high) / 2
        masks = MaskStore(net)
        masks.append(random_mask(net, f"er:{middle}", seed))
        low, high = (middle, high) if nbytes(masks) <= budget else (low, middle)
    return f"er:{low}"


def _mask(net: Network, budget: int, tasks: TaskSuite, seed: int, recipe: Recipe) -> tuple[Weights, float]:
    masks = learn_all_masks(net, tasks, None, seed, recipe=recipe)
    return chosen_weights(net, masks), masks.bytes_each


def _coded(net: Network, budget: int, tasks: TaskSuite, seed: int, recipe: Recipe) -> tuple[Weights, float]:
    keep = densest(net, budget, coded_bytes, seed)
    masks = learn_all_masks(net, tasks, keep, seed, recipe=recipe)
    return chosen_weights(net, masks), coded_bytes(masks)


def _floats(net: Network, budget: int, tasks: TaskSuite, seed: int, recipe: Recipe) -> tuple[Weights, float]:
    return train_dense(net, tasks, seed, recipe), 4 * net.num_weights


def _bytes(net: Network, budget: int, tasks: TaskSuite, seed: int, recipe: Recipe) -> tuple[Weights, float]:
    return to_bytes(train_dense(net, tasks, seed, recipe)), net.num_weights


def _pruned(net: Network, budget: int, tasks: TaskSuite, seed: int, recipe: Recipe) -> tuple[Weights, float]:
    keep = densest(net, budget, pruned_bytes, seed)
    weights, kept = train_pruned(net, tasks, keep, seed, recipe)
    masks = MaskStore(net)
    masks.extend(kept)
    return to_bytes(weights), pruned_bytes(masks)


CONTESTANTS = {
    "mask": Contestant(8, _mask),
    "mask, coded": Contestant(16, _coded, largest=30_000),
    "floats": Contestant(1 / 4, _floats),
    "bytes": Contestant(1, _bytes, SCALES),
    "pruned": Contestant(8, _pruned, SCALES),
}


def case_of(contestant: str, budget: int) -> str:
    """Return the name of a case."""
    return f"{contestant}, {budget} bytes"


@dataclass(frozen=True)
class Measured:
    """What a contestant reads and takes: share right, bytes of a task, weights that are not 0 (mean over tasks)."""

    accuracy: float
    nbytes: float
    used: float


def hidden_units(contestant: Contestant, budget: int) -> int:
    """Return how wide a contestant's network is for a budget of bytes; 0 where that pays for none, or is not tried."""
    return 0 if budget > contestant.largest else width(budget - contestant.scales, contestant.weights_a_byte)


def measured(contestant: Contestant, budget: int, tasks: TaskSuite, seed: int, rate: float, size: Size) -> Measured:
    """Learn some tasks within a budget of bytes each, and return what that is worth."""
    net = mlp((INPUTS, hidden_units(contestant, budget), OUTPUTS), seed)
    recipe = replace(DEFAULT, steps=size.steps, lr=rate)
    weights, nbytes = contestant.learn(net, budget - contestant.scales, tasks, seed, recipe)
    used = sum(int(values.count_nonzero()) for values in weights.values()) / len(tasks)
    return Measured(accuracy(net, weights, tasks, size.images).mean().item(), nbytes + contestant.scales, used)


def rows(size: Size, seed: int) -> Iterator[dict[str, Any]]:
    """Yield what each contestant reads at each budget that pays for a hidden unit."""
    tasks, others = permuted_mnist(size.tasks, seed), permuted_mnist(1, seed + APART)
    for name, contestant in CONTESTANTS.items():
        for budget in BUDGETS:
            if not (hidden := hidden_units(contestant, budget)):
                continue
            tried = {rate: measured(contestant, budget, others, seed + APART, rate, size).accuracy for rate in RATES}
            rate = max(tried, key=tried.__getitem__)
            result = measured(contestant, budget, tasks, seed, rate, size)
            yield {
                "case": case_of(name, budget),
                "contestant": name,
                "budget": budget,
                "hidden": hidden,
                "bytes": round(result.nbytes, 1),
                "accuracy": round(result.accuracy, 5),
                "multiply_adds": hidden * (INPUTS + OUTPUTS),
                "used_weights": round(result.used),
                "rate": rate,
                "tried": {str(each): round(share, 5) for each, share in tried.items()},
                "n": sum(min(size.images or n, n) for n in tasks.test_view.sizes),
            }


QUESTION = Question(
    "Would small separate networks be cheaper than masks, at equal bytes and equal steps?",
    rows,
    Size(tasks=4, steps=300, images=None),
)
