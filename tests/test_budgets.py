"""How many weights each layer keeps: Erdos-Renyi budgets against the rule of SupSup's runs, and what is refused."""

import math

import pytest
import torch

import supsup_lite as sl
from supsup_lite.masks import check_budget, erdos_renyi, layer_budgets

CPU = {"device": "cpu"}
RESNET50 = [(64, 3, 7, 7), (10, 2048)]  # and its stages: convolutions of each block, and the path past the first
for width, blocks, before in ((64, 3, 64), (128, 4, 256), (256, 6, 512), (512, 3, 1024)):
    for block in range(blocks):
        RESNET50 += [(width, before if block == 0 else 4 * width, 1, 1), (width, width, 3, 3), (4 * width, width, 1, 1)]
    RESNET50.append((4 * width, before, 1, 1))


def official(shapes, epsilon):
    """The rule of SupSup's runs: epsilon (in + out) weights of a layer, at most half of them."""
    return [min(0.5, epsilon * (shape[0] + shape[1]) / math.prod(shape)) for shape in shapes]


@pytest.mark.parametrize(("epsilon", "percent"), [(4, 0.87), (8, 1.72), (16, 3.39)])
def test_the_budgets_of_the_papers_resnet50(epsilon, percent):
    sizes = [math.prod(shape) for shape in RESNET50]
    assert sum(sizes) == 23_475_392
    rule = official(RESNET50, epsilon)
    density = sum(share * size for share, size in zip(rule, sizes, strict=True)) / sum(sizes)
    assert 100 * density == pytest.approx(percent, abs=0.005)
    assert erdos_renyi(tuple(RESNET50), density) == pytest.approx(rule, rel=1e-9)


@pytest.mark.parametrize("density", [0, 0.001, 0.08, 0.3, 0.49, 0.5, 0.7, 1])
@pytest.mark.parametrize(
    "shapes", [((5, 3),), ((20, 3, 3, 3), (40, 20, 3, 3), (5, 40)), ((784, 300), (100,), (10, 100))]
)
def test_the_whole_keeps_what_was_said(shapes, density):
    shares = erdos_renyi(shapes, density)
    sizes = [math.prod(shape) for shape in shapes]
    kept = sum(share * size for share, size in zip(shares, sizes, strict=True))
    assert kept == pytest.approx(density * sum(sizes))
    assert all(0 <= share <= max(0.5, density) + 1e-12 for share in shares)


def test_what_is_not_full_is_shared_out_by_ends():
    shares = erdos_renyi(((100, 50), (10, 100)), 0.1)
    assert shares[0] * 5000 / 150 == pytest.approx(shares[1] * 1000 / 110)


def test_one_density_is_for_every_layer_and_none_is_the_threshold():
    net = sl.mlp((6, 5, 4), **CPU)
    assert layer_budgets(net, 0.3) == {"fc1.weight": 0.3, "fc2.weight": 0.3}
    assert layer_budgets(net, None) == {"fc1.weight": None, "fc2.weight": None}


@pytest.mark.parametrize(
    ("keep", "error"),
    [("er:", ValueError), ("er:8", ValueError), ("er:nan", ValueError), ("er:-0.1", ValueError), ("er:x", ValueError),
     ("erk:0.1", TypeError), ("0.1", TypeError), ("", TypeError), (True, TypeError), (2, ValueError)],
)  # fmt: skip
def test_budgets_that_make_no_sense_are_refused(keep, error):
    net = sl.mlp((6, 5), **CPU)
    for call in (lambda: check_budget(keep), lambda: sl.random_mask(net, keep, 0), lambda: sl.Learned(keep=keep)):
        with pytest.raises(error, match=r"^keep must"):
            call()


def test_a_store_remembers_its_budget(tmp_path):
    net, tasks = sl.mlp((16, 30, 4), **CPU), noise_tasks()
    recipe = sl.Recipe(3, 8, "adam", 1e-2)
    masks = sl.learn_masks(net, tasks, "er:0.20", recipe=recipe, progress=False)
    assert masks.learned.keep == "er:0.2"
    kept = {name: counts.tolist() for name, counts in masks.kept().items()}
    assert kept == {
        name: 2 * [round(share * net.weights()[name].numel())] for name, share in layer_budgets(net, "er:0.2").items()
    }
    masks.save(tmp_path / "masks")
    loaded = sl.MaskStore.load(tmp_path / "masks", net)
    assert loaded.learned == masks.learned
    assert len(sl.learn_masks(net, tasks, "er:0.2", recipe=recipe, masks=loaded, progress=False)) == 2
    for other in ("er:0.21", 0.2, None):
        with pytest.raises(ValueError, match="masks were learned with"):
            sl.learn_masks(net, tasks, other, recipe=recipe, masks=loaded, progress=False)


def noise_tasks():
    x = [torch.randn(16, 16, generator=torch.Generator().manual_seed(i)) for i in range(2)]
    y = [torch.arange(16) % 2] * 2
    return sl.tasks_of(x, y, x, y, "each", **CPU)
