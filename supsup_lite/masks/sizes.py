"""What the masks of a store keep, and what they cost: in memory, at least, and in the paper's format."""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.masks.bits import binary_entropy, packed_bytes
from supsup_lite.networks.network import Network


class Sizes(ABC):
    """The counts of a store of k masks, from their packed bits."""

    @property
    @abstractmethod
    def net(self) -> Network:
        """The network that the masks belong to."""

    @property
    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every masked weight."""

    @abstractmethod
    def packed(self, name: str) -> Tensor:
        """Return the packed masks of one weight: uint8 [k, bytes]."""

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    def nbytes(self) -> int:
        """Bytes of all masks in memory: packed, one bit a weight, and the statistics of batch norm."""
        return len(self) * self.bytes_each

    @property
    def bytes_each(self) -> int:
        """Bytes of one mask in memory, its statistics of batch norm included."""
        return sum(packed_bytes(math.prod(shape)) for shape in self.shapes.values()) + self.statistics_bytes_each

    @property
    def statistics_bytes_each(self) -> int:
        """Bytes of one task's statistics of batch norm: mean and variance of each channel, 4 bytes each."""
        return 8 * sum(self.net.norms().values())

    @isolated
    def kept(self) -> dict[str, Tensor]:
        """Return how many weights each mask keeps: for each weight tensor int64 [k]."""
        ones = torch.tensor([byte.bit_count() for byte in range(256)], device=self.net.device)
        few = {name: self.packed(name).split(64) for name in self.shapes}  # at a time: each look-up takes 8 bytes
        return {name: torch.cat([ones[rows.int()].sum(1) for rows in parts]) for name, parts in few.items()}

    @property
    @isolated
    def density(self) -> Tensor:
        """The share of weights that each mask keeps, over all layers: float [k]."""
        return sum(self.kept().values()).float() / self.net.num_weights

    @property
    def entropy_bytes(self) -> float:
        """Bytes below which no code can go that knows only each layer's density: H2(density) bits a weight.

        The statistics of batch norm come on top, as they are.
        """
        bits = 0.0
        for name, kept in self.kept().items():
            n = math.prod(self.shapes[name])
            bits += float((n * binary_entropy(kept.cpu().double() / n)).sum())  # mps has no double
        return bits / 8 + len(self) * self.statistics_bytes_each

    @property
    def csc_bytes(self) -> int:
        """Bytes of all masks as the paper keeps them: scipy's compressed sparse columns with 16-bit indices.

        Counted are 2 bytes for the row of each kept weight, and 4 bytes for where each column begins and the last ends
        (a layer may keep more than 65,535 weights). Values are not counted: of a mask they are all 1. A layer is a
        matrix of output x the rest, so that of a convolution has a column for each input channel and place. The
        statistics of batch norm come on top, as they are.
        """
        columns = sum(math.prod(shape[1:]) + 1 for shape in self.shapes.values())
        masks = 2 * sum(int(kept.sum()) for kept in self.kept().values()) + 4 * columns * len(self)
        return masks + len(self) * self.statistics_bytes_each
