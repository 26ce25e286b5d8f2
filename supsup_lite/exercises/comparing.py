"""Comparing: `must_equal` in a check, `expect` for a number in a lesson's prose."""

import numbers
from typing import Any

import torch
from torch import Tensor

from supsup_lite.exercises.attempts import Wrong

__all__ = [
    "expect",
    "must_equal",
]

SHORT = 36  # a tensor of so many numbers is shown as a whole


def must_equal(got: Any, want: Any, given: str, tolerance: float = 1e-5) -> None:
    """Complain unless `got` equals `want` in type, shape, dtype and value; `given` says for what input.

    Raises:
        Wrong: they differ; of a large tensor the message shows the first entry that does.
    """
    if not isinstance(want, Tensor):
        _must_be_number(got, want, given, tolerance)
        return
    if not isinstance(got, Tensor):
        raise Wrong(f"{given}: expected a tensor, got {type(got).__name__}.")
    if got.shape != want.shape:
        raise Wrong(f"{given}: expected shape {tuple(want.shape)}, got {tuple(got.shape)}.")
    if got.dtype != want.dtype:
        raise Wrong(f"{given}: expected dtype {want.dtype}, got {got.dtype}.")
    got, want = got.detach(), want.detach()
    differs = ~torch.isclose(got, want, rtol=tolerance, atol=tolerance) if want.is_floating_point() else got != want
    if not differs.any():
        return
    if want.numel() <= SHORT and str(want) != str(got):  # four digits may not show the difference
        raise Wrong(f"{given}: expected\n{want}\ngot\n{got}")
    first = tuple(differs.nonzero()[0].tolist())
    raise Wrong(
        f"{given}: {int(differs.sum()):,} of {want.numel():,} entries differ, the first at {list(first)}: "
        f"expected {want[first].item():.8g}, got {got[first].item():.8g}."
    )


def _must_be_number(got: Any, want: float, given: str, tolerance: float) -> None:
    value = got.item() if isinstance(got, Tensor) and got.numel() == 1 else got
    if isinstance(value, bool) or not isinstance(value, numbers.Real):  # numpy's numbers are Real too
        raise Wrong(f"{given}: expected a number, got {type(got).__name__}.")
    if not abs(value - want) <= tolerance * max(1.0, abs(want)):
        raise Wrong(f"{given}: expected {want:.6g}, got {value:.6g}.")


def expect(value: float, low: float, high: float, why: str) -> None:
    """Fail the run of a lesson when a number that its prose states no longer holds.

    Args:
        value: the measured number.
        low, high: what the prose allows, both ends included.
        why: the claim, in words.

    Raises:
        AssertionError: the value lies outside.
    """
    if not low <= value <= high:  # also catches NaN
        raise AssertionError(f"{why}: expected {low:g} to {high:g}, measured {value:g}.")
