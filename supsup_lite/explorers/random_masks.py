"""The explorer of random masks: what a mask is, and how far luck gets, before anybody learns one (lesson 01)."""

from collections.abc import Sequence

import numpy as np
import torch
import traitlets
from torch import Tensor

from supsup_lite.data.tasks import TaskSuite
from supsup_lite.explorers.base import Explorer, in_range, module
from supsup_lite.explorers.mask_numbers import SIDE, accuracy_under, check_sparsities, shapes_of, whole_percentage
from supsup_lite.masks.bits import pack_bits
from supsup_lite.networks.network import Network
from supsup_lite.plots import svg_of
from supsup_lite.plots.luck import masks_at_density
from supsup_lite.seeding import generator

SPARSITIES = (0, 5, *range(10, 100, 10), 95, 100)
IMAGES = 500  # of the test set, to measure accuracy
TRIES = 20


class RandomMasks(Explorer):
    """Throw masks at a network that nobody trained: move the sparsity, try again, and see how little luck helps.

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

    sparsity = traitlets.Int(50).tag(sync=True)
    attempt = traitlets.Int().tag(sync=True)
    layer = traitlets.Int().tag(sync=True)
    shapes = traitlets.List().tag(sync=True)
    accuracies = traitlets.Dict().tag(sync=True)
    signs = traitlets.Bytes().tag(sync=True)
    removed_at = traitlets.Bytes().tag(sync=True)

    def __init__(self, net: Network, tasks: TaskSuite, sparsities: Sequence[int] = SPARSITIES, **traits):
        shapes = shapes_of(net)
        traits = {"sparsity": 50 if 50 in sparsities else next(iter(sparsities), None)} | traits
        check_sparsities(sparsities, traits["sparsity"])
        self._net, self._task = net, tasks[:1]
        first, *_, final = net.weights().values()
        signs = torch.cat([pack_bits((part > 0).flatten()[None])[0] for part in (first[0], final)])
        accuracies, rows = {str(own): [] for own in sparsities}, []
        for attempt in range(TRIES):
            thrown = ranks(net, attempt)
            rows.append(removed_at(thrown))
            for own in sparsities:
                accuracies[str(own)].append(self._accuracy(thrown, own))
        super().__init__(
            shapes=shapes,
            accuracies=accuracies,
            signs=signs.cpu().numpy().tobytes(),
            removed_at=torch.cat(rows).numpy().tobytes(),
            **traits,
        )

    @traitlets.validate("sparsity", "attempt", "layer")
    def _in_range(self, proposal):
        return in_range(proposal, 0, {"sparsity": 100, "attempt": TRIES - 1, "layer": 1}[proposal["trait"].name])

    def _accuracy(self, thrown: dict[str, Tensor], sparsity: int) -> float:
        """Return the accuracy of one try at one sparsity."""
        device = self._net.device
        mask = {name: (rank < kept_of(rank.numel(), sparsity)).to(device) for name, rank in thrown.items()}
        return accuracy_under(self._net, mask, self._task, IMAGES)

    def draw_still(self) -> str:
        found = torch.tensor(self.accuracies[str(self.sparsity)])
        rows = torch.frombuffer(bytearray(self.removed_at), dtype=torch.uint8).view(TRIES, -1)
        kept = (rows[self.attempt, : SIDE**2] > self.sparsity).view(SIDE, SIDE)
        title = f"sparsity {self.sparsity} %: mean {found.mean():.1%}"
        alt = f"Twenty random masks of sparsity {self.sparsity} % have a mean accuracy of {found.mean():.1%}."
        return svg_of(masks_at_density(kept, found, title), alt)

    def learn(self, wanted: dict) -> None:
        sparsity = whole_percentage(wanted["sparsity"])
        found = []
        for attempt in range(TRIES):
            found.append(self._accuracy(ranks(self._net, attempt), sparsity))
            self.tell((attempt + 1) / TRIES)
        self.accuracies = self.accuracies | {str(sparsity): found}


def ranks(net: Network, attempt: int) -> dict[str, Tensor]:
    """Return the place of each weight among those of its layer in one throw, int64 of its shape on the CPU.

    `random_mask` keeps the largest of the numbers it draws for a layer, so the mask that keeps n of them is ranks < n.
    """
    found = {}
    for name, weight in net.weights().items():
        drawn = generator(f"random mask of {name}", 0, attempt).random(tuple(weight.shape), dtype=np.float32).ravel()
        rank = np.empty(drawn.size, dtype=np.int64)
        rank[np.argsort(-drawn, kind="stable")] = np.arange(drawn.size)
        found[name] = torch.from_numpy(rank).view(weight.shape)
    return found


def kept_of(size: int, sparsity: int) -> int:
    """Return how many weights of a layer are kept at a sparsity in percent."""
    return round((100 - sparsity) / 100 * size)


def removed_at(thrown: dict[str, Tensor]) -> Tensor:
    """Return the smallest whole sparsity, in percent, at which a throw removes an edge: uint8 [edges shown].

    Shown are the first unit of the first layer, and then the last layer.
    """
    rows = []
    for rank in (next(iter(thrown.values())), list(thrown.values())[-1]):
        kept = torch.tensor([kept_of(rank.numel(), sparsity) for sparsity in range(101)])
        rows.append(torch.searchsorted(-kept, -rank.flatten()).byte())  # the first that keeps no more than rank
    return torch.cat([rows[0][: SIDE**2], rows[1]])
