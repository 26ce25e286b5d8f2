"""Masks in memory, one bit a weight and task, and how they are read: packed, or unpacked by chunk."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.data.tasks import TaskIdentity
from supsup_lite.masks.bits import packed_bytes, unpack_bits, unpack_floats
from supsup_lite.masks.sizes import Sizes
from supsup_lite.masks.statistics import TaskMask, are_known, unknown_statistics
from supsup_lite.networks.batch_norm import Statistics
from supsup_lite.networks.network import Network


class PackedMasks(Sizes):
    """The masks of one network as a `MaskStore` holds them, eight weights a byte, to be read.

    Args:
        net: the network that the masks belong to.
    """

    def __init__(self, net: Network):
        self._net, self._fingerprint = net, net.fingerprint()
        self._shapes = {name: tuple(weight.shape) for name, weight in net.weights().items()}
        self._packed = {  # name -> uint8 [capacity, bytes]
            name: torch.empty(0, packed_bytes(math.prod(shape)), dtype=torch.uint8, device=net.device)
            for name, shape in self._shapes.items()
        }
        self._statistics = unknown_statistics(net, 0)  # name of a norm -> float32 [capacity, 2, channels]
        self._identities: list[TaskIdentity | None] = []  # as many as there are masks

    @property
    def net(self) -> Network:
        """The network that the masks belong to."""
        return self._net

    @property
    def fingerprint(self) -> str:
        """That of the network when the store was made: whoever changes its weights later has another network."""
        return self._fingerprint

    @property
    def identities(self) -> tuple[TaskIdentity | None, ...]:
        """Which task each mask belongs to; None where that is not known, as of a mask that was appended by hand."""
        return tuple(self._identities)

    def __len__(self) -> int:
        return len(self._identities)

    def packed(self, name: str) -> Tensor:
        """Return the packed masks of one weight: uint8 [k, ceil(n / 8)], bit j of byte i is weight 8 i + j."""
        return self._packed[name][: len(self)]

    @property
    def statistics(self) -> Statistics | None:
        """What batch norm uses for each task: for each norm float32 [k, 2, channels], its means and its variances.

        None where the network has no such norm, or the statistics of one of the masks are not known.
        """
        rows = {name: values[: len(self)] for name, values in self._statistics.items()}
        return rows if rows and are_known(rows).all() else None

    @isolated
    def chunk(self, start: int, stop: int) -> TaskMask:
        """Return the masks of tasks start..stop-1 unpacked: for each weight bool [stop - start, *shape].

        They bring the statistics of their tasks, as NaN where these are not known.
        """
        bits = {
            name: unpack_bits(self.packed(name)[start:stop], math.prod(shape)).unflatten(1, shape)
            for name, shape in self._shapes.items()
        }
        statistics = {name: values[: len(self)][start:stop] for name, values in self._statistics.items()}
        return TaskMask(bits, statistics or None)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every masked weight."""
        return self._shapes

    def chunks(self, name: str, room: int = 2**18, dtype: torch.dtype = torch.bool) -> Iterator[tuple[int, Tensor]]:
        """Yield (start, masks start.. of one weight [c, *shape]), as bools or as 0.0 and 1.0: c of `room` weights."""
        n = math.prod(self._shapes[name])
        width = max(1, room // n)
        for start in range(0, len(self), width):
            rows = self.packed(name)[start : start + width]
            bits = unpack_bits(rows, n) if dtype == torch.bool else unpack_floats(rows, dtype)[:, :n]
            yield start, bits.unflatten(1, self._shapes[name])
