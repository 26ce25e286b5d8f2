"""Where random numbers come from: one generator for each (purpose, seed, task), always on the CPU."""

import hashlib

import numpy as np

from supsup_lite.checks import check_seed

__all__ = ["generator"]


def generator(purpose: str, seed: int, task: int = 0) -> np.random.Generator:
    """Return a fresh generator that depends on its three arguments and on nothing else.

    It lives on the CPU, so every device draws the same numbers, and it never touches the global random state.
    The purpose ("permutation", "weights", ...) keeps streams apart that share a seed. The three together are
    hashed to 256 bits, so (seed 0, task 1) and (seed 1, task 0) are different streams, unlike with `seed + task`.

    Raises:
        TypeError: seed or task is not an integer.
        ValueError: seed or task is negative.
    """
    check_seed(seed)
    check_seed(task, "task")
    digest = hashlib.sha256(f"supsup-lite/{purpose}/{seed}/{task}".encode()).digest()
    return np.random.Generator(np.random.PCG64(np.frombuffer(digest, dtype="<u4").tolist()))
