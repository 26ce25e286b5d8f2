"""What does a temperature in training cost in digits, when each temperature may choose its own rate?

6 permutations on LeNet 300-100, 300 steps of 128, Adam one-cycle. Each loss is learned at each of RATES, with two
seeds. The rate is chosen for each loss by the digits of 1,000 test images that the figures leave out; the figures are
of 2,000 others, the task given, and of 20 images of each task for inference. Inference may choose its temperature, of
seven, on those very images: in favour of the temperature.

`python -m tests.benchmarks.temperature_price` also writes data/results/temperature_price.json.
"""

import time

import torch
from torch import Tensor

import supsup_lite as sl
from supsup_lite.results.runs import result_of, save
from tests.benchmarks.inference_sweep import OBJECTIVES, TEMPERATURES, learn, votes

TASKS, STEPS, IMAGES, HELD_OUT, COUNTED = 6, 300, 20, 1000, 2000
SEEDS, RATES = (0, 1), (1e-3, 3e-3, 1e-2)
LOSSES = (("softmax", 1.0, 10), ("softmax", 1.0, 25), ("softmax", 3.0, 10), ("softmax", 10.0, 10))
LOSSES += (("sigmoid", 1.0, 10), ("sigmoid", 3.0, 10))


def measure(net, masks, tasks, seed: int) -> dict[str, float | str]:
    """Return digits on the held-out and on the counted images, and the tasks found by the best temperature."""
    rows = torch.randperm(10_000, generator=torch.Generator().manual_seed(seed))
    held_out, counted = rows[:HELD_OUT], rows[HELD_OUT : HELD_OUT + COUNTED]
    x = torch.cat([task.test.batch(counted[:IMAGES])[0] for task in tasks])
    truth = torch.arange(len(tasks)).repeat_interleave(IMAGES)
    found = {
        (kind, t): float((votes(net, masks, x, objective, t).argmax(1) == truth).float().mean())
        for kind, objective in OBJECTIVES.items()
        for t in TEMPERATURES
    }
    best = max(found, key=found.get)
    return {
        "held out": round(_digits(net, masks, tasks, held_out), 5),
        "accuracy": round(_digits(net, masks, tasks, counted), 5),
        "one_shot": round(found["softmax", 1.0], 4),
        "best": round(found[best], 4),
        "best at": f"{best[0]}, T = {best[1]:g}",
    }


def _digits(net, masks, tasks, rows: Tensor) -> float:
    shares = []
    for mask, task in zip(masks, tasks, strict=True):
        x, y = task.test.batch(rows)
        shares.append((sl.apply_mask(net, mask, x).argmax(1) == y).float().mean())
    return float(torch.stack(shares).mean())


def run(tasks: int = TASKS, steps: int = STEPS):
    """Yield one row for each seed, loss and rate."""
    for seed in SEEDS:
        suite = sl.permuted_mnist(tasks, seed=seed)
        for loss, temperature, outputs in LOSSES:
            net = sl.lenet_300_100(outputs=outputs, seed=seed)
            for rate in RATES:
                recipe = sl.Recipe(steps, 128, "adam", rate, True)
                masks = learn(net, suite, recipe, seed, loss=loss, temperature=temperature)
                row = {"loss": loss, "T": temperature, "s": outputs, "rate": rate, "seed": seed}
                yield row | measure(net, masks, suite, seed)


def main() -> None:
    """Learn and measure everything, and store it where lesson 05 reads it."""
    began, rows = time.perf_counter(), []
    for row in run():
        rows.append(row)
        print(row, flush=True)
    setting = {
        "network": "lenet_300_100",
        "tasks": f"{TASKS} of permuted MNIST",
        "recipe": f"Adam one-cycle, {STEPS} steps of 128",
        "rates": RATES,
        "seeds": SEEDS,
        "temperatures at inference": TEMPERATURES,
    }
    result = result_of("temperature-price", setting, rows, TASKS * COUNTED, time.perf_counter() - began, sl.device())
    print(f"written to {save(result, 'temperature_price.json').name}")


if __name__ == "__main__":
    main()
