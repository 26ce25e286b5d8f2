"""Intervals: how sure a measured share is."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


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
