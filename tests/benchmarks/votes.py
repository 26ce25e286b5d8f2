"""Where is the vote? By layer, unit and pixel, for easy and hard tasks; and whether a race notices the hard ones.

`python -m tests.benchmarks.votes` writes data/results/votes.json. Masks are learned at the first run, some minutes,
and kept in the cache. A row for each store, number of masks k and objective; figures are over `IMAGES` test images:

* "task right": One-Shot finds the image's task.
* "layer i says": share of the scores' variance, over masks and images, that layer i brings; "layer i alone": its votes
  alone make the same choice as all votes; "layer i right": that choice is the image's task.
* "loudest 32": the 32 units of the first layer whose votes are foreseen to vary most for the image make the same
  choice; ", top 8": One-Shot's choice is among their best eight; "random 32" is the control, "fixed 32" are those that
  are the loudest on average over images.
* "ink": the share of the chosen mask's lead, in the first layer, that comes from pixels which are not background.
* "race same", "bits read", "race right": a race with its rounds, even where fewer than `LEAST` masks would end it.
Beyond the learned ones masks are drawn as in `racing.py`; these are nobody's.
"""

import time
from dataclasses import asdict
from functools import partial

import torch
from torch import Tensor, nn

import supsup_lite as sl
from supsup_lite.experiments.shards import learn_resumably
from supsup_lite.inference import racing
from supsup_lite.inference.objectives import objective_of
from supsup_lite.inference.racing import Race
from supsup_lite.inference.votes import LayerVotes, votes_of
from supsup_lite.masks.bits import unpack_floats
from supsup_lite.masks.counts import counts
from supsup_lite.results.runs import result_of, save
from tests.benchmarks.racing import grown, images_of

IMAGES, LOUDEST, MANY = 256, (8, 16, 32, 64), 5000
HOT = sl.Recipe(100, 128, "adam", 2e-2, True)


def conv(outputs: int) -> sl.networks.FrozenBase:
    module = nn.Sequential(
        *(nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(32 * 7 * 7, outputs)),
    )
    return sl.freeze_as_base(module, seed=0, input_shape=(1, 28, 28))


CASES = [  # name of the run in the cache, network, tasks, recipe, numbers of masks
    (
        "permuted-mnist",
        partial(sl.lenet_300_100, 100),
        partial(sl.permuted_mnist, 250),
        sl.DEFAULT,
        (10, 100, 250, 2500),
    ),
    ("permuted-mnist", partial(sl.lenet_300_100, 10), partial(sl.permuted_mnist, 40), sl.DEFAULT, (10, 40)),
    ("permuted-mnist", partial(sl.lenet_300_100, 25), partial(sl.permuted_mnist, 250), sl.DEFAULT, (40, 250)),
    ("permuted-mnist", partial(sl.lenet_300_100, 100), partial(sl.permuted_mnist, 40), HOT, (10, 40)),
    ("rotated-mnist", partial(sl.lenet_300_100, 100), sl.rotated_mnist, sl.DEFAULT, (36,)),
    ("split-mnist", partial(sl.lenet_300_100, 100), sl.split_mnist, sl.DEFAULT, (5,)),
    ("permuted-mnist", partial(conv, 100), partial(sl.permuted_mnist, 10), sl.DEFAULT, (10,)),
]


def run() -> list[dict]:
    """Return the rows."""
    rows = []
    for name, make, suite, recipe, numbers in CASES:
        net, tasks = make(), suite()
        masks, _ = learn_resumably(name, net, tasks, None, 0, recipe)
        for k in numbers:
            store, truth, x = grown(masks, k), *asked(tasks, min(k, len(tasks)), IMAGES)
            for objective in ("entropy", "superfluous") if net.outputs > 10 else ("entropy",):
                row = {"tasks": name, "network": net.name, "recipe": "hot" if recipe is HOT else "default"}
                row |= {"s": net.outputs, "k": k, "objective": objective}
                rows.append(row | measure(store, x, truth, objective))
                print(rows[-1], flush=True)
    return rows


def asked(tasks: sl.TaskSuite, first: int, count: int) -> tuple[Tensor, Tensor]:
    """Return whose the images are, and test images of the first tasks."""
    draw = torch.Generator().manual_seed(1)
    return torch.randint(first, (count,), generator=draw), images_of(tasks, first, count)


def measure(masks: sl.MaskStore, x: Tensor, truth: Tensor, objective: str) -> dict[str, float]:
    layers = votes_of(masks.net, masks, x, lambda logits: objective_of(logits, objective, 10), together=False)
    parts = [_scores(masks, layer, {"all": torch.ones_like(layer.spread)})["all"] for layer in layers]
    total = sum(parts)
    choice = total.argmax(1)
    row = {"task right": _share(choice.cpu() == truth)}
    spreads = [(part - part.mean(1, keepdim=True)).square().sum(1) for part in parts]
    for i, (part, spread) in enumerate(zip(parts, spreads, strict=True), start=1):
        row[f"layer {i} says"] = float((spread / sum(spreads)).mean())
        row[f"layer {i} alone"] = _share(part.argmax(1) == choice)
        row[f"layer {i} right"] = _share(part.argmax(1).cpu() == truth)
    first = layers[0]
    for name, member in _members(first).items():
        own = member.sum(1).max()
        if own < first.units:
            scores = _scores(masks, first, {name: member})[name]
            row[name] = _share(scores.argmax(1) == choice)
            row[f"{name}, right"] = _share(scores.argmax(1).cpu() == truth)
            ahead = (scores > scores.gather(1, choice[:, None])).sum(1)
            row[f"{name}, top 8"] = _share(ahead < 8)
    if first.bits == x.shape[1]:
        row["ink"] = _ink(masks, first, x, choice)
    return row | raced(masks, layers, choice, truth)


def _members(layer: LayerVotes) -> dict[str, Tensor]:
    """Return who belongs to each selection of units, for each image: float [B, units]."""
    loud, fixed = layer.spread, layer.spread / layer.spread.sum(1, keepdim=True).clamp_min(1e-30)
    chance = torch.rand(loud.shape, generator=torch.Generator().manual_seed(2)).to(loud.device)
    members = {f"loudest {n}": _top(loud, n) for n in LOUDEST}
    return members | {"fixed 32": _top(fixed.mean(0).expand_as(loud), 32), "random 32": _top(chance, 32)}


def _top(values: Tensor, count: int) -> Tensor:
    return torch.zeros_like(values).scatter_(1, values.topk(min(count, values.shape[1])).indices, 1.0)


def _scores(masks: sl.MaskStore, layer: LayerVotes, members: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the votes of some units of a layer, summed for each image and mask: [B, k]."""
    images = torch.arange(len(layer.spread), device=layer.spread.device)
    scores = {name: layer.spread.new_zeros(len(images), len(masks)) for name in members}
    for unit in range(layer.units):
        said = layer.of_unit(images, unit) @ _bits(masks, layer, unit).T
        for name, member in members.items():
            scores[name] += member[:, unit, None] * said
    return scores


def _bits(masks: sl.MaskStore, layer: LayerVotes, unit: int) -> Tensor:
    first, offset = divmod(unit * layer.bits, 8)
    last = -(-(unit + 1) * layer.bits // 8)
    bits = unpack_floats(masks.packed(layer.name)[:, first:last], layer.spread.dtype)
    return bits[:, offset : offset + layer.bits]


def _ink(masks: sl.MaskStore, layer: LayerVotes, x: Tensor, choice: Tensor) -> float:
    mean = counts(masks)[layer.name] / len(masks)
    by_pixel = torch.zeros_like(x)
    for unit in range(layer.units):
        images = torch.arange(len(x), device=x.device)
        by_pixel += layer.of_unit(images, unit) * (_bits(masks, layer, unit)[choice] - mean[unit])
    ink = x > x.min()
    return float(((by_pixel * ink).sum(1) / by_pixel.sum(1)).median())


def raced(masks: sl.MaskStore, layers: list[LayerVotes], choice: Tensor, truth: Tensor) -> dict[str, float]:
    """Return what a race chooses, and what it reads, if it has its rounds however few the masks are."""
    least, racing.LEAST = racing.LEAST, 2
    try:
        race = Race(masks, layers)
        found = race.run()
    finally:
        racing.LEAST = least
    read = race.read / (len(masks) * masks.net.num_weights)
    row = {
        "race same": _share(found == choice),
        "race right": _share(found.cpu() == truth),
        "bits read": float(read.mean()),
    }
    return row | {"bits read, worst tenth": float(read.quantile(0.9))}


def _share(hits: Tensor) -> float:
    return float(hits.float().mean())


def agreement() -> list[dict]:
    """Return how often `infer_task` chooses by racing as by One-Shot, over many images, and how often each is right."""
    rows = []
    for name, make, suite, recipe, _ in (CASES[0], *CASES[4:6]):
        net, tasks = make(), suite()
        masks, _ = learn_resumably(name, net, tasks, None, 0, recipe)
        truth, x = asked(tasks, len(tasks), MANY)
        for objective in ("entropy", "superfluous"):
            found = {m: torch.cat([sl.infer_task(net, masks, part, m, objective) for part in x.split(128)]).cpu()
                     for m in ("one_shot", "racing")}  # fmt: skip
            row = {"tasks": name, "k": len(masks), "objective": objective, "images": MANY}
            row["same"] = _share(found["one_shot"] == found["racing"])
            rows.append(row | {f"{m} right": _share(own == truth) for m, own in found.items()})
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    began = time.perf_counter()
    setting = {"images": IMAGES, "default": asdict(sl.DEFAULT), "hot": asdict(HOT)}
    figures = {"agreement": agreement(), "where": run()}
    result = result_of("votes", setting, figures, IMAGES, time.perf_counter() - began, sl.device())
    print(f"written to {save(result, 'votes.json').name}")


if __name__ == "__main__":
    main()
