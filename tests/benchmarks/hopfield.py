"""A Hopfield store of 2048 units: what storing a pattern and recalling it from noise take."""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from supsup_lite.hopfield.store import RULES, HopfieldStore
from tests.benchmarks.hopfield_capacity import random_patterns

DIM, PATTERNS, ASKED = 2048, 64, 20


def run() -> list[dict]:
    """Return one row for each rule: median milliseconds of one `store` and one `recall` from 10 % flipped bits."""
    patterns = random_patterns(DIM, PATTERNS)
    flips = torch.rand(PATTERNS, DIM, generator=torch.Generator().manual_seed(0)) < 0.1
    rows = []
    for rule in RULES:
        store = HopfieldStore(DIM, rule)
        z, noisy = patterns.to(store.device), torch.where(flips, -patterns, patterns).to(store.device)
        storing = [_milliseconds(store.store, pattern) for pattern in z]
        recalling = [_milliseconds(store.recall, probe) for probe in noisy[:ASKED]]
        exact = sum(torch.equal(store.recall(noisy[i]), z[i]) for i in range(ASKED))
        rows.append({"rule": rule, "store, ms": statistics.median(storing), "recall, ms": statistics.median(recalling),
                     "exact": f"{exact} of {ASKED}"})  # fmt: skip
    return rows


def _milliseconds(work: Callable[[Tensor], object], z: Tensor) -> float:
    began = time.perf_counter()
    work(z)
    return 1000 * (time.perf_counter() - began)
