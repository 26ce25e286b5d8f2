"""PermutedMNIST where no task is ever given, in learning or later: scenario NNs, beside GNu with as many steps."""

import argparse
import io
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

from supsup_lite.data import suites
from supsup_lite.data.streams import Stream, stream_of
from supsup_lite.evaluation.assignment import assignment
from supsup_lite.evaluation.scenarios import evaluate
from supsup_lite.experiments.settings import NETWORKS, RECIPES, figures_of, recipe_of
from supsup_lite.experiments.shards import learn_resumably
from supsup_lite.files import write
from supsup_lite.networks.network import Network
from supsup_lite.recipes import STEADY, Recipe
from supsup_lite.results import runs
from supsup_lite.seeding import generator
from supsup_lite.unannounced.learner import StreamLearner
from supsup_lite.unannounced.novelty import PaperRule, RecordRule

SAVE_EVERY = 3000  # batches: what a kill can cost at most


def permuted_mnist_nns(options: argparse.Namespace) -> dict[str, Any]:
    """PermutedMNIST, NNs: masks, purity, returns of two rules, accuracy beside GNu; changes anywhere, or at blocks."""
    suite = suites.permuted_mnist(options.tasks or 20, seed=options.seed)
    net = NETWORKS[options.network](outputs=options.outputs, seed=options.seed)
    recipe = recipe_of(RECIPES["paper"] if options.recipe == "paper" else STEADY, options)
    block = max(1, min(100, recipe.steps // 3))
    kinds = {"ragged": 1, "aligned": block}
    plans = {kind: plan_of(len(suite), recipe.steps, options.seed, whole) for kind, whole in kinds.items()}
    streams = {kind: stream_of(suite, plan, recipe.batch, options.seed) for kind, plan in plans.items()}
    setting = {
        "network": net.name,
        "outputs": net.outputs,
        "tasks": len(suite),
        "seed": options.seed,
        "recipe": "paper" if options.recipe == "paper" else "steady",
        **asdict(recipe),
        "batches": len(streams["ragged"]),
        "block": block,
        "infer_from": "one_image",
        "images_per_task": options.images,
    }
    began = time.perf_counter()
    figures: dict[str, Any] = {}
    given, spent = learn_resumably(options.name, net, suite, None, options.seed, recipe)
    how = {"images": options.images, "seed": 0}
    figures["GNu"] = figures_of(evaluate(net, given, suite, "GNu", **how))
    for name, rule, kind in (
        ("record", RecordRule(), "ragged"),
        ("paper", PaperRule(), "ragged"),
        ("paper_aligned", PaperRule(), "aligned"),
    ):
        stream = streams[kind]
        learner, seconds = _learn(options.name, net, stream, rule, recipe, block, options.seed)
        found = assignment(stream, learner.used)
        result = evaluate(net, learner.masks, suite, "GNs", owners=found.owners, **how)
        figures[name] = {
            "masks": len(learner.masks),
            "purity": round(found.purity, 5),
            "returns": found.returns,
            "recognised": found.recognised,
            "set_aside": round(found.set_aside, 5),
            "inferences_in_learning": len(learner.decisions),
            "learning_seconds": round(seconds, 1),
            "bytes": learner.masks.nbytes,
            **figures_of(result),
            "behind_GNu": round(figures["GNu"]["accuracy"] - result.accuracy, 5),
        }
        spent += seconds
    figures["GNu"]["bytes"] = given.nbytes
    seconds = max(spent, time.perf_counter() - began)
    return runs.result_of(options.name, setting, figures, figures["record"]["n"], seconds, net.device)


def plan_of(num_tasks: int, steps: int, seed: int, block: int = 1) -> list[tuple[int, int]]:
    """Return a plan in which each task gets `steps` batches in two pieces: all tasks once, then all in another order.

    The first piece is 40 to 60 % of the steps, rounded to whole blocks of `block` batches.
    """
    draw = generator("plan", seed)
    first = [block * max(1, round(share * steps / block)) for share in draw.uniform(0.4, 0.6, num_tasks)]
    again = draw.permutation(num_tasks).tolist()
    return [(i, first[i]) for i in range(num_tasks)] + [(i, steps - first[i]) for i in again]


def _learn(
    name: str, net: Network, stream: Stream, rule: RecordRule | PaperRule, recipe: Recipe, every: int, seed: int
) -> tuple[StreamLearner, float]:
    """Return the learner at the end of the stream, and the seconds it took, those before a kill included."""
    suite = stream.tasks
    identity = [net.fingerprint(), suite.kind, suite.seed, stream.plan, repr(rule), asdict(recipe), every, seed]
    path = runs.checkpoint(name, identity).with_suffix(".pt")  # not safetensors: it holds lists and numbers, too
    learner = StreamLearner(net, suite.num_classes, rule, recipe, every, budget=2500, seed=seed)
    spent = 0.0
    if path.exists():
        saved = torch.load(path, map_location=net.device, weights_only=True)
        learner.restore(saved["learner"])
        spent = saved["seconds"]
        print(f"going on after {len(learner.used)} of {len(stream)} batches from {path}", file=sys.stderr)
    began, start = time.perf_counter(), len(learner.used)
    bar = tqdm(
        stream.since(start), total=len(stream), initial=start, desc=f"{name}: {type(rule).__name__}", unit="batch"
    )
    for x, y in bar:
        learner.feed(x, y)
        if len(learner.used) % SAVE_EVERY == 0 or len(learner.used) == len(stream):
            _save(path, learner, spent + time.perf_counter() - began)
    return learner, spent + (time.perf_counter() - began if start < len(stream) else 0.0)


def _save(path: Path, learner: StreamLearner, seconds: float) -> None:
    content = io.BytesIO()
    torch.save({"learner": learner.state(), "seconds": seconds}, content)
    write(path, content.getvalue())
