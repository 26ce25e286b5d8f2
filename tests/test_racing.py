"""Racing: each vote against float64 autograd, the same choice as One-Shot, and less to read for it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import supsup_lite as sl
from supsup_lite.inference import racing, votes
from supsup_lite.inference.methods import infer_task
from supsup_lite.inference.objectives import objective_of
from supsup_lite.inference.racing import Race, pays
from supsup_lite.inference.votes import votes_of
from supsup_lite.masks import counts as counting
from supsup_lite.masks.bits import pack_bits, unpack_bits, unpack_floats
from supsup_lite.masks.counts import counts
from tests.test_inference import Biased, ConvNet, explicit_gradient, images, store_of, tiny_mlp


def in_place():
    module = nn.Sequential(
        nn.Conv2d(1, 5, 3, bias=False), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(180, 7), nn.LayerNorm(7)
    )
    return sl.freeze_as_base(module, seed=0, input_shape=(1, 8, 8), device="cpu")


class Twice(nn.Module):
    """One layer that is called twice, on inputs of three dimensions."""

    def __init__(self):
        super().__init__()
        self.again, self.last = nn.Linear(6, 6), nn.Linear(24, 7)

    def forward(self, x):
        h = self.again(x.view(-1, 4, 6)).relu()
        return self.last(self.again(h).relu().flatten(1))


def twice():
    torch.manual_seed(0)
    return sl.freeze_as_base(Twice(), input_shape=(24,), device="cpu")


NETS = [tiny_mlp(), sl.mlp((70, 66, 7), device="cpu"), ConvNet(), Biased(), in_place(), twice()]
NETS += [sl.bn_mlp(outputs=7, units=9, device="cpu")]  # whose images meet in batch norm
EACH = pytest.mark.parametrize("net", NETS, ids=lambda net: net.name)
OBJECTIVES = pytest.mark.parametrize("objective", ["entropy", "superfluous"])


def value_of(objective):
    return lambda logits: objective_of(logits, objective, 4)


def summed(masks, layers):
    """The oracle of a race: every vote times its bit, written out, [B, k]."""
    total = 0
    for layer in layers:
        n = layer.units * layer.bits
        bits = unpack_bits(masks.packed(layer.name), n).double()
        rows = [layer.of_image(i, torch.arange(layer.units)).reshape(n) for i in range(len(layer.spread))]
        total = total + torch.stack(rows).double() @ bits.T
    return total


def unit_length(rows):
    return rows / rows.norm(dim=1, keepdim=True)


@EACH
@OBJECTIVES
@pytest.mark.parametrize("least", [1, 64])
def test_votes_add_up_to_the_gradient(net, objective, least, monkeypatch):
    monkeypatch.setattr(votes, "LEAST", least)  # how small a unit is read by itself
    masks, x = store_of(net, 6), images(net, 5).double()
    gradient = sl.alpha_gradient(net, masks, x, objective)
    if net.name in NAMED:
        want = explicit_gradient(net, masks, torch.full((6,), 1 / 6, dtype=torch.float64), x, objective)
        torch.testing.assert_close(unit_length(gradient), unit_length(want), rtol=1e-6, atol=1e-8)
    each = summed(masks, votes_of(net, masks, x, value_of(objective), together=False))
    torch.testing.assert_close(unit_length(each), unit_length(-gradient), rtol=1e-5, atol=1e-7)
    together = summed(masks, votes_of(net, masks, x, value_of(objective), together=True))
    torch.testing.assert_close(unit_length(together), unit_length(-gradient.mean(0, True)), rtol=1e-5, atol=1e-7)


NAMED = ("tiny mlp", "tiny conv net", "biased net")  # those of which `explicit_gradient` knows all weights


@EACH
def test_votes_are_the_same_by_unit_and_by_image_and_their_spread_is_a_variance(net):
    masks, x = store_of(net, 6), images(net, 4).double()
    for layer in votes_of(net, masks, x, value_of("entropy"), together=False):
        share = unpack_bits(masks.packed(layer.name), layer.units * layer.bits).double().mean(0)
        variance = (share * (1 - share)).view(layer.units, layer.bits)
        for unit in range(layer.units):
            rows = layer.of_unit(torch.arange(4), unit)
            others = torch.cat([layer.of_image(i, torch.tensor([unit])) for i in range(4)])
            torch.testing.assert_close(rows, others)
            want = (rows**2 * variance[unit]).sum(1)
            torch.testing.assert_close(layer.spread[:, unit].double(), want, rtol=1e-5, atol=1e-12)


@EACH
@OBJECTIVES
@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("rounds", [False, True])
def test_where_nobody_is_dropped_it_is_one_shot(net, objective, together, rounds, monkeypatch):
    if rounds:
        monkeypatch.setattr(racing, "LEAST", 2)
        monkeypatch.setattr(racing, "LEAD", 1e9)
    masks, x = store_of(net, 9), images(net, 5).double()
    want = infer_task(net, masks, x, "one_shot", objective, together=together)
    assert infer_task(net, masks, x, "racing", objective, together=together).tolist() == want.tolist()


@given(
    widths=st.tuples(st.integers(3, 90), st.integers(2, 70), st.integers(3, 9)),
    k=st.integers(2, 90),
    b=st.integers(1, 9),
    seed=st.integers(0, 99),
    side_by_side=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_masks_may_be_read_side_by_side_or_one_by_one(widths, k, b, seed, side_by_side):
    net = sl.mlp(widths, seed=seed, device="cpu")
    masks, x = sl.MaskStore(net), images(net, b, seed).double()
    draw = torch.Generator().manual_seed(seed)
    masks.extend({name: torch.rand(k, *shape, generator=draw) < 0.5 for name, shape in masks.shapes.items()})
    layers = votes_of(net, masks, x, value_of("entropy"), together=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(racing, "LEAD", 1e9)
        patch.setattr(racing, "ROOM", 100)
        patch.setattr(Race, "_shared", lambda self, units: torch.full((b,), side_by_side))
        race = Race(masks, layers)
        chosen = race.run()
    want = summed(masks, layers)
    torch.testing.assert_close(race.scores - race.scores[:, :1], want - want[:, :1], rtol=1e-6, atol=1e-6)
    assert chosen.tolist() == race.scores.argmax(1).tolist()
    assert (race.read <= k * net.num_weights).all()  # what cannot vary is not read


@pytest.fixture(scope="module")
def learned():
    """Masks of 5 tasks, and 85 others each of whose units has the bits of one of those."""
    net, tasks = sl.lenet_300_100(outputs=100, device="cpu"), sl.permuted_mnist(5, seed=0, device="cpu")
    masks = sl.learn_masks(net, tasks, recipe=sl.Recipe(60, 64, "adam", 1e-3, True), progress=False)
    draw = torch.Generator().manual_seed(0)
    drawn = {n: b[torch.randint(5, (85, b.shape[1]), generator=draw), torch.arange(b.shape[1])]
             for n, b in masks.chunk(0, 5).items()}  # fmt: skip
    masks.extend(drawn)
    return net, masks, torch.cat([task.test.batch(range(40))[0] for task in tasks])


@OBJECTIVES
def test_learned_tasks_are_found_by_a_part_of_the_bits(learned, objective):
    net, masks, x = learned
    want = infer_task(net, masks, x, "one_shot", objective)
    assert (infer_task(net, masks, x, "racing", objective) == want).float().mean() >= 0.99
    race = Race(masks, votes_of(net, masks, x, lambda p: objective_of(p, objective, 10), together=False))
    assert (race.run() == want).float().mean() >= 0.99
    assert race.read.mean() < 0.25 * len(masks) * net.num_weights
    one_by_one = torch.cat([infer_task(net, masks, image[None], "racing", objective) for image in x[::10]])
    assert (one_by_one == want[::10]).float().mean() >= 0.95
    for own in x.split(40):
        assert torch.equal(
            infer_task(net, masks, own, "racing", objective, together=True),
            infer_task(net, masks, own, objective=objective, together=True),
        )


def test_where_no_mask_speaks_up_the_race_goes_on():
    """Nothing tells untrained masks apart, so more is read, and the choice still is One-Shot's."""
    net = sl.mlp((784, 40, 30, 20), device="cpu")
    masks = sl.MaskStore(net)
    draw = torch.Generator().manual_seed(0)
    masks.extend({name: torch.rand(100, *shape, generator=draw) < 0.5 for name, shape in masks.shapes.items()})
    x = sl.permuted_mnist(1, device="cpu")[0].test.batch(range(200))[0]
    race = Race(masks, votes_of(net, masks, x, value_of("entropy"), together=False))
    assert (race.run() == infer_task(net, masks, x)).float().mean() >= 0.97
    assert race.read.mean() > 0.25 * 100 * net.num_weights  # where masks have learned, see above, it is less


def test_of_equal_masks_the_first_wins_in_a_race_too():
    net = sl.mlp((784, 40, 20), device="cpu")
    masks = sl.MaskStore(net)
    for _ in range(racing.LEAST + 1):
        masks.append(sl.random_mask(net, 0.5, seed=0))
    assert infer_task(net, masks, images(net, 3), "racing").tolist() == [0, 0, 0]


def test_an_image_that_says_nothing_gets_the_first_mask():
    net = sl.mlp((784, 40, 20), device="cpu")
    masks = store_of(net, 30)
    x = torch.zeros(2, 784)
    assert infer_task(net, masks, x, "racing").tolist() == infer_task(net, masks, x).tolist() == [0, 0]


def test_a_race_is_run_only_where_it_can_pay():
    assert pays(racing.LEAST, 128)
    assert pays(2, 1)
    assert not pays(racing.LEAST - 1, 128)


def test_one_mask_needs_no_reading(monkeypatch):
    net = tiny_mlp()
    monkeypatch.setattr(racing, "votes_of", None)
    assert infer_task(net, store_of(net, 1), images(net, 3), "racing").tolist() == [0, 0, 0]


@given(k=st.integers(0, 5), n=st.integers(1, 40), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_bytes_are_unpacked_as_floats(k, n, seed):
    packed = pack_bits(torch.rand(k, n, generator=torch.Generator().manual_seed(seed)) < 0.5)
    got = unpack_floats(packed, torch.float64)
    assert got.dtype == torch.float64
    assert torch.equal(got[:, :n], unpack_bits(packed, n).double())
    assert not got[:, n:].any()


def test_masks_are_counted_once_and_again_when_they_change(monkeypatch):
    net, asked = tiny_mlp(), []
    count = counting._count
    monkeypatch.setattr(counting, "_count", lambda masks, name: asked.append(name) or count(masks, name))
    masks = store_of(net, 5)

    def check(anew: bool):
        before = len(asked)
        got = counts(masks)
        assert (len(asked) > before) == anew
        for name, kept in got.items():
            assert torch.equal(kept, masks.chunk(0, len(masks))[name].float().sum(0))

    check(True)
    check(False)
    masks.append(sl.random_mask(net, 0.5, seed=9))
    check(True)
    masks.reserve(99)
    check(True)
    masks.replace(2, sl.random_mask(net, 0.5, seed=8))
    check(True)
    masks.packed("fc2.weight")[1] = 0
    check(True)
    check(False)
    whole, masks = masks, masks[1:4]
    check(True)
    whole.replace(2, sl.random_mask(net, 0.5, seed=7))
    check(True)
    masks = whole.take(torch.tensor([3, 0]))
    check(True)
    masks = whole[::2]
    check(True)
