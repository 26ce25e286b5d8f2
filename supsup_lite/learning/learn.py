"""Learning masks: gradient descent on scores, through the mask, for many tasks at once (SupSup, "Preliminaries")."""

import warnings
from collections.abc import Callable, Iterator

import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_function, check_seed, check_whole
from supsup_lite.data.batches import batch_order
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.learning.memory import tasks_at_once
from supsup_lite.learning.optimizers import as_gradients_come, as_it_lies, descend
from supsup_lite.learning.statistics import task_statistics
from supsup_lite.masks.apply import forward_tasks
from supsup_lite.masks.budgets import Keep, check_budget, layer_budgets
from supsup_lite.masks.edge_popup import Scores, init_scores, masked_weight, masks_of
from supsup_lite.masks.fits import check_fits
from supsup_lite.masks.origin import Learned
from supsup_lite.masks.statistics import TaskMask
from supsup_lite.masks.store import MaskStore
from supsup_lite.masks.weights import check_learnable
from supsup_lite.networks.network import Network
from supsup_lite.recipes import DEFAULT, Recipe, check_recipe


@isolated
def learn_masks(
    net: Network,
    tasks: TaskSuite,
    keep: Keep = None,
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
        keep: the density of edge-popup, in 0..1 for every layer, or "er:0.08" for 8 % of the whole network, shared out
            by the size of layers (`masks.budgets`); None keeps the weights with score >= 0.
        seed: for the scores' start and the order of the batches.
        recipe: how to train; `PAPER` is the paper's for MNIST, `DEFAULT` is faster and as good (see lesson 02).
        masks: a store to go on with: its masks must be those of the first len(masks) tasks, which are skipped, and
            how they were learned (`masks.learned`) must be what is given.
        at_once: how many tasks to learn side by side; None chooses by device and free memory (`tasks_at_once`). The
            result does not depend on it.
        transfer: start the scores of a task from the mean of all scores learned before (SupSup, "Scenario GG"),
            one task after the other.
        progress: show a bar.
        on_step: called as on_step(step, scores, loss [k]) before each update, for lessons that watch.

    Returns:
        The store `masks`, or a new one, with one mask for each task.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
        MemoryError: at_once is None, and the device has not the memory for one task.
    """
    store = _store(net, tasks, keep, seed, recipe, masks, at_once, transfer, on_step)
    try:
        _learn_rest(store, net, tasks, at_once, progress, on_step)
    except KeyboardInterrupt:
        go_on = "Call learn_masks again with masks=<this store> to go on."
        if transfer:
            go_on = "The mean of their scores is lost, so transfer cannot go on from here."
        warnings.warn(f"Interrupted: {len(store)} of {len(tasks)} tasks are learned and kept. {go_on}", stacklevel=3)
    return store


@isolated
def learn_all_masks(
    net: Network,
    tasks: TaskSuite,
    keep: Keep = None,
    seed: int = 0,
    *,
    recipe: Recipe = DEFAULT,
    masks: MaskStore | None = None,
    transfer: bool = False,
    progress: bool = False,
    on_step: Callable[[int, Scores, Tensor], None] | None = None,
) -> MaskStore:
    """Return the store of `learn_masks`, but never with fewer masks than tasks: an interrupt is let out.

    This is for experiments and explorers, which can do nothing with some of the masks. A store that is given (`masks`)
    has those that were finished.

    Raises:
        KeyboardInterrupt: learning was interrupted.
        TypeError, ValueError, MemoryError: as in `learn_masks`.
    """
    store = _store(net, tasks, keep, seed, recipe, masks, None, transfer, on_step)
    _learn_rest(store, net, tasks, None, progress, on_step)
    return store


def _store(net, tasks, keep, seed, recipe, masks, at_once, transfer, on_step) -> MaskStore:
    """Return the store to fill: `masks`, or a new one; raise on arguments that make no sense, before any work."""
    learned = _check(net, tasks, keep, seed, recipe, masks, at_once, transfer, on_step)
    store = masks if masks is not None else MaskStore(net)
    store.learned = learned
    store.reserve(len(tasks))
    return store


def _learn_rest(store: MaskStore, net: Network, tasks: TaskSuite, at_once: int | None, progress: bool, on_step) -> None:
    """Learn the masks that a store lacks, as its `learned` says: whatever ends it, what is finished lies in the store.

    Arguments are those of `learn_masks`.
    """
    keep, recipe, seed, transfer = (getattr(store.learned, name) for name in ("keep", "recipe", "seed", "transfer"))
    width = 1 if transfer else at_once or tasks_at_once(net, recipe)
    mean_scores: Scores | None = None
    done = len(store)
    bar = tqdm(total=len(tasks), initial=done, desc="learning masks", unit="task", disable=not progress, leave=False)
    with bar:
        for start in range(done, len(tasks), width):
            part = tasks[start : start + width]
            watch = _watch(bar, start, len(part), recipe, on_step)
            scores = learn_scores(net, part, keep, seed, recipe, mean_scores, watch)
            budgets = layer_budgets(net, keep)
            bits = {name: masks_of(values.detach(), budgets[name]) for name, values in scores.items()}
            statistics = task_statistics(net, bits, task_batches(part, recipe, seed))
            store.extend(TaskMask(bits, statistics), part.identities)
            if transfer:
                mean_scores = _running_mean(mean_scores, scores, start)
            del scores, bits  # before the next ones are drawn: the peak is that of one part, whatever k is


@isolated
def learn_scores(
    net: Network,
    tasks: TaskSuite,
    keep: Keep,
    seed: int,
    recipe: Recipe = DEFAULT,
    start: Scores | None = None,
    on_step: Callable[[int, Scores, Tensor], None] | None = None,
) -> Scores:
    """Train the scores of k tasks side by side: for each weight of the network float [k, *shape].

    Every task has its own scores, batches and (elementwise) optimiser state; one batched product serves all.

    What bounds a step: the products take 6 operations a weight and image (4 in the first layer), 1.2 million an image
    for LeNet 300-100, and on a CPU some two thirds of the time: arithmetic. The rest (mask, product with W and its
    gradient, optimiser) reads and writes, counted, 64 bytes a weight with Adam and 80 with RMSprop: memory.

    Args:
        start: scores that every task starts from, for each weight float [*shape]; None draws them (`init_scores`).
        on_step: called as on_step(step, scores, loss [k]) before each update; each score has its gradient in `grad`.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    check_learnable(net, tasks)
    check_budget(keep)
    check_recipe(recipe)
    drawn = init_scores(net, tasks.numbers, seed) if start is None else _shared_start(start, len(tasks))
    frozen = net.weights()
    scores = {name: as_gradients_come(values, frozen[name]) for name, values in drawn.items()}
    del drawn
    # The same memory in its own order: Adam's fused kernel would copy what is not contiguous, there and back.
    leaves = {name: as_it_lies(values, frozen[name]).detach().requires_grad_(True) for name, values in scores.items()}
    weights = {name: as_gradients_come(weight, weight) for name, weight in frozen.items()}

    def backward(x: Tensor, y: Tensor) -> Tensor:
        turned = {name: as_it_lies(leaf, frozen[name]) for name, leaf in leaves.items()}
        loss = task_losses(net, weights, turned, keep, x, y)
        loss.sum().backward(inputs=list(leaves.values()))  # alone: the network gets no gradient, either
        return loss.detach()

    def watch(step: int, loss: Tensor) -> None:
        for name, leaf in leaves.items():
            scores[name].grad = as_it_lies(leaf.grad, frozen[name])
        on_step(step, scores, loss)
        for values in scores.values():
            values.grad = None  # or its memory is held through the next pass

    batches = task_batches(tasks, recipe, seed)
    descend(list(leaves.values()), recipe, batches, backward, watch if on_step is not None else None)
    return scores


def task_losses(net: Network, weights: dict[str, Tensor], scores: Scores, keep: Keep, x: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy of each task's masked network, [k], differentiable in the scores.

    Args:
        weights: the network's weights, [*shape] each, in the memory layout of the scores.
        scores: for each weight float [k, *shape].
        x, y: images [k, B, D] and labels [k, B].
    """
    budgets = layer_budgets(net, keep)
    masked = {name: masked_weight(weights[name], values, budgets[name]) for name, values in scores.items()}
    return losses(net, masked, x, y)


def losses(net: Network, weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy of each of k networks, [k]: weights [k, *shape], images [k, B, D], labels [k, B]."""
    return cross_entropies(forward_tasks(net, weights, x), y)


def cross_entropies(logits: Tensor, y: Tensor) -> Tensor:
    """Return the mean cross-entropy of each task, [k], of logits [k, B, outputs] and labels [k, B]."""
    return F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none").view(y.shape).mean(1)


def task_batches(tasks: TaskSuite, recipe: Recipe, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches of `learn_masks`: images [k, B, D] and labels [k, B], one of each task a step."""
    return tasks.train_view.batches(batch_order(tasks, recipe.steps, recipe.batch, seed))


def _watch(bar: tqdm, start: int, k: int, recipe: Recipe, on_step: Callable | None) -> Callable:
    """Return an on_step that moves the bar, which counts whole tasks, and passes the call on."""

    def watch(step: int, scores: Scores, loss: Tensor) -> None:
        bar.update(start + k * (step + 1) // recipe.steps - bar.n)
        if on_step is not None:
            on_step(step, scores, loss)

    return watch


def _shared_start(start: Scores, k: int) -> Scores:
    return {name: values.expand(k, *values.shape).clone() for name, values in start.items()}


def _running_mean(mean: Scores | None, scores: Scores, seen: int) -> Scores:
    """Return the mean of the scores of all tasks so far: of `seen` before, and one more."""
    if mean is None:
        return {name: values[0].clone() for name, values in scores.items()}
    return {name: (mean[name] * seen + values[0]) / (seen + 1) for name, values in scores.items()}


def _check(net, tasks, keep, seed, recipe, masks, at_once, transfer, on_step) -> Learned:
    """Return how masks will be learned; raise on arguments of `learn_masks` that make no sense, before any work."""
    check_learnable(net, tasks)
    check_budget(keep)
    check_seed(seed)
    check_recipe(recipe)
    if at_once is not None:
        check_whole("at_once", at_once)
    if on_step is not None:
        check_function("on_step", on_step)
    if masks is not None and not isinstance(masks, MaskStore):
        raise TypeError(f"masks must be a MaskStore to go on with, got {type(masks).__name__}.")
    learned = Learned(tasks.num_classes, keep, recipe, seed, transfer)
    if masks is None:
        return learned
    check_fits(net, masks)
    if len(masks) > len(tasks):
        raise ValueError(f"masks holds {len(masks)} masks already, more than there are tasks ({len(tasks)}).")
    if len(masks):
        _check_first(net, masks, tasks[: len(masks)], learned)
    return learned


def _check_first(net: Network, masks: MaskStore, first: TaskSuite, learned: Learned) -> None:
    """Raise unless masks can be gone on with: they are those of the first tasks, in their order, learned alike."""
    positions = check_fits(net, masks, first)
    for i, position in enumerate(positions):
        if position != i:
            raise ValueError(
                f"mask {i} of the store belongs to {masks.identities[i]}, but task {i} given is {first.identities[i]}: "
                "give the tasks in the order of the masks, then those to learn."
            )
    if learned.transfer:
        raise ValueError("transfer starts from the mean of earlier scores, which a store does not hold: start afresh.")
    before, now = masks.learned.differences(learned) if masks.learned else ({}, {})
    if before:
        raise ValueError(f"masks were learned with {before}, now given {now}: go on alike, or start a new store.")
