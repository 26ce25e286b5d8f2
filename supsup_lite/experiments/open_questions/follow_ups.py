"""What came after: exclusive weights that are trained, and scores that start at an old mask (ExSSNeT). Do they help?

Two parts, on suites whose tasks are not alike ("shuffled"), much alike ("turned", neighbours are 10 degrees apart), and
of all sorts ("mixed", SplitRotated). The network has two hidden layers of `UNITS`; the task is given.

1. ExSSNeT (`exclusive`) beside SupSup, at two densities, in as many updates. Bytes are those of the masks, a bit a
   weight, and 4 for each weight that was trained. Control for bytes: SupSup on a wider network, with as many bytes.
   Control for forgetting: ExSSNeT without its exclusion (`since_learned`).
2. Where scores start (`starts`), for threshold masks: accuracy after few steps, over all tasks but the first.

Tuned: every learning rate, by the same search. Each of `RATES` is tried on fewer tasks of another seed (turned ones may
share an angle with those that measure), and the most accurate is taken; all that was tried is in the row. ExSSNeT's
masks have the rate found for SupSup's, and its weights their own. The control without exclusion has ExSSNeT's rates.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from supsup_lite.baselines.kept import Masked, masked
from supsup_lite.data.split_rotated import split_rotated
from supsup_lite.data.suites import ROTATIONS, permuted_mnist, rotated_mnist
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.evaluation.accuracy import first_images
from supsup_lite.evaluation.measure import measure
from supsup_lite.evaluation.scenarios import evaluate
from supsup_lite.experiments.open_questions.asking import Question, Size
from supsup_lite.experiments.open_questions.exclusive import Exclusive, train_exclusive
from supsup_lite.experiments.open_questions.starts import STARTS, fresh_mask, learned, look
from supsup_lite.learning.learn import learn_all_masks
from supsup_lite.networks.mlp import MLP, mlp
from supsup_lite.networks.network import run
from supsup_lite.recipes import Recipe
from supsup_lite.seeding import generator

PIXELS, UNITS = 784, 64
DENSITIES = (0.1, 0.3)
RATES = (3e-3, 1e-2, 3e-2)
APART = 1000  # added to the seed of the network and the tasks on which rates are tried
TRIED_ON = 2, 3  # tasks, in part 1 and in part 2, which needs old ones


def turned(count: int, seed: int) -> TaskSuite:
    """Return neighbours of RotatedMNIST, from an angle on that the seed decides."""
    first = int(generator("first angle", seed).integers(ROTATIONS - count + 1))
    return rotated_mnist()[first : first + count]


SUITES: dict[str, Callable[[int, int], TaskSuite]] = {
    "shuffled": permuted_mnist,
    "turned": turned,
    "mixed": split_rotated,
}


def rows(size: Size, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of both parts.

    Raises:
        ValueError: there is one task only.
    """
    if size.tasks < 2:
        raise ValueError(f"what later tasks gain from earlier ones needs two tasks or more, got {size.tasks}.")
    for suite in ("shuffled", "turned"):
        yield from exclusive_rows(suite, size, seed)
    for suite in SUITES:
        for steps in few(size.steps):
            for start in STARTS:
                yield start_row(suite, start, steps, size, seed)


def few(steps: int) -> list[int]:
    """Return a tenth, three tenths and all of the steps, each at least 1: 10, 30, 100 of 100."""
    return [max(1, steps * tenths // 10) for tenths in (1, 3, 10)]


def network(tasks: TaskSuite, seed: int, units: int = UNITS) -> MLP:
    """Return the base network, with an output for each class: who is given the task needs no more."""
    return mlp((PIXELS, units, units, tasks.num_classes), seed)


def recipe_of(steps: int, lr: float) -> Recipe:
    return Recipe(steps, 128, "adam", lr, one_cycle=True)


def tried_at(accuracy: Callable[[float], float]) -> tuple[float, dict[str, Any]]:
    """Return the best of `RATES` and, for a row, what each of them brought."""
    tried = {lr: accuracy(lr) for lr in RATES}
    best = max(tried, key=tried.__getitem__)
    return best, {"lr": best, "search": [{"lr": lr, "GG": round(share, 5)} for lr, share in tried.items()]}


def exclusive_rows(suite: str, size: Size, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of part 1 on one suite."""
    tasks, others = SUITES[suite](size.tasks, seed), SUITES[suite](TRIED_ON[0], seed + APART)
    net, other_net = network(tasks, seed), network(others, seed + APART)

    def shares(kept: Masked | Exclusive, of: TaskSuite = tasks) -> dict[str, Any]:
        found = measure(kept, of, size.images)
        later = found.per_task[1:].mean().item()
        return {"n": found.n, "bytes": found.nbytes, "GG": round(found.accuracy, 5), "GG_later": round(later, 5)}

    for keep in DENSITIES:
        name = f"{keep:.0%} kept"
        rate, about = tried_at(
            lambda lr, keep=keep: shares(supsup(other_net, others, keep, size.steps, lr, seed + APART), others)["GG"]
        )
        yield {"case": f"{suite}: SupSup, {name}", **shares(supsup(net, tasks, keep, size.steps, rate, seed)), **about}

        masks = recipe_of(size.steps, rate)
        lr_of_weights, about = tried_at(
            lambda lr, keep=keep, masks=masks: shares(
                train_exclusive(other_net, others, keep, seed + APART, masks, lr)[-1], others
            )["GG"]
        )
        for label, exclusive in {"not exclusive": False, "ExSSNeT": True}.items():
            history = train_exclusive(net, tasks, keep, seed, masks, lr_of_weights, exclusive)
            found = shares(history[-1]) | since_learned(history, tasks, size.images)
            yield {"case": f"{suite}: {label}, {name}", **found, "lr_of_masks": rate, **about}

    units = units_for(found["bytes"], tasks)
    wide, other_wide = network(tasks, seed, units), network(others, seed + APART, units)
    rate, about = tried_at(
        lambda lr: shares(supsup(other_wide, others, keep, size.steps, lr, seed + APART), others)["GG"]
    )
    found = shares(supsup(wide, tasks, keep, size.steps, rate, seed))
    yield {"case": f"{suite}: SupSup, {name}, wider", **found, "units": units, **about}


def supsup(net: MLP, tasks: TaskSuite, keep: float, steps: int, lr: float, seed: int) -> Masked:
    """Return masks that took as many updates as ExSSNeT's masks and weights together."""
    masks = learn_all_masks(net, tasks, keep, seed, recipe=recipe_of(2 * steps, lr))
    return masked(net, masks, tasks, 2 * steps * len(tasks))


def units_for(nbytes: int, tasks: TaskSuite) -> int:
    """Return the greatest width of two hidden layers whose masks, a bit a weight, take no more bytes."""

    def bits(units: int) -> int:
        return len(tasks) * (PIXELS * units + units**2 + units * tasks.num_classes)

    return next(units for units in range(1, nbytes) if bits(units + 1) > 8 * nbytes)


@torch.no_grad()
def since_learned(history: list[Exclusive], tasks: TaskSuite, images: int | None) -> dict[str, float]:
    """Return what became of all tasks but the last since each was learned, as means over their test images.

    Returns:
        "changed": the share of images with another logit, in any bit; "lost": by how much accuracy has fallen.
    """
    changed, lost = [], []
    for i, then in enumerate(history[:-1]):
        x, y = first_images(tasks, i, images)
        before, after = (run(kept.net, kept.weights(i), x) for kept in (then, history[-1]))
        changed.append((before != after).any(1).float())
        lost.append((before.argmax(1) == y).float() - (after.argmax(1) == y).float())
    return {name: round(torch.cat(values).mean().item(), 5) for name, values in (("changed", changed), ("lost", lost))}


def start_row(suite: str, start: str, steps: int, size: Size, seed: int) -> dict[str, Any]:
    """Return a row of part 2; "old" and "fresh" are what `look` says of the nearest old mask and of a fresh one."""

    def later(count: int, seed: int, lr: float) -> tuple[float, float, float, int]:
        tasks = SUITES[suite](count, seed)
        net = network(tasks, seed)
        masks = learned(start, net, tasks, seed, recipe_of(steps, lr))
        found = evaluate(net, masks, tasks[1:], "GG", images=size.images)
        new = [(i, tasks[i : i + 1]) for i in range(1, count)]
        old = [max(look(net, mask, task, seed) for mask in masks[:i]) for i, task in new]
        fresh = [look(net, fresh_mask(net, task, seed), task, seed) for _, task in new]
        return found.accuracy, sum(old) / len(old), sum(fresh) / len(fresh), found.n

    rate, about = tried_at(lambda lr: later(TRIED_ON[1], seed + APART, lr)[0])
    accuracy, old, fresh, n = later(size.tasks, seed, rate)
    figures = {"GG_later": round(accuracy, 5), "old": round(old, 5), "fresh": round(fresh, 5)}
    return {"case": f"{suite}, {steps} steps: {start}", "n": n, **figures, **about}


QUESTION = Question(
    "Do trained exclusive weights, and a start at the nearest old mask, help?",
    rows,
    Size(tasks=5, steps=100, images=500),
)
