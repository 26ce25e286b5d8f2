"""The mask store: masks as a list that grows, with the identity of the task of each, in memory and in a file."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_position, check_whole
from supsup_lite.data.tasks import TaskIdentity
from supsup_lite.devices import check_memory
from supsup_lite.files import write
from supsup_lite.masks.apply import Mask, check_mask, row_of
from supsup_lite.masks.bits import pack_bits
from supsup_lite.masks.origin import Learned, checked_identities
from supsup_lite.masks.packed import PackedMasks
from supsup_lite.masks.rows import checked_positions, first_of, overwrite, with_room
from supsup_lite.masks.statistics import (
    TaskMask,
    are_known,
    as_rows,
    check_statistics,
    statistics_of,
    statistics_rows,
)
from supsup_lite.masks.store_file import Content, file_content, read_store
from supsup_lite.networks.network import Network, check_network


class MaskStore(PackedMasks):
    """Masks of one network, in the order in which their tasks were learned.

    `store[3]` is a mask, `store[:5]` a store again (a view); `len`, iteration and `append` work as for a list. With
    each mask goes what else belongs to its task alone: the statistics of batch norm, if there are any (`TaskMask`).

    In memory a mask costs one bit a weight, eight weights a byte, each layer padded to a whole byte, and statistics
    8 bytes a channel. On disk a mask costs about the entropy of its density, `entropy_bytes`, and can be read alone.

    Args:
        net: the network that the masks belong to.
        about: notes to keep with the masks, anything that JSON can hold. Nothing in the package goes by them.
        learned: how the masks were learned, which `learn_masks` enters by itself.

    Raises:
        TypeError: one of them is something else.
    """

    @isolated
    def __init__(self, net: Network, about: dict[str, Any] | None = None, learned: Learned | None = None):
        check_network(net)
        if about is not None and not isinstance(about, dict):
            raise TypeError(f"about must be a dict of notes, got {type(about).__name__}.")
        if learned is not None and not isinstance(learned, Learned):
            raise TypeError(f"learned must be a Learned, such as Learned(num_classes=10), got {learned!r}.")
        super().__init__(net)
        self._whole: MaskStore | None = None
        self.about = dict(about or {})
        self.learned = learned

    @property
    def whole(self) -> "MaskStore":
        """The store itself, or, of a view of all masks (`store[:]`), the store that it was made of."""
        return self if self._whole is None else self._whole

    def __iter__(self) -> Iterator[Mask]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: int | slice) -> "Mask | MaskStore":
        chosen = check_position(key, len(self), "store", "mask")
        if isinstance(chosen, range):  # torch cannot step backwards: a copy then
            forward = slice(chosen.start, chosen.stop, chosen.step)  # counted once, though another thread may append
            return self._part(forward if chosen.step > 0 else list(chosen), chosen)
        mask = self.chunk(chosen, chosen + 1)
        known = mask.statistics and are_known(mask.statistics)
        return TaskMask(row_of(mask, 0), row_of(mask.statistics, 0) if known else None)

    def take(self, positions: Tensor) -> "MaskStore":
        """Return a store of the masks at these positions, long [m] on the store's device, in this order: a copy."""
        return self._part(positions, checked_positions(positions, len(self), self._net.device))

    @isolated
    def _part(self, rows: slice | list[int] | Tensor, chosen: Sequence[int]) -> "MaskStore":
        part = object.__new__(MaskStore)
        vars(part).update(
            vars(self),
            about=dict(self.about),
            _packed={name: self.packed(name)[rows] for name in self._shapes},
            _statistics={name: values[: len(self)][rows] for name, values in self._statistics.items()},
            _identities=[self._identities[i] for i in chosen],
            _whole=self.whole if chosen == range(len(self)) else None,
        )
        return part

    def __getstate__(self) -> dict[str, Any]:
        """Return what to pickle or copy: the masks that are there, without the room or the store around them."""
        part = self[:]
        kept = {name: {n: rows.clone() for n, rows in vars(part)[name].items()} for name in ("_packed", "_statistics")}
        return {**vars(part), **kept, "_whole": None}

    def __repr__(self) -> str:
        return f"<{len(self)} masks of {self._net!r}, {self.nbytes:,} bytes>"

    def append(self, mask: Mask, identity: TaskIdentity | None = None) -> None:
        """Add the mask of one more task, and which task that is (`task.identity`), if it is known.

        Raises:
            TypeError, ValueError: it is not a mask of this network (as in `apply_mask`), or no identity.
        """
        check_mask(self._net, mask)
        self.extend(as_rows(mask), [identity])

    def extend(self, masks: dict[str, Tensor], identities: Sequence[TaskIdentity | None] | None = None) -> None:
        """Add k masks at once: for each weight of the network bool [k, *shape], as `chunk` returns them.

        Args:
            masks: a `TaskMask` brings the statistics of the k tasks, [k, 2, channels] each.
            identities: of their k tasks (`tasks.identities`); None where they are not known.

        Raises:
            TypeError, ValueError: they are not masks of this network, not equally many of each weight, or there is not
                one identity for each.
        """
        check_mask(
            self._net, {name: first_of(bits) for name, bits in masks.items()} if isinstance(masks, dict) else masks
        )
        added = {len(bits) for bits in masks.values()}
        if len(added) != 1:
            raise ValueError(f"every weight needs the same number of masks, got {sorted(added)}.")
        (k,) = added
        identities = checked_identities(identities, k)
        check_statistics(self._net, statistics_of(masks), rows=k)
        count = len(self)
        if count + k > len(next(iter(self._packed.values()))):
            self.reserve(max(2 * count, count + k))  # double, so that n appends cost n copies, not n squared
        for name, bits in masks.items():
            self._packed[name][count : count + k] = pack_bits(bits.flatten(1))
        for name, values in statistics_rows(self._net, masks, k).items():
            self._statistics[name][count : count + k] = values
        self._identities += identities

    @isolated
    def reserve(self, room: int) -> None:
        """Make room for this many masks in all, so that adding them moves nothing and takes no byte too much.

        Raises:
            TypeError, ValueError: it is no number of masks, or the device has not the memory for them.
        """
        room = check_whole("room", room, least=0)
        held = len(next(iter(self._packed.values())))
        if room <= held:
            return
        check_memory(f"room for {room:,} masks of {self._net!r}", (room - held) * self.bytes_each, self._net.device)
        grown = [
            {name: with_room(rows[: len(self)], room) for name, rows in rows_by_name.items()}
            for rows_by_name in (self._packed, self._statistics)
        ]
        self._packed, self._statistics = grown  # at once: an interruption leaves no layer with more room than another

    def replace(self, i: int, mask: Mask) -> None:
        """Put another mask of the same task in the place of mask i: for a learner that is not done with it.

        Raises:
            IndexError: there is no mask i.
            TypeError, ValueError: it is not a mask of this network.
        """
        check_mask(self._net, mask)
        if not isinstance(place := check_position(i, len(self), "store", "mask"), int):
            raise TypeError(f"one mask is replaced at a time, got {i!r}.")
        rows = as_rows(mask)
        statistics = statistics_rows(self._net, rows, 1)
        overwrite(
            [(self.packed(name)[place], pack_bits(bits.flatten(1))[0]) for name, bits in rows.items()]
            + [(self._statistics[name][place], values[0]) for name, values in statistics.items()]
        )

    @property
    def file_bytes(self) -> int:
        """Bytes of the file that `save` would write now, its header and checksums included. This compresses all."""
        return len(file_content(self._net, self._fingerprint, self[:]._content()))

    def _content(self) -> Content:
        packed = {name: self.packed(name) for name in self._shapes}
        statistics = {name: values[: len(self)] for name, values in self._statistics.items()}
        return Content(packed, statistics, self.identities, self.learned, self.about)

    def save(self, path: str | os.PathLike) -> None:
        """Write the store as one safetensors file: beside its target first, then renamed, so it is never half there.

        Each mask is compressed alone (`compression.encode`), behind its statistics, with a checksum. The metadata holds
        the network's recipe and fingerprint, which task each mask belongs to, how they were learned, what `about` says,
        the version of the format, and a SHA-256 over header and index (`files.blocks_content`). The same store gives
        the same bytes. `~` is the home folder, and where the path is a link, what it leads to is written.

        Raises:
            OSError: the folder is missing or full.
            TypeError: the path is none, or `about` holds something that JSON cannot.
        """
        write(path, file_content(self._net, self._fingerprint, self[:]._content()))

    @classmethod
    @isolated
    def load(
        cls, path: str | os.PathLike, net: Network, only: int | slice | Sequence[int] | None = None
    ) -> "MaskStore":
        """Read a store that `save` wrote, and check that what is read is whole and belongs to this network.

        Of files of the formats before this one it is not known which tasks their masks belong to.

        Args:
            path: the file.
            net: the network that the masks belong to.
            only: which masks to read, as in a list: `only=3`, `only=slice(10, 20)` or `only=[3, 8]`. The store then
                holds these alone, in this order, and of the file nothing else is read but its header and index.

        Raises:
            FileNotFoundError: there is no such file.
            IndexError: the file has no such mask.
            TypeError: path, net or `only` is something else.
            ValueError: the file is damaged, truncated, of another kind or version, or of another network.
        """
        store = cls(net)
        content = read_store(path, net, only)
        store._packed, store._statistics = content.packed, content.statistics
        store._identities = list(content.identities)
        store.about, store.learned = content.about, content.learned
        return store
