"""Every check of lessons 00 and 01 accepts its reference, knows a stub, and rejects what a learner may well write."""

import math

import numpy as np
import pytest
import torch

from supsup_lite.exercises import random_networks as ex
from supsup_lite.exercises.welcome import check_sparsity, sparsity

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


def with_own_seeds(shape, keep, generator, drawn=[]):  # noqa: B006
    """A new mask at every call, whatever the generator says."""
    drawn.append(None)
    return ex.chance_mask(shape, keep, torch.Generator().manual_seed(len(drawn)))


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
        with_own_seeds,
        removes_instead,
        rows_of_a_shuffle,
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


@pytest.mark.parametrize("name", CHECKS)
def test_check_accepts_its_reference(name):
    verdict = CHECKS[name]()
    assert verdict.passed, verdict


@pytest.mark.parametrize("name", CHECKS)
def test_check_knows_a_stub(name):
    def stub(*inputs):
        raise NotImplementedError

    assert CHECKS[name](stub).state == "not done yet"
    assert CHECKS[name](lambda *inputs: None).state == "not done yet"
    assert CHECKS[name](lambda *inputs: ...).state == "not done yet"


@pytest.mark.parametrize(("name", "case"), [(name, i) for name in WRONG for i in range(len(WRONG[name]))])
def test_check_rejects(name, case):
    verdict = CHECKS[name](WRONG[name][case])
    assert verdict.state == "not right yet", verdict
    assert verdict.message


def test_check_leaves_the_global_random_state_alone():
    before = torch.get_rng_state()
    ex.check_chance_mask()
    ex.check_rescaled()
    assert torch.equal(before, torch.get_rng_state())


def test_a_tensor_with_one_number_is_accepted():
    assert check_sparsity(lambda mask: 1 - mask.float().mean()).passed
    assert sparsity(torch.tensor([True, False])) == 0.5
