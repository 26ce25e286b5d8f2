"""SplitMNIST with its masks in one matrix: learned, kept in a Hopfield store, and recalled from batches of images."""

import argparse
import time
from dataclasses import asdict
from typing import Any

import torch
from tqdm.auto import tqdm

from supsup_lite import networks
from supsup_lite.data import suites
from supsup_lite.evaluation.steps import BATCH
from supsup_lite.experiments.settings import recipe_of
from supsup_lite.hopfield.recall import hopfield_store, measure_limits, recall_mask, spins_of
from supsup_lite.learning.learn import learn_masks
from supsup_lite.masks.apply import apply_mask
from supsup_lite.recipes import UNITS
from supsup_lite.results import runs
from supsup_lite.seeding import generator


def split_mnist_hopfield(options: argparse.Namespace) -> dict[str, Any]:
    """SplitMNIST, masks over units in a Hopfield store, recalled from each batch of 128 (the paper: under 30 steps)."""
    began = time.perf_counter()
    suite = suites.split_mnist(options.tasks or 5)
    net = networks.bn_mlp(seed=options.seed)
    recipe = recipe_of(UNITS, options)
    masks = learn_masks(net, suite, None, options.seed, recipe=recipe)
    store = hopfield_store(masks, options.rule)
    limits = measure_limits(net, store, masks, suite, BATCH, options.seed)
    setting = {"network": net.name, "outputs": net.outputs, "tasks": len(suite), "seed": options.seed}
    setting |= {
        "rule": options.rule,
        **asdict(recipe),
        "batch_to_recall_from": BATCH,
        "images_per_task": options.images,
    }
    stored = spins_of(masks)
    per_task = [
        _task(net, store, limits, task, masks[i], stored[i], options)
        for i, task in enumerate(tqdm(suite, desc="recalling masks", leave=False))
    ]
    cases = [case for task in per_task for case in task.pop("cases")]
    figures = {
        "per_task": per_task,
        "recalls": len(cases),
        **{kind: sum(case["kind"] == kind for case in cases) for kind in ("exact", "wrong", "not recalled")},
        "mean_steps": round(sum(case["steps"] for case in cases) / len(cases), 2),
        "most_steps": max(case["steps"] for case in cases),
        "accuracy": round(sum(task["accuracy"] for task in per_task) / len(per_task), 5),
        "accuracy_explicit": round(sum(task["accuracy_explicit"] for task in per_task) / len(per_task), 5),
        "bytes_store": store.nbytes,
        "bytes_masks": masks.nbytes,
    }
    n = sum(task["images"] for task in per_task)
    return runs.result_of(options.name, setting, figures, n, time.perf_counter() - began, net.device)


@torch.no_grad()
def _task(net, store, limits, task, mask, z, options) -> dict[str, Any]:
    """Return what recall makes of one task: every full batch recalls a mask, and is classified with it.

    A batch whose mask is not recalled, or is another task's, counts as wrong (labels not shared, GNu).
    """
    order = torch.from_numpy(generator("evaluation", options.seed, task.number).permutation(len(task.test)))
    cases, right, explicit = [], 0, 0
    for rows in order[: options.images].split(BATCH):
        if len(rows) < BATCH:
            continue
        x, y = task.test.batch(rows)
        found = recall_mask(net, store, x, limits)
        exact = bool(torch.equal(found.z, z)) and found.mask is not None
        cases.append({"kind": "exact" if exact else "wrong" if found.mask else "not recalled", "steps": found.steps})
        hits = int((apply_mask(net, mask, x).argmax(1) == y).sum())
        explicit += hits
        right += hits * exact
    if not cases:
        raise ValueError(f"a recall needs a whole batch of {BATCH} images, got {options.images}: ask for more images.")
    n = len(cases) * BATCH
    return {
        "task": task.name,
        "exact": sum(case["kind"] == "exact" for case in cases),
        "recalls": len(cases),
        "steps": round(sum(case["steps"] for case in cases) / len(cases), 2),
        "accuracy": round(right / n, 5),
        "accuracy_explicit": round(explicit / n, 5),
        "images": n,
        "cases": cases,
    }
