"""Every check of lesson 06 accepts its reference, knows a stub, and rejects what a learner may well write."""

import pytest
import torch

import supsup_lite as sl
from supsup_lite.exercises import hopfield as ex
from tests.every_exercise import EveryExercise, in_float64, in_place, with_an_axis_more

CHECKS = {
    "energy": ex.check_energy,
    "hebb": ex.check_hebb,
    "step": ex.check_step,
    "storkey": ex.check_storkey,
    "break_even": ex.check_break_even,
}


def with_diagonal(patterns):
    return patterns.T @ patterns / patterns.shape[1]


def step_in_place(psi, z):
    z.copy_(ex.step(psi, z))
    return z


def one_after_the_other(psi, z):
    z = z.clone()
    for i in range(len(z)):
        field = psi[i] @ z
        z[i] = z[i] if field == 0 else field.sign()
    return z


def fields_of_the_new_matrix(psi, z):
    psi = psi + torch.outer(z, z) / len(z)
    h = psi @ z
    new = psi - (torch.outer(z, h) + torch.outer(h, z)) / len(z)
    return new - new.diagonal().diag()


def one_correction(psi, z):
    new = psi + (torch.outer(z, z) - 2 * torch.outer(z, psi @ z)) / len(z)
    return new - new.diagonal().diag()


def uncorrected(psi, z):
    new = psi + torch.outer(z, z) / len(z)
    return new - new.diagonal().diag()


def self_coupled(psi, z):
    h = psi @ z
    return psi + (torch.outer(z, z) - torch.outer(z, h) - torch.outer(h, z)) / len(z)


def energy_by_loop(psi, z):
    energies = []
    for state in z:
        energies.append(-0.5 * torch.dot(state, psi @ state))
    return torch.stack(energies)


def hebb_by_loop(patterns):
    d = patterns.shape[1]
    psi = torch.zeros(d, d)
    for z in patterns:
        psi = psi + torch.outer(z, z) / d
    psi.fill_diagonal_(0)
    return psi


def step_by_python(psi, z):
    new = z.clone()
    for i, field in enumerate((psi @ z).tolist()):
        if field:
            new[i] = 1.0 if field > 0 else -1.0
    return new


def step_in_halves(psi, z):
    fields = psi.matmul(z)
    return (fields > 0).float() - (fields < 0).float() + (fields == 0).float() * z


def storkey_by_loop(psi, z):
    d = len(z)
    h, new = psi.mv(z), psi.clone()
    for i in range(d):
        for j in range(d):
            new[i, j] += (z[i] * z[j] - z[i] * h[j] - h[i] * z[j]) / d
    return new.fill_diagonal_(0)


def storkey_by_one_product(psi, z):
    h = (psi * z).sum(1)
    new = psi + (torch.outer(z - h, z - h) - torch.outer(h, h)) / z.numel()
    return new * (1 - torch.eye(len(z)))


def storkey_by_broadcasting(psi, z):
    h = psi @ z
    return (psi + (z[:, None] * z - z[:, None] * h - h[:, None] * z) / len(z)).fill_diagonal_(0)


RIGHT = {
    "energy": [
        energy_by_loop,
        lambda psi, z: -0.5 * torch.einsum("ni,ij,nj->n", z, psi, z),
        lambda psi, z: (z @ psi @ z.T).diagonal() / -2,
    ],
    "hebb": [
        hebb_by_loop,
        lambda patterns: torch.einsum("ki,kj->ij", patterns, patterns).fill_diagonal_(0) / patterns.shape[1],
        lambda patterns: (patterns.T @ patterns - len(patterns) * torch.eye(patterns.shape[1])) / patterns.shape[1],
    ],
    "step": [step_by_python, step_in_halves, lambda psi, z: (2 * (psi @ z).sign() + z).sign()],
    "storkey": [storkey_by_loop, storkey_by_one_product, storkey_by_broadcasting],
    "break_even": [
        lambda dim, bits: dim * (dim - 1) / 2 * bits / dim,
        lambda dim, bits: sum(range(dim)) * bits / dim,
        lambda dim, bits: (dim * dim - dim) * bits / 2 / 8 / (dim / 8),
    ],
}

WRONG = {
    "energy": [
        lambda psi, z: ((z @ psi) * z).sum(1) / 2,  # the sign
        lambda psi, z: -((z @ psi) * z).sum(1),  # the half
        lambda psi, z: -((z @ psi) * z).sum() / 2,  # all states in one
        lambda psi, z: -(z @ psi @ z.T) / 2,  # every state with every other
        lambda psi, z: -(z @ psi).square().sum(1) / 2,
        lambda psi, z: -((z @ psi).sign() * z).sum(1) / 2,
        in_place(ex.energy, 1),
        in_float64(ex.energy),
        with_an_axis_more(ex.energy),
    ],
    "hebb": [
        with_diagonal,
        lambda patterns: ex.hebb(patterns) * patterns.shape[1] / len(patterns),  # divided by k
        lambda patterns: ex.hebb(patterns) * patterns.shape[1],
        lambda patterns: ex.hebb(patterns[-1:]),  # only the last
        lambda patterns: patterns @ patterns.T / patterns.shape[1],  # patterns with patterns
        lambda patterns: ex.hebb(patterns).triu(),
        in_place(ex.hebb),
    ],
    "step": [
        lambda psi, z: (psi @ z).sign(),  # 0 where there is no field
        lambda psi, z: torch.where(psi @ z >= 0, 1.0, -1.0),
        lambda psi, z: -ex.step(psi, z),
        lambda psi, z: torch.where(psi @ z > 0, 1.0, -1.0),
        lambda psi, z: psi @ z,  # the fields
        lambda psi, z: torch.where(psi @ z == 0, torch.ones_like(z), (psi @ z).sign()),
        one_after_the_other,
        step_in_place,
        in_float64(ex.step),
    ],
    "storkey": [
        one_correction,
        uncorrected,
        self_coupled,
        fields_of_the_new_matrix,
        lambda psi, z: ex.storkey(psi, z) - psi,  # only what is new
        lambda psi, z: psi + (ex.storkey(psi, z) - psi) * len(z),  # not divided by d
        in_place(ex.storkey),
        in_place(ex.storkey, 1),
    ],
    "break_even": [
        lambda dim, bits: dim * bits,  # the whole matrix
        lambda dim, bits: dim * bits / 8,
        lambda dim, bits: dim * (dim - 1) / 2 * bits / 8,  # its bytes
        lambda dim, bits: (dim - 1) * bits,  # each coupling twice
        lambda dim, bits: (dim + 1) / 2 * bits,  # with the diagonal
        lambda dim, bits: (dim - 1) // 2 * bits,
        lambda dim, bits: (dim - 1) / 2,  # couplings
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, RIGHT, WRONG = CHECKS, RIGHT, WRONG


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


def test_the_references_of_the_memory_stay_on_the_device():
    """A lesson on a GPU goes on with them; "meta" stands for a device that is not the CPU."""
    psi, z = torch.empty(4, 4, device="meta"), torch.empty(4, device="meta")
    assert ex.energy(psi, z[None]).device == ex.storkey(psi, z).device == psi.device
