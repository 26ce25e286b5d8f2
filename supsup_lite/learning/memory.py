"""How much memory learning takes, and so how many tasks are learned side by side."""

import torch
from torch import Tensor, nn

from supsup_lite.devices import free_memory
from supsup_lite.networks.network import Network, check_network, unmasked
from supsup_lite.recipes import DEFAULT, Recipe, check_recipe


def tasks_at_once(net: Network, recipe: Recipe = DEFAULT) -> int:
    """Return how many tasks to learn side by side: as many as pay on the device, in at most half of its free memory.

    On a core four tasks at once save up to a third of the time, and eight no more (`make bench`). A GPU wants large
    products; 500 tasks give it milliseconds of work for each call, and an interruption costs no more than these.

    Raises:
        MemoryError: there is not the memory for one task.
        TypeError: net is no network, or recipe no recipe.
    """
    check_network(net)
    check_recipe(recipe)
    free, each = free_memory(net.device), bytes_a_task(net, recipe)
    if free < each:
        raise MemoryError(
            f"One task of {net!r} in batches of {recipe.batch} needs about {each / 2**20:.0f} MB, and {net.device} "
            f"has {free / 2**20:.0f} MB free. Free some memory, take a smaller batch or network, or another device."
        )
    return max(1, min({"cpu": 4, "cuda": 500}.get(net.device.type, 25), free // 2 // each))


def bytes_a_task(net: Network, recipe: Recipe) -> int:
    """Return about how many bytes of memory learning one task takes at the peak; tests/test_learning.py measures it.

    Floats of 4 bytes: 8 a weight (score, W * M, its gradient and the score's, up to two of the optimiser's state, two
    for a moment); 3 a pixel of a batch; 6 a unit and image (before and after its function, both gradients, and as much
    for a moment). An index of 4 bytes for each image of each step.
    """
    check_network(net)
    check_recipe(recipe)
    floats = 8 * net.num_weights + recipe.batch * (3 * net.inputs + 6 * _units(net))
    return 4 * (floats + recipe.batch * recipe.steps)


@torch.no_grad()
def _units(net: Network) -> int:
    """Return how many numbers all masked layers give out for one image, found by running two (batch norm needs two)."""
    sizes = []

    def apply(name: str, layer: nn.Module, h: Tensor) -> Tensor:
        z = unmasked(name, layer, h)
        sizes.append(z[0].numel())
        return z

    where = next(iter(net.weights().values())).device
    net(torch.zeros(2, net.inputs, dtype=torch.float32, device=where), apply)
    return sum(sizes)
