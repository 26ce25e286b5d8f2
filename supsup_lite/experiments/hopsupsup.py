"""SplitMNIST with its masks in one matrix: learned, kept in a Hopfield store, and recalled from batches of images."""

import time
from dataclasses import asdict
from typing import Any

import torch
from tqdm.auto import tqdm

from supsup_lite import networks
from supsup_lite.data import suites
from supsup_lite.evaluation.steps import BATCH
from supsup_lite.experiments.settings import HopfieldSettings
from supsup_lite.experiments.shards import learn_resumably
from supsup_lite.hopfield import hopfield_store, measure_limits, recall_mask, spins_of
from supsup_lite.masks.apply import apply_mask
from supsup_lite.recipes import UNITS
from supsup_lite.results import runs
from supsup_lite.seeding import generator

NAME = "split-mnist-hopfield"


def split_mnist_hopfield(settings: HopfieldSettings) -> dict[str, Any]:
    """SplitMNIST, masks over units in a Hopfield store, recalled from each batch of 128 (the paper: under 30 steps)."""
    _check_images(settings.images)
    suite = suites.split_mnist(settings.tasks)
    net = networks.bn_mlp(seed=settings.seed)
    recipe = settings.training(UNITS)
    masks, learning = learn_resumably(NAME, net, suite, None, settings.seed, recipe)
    began = time.perf_counter()
    store = hopfield_store(masks, settings.rule)
    limits = measure_limits(net, store, masks, suite, BATCH, settings.seed)
    setting = {"network": net.name, "outputs": net.outputs, "tasks": len(suite), "seed": settings.seed}
    setting |= {
        "rule": settings.rule,
        **asdict(recipe),
        "batch_to_recall_from": BATCH,
        "images_per_task": settings.images,
    }
    stored = spins_of(masks)
    per_task = [
        _task(net, store, limits, task, masks[i], stored[i], settings)
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
    return runs.result_of(NAME, setting, figures, n, learning + time.perf_counter() - began, net.device)


@torch.no_grad()
def _task(net, store, limits, task, mask, z, settings) -> dict[str, Any]:
    """Return what recall makes of one task: every full batch recalls a mask, and is classified with it.

    A batch whose mask is not recalled, or is another task's, counts as wrong (labels not shared, GNu).
    """
    order = torch.from_numpy(generator("evaluation", settings.seed, task.number).permutation(len(task.test)))
    cases, right, explicit = [], 0, 0
    for rows in order[: settings.images].split(BATCH):
        if len(rows) < BATCH:
            continue
        x, y = task.test.batch(rows)
        found = recall_mask(net, store, x, limits)
        exact = bool(torch.equal(found.z, z)) and found.mask is not None
        cases.append({"kind": "exact" if exact else "wrong" if found.mask else "not recalled", "steps": found.steps})
        hits = int((apply_mask(net, mask, x).argmax(1) == y).sum())
        explicit += hits
        right += hits * exact
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


def _check_images(images: int | None) -> None:
    if images is not None and images < BATCH:
        raise ValueError(f"a recall needs a whole batch of {BATCH} images, got {images}: ask for more images.")
