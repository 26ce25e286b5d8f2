"""`python -m tests.benchmarks.scale`: accuracy and One-Shot by density, network and number of tasks, for lesson 08.

Permutations of MNIST, s = 100. Edge-popup masks keep a share of each layer; threshold masks (keep null in the file) end
near one half by themselves. The first k masks are superposed, and the task is inferred from one image for each batch of
128 (GNu). Written to data/results/scale.json after each setting, in half an hour; what is there is not measured again.
"""

import json
from dataclasses import asdict

import supsup_lite as sl
from supsup_lite.data.folders import data_folder
from supsup_lite.recipes import DEFAULT, PAPER
from supsup_lite.results.runs import save, versions

RECIPES = {"default": DEFAULT, "paper": PAPER}
SETTINGS = (  # network, tasks, recipe, densities
    (sl.lenet_300_100, 50, "default", (None, 0.1, 0.05, 0.3, 0.7, 0.9)),
    (sl.fc_1024, 10, "default", (None, 0.1)),
    (sl.fc_1024, 10, "paper", (None,)),
)
NUM_TASKS = (2, 5, 10, 20, 50)
IMAGES = 2560  # of each task: twenty inferences


def measure(net, num_tasks: int, recipe: str, keep: float | None) -> list[dict]:
    """Return one row for each number of tasks up to `num_tasks`."""
    tasks = sl.permuted_mnist(num_tasks)
    masks = sl.learn_masks(net, tasks, keep, recipe=RECIPES[recipe], progress=False)
    rows = []
    for k in (k for k in NUM_TASKS if k <= num_tasks):
        given, inferred = (sl.evaluate(net, masks[:k], tasks[:k], name, images=IMAGES) for name in ("GG", "GNu"))
        rows.append(
            {
                "network": net.name,
                "outputs": net.outputs,
                "recipe": recipe,
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
    path = data_folder() / "results" / "scale.json"
    rows: list[dict] = json.loads(path.read_text("utf-8"))["figures"] if path.exists() else []
    done = {(row["network"], row["recipe"], row["keep"]) for row in rows}
    recipes = {name: asdict(recipe) for name, recipe in RECIPES.items()}
    setting = {"suite": "permuted_mnist", "seed": 0, "images_per_task": IMAGES, "recipes": recipes}
    for network, num_tasks, recipe, densities in SETTINGS:
        net = network(outputs=100)
        for keep in (keep for keep in densities if (net.name, recipe, keep) not in done):
            rows += measure(net, num_tasks, recipe, keep)
            print(rows[-1], flush=True)
            result = {"experiment": "scale", "setting": setting, "figures": rows, "versions": versions()}
            save(result, path.name)


if __name__ == "__main__":
    main()
