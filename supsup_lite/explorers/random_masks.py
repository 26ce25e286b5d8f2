"""The explorer of random masks: what a mask is, and how far luck gets, before anybody learns one (lesson 01)."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import traitlets
from torch import Tensor

from supsup_lite.data.tasks import TaskSuite
from supsup_lite.explorers.base import Explorer, limited, module
from supsup_lite.explorers.mask_numbers import SIDE, SparsityRequest, accuracy_under, check_sparsities, shapes_of
from supsup_lite.masks.bits import pack_bits
from supsup_lite.networks.network import Network
from supsup_lite.plots import svg_of
from supsup_lite.plots.luck import masks_at_density
from supsup_lite.seeding import generator

SPARSITIES = (0, 5, *range(10, 100, 10), 95, 100)
IMAGES = 500  # of the test set, to measure accuracy
TRIES = 20


class RandomMasks(Explorer):
    """Draw masks for a network that nobody trained: move the sparsity, try again, and see how little luck helps.

    It shows two parts of the network whole: the edges of one unit of the first layer, which are a picture, and the last
    layer. Of a try, masks of all sparsities are `random_mask(net, keep, seed=0, task=attempt)`. They lie within one
    another, so a byte for each edge, the sparsity from which on it is removed, holds them all.

    Args:
        net: the base network.
        tasks: a suite; its first task is read. Its images have 28 x 28 pixels.
        sparsities: percent of each layer's weights that are removed.

    Attributes:
        sparsity, attempt, layer: what is shown; layer 0 is the first one's unit, 1 the last layer.
        shapes: for each layer its name, outputs and inputs.
        accuracies: for each sparsity the accuracies of all tries.
        signs: the signs of the edges shown, a bit each: of the unit, then of the last layer, each in whole bytes.
        removed_at: uint8 [tries, edges shown], the smallest sparsity in percent that removes an edge.

    Raises:
        ValueError: a sparsity is not a whole percentage, or the images are of another size.
    """

    _esm = module("random_masks")
    heights = (1221, 1430, 765)
    Request = SparsityRequest

    sparsity = traitlets.Int(50).tag(sync=True)
    attempt = traitlets.Int().tag(sync=True)
    layer = traitlets.Int().tag(sync=True)
    shapes = traitlets.List().tag(sync=True)
    accuracies = traitlets.Dict().tag(sync=True)
    signs = traitlets.Bytes().tag(sync=True)
    removed_at = traitlets.Bytes().tag(sync=True)

    def __init__(self, net: Network, tasks: TaskSuite, sparsities: Sequence[int] = SPARSITIES, **traits):
        shapes = shapes_of(net, tasks)
        sparsities, shown = check_sparsities(sparsities, traits.pop("sparsity", None), usual=50)
        self._net, self._task = net, tasks[:1]
        first, *_, final = net.weights().values()
        signs = torch.cat([pack_bits((part > 0).flatten()[None])[0] for part in (first[0], final)])
        accuracies, rows = {str(sparsity): [] for sparsity in sparsities}, []
        for attempt in range(TRIES):
            ranks = ranks_of(net, attempt)
            rows.append(removed_at(ranks))
            for sparsity in sparsities:
                accuracies[str(sparsity)].append(self._accuracy(ranks, sparsity))
        super().__init__(
            shapes=shapes,
            accuracies=accuracies,
            signs=signs.cpu().numpy().tobytes(),
            removed_at=torch.cat(rows).numpy().tobytes(),
            sparsity=shown,
            **traits,
        )

    _limited = limited("sparsity", "attempt", "layer")

    def limits(self) -> dict[str, Sequence]:
        return {"sparsity": range(101), "attempt": range(TRIES), "layer": range(2)}

    def _accuracy(self, ranks: dict[str, Tensor], sparsity: int) -> float:
        """Return the accuracy of one try at one sparsity."""
        device = self._net.device
        mask = {name: (rank < kept_of(rank.numel(), sparsity)).to(device) for name, rank in ranks.items()}
        return accuracy_under(self._net, mask, self._task, IMAGES)

    def draw_still(self) -> str:
        accuracies = torch.tensor(self.accuracies[str(self.sparsity)], dtype=torch.float64, device="cpu")
        rows = torch.frombuffer(bytearray(self.removed_at), dtype=torch.uint8).view(TRIES, -1)
        kept = (rows[self.attempt, : SIDE**2] > self.sparsity).view(SIDE, SIDE)
        title = f"sparsity {self.sparsity} %: mean {accuracies.mean():.1%}"
        alt = f"Twenty random masks of sparsity {self.sparsity} % have a mean accuracy of {accuracies.mean():.1%}."
        return svg_of(masks_at_density(kept, accuracies, title), alt)

    def learn(self, request: SparsityRequest, tell: Callable[[float], None]) -> list[float]:
        accuracies = []
        for attempt in range(TRIES):
            accuracies.append(self._accuracy(ranks_of(self._net, attempt), request.sparsity))
            tell((attempt + 1) / TRIES)
        return accuracies

    def publish(self, request: SparsityRequest, result: list[float]) -> None:
        self.accuracies = self.accuracies | {str(request.sparsity): result}


def ranks_of(net: Network, attempt: int) -> dict[str, Tensor]:
    """Return the rank of each weight's random number among those of its layer, int64 of its shape on the CPU.

    `random_mask` keeps the largest of the numbers it draws for a layer, so the mask that keeps n of them is ranks < n.
    """
    ranks = {}
    for name, weight in net.weights().items():
        random = generator(f"random mask of {name}", 0, attempt).random(tuple(weight.shape), dtype=np.float32).ravel()
        rank = np.empty(random.size, dtype=np.int64)
        rank[np.argsort(-random, kind="stable")] = np.arange(random.size)
        ranks[name] = torch.from_numpy(rank).view(weight.shape)
    return ranks


def kept_of(size: int, sparsity: int) -> int:
    """Return how many weights of a layer are kept at a sparsity in percent."""
    return round((100 - sparsity) / 100 * size)


def removed_at(ranks: dict[str, Tensor]) -> Tensor:
    """Return the smallest whole sparsity, in percent, at which a try removes an edge: uint8 [edges shown].

    Shown are the first unit of the first layer, and then the last layer.
    """
    rows = []
    for rank in (next(iter(ranks.values())), list(ranks.values())[-1]):
        kept = torch.tensor([kept_of(rank.numel(), sparsity) for sparsity in range(101)], device=rank.device)
        rows.append(torch.searchsorted(-kept, -rank.flatten()).byte())  # the first that keeps no more than rank
    return torch.cat([rows[0][: SIDE**2], rows[1]])
