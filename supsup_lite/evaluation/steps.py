"""What `evaluate` does in one go, in its steps: which mask is chosen for each image, and which answers are right.

For those who need several scenarios of the same inferences, or who share the tasks of a large suite among processes.
All that the steps hand on lies on the CPU.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_choice, check_whole
from supsup_lite.data.tasks import TaskSuite, check_suite
from supsup_lite.evaluation.accuracy import check_images_count
from supsup_lite.inference.methods import infer_task
from supsup_lite.masks.apply import run_masked
from supsup_lite.masks.fits import check_fits
from supsup_lite.masks.store import MaskStore
from supsup_lite.masks.weights import check_learnable
from supsup_lite.networks.network import Network
from supsup_lite.seeding import generator

INFER_FROM = ("one_image", "each_image", "whole_batch")
BATCH = 128
TOGETHER = 10 * BATCH  # images classified at once: a mask is unpacked once for them
ASKED = 4 * BATCH  # images whose task is inferred at once: all masks are unpacked once for them


def given_masks(tasks: TaskSuite, images: int | None = None, positions: Sequence[int] | None = None) -> list[Tensor]:
    """Return the choice of GG, for each task: long [n], the position of its mask for each of its n test images.

    Args:
        positions: of the tasks' masks, as `check_fits` returns them; None where mask i belongs to task i.

    Raises:
        TypeError, ValueError: the arguments make no sense, or there is not one position for each task.
    """
    check_suite(tasks)
    check_images_count(images)
    sizes = tasks.test_view.sizes
    where = range(len(tasks)) if positions is None else check_wholes("positions", positions, len(tasks), least=0)
    return [torch.tensor([i], device="cpu").expand(_drawn(size, images)) for i, size in zip(where, sizes, strict=True)]


@isolated
@torch.no_grad()
def infer_masks(
    net: Network,
    masks: MaskStore,
    tasks: TaskSuite,
    *,
    infer_from: str = "one_image",
    method: str = "one_shot",
    objective: str = "entropy",
    images: int | None = None,
    seed: int = 0,
) -> Iterator[Tensor]:
    """Yield, for each task, the mask inferred for each image, or for each batch of 128: long [inferences].

    The first images of many tasks' batches are asked about together, because unpacking the masks costs much and each
    further image little.

    Raises:
        TypeError, ValueError: the masks do not belong to the network.
    """
    check_fits(net, masks)
    masks = masks[:]  # those of now: another thread may add some meanwhile
    check_learnable(net, tasks)
    check_choice("infer_from", infer_from, INFER_FROM)
    check_images_count(images)
    if infer_from != "one_image":
        together = infer_from == "whole_batch"
        for i, task in enumerate(tasks):
            batches = (task.test.batch(rows)[0] for rows in _draw(tasks, i, images, seed).split(BATCH))
            found = [infer_task(net, masks, x, method, objective, together=together) for x in batches]
            yield torch.cat([batch[:1] if together else batch for batch in found]).cpu()
        return
    batches = math.ceil(_drawn(max(tasks.test_view.sizes), images) / BATCH)
    width = max(1, ASKED // batches)  # tasks
    for start in range(0, len(tasks), width):
        part = range(start, min(start + width, len(tasks)))
        first = [tasks[i].test.batch(_draw(tasks, i, images, seed)[::BATCH])[0] for i in part]
        found = infer_task(net, masks, torch.cat(first), method, objective).cpu()
        yield from found.split([len(x) for x in first])


@isolated
@torch.no_grad()
def answers(
    net: Network,
    masks: MaskStore,
    tasks: TaskSuite,
    chosen: Sequence[Tensor],
    infer_from: str = "one_image",
    *,
    images: int | None = None,
    seed: int = 0,
    true_masks: Sequence[int] | None = None,
    given: Sequence[Tensor] | None = None,
) -> Iterator[Tensor]:
    """Yield, for each task, which of its n test images get the right class under the mask chosen for them: bool [n].

    Args:
        chosen: what `infer_masks` or `given_masks` returned, with the same images and seed.
        true_masks, given: the position of each task's mask, and the answers under it, where they are known already:
            only images for which another mask was chosen are classified then.

    Raises:
        TypeError, ValueError: the masks do not belong to the network.
    """
    check_fits(net, masks)
    check_learnable(net, tasks)
    check_choice("infer_from", infer_from, (*INFER_FROM, "given"))
    check_images_count(images)
    check_rows_of_choices("chosen", chosen, torch.long)
    for i, found in enumerate(chosen):
        order = _draw(tasks, i, images, seed)
        mask = each_image(found, len(order), infer_from)
        if len(mask) != len(order):
            raise ValueError(
                f"{len(order)} images of task {i} need a mask each, got {len(mask)}: give the same images."
            )
        right = torch.empty(len(order), dtype=torch.bool, device="cpu") if given is None else given[i].clone()
        unknown = torch.ones_like(right) if given is None else mask != true_masks[i]
        for rows in unknown.nonzero().flatten().split(TOGETHER) if unknown.any() else ():
            x, y = tasks[i].test.batch(order[rows])
            right[rows] = (_classify(net, masks, mask[rows], x) == y).cpu()
        yield right


def check_rows_of_choices(name: str, rows: Sequence[Tensor], dtype: torch.dtype) -> None:
    """Raise TypeError unless there is a list with one tensor [n] of this dtype for each task."""
    if not isinstance(rows, Sequence) or not all(
        isinstance(row, Tensor) and row.dtype == dtype and row.ndim == 1 for row in rows
    ):
        raise TypeError(f"{name} must be a list with a {dtype} tensor [n] for each task, got {rows!r:.80}.")


def check_wholes(name: str, values: Sequence[int], count: int, least: int) -> list[int]:
    """Return `count` whole numbers, each `least` or more; raise TypeError or ValueError otherwise."""
    if not isinstance(values, Sequence) or isinstance(values, (str, bytes)):
        raise TypeError(f"{name} must be a list of whole numbers, got {type(values).__name__}.")
    if len(values) != count:
        raise ValueError(f"{name} must be {count} whole numbers, got {len(values)}.")
    return [check_whole(f"an entry of {name}", value, least) for value in values]


def _drawn(size: int, images: int | None) -> int:
    return size if images is None else min(size, images)


def _draw(tasks: TaskSuite, i: int, images: int | None, seed: int) -> Tensor:
    """Return distinct test images of task i, long [n], shuffled by (seed, task number)."""
    size = tasks.test_view.sizes[i]
    return torch.from_numpy(generator("evaluation", seed, tasks.numbers[i]).permutation(size)[:images])


def each_image(chosen: Tensor, n: int, infer_from: str) -> Tensor:
    """Return the mask chosen for each of n images, where a batch may share one."""
    return chosen.repeat_interleave(BATCH)[:n] if infer_from in ("one_image", "whole_batch") else chosen


def _classify(net: Network, masks: MaskStore, chosen: Tensor, x: Tensor) -> Tensor:
    """Return the class [B] of each image under its own mask, each mask applied once to all that chose it."""
    classes = torch.empty(len(x), dtype=torch.long, device=x.device)
    for j in chosen.unique().tolist():
        rows = (chosen == j).to(x.device)
        classes[rows] = run_masked(net, masks[j], x[rows]).argmax(1)
    return classes
