"""Every check of lesson 09 accepts its reference, knows a stub, and rejects what a learner may well write."""

import math

import pytest
import torch

import supsup_lite as sl
from supsup_lite.exercises import beyond_mnist as ex
from tests.every_exercise import EveryExercise, in_float64, in_place, with_an_axis_more

CHECKS = {
    "task_bytes": ex.check_task_bytes,
    "remembered": ex.check_remembered,
    "share_right": ex.check_share_right,
}


def bytes_by_loop(shapes, channels):
    total = 0
    for shape in shapes:
        weights = 1
        for size in shape:
            weights *= size
        total += (weights + 7) // 8
    for count in channels:
        total += count * 2 * 4
    return total


def bytes_by_packing(shapes, channels):
    bits = [sl.masks.pack_bits(torch.zeros(1, math.prod(shape), dtype=torch.bool)) for shape in shapes]
    return sum(packed.nbytes for packed in bits) + sum(torch.zeros(2, count).nbytes for count in channels)


def remembered_by_weights(batches, momentum):
    shares = [momentum * (1 - momentum) ** (len(batches) - 1 - i) for i in range(len(batches))]
    return sum(share * batch for share, batch in zip(shares, batches, strict=True))


def remembered_by_lerp(batches, momentum):
    held = torch.zeros_like(batches[0])
    for batch in batches:
        held = held.lerp(batch, momentum)
    return held


def remembered_by_torch(batches, momentum):
    """By torch's own batch norm, on two images whose mean is the batch's."""
    norm = torch.nn.BatchNorm1d(len(batches[0]), momentum=momentum)
    for batch in batches:
        norm(torch.stack([batch - 1, batch + 1]))
    return norm.running_mean


def by_histogram(confidence, right, edges):
    """Counts of those in each bin, and of those that are right: the last edge is moved up, so that it is inside."""
    ends = torch.tensor([*edges[:-1], 2.0])
    return torch.histogram(confidence[right], ends)[0] / torch.histogram(confidence, ends)[0]


def by_loop(confidence, right, edges):
    shares = []
    for i, low in enumerate(edges[:-1]):
        high = math.inf if i == len(edges) - 2 else edges[i + 1]
        inside = [bool(r) for c, r in zip(confidence.tolist(), right, strict=True) if low <= c < high]
        shares.append(sum(inside) / len(inside) if inside else math.nan)
    return torch.tensor(shares)


def by_index_add(confidence, right, edges):
    number = torch.searchsorted(torch.tensor(edges[1:-1]), confidence, right=True)
    counts = torch.zeros(2, len(edges) - 1).index_add(1, number, torch.stack([right.float(), torch.ones(len(right))]))
    return counts[0] / counts[1]


def between(confidence, right, edges, inside):
    return torch.stack(
        [right[inside(confidence, edges[i], edges[i + 1])].float().mean() for i in range(len(edges) - 1)]
    )


RIGHT = {
    "task_bytes": [
        bytes_by_loop,
        bytes_by_packing,
        lambda shapes, channels: sum(-(-math.prod(shape) // 8) for shape in shapes) + sum(8 * c for c in channels),
    ],
    "remembered": [remembered_by_weights, remembered_by_lerp, remembered_by_torch],
    "share_right": [by_histogram, by_loop, by_index_add],
}
WRONG = {
    "task_bytes": [
        lambda shapes, channels: -(-sum(map(math.prod, shapes)) // 8) + 8 * sum(channels),  # whole bytes once for all
        lambda shapes, channels: sum(math.prod(shape) // 8 for shape in shapes) + 8 * sum(channels),  # rounded down
        lambda shapes, channels: sum(map(math.prod, shapes)) / 8 + 8 * sum(channels),  # no whole bytes
        lambda shapes, channels: bytes_by_loop(shapes, []) + 4 * sum(channels),  # the mean alone
        lambda shapes, channels: bytes_by_loop(shapes, []),  # no statistics
        lambda shapes, channels: 8 * bytes_by_loop(shapes, []) + 8 * sum(channels),  # bits
        lambda shapes, channels: 4 * sum(map(math.prod, shapes)) + 8 * sum(channels),  # floats
    ],
    "remembered": [
        lambda batches, momentum: remembered_by_lerp(batches, 1 - momentum),  # the other way round
        lambda batches, momentum: remembered_by_lerp(batches[::-1], momentum),
        lambda batches, momentum: torch.stack(batches).mean(0),
        lambda batches, momentum: momentum * batches[-1],  # the last one alone
        lambda batches, momentum: sum((1 - momentum) ** (len(batches) - i) * b for i, b in enumerate(batches, 1)),
        lambda batches, momentum: batches[0] + sum(momentum * (b - batches[0]) for b in batches),  # from the first on
        in_float64(ex.remembered),
        with_an_axis_more(ex.remembered),
    ],
    "share_right": [
        lambda c, right, edges: between(c, right, edges, lambda c, low, high: (c > low) & (c <= high)),
        lambda c, right, edges: between(c, right, edges, lambda c, low, high: (c >= low) & (c < high)),  # 1 is nowhere
        lambda c, right, edges: between(c, right, edges, lambda c, low, high: (c >= low) & (c <= high)),  # in two bins
        lambda c, right, edges: between(c, right, edges, lambda c, low, high: c >= low),  # all above
        lambda c, right, edges: by_loop(c, right, edges).nan_to_num(0.0),  # nothing said is not nothing right
        lambda c, right, edges: by_loop(c, ~right, edges),
        lambda c, right, edges: by_loop(c, right, edges) * torch.histogram(c, torch.tensor(edges))[0],  # counts
        in_place(ex.share_right, 1),
        in_float64(ex.share_right),
        with_an_axis_more(ex.share_right),
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, RIGHT, WRONG = CHECKS, RIGHT, WRONG


def test_the_bytes_are_the_stores():
    net = sl.conv_net(outputs=5, seed=0, device="cpu")
    masks = sl.MaskStore(net)
    masks.append(sl.random_mask(net, 0.5, seed=0))
    shapes = [tuple(weight.shape) for weight in net.weights().values()]
    assert ex.task_bytes(shapes, list(net.norms().values())) == masks.nbytes


@pytest.mark.parametrize("momentum", [0.1, 0.5])
def test_what_is_remembered_is_torchs_running_mean(momentum):
    draw = torch.Generator().manual_seed(0)
    images = [torch.randn(16, 3, generator=draw) for _ in range(7)]
    norm = torch.nn.BatchNorm1d(3, momentum=momentum)
    for batch in images:
        norm(batch)
    torch.testing.assert_close(ex.remembered([batch.mean(0) for batch in images], momentum), norm.running_mean)
