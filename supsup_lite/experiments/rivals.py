"""Masks and the paper's rivals on the same tasks, in scenario GG: accuracy and bytes, each at its own best rate."""

import json
import sys
import time
from dataclasses import asdict, replace
from typing import Any

import torch
from tqdm.auto import tqdm

from supsup_lite.baselines import BatchEnsemble, Masked, infer_rank_one, joined
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.evaluation.intervals import interval_95
from supsup_lite.evaluation.measure import Measured, measure
from supsup_lite.evaluation.scenarios import Evaluation, score
from supsup_lite.evaluation.steps import BATCH
from supsup_lite.experiments.contestants import (
    Contestant,
    Part,
    contestant_of,
    joined_masks,
    learn,
    learn_parts,
)
from supsup_lite.experiments.mnist import COUNTS
from supsup_lite.experiments.settings import NETWORKS, RECIPES, RIVALS, SUITES, RivalSettings, figures_of
from supsup_lite.files import read_json, write
from supsup_lite.networks.network import Network, run
from supsup_lite.recipes import Recipe
from supsup_lite.results import runs
from supsup_lite.seeding import generator

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0, 10.0)  # half decades, wide enough for all of them
APART = 1000  # added to the seed of the network and the tasks on which rates are tuned
INFERENCES = 10  # of each task, where a rival can be asked which task it is


def rivals(settings: RivalSettings) -> dict[str, Any]:
    """Masks, BatchE, PSP, separate heads, upper and lower bound on the same tasks: accuracy and bytes (GG)."""
    recipe = settings.training(RECIPES[settings.recipe])
    names = RIVALS if settings.rival == "all" else [settings.rival]
    suite = _suite(settings, settings.tasks, settings.seed)
    net = _network(settings, suite, settings.seed)
    seeds = range(settings.seed, settings.seed + settings.seeds)
    setting = {
        "suite": settings.suite,
        "network": net.name,
        "outputs": net.outputs,
        "tasks": len(suite),
        "seeds": list(seeds),
        "recipe": settings.recipe,
        **{name: value for name, value in asdict(recipe).items() if name != "lr"},
        "lr_of_trunk": recipe.lr,
        "rates": list(RATES) if settings.lr is None else [settings.lr],
        "tuning_tasks": settings.tuning_tasks,
        "keep": settings.keep,
        "images_per_task": settings.images,
    }
    rows = [row for name in names for row in _rows(name, seeds, recipe, settings)]
    n = sum(row.pop("n") for row in rows)
    seconds = sum(row["learning_seconds"] + row["evaluating_seconds"] for row in rows)
    return runs.result_of("rivals", setting, rows, n, seconds, net.device)


def _suite(settings: RivalSettings, tasks: int, seed: int) -> TaskSuite:
    where = {} if settings.root is None else {"root": settings.root}
    return SUITES[settings.suite](tasks, seed, **where)


def _network(settings: RivalSettings, suite: TaskSuite, seed: int) -> Network:
    return NETWORKS[settings.network](outputs=settings.outputs or suite.num_classes, seed=seed)


def _rows(name: str, seeds: range, recipe: Recipe, settings: RivalSettings) -> list[dict[str, Any]]:
    """Return what one contestant is worth with each seed: tuned once, on tasks of another."""
    tried = {} if settings.lr is not None else search(name, recipe, settings)
    lr = settings.lr if settings.lr is not None else max(tried, key=tried.__getitem__)
    found = [{"lr": rate, "accuracy": round(share, 5)} for rate, share in sorted(tried.items())]
    about = {"method": name, "lr": lr, "search": found}
    return [about | {"seed": seed} | _row(name, seed, recipe, lr, settings) for seed in seeds]


def _row(name: str, seed: int, recipe: Recipe, lr: float, settings: RivalSettings) -> dict[str, Any]:
    """Return what one contestant is worth with one seed: learned (or gone on with), and measured."""
    contestant, suite = contestant_of(name, settings.keep), _suite(settings, settings.tasks, seed)
    net = _network(settings, suite, seed)
    parts, learning = learn_parts(name, net, suite, seed, recipe, lr, settings.keep)
    began = time.perf_counter()
    counts = sorted({count for count in COUNTS if count < len(suite)} | {len(suite)})
    measured = _measured(contestant, parts, suite, counts, settings.images)
    per_task = measured[len(suite)].per_task
    row = {
        "accuracy": round(measured[len(suite)].accuracy, 5),
        "interval_95": [round(end, 5) for end in interval_95(per_task)],
        "worst_task": round(per_task.min().item(), 5),
        "bytes": measured[len(suite)].nbytes,
        "steps": measured[len(suite)].steps,
        "n": measured[len(suite)].n,
        "by_tasks": [
            {"tasks": count, "GG": round(result.accuracy, 5), "bytes": result.nbytes}
            for count, result in measured.items()
        ],
    }
    if contestant.kind is BatchEnsemble:
        row["GNu"] = figures_of(_one_shot(joined([fetch() for _, fetch in parts]), suite))
    if contestant.kind is Masked:
        for first in row["by_tasks"]:
            masks = joined_masks([fetch() for block, fetch in parts if block.stop <= first["tasks"]])
            first["file_bytes"] = masks.file_bytes
        row["file_bytes"] = row["by_tasks"][-1]["file_bytes"]
    return row | {"learning_seconds": round(learning, 1), "evaluating_seconds": round(time.perf_counter() - began, 1)}


def search(name: str, recipe: Recipe, settings: RivalSettings) -> dict[float, float]:
    """Return every rate of `RATES`, with the accuracy that it brings on `tuning_tasks` tasks of another seed.

    All are tried: accuracy need not have a single summit over the rates, and whoever climbs may stop on the wrong one.
    What was tried is kept, and a killed search goes on.
    """
    contestant, seed = contestant_of(name, settings.keep), settings.seed + APART
    suite = _suite(settings, settings.tuning_tasks, seed)
    net = _network(settings, suite, seed)
    keep = settings.keep if contestant.kind is Masked else None
    identity = [net.fingerprint(), settings.suite, settings.tuning_tasks, seed, asdict(recipe), settings.images, keep]
    path = runs.checkpoint(f"rivals-{name}-rates", identity).with_suffix(".json")
    tried = read_json(path, _tried, "Delete it: the rates are tried again.") if path.exists() else {}
    for rate in RATES:
        if rate in tried:
            continue
        kept = learn(contestant, net, suite, seed, recipe, rate)
        tried[rate] = measure(kept, suite, settings.images).accuracy
        print(f"rivals: {name} at rate {rate:g}: {tried[rate]:.4f}", file=sys.stderr)
        write(path, json.dumps(list(tried.items())).encode())
    return tried


def _tried(said: list[list[float]]) -> dict[float, float]:
    """Return the rates that a killed search has tried, and what each brought."""
    tried = {rate: share for rate, share in said}
    if not tried.keys() <= set(RATES) or not all(0 <= share <= 1 for share in tried.values()):
        raise ValueError(f"rates of {RATES} and shares in 0..1 were expected")
    return tried


def _measured(
    contestant: Contestant, parts: list[Part], suite: TaskSuite, counts: list[int], images: int | None
) -> dict[int, Measured]:
    """Return what the first tasks are worth when as many were learned, for each count, the end of a block.

    Where later tasks change what earlier ones share, these are measured again with what is shared by then.
    """
    found: dict[range, Measured] = {}
    results = {}
    for count in counts:
        within = [(block, fetch) for block, fetch in parts if block.stop <= count]
        last = within[-1][1]()
        for block, fetch in within:
            if contestant.moves or block not in found:
                found[block] = measure(replace(fetch(), shared=last.shared), suite[block.start : block.stop], images)
        results[count] = _together([found[block] for block, _ in within], last.shared_nbytes)
    return results


def _together(parts: list[Measured], shared_nbytes: int) -> Measured:
    """Return what several parts of the tasks are worth together: what they share is kept once."""
    nbytes = sum(part.nbytes - shared_nbytes for part in parts) + shared_nbytes
    per_task = torch.cat([part.per_task for part in parts])
    return Measured(per_task, nbytes, sum(part.steps for part in parts), sum(part.n for part in parts))


def _one_shot(kept: BatchEnsemble, suite: TaskSuite) -> Evaluation:
    """Return GNu of BatchE: the task from the first image of each of some batches of 128, by One-Shot (figure 5)."""
    chosen, right = [], []
    for i, task in enumerate(tqdm(suite, desc="rivals: One-Shot for BatchE", leave=False)):
        order = generator("evaluation", 0, task.number).permutation(len(task.test))[: INFERENCES * BATCH]
        x, y = task.test.batch(torch.from_numpy(order))
        chosen.append(infer_rank_one(kept, x[::BATCH]).cpu())
        right.append((run(kept.net, kept.weights(i), x, kept.statistics(i)).argmax(1) == y).cpu())
    return score("GNu", chosen, right, len(suite))
