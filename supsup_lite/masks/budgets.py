"""How many weights each layer keeps: one density for all layers, a budget shared out, or none (the threshold at 0).

"er:0.08" keeps 8 % of all weights, shared out as in an Erdos-Renyi random graph: layer l keeps epsilon (n_in + n_out)
of its n_in n_out weights (times the places of its kernel), so that small layers stay dense and large ones become sparse
(Mocanu et al. 2018, for convolutions Evci et al. 2020). No layer keeps more than half, where there are most masks to
choose from, unless the whole does. SupSup's runs on conv nets give epsilon itself: 4, 8 and 16 on ResNet-50 are
"er:0.0087", "er:0.0172" and "er:0.0339".
"""

import functools
import math
from collections.abc import Sequence

from supsup_lite.checks import check_keep
from supsup_lite.networks.network import Network, check_network

Keep = float | str | None  # a density, "er:" and a density, or None: the threshold at 0
ER = "er:"
MOST = 0.5  # share of a layer that a shared budget may keep


def check_budget(keep: Keep) -> Keep:
    """Return what `keep` means, as a float, a text or None.

    Raises:
        TypeError, ValueError: it is no density in 0..1, nor "er:" with one.
    """
    if keep is None:
        return None
    if not isinstance(keep, str):
        return check_keep(keep)
    expected = "keep must be a number in 0..1, the share of weights to keep, or such as 'er:0.08', of the whole network"
    if not keep.startswith(ER):
        raise TypeError(f"{expected}, got {keep!r}.")
    try:
        return f"{ER}{check_keep(float(keep.removeprefix(ER)))}"
    except ValueError:
        raise ValueError(f"{expected}, got {keep!r}.") from None


def layer_budgets(net: Network, keep: Keep) -> dict[str, float | None]:
    """Return the density of each weight tensor of a network, by name; None is the threshold at 0.

    Raises:
        TypeError, ValueError: net is no network, or keep no budget.
    """
    check_network(net)
    keep = check_budget(keep)
    shapes = {name: tuple(weight.shape) for name, weight in net.weights().items()}
    if not isinstance(keep, str):
        return dict.fromkeys(shapes, keep)
    densities = erdos_renyi(tuple(shapes.values()), float(keep.removeprefix(ER)))
    return dict(zip(shapes, densities, strict=True))


@functools.lru_cache
def erdos_renyi(shapes: Sequence[tuple[int, ...]], density: float) -> tuple[float, ...]:
    """Return the density of layers of these shapes [out, in, ...] that together keep the share `density`.

    Each keeps epsilon (in + out) weights, at most half of them; epsilon is such that the sum is right. Where the whole
    keeps more than half, every layer keeps the same share. Masks over units, [units], are taken as layers of one input.
    """
    most = max(MOST, density)
    sizes = [math.prod(shape) for shape in shapes]
    links = [shape[0] + (shape[1] if len(shape) > 1 else 1) for shape in shapes]
    left, kept = density * sum(sizes), [0.0] * len(shapes)
    free = sorted(range(len(shapes)), key=lambda i: sizes[i] / links[i])  # those that fill up first come first
    while free:
        epsilon = left / sum(links[i] for i in free)
        first = free[0]
        if epsilon * links[first] <= most * sizes[first]:
            for i in free:
                kept[i] = epsilon * links[i]
            break
        kept[first] = most * sizes[first]
        left -= kept[first]
        free = free[1:]
    return tuple(min(1.0, amount / size) for amount, size in zip(kept, sizes, strict=True))
