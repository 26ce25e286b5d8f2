"""A temperature instead of superfluous outputs: does it do at a hundred tasks?

The doubt is the review article's: superfluous outputs smooth the softmax, and so does a temperature. Lesson 05 answers
with twenty tasks. Here are up to a hundred permutations on LeNet 300-100, asked by One-Shot from single images.

* Cases: ten outputs whose loss was taken of p / T, with T = 1, 3 and 10; and s outputs, T = 1. Each at several k.
* Control: the same masks under H at the T of the loss, and under G where there are superfluous outputs.
* Tuned, for each case by the same search: the rate, of two, by the images with task and digit right on 40 permutations
  of seed + 1000; and H at inference, of softmax(p / t) or of one sigmoid an output, t of five, by the tasks found for
  images that the figures leave out.

To learn at T is to learn with a constant T times smaller in the last layer: the confidence alone changes (lesson 01).
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from supsup_lite.data.suites import permuted_mnist
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.evaluation.scenarios import evaluate
from supsup_lite.experiments.open_questions.asking import Question, Size
from supsup_lite.inference.objectives import objective_of
from supsup_lite.learning.learn import learn_all_masks
from supsup_lite.masks.apply import run_masked
from supsup_lite.masks.store import MaskStore
from supsup_lite.masks.superposition import forward_superposed
from supsup_lite.networks.mlp import MLP, lenet_300_100
from supsup_lite.recipes import Recipe
from supsup_lite.seeding import generator

LEARNED = {  # case: outputs s, temperature T in training
    **{"s = 10": (10, 1.0), "s = 10, T = 3": (10, 3.0), "s = 10, T = 10": (10, 10.0)},
    **{"s = 25": (25, 1.0), "s = 100": (100, 1.0), "s = 200": (200, 1.0)},
}
CLASSES = 10
COUNTS = (10, 30, 100, 200)
RATES, TUNING_TASKS = (2e-3, 5e-3), 40
TEMPERATURES = (0.3, 1.0, 3.0, 10.0, 30.0)
DIGITS = 200  # test images of each task for the digits, task given
Objective = Callable[[Tensor], Tensor]  # logits [B, s] -> one value an image, [B]


def rows(size: Size, seed: int) -> Iterator[dict[str, Any]]:
    """Yield one row for each case and each k: shares of tasks found, of digits read, and what was chosen."""
    tasks, tuning = permuted_mnist(size.tasks, seed), permuted_mnist(min(TUNING_TASKS, size.tasks), seed + 1000)
    counts = [k for k in COUNTS if k < size.tasks] + [size.tasks]
    for case, (outputs, temperature) in LEARNED.items():
        net = tempered(lenet_300_100(outputs, seed), temperature)
        tries = {}
        for rate in RATES:
            masks = learn_all_masks(net, tuning, seed=seed, recipe=_recipe(size.steps, rate))
            tries[rate] = found_at(net, masks, tuning, temperature, size.images, seed)["right"]
        rate = max(tries, key=tries.get)
        masks = learn_all_masks(net, tasks, seed=seed, recipe=_recipe(size.steps, rate))
        digits = evaluate(net, masks, tasks, "GG", images=DIGITS).per_task
        for k in counts:
            each = size.images * size.tasks // k  # about as many images in all for every k
            row = {"case": f"{case}, k = {k}", "n": each * k, "k": k, "s": outputs, "T": temperature, "rate": rate}
            found = found_at(net, masks[:k], tasks[:k], temperature, each, seed)
            yield row | found | {"digits": _share(digits[:k])}


def tempered(net: MLP, temperature: float) -> MLP:
    """Return a network whose logits are those of a fresh one divided by the temperature, whatever the mask."""
    scaled = copy.deepcopy(net)
    *_, last = scaled.weights().values()
    last.div_(temperature)
    return scaled


def found_at(net: MLP, masks: MaskStore, tasks: TaskSuite, learned_at: float, each: int, seed: int) -> dict[str, Any]:
    """Return the shares of tasks found, by each objective, and of images with task and digit right.

    Args:
        learned_at: the temperature that the network's logits are divided by already.
        each: test images of each task that are counted; as many others choose the objective.
    """
    draws = [torch.from_numpy(generator("asked", seed, i).permutation(len(tasks[0].test))) for i in tasks.numbers]
    x, y, truth = _asked(tasks, [drawn[:each] for drawn in draws])
    held_out, _, _ = _asked(tasks, [drawn[each : 2 * each] for drawn in draws])
    searched = {
        f"{kind}, t = {t:g}": colder(objective, t / learned_at)
        for kind, objective in KINDS.items()
        for t in TEMPERATURES
    }

    def shares(images: Tensor, objectives: dict[str, Objective]) -> dict[str, tuple[float, Tensor]]:
        chosen = votes(net, masks, images, list(objectives.values())).argmax(2)
        return {name: (_share(found == truth), found) for name, found in zip(objectives, chosen, strict=True)}

    tried = shares(held_out, searched)
    best = max(tried, key=lambda name: tried[name][0])
    counted = {"found": KINDS["softmax"], "best": searched[best]}
    if net.outputs > CLASSES:
        counted["G"] = lambda p: objective_of(p, "superfluous", CLASSES)
    found = shares(x, counted)
    chosen = found["best"][1]
    right = digits_right(net, masks, x, y, chosen) & (chosen == truth)
    return {name: share for name, (share, _) in found.items()} | {"best at": best, "right": _share(right)}


def sigmoid_entropy(logits: Tensor) -> Tensor:
    """Return the summed entropy of one sigmoid for each output, in nats: [B, s] -> [B]."""
    share = logits.sigmoid()
    return -(share * F.logsigmoid(logits) + (1 - share) * F.logsigmoid(-logits)).sum(1)


KINDS = {"softmax": lambda p: objective_of(p, "entropy"), "sigmoids": sigmoid_entropy}


def colder(objective: Objective, temperature: float) -> Objective:
    """Return the objective of logits divided by a temperature."""
    return lambda p: objective(p / temperature)


def votes(net: MLP, masks: MaskStore, x: Tensor, objectives: Sequence[Objective]) -> Tensor:
    """Return -d objective / d alpha of One-Shot for each objective, image and mask: [objectives, B, k]."""
    alphas = torch.full((len(x), len(masks)), 1 / len(masks), device=x.device, requires_grad=True)
    with torch.enable_grad():
        logits = forward_superposed(net, masks, alphas, x, shared=True)
        values = [objective(logits).sum() for objective in objectives]
    return -torch.stack([torch.autograd.grad(value, alphas, retain_graph=True)[0] for value in values])


def digits_right(net: MLP, masks: MaskStore, x: Tensor, y: Tensor, chosen: Tensor) -> Tensor:
    """Return which images get the right class under the mask chosen for each: bool [B]."""
    right = torch.zeros_like(y, dtype=torch.bool)
    for i in chosen.unique().tolist():
        mine = chosen == i
        right[mine] = run_masked(net, masks[i], x[mine]).argmax(1) == y[mine]
    return right


def _asked(tasks: TaskSuite, drawn: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Return some test images of every task, their labels, and their tasks."""
    batches = [task.test.batch(which) for task, which in zip(tasks, drawn, strict=True)]
    truth = torch.arange(len(tasks), device=tasks.device).repeat_interleave(len(drawn[0]))
    return torch.cat([x for x, _ in batches]), torch.cat([y for _, y in batches]), truth


def _share(right: Tensor) -> float:
    return round(float(right.float().mean()), 5)


def _recipe(steps: int, rate: float) -> Recipe:
    return Recipe(steps=steps, batch=128, optimizer="adam", lr=rate, one_cycle=True)


QUESTION = Question(
    "With 100 tasks, does a temperature on ten outputs do what superfluous outputs do?",
    rows,
    Size(tasks=100, steps=60, images=4),
)
