"""Width or depth: what does task inference need of the base network, and what does accuracy need?

Cases: two hidden layers of 16 to 256 units; and one to five hidden layers with as many weights in all as two layers of
`SHARED` units have. All have 784 inputs and `OUTPUTS` outputs, and learn the same shuffles of MNIST, each network with
masks of its own.

Controls: exhaustive search (what the masks know, where One-Shot does not find it), and the accuracy where the task is
given. Tuned: the learning rate, at each size by itself. Each of `RATES` is tried on half as many tasks of another seed,
and the one with the most images right in GNu by One-Shot is taken; all that was tried is in the row. It is chosen by
inference and class together, because a rate that is good for the class alone is too hot for One-Shot (lesson 08).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from supsup_lite.data.suites import permuted_mnist
from supsup_lite.evaluation.scenarios import Evaluation, evaluate
from supsup_lite.experiments.open_questions.asking import Question, Size
from supsup_lite.learning.learn import learn_masks
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.mlp import mlp
from supsup_lite.recipes import DEFAULT, Recipe

PIXELS, OUTPUTS = 784, 100
WIDTHS = (16, 32, 64, 128, 256)
DEPTHS = (1, 2, 3, 4, 5)
SHARED = 64  # units of the two layers whose number of weights all depths share
RATES = (1e-3, 3e-3, 1e-2)
APART = 1000  # added to the seed of the network and the tasks on which rates are tried


def weights_of(units: int, depth: int) -> int:
    """Return how many weights a network with `depth` hidden layers of `units` each has."""
    return PIXELS * units + (depth - 1) * units**2 + units * OUTPUTS


def units_at(depth: int, weights: int) -> int:
    """Return the width of `depth` equal hidden layers whose weights come nearest to a number."""
    return min(range(1, weights // PIXELS + 1), key=lambda units: abs(weights_of(units, depth) - weights))


def shapes() -> dict[str, tuple[int, ...]]:
    """Return the hidden layers of each case."""
    wide = {f"2 x {units}": (units,) * 2 for units in WIDTHS}
    deep = {depth: units_at(depth, weights_of(SHARED, 2)) for depth in DEPTHS}
    return wide | {f"{depth} x {units}": (units,) * depth for depth, units in deep.items()}


def rows(size: Size, seed: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each shape: shares of images whose task is found, and whose class is right where it is given."""
    recipe = replace(DEFAULT, steps=size.steps)
    for case, hidden in shapes().items():
        tried = search(hidden, recipe, size, seed + APART)
        masks, one_shot = learned(hidden, replace(recipe, lr=best(tried)), size.tasks, size.images, seed)
        suite = permuted_mnist(size.tasks, seed)
        how = {"infer_from": "each_image", "images": size.images}
        exhaustive = evaluate(masks.net, masks, suite, "GNu", method="exhaustive", **how)
        given = evaluate(masks.net, masks, suite, "GG", images=size.images)
        yield {
            "case": case,
            "n": given.n,
            "depth": len(hidden),
            "width": hidden[0],
            "weights": masks.net.num_weights,
            "bytes_a_task": masks.bytes_each,
            "one_shot": round(one_shot.task_accuracy, 5),
            "exhaustive": round(exhaustive.task_accuracy, 5),
            "GG": round(given.accuracy, 5),
            "GNu": round(one_shot.accuracy, 5),
            "lr": best(tried),
            "search": [{"lr": lr, "GNu": round(share, 5)} for lr, share in tried.items()],
        }


def search(hidden: tuple[int, ...], recipe: Recipe, size: Size, seed: int) -> dict[float, float]:
    """Return, for each rate, the share of images right in GNu by One-Shot, on half as many tasks of this seed."""
    count = (size.tasks + 1) // 2
    return {lr: learned(hidden, replace(recipe, lr=lr), count, size.images, seed)[1].accuracy for lr in RATES}


def best(tried: dict[float, float]) -> float:
    """Return the rate with the highest share; of equals the lowest."""
    return max(tried, key=tried.__getitem__)


def learned(
    hidden: tuple[int, ...], recipe: Recipe, tasks: int, images: int | None, seed: int
) -> tuple[MaskStore, Evaluation]:
    """Return the masks of as many shuffles, and what they are worth in GNu, the task inferred from each image."""
    net, suite = mlp((PIXELS, *hidden, OUTPUTS), seed), permuted_mnist(tasks, seed)
    masks = learn_masks(net, suite, seed=seed, recipe=recipe, progress=False)
    return masks, evaluate(net, masks, suite, "GNu", infer_from="each_image", images=images)


QUESTION = Question(
    "What does task inference need: a wide network or a deep one?", rows, Size(tasks=16, steps=100, images=100)
)
