"""Over a thousand calls with bad input: each works or raises a sentence of ours, and none changes what is shared.

Every public function is called with one argument after the other replaced by each of some forty kinds of values. An
error counts as ours where a `raise` statement of the package raised it, with a message that is a sentence.
"""

import ast
import functools
import linecache
import random
import re
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import supsup_lite as sl
from supsup_lite.data import TaskImages
from tests import small_archives

PACKAGE = str(Path(sl.__file__).parent)
QUICK = sl.Recipe(steps=1, batch=4, optimizer="adam", lr=1e-3)
STEADY = sl.Recipe(steps=2, batch=4, optimizer="adam", lr=1e-3)
HUGE = 10**12

VALUES: dict[str, Any] = {
    "None": None,
    "True": True,
    "-1": -1,
    "0": 0,
    "1": 1,
    "a trillion": HUGE,
    "2.5": 2.5,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "-infinity": float("-inf"),
    "text": "text",
    "no text": "",
    "bytes": b"bytes",
    "an empty list": [],
    "a list": [1, 2],
    "a nested list": [[0, 1], [1]],
    "a tuple of text": ("a", "b"),
    "a dict": {"fc1.weight": 1},
    "a set": {1, 2},
    "a range": range(3),
    "an object": object(),
    "a function": lambda *arguments: None,
    "a type": int,
    "complex": 1 + 2j,
    "a fraction": Fraction(1, 3),
    "a decimal": Decimal("0.1"),
    "numpy's float": np.float32(0.1),
    "numpy's int": np.int64(2),
    "numpy's bool": np.bool_(True),
    "an array": np.arange(3.0),
    "an array of objects": np.array([None, "x"], dtype=object),
    "a path": Path("no") / "such" / "file",
    "an empty tensor": torch.empty(0),
    "a scalar tensor": torch.tensor(1.0),
    "NaNs": torch.full((4, 784), float("nan")),
    "infinite": torch.full((4, 784), float("inf")),
    "float64": torch.ones(4, 784, dtype=torch.float64),
    "half": torch.ones(4, 784, dtype=torch.float16),
    "integers": torch.ones(4, dtype=torch.long),
    "large integers": torch.full((4,), 10**6),
    "bools": torch.ones(4, 784, dtype=torch.bool),
    "complex tensor": torch.ones(4, 784, dtype=torch.complex64),
    "sparse": torch.ones(4, 784).to_sparse(),
    "on no device": torch.ones(4, 784, device="meta"),
    "too many dimensions": torch.ones(1, 2, 1, 4, 784),
    "a module": nn.Linear(784, 12),
    "a Task": None,  # filled in by `values`
    "another network": None,
    "another network's masks": None,
    "no masks": None,
    "other tasks": None,
}


@dataclass(frozen=True)
class Call:
    """A public function and arguments with which it works; `make` gives them anew for each call."""

    function: Callable
    arguments: dict[str, Any] = field(default_factory=dict)


@functools.cache
def shared() -> dict[str, Any]:
    """What the calls share, small: a network, tasks, masks and the rest."""
    net = sl.mlp((784, 2, 12), seed=0, device="cpu")
    tasks = sl.permuted_mnist(3, device="cpu")
    masks = sl.learn_masks(net, tasks, recipe=QUICK, progress=False)
    other = sl.mlp((784, 2, 12), seed=1, device="cpu")
    units = sl.bn_mlp(units=8, device="cpu")
    unit_masks = sl.learn_masks(units, sl.split_mnist(2, device="cpu"), recipe=QUICK, progress=False)
    x, y = tasks[0].test.batch(range(4))
    return {
        "net": net,
        "tasks": tasks,
        "masks": masks,
        "other": other,
        "other_masks": sl.learn_masks(other, tasks, recipe=QUICK, progress=False),
        "x": x,
        "y": y,
        "units": units,
        "patterns": sl.hopfield_store(unit_masks),
        "unit_masks": unit_masks,
        "unit_x": sl.split_mnist(2, device="cpu")[0].test.batch(range(4))[0],
        "stream": sl.stream_of(tasks, [(0, 2), (1, 2)], batch=4),
        "tensors": (torch.rand(12, 4, 4), torch.arange(12) % 4, torch.rand(8, 4, 4), torch.arange(8) % 4),
    }


def values() -> dict[str, Any]:
    s = shared()
    return VALUES | {
        "a Task": s["tasks"][0],
        "another network": s["other"],
        "another network's masks": s["other_masks"],
        "no masks": sl.MaskStore(s["net"]),
        "other tasks": sl.permuted_mnist(3, seed=7, device="cpu"),
    }


small_imagenet = functools.cache(small_archives.imagenet)


def fresh_masks() -> sl.MaskStore:
    return shared()["masks"][:].take(torch.arange(3))


def fresh_patterns() -> sl.HopfieldStore:
    store = sl.HopfieldStore(16, device="cpu")
    store.store(torch.ones(16))
    return store


def learner() -> sl.StreamLearner:
    return sl.StreamLearner(shared()["net"], 10, sl.RecordRule(), STEADY, every=2, budget=4, seed=0)


def calls(folder: Path) -> dict[str, Call]:
    """Every public function of the package with arguments that work, quickly."""
    s = shared()
    net, tasks, masks, x, y = s["net"], s["tasks"], s["masks"], s["x"], s["y"]
    stored, memory = folder / "masks.safetensors", folder / "memory.safetensors"
    masks.save(stored)
    fresh_patterns().save(memory)
    core = {"net": net, "masks": masks, "x": x}
    pattern = torch.ones(16)
    alphas = torch.full((3,), 1 / 3)
    whole = {"images": 4, "scenario": "GNu", "infer_from": "one_image", "method": "one_shot"}
    x_train, y_train, x_test, y_test = s["tensors"]
    suite = {"num_tasks": 2, "seed": 0, "device": "cpu"}
    network = {"outputs": 12, "seed": 0, "device": "cpu"}
    recipe = {"steps": 2, "batch": 4, "optimizer": "adam", "lr": 1e-3, "one_cycle": False}
    stream = {"net": net, "stream": s["stream"], "rule": sl.RecordRule(), "recipe": STEADY, "every": 2, "budget": 4}
    return {
        "permuted_mnist": Call(sl.permuted_mnist, suite | {"dataset": "mnist"}),
        "rotated_mnist": Call(sl.rotated_mnist, suite | {"dataset": "mnist"}),
        "split_mnist": Call(sl.split_mnist, suite | {"dataset": "mnist"}),
        "split_fashion_mnist": Call(sl.split_fashion_mnist, suite),
        "split_rotated": Call(sl.split_rotated, suite),
        "split_imagenet": Call(
            sl.split_imagenet,
            suite | {"root": small_imagenet(folder / "imagenet"), "workers": 0, "progress": False},
        ),
        "tasks_of": Call(
            sl.tasks_of,
            {"x": x_train, "y": y_train, "x_test": x_test, "y_test": y_test, "kind": "split", "num_tasks": 2,
             "classes_per_task": 2, "seed": 0, "name": "data", "device": "cpu"},
        ),
        "tasks[]": Call(lambda key: tasks[key], {"key": 1}),
        "batch": Call(lambda indices: TaskImages.batch(tasks[0].test, indices), {"indices": range(4)}),
        "stream_of": Call(sl.stream_of, {"tasks": tasks, "plan": [(0, 2), (1, 2)], "batch": 4, "seed": 0}),
        "assignment": Call(sl.assignment, {"stream": s["stream"], "used": [0, 0, 1, 1]}),
        "mnist": Call(sl.mnist, {"device": "cpu"}),
        "lenet_300_100": Call(sl.lenet_300_100, network),
        "fc_1024": Call(sl.fc_1024, network),
        "conv_net": Call(sl.conv_net, {**network, "input_shape": (1, 8, 8), "widths": (4, 4)}),
        "gem_resnet18": Call(sl.gem_resnet18, {**network, "size": 8, "width": 2}),
        "TaskMask": Call(
            lambda bits, statistics: sl.apply_mask(net, sl.TaskMask(bits, statistics), x),
            {"bits": masks[0], "statistics": None},
        ),
        "mlp": Call(sl.mlp, {"widths": (784, 8, 12), "seed": 0, "device": "cpu"}),
        "bn_mlp": Call(sl.bn_mlp, {**network, "units": 8}),
        "freeze_as_base": Call(
            sl.freeze_as_base, {"module": nn.Sequential(nn.Linear(16, 4, bias=False)), "seed": 0, "input_shape": (16,)}
        ),
        "signed_kaiming_constant": Call(sl.signed_kaiming_constant, {"shape": (3, 4), "layer": "fc1", "seed": 0}),
        "random_mask": Call(sl.random_mask, {"net": net, "keep": 0.5, "seed": 0, "task": 0}),
        "threshold_mask": Call(sl.threshold_mask, {"scores": torch.ones(4)}),
        "top_k_mask": Call(sl.top_k_mask, {"scores": torch.ones(4), "keep": 0.5}),
        "straight_through": Call(
            sl.straight_through, {"scores": torch.ones(4), "mask": torch.ones(4, dtype=torch.bool)}
        ),
        "apply_mask": Call(sl.apply_mask, {"net": net, "mask": masks[0], "x": x}),
        "superpose": Call(sl.superpose, {"net": net, "masks": masks, "alphas": alphas, "x": x}),
        "alpha_gradient": Call(
            sl.alpha_gradient, {**core, "objective": "superfluous", "alphas": alphas, "num_classes": 10}
        ),
        "infer_task": Call(
            sl.infer_task,
            {**core, "method": "gradient_descent", "objective": "superfluous", "together": False, "num_classes": 10,
             "steps": 2, "rate": 1.0},
        ),
        "evaluate": Call(sl.evaluate, {"net": net, "masks": masks, "tasks": tasks, **whole, "objective": "entropy",
                                       "seed": 0, "owners": None}),
        "learn_masks": Call(
            sl.learn_masks,
            {"net": net, "tasks": tasks, "keep": 0.5, "seed": 0, "recipe": QUICK, "masks": None, "at_once": 2,
             "transfer": False, "progress": False, "on_step": None},
        ),
        "learn_coefficients": Call(
            sl.learn_coefficients, {"net": net, "masks": masks, "tasks": tasks[:1], "seed": 0, "recipe": QUICK}
        ),
        "MaskStore": Call(sl.MaskStore, {"net": net, "about": {}, "learned": None}),
        "masks[]": Call(lambda key: masks[key], {"key": 1}),
        "masks.take": Call(lambda positions: masks.take(positions), {"positions": torch.tensor([2, 0])}),
        "masks.append": Call(lambda mask: fresh_masks().append(mask), {"mask": masks[0]}),
        "masks.extend": Call(lambda more: fresh_masks().extend(more), {"more": masks.chunk(0, 2)}),
        "masks.replace": Call(lambda i, mask: fresh_masks().replace(i, mask), {"i": 1, "mask": masks[0]}),
        "masks.reserve": Call(lambda room: fresh_masks().reserve(room), {"room": 8}),
        "masks.save": Call(lambda path: masks.save(path), {"path": folder / "again.safetensors"}),
        "MaskStore.load": Call(sl.MaskStore.load, {"path": stored, "net": net, "only": None}),
        "HopfieldStore": Call(sl.HopfieldStore, {"dim": 16, "rule": "storkey", "device": "cpu"}),
        "memory.store": Call(lambda z: fresh_patterns().store(z), {"z": pattern}),
        "memory.energy": Call(lambda z: fresh_patterns().energy(z), {"z": pattern}),
        "memory.fields": Call(lambda z: fresh_patterns().fields(z), {"z": pattern}),
        "memory.spread": Call(lambda z: fresh_patterns().spread(z), {"z": pattern}),
        "memory.step": Call(
            lambda z, order: fresh_patterns().step(z, order), {"z": pattern, "order": "asynchronous"}
        ),
        "memory.recall": Call(
            lambda z, order, max_sweeps: fresh_patterns().recall(z, order, max_sweeps),
            {"z": pattern, "order": "asynchronous", "max_sweeps": 5},
        ),
        "memory.save": Call(lambda path: fresh_patterns().save(path), {"path": folder / "memory2.safetensors"}),
        "HopfieldStore.load": Call(sl.HopfieldStore.load, {"path": memory, "device": "cpu"}),
        "hopfield_store": Call(sl.hopfield_store, {"masks": s["unit_masks"], "rule": "storkey"}),
        "recall_mask": Call(
            sl.recall_mask,
            {"net": s["units"], "store": s["patterns"], "x": s["unit_x"], "limits": None, "steps": 1, "starts": 1,
             "rate": 1.0, "energy_weight": 0.3},
        ),
        "Recipe": Call(sl.Recipe, recipe),
        "Learned": Call(
            sl.Learned, {"num_classes": 10, "keep": 0.5, "recipe": QUICK, "seed": 0, "transfer": False}
        ),
        "PaperRule": Call(sl.PaperRule, {"eps": 0.125, "patience": 1, "candidates": 5}),
        "RecordRule": Call(sl.RecordRule, {"odds": 100.0, "patience": 3}),
        "StreamLearner": Call(
            sl.StreamLearner,
            {"net": net, "num_classes": 10, "rule": sl.RecordRule(), "recipe": STEADY, "every": 2, "budget": 4,
             "seed": 0},
        ),
        "feed": Call(lambda x, y: learner().feed(x, y), {"x": x, "y": y}),
        "learn_unannounced": Call(sl.learn_unannounced, {**stream, "seed": 0, "progress": False}),
    }  # fmt: skip


NAMES = [
    "permuted_mnist",
    "rotated_mnist",
    "split_mnist",
    "split_fashion_mnist",
    "split_rotated",
    "split_imagenet",
    "tasks_of",
    "tasks[]",
    "batch",
    "stream_of",
    "assignment",
    "mnist",
    "lenet_300_100",
    "fc_1024",
    "conv_net",
    "gem_resnet18",
    "TaskMask",
    "mlp",
    "bn_mlp",
    "freeze_as_base",
    "signed_kaiming_constant",
    "random_mask",
    "threshold_mask",
    "top_k_mask",
    "straight_through",
    "apply_mask",
    "superpose",
    "alpha_gradient",
    "infer_task",
    "evaluate",
    "learn_masks",
    "learn_coefficients",
    "MaskStore",
    "masks[]",
    "masks.take",
    "masks.append",
    "masks.extend",
    "masks.replace",
    "masks.reserve",
    "masks.save",
    "MaskStore.load",
    "HopfieldStore",
    "memory.store",
    "memory.energy",
    "memory.fields",
    "memory.spread",
    "memory.step",
    "memory.recall",
    "memory.save",
    "HopfieldStore.load",
    "hopfield_store",
    "recall_mask",
    "Recipe",
    "Learned",
    "PaperRule",
    "RecordRule",
    "StreamLearner",
    "feed",
    "learn_unannounced",
]
# What is no function of arguments: data classes of results, constants, and what takes nothing.
NOT_CALLED = set(
    [
        "DEFAULT",
        "PAPER",
        "DataError",
        "Evaluation",
        "Stream",
        "Task",
        "TaskIdentity",
        "TaskSuite",
        "__version__",
        "about",
        "demo",
        "device",
        "fashion_mnist",
        "resnet50",  # as gem_resnet18, and slow to draw
        "split_cifar100",  # its arguments are those of the other suites; tests/test_cifar100.py has them
    ]
)
# Arguments of any kind, by design: a progress bar's switch is a truth, a layer's or a suite's name may be any text.
# A trillion steps of a small descent are long, not wrong.
LONG = {
    (name, what, "a trillion")
    for name, what in (("infer_task", "steps"), ("recall_mask", "steps"), ("recall_mask", "starts"))
}
# What a function that was given says of its arguments are its own words.
ITS_OWN = {("learn_masks", "on_step", kind) for kind in ("a type", "a module", "another network")}
ANYTHING = {("learn_masks", "progress"), ("learn_unannounced", "progress"), ("masks.save", "path")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stores")


def raised_by_us(error: BaseException) -> bool:
    """Whether a `raise` statement of the package raised an error."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    if not frame.filename.startswith(PACKAGE):
        return False
    return any(first <= frame.lineno <= last for first, last in raises_of(frame.filename))


@functools.cache
def raises_of(filename: str) -> list[tuple[int, int]]:
    tree = ast.parse("".join(linecache.getlines(filename)))
    return [(node.lineno, node.end_lineno) for node in ast.walk(tree) if isinstance(node, ast.Raise)]


def is_a_sentence(message: str) -> bool:
    return len(message.split()) >= 4 and re.search(r"[.?)]$", message.strip()) is not None and ".." not in message[-2:]


def surroundings() -> list[Any]:
    """What no call may change: the networks, the global random states, torch's settings."""
    s = shared()
    return [
        s["net"].fingerprint(),
        [weight.clone() for weight in s["net"].weights().values()],
        s["units"].fingerprint(),
        [s["masks"].packed(name).clone() for name in s["masks"].shapes],
        torch.get_rng_state(),
        str(np.random.get_state()),  # noqa: NPY002
        random.getstate(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
    ]


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


def trouble_with(call: Call, name: str, argument: str, value: Any) -> str | None:
    """Return what is wrong with the way in which a call takes a bad argument."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call.function(**call.arguments | {argument: value})
    except (TypeError, ValueError, IndexError, OSError, MemoryError) as error:
        if isinstance(error, OSError) and not isinstance(error, sl.DataError) and "path" in argument:
            return None  # the system's own words about a path, which names it
        if not raised_by_us(error):
            return f"in another library's words: {type(error).__name__}: {str(error)[:200]}"
        if not is_a_sentence(str(error)):
            return f"no sentence: {error}"
        return None
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return None


def test_every_public_function_is_called():
    public = {name for name in sl.__all__ if name not in NOT_CALLED}
    assert public <= {*NAMES}, public - {*NAMES}


def test_the_calls_work_as_they_stand(folder):
    made = calls(folder)
    assert list(made) == NAMES
    for call in made.values():
        call.function(**call.arguments)


def test_there_are_a_thousand(folder):
    assert sum(len(call.arguments) for call in calls(folder).values()) * len(VALUES) >= 1000


@pytest.mark.parametrize("name", NAMES)
def test_bad_input_works_or_is_refused_in_a_sentence_of_ours(name, folder, monkeypatch):
    monkeypatch.chdir(folder)
    call, before, troubles = calls(folder)[name], surroundings(), []
    for argument in call.arguments:
        if (name, argument) in ANYTHING:
            continue
        for kind, value in values().items():
            if (name, argument, kind) in LONG | ITS_OWN:
                continue
            trouble = trouble_with(call, name, argument, value)
            if trouble:
                troubles.append(f"{name}({argument}={kind}): {trouble}")
    assert not troubles, "\n".join(troubles)
    assert alike(surroundings(), before)


def test_another_library_s_words_would_be_seen():
    """The check above sees what it should."""
    with pytest.raises(RuntimeError, match="shape") as theirs:
        torch.zeros(2).view(3)
    assert not raised_by_us(theirs.value)
    with pytest.raises(ValueError, match="seed") as ours:
        sl.lenet_300_100(seed=-1)
    assert raised_by_us(ours.value)
    assert is_a_sentence(str(ours.value))
    assert not is_a_sentence("invalid literal")


BEYOND = {
    "tasks": lambda n: sl.permuted_mnist(n, device="cpu"),
    "outputs": lambda n: sl.lenet_300_100(outputs=n),
    "units": lambda n: sl.mlp((784, n, 10)),
    "spins": lambda n: sl.HopfieldStore(n),
    "steps": lambda n: sl.Recipe(n, 4, "adam", 1e-3),
    "a rate": lambda n: sl.Recipe(2, 4, "adam", n),
    "images": lambda n: sl.split_mnist(1, device="cpu")[0].test.batch(range(n)),
}


@pytest.mark.parametrize("number", [10**400, 10**5000], ids=["beyond floats", "beyond print"])
@pytest.mark.parametrize("call", BEYOND.values(), ids=BEYOND)
def test_numbers_beyond_what_a_machine_counts_are_refused_in_words(call, number):
    with pytest.raises((TypeError, ValueError), match=r"must be .* got .*[0-9a-z]"):
        call(number)
