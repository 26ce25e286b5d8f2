"""What One-Shot costs an image as masks, weights and images grow; each row in a process of its own.

`python -m tests.benchmarks.growth` writes data/results/growth.json:
    command, device, threads, versions: where the numbers come from;
    inference: rows {network, weights, masks, images, "ms an image", "peak MB", "packed MB", "float MB"}. One-Shot over
        random masks (the work does not depend on what they keep) for `images` images at once; "peak MB" is what the
        process needed more than with one mask, packed masks included; "float MB" is what they would be as floats.
    learning: rows {"tasks at once", recipe, "ms a step", "ms a task"}; the second is the first times the recipe's
        steps; both are for one task.
On a CPU the seconds are those of one core (CPU time of one thread), because others may use the machine too; on a GPU
they are those of the clock. Of two rounds the faster counts.
"""

import multiprocessing

import torch

import supsup_lite as sl
from supsup_lite.inference.methods import alpha_gradient
from supsup_lite.learning.learn import learn_scores
from supsup_lite.recipes import DEFAULT, PAPER
from supsup_lite.results.runs import save, versions
from tests.benchmarks.inference import _fresh_peak_mb, _peak_mb
from tests.benchmarks.timing import timed

MASKS, IMAGES, TOGETHER, STEPS, ROUNDS = (1, 10, 100, 250, 1000, 2500), (1, 16, 128), (1, 2, 4, 8), 30, 2
CASES = [
    *(("lenet_300_100", k, 128) for k in MASKS),
    *(("lenet_300_100", 250, images) for images in IMAGES[:-1]),
    ("fc_1024", 100, 128),
]


def run() -> list[dict]:
    """Return the rows of `inference`."""
    context = multiprocessing.get_context("spawn")
    rows = []
    for case in CASES:
        with context.Pool(1) as pool:
            rows.append(pool.apply(_infer, case))
        print(f"{case[1]} masks, {case[2]} images, {case[0]}: {rows[-1]['ms an image']:.3g} ms an image", flush=True)
    return rows


def _infer(network: str, count: int, images: int) -> dict:
    net = getattr(sl, network)()
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(images, net.inputs, generator=draw).to(net.device)
    alpha_gradient(net, _random_masks(net, 1, draw), x)  # load libraries before the memory is read
    before = _fresh_peak_mb()
    masks = _random_masks(net, count, draw)
    _fresh_peak_mb()  # what was needed to make the masks does not count, the masks do
    seconds = [timed(lambda: alpha_gradient(net, masks, x)) for _ in range(ROUNDS)]
    return {
        "network": network,
        "weights": net.num_weights,
        "masks": count,
        "images": images,
        "ms an image": 1e3 * min(seconds) / images,
        "peak MB": _peak_mb() - before,
        "packed MB": masks.nbytes / 2**20,
        "float MB": 4 * count * net.num_weights / 2**20,
    }


def _random_masks(net, count: int, draw: torch.Generator) -> sl.MaskStore:
    masks = sl.MaskStore(net)
    masks.reserve(count)
    for start in range(0, count, 25):
        k = min(25, count - start)
        masks.extend(
            {
                name: (torch.randint(0, 2, (k, *shape), generator=draw, dtype=torch.uint8) > 0).to(net.device)
                for name, shape in masks.shapes.items()
            }
        )
    return masks


def learning_rows() -> list[dict]:
    """Return the rows of `learning`, the fastest of interleaved rounds."""
    net, tasks = sl.lenet_300_100(outputs=100), sl.permuted_mnist(max(TOGETHER))
    recipes = {"default": DEFAULT, "paper": PAPER}
    seconds = {(width, name): [] for name in recipes for width in TOGETHER}
    for repeat in range(ROUNDS + 1):
        for (width, name), values in seconds.items():
            short = sl.Recipe(STEPS, 128, recipes[name].optimizer, recipes[name].lr, recipes[name].one_cycle)
            took = timed(lambda w=width, r=short: learn_scores(net, tasks[:w], None, 0, r)) / (STEPS * width)
            if repeat:  # the first time loads libraries
                values.append(took)
    return [
        {
            "tasks at once": width,
            "recipe": name,
            "ms a step": 1e3 * min(values),
            "ms a task": 1e3 * min(values) * recipes[name].steps,
        }
        for (width, name), values in seconds.items()
    ]


def main() -> None:
    result = {
        "experiment": "growth",
        "command": "python -m tests.benchmarks.growth",
        "device": str(sl.device()),
        "threads": 1,
        "versions": versions(),
        "inference": run(),
        "learning": learning_rows(),
    }
    for row in result["learning"]:
        print(row)
    save(result, "growth.json")


if __name__ == "__main__":
    main()
