"""What makes sense as an argument, in one place: whole numbers, seeds, densities."""

import numpy as np


def check_whole(name: str, count: int) -> None:
    """Raise unless a count is a whole number of 1 or more."""
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {count!r}.")
    if count < 1:
        raise ValueError(f"{name} must be 1 or more, got {count}.")


def check_seed(seed: int, name: str = "seed") -> None:
    """Raise unless a seed (or a task number) is a whole number, 0 or more."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"{name} must be an integer, got {seed!r} of type {type(seed).__name__}.")
    if seed < 0:
        raise ValueError(f"{name} must be 0 or more, got {seed}.")


def check_keep(keep: float) -> None:
    """Raise unless `keep` is a density: a number in 0..1."""
    if isinstance(keep, bool) or not isinstance(keep, (int, float)):
        raise TypeError(f"keep must be a number in 0..1, the share of weights to keep, got {keep!r}.")
    if not 0 <= keep <= 1:
        raise ValueError(f"keep must lie in 0..1, the share of weights to keep, got {keep}. (Sparsity is 1 - keep.)")
