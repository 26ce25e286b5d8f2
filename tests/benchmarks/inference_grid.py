"""`python -m tests.benchmarks.inference_grid`: task inference by number of tasks, sparsity and s, for lesson 04.

LeNet 300-100 learns 40 permutations with edge-popup masks and the lesson's short recipe, for each sparsity and s. The
first k masks are superposed, and 200 single test images, spread over the first k tasks, ask One-Shot and exhaustive
search for their task. Written to data/results/inference_grid.json.
"""

from dataclasses import asdict

import torch

import supsup_lite as sl
from supsup_lite.results.runs import save, versions

NUM_TASKS = (2, 5, 10, 20, 40)
SPARSITIES = (0.1, 0.3, 0.5, 0.7, 0.9)
OUTPUTS = (10, 25, 100)
IMAGES = 200
RECIPE = sl.Recipe(steps=60, batch=128, optimizer="adam", lr=2e-3, one_cycle=True)


def measure(sparsity: float, outputs: int) -> list[dict]:
    """Return one row for each number of tasks."""
    tasks, net = sl.permuted_mnist(max(NUM_TASKS)), sl.lenet_300_100(outputs)
    masks = sl.learn_masks(net, tasks, keep=1 - sparsity, recipe=RECIPE, progress=False)
    accuracy = sl.evaluate(net, masks, tasks, "GG", images=IMAGES).accuracy
    rows = []
    for k in NUM_TASKS:
        x = torch.cat([tasks[i].test.batch(range(IMAGES // k))[0] for i in range(k)])
        truth = torch.arange(k, device=x.device).repeat_interleave(IMAGES // k)
        found = {m: float((sl.infer_task(net, masks[:k], x, m) == truth).float().mean()) for m in METHODS}
        rows.append({"tasks": k, "sparsity": sparsity, "outputs": outputs, "accuracy": round(accuracy, 4)} | found)
    return rows


METHODS = ("one_shot", "exhaustive")


def main() -> None:
    rows = []
    for sparsity in SPARSITIES:
        for outputs in OUTPUTS:
            rows += measure(sparsity, outputs)
            print(rows[-1], flush=True)
    setting = {"network": "lenet_300_100", "seed": 0, "images": IMAGES, **asdict(RECIPE)}
    result = {"experiment": "inference grid", "setting": setting, "rows": rows, "versions": versions()}
    save(result, "inference_grid.json")


if __name__ == "__main__":
    main()
