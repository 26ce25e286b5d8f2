"""Which task, by One-Shot, by racing and by trying every mask: ms an image, extra MB at the peak, the same choice.

`python -m tests.benchmarks racing` prints the table, `python -m tests.benchmarks.racing` also writes
data/results/racing.json. Masks are LeNet 300-100's, s = 100, default recipe, of `LEARNED` permutations, learned at the
first run and kept in the cache (a minute or two). Beyond those, masks are drawn: each unit has the bits of a learned
mask, another one for each unit. So every unit's votes vary as those of learned masks do. Images are of the learned
tasks. Each time is the best of rounds in which the ways take turns; a single image is the mean of `SINGLES`.
The row "float masks" is one autograd pass an image over float masks, as usually written, at 250 masks.
"""

import contextlib
import ctypes
import time
from collections.abc import Callable
from dataclasses import asdict

import torch
from torch import Tensor

import supsup_lite as sl
from supsup_lite.experiments.shards import learn_resumably
from supsup_lite.results.runs import result_of, save
from tests.benchmarks.inference import _fresh_peak_mb, _peak_mb, as_usually_written, one_autograd_pass_an_image

LEARNED, MASKS, IMAGES, SINGLES, ROUNDS, FLOATS = 100, (10, 100, 250, 1000, 2500), (1, 16, 128), 8, 2, 250
WAYS = ("one_shot", "racing", "exhaustive")


def learned_masks(count: int) -> tuple[sl.MaskStore, sl.TaskSuite]:
    """Return the masks of so many permutations, learned by the default recipe, and their tasks."""
    net, tasks = sl.lenet_300_100(outputs=100), sl.permuted_mnist(count)
    return learn_resumably("permuted-mnist", net, tasks, None, 0, sl.DEFAULT)[0], tasks


def grown(masks: sl.MaskStore, count: int) -> sl.MaskStore:
    """Return a store of the first masks, or of all with drawn ones behind them."""
    store, draw = sl.MaskStore(masks.net, learned=masks.learned), torch.Generator().manual_seed(0)
    known = masks[:count].chunk(0, min(count, len(masks)))
    store.reserve(count)
    store.extend(known)
    while len(store) < count:
        few = min(50, count - len(store))
        store.extend({name: _drawn(bits, few, draw) for name, bits in known.items()})
    return store


def _drawn(bits: Tensor, count: int, draw: torch.Generator) -> Tensor:
    k, units = bits.shape[:2]
    return bits[torch.randint(k, (count, units), generator=draw).to(bits.device), torch.arange(units)]


def images_of(tasks: sl.TaskSuite, tasks_asked: int, count: int) -> Tensor:
    """Return test images, one after the other of other tasks."""
    draw = torch.Generator().manual_seed(1)
    rows = []
    for i in torch.randint(tasks_asked, (count,), generator=draw).tolist():
        image = torch.randint(len(tasks[i].test), (1,), generator=draw)
        rows.append(tasks[i].test.batch(image)[0])
    return torch.cat(rows)


def run() -> list[dict]:
    """Return a row for each number of masks and images, and one for float masks."""
    masks, tasks = learned_masks(LEARNED)
    rows = []
    for k in MASKS:
        store, x = grown(masks, k), images_of(tasks, min(k, LEARNED), max(IMAGES))
        for images in IMAGES:
            rows.append(_row(store, x[:images] if images > 1 else x[:SINGLES], images))
            print(rows[-1], flush=True)
        if k == FLOATS:
            took = _seconds(one_autograd_pass_an_image(store.net, store, x, as_usually_written)) / 4
            floats = {"masks": k, "images": "float masks", "one_shot, ms": 1e3 * took}
    ours = next(row for row in rows if row["masks"] == FLOATS and row["images"] == max(IMAGES))
    floats["racing, ms"] = ours["racing, ms"]
    floats["one_shot / racing"] = floats["one_shot, ms"] / ours["racing, ms"]
    return [*rows, {key: floats.get(key, "") for key in rows[0]}]


def _row(store: sl.MaskStore, x: Tensor, images: int) -> dict:
    """Measure all ways on batches of so many images."""
    batches = x.split(images)
    found, few, peaks, seconds = {}, {}, {}, {way: [] for way in WAYS}
    for way in WAYS:
        _trim()
        before = _fresh_peak_mb()
        few[way] = batches if way == "racing" else batches[:2]  # the others take as long for each image
        found[way] = torch.cat([sl.infer_task(store.net, store, batch, way) for batch in few[way]])
        peaks[way] = _peak_mb() - before
    for _ in range(ROUNDS):
        for way in WAYS:
            took = _seconds(lambda w=way: [sl.infer_task(store.net, store, batch, w) for batch in few[w]])
            seconds[way].append(took / (len(few[way]) * images))
    row = {"masks": len(store), "images": images}
    row |= {f"{way}, ms": 1e3 * min(seconds[way]) for way in WAYS}
    row["one_shot / racing"] = min(seconds["one_shot"]) / min(seconds["racing"])
    row |= {f"{way}, MB": peaks[way] for way in WAYS}
    asked = len(found["one_shot"])
    same = {way: found[way][:asked] == found["one_shot"] for way in WAYS[1:]}
    return row | {f"{way} as one_shot": float(hits.float().mean()) for way, hits in same.items()}


def _trim() -> None:
    """Give memory that is free back to the system (glibc can), so that the next peak shows all that is taken."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def main() -> None:
    began = time.perf_counter()
    rows = run()
    setting = {"network": "lenet_300_100", "outputs": 100, "learned": LEARNED, "rounds": ROUNDS, **asdict(sl.DEFAULT)}
    result = result_of("racing", setting, rows, max(IMAGES), time.perf_counter() - began, sl.device())
    print(f"written to {save(result, 'racing.json').name}")


if __name__ == "__main__":
    main()
