"""Ways to recall a mask from a Hopfield store, each on 50 cases; and where the best one ends. For lesson 06.

`python -m tests.benchmarks.hopfield_recall` takes an hour or so and writes data/results/hopfield_recall.json;
`... hopfield_recall ways` and `... hopfield_recall edge` do one half, and the name of a way measures that one alone.

* "ways": SplitMNIST, 5 tasks, 10 seeds (of network, scores and batches), one test batch a task and seed. A case is
  right when the mask handed out is the stored one, bit for bit.
* "edge": 10 and 20 tasks, rotated by 10 degrees and permuted, d = 256 to 4096 units, one seed, batches of 128.
"""

import json
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import partial

import torch
from torch import Tensor

import supsup_lite as sl
from supsup_lite.data.folders import data_folder
from supsup_lite.hopfield import (
    HopfieldStore,
    Limits,
    entropy_gradient,
    hopfield_store,
    measure_limits,
    recall_mask,
    spins_of,
    to_bits,
    to_spins,
)
from supsup_lite.recipes import UNITS
from supsup_lite.results.runs import save, versions
from supsup_lite.seeding import generator

SEEDS, BATCHES = range(10), (128, 16)
Way = Callable[..., Tensor | None]  # (net, store, x, limits) -> the spins handed out, or None


def descend(net, store, x, limits, *, steps=10, entropy=1.0, energy=0.3, filtered=False, momentum=0.0, settle=True):
    """Go down as the paper has it: entropy with a falling weight and energy with a rising one, from the mean mask."""
    z, speed = store.mean.clone(), torch.zeros_like(store.mean)
    for step in range(steps):
        _, gradient = entropy_gradient(net, z, x)
        news = store.couple(-gradient) if filtered else -gradient
        late = step / steps
        speed = momentum * speed + (1 - late) * entropy * _unit(news) + late * energy * _unit(store.fields(z))
        z = (z + speed).clamp(-1, 1)
    return store.recall(z) if settle else to_spins(to_bits(z))


def searched(net, store, x, limits, **options) -> Tensor | None:
    found = recall_mask(net, store, x, limits, **options)
    return None if found.mask is None else found.z


def _unit(v: Tensor) -> Tensor:
    return v / v.square().mean().sqrt()


def by_layer(masks: sl.MaskStore) -> HopfieldStore:
    """Return a Storkey store whose layers know nothing of each other: Psi is zero between them."""
    whole = hopfield_store(masks)
    start = 0
    blocks = torch.zeros_like(whole.psi)
    for shape in masks.shapes.values():
        stop = start + math.prod(shape)
        part = HopfieldStore(stop - start)
        for z in spins_of(masks):
            part.store(z[start:stop])
        blocks[start:stop, start:stop] = part.psi
        start = stop
    whole.psi = blocks
    return whole


def backwards(masks: sl.MaskStore) -> HopfieldStore:
    return hopfield_store(masks[::-1])


storkey = partial(hopfield_store, rule="storkey")
hebb = partial(hopfield_store, rule="hebb")
centred = partial(hopfield_store, rule="centred")
FILTERED = partial(descend, steps=5, filtered=True)
WAYS: dict[str, tuple[Callable[[sl.MaskStore], HopfieldStore], Way]] = {
    "entropy and energy, 30 steps, no sign updates": (storkey, partial(descend, steps=30, settle=False)),
    "energy alone, 10 steps, sign updates": (storkey, partial(descend, entropy=0.0, energy=1.0)),
    "entropy alone, 10 steps, sign updates": (storkey, partial(descend, energy=0.0)),
    "both, 10 steps, sign updates": (storkey, descend),
    "both, energy as strong as entropy": (storkey, partial(descend, energy=1.0)),
    "both, momentum 0.9": (storkey, partial(descend, momentum=0.9)),
    "both, 30 steps": (storkey, partial(descend, steps=30)),
    "both, stored backwards": (backwards, descend),
    "gradient through the memory, 5 steps": (storkey, FILTERED),
    "through the memory, entropy alone": (storkey, partial(FILTERED, energy=0.0)),
    "through the memory, no sign updates": (storkey, partial(FILTERED, settle=False)),
    "through the memory, stored backwards": (backwards, FILTERED),
    "through the memory, one store a layer": (by_layer, FILTERED),
    "through the memory, Hebb": (hebb, FILTERED),
    "through the memory, centred Hebb": (centred, FILTERED),
    "checked at each step, one start": (storkey, partial(searched, starts=1)),
    "checked at each step, two starts": (storkey, searched),
    "checked, two starts, stored backwards": (backwards, searched),
    "checked, two starts, centred Hebb": (centred, searched),
    "checked, three starts, centred Hebb": (centred, partial(searched, starts=3)),
}


def cases(keep: float | None) -> Iterator[tuple]:
    """Yield (seed, network, tasks, masks): threshold masks, or such that keep exactly a share `keep` of each layer."""
    tasks = sl.split_mnist()
    for seed in SEEDS:
        net = sl.bn_mlp(seed=seed)
        yield seed, net, tasks, sl.learn_masks(net, tasks, keep, seed, recipe=UNITS, progress=False)


def test_batch(task: sl.Task, seed: int, batch: int) -> Tensor:
    return task.test.batch(generator("batch to recall from", seed, task.number).permutation(len(task.test))[:batch])[0]


def count(way: Way, net, store, tasks, masks, limits: Limits, batch: int, seed: int) -> Counter:
    """Return how many tasks' masks came back right, wrong, and not at all."""
    said = Counter(right=0, wrong=0, held_back=0)
    for task, stored in zip(tasks, spins_of(masks), strict=True):
        z = way(net, store, test_batch(task, seed, batch), limits)
        said["held_back" if z is None else "right" if torch.equal(z, stored) else "wrong"] += 1
    return said


def ways(names: Collection[str]) -> list[dict]:
    """Return one row for each of these ways and each size of batch, over all seeds."""
    rows = {(name, batch): Counter() for name in names for batch in BATCHES}
    balanced = {BALANCED: WAYS["checked at each step, two starts"]}
    for keep, every in ((None, WAYS), (0.5, balanced)):
        chosen = {name: way for name, way in every.items() if name in names}
        if not chosen:
            continue
        for seed, net, tasks, masks in cases(keep):
            for name, (make, way) in chosen.items():
                store, began = make(masks), time.perf_counter()
                for batch in BATCHES:
                    limits = measure_limits(net, store, masks, tasks, batch)
                    rows[name, batch] += count(way, net, store, tasks, masks, limits, batch, seed)
                print(seed, name, f"{time.perf_counter() - began:.1f} s", flush=True)
    whole = ("right", "wrong", "held_back")
    return [{"way": n, "batch": b, **{what: said[what] for what in whole}} for (n, b), said in rows.items()]


BALANCED = "checked, two starts, masks of exactly half"


def edge() -> list[dict]:
    """Return one row for each suite, number of units, number of tasks and rule."""
    rows = []
    for suite in (sl.permuted_mnist(20), sl.rotated_mnist(20)):
        for units in (128, 256, 512, 1024, 2048):
            net = sl.bn_mlp(units=units)
            learned = sl.learn_masks(net, suite, recipe=UNITS, progress=False)
            accuracy = sl.evaluate(net, learned, suite, "GG", images=1024).accuracy
            for k in (10, 20):
                masks, tasks = learned[:k], suite[:k]
                for rule in ("storkey", "centred"):
                    store = hopfield_store(masks, rule)
                    spins = spins_of(masks)
                    stand = int((store.recall(spins) == spins).all(1).sum())
                    limits = measure_limits(net, store, masks, tasks)
                    said = count(searched, net, store, tasks, masks, limits, 128, 0)
                    row = {"suite": suite.kind, "d": 2 * units, "tasks": k, "rule": rule, "stand": stand, **said}
                    rows.append(row | {"accuracy": round(accuracy, 4)})
                    print(rows[-1], flush=True)
    return rows


def main(wanted: list[str]) -> None:
    path = data_folder() / "results" / "hopfield_recall.json"
    known = [*WAYS, BALANCED]
    if unknown := set(wanted) - {"ways", "edge", *known}:
        raise SystemExit(f"there is no {' or '.join(sorted(unknown))}: name 'ways', 'edge', or one of {known}.")
    names = known if not wanted or "ways" in wanted else [name for name in known if name in wanted]
    found: dict[str, list[dict]] = {"ways": ways(names)} if names else {}
    if not wanted or "edge" in wanted:
        found["edge"] = edge()
    result = json.loads(path.read_text("utf-8")) if path.exists() else {}  # read late: halves may run side by side
    kept = [row for row in result.get("ways", []) if row["way"] not in names]
    found["ways"] = sorted([*kept, *found.get("ways", [])], key=lambda row: known.index(row["way"]))
    setting = {"recipe": repr(UNITS), "seeds": len(SEEDS), "units": 2048}
    save({**result, **found, "setting": setting, "versions": versions()}, path.name)


if __name__ == "__main__":
    main(sys.argv[1:])
