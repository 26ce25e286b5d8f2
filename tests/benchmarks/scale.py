"""`python -m tests.benchmarks.scale`: accuracy and One-Shot by density, network and number of tasks, for lesson 08.

Permutations of MNIST, s = 100 and the default recipe. Edge-popup masks keep a share of each layer; threshold masks
(density null in the file) end near one half by themselves. The first k masks are superposed, and the task is inferred
from one image for each batch of 128 (GNu). Written to data/results/scale.json after each setting, in some 20 minutes.
"""

import json
from dataclasses import asdict

import torch

import supsup_lite as sl
from supsup_lite.data import data_folder
from supsup_lite.learning import DEFAULT

SETTINGS = (  # network, tasks, densities
    (sl.lenet_300_100, 50, (None, 0.1, 0.05, 0.3, 0.7, 0.9)),
    (sl.fc_1024, 10, (None, 0.1)),
)
NUM_TASKS = (2, 5, 10, 20, 50)
IMAGES = 2560  # of each task: twenty inferences


def measure(net, num_tasks: int, keep: float | None) -> list[dict]:
    """Return one row for each number of tasks up to `num_tasks`."""
    tasks = sl.permuted_mnist(num_tasks)
    masks = sl.learn_masks(net, tasks, keep, progress=False)
    rows = []
    for k in (k for k in NUM_TASKS if k <= num_tasks):
        given, inferred = (sl.evaluate(net, masks[:k], tasks[:k], name, images=IMAGES) for name in ("GG", "GNu"))
        rows.append(
            {
                "network": net.name,
                "outputs": net.outputs,
                "keep": keep,
                "density": round(masks[:k].density.mean().item(), 4),
                "tasks": k,
                "GG": round(given.accuracy, 5),
                "GNu": round(inferred.accuracy, 5),
                "GNu_interval_95": [round(end, 5) for end in inferred.interval],
                "task_accuracy": round(inferred.task_accuracy, 5),
                "task_interval_95": [round(end, 5) for end in inferred.task_interval],
                "inferences": inferred.inferences,
                "bytes": masks[:k].nbytes,
                "entropy_bytes": round(masks[:k].entropy_bytes),
            }
        )
    return rows


def main() -> None:
    rows: list[dict] = []
    setting = {"suite": "permuted_mnist", "seed": 0, "images_per_task": IMAGES, "recipe": "default", **asdict(DEFAULT)}
    versions = {"torch": torch.__version__, "supsup_lite": sl.__version__}
    for network, num_tasks, densities in SETTINGS:
        for keep in densities:
            rows += measure(network(outputs=100), num_tasks, keep)
            print(rows[-1], flush=True)
            result = {"experiment": "scale", "setting": setting, "figures": rows, "versions": versions}
            (data_folder() / "results" / "scale.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
