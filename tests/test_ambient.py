"""What surrounds a call changes nothing: gradients off, inference mode, autocast, other default dtypes and devices."""

import importlib
import math
import pkgutil
from contextlib import contextmanager
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
import torch
from torch import nn

import supsup_lite as sl
from supsup_lite import baselines, evaluation, exercises, explorers
from supsup_lite.ambient import isolated
from supsup_lite.exercises import WRONG
from supsup_lite.exercises.random_networks import check_chance_mask
from supsup_lite.explorers.hopfield import patterns
from supsup_lite.hopfield import measure_limits
from supsup_lite.inference import entropies, halvings
from supsup_lite.learning import learn_scores
from supsup_lite.masks import chosen_weights, initial_weights

FEW = sl.Recipe(steps=2, batch=8, optimizer="adam", lr=1e-2)
CPU = {"device": "cpu"}

pytestmark = pytest.mark.usefixtures("one_thread")


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


SURROUNDINGS = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "default float64": lambda: default_dtype(torch.float64),
    "default bfloat16": lambda: default_dtype(torch.bfloat16),
    "default device": lambda: torch.device("meta"),
}


def conv_module():
    return nn.Sequential(nn.Conv2d(1, 3, 5, stride=4), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 12))


MODULE = conv_module()
NET = sl.mlp((784, 14, 11, 12), **CPU)
NORMED = sl.conv_net(12, widths=(3,), **CPU)  # batch norm with statistics of each task
CONV = sl.freeze_as_base(MODULE, seed=0, input_shape=(1, 28, 28), **CPU)
UNITS = sl.bn_mlp(units=9, **CPU)
TASKS = sl.permuted_mnist(2, **CPU)
X = TASKS[0].test.batch(range(6))[0]
STREAM = sl.stream_of(TASKS, [(0, 2), (1, 2)], batch=8)


def store_of(net, learned=None):
    masks = sl.MaskStore(net, learned=learned)
    for task in range(3):
        masks.append(sl.random_mask(net, 0.5, seed=1, task=task))
    return masks


MASKS, CONV_MASKS, UNIT_MASKS = (store_of(net, sl.Learned(num_classes=10)) for net in (NET, CONV, UNITS))
HOPFIELD = sl.hopfield_store(UNIT_MASKS)
Z = torch.linspace(-1, 1, 18)
SCORES = torch.linspace(-1, 1, 12).view(3, 4)
PIXELS, LABELS = torch.linspace(0, 1, 32 * 16).view(32, 4, 4), torch.arange(32) % 4
ALPHAS = torch.linspace(0, 1, 18).view(6, 3)
MATRIX = torch.linspace(0.5, 1, 9).view(3, 3)


def hopfield_work():
    store = sl.HopfieldStore(18, "centred", **CPU)
    store.store(Z.sign())
    store.store(-Z.roll(3).sign())
    return store, store.couple(Z), store.fields(Z), store.energy(Z), store.spread(Z.sign()), store.step(Z)


def fed():
    learner = sl.StreamLearner(NET, 10, sl.RecordRule(), FEW, every=2, budget=3, seed=0)
    for x, y in STREAM:
        learner.feed(x, y)
    return learner


# For each public name what it computes; None for what only holds what it is given, or is an error or a description.
CALLS = {
    "DEFAULT": None,
    "PAPER": None,
    "DataError": None,
    "Evaluation": None,
    "PaperRule": None,
    "Recipe": None,
    "RecordRule": None,
    "Stream": None,
    "Task": None,
    "TaskIdentity": None,
    "TaskMask": None,
    "TaskSuite": None,
    "Learned": None,
    "__version__": None,
    "about": None,
    "device": None,
    "demo": None,
    "HopfieldStore": hopfield_work,
    "MaskStore": lambda: (store_of(NET), store_of(NET).density, store_of(NET).entropy_bytes, store_of(NET)[0]),
    "StreamLearner": fed,
    "alpha_gradient": lambda: [
        sl.alpha_gradient(NET, MASKS, X),
        sl.alpha_gradient(CONV, CONV_MASKS, X, "superfluous", ALPHAS),
    ],
    "apply_mask": lambda: [sl.apply_mask(net, m[0], X) for net, m in ((NET, MASKS), (CONV, CONV_MASKS))],
    "assignment": lambda: sl.assignment(STREAM, [0, 0, 1, 1]),
    "bn_mlp": lambda: sl.bn_mlp(units=9, **CPU),
    "conv_net": lambda: sl.conv_net(widths=(3,), **CPU),
    "evaluate": lambda: [sl.evaluate(NET, MASKS, TASKS, scenario, images=20) for scenario in ("GG", "GNs", "GNu")],
    "fashion_mnist": lambda: [half.pixels for half in sl.fashion_mnist(**CPU)],
    "fc_1024": lambda: sl.fc_1024(**CPU),
    "freeze_as_base": lambda: [sl.freeze_as_base(MODULE, seed, input_shape=(1, 28, 28), **CPU) for seed in (None, 3)],
    "gem_resnet18": lambda: sl.gem_resnet18(width=2, size=8, **CPU),
    "hopfield_store": lambda: sl.hopfield_store(UNIT_MASKS),
    "infer_task": lambda: [
        sl.infer_task(NET, MASKS, X, method, together=together)
        for method in ("one_shot", "racing", "binary", "exhaustive", "gradient_descent")
        for together in (False, True)
    ],
    "learn_coefficients": lambda: sl.learn_coefficients(NET, MASKS, TASKS, recipe=FEW),
    "learn_masks": lambda: [
        sl.learn_masks(net, TASKS, keep, recipe=FEW, progress=False)
        for net, keep in ((NET, None), (NET, 0.3), (CONV, None), (UNITS, None), (NORMED, "er:0.3"))
    ],
    "learn_unannounced": lambda: sl.learn_unannounced(NET, STREAM, recipe=FEW, every=2, progress=False),
    "lenet_300_100": lambda: sl.lenet_300_100(**CPU),
    "mlp": lambda: sl.mlp((7, 6, 5), **CPU),
    "mnist": lambda: [half.pixels for half in sl.mnist(**CPU)],
    "permuted_mnist": lambda: sl.permuted_mnist(2, **CPU),
    "random_mask": lambda: sl.random_mask(CONV, 0.4, 0),
    "recall_mask": lambda: sl.recall_mask(UNITS, HOPFIELD, X),
    "resnet50": lambda: sl.resnet50(2, size=32, **CPU),
    "rotated_mnist": lambda: sl.rotated_mnist(2, **CPU),
    "signed_kaiming_constant": lambda: sl.signed_kaiming_constant((5, 4), "fc1", 0),
    "split_cifar100": None,  # not at hand: tests/test_cifar100.py and tests/test_imagenet.py make small ones
    "split_fashion_mnist": lambda: sl.split_fashion_mnist(2, 0, **CPU),
    "split_imagenet": None,
    "split_mnist": lambda: sl.split_mnist(2, 0, **CPU),
    "split_rotated": lambda: sl.split_rotated(2, 0, **CPU),
    "straight_through": lambda: sl.straight_through(SCORES, SCORES > 0),
    "stream_of": lambda: sl.stream_of(TASKS, [(0, 2), (-1, 2)], batch=8),
    "superpose": lambda: [
        sl.superpose(NET, MASKS, ALPHAS[0], X),
        sl.superpose(CONV, CONV_MASKS, ALPHAS, X),
        sl.superpose(UNITS, UNIT_MASKS, ALPHAS, X),
    ],
    "tasks_of": lambda: [
        sl.tasks_of(PIXELS, LABELS, PIXELS, LABELS, kind, **CPU) for kind in ("split", "permuted", "rotated")
    ],
    "threshold_mask": lambda: sl.threshold_mask(SCORES),
    "top_k_mask": lambda: sl.top_k_mask(SCORES, 0.4),
}

ROOMS = {
    "entropies": lambda: entropies(NET, MASKS, X),
    "halvings": lambda: list(halvings(NET, MASKS, X)),
    "learn_scores": lambda: learn_scores(NET, TASKS, None, 0, FEW),
    "train_dense": lambda: baselines.train_dense(NET, TASKS, recipe=FEW),
    "train_pruned": lambda: baselines.train_pruned(NET, TASKS, 0.3, 0, FEW),
    "to_bytes": lambda: baselines.to_bytes(initial_weights(NET, 2)),
    "fine_tune": lambda: baselines.fine_tune(NET, TASKS, recipe=FEW),
    "train_joint": lambda: baselines.train_joint(NET, TASKS, recipe=FEW),
    "train_ewc": lambda: baselines.train_ewc(NET, TASKS, 1.0, recipe=FEW),
    "train_batch_ensemble": lambda: [
        baselines.train_batch_ensemble(net, TASKS, 0, FEW).task_specific for net in (NET, CONV)
    ],
    "train_psp": lambda: [baselines.train_psp(net, TASKS, 0, FEW).weights(1) for net in (NET, CONV)],
    "train_heads": lambda: [baselines.train_heads(net, TASKS, 0, FEW).task_specific for net in (NET, CONV)],
    "train_shared_trunk": lambda: baselines.train_shared_trunk(NET, TASKS, 0, FEW).weights(0),
    "first_task_trunk": lambda: baselines.first_task_trunk(NET, TASKS, 0, FEW),
    "rank_one_gradient": lambda: [
        baselines.rank_one_gradient(baselines.train_batch_ensemble(net, TASKS, 0, FEW), X) for net in (NET, CONV)
    ],
    "measure": lambda: evaluation.measure(baselines.train_separate(NET, TASKS, 0, FEW), TASKS, 30).per_task,
    "accuracy": lambda: evaluation.accuracy(NET, chosen_weights(NET, MASKS[:2]), TASKS, 30),
    "accuracy_matrix": lambda: evaluation.accuracy_matrix(NET, [initial_weights(NET, 1)] * 2, TASKS, 30),
    "measure_limits": lambda: measure_limits(UNITS, HOPFIELD, UNIT_MASKS[:2], TASKS, batch=8),
}

EXPLORERS = {
    "patterns": patterns,
    "Hopfield": lambda: explorers.Hopfield().still,
    "Hopfield of a drawing": lambda: explorers.Hopfield(digit=-1, ink=bytes(range(196)) * 4).probe(),
    "Forgetting": lambda: explorers.Forgetting({"a method": MATRIX}).still,
    "RandomMasks": lambda: (masks := explorers.RandomMasks(NET, TASKS, (50, 90))).still + str(masks.removed_at),
    "TaskInference": lambda: explorers.TaskInference().still,
}

COMPUTING = {name: call for name, call in CALLS.items() if call} | ROOMS | EXPLORERS


def test_every_public_name_has_its_call():
    assert sorted(CALLS) == sorted(sl.__all__)


def leaves(value):
    """A result as a flat list of what torch or Python can compare; tensors must be of use to autograd later."""
    if isinstance(value, torch.Tensor):
        assert not value.is_inference()
        return [str(value.dtype), str(value.device), value.detach().numpy().tobytes()]
    if isinstance(value, sl.MaskStore):
        packed = {name: value.packed(name) for name in value.shapes}
        return leaves([packed, value.statistics, value.about, value.learned, value.identities])
    if isinstance(value, sl.HopfieldStore):
        return leaves([value.psi, value.mean])
    if isinstance(value, sl.StreamLearner):
        return leaves([value.masks, value.used, value.decisions])
    if isinstance(value, nn.Module):
        return leaves([[*value.parameters(), *value.buffers()], value.fingerprint()])
    if isinstance(value, sl.Stream):
        return leaves([value.truth, *value])
    if isinstance(value, sl.TaskSuite):
        return leaves([half.batch(range(5)) for task in value for half in (task.train, task.test)])
    if is_dataclass(value):
        return leaves([getattr(value, field.name) for field in fields(value)])
    if isinstance(value, dict):
        return leaves(list(value.items()))
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in leaves(part)]
    return [np.float64(value).tobytes() if isinstance(value, float) else value]


@pytest.fixture(scope="module")
def plain():
    """What each call gives with nothing around it."""
    return {name: leaves(call()) for name, call in COMPUTING.items()}


@pytest.mark.parametrize("surrounding", SURROUNDINGS.values(), ids=SURROUNDINGS)
@pytest.mark.parametrize("name", COMPUTING)
def test_what_surrounds_a_call_changes_no_bit(name, surrounding, plain):
    with surrounding():
        result = COMPUTING[name]()
    assert leaves(result) == plain[name]


def checks():
    """Every check of every exercise, by its name."""
    modules = [
        importlib.import_module(f"{exercises.__name__}.{part.name}")
        for part in pkgutil.iter_modules(exercises.__path__)
    ]
    found = [value for module in modules for value in vars(module).values() if hasattr(value, "reference")]
    return {check.__name__: check for check in found}


@pytest.mark.parametrize("surrounding", SURROUNDINGS.values(), ids=SURROUNDINGS)
@pytest.mark.parametrize("check", checks().values(), ids=checks())
def test_what_surrounds_a_check_changes_no_verdict(check, surrounding):
    with surrounding():
        assert check().passed
        assert check(lambda *given: None).state == WRONG


def test_a_learner_need_not_name_dtype_and_device():
    """The mask of lesson 01, made as one would where nothing surrounds the call."""

    def chance_mask(shape, keep, generator):
        order = torch.randperm(math.prod(shape), generator=generator)
        return (torch.argsort(order) < round(keep * len(order))).view(shape)

    for surrounding in SURROUNDINGS.values():
        with surrounding():
            before = torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()
            assert check_chance_mask(chance_mask).passed
            assert (torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()) == before


def test_the_surroundings_would_change_something():
    """The test above sees what it should: plain torch gives other numbers, types or places under each of them."""

    def plain_torch():
        made = torch.linspace(0, 1, 6).view(2, 3).requires_grad_(True)
        return made @ made.mT

    before = plain_torch()
    for name, surrounding in SURROUNDINGS.items():
        with surrounding():
            after = plain_torch()
        changed = before.dtype != after.dtype or before.device != after.device
        assert changed or not after.requires_grad or after.is_inference(), name


def test_images_and_alphas_made_in_inference_mode_can_be_used_outside():
    with torch.inference_mode():
        x, alphas = X + 0, ALPHAS + 0
        masks = store_of(NET)
        taken = masks.take(torch.tensor([2, 0]))
    leaf = ALPHAS.clone().requires_grad_(True)
    sl.superpose(NET, MASKS, leaf, x).sum().backward()
    assert leaf.grad.isfinite().all()
    assert torch.equal(sl.superpose(NET, MASKS, alphas, x), sl.superpose(NET, MASKS, ALPHAS, X))
    assert torch.equal(sl.alpha_gradient(NET, MASKS, x, alphas=alphas), sl.alpha_gradient(NET, MASKS, X, alphas=ALPHAS))
    for store in (masks, taken):
        store.append(masks[0])
        store.replace(0, masks[1])


def test_a_backward_pass_under_autocast_gives_the_same_gradient():
    def gradient(surrounding):
        leaf = ALPHAS.clone().requires_grad_(True)
        value = sl.superpose(NET, MASKS, leaf, X).sum()
        with surrounding():
            value.backward()
        return leaf.grad

    assert torch.equal(gradient(SURROUNDINGS["autocast"]), gradient(torch.enable_grad))


def test_the_callers_settings_come_back():
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        sl.infer_task(NET, MASKS, X)
        with pytest.raises(ValueError, match="shape"):
            sl.infer_task(NET, MASKS, X[:, 1:])
        for _ in halvings(NET, MASKS, X):
            assert torch.is_inference_mode_enabled()
            assert torch.is_autocast_enabled("cpu")
        assert torch.is_inference_mode_enabled()
        assert torch.is_autocast_enabled("cpu")


def test_gradients_are_the_callers_choice():
    leaf = ALPHAS.clone().requires_grad_(True)
    assert sl.superpose(NET, MASKS, leaf, X).requires_grad
    for off in (torch.no_grad, torch.inference_mode):
        with off():
            assert not sl.superpose(NET, MASKS, leaf, X).requires_grad
            assert not isolated(torch.is_grad_enabled)()
