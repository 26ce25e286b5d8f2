"""The mask store: one bit a weight and task, packed in memory, and in a file that is checked byte by byte."""

import json
import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from supsup_lite.files import read_checked, write_checked
from supsup_lite.masks import Mask, check_mask
from supsup_lite.networks import Network

FORMAT = "supsup-lite masks"
VERSION = 1
REPAIR = "Save the masks again, or learn them again from their seed."


class MaskStore:
    """Masks of one network, in the order in which their tasks were learned.

    `store[3]` is a mask, `store[:5]` a store again (a view); `len`, iteration and `append` work as for a list.
    In memory and on disk a mask costs one bit a weight, eight weights a byte, each layer padded to a whole byte.

    Args:
        net: the network that the masks belong to.
        about: what to remember with the masks: how they were learned. Anything that JSON can hold.
    """

    def __init__(self, net: Network, about: dict[str, Any] | None = None):
        self._net = net
        self._shapes = {name: tuple(weight.shape) for name, weight in net.weights().items()}
        self._packed = {  # name -> uint8 [capacity, bytes]
            name: torch.empty(0, math.ceil(math.prod(shape) / 8), dtype=torch.uint8, device=net.device)
            for name, shape in self._shapes.items()
        }
        self._count = 0
        self.about = dict(about or {})

    @property
    def net(self) -> Network:
        """The network that the masks belong to."""
        return self._net

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Mask]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: int | slice) -> "Mask | MaskStore":
        if isinstance(key, slice):
            return self._view(key)
        if isinstance(key, bool) or not hasattr(key, "__index__"):
            raise TypeError(f"a mask is chosen by a whole number or a slice, got {key!r}.")
        i = key.__index__()
        if not -len(self) <= i < len(self):
            raise IndexError(f"this store has {len(self)} masks, so there is no mask {i}.")
        i %= len(self)
        return {name: rows[0] for name, rows in self.chunk(i, i + 1).items()}

    def _view(self, key: slice) -> "MaskStore":
        part = MaskStore(self._net, self.about)
        rows = range(len(self))[key]
        chosen = key if rows.step > 0 else list(rows)  # torch cannot step backwards: then it is a copy
        part._packed = {name: self.packed(name)[chosen] for name in self._shapes}
        part._count = len(rows)
        return part

    def __repr__(self) -> str:
        return f"<{len(self)} masks of {self._net!r}, {self.nbytes:,} bytes>"

    def append(self, mask: Mask) -> None:
        """Add the mask of one more task.

        Raises:
            TypeError, ValueError: it is not a mask of this network (as in `apply_mask`).
        """
        check_mask(self._net, mask)
        self.extend({name: bits[None] for name, bits in mask.items()})

    def extend(self, masks: dict[str, Tensor]) -> None:
        """Add k masks at once: for each weight of the network bool [k, *shape].

        Raises:
            TypeError, ValueError: they are not masks of this network, or not equally many of each weight.
        """
        check_mask(self._net, {name: bits[0] if len(bits) else bits.sum(0) > 0 for name, bits in masks.items()})
        added = {len(bits) for bits in masks.values()}
        if len(added) != 1:
            raise ValueError(f"every weight needs the same number of masks, got {sorted(added)}.")
        (k,) = added
        for name, bits in masks.items():
            if self._count + k > len(self._packed[name]):  # double, so that n appends cost n copies, not n squared
                room = max(2 * self._count, self._count + k)
                grown = self._packed[name].new_empty(room, self._packed[name].shape[1])
                grown[: self._count] = self.packed(name)
                self._packed[name] = grown
            self._packed[name][self._count : self._count + k] = pack_bits(bits.flatten(1))
        self._count += k

    def replace(self, i: int, mask: Mask) -> None:
        """Put another mask in the place of mask i, 0 <= i < len(self): for a learner that is not done with it."""
        check_mask(self._net, mask)
        for name, bits in mask.items():
            self.packed(name)[i] = pack_bits(bits.flatten()[None])[0]

    def packed(self, name: str) -> Tensor:
        """Return the packed masks of one weight: uint8 [k, ceil(n / 8)], bit j of byte i is weight 8 i + j."""
        return self._packed[name][: self._count]

    def chunk(self, start: int, stop: int) -> dict[str, Tensor]:
        """Return the masks of tasks start..stop-1 unpacked: for each weight bool [stop - start, *shape]."""
        return {
            name: unpack_bits(self.packed(name)[start:stop], math.prod(shape)).unflatten(1, shape)
            for name, shape in self._shapes.items()
        }

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every masked weight."""
        return self._shapes

    def chunks(self, name: str, room: int = 2**18) -> Iterator[tuple[int, Tensor]]:
        """Yield (start, masks start.. of one weight as bool [c, *shape]), with c such that `room` bytes hold them."""
        n = math.prod(self._shapes[name])
        width = max(1, room // n)
        for start in range(0, len(self), width):
            bits = unpack_bits(self.packed(name)[start : start + width], n)
            yield start, bits.unflatten(1, self._shapes[name])

    @property
    def nbytes(self) -> int:
        """Bytes of all masks, packed."""
        return sum(self.packed(name).numel() for name in self._shapes)

    def kept(self) -> dict[str, Tensor]:
        """Return how many weights each mask keeps: for each weight tensor int64 [k]."""
        ones = torch.tensor([byte.bit_count() for byte in range(256)], device=self._net.device)
        return {name: ones[self.packed(name).int()].sum(1) for name in self._shapes}

    @property
    def density(self) -> Tensor:
        """The share of weights that each mask keeps, over all layers: float [k]."""
        return sum(self.kept().values()) / self._net.num_weights

    @property
    def entropy_bytes(self) -> float:
        """Bytes below which no code can go that knows only each layer's density: H2(density) bits a weight."""
        bits = 0.0
        for name, kept in self.kept().items():
            n = math.prod(self._shapes[name])
            bits += float((n * binary_entropy(kept.cpu().double() / n)).sum())  # mps has no double
        return bits / 8

    def save(self, path: str | os.PathLike) -> None:
        """Write the store as one safetensors file: beside its target first, then renamed, so it is never half there.

        The metadata holds the network's recipe and fingerprint, what `about` says, the version of the format, and
        a SHA-256 over the whole file (counted with zeros in the checksum's own place).

        Raises:
            OSError: the folder is missing or full.
            TypeError: `about` holds something that JSON cannot.
        """
        tensors = {name: self.packed(name).cpu().contiguous() for name in self._shapes}
        identity = {"name": self._net.name, "outputs": self._net.outputs, "seed": self._net.seed}
        metadata = {
            "network": json.dumps(identity),
            "fingerprint": self._net.fingerprint(),
            "about": json.dumps(self.about, default=_plain_number),
        }
        write_checked(path, FORMAT, VERSION, tensors, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike, net: Network) -> "MaskStore":
        """Read a store that `save` wrote, and check that the file is whole and belongs to this network.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is damaged, truncated, of another kind or version, or of another network.
        """
        packed, metadata = read_checked(path, FORMAT, VERSION, ("network", "fingerprint", "about"), REPAIR)
        if metadata["fingerprint"] != net.fingerprint():
            wanted = json.loads(metadata["network"])
            raise ValueError(
                f"{path} holds masks of another network: {wanted['name']} with {wanted['outputs']} outputs and "
                f"seed {wanted['seed']}. Given was {net!r}. Build the network that the masks belong to."
            )
        store = cls(net, json.loads(metadata["about"]))
        store._count = len(next(iter(packed.values()), ()))
        fitting = {name: (torch.uint8, (store._count, rows.shape[1])) for name, rows in store._packed.items()}
        if {name: (rows.dtype, tuple(rows.shape)) for name, rows in packed.items()} != fitting:
            raise ValueError(f"{path} holds tensors that are no masks of {net!r}. Was it made by another program?")
        store._packed = {name: packed[name].to(net.device) for name in store._packed}
        return store


def _plain_number(value: Any) -> Any:
    """Return a number of numpy's as Python's own, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"`about` can hold what JSON can, not {value!r} of type {type(value).__name__}.")


def pack_bits(bits: Tensor) -> Tensor:
    """Return bool [k, n] as uint8 [k, ceil(n / 8)]: bit j of byte i is weight 8 i + j, the rest is 0."""
    padded = torch.nn.functional.pad(bits, (0, -bits.shape[1] % 8)).view(torch.uint8).unflatten(1, (-1, 8))
    packed = padded[..., 0].clone()
    for j in range(1, 8):
        packed |= padded[..., j] << j
    return packed


def unpack_bits(packed: Tensor, n: int) -> Tensor:
    """Return uint8 [k, ceil(n / 8)] as bool [k, n]."""
    bits = torch.arange(256, device=packed.device)[:, None] >> torch.arange(8, device=packed.device) & 1
    words = bits.to(torch.uint8).view(torch.int64).flatten()  # for each byte its eight bools, read as one word
    return words[packed.int()].view(torch.bool)[:, :n]


def binary_entropy(p: Tensor) -> Tensor:
    """Return H2(p) = -p log2 p - (1 - p) log2 (1 - p) in bits, 0 at both ends."""
    return -(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p)) / math.log(2)
