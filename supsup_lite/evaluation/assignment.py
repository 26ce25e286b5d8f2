"""How the masks of a learner that was told no tasks fit the tasks of its stream (SupSup, section 3.4)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_whole
from supsup_lite.data.streams import NOISE, SET_ASIDE, Stream


@dataclass(frozen=True)
class Assignment:
    """How the masks of a learner fit the tasks of its stream, for those who know the truth.

    Attributes:
        batches: how many batches of task i mask j learned from: long [k, masks]. Noise does not count.
        owners: the task that each mask learned most from.
        purity: share of those batches whose mask belongs to their task.
        returns: how often a task came back, after another one or after noise.
        recognised: how often it then got, for most of its batches, the mask that had learned most of it, and that
            learned from no other task as much.
        set_aside: share of the tasks' batches that nothing was learned from.
    """

    batches: Tensor
    owners: tuple[int, ...]
    purity: float
    returns: int
    recognised: int
    set_aside: float


@isolated
def assignment(stream: Stream, used: Sequence[int]) -> Assignment:
    """Judge which mask learned from which batch: `used` as `learn_unannounced(...).used`.

    Raises:
        TypeError: it is no stream, or an entry is no whole number.
        ValueError: there is not one entry for each batch, one is below -1, or nothing was learned from any task.
    """
    if not isinstance(stream, Stream):
        raise TypeError(f"stream must be made by stream_of(tasks, plan), got {type(stream).__name__}.")
    if not isinstance(used, Sequence) or isinstance(used, (str, bytes)):
        raise TypeError(f"`used` must be a list with the mask of each batch, got {type(used).__name__}.")
    if len(used) != len(stream):
        raise ValueError(f"the stream has {len(stream)} batches, but `used` has {len(used)} entries.")
    masks = torch.tensor([check_whole("an entry of `used`", mask, least=SET_ASIDE) for mask in used], device="cpu")
    batches = torch.zeros(len(stream.tasks), int(masks.max()) + 1, dtype=torch.long, device="cpu")
    start, returns = 0, []  # of each return: the task, its old mask, and the mask that it got
    for task, length in stream.plan:
        segment = masks[start : start + length]
        chosen = segment[segment != SET_ASIDE]
        start += length
        if task == NOISE:
            continue
        if batches[task].any() and stream.truth[start - length - 1] != task:
            got = int(chosen.mode().values) if len(chosen) else SET_ASIDE
            returns.append((task, int(batches[task].argmax()), got))
        batches[task] += chosen.bincount(minlength=batches.shape[1])
    if not batches.any():
        raise ValueError("nothing was learned from any task: there is no mask to judge.")
    owners = batches.argmax(0)
    learned = int(batches.sum())
    pure = int(batches.amax(0).sum()) / learned
    offered = int((stream.truth != NOISE).sum())
    recognised = sum(old == got and owners[old] == task for task, old, got in returns)
    aside = 1 - learned / offered
    return Assignment(batches, tuple(owners.tolist()), pure, len(returns), int(recognised), aside)
