"""What a mask costs: as floats, as bits in memory, as the paper keeps it, in our file, and at Shannon's bound.

Random masks, where no code can be below the bound, and learned ones, where structure can be found. The file counts as a
whole: header, index and checksums too. Speeds are in packed megabytes a second (8 million weights): encoding in memory,
decoding from a file just written.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import supsup_lite as sl

DENSITIES = (0.002, 0.005, 0.01, 0.03, 0.05, 0.1, 0.3, 0.5)
LEARNED = (0.03, 0.1, None)
RANDOM_MASKS, LEARNED_MASKS, ROUNDS = 20, 2, 3


def run() -> list[dict]:
    """Return one row for each kind of mask, network and density: kilobytes a mask, the ratio to the bound, speeds."""
    rows = []
    lenet, fc = sl.lenet_300_100(outputs=100, seed=0), sl.fc_1024(outputs=100, seed=0)
    for net in (lenet, fc):
        for keep in DENSITIES if net is lenet else (0.01, 0.1, 0.5):
            store = sl.MaskStore(net)
            for task in range(RANDOM_MASKS):
                store.append(sl.random_mask(net, keep, seed=0, task=task))
            rows.append({"masks": "random", "network": net.name} | _costs(store))
    for keep in LEARNED:
        store = sl.learn_masks(lenet, sl.permuted_mnist(LEARNED_MASKS, seed=0), keep, seed=0, progress=False)
        how = "threshold" if keep is None else "edge-popup"
        rows.append({"masks": how, "network": lenet.name} | _costs(store))
    return rows


def _costs(store: sl.MaskStore) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "masks"
        store.save(path)
        encode = _seconds(lambda: store.file_bytes)
        load = _seconds(lambda: sl.MaskStore.load(path, store.net))
        one = _seconds(lambda: sl.MaskStore.load(path, store.net, only=len(store) // 2))
        size = os.path.getsize(path)
    kilobytes = 1000 * len(store)
    return {
        "density": float(store.density.mean()),
        "float, kB": 4 * store.net.num_weights / 1000,
        "packed, kB": store.nbytes / kilobytes,
        "CSC 16-bit, kB": store.csc_bytes / kilobytes,
        "file, kB": size / kilobytes,
        "bound, kB": store.entropy_bytes / kilobytes,
        "file / bound": size / store.entropy_bytes,
        "CSC / file": store.csc_bytes / size,
        "encode, MB/s": store.nbytes / 1e6 / encode,
        "decode, MB/s": store.nbytes / 1e6 / load,
        "load one, ms": 1000 * one,
    }


def _seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return median(times)
