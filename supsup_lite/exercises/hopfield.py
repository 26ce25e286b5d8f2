"""Exercises of lesson 06: the energy, Hebb's rule, Storkey's rule, a synchronous step, and what a pattern is worth."""

import torch
from torch import Tensor

from supsup_lite.exercises import check_for, must_equal
from supsup_lite.seeding import generator

__all__ = [
    "break_even",
    "check_break_even",
    "check_energy",
    "check_hebb",
    "check_step",
    "check_storkey",
    "energy",
    "hebb",
    "step",
    "storkey",
]

# Two patterns of four spins, at right angles.
HAND = torch.tensor([[1, 1, -1, -1], [1, -1, 1, -1]], dtype=torch.float32, device="cpu")


def _patterns(count: int, dim: int, seed: int) -> Tensor:
    return torch.from_numpy(generator("exercise patterns", seed).integers(0, 2, (count, dim)) * 2.0 - 1).float()


def _cases() -> list[tuple[Tensor, str]]:
    """Return patterns [k, d], the smallest first, and how to speak of them."""
    cases = [(HAND[:1], "one pattern (1, 1, -1, -1)"), (HAND, "two patterns of four spins")]
    return [*cases, *((_patterns(k, d, 7), f"{k} random patterns of {d} spins") for k, d in ((3, 5), (4, 12)))]


# --- 1: energy -----------------------------------------------------------------------------------------------------


def energy(psi: Tensor, z: Tensor) -> Tensor:
    """Return E(z) = -1/2 z' Psi z for each of n states (SupSup, "HopSupSup").

    Args:
        psi: symmetric matrix, float [d, d].
        z: states, float [B, d].

    Returns:
        float [B].
    """
    return -((z @ psi) * z).sum(1) / 2


@check_for(energy, "A number for each state: low is what the memory likes.")
def check_energy(attempt):
    """Check `energy`: the sign, the half, and one number for each state."""
    for patterns, given in _cases():
        psi = hebb(patterns)
        states = torch.cat([patterns, 0.5 * patterns[:1], -patterns[:1]])
        must_equal(attempt(psi, states), energy(psi, states), f"Psi of {given}")


# --- 2: Hebb -------------------------------------------------------------------------------------------------------


def hebb(patterns: Tensor) -> Tensor:
    """Return Psi = sum_i z_i z_i' / d with a zero diagonal: float [d, d].

    Args:
        patterns: spins, float [k, d].
    """
    psi = patterns.T @ patterns / patterns.shape[1]
    return psi - psi.diagonal().diag()


@check_for(hebb, "Units that fire together are wired together.")
def check_hebb(attempt):
    """Check `hebb`: divided by d, summed over patterns, and no unit feels itself."""
    for patterns, given in _cases():
        must_equal(attempt(patterns), hebb(patterns), given)


# --- 3: all units at once ------------------------------------------------------------------------------------------


def step(psi: Tensor, z: Tensor) -> Tensor:
    """Return the state after one synchronous step: each unit takes the sign of its field; without a field it stays.

    Args:
        psi: symmetric matrix, float [d, d].
        z: spins, float [d].
    """
    fields = psi @ z
    return torch.where(fields == 0, z, fields.sign())


@check_for(step, "One product and a sign: that is the whole dynamics.")
def check_step(attempt):
    """Check `step`: signs of the fields, and a unit without a field stays as it is."""
    for patterns, given in _cases():
        psi = hebb(patterns)
        for i, z in enumerate([*patterns, -patterns[0], torch.ones(patterns.shape[1])]):
            must_equal(attempt(psi, z), step(psi, z), f"Psi of {given}, state {i}: {z.tolist()}")
    alone = torch.zeros(3, 3)
    alone[0, 1] = alone[1, 0] = -1.0
    z = torch.tensor([1.0, 1.0, -1.0])
    must_equal(attempt(alone, z), step(alone, z), "a third unit that nobody pulls")
    empty = torch.zeros(2, 2)
    for z in (torch.ones(2), -torch.ones(2)):
        must_equal(attempt(empty, z), z, f"Psi = 0, where nobody pulls: z = {z.tolist()}")


# --- 4: Storkey ----------------------------------------------------------------------------------------------------


def storkey(psi: Tensor, z: Tensor) -> Tensor:
    """Return Psi after one more pattern: Psi + (z z' - z f' - f z') / d, f its field Psi z; zero diagonal.

    Args:
        psi: the matrix so far, float [d, d].
        z: the new pattern, spins, float [d].
    """
    field = psi @ z
    new = psi + (torch.outer(z, z) - torch.outer(z, field) - torch.outer(field, z)) / len(z)
    return new - new.diagonal().diag()


@check_for(storkey, "Only what is new about a pattern is written down.")
def check_storkey(attempt):
    """Check `storkey`: both corrections, fields of the old matrix, a zero diagonal."""
    for patterns, given in _cases():
        psi = torch.zeros(patterns.shape[1], patterns.shape[1])
        for i, z in enumerate(patterns):
            want = storkey(psi, z)
            must_equal(attempt(psi, z), want, f"{given}, storing number {i}")
            psi = want


# --- 5: bytes ------------------------------------------------------------------------------------------------------


def break_even(dim: int, bits_a_coupling: int) -> float:
    """Return how many masks of d bits take as many bytes as the matrix.

    Args:
        dim: d. The matrix is symmetric with a zero diagonal: d (d - 1) / 2 couplings.
        bits_a_coupling: bits of one of them.
    """
    return (dim - 1) / 2 * bits_a_coupling


@check_for(break_even, "Each coupling has to pay for itself, and there are very many of them.")
def check_break_even(attempt):
    """Check `break_even`: half of the matrix, and the same unit on both sides."""
    for dim, bits in ((2, 1), (3, 8), (257, 32), (4096, 32), (4096, 1)):
        must_equal(attempt(dim, bits), break_even(dim, bits), f"d = {dim}, {bits} bits a coupling")
