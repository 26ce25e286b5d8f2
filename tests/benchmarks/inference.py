"""What One-Shot costs an image, beside one autograd pass over float masks; memory of each."""

import contextlib
import multiprocessing
import re
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

import supsup_lite as sl
from supsup_lite.inference.methods import alpha_gradient
from supsup_lite.inference.objectives import objective_of

MASKS, IMAGES, ROUNDS = 250, 128, 3


def run() -> list[dict]:
    """Return ms an image, extra MB at the peak, and the ratios of both to ours."""
    rows = [{"way": name} | _in_own_process(way) for name, way in WAYS.items()]
    ours = rows[0]
    for row in rows:
        row["times ours"] = row["ms an image"] / ours["ms an image"]
        row["memory, times ours"] = row["peak MB"] / ours["peak MB"]
    return rows


def _in_own_process(way: Callable) -> dict[str, float]:
    """Measure in a fresh process, so that the peak of one way does not hide the other's."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measure, (way,))


def _measure(way: Callable) -> dict[str, float]:
    net = sl.lenet_300_100(outputs=100)
    x = torch.randn(IMAGES, 784, generator=torch.Generator().manual_seed(0))  # no data set: it would raise the peak
    few = sl.MaskStore(net)
    few.append(sl.random_mask(net, 0.5, seed=0))
    way(net, few, x)()  # load libraries and start threads before the memory is read
    before = _fresh_peak_mb()
    store = sl.MaskStore(net)
    for task in range(MASKS):
        store.append(sl.random_mask(net, 0.5, seed=0, task=task))
    work = way(net, store, x)
    _fresh_peak_mb()  # what was needed to make the masks does not count, the masks do
    seconds = [_timed(work) for _ in range(ROUNDS)]
    return {"ms an image": 1e3 * median(seconds), "peak MB": _peak_mb() - before}


def _timed(work: Callable[[], int]) -> float:
    began = time.perf_counter()
    images = work()
    return (time.perf_counter() - began) / images


def _fresh_peak_mb() -> float:
    """Forget the highest memory so far (Linux can; elsewhere it stays, and small differences drown), return it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak_mb()


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes


def packed(net, store, x) -> Callable[[], int]:
    """The package: packed masks, all images at once."""

    def work() -> int:
        alpha_gradient(net, store, x)
        return len(x)

    return work


def as_usually_written(alphas: Tensor, masks: Tensor) -> Tensor:
    """sum_i alpha_i M_i as the equation says it: products, then a sum."""
    return (alphas[:, None, None] * masks).sum(0)


def as_one_product(alphas: Tensor, masks: Tensor) -> Tensor:
    """The same as one product of a vector and a matrix."""
    return torch.tensordot(alphas, masks, dims=1)


def one_autograd_pass_an_image(net, store, x, mix: Callable[[Tensor, Tensor], Tensor]) -> Callable[[], int]:
    """Float masks [k, ...] in memory, and one forward and backward pass for each image."""
    k = len(store)
    weights = net.weights()
    masks = {name: torch.empty(k, *weight.shape) for name, weight in weights.items()}
    for task in range(k):
        for name, bits in store[task].items():
            masks[name][task] = bits

    def work() -> int:
        few = x[:4]
        for image in few:
            alphas = torch.full((k,), 1 / k, requires_grad=True)
            h = image[None]
            for position, (name, weight) in enumerate(weights.items()):
                h = torch.relu(h) if position else h
                h = h @ (weight * mix(alphas, masks[name])).T
            torch.autograd.grad(objective_of(h, "entropy").sum(), alphas)
        return len(few)

    return work


WAYS = {
    "packed masks, 128 images at once": packed,
    "float masks, an image a pass, as usually written": partial(one_autograd_pass_an_image, mix=as_usually_written),
    "float masks, an image a pass, as one product": partial(one_autograd_pass_an_image, mix=as_one_product),
}
