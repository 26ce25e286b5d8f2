"""Every check of lesson 06 accepts its reference, knows a stub, and rejects what a learner may well write."""

import pytest
import torch

import supsup_lite as sl
from supsup_lite.exercises import hopfield as ex
from tests.every_exercise import EveryExercise

CHECKS = {
    "energy": ex.check_energy,
    "hebb": ex.check_hebb,
    "step": ex.check_step,
    "storkey": ex.check_storkey,
    "break_even": ex.check_break_even,
}


def with_diagonal(patterns):
    return patterns.T @ patterns / patterns.shape[1]


def in_place(psi, z):
    z.copy_(ex.step(psi, z))
    return z


def one_correction(psi, z):
    new = psi + (torch.outer(z, z) - 2 * torch.outer(z, psi @ z)) / len(z)
    return new - new.diagonal().diag()


def uncorrected(psi, z):
    new = psi + torch.outer(z, z) / len(z)
    return new - new.diagonal().diag()


def self_coupled(psi, z):
    h = psi @ z
    return psi + (torch.outer(z, z) - torch.outer(z, h) - torch.outer(h, z)) / len(z)


WRONG = {
    "energy": [
        lambda psi, z: ((z @ psi) * z).sum(1) / 2,  # the sign
        lambda psi, z: -((z @ psi) * z).sum(1),  # the half
        lambda psi, z: -((z @ psi) * z).sum() / 2,  # all states in one
        lambda psi, z: -(z @ psi @ z.T) / 2,  # every state with every other
    ],
    "hebb": [
        with_diagonal,
        lambda patterns: ex.hebb(patterns) * patterns.shape[1] / len(patterns),  # divided by k
        lambda patterns: ex.hebb(patterns) * patterns.shape[1],
        lambda patterns: ex.hebb(patterns[-1:]),  # only the last
    ],
    "step": [
        lambda psi, z: (psi @ z).sign(),  # 0 where there is no field
        lambda psi, z: torch.where(psi @ z >= 0, 1.0, -1.0),
        lambda psi, z: -ex.step(psi, z),
        in_place,
    ],
    "storkey": [one_correction, uncorrected, self_coupled],
    "break_even": [
        lambda dim, bits: dim * bits,  # the whole matrix
        lambda dim, bits: dim * bits / 8,
        lambda dim, bits: dim * (dim - 1) / 2 * bits / 8,  # its bytes
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, WRONG = CHECKS, WRONG


@pytest.mark.parametrize("rule", ["hebb", "storkey"])
def test_the_exercises_build_the_package_store(rule):
    patterns = ex._patterns(6, 40, 3)
    store = sl.HopfieldStore(40, rule, "cpu")
    psi = torch.zeros(40, 40)
    for z in patterns:
        store.store(z)
        psi = ex.storkey(psi, z)
    want = psi if rule == "storkey" else ex.hebb(patterns)
    torch.testing.assert_close(store.psi, want)
    torch.testing.assert_close(store.energy(patterns), ex.energy(want, patterns))
    assert torch.equal(store.step(patterns[0], "synchronous"), ex.step(want, patterns[0]))


def test_break_even_counts_the_bytes_of_the_store():
    store = sl.HopfieldStore(64, device="cpu")
    masks = ex.break_even(64, 32) * 64 / 8
    assert masks == store.nbytes - 4 * 64  # the store keeps the mean besides
