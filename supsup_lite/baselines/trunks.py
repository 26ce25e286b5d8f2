"""Trunks: the part of a network that tasks share, random or trained in the first task."""

from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.baselines.dense import OnStep, train_dense
from supsup_lite.data.tasks import TaskSuite, check_suite
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
    check_suite(tasks)
    return {name: values[0] for name, values in train_dense(net, tasks[:1], seed, recipe, on_step).items()}


def check_trunk(net: Network, trunk: Weights | None, but: str | None = None) -> Weights:
    """Return the weights to build on: those given, and the network's own where none are.

    Args:
        trunk: float [*shape] for each weight of the network; None or {} where nothing is kept but its seed.
        but: a weight that may be left out.

    Raises:
        TypeError: it is no dict of tensors.
        ValueError: others are left out, or they are of another network.
    """
    weights = {name: weight.detach() for name, weight in net.weights().items()}
    if trunk is None or trunk == {}:
        return weights
    if not isinstance(trunk, dict) or not all(isinstance(values, Tensor) for values in trunk.values()):
        raise TypeError(f"a trunk is a dict of float tensors by weight name, got {type(trunk).__name__}.")
    given = {name: tuple(values.shape) for name, values in trunk.items()}
    wanted = {name: tuple(weight.shape) for name, weight in weights.items()}
    if given | ({} if but is None else {but: wanted[but]}) != wanted:
        raise ValueError(f"a trunk must hold all weights of {net!r}, {wanted}, got {given}.")
    return weights | trunk
