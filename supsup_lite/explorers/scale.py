"""The scale explorer: what k tasks cost in bytes and operations, and how well they are told apart (lesson 08)."""

from functools import partial
from pathlib import Path
from typing import Any

import traitlets

from supsup_lite.checks import check_keep, check_whole
from supsup_lite.data.folders import data_folder
from supsup_lite.explorers.base import Explorer, module
from supsup_lite.files import read_json
from supsup_lite.networks.mlp import fc_1024, lenet_300_100
from supsup_lite.plots import svg_of
from supsup_lite.plots.scale import by_tasks
from supsup_lite.recipes import DEFAULT
from supsup_lite.results import published

NUM_TASKS = (1, 2, 5, 10, 20, 50, 100, 250, 500, 1000, 2500)
DENSITIES = (1, 2, 5, 10, 20, 30, 50, 70, 90)  # percent; 50 are threshold masks, as in `stored.Setting`
NETWORKS = {"lenet_300_100": ("LeNet 300-100", lenet_300_100), "fc_1024": ("FC 1024-1024", fc_1024)}
KEYS = ("tasks", "GG", "GNu", "GNu_interval_95", "task_accuracy", "task_interval_95", "inferences")


class Scale(Explorer):
    """Choose a number of tasks, a network and a density; see bytes, operations, and what was measured.

    Bytes and operations are counted, by the shapes of the network with s = 100. Accuracies are measured: they come
    from the stored results of the course, and where there is none, the explorer says so.

    Args:
        results: the folder of the stored results; None is the repository's `data/results`.

    Attributes:
        num_tasks: k.
        network: "lenet_300_100" or "fc_1024".
        density: percent of the weights that each mask keeps.
        networks: for each network its name in words and the shapes [out, in] of its layers.
        rows: what was measured, a dict for each setting and k.
        paper: the paper's numbers for the same experiment.

    Raises:
        FileNotFoundError: the folder holds no result; the message says which command makes one.
        ValueError: a result is damaged.
    """

    _esm = module("scale")
    heights = (1780, 1332, 1239)

    num_tasks = traitlets.Enum(NUM_TASKS, 100).tag(sync=True)
    network = traitlets.Enum(list(NETWORKS), "lenet_300_100").tag(sync=True)
    density = traitlets.Enum(DENSITIES, 50).tag(sync=True)
    task_counts = traitlets.List(list(NUM_TASKS)).tag(sync=True)
    densities = traitlets.List(list(DENSITIES)).tag(sync=True)
    networks = traitlets.Dict().tag(sync=True)
    network_names = traitlets.List(list(NETWORKS)).tag(sync=True)  # a saved notebook sorts a dict's keys
    training = traitlets.Dict({"steps": DEFAULT.steps, "batch": DEFAULT.batch}).tag(sync=True)
    rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    paper = traitlets.List(traitlets.Dict()).tag(sync=True)

    def __init__(self, results: Path | None = None, **traits):
        networks = {}
        for name, (words, make) in NETWORKS.items():
            shapes = [list(weight.shape) for weight in make(outputs=100, device="cpu").weights().values()]
            networks[name] = {"words": words, "shapes": shapes}
        paper = [
            {"network": number.network, "outputs": number.outputs, "tasks": number.tasks, "GNu": number.accuracy}
            for number in published(experiment="PermutedMNIST", scenario="GNu", method="SupSup")
        ]
        super().__init__(networks=networks, rows=measured(results), paper=paper, **traits)

    def draw_still(self) -> str:
        rows = [row for row in self.rows if (row["network"], row["density"]) == (self.network, self.density)]
        # One line for the result that goes furthest, and one for its task inference.
        furthest = max(rows, key=lambda row: row["tasks"], default=None)
        shown = [row for row in rows if row["result"] == furthest["result"]] if furthest else []
        words = self.networks[self.network]["words"]
        lines = {"task_accuracy": "task found, from one image", "GNu": "task and digit right (GNu)"}
        paper = {
            f"the paper: {self.networks[row['network']]['words']}, s = {row['outputs']}": (row["tasks"], row["GNu"])
            for row in self.paper
        }
        finding = "nothing was measured at this density"
        if shown:
            finding = f"{shown[-1]['GNu']:.1%} of the digits and tasks are right at {shown[-1]['tasks']} tasks"
        alt = f"{words}, density {self.density} %: {finding}."
        return svg_of(by_tasks(shown, lines, paper), alt)


def measured(results: Path | None = None) -> list[dict[str, Any]]:
    """Return all that stored results of PermutedMNIST say, a row for each setting and number of tasks, by k.

    Raises:
        FileNotFoundError, ValueError: see `Scale`.
    """
    folder = data_folder() / "results" if results is None else Path(results)
    rows = []
    for path in sorted([*folder.glob("scale.json"), *folder.glob("permuted_mnist_*.json")]):
        rows += read_json(path, partial(_rows, path.stem), "Fetch or make it again.")
    if not rows:
        raise FileNotFoundError(
            f"There are no stored results in {folder}: they come with the repository, not with the package alone. "
            "Make some: python -m tests.benchmarks.scale"
        )
    return sorted(rows, key=lambda row: row["tasks"])


def _rows(name: str, result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of one file: of the benchmark, of a run with a row for each k, or of a run with one k."""
    setting, figures = result["setting"], result["figures"]
    if result["experiment"] == "scale":
        return [_row(name, row["recipe"], row, row) for row in figures]
    if result["experiment"] != "permuted-mnist":  # tasks that nobody announces, say
        return []
    if setting.get("objective", "entropy") != "entropy":  # G is lesson 05's
        return []
    if "by_tasks" in figures:
        return [_row(name, setting["recipe"], setting, row) for row in figures["by_tasks"]]
    flat = figures["GNu"] | {
        "tasks": setting["tasks"],
        "GG": figures["GG"]["accuracy"],
        "GNu": figures["GNu"]["accuracy"],
        "GNu_interval_95": figures["GNu"]["interval_95"],
    }
    return [_row(name, setting["recipe"], setting, flat)]


def _row(name: str, recipe: str, setting: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
    keep = setting["keep"]
    about = {
        "result": f"{name}, s = {setting['outputs']}",
        "recipe": recipe,
        "network": setting["network"],
        "outputs": setting["outputs"],
        "density": 50 if keep is None else round(100 * keep),
    }
    for name in ("GG", "GNu", "task_accuracy"):
        check_keep(figures[name])  # a share
    return about | {key: figures[key] for key in KEYS} | {"tasks": check_whole("tasks", figures["tasks"])}
