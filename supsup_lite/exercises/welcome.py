"""The warm-up of lesson 00: sparsity is the share of weights that a mask removes."""

import torch
from torch import Tensor

from supsup_lite.exercises import check_for, must_equal

__all__ = [
    "check_sparsity",
    "sparsity",
]


def sparsity(mask: Tensor) -> float:
    """Return the share of weights that a mask removes, in 0..1.

    Args:
        mask: bool tensor of any shape; True keeps a weight.
    """
    return 1 - mask.float().mean().item()


@check_for(sparsity, "Sparsity is the share removed, density the share kept, and the two add up to 1.")
def check_sparsity(attempt):
    """Check `sparsity`."""
    for rows in ([True, True, True, False], [[True, False, False], [False, False, False]], [True], [False, False]):
        mask = torch.tensor(rows)
        must_equal(attempt(mask), sparsity(mask), f"mask {rows}")
    large = torch.arange(300 * 784).view(300, 784) % 10 < 3
    must_equal(attempt(large), 0.7, "a mask [300, 784] that keeps 30 %")
