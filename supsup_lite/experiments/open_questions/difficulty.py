"""Unequal difficulty: does one density serve tasks that are clearly easier and harder than one another?

The source article's doubt: "Maybe then each mask should have a different amount of 1s". On one LeNet 300-100 stand four
kinds of task: two digits, ten digits, ten clothes, and ten digits of which 40 % have a random label. Each task gets an
edge-popup mask at every density of a grid, and a threshold mask, which chooses its density by itself.

What is chosen, is chosen on training images that no mask learns from; test images only measure. The rate of each
density is that of a small search on tasks of another seed, one of each kind. Control: one density for all, the best on
these very tasks, so the strongest of its sort.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from supsup_lite.data.suites import grey_data_set, permuted_suite, split_suite
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.evaluation.measure import measure
from supsup_lite.experiments.contestants import contestant_of, learn
from supsup_lite.experiments.open_questions.aside import set_aside
from supsup_lite.experiments.open_questions.asking import Question, Size
from supsup_lite.networks.mlp import lenet_300_100
from supsup_lite.recipes import DEFAULT
from supsup_lite.seeding import generator

DENSITIES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
KEEPS = (*DENSITIES, None)  # None is the threshold mask, last
RATES = (1e-3, 3e-3, 1e-2)
ASIDE = 2000  # training images of each task to choose by
NOISE = 0.4  # share of training labels drawn anew, from all ten
BUDGET = 0.1  # of ones, where they are scarce: the mean density that all masks together may have
APART = 1000  # added to the seed of the tasks on which rates are tuned


@dataclass(frozen=True, eq=False)
class Tried:
    """One task, under a mask of each of `KEEPS`, in that order.

    Attributes:
        aside, test: accuracy on the images set aside and on test images, float64 [9].
        density, nbytes: share of weights kept, and the entropy of the mask in bytes, float64 [9].
        n: test images.
    """

    aside: Tensor
    test: Tensor
    density: Tensor
    nbytes: Tensor
    n: int


def rows(size: Size, seed: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each kind at each density, for each kind at its best, and for each way to give densities."""
    rates = tuned_rates(replace(size, tasks=4), seed + APART)
    tried = {kind: tries(tasks, size, seed, rates) for kind, tasks in kinds(size.tasks, seed).items()}
    every = [task for tasks in tried.values() for task in tasks]
    one = torch.stack([task.aside for task in every])[:, :-1].mean(0).argmax().item()
    for kind, tasks in tried.items():
        for i, keep in enumerate(KEEPS):
            yield _row(f"{kind}, {'threshold' if keep is None else f'{keep:g}'}", tasks, [i] * len(tasks), lr=rates[i])
        best = torch.stack([task.aside for task in tasks])[:, :-1].mean(0).argmax().item()
        yield _row(f"{kind}, best", tasks, [best] * len(tasks))
        yield _row(f"{kind}, as all", tasks, [one] * len(tasks))
    aside, tries_each = [task.aside[:-1] for task in every], len(DENSITIES)
    scarce = DENSITIES.index(BUDGET)
    plans = {
        "one density": ([one] * len(every), 1),
        "own density": ([shares.argmax().item() for shares in aside], tries_each),
        "own density, smallest": ([smallest(task) for task in every], tries_each),
        "threshold masks": ([len(DENSITIES)] * len(every), 1),
        "a tenth each": ([scarce] * len(every), 1),
        "a tenth on average": (shared_out(aside, BUDGET), tries_each),
    }
    for case, (chosen, learnings) in plans.items():
        yield _row(case, every, chosen, learnings=learnings)


def _row(case: str, tasks: Sequence[Tried], chosen: Sequence[int], **more: float) -> dict[str, Any]:
    """Return what some tasks reach, each under the mask chosen for it: means over the tasks."""

    def mean(figure: str) -> float:
        return math.fsum(getattr(task, figure)[i].item() for task, i in zip(tasks, chosen, strict=True)) / len(tasks)

    figures = {"accuracy": mean("test"), "aside": mean("aside"), "density": mean("density"), "bytes": mean("nbytes")}
    return {"case": case, "n": sum(task.n for task in tasks)} | {k: round(v, 5) for k, v in figures.items()} | more


def kinds(tasks: int, seed: int) -> dict[str, TaskSuite]:
    """Return the four kinds of task, a quarter of the tasks of each (at least one, and at most five pairs of digits).

    Kinds share what the number of a task decides: how pixels are shuffled, and the scores that learning starts from.
    """
    each, digits = max(1, tasks // 4), grey_data_set("mnist", None)
    draw = generator("noisy labels", seed)
    labels = digits.train.labels.cpu().numpy().copy()
    changed = draw.random(len(labels)) < NOISE
    labels[changed] = draw.integers(0, 10, changed.sum())
    noisy = replace(digits.train, labels=torch.from_numpy(labels).to(digits.train.device))
    return {
        "two digits": split_suite(digits, min(each, 5), 2, seed),
        "ten digits": permuted_suite(digits, each, seed),
        "ten clothes": permuted_suite(grey_data_set("fashion_mnist", None), each, seed),
        "noisy digits": permuted_suite(replace(digits, name="mnist, noisy labels", train=noisy), each, seed),
    }


def tries(tasks: TaskSuite, size: Size, seed: int, rates: Sequence[float]) -> list[Tried]:
    """Return each task under a mask of each of `KEEPS`, learned at its rate on what is not set aside."""
    net, aside = lenet_300_100(outputs=10, seed=seed), set_aside(tasks, ASIDE, seed)
    found = []
    for keep, rate in zip(KEEPS, rates, strict=True):
        kept = learn(contestant_of("supsup", keep), net, aside, seed, replace(DEFAULT, steps=size.steps), rate)
        test = measure(kept, tasks, size.images)
        masks = [kept.masks[i : i + 1] for i in range(len(tasks))]
        ones = [sum(int(counts) for counts in mask.kept().values()) / net.num_weights for mask in masks]
        nbytes = [mask.entropy_bytes for mask in masks]
        found.append((measure(kept, aside).per_task.tolist(), test.per_task.tolist(), ones, nbytes, test.n))
    by_figure = [torch.tensor(values, dtype=torch.float64).T for values in zip(*[f[:4] for f in found], strict=True)]
    n = found[0][4] // len(tasks)
    return [Tried(*figures, n) for figures in zip(*by_figure, strict=True)]


def tuned_rates(size: Size, seed: int) -> list[float]:
    """Return for each of `KEEPS` the rate that is best on the images set aside, in the mean over the kinds."""
    shares = []
    for rate in RATES:
        tried = [tries(tasks, size, seed, [rate] * len(KEEPS)) for tasks in kinds(size.tasks, seed).values()]
        shares.append(torch.stack([task.aside for tasks in tried for task in tasks]).mean(0))
    return [RATES[i] for i in torch.stack(shares).argmax(0).tolist()]


def smallest(task: Tried) -> int:
    """Return the density of fewest bytes whose share right is within one standard error of the best's."""
    shares, nbytes = task.aside[:-1], task.nbytes[:-1]
    best = shares.max()
    error = (best * (1 - best) / ASIDE).sqrt()
    return nbytes.masked_fill(shares < best - error, math.inf).argmin().item()


def shared_out(shares: Sequence[Tensor], budget: float) -> list[int]:
    """Return a density for each task, none above the budget in the mean, with the highest sum of shares: a knapsack.

    Args:
        shares: of each task the share right at each of `DENSITIES`.
        budget: the mean density.
    """
    cost = [round(100 * density) for density in DENSITIES]
    best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}  # hundredths spent -> sum of shares, choices
    for task in shares:
        step: dict[int, tuple[float, list[int]]] = {}
        for spent, (total, chosen) in best.items():
            for i, share in enumerate(task.tolist()):
                there = spent + cost[i]
                if there <= 100 * budget * len(shares) and total + share > step.get(there, (-1.0, []))[0]:
                    step[there] = total + share, [*chosen, i]
        best = step
    return max(best.values())[1]


QUESTION = Question(
    text="Tasks differ in difficulty: does one density serve them all?",
    rows=rows,
    size=Size(tasks=8, steps=200, images=None),
)
