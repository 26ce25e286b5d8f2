"""Width or depth: what does task inference need of the base network, and what does accuracy need?

Cases: two hidden layers of 16 to 256 units; and one to five hidden layers with as many weights in all as two layers of
`SHARED` units have. All have 784 inputs and `OUTPUTS` outputs, and learn the same shuffles of MNIST, each network with
masks of its own.

Controls: exhaustive search (what the masks know, where One-Shot does not find it), and the accuracy where the task is
given. Tuned: the learning rate, at each size by itself. Masks are learned at each of `RATES`, and the rate with the
most images right in GNu by One-Shot is taken, of test images drawn apart from those that measure; the row has what all
rates brought. They are tried on all tasks, not on a few: how hot is too hot for One-Shot depends on their number.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from supsup_lite.data.suites import permuted_mnist
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.evaluation.scenarios import evaluate
from supsup_lite.experiments.open_questions.asking import Question, Size
from supsup_lite.learning.learn import learn_all_masks
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.mlp import MLP, mlp
from supsup_lite.recipes import DEFAULT

PIXELS, OUTPUTS = 784, 100
WIDTHS = (16, 32, 64, 128, 256)
DEPTHS = (1, 2, 3, 4, 5)
SHARED = 64  # units of the two layers whose number of weights all depths share
RATES = (1e-3, 3e-3, 1e-2)
APART = 1000  # added to the seed that draws the images on which rates are tried


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
    suite, recipe = permuted_mnist(size.tasks, seed), replace(DEFAULT, steps=size.steps)
    for case, hidden in shapes().items():
        net = mlp((PIXELS, *hidden, OUTPUTS), seed)
        each = {lr: learn_all_masks(net, suite, seed=seed, recipe=replace(recipe, lr=lr)) for lr in RATES}
        tried = {lr: shares(net, masks, suite, size.images, seed + APART) for lr, masks in each.items()}
        best = max(tried, key=lambda lr: tried[lr]["GNu"])
        masks = each[best]
        how = {"infer_from": "each_image", "images": size.images, "seed": seed}
        exhaustive = evaluate(net, masks, suite, "GNu", method="exhaustive", **how)
        yield {
            "case": case,
            "n": exhaustive.n,
            "depth": len(hidden),
            "width": hidden[0],
            "weights": net.num_weights,
            "bytes_a_task": masks.bytes_each,
            **shares(net, masks, suite, size.images, seed),
            "exhaustive": round(exhaustive.task_accuracy, 5),
            "lr": best,
            "search": [{"lr": lr} | found for lr, found in tried.items()],
        }


def shares(net: MLP, masks: MaskStore, suite: TaskSuite, images: int | None, seed: int) -> dict[str, float]:
    """Return, of test images that a seed draws, how many are right: the task by One-Shot, the class, and both."""
    asked = evaluate(net, masks, suite, "GNu", infer_from="each_image", images=images, seed=seed)
    given = evaluate(net, masks, suite, "GG", images=images, seed=seed)
    figures = {"one_shot": asked.task_accuracy, "GG": given.accuracy, "GNu": asked.accuracy}
    return {name: round(share, 5) for name, share in figures.items()}


QUESTION = Question(
    "What does task inference need: a wide network or a deep one?", rows, Size(tasks=12, steps=100, images=100)
)
