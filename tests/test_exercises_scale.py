"""Every check of lesson 08 accepts its reference, knows a stub, and rejects what a learner may well write."""

import math
from itertools import pairwise

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import supsup_lite as sl
from supsup_lite.exercises import scale as ex
from supsup_lite.inference import objective_of
from supsup_lite.inference.racing import LEAD, LEAST, Race
from supsup_lite.inference.votes import votes_of
from tests.every_exercise import EveryExercise

CHECKS = {
    "step_operations": ex.check_step_operations,
    "still_racing": ex.check_still_racing,
    "csc_bytes": ex.check_csc_bytes,
    "masks_on_disk": ex.check_masks_on_disk,
    "seconds_a_task": ex.check_seconds_a_task,
    "widest": ex.check_widest,
}


def weights_of(widths):
    return sum(a * b for a, b in pairwise(widths))


def h2(p):
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def operations_by_loop(widths, images):
    total = 0
    for i in range(len(widths) - 1):
        total += (3 if i else 2) * widths[i] * widths[i + 1]
    return total * images


def operations_by_product(widths, images):
    forward = sum(math.prod(pair) for pair in pairwise(widths))
    between = forward - widths[0] * widths[1]
    return forward * images + between * images + forward * images


def stays_by_loop(votes, unread, lead):
    allowed, best = lead * math.sqrt(unread), max(votes.tolist())
    return torch.tensor([best - own <= allowed for own in votes.tolist()])


def stays_by_sorting(votes, unread, lead):
    ordered, who = votes.sort(descending=True)
    stays = torch.zeros(len(votes), dtype=torch.bool)
    for own, position in zip(ordered, who, strict=True):
        if ordered[0] - own > lead * unread**0.5:
            break
        stays[position] = True
    return stays


def csc_by_columns(mask):
    size = 4
    for column in mask.T:
        size += 4 + 2 * column.sum().item()
    return size


def csc_by_arrays(mask):
    rows = mask.T.nonzero()[:, 1].to(torch.int16)
    ends = torch.zeros(mask.shape[1] + 1, dtype=torch.int32)
    return rows.nbytes + ends.nbytes


def masks_by_torch(disk, weights, density):
    p = torch.tensor([density, 1 - density], dtype=torch.float64)
    bits = weights * torch.special.entr(p).sum() / math.log(2)
    return int(disk * 8 // bits)


def seconds_by_part(k, operations, traffic, calls, machine):
    rate, bandwidth, launch = machine
    slowest = operations / rate
    for other in (traffic / bandwidth, calls * launch / k):
        if other > slowest:
            slowest = other
    return slowest


def seconds_by_sorting(k, operations, traffic, calls, machine):
    parts = [k * operations / machine.rate, k * traffic / machine.bandwidth, calls * machine.launch]
    return sorted(parts)[-1] / k


def widest_by_trying(budget, size, inputs, outputs):
    hidden = 0
    while (hidden + 1) * (inputs + outputs) * size <= budget:
        hidden += 1
    return hidden


RIGHT = {
    "step_operations": [
        operations_by_loop,
        operations_by_product,
        lambda widths, images: images * (3 * weights_of(widths) - widths[0] * widths[1]),
    ],
    "still_racing": [
        stays_by_loop,
        stays_by_sorting,
        lambda votes, unread, lead: ~((votes.amax() - votes) > lead * math.sqrt(unread)),
        lambda votes, unread, lead: (votes - votes.max()).abs() ** 2 <= lead**2 * unread,
    ],
    "csc_bytes": [
        csc_by_columns,
        csc_by_arrays,
        lambda mask: 2 * mask.count_nonzero() + 4 * mask.size(1) + 4,
    ],
    "masks_on_disk": [
        masks_by_torch,
        lambda disk, n, p: int(8 * disk / (n * h2(p))),
        lambda disk, n, p: (disk * 8) // (h2(p) * n),
    ],
    "seconds_a_task": [
        seconds_by_part,
        seconds_by_sorting,
        lambda k, work, traffic, calls, m: max(work / m.rate, traffic / m.bandwidth, calls / k * m.launch),
    ],
    "widest": [
        widest_by_trying,
        lambda budget, size, inputs, outputs: int(budget / (size * (inputs + outputs))),
        lambda budget, size, inputs, outputs: budget // size // (inputs + outputs),
    ],
}

WRONG = {
    "step_operations": [
        lambda widths, images: images * weights_of(widths),  # forward only
        lambda widths, images: 3 * images * weights_of(widths),  # the gradient of a pixel, too
        lambda widths, images: 2 * ex.step_operations(widths, images),  # a multiply-add counted as two
        lambda widths, images: ex.step_operations(widths, 1),
        lambda widths, images: images * (3 * weights_of(widths) - widths[-2] * widths[-1]),  # the wrong end
        lambda widths, images: images * 2 * weights_of(widths),
    ],
    "still_racing": [
        lambda votes, unread, lead: votes >= votes.max() - lead * unread,  # a variance
        lambda votes, unread, lead: votes >= votes.max() - math.sqrt(unread),  # one deviation
        lambda votes, unread, lead: votes >= votes.max() - math.sqrt(lead * unread),
        lambda votes, unread, lead: votes > votes.max() - lead * math.sqrt(unread),  # at the end nobody stays
        lambda votes, unread, lead: votes >= votes.mean() - lead * math.sqrt(unread),
        lambda votes, unread, lead: votes >= lead * math.sqrt(unread),  # ahead of nothing
        lambda votes, unread, lead: votes.max() - votes >= lead * math.sqrt(unread),  # who goes
        lambda votes, unread, lead: (votes.max() - votes) / torch.tensor(unread).sqrt() <= lead,  # 0 / 0
        lambda votes, unread, lead: votes == votes.max(),
        lambda votes, unread, lead: ex.still_racing(votes, 4 * unread, lead),  # two deviations for one
        lambda votes, unread, lead: ex.still_racing(votes, unread, lead).nonzero().flatten(),
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
    CHECKS, RIGHT, WRONG = CHECKS, RIGHT, WRONG


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
    assert size * sl.networks.MLP("rival", (784, hidden, 10), 0, "cpu").num_weights <= 34_400
    assert size * sl.networks.MLP("rival", (784, hidden + 1, 10), 0, "cpu").num_weights > 34_400


def test_who_is_dropped_by_a_race_is_dropped_by_the_exercise():
    """The package's race, after its first round: votes and variances as it holds them."""
    net = sl.lenet_300_100(outputs=20, seed=0, device="cpu")
    masks, x = sl.MaskStore(net), torch.randn(3, 784, generator=torch.Generator().manual_seed(0))
    for task in range(LEAST):
        masks.append(sl.random_mask(net, 0.5, seed=0, task=task))
    race = Race(masks, votes_of(net, masks, x, lambda logits: objective_of(logits, "entropy", 10), together=False))
    for layer, units in zip(race._layers, race._by_layer(race._round == 0), strict=True):
        race._read(layer, units, torch.zeros(3, dtype=torch.bool))
    unread = (race._spread * (race._round > 0)).sum(1)
    race._drop(0)
    for own, scores, variance in zip(race.alive, race.scores, unread, strict=True):
        assert torch.equal(own, ex.still_racing(scores, variance.item(), LEAD))
    assert 3 < race.alive.sum() < 3 * LEAST
