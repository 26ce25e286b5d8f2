"""The Hopfield store against slow loops: rules, energies, sweeps; what it refuses; what a file must be."""

import itertools
from contextlib import suppress

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from supsup_lite.files import write_checked
from supsup_lite.hopfield import HopfieldStore, capacity_in_theory, to_bits, to_spins
from supsup_lite.hopfield.store import FORMAT, RULES, VERSION
from supsup_lite.seeding import generator
from tests.interrupting import Interrupt

EVERY_RULE = pytest.mark.parametrize("rule", RULES)


def patterns(count, dim, seed=0):
    return torch.from_numpy(generator("test patterns", seed).integers(0, 2, (count, dim)) * 2.0 - 1).float()


def filled(rule, count=4, dim=24, seed=0):
    store = HopfieldStore(dim, rule, "cpu")
    for z in patterns(count, dim, seed):
        store.store(z)
    return store


# --- the slow obvious version ------------------------------------------------------------------------------------


def slow_couplings(zs, rule):
    """Couplings of some patterns, number by number, in float64."""
    d = zs.shape[1]
    zs = zs.double()
    if rule == "centred":
        zs = zs - zs.mean(0)
    psi = torch.zeros(d, d, dtype=torch.float64)
    for z in zs:
        h = [sum(psi[i, j] * z[j] for j in range(d)) for i in range(d)]
        new = psi.clone()
        for i, j in itertools.product(range(d), range(d)):
            new[i, j] += z[i] * z[j] / d
            if rule == "storkey":
                new[i, j] -= (z[i] * h[j] + h[i] * z[j]) / d
        psi = new
        psi.fill_diagonal_(0)
    return psi


def slow_energy(zs, rule, z):
    psi, z = slow_couplings(zs, rule), z.double()
    if rule != "centred":
        return -0.5 * z @ psi @ z
    m = zs.double().mean(0)
    return -0.5 * (z - m) @ psi @ (z - m) - (1 - m**2).mean() * (m @ z)


@EVERY_RULE
def test_rules_and_energies_equal_the_loops(rule):
    zs = patterns(3, 9)
    store = filled(rule, 3, 9)
    psi = slow_couplings(zs, rule)
    v = torch.linspace(-1, 1, 9)
    torch.testing.assert_close(store.couple(v).double(), psi @ v.double(), rtol=1e-5, atol=1e-6)
    for z in (*zs, -zs[0], v):
        torch.testing.assert_close(store.energy(z).double(), slow_energy(zs, rule, z), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(store.mean, zs.mean(0))
    assert len(store) == 3


@EVERY_RULE
def test_fields_are_the_slope_of_the_energy(rule):
    store = filled(rule)
    z = torch.linspace(-0.9, 0.8, 24).double().requires_grad_()
    zs = patterns(4, 24)
    (slope,) = torch.autograd.grad(slow_energy(zs, rule, z), z)
    torch.testing.assert_close(store.fields(z.detach().float()).double(), -slope, rtol=1e-4, atol=1e-5)


@EVERY_RULE
def test_couplings_are_symmetric_without_a_diagonal(rule):
    store = filled(rule, 7, 33)
    assert torch.equal(store.psi, store.psi.T)
    assert not store.psi.diagonal().any()


def slow_sweep(store, z):
    z = z.clone()
    for i in range(len(z)):
        field = float(store.fields(z)[i])
        if abs(field) > 1e-6 and field * z[i] < 0:
            z[i] = -z[i]
    return z


@EVERY_RULE
@pytest.mark.parametrize("seed", range(4))
def test_an_asynchronous_sweep_equals_the_loop(rule, seed):
    store = filled(rule, 5, 20)
    for z in patterns(5, 20, seed + 10):
        assert torch.equal(store.step(z), slow_sweep(store, z))


def test_a_synchronous_step_is_the_sign_of_the_fields():
    store = HopfieldStore(3, "hebb", "cpu")
    store.psi = torch.tensor([[0.0, -1, 0], [-1, 0, 0], [0, 0, 0]])
    z = torch.tensor([1.0, 1.0, -1.0])
    assert store.step(z, "synchronous").tolist() == [-1, -1, -1], "no field, no move"
    assert store.step(z, "asynchronous").tolist() == [-1, 1, -1]
    assert store.recall(z, "synchronous", max_sweeps=2).tolist() == z.tolist(), "two states take turns"


@EVERY_RULE
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 12), dim=st.integers(2, 40))
def test_energy_never_rises_in_an_asynchronous_sweep(rule, seed, count, dim):
    store = filled(rule, count, dim, seed)
    z = patterns(1, dim, seed + 1)[0]
    while True:
        moved = store.step(z)
        assert store.energy(moved) <= store.energy(z) + 1e-5
        if torch.equal(moved, z):
            break
        assert store.energy(moved) < store.energy(z)
        z = moved
    assert torch.equal(store.recall(patterns(1, dim, seed + 1)[0]), z)


# --- what it remembers -------------------------------------------------------------------------------------------


@EVERY_RULE
def test_it_gives_back_what_it_stored_from_noise(rule):
    store, zs = filled(rule, 5, 300), patterns(5, 300)
    noisy = zs.clone()
    noisy[:, :30] *= -1
    assert torch.equal(store.recall(zs), zs)
    assert torch.equal(store.recall(noisy), zs)
    assert torch.equal(store.recall(noisy[2], "synchronous"), zs[2])


def test_storkey_holds_patterns_that_hebb_does_not():
    zs = patterns(6, 1000)
    zs[:, :300] = patterns(1, 1000, 5)[0, :300]  # an overlap of 0.3, as learned masks have
    held = {}
    for rule in RULES:
        store = HopfieldStore(1000, rule, "cpu")
        for z in zs:
            store.store(z)
        held[rule] = int((store.recall(zs) == zs).all(1).sum())
    assert held["storkey"] == held["centred"] == 6
    assert held["hebb"] < 6


def test_centred_does_not_depend_on_the_order():
    zs, z = patterns(5, 50), patterns(1, 50, 9)[0]
    stores = {}
    for rule in RULES:
        stores[rule] = []
        for order in (zs, zs.flip(0)):
            store = HopfieldStore(50, rule, "cpu")
            for pattern in order:
                store.store(pattern)
            stores[rule].append(store.fields(z))
    torch.testing.assert_close(*stores["centred"])
    assert not torch.allclose(*stores["storkey"])


def test_spread_tells_memories_from_mixtures():
    store, zs = filled("storkey", 3, 2000), patterns(3, 2000)
    mixture = zs.sum(0).sign()
    assert store.spread(zs).max() < 0.2
    assert 0.5 < store.spread(mixture) < 0.65  # 0.577 in theory
    held = store.fields(mixture) * mixture
    want = held.double().std(correction=0) / held.double().mean()
    torch.testing.assert_close(store.spread(mixture).double(), want, rtol=1e-4, atol=0)


def test_bits_and_spins():
    mask = torch.tensor([True, False, True])
    assert to_spins(mask).tolist() == to_spins(mask.float()).tolist() == [1, -1, 1]
    assert torch.equal(to_bits(to_spins(mask)), mask)
    assert to_bits(torch.tensor([0.0, -0.0, 0.1, -0.1])).tolist() == [True, True, True, False]
    one, other = HopfieldStore(3, device="cpu"), HopfieldStore(3, device="cpu")
    one.store(mask)
    other.store(to_spins(mask))
    assert torch.equal(one.psi, other.psi)


def test_its_size_does_not_grow():
    assert filled("hebb", 1).nbytes == filled("hebb", 9).nbytes == 4 * (24 * 23 // 2 + 24)


@pytest.mark.parametrize(
    ("dim", "rule", "errors", "want"),
    [(1000, "hebb", True, 138), (1000, "hebb", False, 36.19), (1000, "storkey", False, 269.0)],
)
def test_theory(dim, rule, errors, want):
    assert capacity_in_theory(dim, rule, errors) == pytest.approx(want, rel=1e-3)


# --- what it refuses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: HopfieldStore(1), ValueError, "dim must be 2 or more"),
        (lambda: HopfieldStore(2.5), TypeError, "whole number"),
        (lambda: HopfieldStore(True), TypeError, "whole number"),
        (lambda: HopfieldStore(8, "hopfield"), ValueError, "rule must be one of"),
        (lambda: filled("hebb").store([1.0] * 24), TypeError, "float tensor"),
        (lambda: filled("hebb").store(torch.ones(24, dtype=torch.long)), TypeError, "to_spins"),
        (lambda: filled("hebb").store(torch.ones(23)), ValueError, r"\[24\].*got \[23\]"),
        (lambda: filled("hebb").store(torch.ones(4, 6)), ValueError, r"got \[4, 6\]"),
        (lambda: filled("hebb").store(torch.ones(2, 24)), ValueError, "one pattern"),
        (lambda: filled("hebb").store(torch.zeros(24)), ValueError, "-1 and 1 only"),
        (lambda: filled("hebb").store(torch.full((24,), torch.nan)), ValueError, "finite"),
        (lambda: filled("hebb").energy(torch.full((24,), torch.inf)), ValueError, "finite"),
        (lambda: filled("hebb").recall(torch.ones(24, 24, 24)), ValueError, "a state of this store"),
        (lambda: filled("hebb").step(torch.ones(24), "both"), ValueError, "order must be one of"),
        (lambda: capacity_in_theory(64, "storkey", errors=True), ValueError, "no theory"),
        (lambda: capacity_in_theory(64, "centred"), ValueError, "no theory"),
    ],
)
def test_nonsense_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_a_refused_pattern_changes_nothing():
    store = filled("storkey")
    before, mean = store.psi.clone(), store.mean.clone()
    with pytest.raises(ValueError, match="-1 and 1 only"):
        store.store(torch.full((24,), 0.5))
    assert torch.equal(store.psi, before)
    assert torch.equal(store.mean, mean)
    assert len(store) == 4


# --- files -----------------------------------------------------------------------------------------------------------


@EVERY_RULE
def test_a_file_gives_it_back(rule, tmp_path):
    store = filled(rule)
    store.save(tmp_path / "store.safetensors")
    again = HopfieldStore.load(tmp_path / "store.safetensors", "cpu")
    assert (again.rule, again.dim, len(again)) == (rule, 24, 4)
    assert torch.equal(again.psi, store.psi)
    assert torch.equal(again.mean, store.mean)
    assert [path.name for path in tmp_path.iterdir()] == ["store.safetensors"]


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "store.safetensors"
    filled("hebb").save(path)
    content = bytearray(path.read_bytes())
    for broken in (content[:-1], content[:300] + bytes([content[300] ^ 1]) + content[301:], b""):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=r"store\.safetensors"):
            HopfieldStore.load(path)


@pytest.mark.parametrize(
    "psi",
    [
        torch.zeros(3, 4),
        torch.zeros(4, 4, 1),
        torch.eye(4),
        torch.arange(16.0).view(4, 4).tril(-1),
        torch.full((4, 4), torch.nan),
    ],
    ids=["not square", "no matrix", "a diagonal", "not symmetric", "not finite"],
)
def test_a_file_must_hold_a_sound_matrix(psi, tmp_path):
    path = tmp_path / "store.safetensors"
    write_checked(path, FORMAT, VERSION, {"psi": psi, "mean": torch.zeros(4)}, {"rule": "hebb", "patterns": "1"})
    with pytest.raises(ValueError, match=r"square|symmetric"):
        HopfieldStore.load(path)


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    write_checked(path, "something else", 1, {"psi": torch.zeros(4, 4)}, {})
    with pytest.raises(ValueError, match="something else"):
        HopfieldStore.load(path)
    path.write_bytes(safetensors.torch.save({"psi": torch.zeros(2, 2)}))
    with pytest.raises(ValueError, match="no checksum"):
        HopfieldStore.load(path)


@pytest.mark.parametrize("rule", RULES)
def test_ctrl_c_leaves_no_pattern_stored_by_half(rule):
    first, second = patterns(2, 200)

    def stored_until(line):
        store = HopfieldStore(200, rule, "cpu")
        store.store(first)
        with suppress(KeyboardInterrupt), Interrupt(line) as interrupt:
            store.store(second)
        return [store.psi, store.mean, torch.tensor(len(store))], interrupt.seen

    before, _ = stored_until(1)
    after, lines = stored_until(None)
    for line in range(1, lines + 1):
        state, _ = stored_until(line)
        assert any(all(map(torch.equal, state, whole)) for whole in (before, after)), line
