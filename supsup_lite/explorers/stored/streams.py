"""Streams that a learner has read, stored for the stream explorer: real runs, one for each epsilon and one by evidence.

`python -m supsup_lite.explorers.stored` reads the streams again and writes the file, in a few minutes.
"""

import json
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from supsup_lite.data.streams import NOISE, SET_ASIDE, Stream, stream_of
from supsup_lite.data.suites import permuted_mnist, rotated_mnist
from supsup_lite.evaluation.assignment import assignment
from supsup_lite.explorers.stored.place import FOLDER
from supsup_lite.files import read_json, write
from supsup_lite.networks.mlp import lenet_300_100
from supsup_lite.recipes import STEADY
from supsup_lite.unannounced.learner import StreamLearner
from supsup_lite.unannounced.novelty import PaperRule, RecordRule

FILE = FOLDER / "streams.json"
EVERY = 20  # batches in a block
SEED = 0
EPSILONS = (0.02, 0.03, 0.05, 0.08, 0.125, 0.2, 0.3, 0.5, 0.8, 1.2)  # of the stored runs
MORE_EPSILONS = (0.01, 0.04, 0.065, 0.1, 0.16, 0.25, 0.4, 0.65, 1.0, 2.0)  # that a running notebook may try
PLANS = {
    "even": [(0, 60), (1, 60), (2, 60), (0, 40), (3, 60), (4, 60), (1, 40)],
    "ragged": [
        (0, 70), (1, 60), (2, 90), (0, 40), (3, 75), (NOISE, 2), (3, 30), (4, 65), (1, 50), (5, 80), (2, 45), (6, 60),
        (NOISE, 25), (7, 70), (4, 35), (0, 30),
    ],
    "creeping": [(i, 40) for i in range(10)],
}  # fmt: skip
WORDS = {
    "even": "changes at blocks",
    "ragged": "changes anywhere, noise",
    "creeping": "slow rotations",
}


def stream(name: str) -> Stream:
    """Return one of the streams in PLANS, on the CPU."""
    plan = PLANS[name]
    make = rotated_mnist if name == "creeping" else permuted_mnist
    suite = make(1 + max(task for task, _ in plan), device="cpu")
    return stream_of(suite, plan, STEADY.batch, SEED)


def name_of(stream: str, eps: float | None) -> str:
    """Return the name of a run, such as "even, 0.125"; eps=None is the rule by evidence."""
    return f"{stream}, {'evidence' if eps is None else f'{eps:g}'}"


def learner_for(source: Stream, eps: float | None) -> StreamLearner:
    """Return a learner that has read nothing yet: by `PaperRule`, or by `RecordRule` for eps=None.

    One untrained mask takes part, whatever k is: the page shows the k masks and one more.
    """
    rule = RecordRule() if eps is None else PaperRule(eps, candidates=None)
    net = lenet_300_100(100, SEED, "cpu")
    return StreamLearner(net, source.tasks.num_classes, rule, STEADY, EVERY, budget=2500, seed=SEED)


def read(name: str, eps: float | None, tell: Callable[[float], None] = lambda share: None) -> dict[str, Any]:
    """Let a learner read a stream, and return all that the explorer shows of it, ready for JSON.

    Args:
        name: of the stream.
        eps: of the paper's rule; None is the rule by evidence.
        tell: called with the share that is done.
    """
    source = stream(name)
    learner = learner_for(source, eps)
    for step, (x, y) in enumerate(source):
        learner.feed(x, y)
        tell((step + 1) / len(source))
    return summary(source, learner)


def summary(source: Stream, learner: StreamLearner) -> dict[str, Any]:
    """Return what a run came to: masks, purity, errors, and each decision with its gradient."""
    truth, used = source.truth.tolist(), learner.used
    judged = assignment(source, used)
    false_alarms, misses = errors(truth, used)
    born = {d.mask: d.step for d in learner.decisions if d.new}
    decisions, before = [], None
    for d in learner.decisions:
        learned = {used[t] for t in range(d.step) if truth[t] == truth[d.step]}  # by which masks, from this task
        decisions.append(
            {
                "step": d.step,
                "mask": d.mask,
                "new": d.new,
                "known": truth[d.step] != NOISE and any(born.get(mask, d.step) < d.step for mask in learned),
                "counts": truth[d.step] != NOISE and (d.due or d.new or d.mask not in (before, SET_ASIDE)),
                "gradient": [float(f"{value:.6g}") for value in d.gradient.tolist()],
            }
        )
        before = d.mask
    return {
        "used": runs_of(used),
        "masks": len(learner.masks),
        "purity": round(judged.purity, 6),
        "returns": judged.returns,
        "recognised": judged.recognised,
        "false_alarms": false_alarms,
        "misses": misses,
        "decisions": decisions,
    }


def runs_of(numbers: Sequence[int]) -> list[list[int]]:
    """Return [number, how often] for each run of equal numbers."""
    return [[number, len(list(group))] for number, group in groupby(numbers)]


def errors(truth: Sequence[int], used: Sequence[int]) -> tuple[int, int]:
    """Return (false alarms, misses) of a run: masks = tasks + false alarms - misses.

    A false alarm is a mask that starts with a task of which something was learned before, or that only ever saw
    noise. A miss is a task that starts with a mask that had learned from another one.
    """
    tasks, masks, false_alarms, misses = set(), set(), 0, 0
    for task, mask in zip(truth, used, strict=True):
        if mask == SET_ASIDE or task == NOISE:
            continue
        false_alarms += task in tasks and mask not in masks
        misses += task not in tasks and mask in masks
        tasks.add(task)
        masks.add(mask)
    return false_alarms + len(set(used) - masks - {SET_ASIDE}), misses


def stored_runs(path: Path = FILE) -> dict[str, dict[str, Any]]:
    """Return the stored runs by name.

    Raises:
        FileNotFoundError, ValueError: the file is missing or damaged; the message names the command that makes it.
    """
    again = "Read the streams again: python -m supsup_lite.explorers.stored"
    try:
        return read_json(path, _checked, again)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"The stored streams {path} are missing. {again}") from error


def _checked(runs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return stored runs, if none is missing and each has the batches of its decisions."""
    missing = {name_of(name, eps) for name in PLANS for eps in (*EPSILONS, None)} - runs.keys()
    if missing:
        raise ValueError(f"it lacks {min(missing)!r}")
    for name, run in runs.items():
        batches = sum(count for _, count in run["used"])
        if not run["decisions"][0]["step"] <= run["decisions"][-1]["step"] < batches or not 0 <= run["purity"] <= 1:
            raise ValueError(f"{name!r} is no run over {batches} batches")
    return runs


def write_streams(folder: Path) -> None:
    """Read every stream with every epsilon and by evidence, and write the file."""
    runs = {}
    for name in PLANS:
        for eps in (*EPSILONS, None):
            runs[name_of(name, eps)] = run = read(name, eps)
            keys = ("masks", "purity", "false_alarms", "misses", "returns", "recognised")
            print(name_of(name, eps), {key: run[key] for key in keys}, len(run["decisions"]), flush=True)
    write(folder / FILE.name, f"{json.dumps(runs, separators=(',', ':'))}\n".encode())
