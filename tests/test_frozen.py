"""Networks of any widths, and any torch module as a frozen base: kept or drawn anew, masked, and never written to."""

import copy
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import supsup_lite as sl
from supsup_lite import baselines
from supsup_lite.learning import bytes_a_task
from supsup_lite.networks import FrozenBase

SHAPE = {"input_shape": (1, 28, 28), "device": "cpu"}

pytestmark = pytest.mark.usefixtures("one_thread")


class Small(nn.Module):
    """A conv net with what conv nets have: a block used twice, a sum past it, norms, dropout, biases, in-place ReLU."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 5, stride=4, padding=2, padding_mode="circular")
        self.norm = nn.BatchNorm2d(4)
        self.block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.ReLU(inplace=True), nn.Dropout(0.5))
        self.again = self.block
        self.scale = nn.GroupNorm(2, 4)
        self.head = nn.Linear(4 * 49, 12)
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        h = self.norm(self.stem(x)).relu_()
        h = self.scale(h + self.again(self.block(h)))
        return self.head(F.dropout(h, 0.5, self.training).flatten(1))


def small(seed=0):
    """The module, its numbers drawn by a generator, and its norm's statistics not at their start."""
    module, draw = Small(), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor.is_floating_point():
                tensor.normal_(generator=draw).mul_(0.3).add_(0.0 if "weight" in name else 1.0).abs_()
    return module.train()


def state(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def images(count=5, seed=0):
    return torch.randn(count, 784, generator=torch.Generator().manual_seed(seed))


def store_of(net, k=4):
    masks = sl.MaskStore(net, learned=sl.Learned(num_classes=10))
    for task in range(k):
        masks.append(sl.random_mask(net, 0.5, seed=1, task=task))
    return masks


def written_out(module, mask, x):
    """The oracle: a copy of the module into which the masked weights are really written."""
    other = copy.deepcopy(module).eval().double()
    with torch.no_grad():
        for name, bits in mask.items():
            other.get_parameter(name).mul_(bits)
        return other(x.double().view(-1, 1, 28, 28))


# Networks of any widths


def test_any_widths():
    net = sl.mlp((784, 40, 30, 12), seed=3, device="cpu")
    assert (net.name, net.inputs, net.outputs, net.seed) == ("mlp_784_40_30_12", 784, 12, 3)
    assert [tuple(weight.shape) for weight in net.weights().values()] == [(40, 784), (30, 40), (12, 30)]
    assert sl.mlp((784, 300, 100, 100)).fingerprint() == sl.lenet_300_100().fingerprint()
    assert sl.mlp([np.int64(6), 2], device="cpu").name == "mlp_6_2"  # no hidden layer, a list, numpy's numbers


@pytest.mark.parametrize(
    ("widths", "error", "says"),
    [
        (784, TypeError, "widths must be neurons"),
        ("784", TypeError, "widths must be neurons"),
        ((784,), ValueError, "two or more"),
        ((), ValueError, "two or more"),
        ((784, 1), ValueError, "outputs must be 2 or more"),
        ((784, 0, 10), ValueError, "units must be 1 or more"),
        ((0, 10), ValueError, "inputs must be 1 or more"),
        ((784, 10.0), TypeError, "outputs must be a whole number"),
        ((True, 10), TypeError, "inputs must be a whole number"),
    ],
)
def test_widths_that_make_no_sense_are_refused(widths, error, says):
    with pytest.raises(error, match=says):
        sl.mlp(widths)


# Any module


def test_a_kept_module_gives_what_it_gave_and_stays_as_it_was():
    module = small()
    before, training = state(module), module.training
    net = sl.freeze_as_base(module, **SHAPE)
    x = images()
    wanted = copy.deepcopy(module).eval()(x.view(-1, 1, 28, 28))
    torch.testing.assert_close(net(x), wanted, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(net(x.view(-1, 1, 28, 28)), net(x), rtol=0, atol=0)
    assert (net.name, net.inputs, net.outputs, net.seed) == ("Small", 784, 12, None)
    assert list(net.weights()) == ["stem.weight", "block.0.weight", "head.weight"]  # the block once
    assert net.num_weights == sum(weight.numel() for weight in net.weights().values())
    assert not any(parameter.requires_grad for parameter in net.parameters())
    assert module.training is training
    assert module.calls == 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    with torch.no_grad():
        module.head.weight.zero_()  # whatever becomes of the module, the base stays
    torch.testing.assert_close(net(x), wanted, rtol=1e-6, atol=1e-6)


def test_the_copy_is_never_written_to_in_training_mode_either():
    net = sl.freeze_as_base(small(), **SHAPE)
    before, wanted = state(net), net(images())
    net.train()
    assert torch.equal(net(images()), wanted)  # no dropout, and statistics kept
    assert net.module.calls == 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_masks_equal_weights_really_written(dtype):
    module = small()
    net = sl.freeze_as_base(module, **SHAPE)
    for mask in store_of(net):
        got = sl.apply_mask(net, mask, images().to(dtype))
        assert got.dtype == dtype
        torch.testing.assert_close(got.double(), written_out(module, mask, images()), rtol=1e-5, atol=1e-5)


def test_drawn_anew_it_is_stored_by_its_seed():
    first, second, other = (sl.freeze_as_base(small(i), seed, **SHAPE) for i, seed in ((0, 7), (1, 7), (0, 8)))
    assert first.fingerprint() == second.fingerprint() != other.fingerprint()
    for name, weight in first.weights().items():
        drawn = sl.signed_kaiming_constant(tuple(weight.shape), name.removesuffix(".weight"), 7)
        assert torch.equal(weight, drawn)
        assert weight.unique().tolist() == pytest.approx([-1 * (c := math.sqrt(2 / weight[0].numel())), c])
    module = first.module
    assert not any(bias.any() for bias in (module.stem.bias, module.head.bias, module.norm.bias, module.scale.bias))
    assert all((one == 1).all() for one in (module.norm.weight, module.scale.weight, module.norm.running_var))
    assert not module.norm.running_mean.any()


def test_the_fingerprint_sees_all_that_is_frozen():
    base = sl.freeze_as_base(small(), **SHAPE).fingerprint()
    assert sl.freeze_as_base(small(), **SHAPE).fingerprint() == base
    for name, tensor in small().state_dict().items():
        if not tensor.is_floating_point():
            continue
        changed = small()
        with torch.no_grad():
            changed.state_dict()[name].view(-1)[0] += 1
        assert sl.freeze_as_base(changed, **SHAPE).fingerprint() != base, name
    turned = small()
    turned.stem.padding_mode = "zeros"
    assert sl.freeze_as_base(turned, **SHAPE).fingerprint() != base


def test_the_first_layer_may_say_the_shape():
    net = sl.freeze_as_base(nn.Linear(784, 10), seed=0, device="cpu")
    assert (net.inputs, net.outputs, list(net.weights())) == (784, 10, ["0.weight"])
    again = sl.freeze_as_base(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4)), device="cpu")
    assert again.input_shape == (6,)
    assert isinstance(again, FrozenBase)


def test_masks_are_learned_inferred_saved_and_read(tmp_path):
    module = nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=4), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8 * 36, 25)
    )
    net = sl.freeze_as_base(module, seed=0, **SHAPE)
    tasks, before = sl.permuted_mnist(3, device="cpu"), net.fingerprint()
    masks = sl.learn_masks(net, tasks, recipe=sl.Recipe(60, 64, "adam", 5e-3, True), progress=False)
    result = sl.evaluate(net, masks, tasks, "GNu", images=256, infer_from="whole_batch", method="binary")
    assert result.task_accuracy == 1
    assert result.accuracy > 0.5
    untrained = sl.evaluate(net, store_of(net, 3), tasks, "GG", images=256)
    assert untrained.accuracy < 0.3
    masks.save(tmp_path / "masks.safetensors")
    same = sl.freeze_as_base(module, seed=0, **SHAPE)
    assert len(sl.MaskStore.load(tmp_path / "masks.safetensors", same)) == 3
    with pytest.raises(ValueError, match="another network"):
        sl.MaskStore.load(tmp_path / "masks.safetensors", sl.freeze_as_base(module, seed=1, **SHAPE))
    assert net.fingerprint() == before


def test_two_threads_on_one_base():
    net, x = sl.freeze_as_base(small(), **SHAPE), images()
    masks = store_of(net, 2)
    wanted = [sl.apply_mask(net, mask, x) for mask in masks]

    def right(i):
        return all(torch.equal(sl.apply_mask(net, masks[i], x), wanted[i]) for _ in range(100))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(right, range(2))) == [True, True]


def test_memory_is_counted_by_places_not_by_channels():
    recipe = sl.Recipe(steps=1, batch=32, optimizer="adam", lr=1e-2)
    few, many = (
        sl.freeze_as_base(
            nn.Sequential(nn.Conv2d(1, 6, 3, stride=stride), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 10)),
            **SHAPE,
        )
        for stride in (2, 1)
    )
    assert bytes_a_task(many, recipe) - bytes_a_task(few, recipe) == 4 * 32 * 6 * 6 * (26**2 - 13**2)


def test_fisher_is_refused_where_it_is_not_written_for():
    net, tasks = sl.freeze_as_base(small(), seed=0, **SHAPE), sl.permuted_mnist(1, device="cpu")
    with pytest.raises(TypeError, match=r"linear layers.*stem is Conv2d"):
        baselines.train_ewc(net, tasks, 1.0, recipe=sl.Recipe(1, 8, "adam", 1e-2))


# What no mask could cover faithfully


class Reads(nn.Module):
    """Its forward is what the test says."""

    def __init__(self, forward, **parts):
        super().__init__()
        self.fc = nn.Linear(6, 4)
        for name, part in parts.items():
            setattr(self, name, part)
        self._forward = forward

    def forward(self, x):
        return self._forward(self, x)


def shared_weight():
    module = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    module[1].weight = module[0].weight
    return module


def hooked():
    module = nn.Linear(6, 4)
    module.register_forward_hook(lambda *arguments: None)
    return module


def counted(self, x):
    self.seen.add_(1)
    return self.fc(x)


def among_images(norm):
    """Attention that takes the images for the words of one sentence; batch norm of a task may look at all images."""
    part = nn.MultiheadAttention(4, 2)
    scale = nn.BatchNorm1d(4, track_running_stats=False) if norm else nn.Identity()
    return Reads(lambda m, x: m.part(*[m.scale(m.fc(x))] * 3)[0], part=part, scale=scale)


def uncounted(past):
    """A module that has a layer in a plain list: `past` says whether it is the masked one, or one that torch misses."""
    module = Reads(lambda m, x: m.fc(x) + m.steps[0](x))
    module.steps = [module.fc if past else nn.Linear(6, 4)]
    return module


REFUSED = {
    "no module": (lambda: "resnet18", TypeError, "must be a torch.nn.Module, got str"),
    "a network": (lambda: sl.mlp((6, 4), device="cpu"), TypeError, "base network already"),
    "TorchScript": (lambda: torch.jit.trace(nn.Linear(6, 4), torch.zeros(1, 6)), TypeError, "TorchScript"),
    "nothing to mask": (lambda: nn.Sequential(nn.ReLU()), ValueError, "cannot be read off|no linear"),
    "no shape": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3)), ValueError, r"input_shape=\(1, 28, 28\)"),
    "one weight twice": (shared_weight, ValueError, "0.weight and 1.weight are one weight"),
    "hooks": (hooked, ValueError, "forward hooks"),
    "parametrized": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(6, 4)), ValueError, "parametrization"),
    "on meta": (lambda: nn.Linear(6, 4, device="meta"), ValueError, "device meta, where tensors have no values"),
    "lazy": (lambda: nn.Sequential(nn.Linear(6, 5), nn.LazyLinear(4)), ValueError, "no weights yet"),
    "read apart": (lambda: Reads(lambda m, x: x @ m.fc.weight.T), ValueError, "weight of fc is read apart"),
    "called past its place": (lambda: uncounted(past=True), ValueError, "fc.weight is used apart from the call"),
    "no part": (lambda: uncounted(past=False), ValueError, r"parameter \(4, 6\) belongs to a layer that is no part"),
    "images together": (
        lambda: Reads(lambda m, x: m.fc(x - x.mean(0))),
        ValueError,
        "other logits beside other images",
    ),
    "attention over images": (lambda: among_images(norm=False), ValueError, "other logits beside other images"),
    "images together, with batch norm": (lambda: among_images(norm=True), ValueError, "other logits beside other"),
    "never called": (lambda: Reads(lambda m, x: m.fc(x), aux=nn.Linear(6, 4)), ValueError, "never calls aux"),
    "random": (lambda: Reads(lambda m, x: F.dropout(m.fc(x))), ValueError, "random"),
    "counts": (lambda: Reads(counted, seen=nn.Buffer(torch.zeros(1))), ValueError, "writes to its buffers"),
    "writes images": (lambda: Reads(lambda m, x: m.fc(x.relu_())), ValueError, "writes to its buffers or its input"),
    "images aside": (lambda: Reads(lambda m, x: m.fc(x[None])[0]), ValueError, "first dimension must be the image"),
    "no logits": (lambda: Reads(lambda m, x: m.fc(x).sum()), ValueError, "must return logits"),
    "one output": (lambda: nn.Linear(6, 1), ValueError, "two outputs or more"),
    "wrong shape": (lambda: nn.Sequential(nn.Linear(6, 5), nn.Linear(4, 3)), ValueError, "could not be run"),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Lazy modules")
@pytest.mark.parametrize(("make", "error", "says"), REFUSED.values(), ids=REFUSED)
def test_what_no_mask_could_cover_is_refused_in_words(make, error, says):
    with pytest.raises(error, match=says):
        sl.freeze_as_base(make(), device="cpu")


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"seed": -1}, ValueError, "seed must be 0 or more"),
        ({"seed": 1.5}, TypeError, "seed must be a whole number"),
        ({"input_shape": 784}, TypeError, "input_shape must be the sizes"),
        ({"input_shape": ()}, TypeError, "input_shape must be the sizes"),
        ({"input_shape": (1, 28, 0)}, ValueError, "1 or more, got 0"),
        ({"input_shape": (3, 28, 28)}, ValueError, "could not be run"),
        ({"device": "tpu9"}, ValueError, "cannot use"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, error, says):
    with pytest.raises(error, match=says):
        sl.freeze_as_base(small(), **(SHAPE | arguments))


PARTS = {"embedding": nn.Embedding(3, 4), "prelu": nn.PReLU(), "attention": nn.MultiheadAttention(4, 2)}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_seed_draws_only_what_it_has_a_rule_for(part):
    def forward(m, x):
        h = m.fc(x)
        if isinstance(m.part, nn.Embedding):
            return h + m.part.weight[0]
        if isinstance(m.part, nn.MultiheadAttention):
            return m.part(h[None], h[None], h[None])[0][0]  # each image is a sentence of one word
        return m.part(h)

    module = Reads(forward, part=part)
    with pytest.raises(ValueError, match="Give seed=None to keep all"):
        sl.freeze_as_base(module, seed=0, device="cpu")
    kept = sl.freeze_as_base(module, device="cpu")  # as it is, and no mask covers it
    assert list(kept.weights()) == ["fc.weight"]


def test_a_module_that_draws_is_tried_out_beside_the_global_state():
    class Draws(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(8, 4)

        def forward(self, x):
            return self.head(nn.functional.dropout(x, 0.5, training=True))

    module, before = Draws(), torch.get_rng_state()
    with pytest.raises(ValueError, match="so it is random"):
        sl.freeze_as_base(module, device="cpu")
    assert torch.equal(torch.get_rng_state(), before)
