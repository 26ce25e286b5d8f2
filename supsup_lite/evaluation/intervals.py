"""Intervals: how sure a measured share is, and how sure the mean of a few measurements."""

import math
from collections.abc import Sequence
from numbers import Real

import torch
from torch import Tensor

# The 97.5 % points of Student's t for 1, 2, ... degrees of freedom; from 30 on the normal distribution's.
STUDENT = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045),
)
NORMAL = 1.960


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


def mean_interval_95(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean of n independent measurements, of any kind, and the ends of its 95 % interval (Student's t).

    Args:
        values: one of each seed or mask, say. Of one alone the ends are NaN: it says nothing about the next.

    Raises:
        TypeError: they are no numbers.
        ValueError: there is none, or they are no list.
    """
    values = _numbers("values", values).tolist()
    if not values:
        raise ValueError("there are no values to take the mean of: give one at least.")
    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return mean, math.nan, math.nan
    error = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    half = error * (STUDENT[n - 2] if n - 2 < len(STUDENT) else NORMAL)
    return mean, mean - half, mean + half


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
