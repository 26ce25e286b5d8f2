"""Learning masks: gradient descent on scores, through the mask, for many tasks at once (SupSup, "Preliminaries")."""

import math
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from supsup_lite.masks import (
    Scores,
    check_images,
    check_keep,
    forward_tasks,
    init_scores,
    masked_weight,
    masks_of,
)
from supsup_lite.networks import Network
from supsup_lite.seeding import check_seed, generator
from supsup_lite.store import MaskStore
from supsup_lite.tasks import TaskSuite


@dataclass(frozen=True)
class Recipe:
    """How scores are trained.

    Attributes:
        steps: batches for each task.
        batch: images in a batch.
        optimizer: "rmsprop" or "adam".
        lr: learning rate; with one_cycle the highest one.
        one_cycle: warm up over the first 30 % of the steps and cool down to nothing, instead of a constant rate.
    """

    steps: int
    batch: int
    optimizer: str
    lr: float
    one_cycle: bool = False


PAPER = Recipe(steps=1000, batch=128, optimizer="rmsprop", lr=1e-4)
DEFAULT = Recipe(steps=300, batch=128, optimizer="adam", lr=1e-3, one_cycle=True)
UNITS = Recipe(steps=100, batch=128, optimizer="adam", lr=1e-2, one_cycle=True)  # for masks over units


def learn_masks(
    net: Network,
    tasks: TaskSuite,
    keep: float | None = None,
    seed: int = 0,
    *,
    recipe: Recipe = DEFAULT,
    masks: MaskStore | None = None,
    at_once: int | None = None,
    transfer: bool = False,
    progress: bool = True,
    on_step: Callable[[int, Scores, Tensor], None] | None = None,
) -> MaskStore:
    """Learn one mask for each task, and return them in a store. The network does not change.

    The scores and batches of a task depend on (seed, task number) alone, so a task gets the same mask whether it is
    learned by itself or beside others (up to the rounding of sums, which can flip a weight that sits on the border).

    Interrupting (Ctrl-C, or the stop button) keeps what is finished: the store comes back with the tasks learned so
    far, and a warning says how to go on.

    Args:
        net: the frozen base network.
        tasks: k tasks.
        keep: the density of edge-popup, in 0..1 for every layer; None keeps the weights with score >= 0.
        seed: for the scores' start and the order of the batches.
        recipe: how to train; `PAPER` is the paper's for MNIST, `DEFAULT` is faster and as good (see lesson 02).
        masks: a store to go on with: its first len(masks) tasks count as learned and are skipped. What it says of
            keep, seed and recipe must be what is given.
        at_once: how many tasks to learn side by side; None chooses by device. The result does not depend on it.
        transfer: start the scores of a task from the mean of all scores learned before (SupSup, "Scenario GG"),
            one task after the other.
        progress: show a bar.
        on_step: called as on_step(step, scores, loss [k]) before each update, for lessons that watch.

    Returns:
        The store `masks`, or a new one, with one mask for each task.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    _check(net, tasks, keep, seed, recipe, masks, at_once, transfer)
    store = masks if masks is not None else MaskStore(net)
    store.about |= {"keep": keep, "seed": seed, "recipe": asdict(recipe), "tasks": repr(tasks)}
    store.about |= {"transfer": transfer, "num_classes": tasks.num_classes}
    width = 1 if transfer else at_once or tasks_at_once(net)
    mean_scores: Scores | None = None
    done = len(store)
    bar = tqdm(total=len(tasks), initial=done, desc="learning masks", unit="task", disable=not progress, leave=False)
    with bar:
        try:
            for start in range(done, len(tasks), width):
                part = tasks[start : start + width]
                watch = _watch(bar, start, len(part), recipe, on_step)
                scores = learn_scores(net, part, keep, seed, recipe, mean_scores, watch)
                store.extend({name: masks_of(values.detach(), keep) for name, values in scores.items()})
                if transfer:
                    mean_scores = _running_mean(mean_scores, scores, start)
        except KeyboardInterrupt:
            go_on = "Call learn_masks again with masks=<this store> to go on."
            if transfer:
                go_on = "The mean of their scores is lost, so transfer cannot go on from here."
            warnings.warn(
                f"Interrupted: {len(store)} of {len(tasks)} tasks are learned and kept. {go_on}", stacklevel=2
            )
    return store


def learn_scores(
    net: Network,
    tasks: TaskSuite,
    keep: float | None,
    seed: int,
    recipe: Recipe = DEFAULT,
    start: Scores | None = None,
    on_step: Callable[[int, Scores, Tensor], None] | None = None,
) -> Scores:
    """Train the scores of k tasks side by side: for each weight of the network float [k, *shape].

    Every task has its own scores, batches and (elementwise) optimiser state; one batched product serves all.

    Args:
        start: scores that every task starts from, for each weight float [*shape]; None draws them (`init_scores`).
        on_step: called as on_step(step, scores, loss [k]) before each update.
    """
    drawn = init_scores(net, tasks.numbers, seed) if start is None else _shared_start(start, len(tasks))
    scores = {name: as_gradients_come(values).requires_grad_(True) for name, values in drawn.items()}
    weights = {name: as_gradients_come(weight) for name, weight in net.weights().items()}
    optimizer, scheduler = make_optimizer(list(scores.values()), recipe)
    order = batch_order(tasks, recipe, seed)
    for step in range(recipe.steps):
        x, y = tasks.train_view.batch(order[:, step])  # [k, B, D], [k, B]
        loss = task_losses(net, weights, scores, keep, x, y)
        optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()
        if on_step is not None:
            on_step(step, scores, loss.detach())
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return {name: values.detach() for name, values in scores.items()}


def as_gradients_come(values: Tensor) -> Tensor:
    """Return a copy laid out in memory as the gradient of a matrix product is: the inputs of a layer first.

    Autograd computes x^T delta, [in, out], and hands on its transpose. Scores and weights of the same layout save a
    tenth of a step on the CPU, because nothing has to be reordered. Shape and values stay.
    """
    if values.ndim < 2:
        return values.clone()
    return values.detach().mT.clone(memory_format=torch.contiguous_format).mT


def task_losses(
    net: Network, weights: dict[str, Tensor], scores: Scores, keep: float | None, x: Tensor, y: Tensor
) -> Tensor:
    """Return the cross-entropy of each task's masked network, [k], differentiable in the scores.

    Args:
        weights: the network's weights, [*shape] each, in the memory layout of the scores.
        scores: for each weight float [k, *shape].
        x, y: images [k, B, D] and labels [k, B].
    """
    masked = {name: masked_weight(weights[name], values, keep) for name, values in scores.items()}
    logits = forward_tasks(net, masked, x)
    return F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none").view(y.shape).mean(1)


def batch_order(tasks: TaskSuite, recipe: Recipe, seed: int) -> Tensor:
    """Return which images each step sees: int64 [k, steps, batch], whole shuffled epochs, on the suite's device.

    The order of a task depends on (seed, task number) alone.
    """
    orders = []
    for number, size in zip(tasks.numbers, tasks.train_view.sizes, strict=True):
        draw = generator("batches", seed, number)
        wanted = recipe.steps * recipe.batch
        epochs = [draw.permutation(size) for _ in range(math.ceil(wanted / size))]
        orders.append(np.concatenate(epochs)[:wanted].reshape(recipe.steps, recipe.batch))
    return torch.from_numpy(np.stack(orders)).to(tasks.device)


def make_optimizer(parameters: list[Tensor], recipe: Recipe):
    """Return the recipe's optimiser of some tensors, and its schedule of the rate (None where it is constant)."""
    if recipe.optimizer == "rmsprop":
        optimizer = torch.optim.RMSprop(parameters, lr=recipe.lr)
    else:
        optimizer = torch.optim.Adam(parameters, lr=recipe.lr, fused=True)
    if not recipe.one_cycle:
        return optimizer, None
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.lr, total_steps=recipe.steps, cycle_momentum=False)
    return optimizer, schedule


def _watch(bar: tqdm, start: int, k: int, recipe: Recipe, on_step: Callable | None) -> Callable:
    """Return an on_step that moves the bar, which counts whole tasks, and passes the call on."""

    def watch(step: int, scores: Scores, loss: Tensor) -> None:
        bar.update(start + k * (step + 1) // recipe.steps - bar.n)
        if on_step is not None:
            on_step(step, scores, loss)

    return watch


def tasks_at_once(net: Network) -> int:
    """Return how many tasks to learn side by side: few on a CPU (its caches are small), many on a GPU."""
    if net.device.type == "cpu":
        return 4
    if net.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(net.device)
        return max(1, int(0.5 * free / (40 * net.num_weights)))  # some ten float copies of the weights for each task
    return 25


def _shared_start(start: Scores, k: int) -> Scores:
    return {name: values.expand(k, *values.shape).clone() for name, values in start.items()}


def _running_mean(mean: Scores | None, scores: Scores, seen: int) -> Scores:
    """Return the mean of the scores of all tasks so far: of `seen` before, and one more."""
    if mean is None:
        return {name: values[0].clone() for name, values in scores.items()}
    return {name: (mean[name] * seen + values[0]) / (seen + 1) for name, values in scores.items()}


def check_recipe(recipe: Recipe) -> None:
    """Raise unless the recipe can be followed."""
    if not isinstance(recipe, Recipe):
        raise TypeError(f"recipe must be a Recipe such as PAPER or DEFAULT, got {recipe!r}.")
    if recipe.optimizer not in ("rmsprop", "adam"):
        raise ValueError(f"recipe.optimizer must be 'rmsprop' or 'adam', got {recipe.optimizer!r}.")
    check_whole("recipe.steps", recipe.steps)
    check_whole("recipe.batch", recipe.batch)
    if isinstance(recipe.lr, bool) or not isinstance(recipe.lr, (int, float)):
        raise TypeError(f"recipe.lr must be a number, got {recipe.lr!r}.")
    if not 0 < recipe.lr < math.inf:
        raise ValueError(f"recipe.lr must be a positive rate, got {recipe.lr}.")


def check_whole(name: str, count: int) -> None:
    """Raise unless a count is a whole number of 1 or more."""
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {count!r}.")
    if count < 1:
        raise ValueError(f"{name} must be 1 or more, got {count}.")


def _check(net, tasks, keep, seed, recipe, masks, at_once, transfer) -> None:
    """Raise on arguments of `learn_masks` that make no sense, before any work is done."""
    if not isinstance(net, Network):
        raise TypeError(f"net must be a supsup_lite network such as lenet_300_100(), got {type(net).__name__}.")
    if not isinstance(tasks, TaskSuite):
        raise TypeError(
            f"tasks must be a suite such as permuted_mnist(), or a slice of one, got {type(tasks).__name__}."
        )
    if keep is not None:
        check_keep(keep)
    check_seed(seed)
    check_recipe(recipe)
    if at_once is not None:
        check_whole("at_once", at_once)
    if masks is not None and not isinstance(masks, MaskStore):
        raise TypeError(f"masks must be a MaskStore to go on with, got {type(masks).__name__}.")
    if net.outputs < tasks.num_classes:
        raise ValueError(f"{net!r} has fewer outputs than the tasks have classes ({tasks.num_classes}).")
    check_images(net, tasks[0].test.batch([0])[0])
    if masks is not None and masks.net.fingerprint() != net.fingerprint():
        raise ValueError(f"masks belong to {masks.net!r}, not to {net!r}: give a store of this network.")
    if masks is not None and len(masks) > len(tasks):
        raise ValueError(f"masks holds {len(masks)} masks already, more than there are tasks ({len(tasks)}).")
    if masks is not None and len(masks):
        given = {"keep": keep, "seed": seed, "recipe": asdict(recipe)}
        other = {name: masks.about[name] for name in given if masks.about.get(name, given[name]) != given[name]}
        if other:
            wanted = {name: given[name] for name in other}
            raise ValueError(f"masks were learned with {other}, now given {wanted}: go on alike, or start a new store.")
    if transfer and masks is not None and len(masks):
        raise ValueError("transfer starts from the mean of earlier scores, which a store does not hold: start afresh.")
