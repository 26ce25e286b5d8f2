"""Seconds of a piece of work that other work on the machine does not lengthen."""

import time
from collections.abc import Callable

import torch


def timed(work: Callable[[], object]) -> float:
    """Return seconds of one core, or with a GPU those of the clock until it is done."""
    if not torch.cuda.is_available():
        torch.set_num_threads(1)
        began = time.process_time()
        work()
        return time.process_time() - began
    torch.cuda.synchronize()
    began = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - began
