"""The base networks: two values a layer, frozen, and stored by their seed."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

import supsup_lite as sl
from supsup_lite.networks.mlp import MLP
from supsup_lite.networks.network import Network
from tests import oracles

NETWORKS = {
    "lenet_300_100": (lambda **options: sl.lenet_300_100(**options), [(300, 784), (100, 300), (100, 100)]),
    "fc_1024": (lambda **options: sl.fc_1024(**options), [(1024, 784), (1024, 1024), (500, 1024)]),
}
EVERY_NETWORK = pytest.mark.parametrize(("make", "shapes"), NETWORKS.values(), ids=NETWORKS)


def tiny(seed=0, outputs=4, **options):
    return MLP("tiny", (6, 5, 3, outputs), seed, **options)


@EVERY_NETWORK
def test_shapes_and_names(make, shapes):
    net = make()
    assert list(net.weights()) == ["fc1.weight", "fc2.weight", "fc3.weight"]
    assert [tuple(weight.shape) for weight in net.weights().values()] == shapes
    assert net.num_weights == sum(math.prod(shape) for shape in shapes)
    assert (net.inputs, net.outputs) == (784, shapes[-1][0])


@EVERY_NETWORK
@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_two_values_a_layer_about_half_each(make, shapes, seed):
    for weight in make(seed=seed).weights().values():
        c = np.float32(math.sqrt(2 / weight.shape[1]))
        assert weight.dtype == torch.float32
        assert weight.unique().tolist() == [-c, c]
        n = weight.numel()
        # A fair coin leaves five standard deviations once in two million layers; the seeds are fixed.
        assert abs(int((weight > 0).sum()) - n / 2) < 5 * math.sqrt(n) / 2


@EVERY_NETWORK
def test_frozen_and_without_biases(make, shapes):
    net = make()
    assert {name for name, _ in net.named_parameters()} == set(net.weights())
    assert not list(net.buffers())
    assert not any(parameter.requires_grad for parameter in net.parameters())
    assert not net(torch.zeros(2, 784, device=net.device)).requires_grad


def test_a_seed_stores_a_network():
    first, second, other = sl.lenet_300_100(seed=4), sl.lenet_300_100(seed=4), sl.lenet_300_100(seed=5)
    for name, weight in first.weights().items():
        assert torch.equal(weight, second.weights()[name])
        different = (weight != other.weights()[name]).float().mean()
        assert 0.45 < different < 0.55  # independent signs differ in half the places


def test_outputs_only_add_to_the_last_layer():
    few, many = sl.lenet_300_100(outputs=10), sl.lenet_300_100(outputs=100)
    assert torch.equal(few.fc1.weight, many.fc1.weight)
    assert torch.equal(few.fc2.weight, many.fc2.weight)


def test_layers_are_not_copies_of_one_another():
    net = MLP("square", (64, 64, 64, 64), 0)
    signs = [weight.sign() for weight in net.weights().values()]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert 0.45 < (signs[first] != signs[second]).float().mean() < 0.55


def test_rows_are_not_copies_of_one_another():
    assert len(sl.lenet_300_100().fc1.weight.unique(dim=0)) == 300


def test_the_network_of_seed_0_is_the_one_that_saved_masks_belong_to():
    """Masks on somebody's disk fit this network. If numpy or we ever draw other signs, they must be told."""
    fingerprint = "435a980e51e75ac88f8441577cff28d16d0fe8b9d58fc4c744a96d835c125230"
    assert sl.lenet_300_100(outputs=100, seed=0).fingerprint() == fingerprint


def test_fingerprint_tells_networks_apart():
    nets = [tiny(), tiny(seed=1), tiny(outputs=5), MLP("tiny", (6, 5, 4, 4), 0), MLP("tiny", (5, 6, 3, 4), 0)]
    assert len({net.fingerprint() for net in nets}) == len(nets)
    assert tiny().fingerprint() == tiny(device="cpu").fingerprint()


def test_fingerprint_sees_one_flipped_sign():
    net = tiny()
    before = net.fingerprint()
    net.fc2.weight[1, 1] *= -1
    assert net.fingerprint() != before


def test_a_network_is_hashed_once_whoever_asks(monkeypatch):
    net, digests = tiny(), []
    whole = Network._digest
    monkeypatch.setattr(Network, "_digest", lambda self, *others: digests.append(self) or whole(self, *others))
    masks = sl.MaskStore(net)
    masks.append(sl.random_mask(net, 0.5, 0))
    assert len({net.fingerprint() for _ in range(5)}) == 1
    twin = tiny()
    for _ in range(3):
        sl.infer_task(twin, masks, torch.ones(3, 6, device=net.device), "gradient_descent")
    assert digests == [net, twin]


CHANGES = {
    "one number": lambda net: net.fc2.weight[1, 1].mul_(-1),
    "all numbers": lambda net: net.fc3.weight.zero_(),
    "a new tensor": lambda net: setattr(net.fc1, "weight", nn.Parameter(net.fc1.weight + 1, requires_grad=False)),
    "an equal tensor": lambda net: setattr(
        net.fc1, "weight", nn.Parameter(net.fc1.weight.clone(), requires_grad=False)
    ),
    "new memory": lambda net: setattr(net.fc1.weight, "data", net.fc1.weight + 1),
    "a buffer": lambda net: net.register_buffer("shift", torch.zeros(2), persistent=False),
    "through a view": lambda net: net.fc1.weight.view(-1)[3].add_(1),
    "loaded": lambda net: net.load_state_dict(tiny(seed=5).state_dict()),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_in_place_is_noticed(change):
    net = tiny()
    before = net.fingerprint()
    change(net)
    fresh = copy.deepcopy(net).fingerprint()
    assert net.fingerprint() == fresh
    assert (fresh == before) == (change is CHANGES["an equal tensor"])


def test_a_network_made_in_inference_mode_is_as_good_as_any():
    with torch.inference_mode():
        net = tiny()
    assert not any(tensor.is_inference() for tensor in net.parameters())
    bare = tiny()
    with torch.inference_mode():
        bare.fc1.weight = nn.Parameter(bare.fc1.weight * 1, requires_grad=False)  # torch counts no writes to it
        before = bare.fingerprint()
        assert before == net.fingerprint()
        bare.fc1.weight[0] = 0
        assert bare.fingerprint() != before


def test_asking_who_it_is_writes_nothing_into_a_network():
    net = tiny()
    before = dict(vars(net))
    net.fingerprint()
    assert vars(net).keys() == before.keys()


def test_forward_equals_a_plain_loop():
    net = tiny(seed=2)
    x = torch.randn(7, 6, generator=torch.Generator().manual_seed(0))
    weights = [weight.cpu().double().numpy() for weight in net.weights().values()]
    wanted = np.stack([oracles.logits(weights, image.double().numpy()) for image in x])
    got = net(x.to(net.device)).cpu().double().numpy()
    np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-6)


def test_images_may_come_flat_or_square():
    net = sl.lenet_300_100()
    x = torch.randn(3, 28, 28, device=net.device)
    assert torch.equal(net(x), net(x.flatten(1)))


def test_the_hook_sees_every_masked_layer_and_decides():
    net = tiny()
    x = torch.randn(2, 6, generator=torch.Generator().manual_seed(1)).to(net.device)
    seen = []

    def doubled(name, layer, h):
        seen.append((name, tuple(h.shape), layer is getattr(net, name)))
        return 2 * layer(h)

    got = net(x, doubled)
    assert seen == [("fc1", (2, 6), True), ("fc2", (2, 5), True), ("fc3", (2, 3), True)]
    torch.testing.assert_close(got, 8 * net(x))  # ReLU passes factors on
    assert [f"{name}.weight" for name, *_ in seen] == list(net.weights())


def test_scale_stays_the_same_from_layer_to_layer():
    """What Kaiming's constant is for: the signal after a ReLU layer has the second moment of the one before."""
    net = MLP("deep", (512,) * 9 + (2,), 0)
    h = torch.randn(200, 512, generator=torch.Generator().manual_seed(0)).to(net.device)
    for layer in net.layers[:-1]:
        before = h.square().mean()
        h = getattr(net, layer)(h).relu()
        assert 0.8 < h.square().mean() / before < 1.2


def test_numpy_numbers_are_numbers():
    net = sl.lenet_300_100(outputs=np.int64(10), seed=np.int32(3))
    assert (type(net.outputs), type(net.seed)) == (int, int)
    assert net.fingerprint() == sl.lenet_300_100(outputs=10, seed=3).fingerprint()


def test_repr_says_what_it_is():
    assert repr(sl.lenet_300_100(seed=7)) == "<lenet_300_100: 275,200 weights, 100 outputs, seed 7>"


@pytest.mark.parametrize("make", [sl.lenet_300_100, sl.fc_1024])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"outputs": 1}, ValueError, "outputs must be 2 or more.*got 1"),
        ({"outputs": -5}, ValueError, "outputs must be 2 or more.*got -5"),
        ({"outputs": 10.0}, TypeError, "outputs must be a whole number, got 10.0"),
        ({"outputs": "10"}, TypeError, "outputs must be a whole number, got '10'"),
        ({"outputs": True}, TypeError, "outputs must be a whole number, got True"),
        ({"seed": -1}, ValueError, "seed must be 0 or more, got -1"),
        ({"seed": 1.0}, TypeError, "seed must be a whole number, got 1.0"),
        ({"seed": None}, TypeError, "seed must be a whole number, got None"),
        ({"device": "tpu9"}, ValueError, "device is 'tpu9', which this machine cannot use"),
    ],
)
def test_nonsense_is_refused(make, arguments, error, message):
    with pytest.raises(error, match=message):
        make(**arguments)
