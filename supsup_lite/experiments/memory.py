"""Whether there is the memory for a run, before anything of it is made."""

from collections.abc import Callable

import torch

from supsup_lite.devices import free_memory
from supsup_lite.experiments.settings import NETWORKS, NetworkSettings
from supsup_lite.learning.memory import bytes_a_task
from supsup_lite.networks.network import Network
from supsup_lite.recipes import Recipe


def check_memory_of_run(settings: NetworkSettings, recipe: Recipe, where: torch.device) -> None:
    """Raise MemoryError unless a device has the memory for the network, its masks, and learning one task.

    Nothing of the kind is made for that: all these bytes grow by the same amount with each output neuron.
    """
    networks_of = [NETWORKS[settings.network](outputs=outputs, seed=settings.seed, device="cpu") for outputs in (2, 3)]

    def of_all_outputs(count: Callable[[Network], int]) -> int:
        two, three = map(count, networks_of)
        return two + (settings.outputs - 2) * (three - two)

    weights, learning = of_all_outputs(lambda net: net.num_weights), of_all_outputs(lambda n: bytes_a_task(n, recipe))
    masks, free = settings.tasks * weights // 8, free_memory(where)
    if 4 * weights + masks + learning > free:
        raise MemoryError(
            f"{settings.tasks} masks of {weights:,} weights take {masks / 2**20:,.0f} MB, the network "
            f"{4 * weights / 2**20:,.0f} MB, and learning one task in {recipe.steps} batches of {recipe.batch} images "
            f"{learning / 2**20:,.0f} MB, but {where} has {free / 2**20:,.0f} MB free: ask for fewer tasks, outputs or "
            "steps."
        )
