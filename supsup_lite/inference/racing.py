"""Racing: the choice of One-Shot from few of the bits, and from more of them only where the race is close.

Every mask starts. In each round more units are asked, those first that say most a bit, and only the masks that are
still in the race are read. A mask is out when it lies so far behind that what is unread will hardly make up for it:
`LEAD` standard deviations of the difference, if the unread bits of two masks were drawn by the shares of all masks.
Who is alone has won; if the race goes on to the last bit, the scores are those of One-Shot.

Bits are not independent, above all where tasks are alike. So some units of each layer are read in the first round, and
where masks vary more there than foreseen, so does what is unread. A race that is close for that reason, or because
nothing speaks for any mask, is noticed and costs more: an eighth of the bits for permuted tasks, a third to a half for
rotated and split ones. Of 5,000 images of 250 permutations (s = 100), 1 was given another mask than by One-Shot, and 4
by the objective G. Where One-Shot itself is unsure it is more: 1 of 256 for s = 25, 54 of 5,000 for 2,500 masks that
had learned for 50 small batches (data/results/votes.json and racing_learned.json).

The name and the idea are those of Maron and Moore ("Hoeffding Races", NIPS 1993); in the bandit literature it is
successive elimination. What is new is the order, and that it is known beforehand how much each unread unit can say.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from supsup_lite.inference.votes import LayerVotes, Objective, votes_of
from supsup_lite.masks.bits import unpack_floats
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.network import Network

ROUNDS = (1 / 8, 1 / 4, 1)  # shares of all bits that are read by the end of each round
LEAD = 2.5  # standard deviations
FIRST_LAYER = 16  # how many times its spread a unit of the first layer counts: what tells tasks apart is said there
COMPANY = 1 / 16  # share of the images that must ask for a unit in the first round, or else it waits for the second
SAMPLE = 4  # units of each layer that are read in the first round in any case, to see how its votes vary
LEAST = 64  # masks: of fewer everything is read at once
ALONE = 8  # images: of more, with fewer masks, One-Shot itself costs less
UNPACK = 8  # what it costs to unpack a bit, in multiplications
ROOM = 2**19  # floats unpacked at once


def pays(masks: int, images: int) -> bool:
    """Return whether a race can cost less than One-Shot, which reads everything."""
    return masks >= LEAST or images <= ALONE


def race(net: Network, masks: MaskStore, x: Tensor, objective: Objective, together: bool) -> Tensor:
    """Return the position of the mask that wins for each image, long [B], or for all of them together, long [1].

    Args:
        objective: from logits [B, outputs] to one value for each image, [B].
    """
    if len(masks) == 1:
        return torch.zeros(1 if together else len(x), dtype=torch.long, device=x.device)
    return Race(masks, votes_of(net, masks, x, objective, together)).run()


class Race:
    """One race for each image, side by side.

    Attributes:
        scores: the votes read so far, [B, k].
        alive: which masks are still in the race, bool [B, k].
        read: bits read so far for each image, [B].
    """

    def __init__(self, masks: MaskStore, layers: list[LayerVotes]):
        self._masks, self._layers = masks, layers
        spread = torch.cat([layer.spread for layer in layers], dim=1)
        images, k = len(spread), len(masks)
        self._spread = spread * 2 * k / (k - 1)  # of the difference of two masks, [B, units of all layers]
        self._bits = torch.cat([spread.new_full((layer.units,), layer.bits) for layer in layers])
        self._round = self._rounds() if k >= LEAST else torch.zeros_like(spread, dtype=torch.long)
        self.scores = spread.new_zeros(images, k)
        self.alive = torch.ones(images, k, dtype=torch.bool, device=spread.device)
        self.read = spread.new_zeros(images)

    def _rounds(self) -> Tensor:
        """Return in which round each unit is read for each image: long [B, units of all layers]."""
        worth = self._spread / self._bits
        worth[:, : self._layers[0].units] *= FIRST_LAYER
        order = worth.argsort(dim=1, descending=True, stable=True)
        before = self._bits[order].cumsum(1) - self._bits[order]  # bits read before this unit
        ends = torch.tensor(ROUNDS[:-1], device=order.device, dtype=before.dtype) * self._bits.sum()
        rounds = torch.empty_like(order).scatter_(1, order, torch.searchsorted(ends, before, right=True))
        first = rounds == 0  # read of all masks: a unit that few images ask for would be unpacked for them alone
        rounds += (first & (first.sum(0) < COMPANY * len(rounds))).long()
        for of_layer, spread in zip(self._by_layer(rounds), self._by_layer(self._spread), strict=True):
            of_layer[:, spread.mean(0).topk(min(SAMPLE, of_layer.shape[1])).indices] = 0
        return rounds

    def _by_layer(self, values: Tensor) -> tuple[Tensor, ...]:
        return values.split([layer.units for layer in self._layers], dim=1)

    def run(self) -> Tensor:
        """Race to the end, and return who has won: long [B]."""
        for number in range(len(ROUNDS)):
            racing = self.alive.sum(1, keepdim=True) > 1
            if not racing.any():
                break
            now = (self._round == number) & racing
            self.read += (now * self._bits * self.alive.sum(1, keepdim=True)).sum(1)
            shared = self._shared(now)
            for i, (layer, units) in enumerate(zip(self._layers, self._by_layer(now), strict=True)):
                before = self.scores.clone() if number == 0 else self.scores
                self._read(layer, units, shared)
                if number == 0:
                    self._mend(i, self.scores - before)
            self._drop(number)
        return self.scores.masked_fill(~self.alive, -torch.inf).argmax(1)

    def _mend(self, i: int, votes: Tensor) -> None:
        """Scale up the spread of a layer where its first votes, of all masks, [B, k], vary more than was foreseen.

        Bits of a mask are not independent. The median deviation is taken, which the winner does not move.
        """
        spread = self._by_layer(self._spread)[i]
        foreseen = (spread * (self._by_layer(self._round)[i] == 0)).sum(1)
        off = (votes - votes.median(1, keepdim=True).values).abs().median(1).values
        scale = 2 * (1.4826 * off) ** 2 / foreseen  # 1.4826 makes it a standard deviation; 2 as of a difference
        scale = torch.where(foreseen > 0, scale, torch.nan)  # nothing was said of these images: as of the others
        spread *= torch.where(scale.isnan(), scale.nanmedian(), scale).nan_to_num(1).clamp_min(1)[:, None]

    def _drop(self, number: int) -> None:
        """Drop the masks that lie too far behind."""
        unread = (self._spread * (self._round > number)).sum(1, keepdim=True)
        scores = self.scores.masked_fill(~self.alive, -torch.inf)
        rounding = 8 * torch.finfo(scores.dtype).eps * self.scores.abs().amax(1, keepdim=True)
        self.alive &= scores >= scores.amax(1, keepdim=True) - (LEAD * unread.sqrt() + rounding)

    def _shared(self, units: Tensor) -> Tensor:
        """Return which images to read all masks for, side by side, because that costs less: bool [B]."""
        k, left, asked = len(self._masks), self.alive.sum(1), (units * self._bits).sum(1)
        alone = left * (UNPACK + 1) * asked  # multiplications, for each image
        many = alone > k * asked
        together = k * (asked[many].sum() + UNPACK * (units[many].any(0) * self._bits).sum())
        return many & (alone[many].sum() > together)

    def _read(self, layer: LayerVotes, units: Tensor, shared: Tensor) -> None:
        """Add the votes of some units of one layer, bool [B, units]: to all masks of the images that share."""
        packed = self._masks.packed(layer.name)
        if shared.any():
            self._read_units(layer, packed, units & shared[:, None])
        for image in (units.any(1) & ~shared).nonzero().flatten().tolist():
            self._read_image(layer, packed, image, units[image].nonzero().flatten())

    def _read_units(self, layer: LayerVotes, packed: Tensor, units: Tensor) -> None:
        """Read units of one layer, bool [B, units], from all masks: each once for all images that ask for it."""
        wanted = units.sum(0).tolist()
        for unit, images in enumerate(units.T.nonzero()[:, 1].split(wanted)):
            if not len(images):
                continue
            votes = layer.of_unit(images, unit)
            first, offset = divmod(unit * layer.bits, 8)
            last = -(-(unit + 1) * layer.bits // 8)
            rows = packed[:, first:last].split(max(1, ROOM // (8 * (last - first))))
            bits = [unpack_floats(part, votes.dtype)[:, offset : offset + layer.bits] for part in rows]
            self.scores.index_add_(0, images, torch.cat([part @ votes.T for part in bits]).T)

    def _read_image(self, layer: LayerVotes, packed: Tensor, image: int, units: Tensor) -> None:
        """Read units of one layer, long [m], for one image from the masks in its race alone."""
        votes, rows = layer.of_image(image, units), _rows_of(packed, layer, units)
        if layer.bits % 8:  # a unit's bits begin within a byte
            at = (units * layer.bits % 8)[:, None] + torch.arange(layer.bits, device=units.device)
            votes = votes.new_zeros(len(units), 8 * _width(layer)).scatter_(1, at, votes)
        alive = self.alive[image].nonzero().flatten()
        for masks in alive.split(max(1, ROOM // votes.numel())):
            self.scores[image, masks] += unpack_floats(rows(masks), votes.dtype) @ votes.flatten()


def _width(layer: LayerVotes) -> int:
    """Return how many bytes hold a unit's bits, wherever in a byte they begin."""
    return -(-layer.bits // 8) + (layer.bits % 8 > 0)


def _rows_of(packed: Tensor, layer: LayerVotes, units: Tensor) -> Callable[[Tensor], Tensor]:
    """Return a function from masks, long [c], to the bytes that hold their bits of some units: [c, m * width]."""
    width = _width(layer)
    if layer.bits % 8 == 0 and packed.is_contiguous():  # whole bytes, which are copied unit by unit
        flat = packed.view(-1, width)
        return lambda masks: flat.index_select(0, (masks[:, None] * layer.units + units).flatten()).view(len(masks), -1)
    places = (units * layer.bits // 8)[:, None] + torch.arange(width, device=units.device)
    places = places.flatten().clamp_max(packed.shape[1] - 1)
    return lambda masks: packed[masks[:, None], places]
