"""Intervals: how sure a measured share is, and how sure the mean of a few measurements."""

import math
from collections.abc import Sequence

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
    """
    values = torch.as_tensor(shares, dtype=torch.float64, device="cpu")
    weights = torch.ones_like(values) if sizes is None else torch.as_tensor(sizes, dtype=torch.float64, device="cpu")
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
    """
    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return mean, math.nan, math.nan
    error = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    half = error * (STUDENT[n - 2] if n - 2 < len(STUDENT) else NORMAL)
    return mean, mean - half, mean + half
