"""Exercises of lesson 09: bytes of a task on a conv net, what a shared batch norm remembers, a reliability diagram."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from supsup_lite.exercises import check_for, must_equal

__all__ = [
    "check_remembered",
    "check_share_right",
    "check_task_bytes",
    "remembered",
    "share_right",
    "task_bytes",
]

# --- 1: the bytes of a task ------------------------------------------------------------------------------------------


def task_bytes(shapes: Sequence[tuple[int, ...]], channels: Sequence[int]) -> int:
    """Return what the store keeps of one task in memory: bits of its mask, and statistics of its batch norms.

    Args:
        shapes: of each weight tensor, such as (16, 1, 3, 3). The bits of each start on a byte of their own.
        channels: of each batch norm; a channel has a mean and a variance, 4 bytes each.
    """
    return sum(math.ceil(math.prod(shape) / 8) for shape in shapes) + 8 * sum(channels)


@check_for(task_bytes, "What batch norm adds is little: 8 bytes a channel, and a channel has hundreds of weights.")
def check_task_bytes(attempt):
    """Check `task_bytes`: a bit a weight, whole bytes for each tensor, 8 bytes a channel."""
    cases = [
        ([(8, 1)], []),
        ([(3, 3)], []),  # nine bits are two bytes
        ([(1, 1, 3, 3), (1, 1, 3, 3)], []),  # and twice nine bits are four
        ([(2, 1, 2, 2)], [2]),
        ([(16, 1, 3, 3), (5, 144)], [16]),
        ([(16, 1, 3, 3), (32, 16, 3, 3), (5, 1568)], [16, 32]),
    ]
    for shapes, channels in cases:
        got = attempt(list(shapes), list(channels))
        must_equal(got, task_bytes(shapes, channels), f"shapes {shapes}, channels {channels}", tolerance=1e-9)


# --- 2: what a shared batch norm remembers ---------------------------------------------------------------------------


def remembered(batches: Sequence[Tensor], momentum: float) -> Tensor:
    """Return what a running statistic holds after some batches: from each it takes the share `momentum`.

    It starts as the zeros of its shape, as torch's running mean does: new = (1 - momentum) old + momentum batch.

    Args:
        batches: the statistic of each batch in turn, float [channels] each; one or more.
        momentum: in 0..1; torch's default is 0.1.
    """
    held = torch.zeros_like(batches[0])
    for batch in batches:
        held = (1 - momentum) * held + momentum * batch
    return held


@check_for(remembered, "After 30 batches of another task a twentieth is left of the first, and then nothing.")
def check_remembered(attempt):
    """Check `remembered`: in their order, the newest with the share `momentum`, and starting from zeros."""
    cases = [
        ([[1.0, -2.0]], 0.5),
        ([[1.0, -2.0], [3.0, 0.0]], 0.5),
        ([[4.0], [0.0], [0.0]], 0.1),
        ([[1.0, 2.0, 3.0]] * 5, 0.1),
        ([[1.0], [2.0]], 1.0),
        ([[1.0], [2.0]], 0.0),
    ]
    for values, momentum in cases:
        batches = [torch.tensor(row) for row in values]
        want = remembered(batches, momentum)
        must_equal(attempt(list(batches), momentum), want, f"batches {values}, momentum {momentum}")


# --- 3: a reliability diagram ----------------------------------------------------------------------------------------


def share_right(confidence: Tensor, right: Tensor, edges: Sequence[float]) -> Tensor:
    """Return how often answers of each confidence are right, float [bins]; NaN where there are none.

    Args:
        confidence: the probability given to each answer, float [n].
        right: whether it is right, bool [n].
        edges: where bins begin and end, rising: a bin goes from its first edge to the next one, the last edge with it.
    """
    inner = torch.tensor(list(edges)[1:-1], dtype=confidence.dtype, device=confidence.device)
    number = torch.bucketize(confidence, inner, right=True)
    return torch.stack([right[number == i].float().mean() for i in range(len(edges) - 1)])


@check_for(share_right, "Where the bars follow the diagonal, a classifier is right as often as it says.")
def check_share_right(attempt):
    """Check `share_right`: each answer in its bin, edges included below, NaN for what is empty, nothing written to."""
    halves, steps = (0.0, 0.5, 1.0), (0.5, 0.75, 0.875, 1.0)
    cases = [
        ([0.25, 0.75], [True, False], halves),
        ([0.25, 0.25, 0.25, 0.75], [True, False, False, True], halves),
        ([0.5, 0.25], [True, False], halves),  # on the edge: in the upper bin
        ([1.0, 0.75], [False, True], halves),  # sure: in the last bin
        ([0.75, 0.75], [True, True], halves),  # nothing in the first bin
        ([0.5, 0.625, 0.75, 0.8, 0.9, 1.0, 1.0], [True, False, True, True, False, True, True], steps),
    ]
    for values, truth, edges in cases:
        confidence, right = torch.tensor(values), torch.tensor(truth)
        want = share_right(confidence, right, edges)
        got = attempt(confidence, right, edges)
        given = f"confidence {values}, right {truth}, edges {edges}"
        if isinstance(got, Tensor) and got.shape == want.shape and got.is_floating_point():
            must_equal(got.isnan(), want.isnan(), f"{given}: where the result is NaN")
            got = got.nan_to_num(nan=0.0)
        must_equal(got, want.nan_to_num(nan=0.0), given)
