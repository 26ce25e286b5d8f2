"""Exercises of lesson 08: operations of a step, a race, bytes of CSC, masks on a disk, the roofline, small networks."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from supsup_lite.exercises import check_for, must_equal

__all__ = [
    "Machine",
    "check_csc_bytes",
    "check_masks_on_disk",
    "check_seconds_a_task",
    "check_step_operations",
    "check_still_racing",
    "check_widest",
    "csc_bytes",
    "masks_on_disk",
    "seconds_a_task",
    "step_operations",
    "still_racing",
    "widest",
]

# --- 1: the operations of a step -------------------------------------------------------------------------------------


def step_operations(widths: Sequence[int], images: int) -> int:
    """Return the multiply-adds of one training step: forward, gradients of the weights, gradients between the layers.

    Args:
        widths: neurons of each layer, inputs first, outputs last; every layer is linear, without biases.
        images: in the batch.
    """
    layers = [fan_in * fan_out for fan_in, fan_out in pairwise(widths)]
    return images * (2 * sum(layers) + sum(layers[1:]))


@check_for(step_operations, "Three products a layer, but for the first: nobody asks for the gradient of a pixel.")
def check_step_operations(attempt):
    """Check `step_operations`: every layer, three products each, two for the first, times the images."""
    cases = [((3, 2), 1), ((3, 2), 4), ((3, 2, 1), 1), ((3, 2, 1), 2), ((2, 5, 3, 4), 3), ((784, 300, 100, 100), 128)]
    for widths, images in cases:
        got = attempt(widths, images)
        must_equal(got, step_operations(widths, images), f"widths {widths}, images {images}", tolerance=1e-9)


# --- 2: which masks stay in a race -----------------------------------------------------------------------------------


def still_racing(votes: Tensor, unread: float, lead: float) -> Tensor:
    """Return which masks what is unread may still bring to the front, bool [k] (a round of `inference.racing`).

    Args:
        votes: what was read so far, float [k].
        unread: variance of what the rest can still change between two masks; 0 or more.
        lead: of how many standard deviations a mask may be behind the best, and stay.
    """
    return votes >= votes.max() - lead * math.sqrt(unread)


@check_for(still_racing, "So loud units are read of every mask, and quiet ones only of those that are close.")
def check_still_racing(attempt):
    """Check `still_racing`: behind the best, by standard deviations, who is on the line stays, and so does the best."""
    cases = [
        ([3.0, 2.0, 0.0, -5.0], 4.0, 0.5),  # one behind is on the line
        ([3.0, 2.0, 0.0, -5.0], 4.0, 2.5),  # five behind is on the line
        ([3.0, 2.0, 0.0, -5.0], 0.25, 2.5),
        ([3.0, 2.0, 0.0, -5.0], 100.0, 2.5),  # all
        ([-7.0, -2.0, -2.5, -4.0], 1.0, 2.0),
        ([1.0, 4.0, 4.0, 3.5], 0.0, 2.5),  # nothing is unread: the best stay, both of them
        ([-1.0], 0.0, 2.5),
        ([10.0, 9.0, -90.0, -90.0, -90.0], 0.25, 4.0),
    ]
    for votes, unread, lead in cases:
        tensor = torch.tensor(votes)
        want = still_racing(tensor, unread, lead)
        must_equal(attempt(tensor, unread, lead), want, f"votes {votes}, unread {unread:g}, lead {lead:g}")


# --- 3: a mask as compressed sparse columns --------------------------------------------------------------------------


def csc_bytes(mask: Tensor) -> int:
    """Return the bytes of one layer's mask in CSC with 16-bit indices, the paper's format (as `MaskStore.csc_bytes`).

    It lists the row of every kept weight, column by column, 2 bytes each. And it says where each column begins and the
    last one ends, one number more than there are columns, 4 bytes each: a layer may keep more than 65,535 weights.

    Args:
        mask: bool [rows, columns].
    """
    return 2 * int(mask.sum()) + 4 * (mask.shape[1] + 1)


@check_for(csc_bytes, "It pays for what is kept, 16 bits each, where a plain bit is paid for every weight.")
def check_csc_bytes(attempt):
    """Check `csc_bytes`: two bytes for what is kept, four for each column and the end."""
    for rows, columns in ((1, 1), (2, 3), (3, 2), (4, 7), (10, 100)):
        places = torch.arange(rows * columns).view(rows, columns)
        for name, mask in (
            ("nothing kept", places < 0),
            ("all kept", places >= 0),
            ("every third weight kept", places % 3 == 0),
        ):
            must_equal(attempt(mask), csc_bytes(mask), f"{rows} x {columns}, {name}")


# --- 4: how many masks fit on a disk ---------------------------------------------------------------------------------


def masks_on_disk(disk: int, weights: int, density: float) -> int:
    """Return how many whole masks fit into `disk` bytes at Shannon's bound of H2(density) bits a weight.

    Args:
        disk: bytes.
        weights: of the network.
        density: in 0..1, ends excluded.
    """
    bits = -density * math.log2(density) - (1 - density) * math.log2(1 - density)
    return math.floor(8 * disk / (weights * bits))


@check_for(masks_on_disk, "No code can fit more of them, as long as it knows nothing of a mask but its density.")
def check_masks_on_disk(attempt):
    """Check `masks_on_disk`: bits and bytes, the entropy in bits, whole masks only."""
    cases = [
        (1, 8, 0.5),  # one byte, eight bits
        (10, 16, 0.5),
        (1000, 100, 0.5),
        (1000, 100, 0.25),
        (1000, 100, 0.75),
        (1000, 4000, 0.11),  # four masks, and a bit left
        (10, 1000, 0.5),  # none
        (10**9, 275_200, 0.5),
        (10**9, 275_200, 0.02),
    ]
    for disk, weights, density in cases:
        got = attempt(disk, weights, density)
        given = f"{disk:,} bytes, {weights:,} weights, density {density:g}"
        must_equal(got, masks_on_disk(disk, weights, density), given, tolerance=1e-9)


# --- 5: what bounds a step -------------------------------------------------------------------------------------------


class Machine(NamedTuple):
    """What a processor can do at best: operations a second, bytes a second, and seconds to start one call."""

    rate: float
    bandwidth: float
    launch: float


def seconds_a_task(k: int, operations: float, traffic: float, calls: int, machine: Machine) -> float:
    """Return the least seconds of a step, for each of k tasks that are learned at once (a roofline with launches).

    Arithmetic and memory work at the same time, and calls are started meanwhile: the slowest of the three decides.

    Args:
        k: tasks at once.
        operations, traffic: of one step of one task: operations, and bytes that are moved.
        calls: of a step; the same for any k.
        machine: what it can do.
    """
    return max(k * operations / machine.rate, k * traffic / machine.bandwidth, calls * machine.launch) / k


@check_for(seconds_a_task, "Tasks at once share the calls, and nothing else: that is all there is to win, and a lot.")
def check_seconds_a_task(attempt):
    """Check `seconds_a_task`: the slowest of three decides, calls are shared by the tasks, and nothing else is."""
    cases = [
        (1, 100, 10, 1, Machine(10.0, 10.0, 1.0)),  # arithmetic: 10 s
        (1, 10, 100, 1, Machine(10.0, 20.0, 1.0)),  # memory: 5 s
        (1, 10, 10, 50, Machine(10.0, 10.0, 1.0)),  # calls: 50 s
        (10, 10, 10, 50, Machine(10.0, 10.0, 1.0)),  # calls, shared by ten: 5 s
        (100, 10, 10, 50, Machine(10.0, 10.0, 1.0)),  # no longer: 1 s
        (100, 10, 40, 50, Machine(10.0, 10.0, 1.0)),
        (4, 8, 8, 3, Machine(4.0, 2.0, 0.5)),
    ]
    for k, operations, traffic, calls, machine in cases:
        got = attempt(k, operations, traffic, calls, machine)
        given = f"k = {k}, operations {operations}, traffic {traffic}, calls {calls}, {machine}"
        must_equal(got, seconds_a_task(k, operations, traffic, calls, machine), given)


# --- 6: a separate network for the same bytes ------------------------------------------------------------------------


def widest(budget: int, bytes_a_weight: int, inputs: int, outputs: int) -> int:
    """Return the most hidden neurons of a network inputs-h-outputs without biases that fits into `budget` bytes.

    Args:
        budget: bytes.
        bytes_a_weight: 4 for float32, 1 for whole numbers in -127..127.
        inputs, outputs: neurons.
    """
    return budget // (bytes_a_weight * (inputs + outputs))


@check_for(widest, "These are the rivals: a network of its own for each task, for the bytes of a mask.")
def check_widest(attempt):
    """Check `widest`: every hidden neuron has weights on both sides, and what does not fit is left out."""
    cases = [
        (34_400, 4, 784, 10),
        (34_400, 2, 784, 10),
        (34_400, 1, 784, 10),
        (100, 4, 4, 1),
        (119, 4, 4, 1),  # one byte short of six
        (120, 4, 4, 1),
        (3, 1, 2, 2),  # none
    ]
    for case in cases:
        given = "budget {:,}, {} bytes a weight, {} inputs, {} outputs".format(*case)
        must_equal(attempt(*case), widest(*case), given, tolerance=1e-9)
