"""PermutedMNIST, RotatedMNIST and SplitMNIST where the task is given in training: scenarios GG, GNs and GNu."""

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from supsup_lite import networks, tasks
from supsup_lite.learning import DEFAULT, PAPER, Recipe, learn_masks, tasks_at_once
from supsup_lite.networks import Network
from supsup_lite.paper import runs
from supsup_lite.scenarios import Evaluation, evaluate
from supsup_lite.store import MaskStore
from supsup_lite.tasks import TaskSuite

NETWORKS = {"lenet": networks.lenet_300_100, "fc": networks.fc_1024}
RECIPES = {"paper": PAPER, "default": DEFAULT}
SAVE_EVERY = 10  # tasks: what a kill can cost at most


def permuted_mnist(options: argparse.Namespace) -> dict[str, Any]:
    """PermutedMNIST, GG, GNs and GNu, task from one image by One-Shot (the paper: 94.91 % for 250 tasks on FC)."""
    suite = tasks.permuted_mnist(options.tasks or 20, seed=options.seed)
    how = {"infer_from": "one_image", "method": options.method or "one_shot", "objective": options.objective}
    return _run(options, suite, how)


def rotated_mnist(options: argparse.Namespace) -> dict[str, Any]:
    """RotatedMNIST, 36 tasks of 10 degrees, Binary on full batches of 128."""
    suite = tasks.rotated_mnist(options.tasks or 36)
    how = {"infer_from": "whole_batch", "method": options.method or "binary", "objective": options.objective}
    return _run(options, suite, how)


def split_mnist(options: argparse.Namespace) -> dict[str, Any]:
    """SplitMNIST, 5 tasks of two digits."""
    suite = tasks.split_mnist(options.tasks or 5)
    how = {"infer_from": "one_image", "method": options.method or "one_shot", "objective": options.objective}
    return _run(options, suite, how)


def _run(options: argparse.Namespace, suite: TaskSuite, how: dict[str, str]) -> dict[str, Any]:
    """Learn (or go on with) the masks, evaluate the three scenarios, and return the result."""
    net = NETWORKS[options.network](outputs=options.outputs, seed=options.seed)
    recipe = RECIPES[options.recipe]
    setting = {
        "network": net.name,
        "outputs": net.outputs,
        "tasks": len(suite),
        "seed": options.seed,
        "keep": options.keep,
        "recipe": options.recipe,
        **asdict(recipe),
        **how,
        "images_per_task": options.images,
    }
    masks, seconds = learn_resumably(options.name, net, suite, options.keep, options.seed, recipe)
    began = time.perf_counter()
    figures: dict[str, Any] = {}
    for scenario in tqdm(("GG", "GNs", "GNu"), desc="evaluating", leave=False):
        figures[scenario] = figures_of(evaluate(net, masks, suite, scenario, images=options.images, seed=0, **how))
    figures |= {
        "bytes": masks.nbytes,
        "entropy_bytes": round(masks.entropy_bytes),
        "learning_seconds": round(seconds, 1),
    }
    seconds += time.perf_counter() - began
    return runs.result_of(options.name, setting, figures, figures["GNu"]["n"], seconds, net.device)


def figures_of(result: Evaluation) -> dict[str, Any]:
    return {
        "accuracy": round(result.accuracy, 5),
        "interval_95": [round(end, 5) for end in result.interval],
        "worst_task": round(float(result.per_task.min()), 5),
        "task_accuracy": round(result.task_accuracy, 5),
        "task_interval_95": [round(end, 5) for end in result.task_interval],
        "inferences": result.inferences,
        "n": result.n,
    }


def learn_resumably(
    name: str, net: Network, suite: TaskSuite, keep: float | None, seed: int, recipe: Recipe
) -> tuple[MaskStore, float]:
    """Return all masks and the seconds that learning them took, those before a kill included."""
    path = _checkpoint(name, net, suite, keep, seed, recipe)
    stored = MaskStore.load(path, net) if path.exists() else MaskStore(net)
    masks = stored[: len(suite)]
    if len(masks):
        print(f"going on with {len(masks)} of {len(suite)} masks from {path}", file=sys.stderr)
    spent = stored.about.get("seconds", 0.0) * len(masks) / max(1, len(stored))
    with tqdm(total=len(suite), initial=len(masks), desc=f"{name}: learning masks", unit="task") as bar:
        while len(masks) < len(suite):
            began = time.perf_counter()
            stop = min(len(suite), len(masks) + max(SAVE_EVERY, tasks_at_once(net)))
            learn_masks(net, suite[:stop], keep, seed, recipe=recipe, masks=masks, progress=False)
            spent += time.perf_counter() - began
            masks.about["seconds"] = spent
            masks.save(path)
            if len(masks) < stop:
                raise KeyboardInterrupt
            bar.update(stop - bar.n)
    return masks, spent


def _checkpoint(name: str, net: Network, suite: TaskSuite, keep: float | None, seed: int, recipe: Recipe) -> Path:
    """Return where a run keeps its masks: what changes a mask counts, and the number of tasks does not."""
    return runs.checkpoint(name, [net.fingerprint(), suite.kind, suite.dataset, suite.seed, keep, seed, asdict(recipe)])
