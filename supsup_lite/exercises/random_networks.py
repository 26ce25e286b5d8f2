"""Exercises of lesson 01: a network out of bits, what scale changes, what storing costs, chance masks, and luck."""

import math

import numpy as np
import torch
from torch import Tensor

from supsup_lite.exercises import Wrong, check_for, must_equal

__all__ = [
    "bytes_to_store",
    "chance_mask",
    "check_bytes_to_store",
    "check_chance_mask",
    "check_expected_best",
    "check_rescaled",
    "check_signed_constant",
    "expected_best",
    "rescaled",
    "signed_constant",
]

# --- 1: weights out of bits ----------------------------------------------------------------------------------------


def signed_constant(bits: Tensor) -> Tensor:
    """Return weights +c where a bit is True and -c where it is False, c = sqrt(2 / fan_in).

    Args:
        bits: bool [out, in, ...]; fan_in is the product of all sizes but the first.

    Returns:
        float32 of the same shape.
    """
    fan_in = bits[0].numel()
    c = math.sqrt(2 / fan_in)
    return torch.where(bits, c, -c)


@check_for(
    signed_constant, "That is the paper's base network: one bit a weight, and the scale that keeps a signal alive."
)
def check_signed_constant(attempt):
    """Check `signed_constant`."""
    for shape in ((2, 2), (1, 8), (3, 8), (300, 784), (4, 2, 3, 3)):
        bits = torch.arange(math.prod(shape)).view(shape) % 3 != 1
        must_equal(attempt(bits), signed_constant(bits), f"bits of shape {shape}")


# --- 2: what a factor on every weight does ---------------------------------------------------------------------------


def rescaled(logits: Tensor, factor: float, layers: int) -> Tensor:
    """Return the logits of the same network after every weight was multiplied by `factor`, without running it.

    Args:
        logits: float [B, outputs] of a ReLU network without biases.
        factor: greater than 0.
        layers: how many layers of weights the network has.
    """
    return logits * factor**layers


@check_for(rescaled, "Each layer hands the factor on, so it comes out once for each layer. No argmax can change.")
def check_rescaled(attempt):
    """Check `rescaled` against small networks that are really run."""
    for layers, factor in ((1, 2.0), (2, 2.0), (3, 0.5), (3, 3.0), (4, 1.0)):
        draw = np.random.default_rng(layers)
        weights = [torch.from_numpy(draw.choice([-1.0, 1.0], (4, 4))).float() for _ in range(layers)]
        x = torch.from_numpy(draw.integers(-2, 3, (3, 4))).float()
        want = _relu_network([factor * weight for weight in weights], x)
        given = f"{layers} layer{'s' if layers > 1 else ''}, every weight times {factor:g}"
        must_equal(attempt(_relu_network(weights, x), factor, layers), want, given)


def _relu_network(weights: list[Tensor], x: Tensor) -> Tensor:
    for weight in weights[:-1]:
        x = torch.relu(x @ weight.T)
    return x @ weights[-1].T


# --- 3: bytes ------------------------------------------------------------------------------------------------------


def bytes_to_store(num_weights: int) -> dict[str, int]:
    """Return how many whole bytes it takes to store a network of two-valued weights, in three ways.

    Returns:
        {"float32": 32 bits a weight, "bits": 1 bit a weight, "seed": one 64-bit integer}
    """
    return {"float32": 4 * num_weights, "bits": math.ceil(num_weights / 8), "seed": 8}


@check_for(bytes_to_store, "A seed costs the same for any network. Only masks will cost something.")
def check_bytes_to_store(attempt):
    """Check `bytes_to_store`."""
    for num_weights in (8, 9, 15, 16, 266_200, 1_000_001):
        got, want = attempt(num_weights), bytes_to_store(num_weights)
        if not isinstance(got, dict):
            raise Wrong(f"{num_weights:,} weights: expected a dict, got {type(got).__name__}.")
        if got.keys() != want.keys():
            raise Wrong(f"expected the keys {sorted(want)}, got {sorted(map(str, got))}.")
        for way, size in want.items():
            _must_be_whole(got[way], size, f"{num_weights:,} weights as {way}")


def _must_be_whole(got, want: int, given: str) -> None:
    must_equal(got, float(want), given, tolerance=0)
    if not isinstance(got, (int, np.integer)):
        raise Wrong(f"{given}: expected a whole number of bytes (an int), got {got!r}.")


# --- 4: a random mask of exact density -----------------------------------------------------------------------------


def chance_mask(shape: tuple[int, ...], keep: float, generator: torch.Generator) -> Tensor:
    """Return a mask that keeps exactly round(keep * n) of n weights, each choice of them equally likely.

    Args:
        shape: of the mask.
        keep: density in 0..1.
        generator: the only source of random numbers.

    Returns:
        bool tensor.
    """
    n = math.prod(shape)
    mask = torch.zeros(n, dtype=torch.bool, device=generator.device)
    mask[torch.randperm(n, generator=generator, device=generator.device)[: round(keep * n)]] = True
    return mask.view(shape)


@check_for(chance_mask, "This is the control for every learned mask: as many weights, chosen by nobody.")
def check_chance_mask(attempt):
    """Check `chance_mask`: count, dtype, shape, its generator and no other, and no weight or pair is preferred."""
    for shape, keep in (((2, 3), 0.5), ((10,), 0.3), ((10, 10), 0.29), ((3, 2, 5), 0.0), ((4, 4), 1.0)):
        given = f"shape {shape}, keep {keep}"
        mask = _drawn(attempt, shape, keep, torch.Generator().manual_seed(0))
        must_equal(mask, _with_values_of(mask, shape), given)
        must_equal(int(mask.sum()), round(keep * math.prod(shape)), f"{given}: weights kept")
    one, other = (torch.Generator().manual_seed(1) for _ in range(2))
    first, second = (_drawn(attempt, (50,), 0.5, one) for _ in range(2))
    if not torch.equal(first, _drawn(attempt, (50,), 0.5, other)):
        raise Wrong("two generators with the same seed gave two masks. Draw from `generator` only.")
    if torch.equal(first, second):
        raise Wrong("one generator gave the same mask twice. Draw from `generator` itself, not from a new one.")
    masks = torch.stack([_drawn(attempt, (4, 5), 0.3, torch.Generator().manual_seed(seed)) for seed in range(400)])
    often = masks.float().mean(0)  # 0.3 expected, with a deviation of 0.023
    if often.min() < 0.15 or often.max() > 0.45:
        raise Wrong(
            f"400 masks [4, 5] of density 0.3: every weight should be kept in about 30 % of them, "
            f"but one is kept in {often.min():.0%} and another in {often.max():.0%}."
        )
    flat = masks.flatten(1).float()
    together = (flat.T @ flat / len(flat))[~torch.eye(20, dtype=torch.bool)]  # 6/20 * 5/19 = 0.079, deviation 0.013
    if together.min() == 0 or together.max() > 0.17:
        raise Wrong(
            f"400 masks [4, 5] of density 0.3: any two weights should be kept together in about 8 % of them, "
            f"but two are in {together.min():.0%} and two others in {together.max():.0%}."
        )


def _drawn(attempt, shape: tuple[int, ...], keep: float, generator: torch.Generator) -> Tensor:
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    mask = attempt(shape, keep, generator)
    if not torch.equal(torch_state, torch.get_rng_state()) or (numpy_state != np.random.get_state()[1]).any():  # noqa: NPY002
        raise Wrong("the global random state changed. Give `generator=generator` to whatever draws.")
    return mask


def _with_values_of(mask, shape: tuple[int, ...]) -> Tensor:
    """What `must_equal` compares with when only type, shape and dtype are at stake."""
    fits = isinstance(mask, Tensor) and mask.shape == shape and mask.dtype == torch.bool
    return mask if fits else torch.zeros(shape, dtype=torch.bool)


# --- 5: how lucky the luckiest is ----------------------------------------------------------------------------------


def expected_best(accuracies: Tensor, tries: int) -> float:
    """Return how good the luckiest of `tries` random masks is, on average.

    Cuts the measured masks into groups of `tries`, takes the best of each group, and averages.

    Args:
        accuracies: float [n], in the order of drawing.
        tries: size of a group; what does not fill a group at the end is left out.
    """
    groups = len(accuracies) // tries
    return accuracies[: groups * tries].view(groups, tries).max(1).values.mean().item()


@check_for(expected_best, "Best of a group, averaged over groups: an honest curve of luck, not one lucky draw.")
def check_expected_best(attempt):
    """Check `expected_best`."""
    for values, tries in (
        ([0.1, 0.3, 0.2, 0.0], 1),
        ([0.1, 0.3, 0.2, 0.0], 2),
        ([0.1, 0.3, 0.2, 0.0], 4),
        ([0.1, 0.3, 0.2, 0.0, 0.9], 2),
        ([0.25, 0.0, 0.5, 0.125, 0.75, 1.0], 3),
    ):
        accuracies = torch.tensor(values)
        must_equal(attempt(accuracies, tries), expected_best(accuracies, tries), f"{values} by {tries}")
