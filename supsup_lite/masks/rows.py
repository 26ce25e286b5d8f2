"""Rows of a store's tensors, one a mask: room for more of them, the first, and others in their place."""

from typing import Any

import torch
from torch import Tensor


def with_room(rows: Tensor, room: int) -> Tensor:
    """Return a copy of some rows with room for more."""
    grown = rows.new_empty(room, *rows.shape[1:])
    grown[: len(rows)] = rows
    return grown


def first_of(bits: Any) -> Any:
    """Return the first of k masks of one weight, or one like it where k is 0; what is none is refused as a mask is."""
    if not isinstance(bits, Tensor) or not bits.ndim:
        return bits
    return bits[0] if len(bits) else bits.new_zeros(bits.shape[1:])


def checked_positions(positions: Any, count: int, where: torch.device) -> list[int]:
    """Return which of `count` rows on a device are meant; raise unless positions are long [m] there, each in range."""
    if not isinstance(positions, Tensor) or positions.dtype != torch.long or positions.ndim != 1:
        kind = f"{positions.dtype} of shape {list(positions.shape)}" if isinstance(positions, Tensor) else positions
        raise TypeError(f"positions must be a long tensor [m], such as torch.tensor([2, 0]), got {kind}.")
    if positions.device != where:
        raise ValueError(f"the positions are on {positions.device}, the masks on {where}: move them.")
    chosen = positions.tolist()
    if chosen and not 0 <= min(chosen) <= max(chosen) < count:
        raise IndexError(f"positions must lie in 0..{count - 1}, got {min(chosen)}..{max(chosen)}.")
    return chosen


def overwrite(pairs: list[tuple[Tensor, Tensor]]) -> None:
    """Write over the first of each pair with the second: over all, or, where Ctrl-C comes between, over none."""
    before = [old.clone() for old, _ in pairs]
    try:
        for old, new in pairs:
            old.copy_(new)
    except BaseException:
        for (old, _), values in zip(pairs, before, strict=True):
            old.copy_(values)
        raise
