"""The mask store: one bit a weight and task in memory, fewer in a file, which is checked byte by byte."""

import json
import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.files import BlockFile, blocks_content, read_checked, version_of, write
from supsup_lite.masks.apply import Mask, check_mask
from supsup_lite.masks.bits import binary_entropy, pack_bits, unpack_bits
from supsup_lite.masks.compression import decode, encode
from supsup_lite.networks.network import Network, check_network

FORMAT = "supsup-lite masks"
VERSION = 2  # version 1 held the packed bits as they are; it can still be read
SAID = ("network", "fingerprint", "about")  # in the metadata
REPAIR = "Save the masks again, or learn them again from their seed."


class MaskStore:
    """Masks of one network, in the order in which their tasks were learned.

    `store[3]` is a mask, `store[:5]` a store again (a view); `len`, iteration and `append` work as for a list.
    In memory a mask costs one bit a weight, eight weights a byte, each layer padded to a whole byte. On disk it costs
    about the entropy of its density, `entropy_bytes`, and can be read without the others.

    Args:
        net: the network that the masks belong to.
        about: what to remember with the masks: how they were learned. Anything that JSON can hold.
    """

    @isolated
    def __init__(self, net: Network, about: dict[str, Any] | None = None):
        check_network(net)
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
        rows = range(len(self))[key]
        return self._part(key if rows.step > 0 else list(rows), len(rows))  # torch cannot step backwards: a copy then

    def take(self, positions: Tensor) -> "MaskStore":
        """Return a store of the masks at these positions, long [m] on the store's device, in this order: a copy."""
        return self._part(positions, len(positions))

    @isolated
    def _part(self, chosen: slice | list[int] | Tensor, count: int) -> "MaskStore":
        part = MaskStore(self._net, self.about)
        part._packed = {name: self.packed(name)[chosen] for name in self._shapes}
        part._count = count
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
        if self._count + k > len(next(iter(self._packed.values()))):
            self.reserve(
                max(2 * self._count, self._count + k)
            )  # double, so that n appends cost n copies, not n squared
        for name, bits in masks.items():
            self._packed[name][self._count : self._count + k] = pack_bits(bits.flatten(1))
        self._count += k

    @isolated
    def reserve(self, room: int) -> None:
        """Make room for this many masks in all, so that adding them moves nothing and takes no byte too much."""
        grown = dict(self._packed)
        for name, rows in self._packed.items():
            if room > len(rows):
                grown[name] = rows.new_empty(room, rows.shape[1])
                grown[name][: self._count] = self.packed(name)
        self._packed = grown  # all at once: an interruption leaves no layer with more room than another

    def replace(self, i: int, mask: Mask) -> None:
        """Put another mask in the place of mask i, 0 <= i < len(self): for a learner that is not done with it."""
        check_mask(self._net, mask)
        for name, bits in mask.items():
            self.packed(name)[i] = pack_bits(bits.flatten()[None])[0]

    def packed(self, name: str) -> Tensor:
        """Return the packed masks of one weight: uint8 [k, ceil(n / 8)], bit j of byte i is weight 8 i + j."""
        return self._packed[name][: self._count]

    @isolated
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
        """Bytes of all masks in memory: packed, one bit a weight."""
        return sum(self.packed(name).numel() for name in self._shapes)

    @isolated
    def kept(self) -> dict[str, Tensor]:
        """Return how many weights each mask keeps: for each weight tensor int64 [k]."""
        ones = torch.tensor([byte.bit_count() for byte in range(256)], device=self._net.device)
        few = {name: self.packed(name).split(64) for name in self._shapes}  # at a time: each look-up takes 8 bytes
        return {name: torch.cat([ones[rows.int()].sum(1) for rows in parts]) for name, parts in few.items()}

    @property
    @isolated
    def density(self) -> Tensor:
        """The share of weights that each mask keeps, over all layers: float [k]."""
        return sum(self.kept().values()).float() / self._net.num_weights

    @property
    def entropy_bytes(self) -> float:
        """Bytes below which no code can go that knows only each layer's density: H2(density) bits a weight."""
        bits = 0.0
        for name, kept in self.kept().items():
            n = math.prod(self._shapes[name])
            bits += float((n * binary_entropy(kept.cpu().double() / n)).sum())  # mps has no double
        return bits / 8

    @property
    def csc_bytes(self) -> int:
        """Bytes of all masks as the paper keeps them: scipy's compressed sparse columns with 16-bit indices.

        Counted are 2 bytes for the row of each kept weight, and 4 bytes for where each column begins and the last ends
        (a layer may keep more than 65,535 weights). Values are not counted: of a mask they are all 1. A layer is a
        matrix of output x the rest, so that of a convolution has a column for each input channel and place.
        """
        columns = sum(math.prod(shape[1:]) + 1 for shape in self._shapes.values())
        return 2 * sum(int(kept.sum()) for kept in self.kept().values()) + 4 * columns * len(self)

    @property
    def file_bytes(self) -> int:
        """Bytes of the file that `save` would write now, its header and checksums included. This compresses all."""
        return len(self._content())

    def _content(self) -> bytes:
        rows = [self.packed(name).cpu().numpy() for name in self._shapes]
        widths = [layer.shape[1] for layer in rows]
        blocks = [encode(np.concatenate([layer[i] for layer in rows]), widths) for i in range(len(self))]
        identity = {"name": self._net.name, "outputs": self._net.outputs, "seed": self._net.seed}
        metadata = {
            "network": json.dumps(identity),
            "fingerprint": self._net.fingerprint(),
            "about": json.dumps(self.about, default=_plain_number),
        }
        return blocks_content(FORMAT, VERSION, blocks, metadata)

    def save(self, path: str | os.PathLike) -> None:
        """Write the store as one safetensors file: beside its target first, then renamed, so it is never half there.

        Each mask is compressed by itself (`coding.encode`) and has a checksum of its own. The metadata holds the
        network's recipe and fingerprint, what `about` says, the version of the format, and a SHA-256 over header and
        index (`files.blocks_content`).

        Raises:
            OSError: the folder is missing or full.
            TypeError: `about` holds something that JSON cannot.
        """
        write(path, self._content())

    @classmethod
    @isolated
    def load(
        cls, path: str | os.PathLike, net: Network, only: int | slice | Sequence[int] | None = None
    ) -> "MaskStore":
        """Read a store that `save` wrote, and check that what is read is whole and belongs to this network.

        Args:
            path: the file.
            net: the network that the masks belong to.
            only: which masks to read, as in a list: `only=3`, `only=slice(10, 20)` or `only=[3, 8]`. The store then
                holds these alone, in this order, and of the file nothing else is read but its header and index.

        Raises:
            FileNotFoundError: there is no such file.
            IndexError: the file has no such mask.
            TypeError: `only` is something else.
            ValueError: the file is damaged, truncated, of another kind or version, or of another network.
        """
        if version_of(path) == "1":
            return cls._load_version_1(path, net, only)
        with BlockFile(path, FORMAT, VERSION, SAID, REPAIR) as file:
            store = cls._for(path, net, file.metadata)
            widths = [rows.shape[1] for rows in store._packed.values()]
            chosen = _chosen(only, len(file), path)
            masks = np.empty((len(chosen), sum(widths)), np.uint8)
            for mask, i in zip(masks, chosen, strict=True):
                mask[:] = _decoded(file.read(i), widths, f"mask {i} of {path}")
        store._count = len(chosen)
        layers = torch.from_numpy(masks).split(widths, dim=1)
        store._packed = {
            name: rows.contiguous().to(net.device) for name, rows in zip(store._shapes, layers, strict=True)
        }
        return store

    @classmethod
    def _load_version_1(cls, path: str | os.PathLike, net: Network, only: Any) -> "MaskStore":
        packed, metadata = read_checked(path, FORMAT, 1, SAID, REPAIR)
        store = cls._for(path, net, metadata)
        store._count = len(next(iter(packed.values()), ()))
        fitting = {name: (torch.uint8, (store._count, rows.shape[1])) for name, rows in store._packed.items()}
        if {name: (rows.dtype, tuple(rows.shape)) for name, rows in packed.items()} != fitting:
            raise ValueError(f"{path} holds tensors that are no masks of {net!r}. Was it made by another program?")
        chosen = _chosen(only, store._count, path)
        store._packed = {name: packed[name][list(chosen)].to(net.device) for name in store._packed}
        store._count = len(chosen)
        return store

    @classmethod
    def _for(cls, path: str | os.PathLike, net: Network, metadata: dict[str, str]) -> "MaskStore":
        """Return an empty store for the masks of a file, which must belong to this network."""
        if metadata["fingerprint"] != net.fingerprint():
            wanted = json.loads(metadata["network"])
            raise ValueError(
                f"{path} holds masks of another network: {wanted['name']} with {wanted['outputs']} outputs and "
                f"seed {wanted['seed']}. Given was {net!r}. Build the network that the masks belong to."
            )
        return cls(net, json.loads(metadata["about"]))


def _chosen(only: Any, count: int, path: str | os.PathLike) -> Sequence[int]:
    """Return which of `count` masks to read, each in 0..count-1."""
    if only is None or isinstance(only, slice):
        return range(count)[only or slice(None)]
    numbers = [only] if hasattr(only, "__index__") else only
    try:
        if any(isinstance(i, bool) for i in numbers):
            raise TypeError
        return [range(count)[i] for i in numbers]
    except TypeError:
        raise TypeError(f"`only` is a whole number, several, or a slice, got {only!r}.") from None
    except IndexError:
        raise IndexError(f"{path} has {count} masks, so `only` cannot be {only!r}.") from None


def _decoded(block: bytes | None, widths: list[int], what: str) -> np.ndarray:
    if block is None:
        raise ValueError(f"{what} is damaged: its checksum does not fit. {REPAIR}")
    try:
        return decode(block, widths)
    except ValueError as error:
        raise ValueError(f"{what} is no mask of this network ({error}). Was it made by another program?") from error


def _plain_number(value: Any) -> Any:
    """Return a number of numpy's as Python's own, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"`about` can hold what JSON can, not {value!r} of type {type(value).__name__}.")
