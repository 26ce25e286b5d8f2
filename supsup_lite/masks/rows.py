"""Rows of a store's tensors, one a mask: room for more of them, the first, and others in their place."""

from typing import Any

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
