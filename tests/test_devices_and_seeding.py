"""Which device is chosen, where random numbers come from, and that nobody's global state is touched."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import supsup_lite as sl
from supsup_lite.data.batches import batch_order
from supsup_lite.devices import resolve
from supsup_lite.learning.learn import learn_scores
from supsup_lite.masks.edge_popup import init_scores, masks_of
from supsup_lite.networks.mlp import MLP
from supsup_lite.seeding import generator

# Devices


def has(cuda: bool, mps: bool, monkeypatch):
    monkeypatch.delenv("SUPSUP_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    real, working = torch.empty, cuda  # where there is a GPU, its driver works
    fake = lambda *size, **how: None if working and str(how["device"]) == "cuda" else real(*size, **how)  # noqa: E731
    monkeypatch.setattr(torch, "empty", fake)


@pytest.mark.parametrize(
    ("cuda", "mps", "wanted"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_cuda_else_mps_else_cpu(monkeypatch, cuda, mps, wanted):
    has(cuda, mps, monkeypatch)
    assert sl.device() == torch.device(wanted)


def test_the_variable_overrides(monkeypatch):
    has(True, True, monkeypatch)
    monkeypatch.setenv("SUPSUP_DEVICE", "cpu")
    assert sl.device() == torch.device("cpu")
    monkeypatch.setenv("SUPSUP_DEVICE", "meta")
    assert sl.device() == torch.device("meta")
    assert sl.lenet_300_100().device.type == "meta"


def test_an_empty_variable_is_none(monkeypatch):
    has(False, False, monkeypatch)
    monkeypatch.setenv("SUPSUP_DEVICE", "")
    assert sl.device() == torch.device("cpu")


@pytest.mark.parametrize("wanted", ["gpu", "cuda:99", "CPU", "cpu:x", "xla", "vulkan", "privateuseone", " "])
def test_a_variable_that_makes_no_sense_says_so(monkeypatch, wanted):
    monkeypatch.setenv("SUPSUP_DEVICE", wanted)
    with pytest.raises(ValueError, match=rf"SUPSUP_DEVICE is '{wanted}', which this machine cannot use \(.+\)\. Exp"):
        sl.device()


def test_an_argument_goes_before_the_variable(monkeypatch):
    monkeypatch.setenv("SUPSUP_DEVICE", "meta")
    assert resolve(None) == torch.device("meta")
    assert resolve("cpu") == torch.device("cpu")
    assert resolve(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("wanted", ["gpu", "cuda:99", torch.device("cuda:99"), ""])
def test_an_argument_that_makes_no_sense_says_so(wanted):
    with pytest.raises(ValueError, match=rf"device is '{wanted}', which this machine cannot use"):
        resolve(wanted)


@pytest.mark.parametrize("wanted", [0, 1.5, True, ["cpu"]])
def test_an_argument_of_another_type_says_so(wanted):
    with pytest.raises(TypeError, match="device must be a name"):
        resolve(wanted)


# Seeds


def test_a_stream_depends_on_purpose_seed_and_task():
    draws = {
        (purpose, seed, task): generator(purpose, seed, task).integers(0, 2**62)
        for purpose in ("weights", "scores", "weights/1")
        for seed in range(12)
        for task in range(12)
    }
    assert len(set(draws.values())) == len(draws)
    assert all(draws[key] == generator(*key).integers(0, 2**62) for key in draws)


def test_a_stream_stays_the_same_for_ever():
    """Every mask, permutation and network of the course hangs on these numbers."""
    assert generator("test", 1, 2).integers(0, 1000, 5).tolist() == [850, 177, 349, 893, 479]
    assert generator("test", 1, 2).permutation(6).tolist() == [0, 5, 2, 1, 4, 3]
    assert generator("test", 1, 2).random(2, dtype=np.float32).tolist() == [0.8500217795372009, 0.17700767517089844]


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**80), task=st.integers(0, 2**40))
def test_any_whole_number_is_a_seed(seed, task):
    assert generator("any", seed, task).random() == generator("any", seed, task).random()


def test_numpy_and_python_numbers_are_the_same_seed():
    assert generator("any", np.int64(3), np.uint8(4)).random() == generator("any", 3, 4).random()


@pytest.mark.parametrize("nonsense", [None, 1.0, "1", True, [1], torch.tensor(1)])
def test_a_seed_of_another_type_says_so(nonsense):
    with pytest.raises(TypeError, match="seed must be a whole number, got"):
        generator("any", nonsense)
    with pytest.raises(TypeError, match="task must be a whole number, got"):
        generator("any", 0, nonsense)


def test_a_negative_seed_says_so():
    with pytest.raises(ValueError, match="seed must be 0 or more, got -1"):
        generator("any", -1)
    with pytest.raises(ValueError, match="task must be 0 or more, got -7"):
        generator("any", 0, -7)


# Global state


def global_state():
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - it is this state that must stay
    return [torch.get_rng_state().tolist(), (name, keys.tolist(), *rest), random.getstate(), torch.get_default_dtype()]


def test_nobody_s_random_state_is_touched(tmp_path):
    before = global_state()
    grad = torch.is_grad_enabled()
    suites = [sl.permuted_mnist(2), sl.rotated_mnist(2), sl.split_mnist(seed=1), sl.split_fashion_mnist(2, seed=2)]
    recipe = sl.Recipe(steps=2, batch=8, optimizer="adam", lr=1e-3, one_cycle=True)
    for suite in suites:
        suite[0].train.batch(range(4))
        net = MLP("tiny", (784, 8, 10), 0)
        masks = sl.learn_masks(net, suite[:2], keep=0.5, recipe=recipe, progress=False)
        masks = sl.learn_masks(net, suite[:2], transfer=True, recipe=recipe, progress=False)
        sl.apply_mask(net, masks[0], suite[0].test.batch([0])[0])
    sl.random_mask(net, 0.3, seed=1)
    init_scores(net, [0, 1], 0)
    batch_order(suites[0], recipe.steps, recipe.batch, 0)
    masks.save(tmp_path / "masks.safetensors")
    sl.MaskStore.load(tmp_path / "masks.safetensors", net)
    sl.fc_1024(seed=9)
    assert global_state() == before
    assert torch.is_grad_enabled() == grad


def test_the_random_state_does_not_matter():
    """The other way round: whatever the global state, the same numbers come out."""
    drawn = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        net = MLP("tiny", (784, 8, 10), 0)
        drawn.append([net.fingerprint(), sl.permuted_mnist(1).train_view.permutations, init_scores(net, [0], 0)])
    assert drawn[0][0] == drawn[1][0]
    assert torch.equal(drawn[0][1], drawn[1][1])
    assert all(torch.equal(drawn[0][2][name], drawn[1][2][name]) for name in net.weights())


# Every device draws the same


@pytest.mark.skipif(sl.device().type == "cpu", reason="the course's device here is the CPU itself")
def test_the_device_draws_what_the_cpu_draws():
    here, there = MLP("tiny", (784, 8, 10), 3, device="cpu"), MLP("tiny", (784, 8, 10), 3)
    assert here.fingerprint() == there.fingerprint()
    for name, values in init_scores(here, [4], 5).items():
        assert torch.equal(values, init_scores(there, [4], 5)[name].cpu())
        assert torch.equal(sl.random_mask(here, 0.3, 1)[name], sl.random_mask(there, 0.3, 1)[name].cpu())
    suites = sl.permuted_mnist(2, seed=6, device="cpu"), sl.permuted_mnist(2, seed=6)
    assert torch.equal(suites[0].train_view.permutations, suites[1].train_view.permutations.cpu())


def test_a_step_stays_on_its_device_and_never_waits_for_it():
    """On torch's device without values a stray tensor of another device, or a look at a value, is an error.

    On a GPU the one would be an error, too, and the other a pause in every step. (Fused Adam knows no such device.)
    """
    net, tasks = sl.lenet_300_100(outputs=100, device="meta"), sl.permuted_mnist(4, device="meta")
    scores = learn_scores(net, tasks, None, seed=0, recipe=replace(sl.PAPER, steps=2))
    assert {values.device.type for values in scores.values()} == {"meta"}
    masks = sl.MaskStore(net)
    masks.extend({name: masks_of(values, None) for name, values in scores.items()})
    x, _ = tasks[2].test.batch(range(128))
    assert sl.alpha_gradient(net, masks, x).shape == (128, 4)
    assert sl.infer_task(net, masks, x).device.type == "meta"
