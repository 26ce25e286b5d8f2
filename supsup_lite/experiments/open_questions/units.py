"""Masks over units or over weights? At equal bytes, on easy and on harder data, with what each costs to run and learn.

A mask over units takes a bit for each hidden unit, a mask over weights one for each weight. So for the same bytes units
can have a network that is hundreds of times wider. The question was asked of SupSup's authors, for harder data than
theirs. All networks here are of the kind that the paper masks units of: linear, batch norm over the batch at hand,
Swish; so nothing but bits is stored for a task. The task is given.

* "units": a bit for each hidden unit.
* "weights": a threshold mask of a narrow network.
* "weights, coded": an edge-popup mask of a network with 2 or 8 times as many weights as the budget has bits, as dense
  as fits when coded as the store does it.

Data: permutations of MNIST, and `split_rotated`, five digits or five clothes a task, turned. All are tuned by one
search: of one or two hidden layers, the widths above and three rates, what reads the most images of a task of another
seed. A network of more than `MOST` multiply-adds an image is left out: a desk computer has no time for it. So there are
units of 2 kB in one layer only, and none of 8 kB. All see the same images in as many steps. Seconds are of the
processor, for learning one task.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, pairwise, product, takewhile
from typing import Any

import torch
from torch import nn

from supsup_lite.data.split_rotated import split_rotated
from supsup_lite.data.suites import permuted_mnist
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.evaluation.scenarios import evaluate
from supsup_lite.experiments.open_questions.asking import Question, Size
from supsup_lite.experiments.open_questions.small_networks import APART, coded_bytes, densest
from supsup_lite.learning.learn import learn_all_masks
from supsup_lite.masks import MaskStore
from supsup_lite.networks import Network, UnitMLP
from supsup_lite.networks.frozen import frozen_base
from supsup_lite.recipes import Recipe

SUITES = {"permuted": permuted_mnist, "split rotated": split_rotated}
BUDGETS = (128, 512, 2048, 8192)  # bytes a task
LAYERS = (1, 2)  # hidden ones
RATES = (1e-2, 3e-2, 1e-1)
MOST = 20_000_000  # multiply-adds an image
INPUTS, BATCH = 784, 128
Widths = tuple[int, ...]  # inputs, hidden units of each layer, outputs


def all_units(widths: Widths) -> int:
    """Return how many hidden units there are: the bits of a mask over units."""
    return sum(widths[1:-1])


def all_weights(widths: Widths) -> int:
    """Return how many weights there are: the bits of a mask over weights, and the multiply-adds of an image."""
    return sum(fan_in * fan_out for fan_in, fan_out in pairwise(widths))


def masked_units(widths: Widths, seed: int) -> Network:
    """Return the network whose units are masked."""
    return UnitMLP("units", widths, seed)


def masked_weights(widths: Widths, seed: int) -> Network:
    """Return a network that computes as `masked_units` does, whose weights are masked instead."""
    with torch.device("meta"):  # drawn by the seed afterwards
        hidden = [
            nn.Sequential(
                nn.Linear(a, b, bias=False), nn.BatchNorm1d(b, affine=False, track_running_stats=False), nn.SiLU()
            )
            for a, b in pairwise(widths[:-1])
        ]
        module = nn.Sequential(*hidden, nn.Linear(*widths[-2:], bias=False))
    return frozen_base(module, "weights", seed, widths[:1], None)


@dataclass(frozen=True)
class Contestant:
    """What is masked, and how wide.

    Attributes:
        net: of widths and a seed.
        bits: of a mask, of widths.
        times: how many times the bits of the budget a mask may have: more than once, where it is sparse and coded.
    """

    net: Callable[[Widths, int], Network]
    bits: Callable[[Widths], int]
    times: tuple[int, ...] = (1,)


CONTESTANTS = {
    "units": Contestant(masked_units, all_units),
    "weights": Contestant(masked_weights, all_weights),
    "weights, coded": Contestant(masked_weights, all_weights, (2, 8)),
}


def widest(bits: Callable[[Widths], int], most: int, layers: int, outputs: int) -> Widths:
    """Return the widths of the widest network with so many equal hidden layers, whose mask has at most `most` bits."""
    every = ((INPUTS, *[hidden] * layers, outputs) for hidden in count(1))
    *_, last = takewhile(lambda widths: bits(widths) <= most, every)
    return last


def shapes(contestant: Contestant, budget: int, outputs: int) -> list[Widths]:
    """Return the networks to try for a budget of bytes: of one and two hidden layers, without those that cost more."""
    most = [8 * budget * times for times in contestant.times]
    every = [widest(contestant.bits, bits, layers, outputs) for layers in LAYERS for bits in most]
    return [widths for widths in every if all_weights(widths) <= MOST]


@dataclass(frozen=True)
class Measured:
    """What masks of some tasks read and take: share right, images, bytes of one, seconds to learn one."""

    accuracy: float
    n: int
    nbytes: float
    seconds: float


def measured(
    contestant: Contestant, widths: Widths, budget: int, tasks: TaskSuite, seed: int, rate: float, size: Size
) -> Measured:
    """Learn masks of some tasks, and measure them with nothing but their bits: batch norm takes the batch at hand."""
    net, recipe = contestant.net(widths, seed), Recipe(size.steps, BATCH, "adam", rate, one_cycle=True)
    coded = contestant.times != (1,)
    keep = densest(net, budget, coded_bytes, seed) if coded else None
    began = time.process_time()
    learned = learn_all_masks(net, tasks, keep, seed, recipe=recipe)
    seconds = (time.process_time() - began) / len(tasks)
    masks = MaskStore(net)
    masks.extend(dict(learned.chunk(0, len(learned))), learned.identities)
    result = evaluate(net, masks, tasks, "GG", images=size.images, seed=seed)
    nbytes = coded_bytes(masks) if coded else contestant.bits(widths) / 8
    return Measured(result.accuracy, result.n, nbytes, seconds)


def case_of(suite: str, contestant: str, budget: int) -> str:
    """Return the name of a case."""
    return f"{suite}: {contestant}, {budget} bytes"


def rows(size: Size, seed: int) -> Iterator[dict[str, Any]]:
    """Yield what each contestant reads of each suite at each budget, and at what cost."""
    for suite, make in SUITES.items():
        tasks, others = make(size.tasks, seed), make(1, seed + APART)
        for name, contestant in CONTESTANTS.items():
            for budget in BUDGETS:
                tries = list(product(shapes(contestant, budget, tasks.num_classes), RATES))
                if not tries:
                    continue
                found = [
                    measured(contestant, each, budget, others, seed + APART, r, size).accuracy for each, r in tries
                ]
                widths, rate = tries[found.index(max(found))]
                result = measured(contestant, widths, budget, tasks, seed, rate, size)
                yield {
                    "case": case_of(suite, name, budget),
                    "suite": suite,
                    "contestant": name,
                    "budget": budget,
                    "widths": list(widths),
                    "rate": rate,
                    "bytes": round(result.nbytes, 1),
                    "accuracy": round(result.accuracy, 5),
                    "multiply_adds": all_weights(widths),
                    "seconds": round(result.seconds, 2),
                    "tried": [[list(each), r, round(right, 5)] for (each, r), right in zip(tries, found, strict=True)],
                    "n": result.n,
                }


QUESTION = Question(
    "Masks over units or over weights: which reads more at equal bytes, and what does it cost?",
    rows,
    Size(tasks=4, steps=100, images=2000),
)
