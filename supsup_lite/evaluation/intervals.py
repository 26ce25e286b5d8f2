"""Intervals: how sure a measured share is."""

import math
from collections.abc import Sequence
from numbers import Real

import torch
from torch import Tensor


def interval_95(shares: Sequence[float] | Tensor, sizes: Sequence[int] | Tensor | None = None) -> tuple[float, float]:
    """Return the 95 % interval of the weighted mean of independent values in 0..1 (Wilson's, 1927).

    For shares that are not just 0 or 1 (a batch of images that share one inference), n is replaced by the number of
    coin flips with the same standard error. If all values are 0, or all 1, it stays the number of values.

    Args:
        shares: the values.
        sizes: their weights; None weighs them alike.

    Raises:
        TypeError, ValueError: there is no value, one is not in 0..1, or there is not one weight, above 0, for each.
    """
    values = _numbers("shares", shares)
    weights = torch.ones_like(values) if sizes is None else _numbers("sizes", sizes)
    if not len(values) or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"shares must be one value or more, each in 0..1, got {shares!r:.80}.")
    if len(weights) != len(values) or not ((weights > 0) & weights.isfinite()).all():
        raise ValueError(f"sizes must be one number above 0 for each of {len(values)} shares, got {sizes!r:.80}.")
    weights = weights / weights.sum()
    p, n = min(1.0, float(weights @ values)), float(1 / (weights**2).sum())
    if values.min() < values.max():  # not by the spread: that of equal values is not quite 0, for p is rounded
        n = n * p * (1 - p) / float(weights @ (values - p) ** 2)
    z = 1.959964
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def _numbers(name: str, given: Sequence[float] | Tensor) -> Tensor:
    """Return numbers as float64 [n] on the CPU."""
    if isinstance(given, Tensor) and given.layout == torch.strided and not (given.is_complex() or given.is_meta):
        values = given.detach().to("cpu", torch.float64)
    elif isinstance(given, Sequence) and all(isinstance(value, Real) for value in given):
        values = torch.tensor([float(value) for value in given], dtype=torch.float64, device="cpu")
    else:
        raise TypeError(f"{name} must be numbers, as a list or a tensor [n], got {given!r:.80}.")
    if values.ndim != 1:
        raise ValueError(f"{name} must be numbers [n], got {list(values.shape)}.")
    return values
