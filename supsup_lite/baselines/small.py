"""What makes a network of a task's own small: weights of one byte, and weights pruned by their size."""

from dataclasses import replace
from itertools import islice

from supsup_lite.ambient import isolated
from supsup_lite.baselines.dense import train, train_through
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.learning.learn import task_batches
from supsup_lite.masks.apply import Mask, forward_tasks
from supsup_lite.masks.budgets import Keep, check_budget, layer_budgets
from supsup_lite.masks.edge_popup import masks_of
from supsup_lite.masks.weights import Weights, check_learnable, check_weights, initial_weights
from supsup_lite.networks.network import Network
from supsup_lite.recipes import DEFAULT, Recipe, check_recipe

LARGEST = 127  # of a signed byte


@isolated
def to_bytes(weights: Weights) -> Weights:
    """Return each weight rounded to a whole number in -127..127 times the scale of its task and layer: a byte each.

    The scale is the largest |weight| over 127, one float for each layer and task.

    Args:
        weights: float [k, *shape] each.

    Raises:
        TypeError: they are no such dict.
    """
    check_weights(weights)
    scales = {name: w.abs().flatten(1).amax(1).view(-1, *[1] * (w.ndim - 1)) / LARGEST for name, w in weights.items()}
    # A layer of zeros has the scale 0, and stays as it is.
    return {name: (w / scales[name].where(scales[name] > 0, 1)).round() * scales[name] for name, w in weights.items()}


@isolated
def train_pruned(
    net: Network, tasks: TaskSuite, keep: Keep, seed: int = 0, recipe: Recipe = DEFAULT
) -> tuple[Weights, Mask]:
    """Train a network for each of k tasks, prune it by magnitude, and train on what is left (Han et al. 2015).

    The images are those of `train_dense` with the same seed and recipe: half of the steps before pruning, half after,
    each half with the recipe's course of rates.

    Args:
        keep: as in `learn_masks`: the largest |weights| of each layer are kept. None keeps those that are 0 or more.

    Returns:
        the weights, float [k, *shape] each, 0 where they are pruned, and which are kept, bool [k, *shape] each.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together, or the recipe has one step only.
    """
    check_learnable(net, tasks)
    check_recipe(recipe)
    budgets = layer_budgets(net, check_budget(keep))
    before = recipe.steps // 2
    batches = task_batches(tasks, recipe, seed)
    weights = train(net, initial_weights(net, len(tasks)), islice(batches, before), replace(recipe, steps=before), None)
    kept = {name: masks_of(values, budgets[name]) for name, values in weights.items()}

    def pruned(weights: Weights) -> Weights:
        return {name: values * kept[name] for name, values in weights.items()}

    after = replace(recipe, steps=recipe.steps - before)
    return pruned(
        train_through(lambda weights, x: forward_tasks(net, pruned(weights), x), weights, batches, after)
    ), kept
