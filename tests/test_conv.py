"""Conv networks as bases: batch norm with statistics of each task, learned, stored, superposed, never shared."""

import copy
import math
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import supsup_lite as sl
from supsup_lite.experiments import shards
from supsup_lite.learning import task_statistics
from supsup_lite.learning.learn import learn_scores, losses, task_batches
from supsup_lite.masks import chosen_weights, layer_budgets, masks_of
from supsup_lite.masks.superposition import mean_gradient
from supsup_lite.networks import by_batch, by_statistics, run

CPU = {"device": "cpu"}
FEW = sl.Recipe(steps=4, batch=16, optimizer="adam", lr=1e-2)

pytestmark = pytest.mark.usefixtures("one_thread")


def small(outputs=12, seed=0):
    return sl.conv_net(outputs, seed, **CPU, input_shape=(2, 8, 6), widths=(5, 7))


def colours(count=2, shape=(2, 8, 6), images=64):
    """A few tasks of flat images of several channels, each with two classes that one channel tells apart."""
    draw = torch.Generator().manual_seed(0)
    x = [torch.randn(images, *shape, generator=draw) for _ in range(count)]
    y = [torch.arange(images) % 2 for _ in range(count)]
    for i in range(count):
        x[i][:, i % shape[0]] += 2 * y[i][:, None, None] + i
    flat = [each.flatten(1) for each in x]
    return sl.tasks_of(flat, y, flat, y, "each", **CPU)


@pytest.fixture(scope="module")
def net():
    return small()


@pytest.fixture(scope="module")
def tasks():
    return colours(3)


@pytest.fixture(scope="module")
def masks(net, tasks):
    return sl.learn_masks(net, tasks, recipe=FEW, progress=False)


def images(count=6, numbers=96, dtype=torch.float64):
    return torch.randn(count, numbers, generator=torch.Generator().manual_seed(1), dtype=dtype)


def plain_conv_net(weights, x, statistics=None):
    """The oracle, `small` written out: two convolutions with batch norm and ReLU, then a matrix."""
    h = x.view(-1, 2, 8, 6)
    for i in range(2):
        h = F.conv2d(h, weights[f"blocks.{i}.0.weight"].to(x.dtype), stride=2, padding=1)
        if statistics is None:
            mean, variance = h.mean((0, 2, 3)), h.var((0, 2, 3), correction=0)
        else:
            mean, variance = statistics[f"blocks.{i}.1"].to(x.dtype).unbind(-2)
        mean, variance = (v[..., None, None] for v in (mean, variance))
        h = ((h - mean) / (variance + 1e-5).sqrt()).clamp_min(0)
    return h.flatten(1) @ weights["head.weight"].to(x.dtype).T


# Networks


def test_the_networks_are_what_they_are_called():
    gem, conv = sl.gem_resnet18(**CPU), sl.conv_net(**CPU)
    assert (gem.num_weights, gem.outputs, gem.inputs, len(gem.norms())) == (1_090_940, 5, 3072, 20)
    assert (conv.num_weights, conv.outputs, conv.inputs) == (33_424, 10, 784)
    assert sum(gem.norms().values()) == 20 * 5 + 40 * 5 + 80 * 5 + 160 * 5
    for net in (gem, conv):
        assert not list(net.buffers())  # no shared statistics, no counter of batches
        assert {f"{name}.weight" for name, _ in net.module.named_modules()} >= set(net.weights())
        assert len(list(net.parameters())) == len(net.weights())  # no biases, and norms without affine parameters
        for weight in net.weights().values():
            fan_in = weight[0].numel()
            assert weight.unique().tolist() == pytest.approx([-math.sqrt(2 / fan_in), math.sqrt(2 / fan_in)])
    assert sl.conv_net(seed=3, **CPU).fingerprint() == sl.conv_net(seed=3, **CPU).fingerprint() != conv.fingerprint()
    assert sl.conv_net(input_shape=(3, 32, 32), widths=[8], **CPU)(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_gem_resnet18_written_out():
    net, x = sl.gem_resnet18(7, 2, **CPU, size=8, width=3), images(4, 192)
    weights = {name: weight.double() for name, weight in net.weights().items()}

    def conv(h, name, stride=1):
        weight = weights[f"{name}.weight"]
        h = F.conv2d(h, weight, stride=stride, padding=weight.shape[-1] // 2)
        return F.batch_norm(h, None, None, training=True)

    h = conv(x.view(4, 3, 8, 8), "conv").relu()
    for stage in range(4):
        for block in range(2):
            name, stride = f"stages.{stage}.{block}", 2 if stage and not block else 1
            past = conv(h, f"{name}.past.0", stride) if f"{name}.past.0.weight" in weights else h
            h = (conv(conv(h, f"{name}.conv1", stride).relu(), f"{name}.conv2") + past).relu()
    torch.testing.assert_close(net(x), h.mean((2, 3)) @ weights["head.weight"].T)


def test_resnet50_is_torchvisions_without_a_trace_in_the_global_random_state():
    before = torch.get_rng_state()
    net = sl.resnet50(10, 1, **CPU, size=32)
    assert torch.equal(torch.get_rng_state(), before)
    assert (net.num_weights, len(net.weights()), len(net.norms())) == (23_475_392, 54, 53)
    assert len(list(net.parameters())) == 54
    assert not list(net.buffers())
    mask = sl.random_mask(net, "er:0.0172", 0)
    assert sum(int(bits.sum()) for bits in mask.values()) == pytest.approx(0.0172 * net.num_weights, rel=1e-3)
    assert sl.apply_mask(net, mask, images(2, 3072, torch.float32)).shape == (2, 10)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: sl.conv_net(1), ValueError, "outputs must be 2 or more"),
        (lambda: sl.conv_net(input_shape=(28, 28)), ValueError, "channels, height and width"),
        (lambda: sl.conv_net(input_shape=784), TypeError, "input_shape must be whole numbers"),
        (lambda: sl.conv_net(widths=()), TypeError, "widths must be whole numbers"),
        (lambda: sl.conv_net(widths=(16, 0)), ValueError, "a number of widths must be 1 or more"),
        (lambda: sl.conv_net(seed=-1), ValueError, "seed must be 0 or more"),
        (lambda: sl.gem_resnet18(size=4), ValueError, "size must be 8 or more"),
        (lambda: sl.gem_resnet18(width=2.5), TypeError, "width must be a whole number"),
        (lambda: sl.gem_resnet18(width=10**6), ValueError, "MB free"),
        (lambda: sl.resnet50(size=16), ValueError, "size must be 32 or more"),
        (lambda: sl.resnet50(device="tpu9"), ValueError, "cannot use"),
    ],
)
def test_networks_that_make_no_sense_are_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()


# Statistics of each task


def test_logits_are_those_of_the_tasks_own_statistics(net, masks):
    x = images()
    for mask in masks:
        weights = {name: weight * mask[name] for name, weight in net.weights().items()}
        assert mask.statistics.keys() == net.norms().keys()
        torch.testing.assert_close(sl.apply_mask(net, mask, x), plain_conv_net(weights, x, mask.statistics))
        torch.testing.assert_close(sl.apply_mask(net, mask, x[:1]), sl.apply_mask(net, mask, x)[:1])
        bare = sl.apply_mask(net, dict(mask), x)  # a dict of the bits brings none: the batch's own
        torch.testing.assert_close(bare, plain_conv_net(weights, x))
        assert not torch.allclose(bare, sl.apply_mask(net, mask, x))


def test_statistics_are_those_of_training_images_under_the_final_mask(net, tasks, masks):
    """By one pass over all images of the batches together: the first norm sees them as they are."""
    for i, mask in enumerate(masks):
        x = torch.cat([x[0] for x, _ in task_batches(tasks[i : i + 1], FEW, 0)]).double()
        weight = net.weights()["blocks.0.0.weight"].double() * mask["blocks.0.0.weight"]
        h = F.conv2d(x.view(-1, 2, 8, 6), weight, stride=2, padding=1)
        want = torch.stack([h.mean((0, 2, 3)), h.var((0, 2, 3), correction=0)])
        torch.testing.assert_close(mask.statistics["blocks.0.1"].double(), want, rtol=1e-4, atol=1e-5)


def test_statistics_of_trained_weights_are_those_of_the_masks_they_equal(net, tasks, masks):
    own = task_statistics(net, chosen_weights(net, masks), task_batches(tasks, FEW, 0))
    assert all(torch.equal(own[name], rows) for name, rows in masks.statistics.items())
    assert task_statistics(sl.mlp((96, 4), **CPU), {}, iter(())) is None


def test_after_twenty_tasks_every_earlier_tasks_logits_are_bit_for_bit_what_they_were(tmp_path):
    net, tasks, x = small(), colours(20), images(dtype=torch.float32)
    before, masks, known = net.fingerprint(), None, []
    for count in range(4, 21, 4):
        masks = sl.learn_masks(net, tasks[:count], recipe=FEW, masks=masks, progress=False)
        known += [sl.apply_mask(net, masks[i], x) for i in range(count - 4, count)]
    masks.save(tmp_path / "masks")
    for store in (masks, masks[:], sl.MaskStore.load(tmp_path / "masks", small())):
        assert all(torch.equal(sl.apply_mask(net, store[i], x), known[i]) for i in range(20))
    assert net.fingerprint() == before
    assert len({tuple(store.statistics["blocks.0.1"][i].flatten().tolist()) for i in range(20)}) == 20


def test_statistics_go_where_their_mask_goes(net, masks):
    def own(store):
        return [[store[i].statistics[name] for name in net.norms()] for i in range(len(store))]

    def alike(one, other):
        return all(torch.equal(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))

    all_three = own(masks)
    assert alike(own(masks[1:]), all_three[1:])
    assert alike(own(masks[::-1]), all_three[::-1])
    assert alike(own(masks.take(torch.tensor([2, 0]))), [all_three[2], all_three[0]])
    assert alike(own(pickle.loads(pickle.dumps(masks[1:]))), all_three[1:])
    assert alike(own(copy.deepcopy(masks)), all_three)
    more = sl.MaskStore(net)
    more.append(masks[2])
    more.extend(masks.chunk(0, 2))
    assert alike(own(more), [all_three[2], *all_three[:2]])
    more.replace(0, masks[1])
    assert alike(own(more), [all_three[1], *all_three[:2]])
    assert masks.nbytes == 3 * (sum(-(-w.numel() // 8) for w in net.weights().values()) + 8 * (5 + 7))
    assert masks.entropy_bytes <= masks.nbytes < masks.file_bytes


def test_a_mask_whose_statistics_are_not_known(net, masks, tmp_path):
    mixed = masks[:2].take(torch.tensor([0, 1]))
    mixed.append(sl.random_mask(net, 0.5, 0))
    assert mixed[2].statistics is None
    assert mixed[0].statistics is not None
    assert mixed.statistics is None
    mixed.save(tmp_path / "mixed")
    loaded = sl.MaskStore.load(tmp_path / "mixed", net)
    assert [mask.statistics is None for mask in loaded] == [False, False, True]
    loaded.replace(2, masks[2])
    assert loaded.statistics.keys() == net.norms().keys()
    loaded.replace(1, dict(masks[2]))
    assert loaded[1].statistics is None
    with pytest.raises(ValueError, match="norm takes batch norm over the images"):
        sl.apply_mask(
            sl.freeze_as_base(Pooled(), 0, input_shape=(1, 4, 4), **CPU),
            sl.random_mask(sl.freeze_as_base(Pooled(), 0, input_shape=(1, 4, 4), **CPU), 0.5, 0),
            torch.ones(1, 16),
        )


class Pooled(nn.Module):
    """Batch norm over one place of an image, with affine parameters: a single image has no variance there."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 3, 4, bias=False), nn.Linear(3, 4, bias=False)
        self.norm = nn.BatchNorm2d(3, track_running_stats=False)

    def forward(self, x):
        return self.head(self.norm(self.conv(x)).flatten(1))


def test_affine_parameters_are_frozen_with_the_module():
    module = Pooled()
    with torch.no_grad():
        module.norm.weight.copy_(torch.tensor([1.0, 2, 3]))
        module.norm.bias.copy_(torch.tensor([4.0, 5, 6]))
    net = sl.freeze_as_base(module, input_shape=(1, 4, 4), **CPU)
    h, each = images(4, 3).view(4, 3, 1, 1), images(4, 6).view(4, 2, 3)
    each[:, 1] = each[:, 1].abs()
    want = [
        F.batch_norm(h[i : i + 1], *each[i], module.norm.weight.double(), module.norm.bias.double()) for i in range(4)
    ]
    got = by_statistics({"norm": each})("norm", net.module.norm, h)
    torch.testing.assert_close(got, torch.cat(want))
    for i in range(4):
        torch.testing.assert_close(by_statistics({"norm": each[i]})("norm", net.module.norm, h[i : i + 1]), want[i])
    torch.testing.assert_close(by_batch("norm", net.module.norm, h), module.double().norm(h))


SOUND = {"blocks.0.1": torch.ones(2, 5), "blocks.1.1": torch.ones(2, 7)}


@pytest.mark.parametrize(
    ("statistics", "error", "says"),
    [
        ([1, 2], TypeError, "statistics are a dict"),
        ({}, ValueError, "of another network"),
        (SOUND | {"norm": torch.ones(2, 5)}, ValueError, "of another network"),
        (SOUND | {"blocks.0.1": torch.ones(2, 6)}, ValueError, r"must be \[2, 5\]"),
        (SOUND | {"blocks.0.1": torch.ones(2, 5).double()}, TypeError, "must be a float32 tensor"),
        (SOUND | {"blocks.0.1": None}, TypeError, "must be a float32 tensor, got NoneType"),
        (SOUND | {"blocks.0.1": -torch.ones(2, 5)}, ValueError, "no variance below 0"),
        (SOUND | {"blocks.0.1": torch.full((2, 5), math.nan)}, ValueError, "finite"),
        (SOUND | {"blocks.0.1": torch.ones(2, 5, device="meta")}, ValueError, "are on meta"),
    ],
)
def test_statistics_that_make_no_sense_are_refused(net, masks, statistics, error, says):
    wrong = sl.TaskMask(masks[0], statistics)
    store = masks[:2].take(torch.tensor([0, 1]))
    for call in (
        lambda: sl.apply_mask(net, wrong, images()),
        lambda: store.append(wrong),
        lambda: store.replace(0, wrong),
    ):
        with pytest.raises(error, match=says):
            call()
    assert len(store) == 2
    with pytest.raises(ValueError, match="another network"):
        sl.apply_mask(
            sl.mlp((96, 12), **CPU), sl.TaskMask(sl.random_mask(sl.mlp((96, 12), **CPU), 0.5, 0), SOUND), images()
        )


# Learning


def losses_by_hand(net, scores, keep, x, y):
    """Straight-through by a plain loop over tasks: the gradient of each score is that of the masked weight times W."""
    found, gradients = [], []
    for i in range(len(x)):
        masked = {}
        for name, weight in net.weights().items():
            bits = masks_of(scores[name][i : i + 1], layer_budgets(net, keep)[name])[0]
            masked[name] = (weight.double() * bits).requires_grad_(True)
        loss = F.cross_entropy(plain_conv_net(masked, x[i]), y[i])
        slopes = torch.autograd.grad(loss, list(masked.values()))
        signs = [1 if keep is None else scores[name][i].sign() for name in masked]
        gradients.append(
            [s * w.double() * sign for s, w, sign in zip(slopes, net.weights().values(), signs, strict=True)]
        )
        found.append(loss.detach())
    return torch.stack(found), gradients


@pytest.mark.parametrize("keep", [None, 0.4, "er:0.3"])
def test_tasks_side_by_side_are_a_plain_loop(net, keep):
    from supsup_lite.learning import task_losses
    from supsup_lite.masks import init_scores

    scores = {name: values.double().requires_grad_(True) for name, values in init_scores(net, [0, 1, 2], 0).items()}
    x, y = images(3 * 8).view(3, 8, 96), torch.arange(24).view(3, 8) % 12
    loss = task_losses(net, {name: w.double() for name, w in net.weights().items()}, scores, keep, x, y)
    want, gradients = losses_by_hand(net, scores, keep, x, y)
    torch.testing.assert_close(loss.detach(), want)
    got = torch.autograd.grad(loss.sum(), list(scores.values()))
    for i, each in enumerate(gradients):
        for values, wanted in zip(got, each, strict=True):
            torch.testing.assert_close(values[i], wanted)


def test_a_mask_does_not_depend_on_its_company(net, tasks, masks):
    alone = sl.learn_masks(net, tasks, recipe=FEW, at_once=1, progress=False)
    for one, other in zip(masks, alone, strict=True):
        flipped = sum(int((one[name] != other[name]).sum()) for name in one)
        assert flipped <= 2, "none here; a processor may round the end of a tensor otherwise"
        if not flipped:
            assert all(torch.equal(values, other.statistics[name]) for name, values in one.statistics.items())


def test_learning_learns_and_transfer_runs(net, tasks):
    recipe = sl.Recipe(40, 16, "adam", 1e-2, True)
    for how in ({}, {"transfer": True}, {"keep": "er:0.2"}):
        masks = sl.learn_masks(net, tasks, recipe=recipe, progress=False, **how)
        assert sl.evaluate(net, masks, tasks, "GG").accuracy > 0.9
        assert masks.learned.transfer is bool(how.get("transfer"))
    first, second = (learn_scores(net, tasks[i : i + 1], None, 0, recipe) for i in range(2))
    start = {name: values[0] for name, values in first.items()}
    moved = learn_scores(net, tasks[1:2], None, 0, recipe, start)
    store = sl.learn_masks(net, tasks[:2], recipe=recipe, transfer=True, progress=False)
    assert all(torch.equal(store[1][name], moved[name][0] >= 0) for name in moved)
    assert any(not torch.equal(second[name], moved[name]) for name in moved)


def test_gem_resnet18_learns_two_tasks():
    net, tasks = sl.gem_resnet18(2, **CPU, size=16), colours(2, (3, 16, 16), images=32)
    recipe = sl.Recipe(6, 16, "adam", 1e-2)
    masks = sl.learn_masks(net, tasks, "er:0.3", recipe=recipe, progress=False)
    assert sl.evaluate(net, masks, tasks, "GG").accuracy > 0.8
    assert masks.density.tolist() == pytest.approx([0.3, 0.3], abs=1e-4)


def test_learning_without_two_images_is_refused(tasks):
    net = sl.freeze_as_base(Pooled(), 0, input_shape=(1, 4, 4), **CPU)
    alone = colours(1, (1, 4, 4))
    with pytest.raises(ValueError, match="two or more"):
        sl.learn_masks(net, alone, recipe=sl.Recipe(2, 1, "adam", 1e-2), progress=False)


# Superposition


def superposed_by_hand(net, masks, alphas, x, own):
    """One image after another: f(x, W * sum alpha M), with statistics sum alpha S."""
    rows = []
    for image, row in zip(x, alphas, strict=True):
        weights = {
            name: weight.double() * sum(a * m[name] for a, m in zip(row, masks, strict=True))
            for name, weight in net.weights().items()
        }
        statistics = own and {
            name: sum(a * m.statistics[name].double() for a, m in zip(row, masks, strict=True)) for name in net.norms()
        }
        rows.append(plain_conv_net(weights, image[None], statistics))
    return torch.cat(rows)


def entropy(logits):
    p = logits.softmax(1)
    return -(p * p.log()).sum(1)


def test_superposition_and_its_gradient_are_what_autograd_says(net, masks):
    x, alphas = images(4), torch.linspace(0.1, 0.5, 12, dtype=torch.float64).view(4, 3).requires_grad_(True)
    want = superposed_by_hand(net, masks, alphas, x, own=True)
    got = sl.superpose(net, masks, alphas, x)
    torch.testing.assert_close(got, want)
    (gradient,) = torch.autograd.grad(entropy(want).sum(), alphas)
    torch.testing.assert_close(sl.alpha_gradient(net, masks, x, alphas=alphas.detach()), gradient)
    row = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64, requires_grad=True)
    each = entropy(superposed_by_hand(net, masks, row.expand(4, 3), x, own=True))
    (shared,) = torch.autograd.grad(each.mean(), row)
    torch.testing.assert_close(mean_gradient(net, masks, row.detach(), x, entropy), shared)
    torch.testing.assert_close(sl.alpha_gradient(net, masks, x, alphas=row.detach()).mean(0), shared)


def test_part_of_the_gradient_goes_through_the_statistics(net, masks):
    """What would be missing if the sums of statistics were taken as constants."""
    x, row = images(4), torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64, requires_grad=True)
    fixed = {
        n: sum(a * m.statistics[n].double() for a, m in zip(row.detach(), masks, strict=True)) for n in net.norms()
    }
    weights = {n: w.double() * sum(a * m[n] for a, m in zip(row, masks, strict=True)) for n, w in net.weights().items()}
    (without,) = torch.autograd.grad(entropy(plain_conv_net(weights, x, fixed)).mean(), row)
    whole = mean_gradient(net, masks, row.detach(), x, entropy)
    assert (whole - without).abs().max() > 0.1 * whole.abs().max()


def test_without_statistics_the_batchs_own_are_taken(net, masks):
    bare = sl.MaskStore(net, learned=sl.Learned(num_classes=2))
    for mask in masks:
        bare.append(dict(mask))
    x, row = images(4), torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    weights = {n: w.double() * sum(a * m[n] for a, m in zip(row, masks, strict=True)) for n, w in net.weights().items()}
    torch.testing.assert_close(sl.superpose(net, bare, row, x), plain_conv_net(weights, x))
    assert torch.equal(sl.infer_task(net, bare, x, "racing"), sl.infer_task(net, bare, x))


def test_an_alpha_below_0_leaves_numbers(net, masks):
    alphas = torch.tensor([-3.0, 1, 1])
    assert sl.superpose(net, masks, alphas, images(4)).isfinite().all()


@pytest.mark.parametrize("method", ["one_shot", "racing", "binary", "exhaustive", "gradient_descent"])
@pytest.mark.parametrize("together", [False, True])
def test_every_method_infers(net, masks, method, together):
    x = images(9, dtype=torch.float32)
    found = sl.infer_task(net, masks, x, method, together=together, steps=2)
    assert found.shape == (9,)
    if method == "racing":
        assert torch.equal(found, sl.infer_task(net, masks, x, together=together))
    if method != "exhaustive" and not together:  # each image by itself, whatever else is in its batch
        assert torch.equal(found[:1], sl.infer_task(net, masks, x[:1], method, steps=2))


def test_every_scenario_is_measured(net, tasks, masks):
    for scenario in ("GG", "GNs", "GNu"):
        for infer_from in ("one_image", "each_image", "whole_batch"):
            result = sl.evaluate(net, masks, tasks, scenario, infer_from=infer_from)
            assert 0 <= result.accuracy <= 1
    alphas = sl.learn_coefficients(net, masks[:2], tasks[2:], recipe=sl.Recipe(30, 16, "adam", 0.1, True))
    x, y = tasks[2].test.all()
    loss = [F.cross_entropy(sl.superpose(net, masks[:2], row, x), y) for row in (torch.tensor([0.5, 0.5]), alphas[0])]
    assert loss[1] < 0.95 * loss[0]


# Files


def test_a_file_with_statistics_that_make_no_sense_is_refused(net, masks, tmp_path):
    for wrong in (-1.0, math.nan, math.inf):
        spoilt = masks[:].take(torch.tensor([0, 1, 2]))
        spoilt.statistics["blocks.1.1"][1, 1, 3] = wrong
        spoilt.save(tmp_path / "spoilt")
        with pytest.raises(ValueError, match=r"spoilt does not hold what batch norm could use"):
            sl.MaskStore.load(tmp_path / "spoilt", net)
        assert len(sl.MaskStore.load(tmp_path / "spoilt", net, only=[0, 2])) == 2


def test_run_with_statistics_of_a_task(net, masks):
    weights = {name: weight.double() * masks[1][name] for name, weight in net.weights().items()}
    x = images()
    torch.testing.assert_close(run(net, weights, x, masks[1].statistics), sl.apply_mask(net, masks[1], x))
    each = losses(
        net, {name: rows[None] for name, rows in weights.items()}, x[None], torch.zeros(1, 6, dtype=torch.long)
    )
    torch.testing.assert_close(each[0], F.cross_entropy(plain_conv_net(weights, x), torch.zeros(6, dtype=torch.long)))


def test_statistics_come_through_blocks_of_a_run(net, tasks, masks, tmp_path, monkeypatch):
    """Masks that are learned in blocks, saved, and put together, as the experiments do it, twice."""
    monkeypatch.setattr(shards.runs, "checkpoint", lambda name, identity: tmp_path / "blocks")
    for _ in range(2):
        store, _ = shards.learn_resumably("conv", net, tasks, None, 0, FEW)
        assert all(torch.equal(store.statistics[name], rows) for name, rows in masks.statistics.items())
