"""Masks from scores and the gradient through them, against sorting by hand and autograd of an explicit formula."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import supsup_lite as sl
from supsup_lite.masks.apply import forward_tasks, under_mask
from supsup_lite.masks.edge_popup import init_scores, masked_weight, masks_of
from supsup_lite.networks.mlp import MLP
from tests import oracles

HERE = sl.device()


def tiny(seed=0):
    return MLP("tiny", (6, 5, 4), seed)


def noise(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).to(HERE)


def a_mask(net, seed=0):
    return {name: noise(*weight.shape, seed=seed) > 0 for name, weight in net.weights().items()}


# Threshold and top k

shapes = st.lists(st.integers(1, 9), min_size=1, max_size=3)
keeps = st.one_of(st.sampled_from([0, 1, 0.0, 0.5, 1.0]), st.floats(0, 1))


def drawn_scores(data, shape, few_values):
    n = math.prod(shape)
    values = st.sampled_from([-1.0, -0.5, 0.0, -0.0, 0.5, 1.0]) if few_values else st.floats(-2, 2, width=32)
    return torch.tensor(data.draw(st.lists(values, min_size=n, max_size=n))).view(shape)


@settings(deadline=None, max_examples=150)
@given(data=st.data(), shape=shapes, keep=keeps, few_values=st.booleans())
def test_top_k_equals_sorting_by_hand(data, shape, keep, few_values):
    scores = drawn_scores(data, shape, few_values)
    mask = sl.top_k_mask(scores.to(HERE), keep)
    assert mask.dtype == torch.bool
    assert mask.shape == scores.shape
    assert int(mask.sum()) == round(keep * scores.numel())
    assert mask.flatten().tolist() == oracles.top_k(scores.flatten().tolist(), keep)


@settings(deadline=None, max_examples=80)
@given(data=st.data(), rows=st.integers(1, 8), columns=st.integers(1, 8), keep=keeps)
def test_top_k_does_not_see_the_memory_layout(data, rows, columns, keep):
    scores = drawn_scores(data, [rows, columns], few_values=True).to(HERE)
    wanted = sl.top_k_mask(scores, keep)
    transposed = scores.t().contiguous().t()
    every_other = torch.stack([scores, scores + 7], dim=-1)[..., 0]
    spread = scores[:, None].expand(rows, 3, columns)
    assert torch.equal(sl.top_k_mask(transposed, keep), wanted)
    assert torch.equal(sl.top_k_mask(every_other, keep), wanted)
    assert torch.equal(sl.top_k_mask(spread, keep), sl.top_k_mask(spread.contiguous(), keep))


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5])
def test_of_equal_scores_the_first_win(value):
    mask = sl.top_k_mask(torch.full((4, 5), value, device=HERE), 0.35)
    assert mask.flatten().tolist() == [True] * 7 + [False] * 13


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int32])
def test_top_k_of_any_dtype(dtype):
    scores = torch.tensor([3, -1, 2, -3, 0, 2], device=HERE).to(dtype)
    assert sl.top_k_mask(scores, 0.5).tolist() == [True, False, True, True, False, False]


def test_top_k_at_both_ends_of_a_layer():
    scores = noise(300, 784)
    assert not sl.top_k_mask(scores, 0).any()
    assert sl.top_k_mask(scores, 1).all()
    assert int(sl.top_k_mask(scores, 1 / scores.numel()).sum()) == 1
    assert int(sl.top_k_mask(scores, 0.3).sum()) == round(0.3 * scores.numel())


def test_top_k_of_nothing_and_of_one():
    assert sl.top_k_mask(torch.empty(0, 3), 0.5).shape == (0, 3)
    assert sl.top_k_mask(torch.tensor(-2.0), 1.0).item() is True


def test_top_k_of_infinite_scores():
    assert sl.top_k_mask(torch.tensor([1.0, math.inf, -math.inf, 2.0]), 0.5).tolist() == [False, True, True, False]


@pytest.mark.parametrize("keep", [0.25, 0.5, 0.75, 1.0])
def test_top_k_of_nan_is_refused(keep):
    with pytest.raises(ValueError, match="got NaN among them: did learning diverge"):
        sl.top_k_mask(torch.tensor([1.0, math.nan, -2.0, 3.0], device=HERE), keep)


def test_top_k_leaves_the_scores_alone():
    scores = noise(40).requires_grad_(True)
    before = scores.detach().clone()
    assert not sl.top_k_mask(scores, 0.3).requires_grad
    assert torch.equal(scores, before)


def test_threshold():
    scores = torch.tensor([[0.0, -0.0, 1e-30], [-1e-30, math.inf, math.nan]], device=HERE)
    assert sl.threshold_mask(scores).tolist() == [[True, True, True], [False, True, False]]


@pytest.mark.parametrize("keep", [-0.01, 1.01, math.nan, math.inf, 30])
def test_keep_outside_0_to_1(keep):
    net = tiny()
    for call in (lambda: sl.top_k_mask(noise(4), keep), lambda: sl.random_mask(net, keep, 0)):
        with pytest.raises(ValueError, match=rf"keep must lie in 0\.\.1.*got {keep}.*Sparsity is 1 - keep"):
            call()


@pytest.mark.parametrize("keep", ["0.3", None, True, [0.3], torch.tensor(0.3)])
def test_keep_of_another_type(keep):
    net = tiny()
    for call in (lambda: sl.top_k_mask(noise(4), keep), lambda: sl.random_mask(net, keep, 0)):
        with pytest.raises(TypeError, match=r"keep must be a number in 0\.\.1"):
            call()


@pytest.mark.parametrize("scores", [[1.0, 2.0], np.ones(3), torch.tensor([True, False]), None])
def test_top_k_of_what_is_no_tensor_of_numbers(scores):
    with pytest.raises(TypeError, match="scores must be a tensor of real numbers, got"):
        sl.top_k_mask(scores, 0.5)


@pytest.mark.parametrize("keep", [None, 0.0, 0.3, 1.0])
def test_masks_of_many_tasks_equal_one_by_one(keep):
    scores = noise(5, 7, 3)
    together = masks_of(scores, keep)
    assert together.shape == (5, 7, 3)
    for values, mask in zip(scores, together, strict=True):
        assert mask.flatten().tolist() == oracles.mask_of(values.cpu().numpy(), keep).flatten().tolist()


# Straight through


def test_straight_through_goes_forward_as_the_mask_and_back_as_the_identity():
    scores = noise(3, 4, dtype=torch.float64).requires_grad_(True)
    mask = noise(3, 4, seed=1) > 0
    out = sl.straight_through(scores, mask)
    assert out.dtype == torch.float64
    assert torch.equal(out, mask.double())
    upstream = noise(3, 4, seed=2, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(out, scores, upstream)
    assert torch.equal(gradient, upstream)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 6), columns=st.integers(1, 6))
def test_straight_through_equals_autograd_of_a_formula(seed, rows, columns):
    """mask + (scores - constant copy of scores) has the mask's value and the identity's gradient."""
    scores = noise(rows, columns, seed=seed, dtype=torch.float64).requires_grad_(True)
    mask = sl.threshold_mask(scores.detach())
    weight, h = noise(rows, columns, seed=seed + 1, dtype=torch.float64), noise(columns, 2, dtype=torch.float64)

    def loss(m):
        return ((weight * m) @ h).tanh().square().sum()

    (got,) = torch.autograd.grad(loss(sl.straight_through(scores, mask)), scores)
    (wanted,) = torch.autograd.grad(loss(mask.double() + scores - scores.detach()), scores)
    torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-12)


def test_straight_through_gives_no_gradient_to_the_mask_and_can_be_used_twice():
    scores = noise(4).requires_grad_(True)
    mask = scores.detach() > 0
    (sl.straight_through(scores, mask).sum() + 2 * sl.straight_through(scores, mask).sum()).backward()
    assert torch.equal(scores.grad, torch.full((4,), 3.0, device=HERE))
    assert not mask.requires_grad


@pytest.mark.parametrize(
    ("scores", "mask", "error", "message"),
    [
        (torch.zeros(3), torch.zeros(3), TypeError, "bool mask, got torch.float32 and torch.float32"),
        (torch.zeros(3, dtype=torch.long), torch.zeros(3, dtype=torch.bool), TypeError, "float scores.*torch.int64"),
        (torch.zeros(3), torch.zeros(2, dtype=torch.bool), ValueError, r"one shape, got \(3,\) and \(2,\)"),
        (torch.zeros(3, 3), torch.zeros(3, dtype=torch.bool), ValueError, r"one shape, got \(3, 3\) and \(3,\)"),
    ],
)  # fmt: skip
def test_straight_through_of_what_does_not_fit(scores, mask, error, message):
    with pytest.raises(error, match=message):
        sl.straight_through(scores, mask)


@pytest.mark.parametrize("keep", [None, 0.0, 0.4, 1.0])
def test_masked_weight_equals_a_hand_loop(keep):
    """Value W * M; gradient of the loss with respect to a score: G * W, and times sign(score) for edge-popup."""
    weight, scores = noise(4, 3, dtype=torch.float64), noise(2, 4, 3, seed=1, dtype=torch.float64)
    scores[0, 0, 0] = 0  # has no sign
    scores.requires_grad_(True)
    upstream = noise(2, 4, 3, seed=2, dtype=torch.float64)
    out = masked_weight(weight, scores, keep)
    (gradient,) = torch.autograd.grad(out, scores, upstream)
    for task in range(2):
        values = scores[task].detach().cpu().numpy()
        mask = oracles.mask_of(values, keep)
        for row in range(4):
            for column in range(3):
                assert out[task, row, column] == weight[row, column] * mask[row, column]
                sign = 1 if keep is None else np.sign(values[row, column])
                wanted = float(upstream[task, row, column] * weight[row, column]) * sign
                assert float(gradient[task, row, column]) == pytest.approx(wanted, rel=1e-15, abs=0)


@pytest.mark.parametrize("keep", [None, 0.4])
@pytest.mark.parametrize("transposed", [False, True])
def test_masked_weight_is_the_straight_through_estimator_to_the_bit(keep, transposed):
    """With ties at the border too, and in the memory layout in which learning keeps its scores."""
    weight, scores, upstream = noise(40, 30), noise(2, 40, 30, seed=1), noise(2, 40, 30, seed=2)
    scores[:, :, ::2] = scores[:, :, ::2].round()  # many ties
    if transposed:
        weight, scores = weight.mT.contiguous().mT, scores.mT.contiguous().mT
    scores.requires_grad_(True)
    out = masked_weight(weight, scores, keep)
    values = scores if keep is None else scores.abs()
    wanted = weight * sl.straight_through(values, masks_of(scores.detach().contiguous(), keep))
    assert torch.equal(out, wanted)
    assert out.stride() == scores.stride()
    assert torch.equal(*(torch.autograd.grad(result, scores, upstream)[0] for result in (out, wanted)))


# Scores to start from


def test_initial_scores_are_uniform_within_the_bound():
    net = sl.lenet_300_100()
    for name, values in init_scores(net, [0, 1], seed=0).items():
        bound = 1 / math.sqrt(net.weights()[name].shape[1])
        n = values.numel()
        assert values.dtype == torch.float32
        assert bound * (1 - 20 / n) < values.abs().max() <= bound
        assert abs(values.mean()) < 5 * bound / math.sqrt(3 * n)
        assert values.var() == pytest.approx(bound**2 / 3, rel=5 * math.sqrt(0.8 / n))


def test_initial_scores_depend_on_seed_and_task_alone():
    net, other = tiny(), tiny(seed=9)
    together = init_scores(net, [5, 2, 7], seed=1)
    for name, values in together.items():
        assert values.shape == (3, *net.weights()[name].shape)
        assert torch.equal(values[1:2], init_scores(net, [2], seed=1)[name])
        assert torch.equal(values, init_scores(other, [5, 2, 7], seed=1)[name])
        assert not torch.equal(values[1:2], init_scores(net, [2], seed=2)[name])
        assert not torch.equal(values[0], values[1])


# Random masks


@settings(deadline=None, max_examples=40)
@given(keep=keeps, seed=st.integers(0, 99))
def test_random_mask_keeps_exactly_its_share_of_every_layer(keep, seed):
    net = tiny()
    for name, mask in sl.random_mask(net, keep, seed).items():
        assert mask.dtype == torch.bool
        assert int(mask.sum()) == round(keep * net.weights()[name].numel())


def test_random_masks_are_independent():
    net = sl.lenet_300_100()
    first, *others = (sl.random_mask(net, 0.5, seed, task) for seed, task in ((0, 0), (1, 0), (0, 1)))
    for name, mask in first.items():
        sigma = math.sqrt(mask.numel()) / 2
        for other in others:
            assert abs(int((mask != other[name]).sum()) - mask.numel() / 2) < 5 * sigma
        # Not in favour of the weights that come first, either.
        assert abs(int(mask.flatten()[: mask.numel() // 2].sum()) - mask.numel() / 4) < 5 * sigma
    assert all(torch.equal(mask, sl.random_mask(net, 0.5, 0)[name]) for name, mask in first.items())


# Applying a mask


def test_apply_mask_equals_the_explicit_product():
    net, x = tiny(), noise(7, 6)
    mask = a_mask(net)
    weights = [(net.weights()[name] * mask[name]).cpu().double().numpy() for name in net.weights()]
    wanted = np.stack([oracles.logits(weights, image) for image in x.cpu().double().numpy()])
    np.testing.assert_allclose(sl.apply_mask(net, mask, x).cpu().double().numpy(), wanted, rtol=0, atol=1e-6)
    precise = sl.apply_mask(net, mask, x.double())  # the work is done in the precision of the images
    np.testing.assert_allclose(precise.cpu().numpy(), wanted, rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", [None, torch.float16, torch.float64])
def test_under_a_mask_each_weight_is_kept_or_zero(dtype):
    """Of one mask and of several, whatever the layout; in the weights' own precision where none is named."""
    weights = {"w": torch.linspace(-1, 1, 12).view(3, 4)}
    bits = torch.arange(24).view(4, 3, 2).permute(2, 1, 0) % 3 == 0
    for mask in (bits[0], bits):
        got = under_mask(weights, {"w": mask}, dtype)["w"]
        assert got.dtype == (dtype or torch.float32)
        assert torch.equal(got, torch.where(mask, weights["w"].to(got.dtype), 0))
    assert weights["w"].data_ptr() != under_mask(weights, {"w": torch.ones_like(bits[0])})["w"].data_ptr()


def test_full_and_empty_masks():
    net, x = tiny(), noise(3, 6)
    assert torch.equal(sl.apply_mask(net, sl.random_mask(net, 1, 0), x), net(x))
    assert not sl.apply_mask(net, sl.random_mask(net, 0, 0), x).any()


def test_apply_mask_takes_images_of_any_shape_and_passes_gradients_to_them():
    net = sl.lenet_300_100(outputs=10)
    mask = sl.random_mask(net, 0.5, 0)
    x = noise(2, 28, 28).requires_grad_(True)
    out = sl.apply_mask(net, mask, x)
    assert torch.equal(out, sl.apply_mask(net, mask, x.flatten(1)))
    assert torch.autograd.grad(out.sum(), x)[0].shape == x.shape


def test_many_tasks_at_once_equal_one_by_one():
    net, x = tiny(), noise(3, 5, 6)
    masks = [a_mask(net, seed) for seed in range(3)]
    weights = {name: torch.stack([weight * mask[name] for mask in masks]) for name, weight in net.weights().items()}
    together = forward_tasks(net, weights, x)
    for task, mask in enumerate(masks):
        torch.testing.assert_close(together[task], sl.apply_mask(net, mask, x[task]), rtol=0, atol=1e-6)


def test_the_network_stays_as_it_is_to_the_byte():
    net = sl.lenet_300_100(outputs=10)
    before = {name: (id(weight), weight.data_ptr(), weight.cpu().numpy().tobytes()) for name, weight in state(net)}
    fingerprint = net.fingerprint()
    x = noise(4, 784)
    mask = sl.random_mask(net, 0.3, 0)
    sl.apply_mask(net, mask, x)
    scores = {name: values.requires_grad_(True) for name, values in init_scores(net, [0, 1], 0).items()}
    weights = {name: masked_weight(weight, scores[name], 0.5) for name, weight in net.weights().items()}
    forward_tasks(net, weights, x.expand(2, 4, 784)).sum().backward()
    after = {name: (id(weight), weight.data_ptr(), weight.cpu().numpy().tobytes()) for name, weight in state(net)}
    assert after == before
    assert net.fingerprint() == fingerprint
    assert not any(weight.requires_grad or weight.grad is not None for weight in net.parameters())


def state(net):
    return list(net.named_parameters()) + list(net.named_buffers())


def without(mask, name):
    return {key: bits for key, bits in mask.items() if key != name}


WRONG_MASKS = {
    "a list": (lambda mask: list(mask.values()), TypeError, "a mask is a dict of bool tensors.*got list"),
    "a tensor": (lambda mask: mask["fc1.weight"], TypeError, "a mask is a dict of bool tensors.*got Tensor"),
    "a layer too few": (lambda mask: without(mask, "fc2.weight"), ValueError, "covers.*fc1.*the network has.*fc2"),
    "a layer too many": (lambda mask: mask | {"fc3.weight": mask["fc2.weight"]}, ValueError, "covers.*fc3.*has"),
    "other names": (lambda mask: {name.removesuffix(".weight"): m for name, m in mask.items()}, ValueError, "covers"),
    "floats": (
        lambda mask: mask | {"fc2.weight": mask["fc2.weight"].float()},
        TypeError,
        r"fc2\.weight must be a bool tensor, got torch\.float32\. Try mask > 0",
    ),
    "bytes": (lambda mask: mask | {"fc2.weight": mask["fc2.weight"].byte()}, TypeError, r"got torch\.uint8"),
    "numpy": (lambda mask: mask | {"fc1.weight": mask["fc1.weight"].cpu().numpy()}, TypeError, "got ndarray"),
    "transposed": (
        lambda mask: mask | {"fc2.weight": mask["fc2.weight"].t()},
        ValueError,
        r"another network: fc2\.weight is \(5, 4\), expected \(4, 5\)",
    ),
    "a row": (lambda mask: mask | {"fc2.weight": mask["fc2.weight"][:1]}, ValueError, r"\(1, 5\), expected \(4, 5\)"),
    "elsewhere": (
        lambda mask: mask | {"fc2.weight": mask["fc2.weight"].to("meta")},
        ValueError,
        "fc2.weight is on meta, the network on .*: move one of them",
    ),
}


@pytest.mark.parametrize(("change", "error", "message"), WRONG_MASKS.values(), ids=WRONG_MASKS)
def test_a_mask_that_does_not_fit_is_refused(change, error, message):
    net = tiny()
    wrong = change(a_mask(net))
    with pytest.raises(error, match=message):
        sl.apply_mask(net, wrong, noise(2, 6))
    with pytest.raises(error, match=message):
        sl.MaskStore(net).append(wrong)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (torch.zeros(2, 5), ValueError, r"shape \[B, \.\.\.\] with 6 numbers each for tiny, got \(2, 5\)"),
        (torch.zeros(6), ValueError, r"got \(6,\).*x\[None\]"),
        (torch.zeros(()), ValueError, r"got \(\)"),
        (torch.zeros(2, 6).long(), TypeError, r"images must be a float tensor.*got torch\.int64"),
        (torch.zeros(2, 6).bool(), TypeError, r"images must be a float tensor.*got torch\.bool"),
        (np.zeros((2, 6)), TypeError, "images must be a float tensor.*got ndarray"),
        ([[0.0] * 6], TypeError, "images must be a float tensor.*got list"),
        (torch.zeros(2, 6, device="meta"), ValueError, "images are on meta, the network on .*: move one"),
    ],
    ids=str,
)
def test_images_that_do_not_fit_are_refused(x, error, message):
    net = tiny()
    with pytest.raises(error, match=message):
        sl.apply_mask(net, a_mask(net), x)
