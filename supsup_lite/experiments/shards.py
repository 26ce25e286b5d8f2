"""Learning the masks of a run in blocks of tasks: one small file a block, shared among processes, resumed by any."""

import re
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tqdm.auto import tqdm

from supsup_lite.data.tasks import TaskSuite
from supsup_lite.experiments.distributed import Team
from supsup_lite.files import write
from supsup_lite.learning.learn import learn_all_masks
from supsup_lite.masks.fits import check_fits
from supsup_lite.masks.origin import Learned
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.network import Network
from supsup_lite.recipes import Recipe
from supsup_lite.results import runs

# Tasks in a block: what a kill can cost at most. It does not depend on how many processes share the run, so that
# the masks do not either: which tasks are learned side by side decides how sums are rounded.
BLOCK = {"cpu": 20}
BLOCK_ON_GPU = 100
BLOCK_NAME = re.compile(r"(\d{5}|[1-9]\d{5,})-(\d{5}|[1-9]\d{5,})\.safetensors")  # as `block_file` has it


def learn_resumably(
    name: str, net: Network, suite: TaskSuite, keep: float | None, seed: int, recipe: Recipe, team: Team | None = None
) -> tuple[MaskStore, float]:
    """Return all masks and the seconds that learning them took, those before a kill and of other processes included.

    Every process learns its share of the blocks, and in the end has all of them: those that its own folder lacks come
    from the others. So several machines need no common folder, and where they have one, nothing is sent.

    Raises:
        ValueError: the processes do not run the same experiment, or a block is damaged or of another run.
        ConnectionError: another process is gone.
    """
    team = team or Team()
    folder = _folder(name, net, suite, keep, seed, recipe)
    learned = Learned(suite.num_classes, keep, recipe, seed)
    size = BLOCK.get(net.device.type, BLOCK_ON_GPU)
    parts = {block: _load(folder, block, net, learned) for block in finished(folder)}
    seen = team.gather((folder.name, len(suite), size, list(parts)))
    if len({entry[:3] for entry in seen}) > 1:
        runs = ", ".join(
            f"process {rank}: {run}, {count} tasks in blocks of {size}"
            for rank, (run, count, size, _) in enumerate(seen)
        )
        raise ValueError(f"the processes run different experiments ({runs}): start all alike.")
    done = set().union(*(entry[3] for entry in seen))
    left = missing(len(suite), size, done)
    share = team.share(left)
    held = len(suite) - sum(map(len, left))
    if held and team.rank == 0:
        print(f"going on with {held} of {len(suite)} masks from {folder}", file=sys.stderr)
    label = f"{name}: learning masks" + (f", process {team.rank} of {team.size}" if team.size > 1 else "")
    with tqdm(total=held + sum(map(len, share)), initial=held, desc=label, unit="task", disable=team.rank > 0) as bar:
        for block in share:
            _learn(folder, block, net, suite, keep, seed, recipe)
            bar.update(len(block))
    _exchange(folder, team)
    parts |= {block: _load(folder, block, net, learned) for block in finished(folder) if block not in parts}
    return _collect(folder, parts, net, suite, learned)


def missing(total: int, size: int, done: Iterable[range]) -> list[range]:
    """Return what is still to learn of tasks 0..total-1: blocks of a grid of `size` tasks, less what is done."""
    known = {task for block in done for task in block}
    left: list[range] = []
    for task in range(total):
        if task in known:
            continue
        if left and left[-1].stop == task and task % size:
            left[-1] = range(left[-1].start, task + 1)
        else:
            left.append(range(task, task + 1))
    return left


def finished(folder: Path) -> list[range]:
    """Return the blocks of tasks that lie in a folder, by the names of their files. Other files do not count."""
    names = (BLOCK_NAME.fullmatch(path.name) for path in folder.glob("*.safetensors"))
    blocks = [range(int(name[1]), int(name[2])) for name in names if name]
    return sorted((block for block in blocks if len(block)), key=lambda block: (block.start, block.stop))


def block_file(folder: Path, block: range) -> Path:
    return folder / f"{block.start:05d}-{block.stop:05d}.safetensors"


def _learn(folder: Path, block: range, net: Network, suite: TaskSuite, keep, seed: int, recipe: Recipe) -> None:
    """Learn one block and save it. Ctrl-C saves the tasks of the block that are finished, too."""
    masks, began = MaskStore(net), time.perf_counter()
    try:
        learn_all_masks(net, suite[block.start : block.stop], keep, seed, recipe=recipe, masks=masks)
    finally:
        masks.about["seconds"] = time.perf_counter() - began
        if len(masks):
            masks.save(block_file(folder, range(block.start, block.start + len(masks))))


def _exchange(folder: Path, team: Team) -> None:
    """Let every process have all blocks: where one lacks a file, another that has it hands it out."""
    held = [{(block.start, block.stop) for block in blocks} for blocks in team.gather(finished(folder))]
    for ends in sorted(set.union(*held) - set.intersection(*held)):
        path = block_file(folder, range(*ends))
        source = next(rank for rank, blocks in enumerate(held) if ends in blocks)
        content = team.hand_out(path.read_bytes() if team.rank == source else None, source)
        if ends not in held[team.rank]:
            write(path, content)


def _load(folder: Path, block: range, net: Network, learned: Learned) -> MaskStore:
    """Return the masks of one block, checked.

    Raises:
        ValueError: the file is damaged or of another run; the message names it.
    """
    path = block_file(folder, block)
    try:
        masks = MaskStore.load(path, net)
    except ValueError as error:
        raise ValueError(f"a block of this run cannot be used: {error} Or delete it: it is learned again.") from error
    if len(masks) != len(block) or masks.learned != learned:
        raise ValueError(
            f"{path} is not of this run: it holds {len(masks)} masks learned with {masks.learned}, expected "
            f"{len(block)} with {learned}. Delete it."
        )
    return masks


def _collect(
    folder: Path, parts: dict[range, MaskStore], net: Network, suite: TaskSuite, learned: Learned
) -> tuple[MaskStore, float]:
    """Return the masks of all tasks from their blocks, and the seconds that these took to learn."""
    masks, seconds = MaskStore(net, learned=learned), 0.0
    masks.reserve(len(suite))
    for block, part in sorted(parts.items(), key=lambda entry: entry[0].start):
        if not block.start <= len(masks) < min(block.stop, len(suite)):  # known from another block, or not asked for
            continue
        used = range(len(masks), min(block.stop, len(suite)))
        taken = part[used.start - block.start : used.stop - block.start]
        tasks = suite[used.start : used.stop]
        try:
            in_order = check_fits(net, taken, tasks) == tuple(range(len(taken)))
        except ValueError as error:
            raise ValueError(f"{block_file(folder, block)} is not of this run: {error} Delete it.") from error
        if not in_order:
            raise ValueError(f"{block_file(folder, block)} holds its masks in another order than the tasks. Delete it.")
        _extend(masks, taken, tasks)
        seconds += part.about.get("seconds", 0.0) * len(used) / len(block)
    if len(masks) < len(suite):
        raise ValueError(f"{folder} has masks of {len(masks)} of {len(suite)} tasks: were files deleted? Run it again.")
    masks.about["seconds"] = seconds
    return masks, seconds


def _extend(masks: MaskStore, more: MaskStore, tasks: TaskSuite, at_once: int = 50) -> None:
    """Add the masks of some tasks a few at a time, because they are unpacked on the way."""
    identities = tasks.identities
    for start in range(0, len(more), at_once):
        stop = min(start + at_once, len(more))
        masks.extend(more.chunk(start, stop), identities[start:stop])


def _folder(name: str, net: Network, suite: TaskSuite, keep: float | None, seed: int, recipe: Recipe) -> Path:
    """Return where a run keeps its masks: what changes a mask counts, and the number of tasks does not."""
    identity = [net.fingerprint(), suite.kind, suite.dataset, suite.seed, keep, seed, asdict(recipe)]
    folder = runs.checkpoint(name, identity)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
