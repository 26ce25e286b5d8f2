"""Which recipe is the default? Accuracy AND task inference, since a hot recipe loses the second without a sign.

Each recipe learns 100 permutations on LeNet 300-100 with s = 100. Reported: seconds a task, mean accuracy (GG) of the
first 20 tasks on all 10,000 test images, share of single images whose task One-Shot finds among all 100, and how much
the last layers' masks agree between tasks (mean |2 M - 1|, 0.08 for independent coin flips at k = 100).
"""

import time

import torch

import supsup_lite as sl
from supsup_lite.inference.methods import infer_task

TASKS, ACCURACY_TASKS, IMAGES = 100, 20, 20
RECIPES = {
    "RMSprop 1e-4, 1000 x 128 (paper)": sl.PAPER,
    "Adam 1e-3 one-cycle, 200 x 128": sl.Recipe(200, 128, "adam", 1e-3, True),
    "Adam 1e-3 one-cycle, 300 x 128": sl.Recipe(300, 128, "adam", 1e-3, True),
    "Adam 2e-3 one-cycle, 300 x 128": sl.Recipe(300, 128, "adam", 2e-3, True),
    "Adam 3e-3 one-cycle, 200 x 128": sl.Recipe(200, 128, "adam", 3e-3, True),
    "Adam 5e-3 one-cycle, 200 x 128": sl.Recipe(200, 128, "adam", 5e-3, True),
    "Adam 2e-2 one-cycle, 100 x 128": sl.Recipe(100, 128, "adam", 2e-2, True),
}


def measure(recipe: sl.Recipe, num_tasks: int = TASKS, seed: int = 0) -> dict[str, float]:
    """Return the figures of one recipe."""
    tasks, net = sl.permuted_mnist(num_tasks, seed=seed), sl.lenet_300_100(outputs=100, seed=seed)
    began = time.perf_counter()
    masks = sl.learn_masks(net, tasks, seed=seed, recipe=recipe, progress=False)
    seconds = (time.perf_counter() - began) / num_tasks
    right = [_accuracy(net, masks[i], tasks[i]) for i in range(min(ACCURACY_TASKS, num_tasks))]
    found = [_found(net, masks, tasks, i) for i in range(num_tasks)]
    last = list(masks.shapes)[-1]
    share = masks.chunk(0, len(masks))[last].float().mean(0)
    return {
        "seconds a task": seconds,
        "accuracy": sum(right) / len(right),
        "lowest accuracy": min(right),
        "one_shot": sum(found) / len(found),
        "last-layer agreement": float((2 * share - 1).abs().mean()),
        "images": IMAGES * num_tasks,
    }


def _accuracy(net, mask, task) -> float:
    x, y = task.test.all()
    return float((sl.apply_mask(net, mask, x).argmax(1) == y).float().mean())


def _found(net, masks, tasks, i: int) -> float:
    draw = torch.Generator().manual_seed(i)
    x, _ = tasks[i].test.batch(torch.randperm(len(tasks[i].test), generator=draw)[:IMAGES])
    return float((infer_task(net, masks, x) == i).float().mean())


def run() -> list[dict]:
    """Return one row for each recipe."""
    return [{"recipe": name} | measure(recipe) for name, recipe in RECIPES.items()]
