"""Not one weight ever changes, not even for a moment: calls side by side in threads, and calls that are interrupted."""

import gc
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, Event

import pytest
import torch
from torch import nn

import supsup_lite as sl
from supsup_lite import baselines, evaluation
from supsup_lite.hopfield import measure_limits
from supsup_lite.inference import entropies, halvings
from supsup_lite.inference.racing import LEAST
from supsup_lite.masks import initial_weights
from tests.interrupting import Interrupt

FEW = sl.Recipe(steps=3, batch=8, optimizer="adam", lr=1e-2)
PER_CALL = 12  # places in each call at which it is interrupted
ROUNDS = 4  # times that each thread makes each call

pytestmark = pytest.mark.usefixtures("one_thread")  # so that sums are taken in one order


def conv_module():
    return nn.Sequential(
        nn.Conv2d(1, 3, 5, stride=4), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(108, 12)
    )


class World:
    """One network of each kind, with masks, images and tasks that all calls share."""

    def __init__(self):
        self.tasks = sl.permuted_mnist(2, device="cpu")
        self.x = self.tasks[0].test.batch(range(12))[0]
        self.net = sl.mlp((784, 14, 11, 12), device="cpu")
        self.conv = sl.freeze_as_base(conv_module(), seed=0, input_shape=(1, 28, 28), device="cpu")
        self.units = sl.bn_mlp(device="cpu", units=9)
        self.normed = sl.conv_net(12, device="cpu", widths=(3,))  # batch norm with statistics of each task
        self.nets = [self.net, self.conv, self.units, self.normed]
        self.masks = {id(net): self.store(net) for net in self.nets}
        self.hopfield = sl.hopfield_store(self.masks[id(self.units)])
        self.stream = sl.stream_of(self.tasks, [(0, 3), (1, 3)], batch=8)

    @staticmethod
    def store(net, masks_of=3):
        masks = sl.MaskStore(net, learned=sl.Learned(num_classes=10))
        for task in range(masks_of):
            statistics = {name: torch.ones(2, channels) + task for name, channels in net.norms().items()}
            masks.append(sl.TaskMask(sl.random_mask(net, 0.5, seed=1, task=task), statistics or None))
        return masks

    def tensors(self):
        return [t for net in self.nets for t in (*net.parameters(), *net.buffers())]


WORLD = World()
N, C, U, B, X, TASKS = *WORLD.nets, WORLD.x, WORLD.tasks
M, MC, MU, MB = (WORLD.masks[id(net)] for net in WORLD.nets)
MANY = WORLD.store(N, LEAST)  # as many masks as it takes to race
A = torch.linspace(0.1, 0.6, 3)
ROWS = torch.linspace(0, 1, 36).view(12, 3)

RANK_ONE = baselines.BatchEnsemble(C, TASKS.identities, {}, baselines.unit_vectors(C, 2), 0)

CALLS = {
    "apply_mask": lambda: sl.apply_mask(N, M[0], X),
    "apply_mask, conv": lambda: sl.apply_mask(C, MC[1], X),
    "apply_mask, units": lambda: sl.apply_mask(U, MU[1], X),
    "apply_mask, norms": lambda: sl.apply_mask(B, MB[1], X),
    "superpose, norms": lambda: sl.superpose(B, MB, ROWS, X),
    "superpose, shared": lambda: sl.superpose(N, M, A, X),
    "superpose, conv": lambda: sl.superpose(C, MC, ROWS, X),
    "alpha_gradient": lambda: sl.alpha_gradient(N, M, X, "superfluous"),
    "alpha_gradient, conv": lambda: sl.alpha_gradient(C, MC, X, alphas=ROWS),
    "alpha_gradient, norms": lambda: sl.alpha_gradient(B, MB, X, alphas=ROWS),
    "one_shot, together, norms": lambda: sl.infer_task(B, MB, X, together=True),
    "one_shot, together": lambda: sl.infer_task(N, M, X, together=True),
    "racing": lambda: sl.infer_task(N, MANY, X, "racing"),
    "racing, counted anew": lambda: sl.infer_task(N, MANY[:], X, "racing"),
    "racing, conv, together": lambda: sl.infer_task(C, MC, X, "racing", "superfluous", together=True),
    "racing, units": lambda: sl.infer_task(U, MU, X[:6], "racing"),
    "binary": lambda: sl.infer_task(N, M, X, "binary"),
    "exhaustive": lambda: sl.infer_task(C, MC, X, "exhaustive"),
    "gradient_descent": lambda: sl.infer_task(N, M, X, "gradient_descent", steps=2),
    "entropies": lambda: entropies(N, M, X),
    "halvings": lambda: list(halvings(N, M, X)),
    "evaluate": lambda: sl.evaluate(N, M, TASKS, images=20).confusion,
    "learn_masks": lambda: sl.learn_masks(N, TASKS, recipe=FEW, progress=False),
    "learn_masks, keep": lambda: sl.learn_masks(N, TASKS, keep=0.3, recipe=FEW, progress=False),
    "learn_masks, conv": lambda: sl.learn_masks(C, TASKS, recipe=FEW, progress=False),
    "learn_masks, norms": lambda: sl.learn_masks(B, TASKS, keep="er:0.3", recipe=FEW, progress=False),
    "learn_masks, units": lambda: sl.learn_masks(U, TASKS, recipe=FEW, progress=False),
    "learn_coefficients": lambda: sl.learn_coefficients(N, M, TASKS, recipe=FEW),
    "learn_unannounced": lambda: sl.learn_unannounced(N, WORLD.stream, recipe=FEW, every=2, progress=False).masks,
    "recall_mask": lambda: sl.recall_mask(U, WORLD.hopfield, X).z,
    "measure_limits": lambda: measure_limits(U, WORLD.hopfield, MU[:2], TASKS, batch=8).entropy,
    "train_dense": lambda: baselines.train_dense(N, TASKS, recipe=FEW),
    "train_pruned": lambda: baselines.train_pruned(N, TASKS, 0.3, 0, FEW),
    "to_bytes": lambda: baselines.to_bytes(initial_weights(N, 2)),
    "fine_tune": lambda: baselines.fine_tune(N, TASKS, recipe=FEW),
    "train_joint": lambda: baselines.train_joint(N, TASKS, recipe=FEW),
    "train_ewc": lambda: baselines.train_ewc(N, TASKS, 1.0, recipe=FEW),
    "train_batch_ensemble": lambda: baselines.train_batch_ensemble(N, TASKS, 0, FEW).task_specific,
    "train_batch_ensemble, conv": lambda: baselines.train_batch_ensemble(C, TASKS, 0, FEW).task_specific,
    "train_psp": lambda: baselines.train_psp(N, TASKS, 0, FEW).weights(1),
    "train_psp, conv": lambda: baselines.train_psp(C, TASKS, 0, FEW, contexts="binary").weights(1),
    "train_heads": lambda: baselines.train_heads(N, TASKS, 0, FEW).task_specific,
    "train_shared_trunk": lambda: baselines.train_shared_trunk(C, TASKS, 0, FEW).weights(0),
    "rank_one_gradient": lambda: baselines.rank_one_gradient(RANK_ONE, X),
    "measure": lambda: evaluation.measure(RANK_ONE, TASKS, images=30).per_task,
    "accuracy": lambda: evaluation.accuracy(N, initial_weights(N, 2), TASKS, images=30),
    "accuracy_matrix": lambda: evaluation.accuracy_matrix(N, [initial_weights(N, 1)] * 2, TASKS, images=30),
}


def flat(result):
    """A result as a list of tensors and numbers."""
    if isinstance(result, sl.MaskStore):
        return [*(result.packed(name) for name in result.shapes), *flat(result.statistics or {})]
    if isinstance(result, dict):
        result = result.values()
    if isinstance(result, (list, tuple, type({}.values()))):
        return [leaf for part in result for leaf in flat(part)]
    return [torch.as_tensor(result)]


def same(first, second):
    first, second = flat(first), flat(second)
    return len(first) == len(second) and all(
        torch.equal(a.nan_to_num(7) if a.is_floating_point() else a, b.nan_to_num(7) if b.is_floating_point() else b)
        for a, b in zip(first, second, strict=True)
    )


@pytest.fixture(scope="module")
def alone():
    """What each call gives by itself."""
    return {name: call() for name, call in CALLS.items()}


@pytest.fixture
def untouched():
    """Check that no test has changed a bit of any network, a number by which torch counts writes, or a setting."""
    before = [(tensor, tensor.clone(), tensor._version) for tensor in WORLD.tensors()]
    yield
    recording = torch.is_grad_enabled()
    torch.set_grad_enabled(True)  # whatever happened here, the next test starts as this one did
    assert recording
    assert [id(tensor) for tensor in WORLD.tensors()] == [id(tensor) for tensor, *_ in before]
    assert all(torch.equal(tensor, copy) and tensor._version == version for tensor, copy, version in before)


@pytest.mark.parametrize("threads", [2, 4])
def test_calls_side_by_side_give_what_they_give_alone(threads, alone, untouched):
    together = Barrier(threads)
    names = list(CALLS)

    def work(thread):
        together.wait()
        shifted = [names[(i * (2 * thread + 1) + thread) % len(names)] for i in range(len(names))]
        return [name for _ in range(ROUNDS) for name in shifted if not same(CALLS[name](), alone[name])]

    with ThreadPoolExecutor(threads) as pool:
        assert list(pool.map(work, range(threads))) == [[]] * threads


def test_no_interrupt_is_lost_in_the_collector():
    seen, before = [], gc.get_threshold()

    def collecting(phase, info):
        seen.append(phase)
        seen.append(phase)

    gc.callbacks.append(collecting)
    gc.set_threshold(1)
    try:
        for at in range(1, 12):
            with pytest.raises(KeyboardInterrupt), Interrupt(at):
                same([[torch.ones(2)] for _ in range(4)], [torch.ones(2)])
    finally:
        gc.callbacks.remove(collecting)
        gc.set_threshold(*before)
    assert seen  # it collected between the calls


@pytest.mark.filterwarnings("ignore:Interrupted")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of a progress bar half made
@pytest.mark.parametrize("name", CALLS)
def test_an_interrupted_call_leaves_nothing_behind(name, alone, untouched):
    with Interrupt(None) as counted:
        CALLS[name]()
    for stop_at in {1 + i * (counted.seen - 1) // (PER_CALL - 1) for i in range(PER_CALL)}:
        with suppress(KeyboardInterrupt), Interrupt(stop_at):  # some calls end with what they have, and a warning
            CALLS[name]()
        assert torch.is_grad_enabled(), f"{name}, interrupted at line {stop_at}"
        for other in ("apply_mask", "apply_mask, conv", "apply_mask, units", "superpose, shared"):
            assert same(CALLS[other](), alone[other]), f"{other} after {name}, interrupted at line {stop_at}"
    assert same(CALLS[name](), alone[name])


@pytest.mark.parametrize("name", ["learn_masks, conv", "learn_unannounced", "train_dense", "train_heads", "train_psp"])
def test_a_network_that_asks_for_gradients_gets_none(name, alone, untouched):
    parameters = [parameter for net in WORLD.nets for parameter in net.parameters()]
    try:
        for parameter in parameters:
            parameter.requires_grad_(True)
        assert same(CALLS[name](), alone[name])
        assert all(parameter.grad is None for parameter in parameters)
    finally:
        for parameter in parameters:
            parameter.requires_grad_(False)


@pytest.mark.parametrize("method", ["one_shot", "racing", "binary", "exhaustive", "gradient_descent"])
def test_masks_that_are_added_meanwhile_are_not_asked(method):
    alone = {together: sl.infer_task(N, M, X, method, together=together) for together in (False, True)}
    done, growing = Event(), M.take(torch.arange(3))
    growing.reserve(5)

    def grow():
        while not done.wait(1e-4) and len(growing) < 100:
            growing.append(M[0])

    with ThreadPoolExecutor(1) as pool:
        try:
            added = pool.submit(grow)
            for together in (False, True) * 3:
                first = growing[:3]
                assert torch.equal(sl.infer_task(N, first, X, method, together=together), alone[together])
                sl.infer_task(N, growing, X, method, together=together)
                sl.alpha_gradient(N, growing, X)
        finally:
            done.set()
        added.result()
    assert {len(growing.packed(name)) for name in growing.shapes} == {len(growing)}
