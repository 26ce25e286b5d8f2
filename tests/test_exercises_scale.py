"""Every check of lesson 08 accepts its reference, knows a stub, and rejects what a learner may well write."""

import math
from itertools import pairwise

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import supsup_lite as sl
from supsup_lite.exercises import scale as ex
from tests.every_exercise import EveryExercise

CHECKS = {
    "step_operations": ex.check_step_operations,
    "csc_bytes": ex.check_csc_bytes,
    "masks_on_disk": ex.check_masks_on_disk,
    "seconds_a_task": ex.check_seconds_a_task,
    "widest": ex.check_widest,
}


def weights_of(widths):
    return sum(a * b for a, b in pairwise(widths))


def h2(p):
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)


WRONG = {
    "step_operations": [
        lambda widths, images: images * weights_of(widths),  # forward only
        lambda widths, images: 3 * images * weights_of(widths),  # the gradient of a pixel, too
        lambda widths, images: 2 * ex.step_operations(widths, images),  # a multiply-add counted as two
        lambda widths, images: ex.step_operations(widths, 1),
        lambda widths, images: images * (3 * weights_of(widths) - widths[-2] * widths[-1]),  # the wrong end
        lambda widths, images: images * 2 * weights_of(widths),
    ],
    "csc_bytes": [
        lambda mask: 2 * int(mask.sum()),  # no pointers
        lambda mask: 2 * int(mask.sum()) + 4 * mask.shape[1],  # the end is missing
        lambda mask: 2 * int(mask.sum()) + 4 * (mask.shape[0] + 1),  # CSR
        lambda mask: 8 * ex.csc_bytes(mask),  # bits
        lambda mask: 2 * int((~mask).sum()) + 4 * (mask.shape[1] + 1),
        lambda mask: 4 * int(mask.sum()) + 2,  # row and column of each
    ],
    "masks_on_disk": [
        lambda disk, n, p: math.ceil(8 * disk / (n * h2(p))),
        lambda disk, n, p: 8 * disk / (n * h2(p)),
        lambda disk, n, p: math.floor(disk / (n * h2(p))),
        lambda disk, n, p: math.floor(8 * disk / (n * p)),
        lambda disk, n, p: math.floor(8 * disk / (n * h2(p) * math.log(2))),  # nats
        lambda disk, n, p: math.floor(8 * disk / n),
    ],
    "seconds_a_task": [
        lambda k, work, traffic, calls, m: max(work / m.rate, traffic / m.bandwidth, calls * m.launch),
        lambda k, work, traffic, calls, m: work / m.rate + traffic / m.bandwidth + calls * m.launch / k,
        lambda k, work, traffic, calls, m: max(work / m.rate, traffic / m.bandwidth),
        lambda k, work, traffic, calls, m: max(work / m.rate, traffic / m.bandwidth, calls * m.launch) / k,
        lambda k, work, traffic, calls, m: k * ex.seconds_a_task(k, work, traffic, calls, m),
    ],
    "widest": [
        lambda budget, size, inputs, outputs: budget // (size * inputs),
        lambda budget, size, inputs, outputs: budget // (inputs + outputs),
        lambda budget, size, inputs, outputs: round(budget / (size * (inputs + outputs))),
        lambda budget, size, inputs, outputs: budget / (size * (inputs + outputs)),
        lambda budget, size, inputs, outputs: budget // (size * inputs * outputs),
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, WRONG = CHECKS, WRONG


# --- the references agree with torch and the package -----------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 3])
def test_operations_are_those_that_torch_counts(k):
    net, tasks = sl.lenet_300_100(outputs=20, seed=0, device="cpu"), sl.permuted_mnist(k, device="cpu")
    with FlopCounterMode(display=False) as counted:
        sl.learn_masks(net, tasks, recipe=sl.Recipe(2, 8, "adam", 1e-3), progress=False, at_once=k)
    assert counted.get_total_flops() == 2 * k * 2 * ex.step_operations((784, 300, 100, 20), 8)


def test_the_bound_is_the_stores():
    net = sl.lenet_300_100(outputs=10, seed=0, device="cpu")
    masks = sl.MaskStore(net)
    masks.append(sl.random_mask(net, 0.2, seed=0))
    one = masks.entropy_bytes
    for count in (1, 7, 1000):
        assert ex.masks_on_disk(math.ceil(count * one) + 1, net.num_weights, 0.2) == count


def test_csc_is_the_stores():
    net = sl.lenet_300_100(outputs=10, seed=0, device="cpu")
    masks = sl.MaskStore(net)
    masks.append(sl.random_mask(net, 0.02, seed=0))
    assert sum(ex.csc_bytes(bits) for bits in masks[0].values()) == masks.csc_bytes


def test_csc_holds_what_a_mask_holds():
    """The bytes are those of arrays from which the mask comes back."""
    mask = torch.rand(30, 20, generator=torch.Generator().manual_seed(0)) < 0.3
    rows = mask.T.nonzero()[:, 1].to(torch.int16)
    starts = torch.cat([torch.zeros(1), mask.sum(0).cumsum(0)]).to(torch.int32)
    assert rows.nbytes + starts.nbytes == ex.csc_bytes(mask)
    back = torch.zeros_like(mask)
    for column in range(20):
        back[rows[starts[column] : starts[column + 1]].long(), column] = True
    assert torch.equal(back, mask)


@pytest.mark.parametrize("size", [1, 4])
def test_the_widest_network_fits_and_a_wider_one_does_not(size):
    hidden = ex.widest(34_400, size, 784, 10)
    assert size * sl.networks.MLP("own", (784, hidden, 10), 0, "cpu").num_weights <= 34_400
    assert size * sl.networks.MLP("own", (784, hidden + 1, 10), 0, "cpu").num_weights > 34_400
