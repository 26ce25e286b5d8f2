"""Masks over units: learned like any other mask, kept in a Hopfield store, and recalled from images bit for bit."""

import math
from dataclasses import replace

import pytest
import torch

import supsup_lite as sl
from supsup_lite import hopfield as hs
from supsup_lite.hopfield.recall import MIXTURE
from supsup_lite.networks.units import UnitMLP
from supsup_lite.recipes import Recipe

QUICK = Recipe(40, 128, "adam", 2e-2, True)


@pytest.fixture(scope="module")
def learned():
    """Three tasks on a small network: (network, tasks, masks, store)."""
    tasks, net = sl.split_mnist(3, device="cpu"), sl.bn_mlp(units=384, device="cpu")
    masks = sl.learn_masks(net, tasks, recipe=QUICK, progress=False)
    return net, tasks, masks, hs.hopfield_store(masks)


# --- the network -----------------------------------------------------------------------------------------------


def slow_forward(net, mask, x):
    """Unit by unit, in float64."""
    h = x.double().flatten(1)
    for linear, units in zip(("fc1", "fc2"), ("units1.weight", "units2.weight"), strict=True):
        columns = []
        for row, on in zip(net.get_buffer(linear).double(), mask[units], strict=True):
            a = h @ row
            a = (a - a.mean()) / (a.var(correction=0) + 1e-5).sqrt()
            columns.append(a * a.sigmoid() * float(on))
        h = torch.stack(columns, dim=1)
    return h @ net.get_buffer("fc3").double().T


def test_a_mask_switches_units_off():
    net = UnitMLP("small", (6, 5, 4, 3), 0, "cpu")
    x = torch.linspace(-2, 3, 48).view(8, 6).sin()
    mask = sl.random_mask(net, 0.5, seed=3)
    assert {name: list(bits.shape) for name, bits in mask.items()} == {"units1.weight": [5], "units2.weight": [4]}
    logits = sl.apply_mask(net, mask, x)
    torch.testing.assert_close(logits.double(), slow_forward(net, mask, x), rtol=1e-4, atol=1e-5)
    kept = torch.cat(list(sl.superpose(net, _stored(net, [mask, mask]), torch.tensor([0.25, 0.75]), x))).flatten()
    torch.testing.assert_close(kept, logits.flatten(), rtol=1e-4, atol=1e-5)


def _stored(net, masks):
    store = sl.MaskStore(net)
    for mask in masks:
        store.append(mask)
    return store


def test_one_image_is_refused_in_words():
    net = UnitMLP("small", (6, 5, 4, 3), 0, "cpu")
    with pytest.raises(ValueError, match="two or more"):
        net(torch.zeros(1, 6))


@pytest.mark.parametrize("units", [0, -3])
def test_units_must_be_some(units):
    with pytest.raises(ValueError, match="units must be 1 or more"):
        sl.bn_mlp(units=units)


def test_the_frozen_weights_count_in_the_fingerprint(learned, tmp_path):
    net, _, masks, _ = learned
    masks.save(tmp_path / "masks.safetensors")
    with pytest.raises(ValueError, match="another network"):
        sl.MaskStore.load(tmp_path / "masks.safetensors", sl.bn_mlp(units=384, seed=1, device="cpu"))
    again = sl.MaskStore.load(tmp_path / "masks.safetensors", net)
    assert torch.equal(hs.spins_of(again), hs.spins_of(masks))


def test_masks_over_units_are_learned(learned):
    net, tasks, masks, _ = learned
    fingerprint = net.fingerprint()
    assert sl.evaluate(net, masks, tasks, "GG", images=512).accuracy > 0.9
    untrained = _stored(net, [sl.random_mask(net, 0.5, seed=0, task=i) for i in range(3)])
    assert sl.evaluate(net, untrained, tasks, "GG", images=512).accuracy < 0.7
    assert net.fingerprint() == fingerprint


# --- spins, masks, entropy -------------------------------------------------------------------------------------


def test_masks_and_spins_give_each_other(learned):
    net, _, masks, store = learned
    spins = hs.spins_of(masks)
    assert spins.shape == (3, 768)
    for mask, z in zip(masks, spins, strict=True):
        back = hs.mask_of(net, z)
        assert all(torch.equal(back[name], bits) for name, bits in mask.items())
    torch.testing.assert_close(store.mean, spins.mean(0))


def test_entropy_at_spins_is_the_entropy_under_their_mask(learned):
    net, tasks, masks, _ = learned
    x = tasks[1].test.batch(range(64))[0]
    p = sl.apply_mask(net, masks[1], x).softmax(1)
    want = -(p * p.log()).sum(1).mean()
    torch.testing.assert_close(hs.entropy_at(net, hs.spins_of(masks)[1], x), want)


def test_entropy_gradient_by_finite_differences():
    net = UnitMLP("small", (6, 5, 4, 3), 0, "cpu").double()
    x, z = torch.linspace(-2, 3, 48).view(8, 6).sin().double(), torch.linspace(-0.8, 0.6, 9).double()
    entropy, gradient = hs.entropy_gradient(net, z, x)
    assert entropy == hs.entropy_at(net, z, x).item()
    for i in range(9):
        up, down = z.clone(), z.clone()
        up[i] += 1e-5
        down[i] -= 1e-5
        slope = (hs.entropy_at(net, up, x) - hs.entropy_at(net, down, x)) / 2e-5
        torch.testing.assert_close(gradient[i], slope, rtol=1e-4, atol=1e-8)


# --- recall ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["storkey", "centred"])
def test_recall_is_exact(learned, rule):
    net, tasks, masks, _ = learned
    store = hs.hopfield_store(masks, rule)
    limits = hs.measure_limits(net, store, masks, tasks)
    before = store.psi.clone()
    for i, task in enumerate(tasks):
        found = sl.recall_mask(net, store, task.test.batch(range(128))[0], limits)
        assert found.mask is not None, found.why
        assert all(torch.equal(found.mask[name], bits) for name, bits in masks[i].items())
        assert found.steps <= 10
        assert all(step.z.abs().max() <= 1 for step in found.trace)
    assert torch.equal(store.psi, before)


def test_a_trace_says_what_was_seen(learned):
    net, tasks, _, store = learned
    x = tasks[0].test.batch(range(128))[0]
    found = sl.recall_mask(net, store, x, hs.Limits(entropy=0.0), steps=2, starts=2)
    assert [step.start for step in found.trace] == [0, 0, 1, 1]
    first, last = found.trace[0], found.trace[-1]
    assert first.entropy == pytest.approx(hs.entropy_at(net, store.mean, x).item(), rel=1e-5)
    assert last.energy == pytest.approx(store.energy(last.z).item() / 768, rel=1e-4)
    assert torch.equal(last.candidate, store.recall(last.z))
    assert last.candidate_entropy == pytest.approx(hs.entropy_at(net, last.candidate, x).item(), rel=1e-5)
    assert last.spread == pytest.approx(store.spread(last.candidate).item(), rel=1e-4)


def test_distances_are_shares_of_units(learned):
    net, tasks, masks, store = learned
    spins = hs.spins_of(masks)
    found = sl.recall_mask(net, store, tasks[0].test.batch(range(128))[0], hs.Limits(entropy=0.0), steps=3, starts=1)
    distances = found.distances(spins)
    assert distances.shape == (3, 3)
    for row, step in zip(distances, found.trace, strict=True):
        for distance, z in zip(row, spins, strict=True):
            assert float(distance) == pytest.approx(
                sum(abs(float(a) - float(b)) for a, b in zip(step.z, z, strict=True)) / 2 / 768
            )
    settled = hs.Recall(None, spins[1], "", (replace(found.trace[0], z=spins[1]),)).distances(spins)[0]
    differ = [float((spins[1] != z).float().mean()) for z in spins]
    assert settled.tolist() == pytest.approx(differ)


def test_what_was_never_stored_is_held_back(learned):
    """A fourth task, and plain noise: no stored mask is sure of them."""
    net, tasks, masks, store = learned
    limits = hs.measure_limits(net, store, masks, tasks)
    strange = torch.from_numpy(sl.seeding.generator("noise", 0).normal(size=(128, 784))).float()
    for x in (strange, torch.zeros(128, 784)):
        found = sl.recall_mask(net, store, x, limits)
        assert found.mask is None
        assert found.why.startswith("not recalled")
        assert found.z.abs().eq(1).all()


def test_without_a_valley_it_holds_back(learned):
    """A matrix of Hebb, full of masks that are alike, has only mixtures."""
    net, tasks, masks, _ = learned
    found = sl.recall_mask(net, hs.hopfield_store(masks, "hebb"), tasks[0].test.batch(range(128))[0], hs.Limits(0.01))
    assert found.mask is None
    assert "mixtures" in found.why


def test_a_store_knows_whose_masks_it_holds(learned, tmp_path):
    net, tasks, masks, store = learned
    x, other = tasks[0].test.batch(range(8))[0], sl.bn_mlp(units=384, seed=1, device="cpu")
    store.save(tmp_path / "store")
    for known in (store, sl.HopfieldStore.load(tmp_path / "store", "cpu")):
        sl.recall_mask(net, known, x, steps=1, starts=1)
        with pytest.raises(ValueError, match="masks of another network"):
            sl.recall_mask(other, known, x)
    by_hand = sl.HopfieldStore(net.num_weights, device="cpu")
    by_hand.store(hs.spins_of(masks)[0])
    sl.recall_mask(other, by_hand, x, steps=1, starts=1)  # of whose it is nothing is known
    by_hand.save(tmp_path / "by hand")
    assert sl.HopfieldStore.load(tmp_path / "by hand", "cpu").network is None
    with pytest.raises(ValueError, match="holds 1 patterns, so not all of these 3 masks"):
        hs.measure_limits(net, by_hand, masks, tasks)


@pytest.mark.parametrize("batch", [0, 1, "x", 2.5, None])
def test_limits_need_a_batch(learned, batch):
    net, tasks, masks, store = learned
    with pytest.raises((TypeError, ValueError), match="batch must be"):
        hs.measure_limits(net, store, masks, tasks, batch)


@pytest.mark.parametrize("wrong", [None, "z", torch.ones(3), torch.full((768,), math.nan), torch.ones(768).bool()])
def test_an_entropy_is_taken_at_a_state(learned, wrong):
    net, tasks, *_ = learned
    x = tasks[0].test.batch(range(8))[0]
    for function in (hs.entropy_at, hs.entropy_gradient):
        with pytest.raises((TypeError, ValueError), match="state"):
            function(net, wrong, x)
        with pytest.raises(ValueError, match="finite"):
            function(net, torch.ones(768), x * math.nan)


def test_limits_are_what_the_masks_show(learned):
    net, tasks, masks, store = learned
    limits = hs.measure_limits(net, store, masks, tasks)
    worst = float(store.spread(hs.spins_of(masks)).max())
    assert worst <= limits.spread <= MIXTURE
    assert 0 < limits.typical < limits.entropy < math.log(10)
    narrow = hs.measure_limits(net, store, masks, tasks, batch=16)
    assert narrow.entropy > limits.entropy, "fewer images, wider limits"


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"store": None}, TypeError, "HopfieldStore"),
        ({"store": sl.HopfieldStore(10, device="cpu")}, ValueError, "patterns of 10"),
        ({"store": sl.HopfieldStore(768, device="cpu")}, ValueError, "empty"),
        ({"x": torch.zeros(4, 5)}, ValueError, "784 numbers"),
        ({"steps": 0}, ValueError, "steps must be 1 or more"),
        ({"starts": 1.5}, TypeError, "starts must be a whole number"),
        ({"rate": 0}, ValueError, "rate must be a positive"),
        ({"energy_weight": -1}, ValueError, "energy_weight must be 0 or more"),
    ],
)
def test_nonsense_is_refused(learned, change, error, says):
    net, tasks, _, store = learned
    given = {"store": store, "x": tasks[0].test.batch(range(8))[0]} | change
    with pytest.raises(error, match=says):
        sl.recall_mask(net, given.pop("store"), given.pop("x"), **given)


@pytest.mark.parametrize("z", [torch.ones(5), torch.ones(768, dtype=torch.long), [1.0] * 768])
def test_a_state_must_fit_the_network(learned, z):
    with pytest.raises((TypeError, ValueError), match="a state"):
        hs.mask_of(learned[0], z)
