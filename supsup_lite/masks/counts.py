"""How many masks of a store keep each weight: counted once, however often it is asked."""

import math
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from supsup_lite.masks.bits import unpack_floats
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.network import state_of

ROOM = 2**20  # floats unpacked at once

# Beside the stores, not in them: what a store holds is its masks. An entry goes when its store goes.
_counted: WeakKeyDictionary[MaskStore, tuple[list[Tensor], list[tuple], dict[str, Tensor]]] = WeakKeyDictionary()


def counts(masks: MaskStore) -> dict[str, Tensor]:
    """Return for each weight how many masks keep it: float32 of its shape, whole numbers. To be read, not written to.

    To count is to read every bit. So the result is kept until a mask is added or replaced, or the packed bits are
    written to in another way; then it is counted anew. A part of a store (`masks[:5]`) is counted by itself.
    """
    packed = [masks.packed(name) for name in masks.shapes]
    states = [(len(rows), *state_of(rows)) for rows in packed]
    _, known, counted = _counted.get(masks.whole, ([], [], {}))
    if known != states:
        counted = {name: _count(masks, name) for name in masks.shapes}
        # The tensors are held, so that no other can take the place of one in memory and pass for it.
        _counted[masks.whole] = packed, states, counted
    return counted


def _count(masks: MaskStore, name: str) -> Tensor:
    packed, shape = masks.packed(name), masks.shapes[name]
    total = torch.zeros(8 * packed.shape[1], device=packed.device, dtype=torch.float32)
    for rows in packed.split(max(1, ROOM // len(total))):
        total += unpack_floats(rows, total.dtype).sum(0)
    return total[: math.prod(shape)].view(shape)
