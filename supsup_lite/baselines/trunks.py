"""Trunks: the part of a network that tasks share, random or trained in the first task."""

from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.baselines.dense import OnStep, train_dense
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.masks.weights import Weights
from supsup_lite.networks.network import Network
from supsup_lite.recipes import DEFAULT, Recipe


@isolated
def first_task_trunk(
    net: Network, tasks: TaskSuite, seed: int = 0, recipe: Recipe = DEFAULT, on_step: OnStep | None = None
) -> Weights:
    """Return the weights that the first task alone trained, float [*shape] each: a trunk for the tasks after it.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    return {name: values[0] for name, values in train_dense(net, tasks[:1], seed, recipe, on_step).items()}


def check_trunk(net: Network, trunk: Weights | None) -> Weights:
    """Return the weights to build on, the network's own where none are given; raise unless they are of its shape."""
    weights = net.weights()
    if trunk is None:
        return {name: weight.detach() for name, weight in weights.items()}
    wanted = {name: tuple(weight.shape) for name, weight in weights.items()}
    given = {name: tuple(values.shape) for name, values in trunk.items()} if isinstance(trunk, dict) else trunk
    if given != wanted or not all(isinstance(values, Tensor) for values in trunk.values()):
        raise ValueError(f"a trunk must hold all weights of {net!r}, {wanted}, got {given}.")
    return trunk
