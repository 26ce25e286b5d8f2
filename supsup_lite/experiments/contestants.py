"""Masks and the paper's rivals under one call, learned in blocks of tasks: one file a block, and a killed run goes on.

All take a block of tasks and what the tasks before it share, and return what they keep of the block (`Kept`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch
from tqdm.auto import tqdm

from supsup_lite.baselines import (
    BatchEnsemble,
    Heads,
    Kept,
    Masked,
    ParameterSuperposition,
    Separate,
    first_task_trunk,
    joined,
    masked,
    train_batch_ensemble,
    train_heads,
    train_psp,
    train_separate,
    train_shared_trunk,
)
from supsup_lite.checks import check_number, check_whole
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.experiments.mnist import COUNTS
from supsup_lite.experiments.shards import BLOCK, BLOCK_ON_GPU, learn_resumably
from supsup_lite.files import Entry, read_checked, write_checked
from supsup_lite.learning.learn import learn_all_masks
from supsup_lite.learning.memory import tasks_at_once
from supsup_lite.masks.budgets import Keep
from supsup_lite.masks.statistics import check_statistics
from supsup_lite.masks.store import MaskStore
from supsup_lite.masks.weights import Weights
from supsup_lite.networks.network import Network
from supsup_lite.recipes import Recipe
from supsup_lite.results import runs

FORMAT = "supsup-lite rival", 1
REPAIR = "Delete it: it is learned again."
Part = tuple[range, Callable[[], Kept]]  # which tasks, and what fetches what is kept of them


@dataclass(frozen=True)
class Contestant:
    """How a method learns a block of tasks.

    Attributes:
        train: of network, tasks, seed, recipe, and what earlier tasks share (None where there is nothing yet).
        kind: what it returns.
        contexts: how PSP draws its contexts.
        on_first_task: whether it builds on weights that the first task trained.
        moves: whether a task changes what earlier tasks share.
    """

    train: Callable[[Network, TaskSuite, int, Recipe, Weights | None], Kept]
    kind: type[Kept]
    contexts: str | None = None
    on_first_task: bool = False
    moves: bool = False


def _masks(
    net: Network, tasks: TaskSuite, seed: int, recipe: Recipe, shared: Weights | None, keep: Keep = None
) -> Kept:
    masks = learn_all_masks(net, tasks, keep, seed, recipe=recipe)
    return masked(net, masks, tasks, len(tasks) * recipe.steps)


def _separate(net: Network, tasks: TaskSuite, seed: int, recipe: Recipe, shared: Weights | None) -> Kept:
    return train_separate(net, tasks, seed, recipe)


def _psp(contexts: str) -> Contestant:
    return Contestant(partial(train_psp, contexts=contexts), ParameterSuperposition, contexts, moves=True)


CONTESTANTS = {
    "supsup": Contestant(_masks, Masked),
    "batch_ensemble": Contestant(train_batch_ensemble, BatchEnsemble, on_first_task=True),
    "batch_ensemble_random": Contestant(train_batch_ensemble, BatchEnsemble),
    "psp": _psp("rotation"),
    "psp_binary": _psp("binary"),
    "heads": Contestant(train_heads, Heads, on_first_task=True),
    "heads_random": Contestant(train_heads, Heads),
    "upper_bound": Contestant(_separate, Separate),
    "lower_bound": Contestant(train_shared_trunk, Heads, moves=True),
}


def contestant_of(name: str, keep: Keep) -> Contestant:
    """Return a contestant by name; masks are of the density `keep`, which says nothing to the others."""
    contestant = CONTESTANTS[name]
    return replace(contestant, train=partial(_masks, keep=keep)) if contestant.kind is Masked else contestant


def learn(
    contestant: Contestant,
    net: Network,
    tasks: TaskSuite,
    seed: int,
    recipe: Recipe,
    lr: float,
    before: Kept | None = None,
) -> Kept:
    """Return what a method keeps of some tasks, learned as many at once as pay (`tasks_at_once`).

    Args:
        recipe: how to train; its own learning rate is for the weights of the first task, where others build on them.
        lr: the method's learning rate.
        before: what it kept of the tasks before these; None where these are the first.
    """
    shared, steps = None if before is None else before.shared, 0
    if before is None and contestant.on_first_task:
        shared, steps = first_task_trunk(net, tasks, seed, recipe), recipe.steps
    parts, width = [], len(tasks) if contestant.kind is Masked else tasks_at_once(net, recipe)
    for start in range(0, len(tasks), width):
        kept = contestant.train(net, tasks[start : start + width], seed, replace(recipe, lr=lr), shared)
        parts.append(kept)
        shared = kept.shared
    whole = joined(parts)
    return replace(whole, steps=whole.steps + steps)


def learn_parts(
    name: str, net: Network, suite: TaskSuite, seed: int, recipe: Recipe, lr: float, keep: Keep = None
) -> tuple[list[Part], float]:
    """Return what a method keeps of all tasks, block by block, and the seconds that learning took, kills included.

    Raises:
        ValueError: a block on disk is damaged.
    """
    contestant, cut = contestant_of(name, keep), blocks(len(suite), BLOCK.get(net.device.type, BLOCK_ON_GPU))
    if contestant.kind is Masked:
        masks, seconds = learn_resumably("rivals", net, suite, keep, seed, replace(recipe, lr=lr))
        return [(block, partial(_masks_of, masks, block, net, suite, recipe)) for block in cut], seconds
    identity = [net.fingerprint(), suite.kind, suite.dataset, suite.seed, len(suite), seed, asdict(recipe), lr]
    folder = runs.checkpoint(f"rivals-{name}", identity)
    folder.mkdir(exist_ok=True)
    parts, before, seconds = [], None, 0.0
    with tqdm(total=len(suite), desc=f"rivals: {name}", unit="task") as bar:
        for block in cut:
            path, tasks = folder / f"{block.start:05d}-{block.stop:05d}.safetensors", suite[block.start : block.stop]
            if not path.exists():
                began = time.perf_counter()
                _save(path, learn(contestant, net, tasks, seed, recipe, lr, before), time.perf_counter() - began)
            reload = partial(_load, path, contestant, net, tasks, seed)
            before, took = reload()
            parts.append((block, lambda reload=reload: reload()[0]))
            seconds += took
            bar.update(len(block))
    return parts, seconds


def _masks_of(masks: MaskStore, block: range, net: Network, suite: TaskSuite, recipe: Recipe) -> Kept:
    part = slice(block.start, block.stop)
    return masked(net, masks[part], suite[part], len(block) * recipe.steps)


def joined_masks(parts: Sequence[Masked]) -> MaskStore:
    """Return one store of the masks of several parts of the tasks, in this order."""
    store = MaskStore(parts[0].net, learned=parts[0].masks.learned)
    for part in parts:
        store.extend(part.masks.chunk(0, len(part)), part.identities)
    return store


def blocks(total: int, size: int) -> list[range]:
    """Return the blocks in which tasks are learned: of `size` tasks at most, each of `COUNTS` at the end of one."""
    ends = sorted({*range(size, total, size), *(count for count in COUNTS if count < total), total})
    return [range(start, stop) for start, stop in zip([0, *ends], ends, strict=False)]


def _save(path: Path, kept: Kept, seconds: float) -> None:
    tensors = {f"shared {name}": values for name, values in kept.shared.items()}
    tensors |= {f"own {name}": values for name, values in kept.task_specific.items()}
    about = {"steps": str(kept.steps), "seconds": str(seconds), "run": _run_of(path)}
    write_checked(path, *FORMAT, tensors, about)


def _run_of(path: Path) -> str:
    """Return what a block belongs to: the folder's name holds all that decides it."""
    return f"{path.parent.name}/{path.name}"


def _load(path: Path, contestant: Contestant, net: Network, tasks: TaskSuite, seed: int) -> tuple[Kept, float]:
    """Return what was kept of one block, on the network's device, and the seconds that it took to learn.

    Raises:
        ValueError: the file is damaged, or of another run; the message names it.
    """

    def check_size(entries: dict[str, Entry]) -> None:
        most = 8 * (len(tasks) + 1) * (net.num_weights + sum(net.norms().values()))  # twice a network for each task
        if sum(entry.stop - entry.start for entry in entries.values()) > most:
            raise ValueError(f"{path} is larger than anything that {len(tasks)} tasks need. {REPAIR}")

    tensors, about = read_checked(path, *FORMAT, ("steps", "seconds"), REPAIR, check_size)
    shared, task_specific = (
        {name.removeprefix(part): values.to(net.device) for name, values in tensors.items() if name.startswith(part)}
        for part in ("shared ", "own ")
    )
    drawn = () if contestant.contexts is None else (seed, contestant.contexts)
    try:
        if about.get("run", _run_of(path)) != _run_of(path):  # blocks of earlier versions do not say it
            raise ValueError(f"it was written as {about['run']}")
        steps, seconds = check_whole("steps", int(about["steps"])), check_number("seconds", float(about["seconds"]))
        kept = contestant.kind(net, tasks.identities, shared, task_specific, steps, *drawn)
        _check(kept)
    except (ValueError, TypeError, LookupError, RuntimeError) as error:
        raise ValueError(f"{path} is not what this run has kept ({error!r}). {REPAIR}") from error
    return kept, seconds


def _check(kept: Kept) -> None:
    """Raise one of many errors unless weights of the network's shapes come of what was kept."""
    net = kept.net
    shapes = {name: weight.shape for name, weight in net.weights().items()}
    tensors = [*kept.shared.values(), *kept.task_specific.values()]
    if not all(values.dtype == torch.float32 and values.isfinite().all() for values in tensors):
        raise ValueError("not all of it is finite float32")
    if any(values.shape != shapes[name] for name, values in kept.shared.items()):
        raise ValueError("what all tasks share has other shapes than the network")
    if any(len(values) != len(kept) for values in kept.task_specific.values()):
        raise ValueError(f"it is not that of {len(kept)} tasks")
    check_statistics(net, {name: kept.task_specific[name] for name in net.norms()}, len(kept))
    weights = kept.weights(0) if kept.task_specific else kept.shared  # PSP draws the rest, which takes long
    if {name: values.shape for name, values in weights.items()} != shapes:
        raise ValueError("its weights have other shapes than the network's")
