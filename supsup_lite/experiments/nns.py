"""PermutedMNIST where no task is ever given, in learning or later: scenario NNs, beside GNu with as many steps."""

import hashlib
import io
import os
import pickle
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

from supsup_lite.checks import check_number
from supsup_lite.data import suites
from supsup_lite.data.streams import Stream, stream_of
from supsup_lite.devices import check_memory, device
from supsup_lite.evaluation.assignment import assignment
from supsup_lite.evaluation.scenarios import evaluate
from supsup_lite.experiments.memory import check_memory_of_run
from supsup_lite.experiments.settings import NETWORKS, UnannouncedSettings, figures_of
from supsup_lite.experiments.shards import learn_resumably
from supsup_lite.files import open_file, write
from supsup_lite.networks.network import Network
from supsup_lite.recipes import PAPER, STEADY, Recipe
from supsup_lite.results import runs
from supsup_lite.seeding import generator
from supsup_lite.unannounced.learner import StreamLearner
from supsup_lite.unannounced.novelty import PaperRule, RecordRule, Rule

NAME = "permuted-mnist-nns"
CHECKSUM_BYTES = 32  # a SHA-256, before what torch writes: torch reads on where numbers are damaged
SAVE_EVERY = 3000  # batches: what a kill can cost at most


def permuted_mnist_nns(settings: UnannouncedSettings) -> dict[str, Any]:
    """PermutedMNIST, NNs: masks, purity, returns of two rules, accuracy beside GNu; changes anywhere, or at blocks."""
    recipe = settings.training(PAPER if settings.recipe == "paper" else STEADY)
    check_memory_of_run(settings, recipe, device())
    suite = suites.permuted_mnist(settings.tasks, seed=settings.seed)
    net = NETWORKS[settings.network](outputs=settings.outputs, seed=settings.seed)
    block = max(1, min(100, recipe.steps // 3))
    kinds = {"ragged": 1, "aligned": block}
    plans = {kind: plan_of(len(suite), recipe.steps, settings.seed, whole) for kind, whole in kinds.items()}
    streams = {kind: stream_of(suite, plan, recipe.batch, settings.seed) for kind, plan in plans.items()}
    setting = {
        "network": net.name,
        "outputs": net.outputs,
        "tasks": len(suite),
        "seed": settings.seed,
        "recipe": "paper" if settings.recipe == "paper" else "steady",
        **asdict(recipe),
        "batches": len(streams["ragged"]),
        "block": block,
        "candidates": settings.candidates,
        "infer_from": "one_image",
        "images_per_task": settings.images,
    }
    began = time.perf_counter()
    figures: dict[str, Any] = {}
    given, spent = learn_resumably(NAME, net, suite, None, settings.seed, recipe)
    how = {"images": settings.images, "seed": 0}
    figures["GNu"] = figures_of(evaluate(net, given, suite, "GNu", **how))
    for name, rule, kind in runs_of(settings.candidates):
        stream = streams[kind]
        learner, seconds = _learn(NAME, net, stream, rule, recipe, block, settings.seed)
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
    return runs.result_of(NAME, setting, figures, figures["record"]["n"], seconds, net.device)


def runs_of(candidates: str) -> list[tuple[str, Rule, str]]:
    """Return what is run beside GNu: a name, a rule, and whether changes are anywhere ("ragged") or at blocks."""
    rules = {"paper": PaperRule(), "paper_one_untrained": PaperRule(candidates=None)}
    wanted = list(rules) if candidates == "both" else ["paper" if candidates == "paper" else f"paper_{candidates}"]
    found: list[tuple[str, Rule, str]] = [("record", RecordRule(), "ragged")]
    for name in wanted:
        found += [(name, rules[name], "ragged"), (f"{name}_aligned", rules[name], "aligned")]
    return found


def plan_of(num_tasks: int, steps: int, seed: int, block: int = 1) -> list[tuple[int, int]]:
    """Return a plan in which each task gets `steps` batches in two pieces: all tasks once, then all in another order.

    The first piece is 40 to 60 % of the steps, rounded to whole blocks of `block` batches.
    """
    draw = generator("plan", seed)
    first = [block * max(1, round(share * steps / block)) for share in draw.uniform(0.4, 0.6, num_tasks)]
    again = draw.permutation(num_tasks).tolist()
    return [(i, first[i]) for i in range(num_tasks)] + [(i, steps - first[i]) for i in again]


def _learn(
    name: str, net: Network, stream: Stream, rule: Rule, recipe: Recipe, every: int, seed: int
) -> tuple[StreamLearner, float]:
    """Return the learner at the end of the stream, and the seconds it took, those before a kill included."""
    suite = stream.tasks
    identity = [net.fingerprint(), suite.kind, suite.seed, stream.plan, repr(rule), asdict(recipe), every, seed]
    path = runs.checkpoint(name, identity).with_suffix(".pt")  # not safetensors: it holds lists and numbers, too
    learner = StreamLearner(net, suite.num_classes, rule, recipe, every, budget=2500, seed=seed)
    spent = 0.0
    if path.exists():
        spent = _restore(learner, path)
        print(f"going on after {len(learner.used)} of {len(stream)} batches from {path}", file=sys.stderr)
    began, start = time.perf_counter(), len(learner.used)
    bar = tqdm(
        stream.since(start), total=len(stream), initial=start, desc=f"{name}: {type(rule).__name__}", unit="batch"
    )
    try:
        for read, (x, y) in enumerate(bar, start + 1):
            learner.feed(x, y)
            if read % SAVE_EVERY == 0 or read == len(stream):
                _save(path, learner, spent + time.perf_counter() - began)
    except KeyboardInterrupt:
        _save(path, learner, spent + time.perf_counter() - began)
        raise
    return learner, spent + (time.perf_counter() - began if start < len(stream) else 0.0)


def _restore(learner: StreamLearner, path: Path) -> float:
    """Let a learner go on from what `_save` wrote, and return the seconds it took until then.

    Raises:
        ValueError: the file is damaged, or none that `_save` wrote; the message names it.
    """
    with open_file(path) as stream:
        check_memory(f"{path}", os.fstat(stream.fileno()).st_size, torch.device("cpu"))
        checksum, content = stream.read(CHECKSUM_BYTES), stream.read()
    try:
        if hashlib.sha256(content).digest() != checksum:
            raise ValueError("its checksum does not fit")
        saved = torch.load(io.BytesIO(content), map_location=learner.net.device, weights_only=True)
        learner.restore(saved["learner"])
        return check_number("seconds", saved["seconds"])
    except (
        RuntimeError,
        EOFError,
        pickle.UnpicklingError,
        LookupError,
        AttributeError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError(f"{path} is damaged or of another version ({error}). Delete it, and start again.") from error


def _save(path: Path, learner: StreamLearner, seconds: float) -> None:
    content = io.BytesIO()
    torch.save({"learner": learner.state(), "seconds": seconds}, content)
    write(path, hashlib.sha256(content.getbuffer()).digest() + content.getvalue())
