"""Task inference: exact against float64 autograd through the explicit superposition, and right at the edges."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import supsup_lite as sl
from supsup_lite import devices
from supsup_lite.inference import methods as inference
from supsup_lite.inference.methods import METHODS, entropies, halvings, infer_task
from supsup_lite.inference.objectives import objective_of
from supsup_lite.masks import superposition
from supsup_lite.masks.superposition import mean_gradient
from supsup_lite.networks.mlp import MLP
from supsup_lite.networks.network import Network, signed_kaiming_constant


class ConvNet(Network):
    """A small conv net, so that nothing depends on a layer being a matrix."""

    def __init__(self, seed: int = 0):
        super().__init__()
        self.name, self.inputs, self.outputs, self.seed = "tiny conv net", 2 * 8 * 8, 7, seed
        self.conv1 = nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=False, device="meta")
        self.conv2 = nn.Conv2d(4, 6, 3, bias=False, device="meta")
        self.fc = nn.Linear(24, 7, bias=False, device="meta")
        for name, shape in (("conv1", (4, 2, 3, 3)), ("conv2", (6, 4, 3, 3)), ("fc", (7, 24))):
            weight = signed_kaiming_constant(shape, name, seed)
            getattr(self, name).weight = nn.Parameter(weight, requires_grad=False)

    def forward(self, x: Tensor, apply=lambda name, layer, h: layer(h)) -> Tensor:
        h = torch.relu(apply("conv1", self.conv1, x.view(-1, 2, 8, 8)))
        h = torch.relu(apply("conv2", self.conv2, h))
        return apply("fc", self.fc, h.flatten(1))


class Biased(Network):
    """Linear and convolutional layers with biases, one of them in groups and with padding of another kind."""

    def __init__(self):
        super().__init__()
        self.name, self.inputs, self.outputs, self.seed = "biased net", 2 * 6 * 6, 7, 0
        self.conv1 = nn.Conv2d(2, 4, 3, stride=2, padding=1, padding_mode="reflect")
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1, groups=2)
        self.fc = nn.Linear(36, 7)
        draw = torch.Generator().manual_seed(0)
        for parameter in self.parameters():
            parameter.requires_grad_(False).normal_(generator=draw).mul_(0.5)

    def forward(self, x: Tensor, apply=lambda name, layer, h: layer(h)) -> Tensor:
        h = torch.relu(apply("conv1", self.conv1, x.view(-1, 2, 6, 6)))
        h = torch.relu(apply("conv2", self.conv2, h))
        return apply("fc", self.fc, h.flatten(1))


def tiny_mlp(seed: int = 0) -> MLP:
    return MLP("tiny mlp", (12, 9, 8, 7), seed, "cpu")


def store_of(net: Network, k: int) -> sl.MaskStore:
    masks = sl.MaskStore(net, learned=sl.Learned(num_classes=4))
    for task in range(k):
        masks.append(sl.random_mask(net, 0.4 + 0.02 * task, seed=1, task=task))
    return masks


def images(net: Network, count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, net.inputs, generator=torch.Generator().manual_seed(seed))


def explicit_logits(net: Network, masks: sl.MaskStore, alphas: Tensor, x: Tensor) -> Tensor:
    """The oracle: the superposed weights written out in float64, one image, plain autograd."""
    weights = {
        name: weight.double() * sum(a * mask[name] for a, mask in zip(alphas, masks, strict=True))
        for name, weight in net.weights().items()
    }
    others = {name: value.double() for name, value in net.named_parameters() if name not in weights}  # biases
    return torch.func.functional_call(net, weights | others, (x.double(),))


def explicit_gradient(net: Network, masks: sl.MaskStore, alphas: Tensor, x: Tensor, objective: str) -> Tensor:
    rows = []
    for b in range(len(x)):
        row = (alphas if alphas.ndim == 1 else alphas[b]).double().clone().requires_grad_(True)
        value = objective_of(explicit_logits(net, masks, row, x[b : b + 1]), objective, 4).sum()
        rows.append(torch.autograd.grad(value, row)[0])
    return torch.stack(rows)


EVERY_KIND = [tiny_mlp(), ConvNet(), Biased(), MLP("one layer", (10, 7), 0, "cpu")]


@pytest.mark.parametrize("net", EVERY_KIND, ids=lambda net: net.name)
@pytest.mark.parametrize("objective", ["entropy", "superfluous"])
@pytest.mark.parametrize("alphas", ["uniform", "shared", "each image"])
def test_the_gradient_equals_float64_autograd_for_each_image(net, objective, alphas):
    masks, x = store_of(net, 6), images(net, 5)
    draw = torch.Generator().manual_seed(3)
    start = {
        "uniform": None,
        "shared": torch.rand(6, generator=draw, dtype=torch.float64),  # their sum is not 1
        "each image": torch.rand(5, 6, generator=draw, dtype=torch.float64),
    }[alphas]
    got = sl.alpha_gradient(net, masks, x.double(), objective, start)
    explicit = torch.full((6,), 1 / 6, dtype=torch.float64) if start is None else start
    want = explicit_gradient(net, masks, explicit, x, objective)
    assert got.shape == (5, 6)
    assert (got - want).norm() / want.norm() < 1e-6


def test_float32_stays_near_float64_on_the_real_network():
    net = sl.lenet_300_100(outputs=100, device="cpu")
    masks, x = store_of(net, 7), sl.permuted_mnist(1, device="cpu")[0].test.batch(range(4))[0]
    got = sl.alpha_gradient(net, masks, x)
    want = explicit_gradient(net, masks, torch.full((7,), 1 / 7), x, "entropy")
    assert (got - want).norm() / want.norm() < 1e-5


@given(k=st.integers(1, 11), b=st.integers(1, 5), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_superpose_equals_the_written_out_weights(k, b, seed):
    net = tiny_mlp()
    masks, x = store_of(net, k), images(net, b, seed)
    alphas = torch.rand(b, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    got = sl.superpose(net, masks, alphas, x.double())
    want = torch.cat([explicit_logits(net, masks, alphas[i], x[i : i + 1]) for i in range(b)])
    torch.testing.assert_close(got, want)
    torch.testing.assert_close(sl.superpose(net, masks, alphas[0], x.double())[:1], want[:1])


def test_one_hot_alphas_are_the_mask_itself():
    net = tiny_mlp()
    masks, x = store_of(net, 5), images(net, 3)
    for i, row in enumerate(torch.eye(5)):
        torch.testing.assert_close(sl.superpose(net, masks, row, x), sl.apply_mask(net, masks[i], x))


def test_superpose_is_differentiable_in_shared_alphas():
    net = tiny_mlp()
    masks, x = store_of(net, 3), images(net, 4).double()
    alphas = torch.full((3,), 1 / 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a: sl.superpose(net, masks, a, x), (alphas,))


@pytest.mark.parametrize("alphas", [None, torch.linspace(0.05, 0.2, 9)])
def test_chunks_do_not_change_the_gradient(monkeypatch, alphas):
    net = tiny_mlp()
    masks, x = store_of(net, 9), images(net, 3)
    want = sl.alpha_gradient(net, masks, x, alphas=alphas)
    monkeypatch.setattr(superposition, "working_room", lambda where: 1)
    torch.testing.assert_close(sl.alpha_gradient(net, masks, x, alphas=alphas), want)


def test_on_a_gpu_the_room_follows_the_free_memory(monkeypatch):
    gpu = torch.device("cuda")
    for free, room in ((2**40, 2**27), (30 * 2**24, 2**24), (0, 2**18)):
        monkeypatch.setattr(devices, "free_memory", lambda where, free=free: free)
        assert devices.working_room(gpu) == room
    assert devices.working_room(torch.device("cpu")) == 2**18


def test_one_image_equals_the_same_image_in_a_batch():
    net = tiny_mlp()
    masks, x = store_of(net, 5), images(net, 6)
    together = sl.alpha_gradient(net, masks, x)
    alone = torch.cat([sl.alpha_gradient(net, masks, row[None]) for row in x])
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize("method", METHODS)
def test_with_one_mask_there_is_no_choice(method):
    net = tiny_mlp()
    assert infer_task(net, store_of(net, 1), images(net, 3), method).tolist() == [0, 0, 0]


@pytest.mark.parametrize("method", METHODS)
def test_images_that_are_all_alike_get_the_same_task(method):
    net = tiny_mlp()
    x = images(net, 1).expand(5, -1)
    assert len(infer_task(net, store_of(net, 6), x, method).unique()) == 1


@pytest.mark.parametrize("method", METHODS)
def test_of_equal_masks_the_first_wins(method):
    net = tiny_mlp()
    masks = sl.MaskStore(net)
    for _ in range(5):
        masks.append(sl.random_mask(net, 0.5, seed=0))
    assert infer_task(net, masks, images(net, 3), method).tolist() == [0, 0, 0]


def slow_binary(net, masks, x, objective) -> int:
    """The oracle: halving written out for images of one task, with float64 autograd."""
    left = list(range(len(masks)))
    while len(left) > 1:
        alphas = torch.zeros(len(masks), dtype=torch.float64)
        alphas[left] = 1 / len(left)
        gradient = explicit_gradient(net, masks, alphas, x, objective).mean(0)
        best = sorted(left, key=lambda i: float(gradient[i]))[: math.ceil(len(left) / 2)]
        left = sorted(best)  # of a tie, the first mask wins
    return left[0]


@pytest.mark.parametrize("k", [2, 3, 4, 5, 7, 8, 13])
@pytest.mark.parametrize("objective", ["entropy", "superfluous"])
def test_binary_equals_the_slow_halving(k, objective):
    net = tiny_mlp()
    masks, x = store_of(net, k), images(net, 6)
    want = [slow_binary(net, masks, row[None], objective) for row in x]
    assert infer_task(net, masks, x.double(), "binary", objective).tolist() == want


@pytest.mark.parametrize("k", [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize("objective", ["entropy", "superfluous"])
def test_binary_together_equals_the_slow_halving_and_asks_only_who_is_left(k, objective, monkeypatch):
    asked = []

    def counted(net, masks, *others):
        asked.append(len(masks))
        return mean_gradient(net, masks, *others)

    monkeypatch.setattr(inference, "mean_gradient", counted)
    net = tiny_mlp()
    masks, x = store_of(net, k), images(net, 6).double()
    assert (
        infer_task(net, masks, x, "binary", objective, together=True).tolist()
        == [slow_binary(net, masks, x, objective)] * 6
    )
    assert asked == {1: [], 2: [2], 3: [3, 2], 5: [5, 3, 2], 8: [8, 4, 2], 13: [13, 7, 4, 2]}[k]


@pytest.mark.parametrize("k", [1, 2, 3, 5, 8, 13])
def test_halvings_take_log2_k_steps_and_keep_the_better_half(k):
    net = tiny_mlp()
    steps = list(halvings(net, store_of(net, k), images(net, 4)))
    assert len(steps) == math.ceil(math.log2(k)) + 1
    assert steps[0][0].all()
    for (before, gradient), (after, _) in itertools.pairwise(steps):
        assert (after.sum(1) == (before.sum(1) + 1) // 2).all()
        assert not (after & ~before).any()
        for row in range(4):
            assert gradient[row][after[row]].max() <= gradient[row][before[row] & ~after[row]].min()
    assert (steps[-1][0].sum(1) == 1).all()


def test_one_shot_and_exhaustive_equal_their_definitions():
    net = tiny_mlp()
    masks, x = store_of(net, 6), images(net, 8).double()
    gradient = explicit_gradient(net, masks, torch.full((6,), 1 / 6), x, "entropy")
    assert infer_task(net, masks, x).tolist() == gradient.argmin(1).tolist()
    probabilities = [sl.apply_mask(net, mask, x).softmax(1) for mask in masks]
    entropy = torch.stack([torch.distributions.Categorical(p).entropy() for p in probabilities], dim=1)
    torch.testing.assert_close(entropies(net, masks, x), entropy)
    assert infer_task(net, masks, x, "exhaustive").tolist() == entropy.argmin(1).tolist()


@pytest.mark.parametrize("method", METHODS)
def test_together_decides_once_for_all_images(method):
    net = tiny_mlp()
    masks, x = store_of(net, 6), images(net, 8)
    chosen = infer_task(net, masks, x, method, together=True)
    assert chosen.shape == (8,)
    assert len(chosen.unique()) == 1
    if method == "one_shot":
        assert int(chosen[0]) == int(sl.alpha_gradient(net, masks, x).mean(0).argmin())


@pytest.mark.parametrize("net", [tiny_mlp(), ConvNet(), Biased()], ids=lambda net: net.name)
@pytest.mark.parametrize("objective", ["entropy", "superfluous"])
def test_the_mean_gradient_is_the_mean_of_the_gradients(net, objective):
    masks, x = store_of(net, 5), images(net, 9).double()
    alphas = torch.tensor([0.1, 0.4, 0.0, 0.3, 0.2], dtype=torch.float64)
    want = sl.alpha_gradient(net, masks, x, objective, alphas).mean(0)
    got = mean_gradient(net, masks, alphas, x, lambda logits: objective_of(logits, objective, 4))
    assert (got - want).norm() / want.norm() < 1e-9


def test_the_gradient_of_g_stops_at_the_real_outputs():
    logits = torch.randn(5, 7, generator=torch.Generator().manual_seed(0), requires_grad=True)
    value = objective_of(logits, "superfluous", 4)
    torch.testing.assert_close(value, logits.logsumexp(1))
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    assert (gradient[:, :4] == 0).all()
    torch.testing.assert_close(gradient[:, 4:], logits.softmax(1)[:, 4:])


def test_entropy_is_stable_where_a_probability_is_zero():
    logits = torch.tensor([[0.0, -1e4, -1e4], [3.0, 3.0, 3.0]], requires_grad=True)
    value = objective_of(logits, "entropy")
    torch.testing.assert_close(value, torch.tensor([0.0, math.log(3)]))
    assert torch.autograd.grad(value.sum(), logits)[0].isfinite().all()


@pytest.fixture(scope="module")
def learned():
    net, tasks = sl.lenet_300_100(outputs=100, device="cpu"), sl.permuted_mnist(5, seed=0, device="cpu")
    return net, sl.learn_masks(net, tasks, recipe=sl.Recipe(60, 64, "adam", 1e-3, True), progress=False), tasks


@pytest.mark.parametrize("method", METHODS)
def test_learned_tasks_are_found_and_the_network_stays_as_it_was(learned, method):
    net, masks, tasks = learned
    before = net.fingerprint()
    x = torch.cat([task.test.batch(range(20))[0] for task in tasks])
    truth = torch.arange(5).repeat_interleave(20)
    assert (infer_task(net, masks, x, method) == truth).float().mean() > 0.9
    untrained = sl.MaskStore(net)
    for task in range(5):
        untrained.append(sl.random_mask(net, 0.5, seed=0, task=task))
    assert (infer_task(net, untrained, x, method) == truth).float().mean() < 0.5
    assert net.fingerprint() == before


NONSENSE = {
    "no masks": (lambda net, m, x: infer_task(net, sl.MaskStore(net), x), ValueError, "empty"),
    "no images": (lambda net, m, x: infer_task(net, m, x[:0]), ValueError, "no image"),
    "wrong images": (lambda net, m, x: infer_task(net, m, x[:, 1:]), ValueError, "shape"),
    "whole numbers": (lambda net, m, x: infer_task(net, m, x.long()), TypeError, "float"),
    "a list of masks": (lambda net, m, x: infer_task(net, list(m), x), TypeError, "MaskStore"),
    "another network": (lambda net, m, x: infer_task(tiny_mlp(seed=5), m, x), ValueError, "belong"),
    "unknown method": (lambda net, m, x: infer_task(net, m, x, "guess"), ValueError, "one_shot"),
    "unknown objective": (lambda net, m, x: infer_task(net, m, x, "binary", "F"), ValueError, "entropy"),
    "exhaustive G": (lambda net, m, x: infer_task(net, m, x, "exhaustive", "superfluous"), ValueError, "entropy"),
    "no superfluous": (
        lambda net, m, x: sl.alpha_gradient(net, m, x, "superfluous", num_classes=7),
        ValueError,
        "more",
    ),
    "wrong alphas": (lambda net, m, x: sl.superpose(net, m, torch.ones(9), x), ValueError, "alphas"),
    "whole alphas": (lambda net, m, x: sl.superpose(net, m, torch.ones(3).long(), x), TypeError, "alphas"),
    "alphas elsewhere": (lambda net, m, x: sl.superpose(net, m, torch.ones(3, device="meta"), x), ValueError, "meta"),
    "wrong start": (lambda net, m, x: sl.alpha_gradient(net, m, x, alphas=torch.ones(9)), ValueError, "alphas"),
    "NaN alphas": (lambda net, m, x: sl.superpose(net, m, torch.full((3,), torch.nan), x), ValueError, "finite"),
    "infinite start": (
        lambda net, m, x: sl.alpha_gradient(net, m, x, alphas=torch.full((3,), torch.inf)),
        ValueError,
        "finite",
    ),
    "NaN images": (
        lambda net, m, x: infer_task(net, m, x.index_fill(0, torch.tensor(1), torch.nan)),
        ValueError,
        "1 of 2",
    ),
    "infinite images": (lambda net, m, x: sl.apply_mask(net, m[0], x / 0), ValueError, "finite"),
    "a module": (lambda net, m, x: infer_task(nn.Linear(12, 7), m, x), TypeError, "freeze_as_base"),
    "a module to mask": (lambda net, m, x: sl.apply_mask(nn.Linear(12, 7), m[0], x), TypeError, "freeze_as_base"),
    "a module for a store": (lambda net, m, x: sl.MaskStore(nn.Linear(12, 7)), TypeError, "freeze_as_base"),
    "a module to draw for": (lambda net, m, x: sl.random_mask(nn.Linear(12, 7), 0.5, 0), TypeError, "freeze_as_base"),
    "half a step": (lambda net, m, x: infer_task(net, m, x, "gradient_descent", steps=1.5), TypeError, "steps"),
    "no steps": (lambda net, m, x: infer_task(net, m, x, "gradient_descent", steps=0), ValueError, "steps"),
}


@pytest.mark.parametrize(("call", "error", "says"), NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_refused_in_words(call, error, says):
    net = tiny_mlp()
    with pytest.raises(error, match=says):
        call(net, store_of(net, 3), images(net, 2))


def test_g_needs_to_know_the_real_outputs():
    net = tiny_mlp()
    masks = sl.MaskStore(net)
    masks.append(sl.random_mask(net, 0.5, seed=0))
    with pytest.raises(ValueError, match="num_classes"):
        sl.alpha_gradient(net, masks, images(net, 2), "superfluous")


@pytest.mark.parametrize("net", EVERY_KIND, ids=lambda net: net.name)
def test_a_bias_is_used_as_it_is_by_every_way_through_the_network(net):
    masks, x = store_of(net, 3), images(net, 4).double()
    for i, one_hot in enumerate(torch.eye(3, dtype=torch.float64)):
        want = explicit_logits(net, masks, one_hot, x)
        torch.testing.assert_close(sl.apply_mask(net, masks[i], x), want)
        torch.testing.assert_close(sl.superpose(net, masks, one_hot, x), want)
        torch.testing.assert_close(sl.superpose(net, masks, one_hot.expand(4, 3), x), want)
    nothing = torch.zeros(3, dtype=torch.float64)
    torch.testing.assert_close(sl.superpose(net, masks, nothing, x), explicit_logits(net, masks, nothing, x))


PRECISIONS = {
    torch.float16: 0.02,
    torch.bfloat16: 0.15,
    torch.float32: 1e-5,
    torch.float64: 1e-6,
}  # weights are float32


@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
@pytest.mark.parametrize("net", [tiny_mlp(), Biased()], ids=lambda net: net.name)
def test_the_work_is_done_in_the_precision_of_the_images(net, dtype):
    masks, x = store_of(net, 3), images(net, 4).to(dtype)
    alphas = torch.tensor([0.5, 0.25, 0.125], dtype=torch.float64)
    shared, rows = sl.superpose(net, masks, alphas, x), sl.superpose(net, masks, alphas.float().expand(4, 3), x)
    want = torch.cat([explicit_logits(net, masks, alphas, row[None]) for row in x])
    slopes = sl.alpha_gradient(net, masks, x, alphas=alphas)
    for got, wanted in (
        (sl.apply_mask(net, masks[0], x), explicit_logits(net, masks, torch.eye(3)[0], x)),
        (shared, want),
        (rows, want),
        (slopes, explicit_gradient(net, masks, alphas, x, "entropy")),
    ):
        assert got.dtype == dtype
        assert (got.double() - wanted).norm() / wanted.norm() < PRECISIONS[dtype]
    for method in METHODS:
        for together in (False, True):
            assert infer_task(net, masks, x, method, together=together).shape == (4,)


def test_very_large_numbers_are_finite():
    """Their sum is not, in float32: what is looked at first must not be what decides."""
    net = tiny_mlp()
    assert sl.apply_mask(net, store_of(net, 1)[0], torch.full((2, 12), 3e38)).shape == (2, 7)
