"""Every check of lessons 00 and 01 accepts its reference, knows a stub, and rejects what a learner may well write."""

import math

import numpy as np
import torch

from supsup_lite.exercises import random_networks as ex
from supsup_lite.exercises.welcome import check_sparsity, sparsity
from tests.every_exercise import EveryExercise

CHECKS = {
    "sparsity": check_sparsity,
    "signed_constant": ex.check_signed_constant,
    "rescaled": ex.check_rescaled,
    "bytes_to_store": ex.check_bytes_to_store,
    "chance_mask": ex.check_chance_mask,
    "expected_best": ex.check_expected_best,
}


def wrong_scale(scale):
    return lambda bits: torch.where(bits, scale(bits), -scale(bits))


def constant_in_place(bits):
    weights = ex.signed_constant(bits)
    bits.fill_(True)
    return weights


def rescaled_in_place(logits, factor, layers):
    logits *= factor**layers
    return logits


def other_sizes(**changed):
    return lambda num_weights: ex.bytes_to_store(num_weights) | {way: f(num_weights) for way, f in changed.items()}


def coin_for_each_weight(shape, keep, generator):
    """The right density on average only."""
    return torch.rand(shape, generator=generator) < keep


def first_in_a_row(shape, keep, generator):
    """The right count, but no chance."""
    n = math.prod(shape)
    return (torch.arange(n) < round(keep * n)).view(shape)


def rounded_down(shape, keep, generator):
    n = math.prod(shape)
    mask = torch.zeros(n, dtype=torch.bool)
    mask[torch.randperm(n, generator=generator)[: int(keep * n)]] = True
    return mask.view(shape)


def with_global_torch(shape, keep, generator):
    return ex.chance_mask(shape, keep, torch.Generator().manual_seed(int(torch.randint(0, 99, ()))))


def with_global_numpy(shape, keep, generator):
    return ex.chance_mask(shape, keep, torch.Generator().manual_seed(int(np.random.randint(99))))  # noqa: NPY002


def seeded_by_counting(shape, keep, generator, drawn=[]):  # noqa: B006
    """A new mask at every call, whatever the generator says."""
    drawn.append(None)
    return ex.chance_mask(shape, keep, torch.Generator().manual_seed(len(drawn)))


def with_a_new_generator(shape, keep, generator):
    """Never draws from the generator that it was given, which would give the same mask again and again."""
    return ex.chance_mask(shape, keep, torch.Generator().manual_seed(generator.initial_seed()))


def shifted_block(shape, keep, generator):
    """Each weight has its chance, but kept weights are neighbours."""
    n = math.prod(shape)
    shift = int(torch.randint(n, (1,), generator=generator))
    return (torch.arange(n) < round(keep * n)).roll(shift).view(shape)


def every_so_many(shape, keep, generator):
    """Each weight has its chance, but there are few masks to choose from."""
    n = math.prod(shape)
    order = torch.arange(n).view(-1, 2).T.flatten() if n % 2 == 0 else torch.arange(n)
    return shifted_block((n,), keep, generator)[order].view(shape)


def removes_instead(shape, keep, generator):
    return ~ex.chance_mask(shape, keep, generator)


def rows_of_a_shuffle(shape, keep, generator):
    """Shuffles the first dimension only: edges of one neuron come and go together."""
    n = math.prod(shape)
    mask = (torch.arange(n) < round(keep * n)).view(shape)
    return mask[torch.randperm(shape[0], generator=generator)]


def best_of_first_group(accuracies, tries):
    return accuracies[:tries].max().item()


def best_with_last_group(accuracies, tries):
    groups = accuracies.split(tries)
    return sum(group.max().item() for group in groups) / len(groups)


def best_across_groups(accuracies, tries):
    groups = len(accuracies) // tries
    return accuracies[: groups * tries].view(groups, tries).max(0).values.mean().item()


def sorted_first(accuracies, tries):
    return ex.expected_best(accuracies.sort().values, tries)


def sorted_in_place(accuracies, tries):
    result = ex.expected_best(accuracies, tries)
    accuracies.copy_(accuracies.sort().values)
    return result


def sparsity_by_counting(mask):
    removed = 0
    for keep in mask.flatten().tolist():
        removed += not keep
    return removed / mask.numel()


def signs_times_constant(bits):
    signs = bits.float() * 2 - 1
    return signs * (2 / math.prod(bits.shape[1:])) ** 0.5


def filled(bits):
    c = math.sqrt(2 / bits[0].numel())
    weights = torch.full(bits.shape, -c)
    weights[bits] = c
    return weights


def layer_by_layer(logits, factor, layers):
    for _ in range(layers):
        logits = logits * factor
    return logits


def bits_by_hand(num_weights):
    whole, rest = divmod(num_weights, 8)
    return {"seed": 8, "bits": whole + (rest > 0), "float32": 32 * num_weights // 8}


def bytes_of_arrays(num_weights):
    return {
        "float32": np.zeros(num_weights, np.float32).nbytes,
        "bits": np.packbits(np.zeros(num_weights, bool)).nbytes,
        "seed": np.int64(0).nbytes,
    }


def smallest_of_random_numbers(shape, keep, generator):
    drawn = torch.rand(shape, generator=generator)
    kept = drawn.flatten().argsort()[: round(keep * drawn.numel())]
    mask = torch.zeros(drawn.numel(), dtype=torch.bool)
    mask[kept] = True
    return mask.reshape(shape)


def shuffled_flags(shape, keep, generator):
    n = math.prod(shape)
    flags = [True] * round(keep * n) + [False] * (n - round(keep * n))
    return torch.tensor(flags)[torch.randperm(n, generator=generator)].view(shape)


def fisher_yates(shape, keep, generator):
    n = math.prod(shape)
    places = list(range(n))
    for i in range(round(keep * n)):
        j = int(torch.randint(i, n, (1,), generator=generator))
        places[i], places[j] = places[j], places[i]
    mask = torch.zeros(n, dtype=torch.bool)
    for place in places[: round(keep * n)]:
        mask[place] = True
    return mask.view(shape)


def best_by_loop(accuracies, tries):
    best = []
    for start in range(0, len(accuracies) - tries + 1, tries):
        best.append(max(accuracies[start : start + tries].tolist()))
    return sum(best) / len(best)


def best_by_numpy(accuracies, tries):
    values = accuracies.numpy()[: len(accuracies) - len(accuracies) % tries]
    return np.mean([group.max() for group in np.split(values, len(values) // tries)])


RIGHT = {
    "sparsity": [
        lambda mask: (~mask).sum().item() / mask.numel(),
        lambda mask: 1 - mask.float().mean(),
        sparsity_by_counting,
    ],
    "signed_constant": [
        signs_times_constant,
        filled,
        lambda bits: torch.tensor([-1.0, 1.0])[bits.long()] * math.sqrt(2 / bits[0].numel()),
    ],
    "rescaled": [
        layer_by_layer,
        lambda logits, factor, layers: logits * math.prod([factor] * layers),
        lambda logits, factor, layers: torch.mul(logits, math.exp(layers * math.log(factor))),
    ],
    "bytes_to_store": [
        lambda num_weights: {"float32": 4 * num_weights, "bits": (num_weights + 7) // 8, "seed": 8},
        bits_by_hand,
        bytes_of_arrays,
    ],
    "chance_mask": [smallest_of_random_numbers, shuffled_flags, fisher_yates],
    "expected_best": [
        best_by_loop,
        best_by_numpy,
        lambda accuracies, tries: accuracies.unfold(0, tries, tries).amax(1).mean(),
    ],
}

WRONG = {
    "sparsity": [
        lambda mask: mask.float().mean().item(),  # the density
        lambda mask: int((~mask).sum()),  # a count
        lambda mask: 100 * (1 - mask.float().mean().item()),  # percent
        lambda mask: (~mask).sum().item() / len(mask),  # a matrix has more weights than rows
        lambda mask: 1 - mask.float(),  # not one number
    ],
    "signed_constant": [
        wrong_scale(lambda bits: math.sqrt(2 / len(bits))),  # fan_out
        wrong_scale(lambda bits: math.sqrt(2 / bits.shape[1])),  # forgets the window of a convolution
        wrong_scale(lambda bits: 2 / bits[0].numel()),  # the variance
        wrong_scale(lambda bits: math.sqrt(1 / bits[0].numel())),  # forgets ReLU
        lambda bits: bits * math.sqrt(2 / bits[0].numel()),  # 0 and c
        lambda bits: -ex.signed_constant(bits),
        lambda bits: ex.signed_constant(bits).double(),
        lambda bits: ex.signed_constant(bits).flatten(),
        lambda bits: ex.signed_constant(bits).tolist(),
        constant_in_place,
    ],
    "rescaled": [
        lambda logits, factor, layers: logits * factor,  # one layer only
        lambda logits, factor, layers: logits * factor * layers,
        lambda logits, factor, layers: logits * factor ** (layers - 1),
        lambda logits, factor, layers: logits,
        lambda logits, factor, layers: (logits * factor**layers).double(),
        lambda logits, factor, layers: (logits * factor**layers)[0],
        rescaled_in_place,
    ],
    "bytes_to_store": [
        other_sizes(bits=lambda n: n // 8),  # rounds down
        other_sizes(bits=lambda n: n),  # a byte a weight
        other_sizes(bits=lambda n: n / 8),
        other_sizes(bits=lambda n: float(math.ceil(n / 8))),  # whole, but no int
        other_sizes(float32=lambda n: 32 * n),  # bits, not bytes
        other_sizes(seed=lambda n: 64),  # bits, not bytes
        other_sizes(seed=lambda n: math.ceil(n / 8)),
        lambda n: {"float32": 4 * n, "bits": math.ceil(n / 8)},
        lambda n: (4 * n, math.ceil(n / 8), 8),
    ],
    "chance_mask": [
        coin_for_each_weight,
        first_in_a_row,
        rounded_down,
        with_global_torch,
        with_global_numpy,
        seeded_by_counting,
        removes_instead,
        rows_of_a_shuffle,
        with_a_new_generator,
        shifted_block,
        every_so_many,
        lambda shape, keep, generator: ex.chance_mask(shape, keep, generator).float(),
        lambda shape, keep, generator: ex.chance_mask(shape, keep, generator).flatten(),
        lambda shape, keep, generator: ex.chance_mask(shape, keep, generator).numpy(),
    ],
    "expected_best": [
        best_of_first_group,
        best_with_last_group,
        best_across_groups,
        sorted_first,
        sorted_in_place,
        lambda accuracies, tries: accuracies.max().item(),
        lambda accuracies, tries: accuracies.mean().item(),
        lambda accuracies, tries: accuracies[: len(accuracies) // tries * tries].view(-1, tries).max(1).values,
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, RIGHT, WRONG = CHECKS, RIGHT, WRONG


def test_check_leaves_the_global_random_state_alone():
    before = torch.get_rng_state()
    ex.check_chance_mask()
    ex.check_rescaled()
    assert torch.equal(before, torch.get_rng_state())


def test_a_tensor_with_one_number_is_accepted():
    assert check_sparsity(lambda mask: 1 - mask.float().mean()).passed
    assert sparsity(torch.tensor([True, False])) == 0.5
