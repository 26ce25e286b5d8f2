"""The rivals explorer: which method, for so many tasks and so many bytes, each told which task it is (lesson 09)."""

from pathlib import Path
from statistics import fmean
from typing import Any

import traitlets

from supsup_lite.checks import check_keep, check_whole
from supsup_lite.data.folders import data_folder
from supsup_lite.explorers.base import Explorer, module
from supsup_lite.files import read_json
from supsup_lite.plots import svg_of
from supsup_lite.plots.beyond_mnist import by_bytes

RACES = {  # for each: its name in words, the files of its results, and the accuracy of who guesses
    "split_rotated": ("conv net, 20 tasks", "rivals_split_rotated_*.json", 0.2),
    "permuted_mnist": ("LeNet, 250 shuffles", "rivals_permuted_mnist_250*.json", 0.1),
}
METHODS = {
    "supsup": "masks",
    "batch_ensemble_random": "BatchE, random trunk",
    "batch_ensemble": "BatchE, trunk of task 1",
    "heads_random": "heads, random trunk",
    "heads": "heads, trunk of task 1",
    "psp": "PSP, rotations",
    "psp_binary": "PSP, signs",
    "upper_bound": "upper bound",
    "lower_bound": "lower bound",
}
BUDGETS = tuple(step * 10**power for power in range(4, 9) for step in (1, 2, 5))  # bytes, from 10 kB to 500 MB


class Rivals(Explorer):
    """Choose a race, a number of tasks, and how many bytes there are; see who reads most within them.

    Bytes and accuracies come from the stored results of the course, means over their seeds.

    Args:
        results: the folder of the stored results; None is the repository's `data/results`.

    Attributes:
        race: a name in `RACES`.
        num_tasks: k, one of the counts that were measured in this race.
        budget: bytes for all k tasks together.
        races: for each race its name in words, and the accuracy of chance.
        rows: a dict for each race, method and k: bytes, accuracy, seeds, and the rate that it was trained at.

    Raises:
        FileNotFoundError: the folder holds no result of a race; the message says which command makes one.
        ValueError: a result is damaged.
    """

    _esm = module("rivals")
    heights = (1057, 953, 912)

    race = traitlets.Enum(list(RACES), "split_rotated").tag(sync=True)
    num_tasks = traitlets.Int(20).tag(sync=True)
    budget = traitlets.Enum(BUDGETS, 200_000).tag(sync=True)
    race_names = traitlets.List(list(RACES)).tag(sync=True)  # a saved notebook sorts a dict's keys
    races = traitlets.Dict().tag(sync=True)
    budgets = traitlets.List(list(BUDGETS)).tag(sync=True)
    method_names = traitlets.List(list(METHODS.values())).tag(sync=True)
    rows = traitlets.List(traitlets.Dict()).tag(sync=True)

    def __init__(self, results: Path | None = None, **traits):
        races = {name: {"words": words, "chance": chance} for name, (words, _, chance) in RACES.items()}
        super().__init__(races=races, rows=measured(results), **traits)

    @traitlets.validate("num_tasks")
    def _measured_count(self, proposal: dict[str, Any]) -> int:
        counts = self.counts()
        if self.rows and proposal["value"] not in counts:
            raise traitlets.TraitError(f"{self.race} was measured at {counts} tasks, not at {proposal['value']}.")
        return proposal["value"]

    @traitlets.observe("race")
    def _keep_to_counts(self, change: dict[str, Any]) -> None:
        """Move to the number of tasks of the new race that is nearest."""
        counts = self.counts()
        if self.num_tasks not in counts:
            self.num_tasks = min(counts, key=lambda count: abs(count - self.num_tasks))

    def counts(self) -> list[int]:
        """Return the numbers of tasks that were measured in this race."""
        return sorted({row["tasks"] for row in self.rows if row["race"] == self.race})

    def draw_still(self) -> str:
        rows = [row for row in self.rows if (row["race"], row["tasks"]) == (self.race, self.num_tasks)]
        points = {row["method"]: (row["bytes"], row["accuracy"], row["low"], row["high"]) for row in rows}
        fits = [row for row in rows if row["bytes"] <= self.budget]
        best = max(fits, key=lambda row: row["accuracy"], default=None)
        finding = "nothing fits" if best is None else f"{best['method']} read most, {best['accuracy']:.1%}"
        words, _, chance = RACES[self.race]
        return svg_of(by_bytes(points, chance), f"{words}: within {self.budget:,} bytes {finding}.")


def measured(results: Path | None = None) -> list[dict[str, Any]]:
    """Return what the stored races say: a row for each race, method and number of tasks, a mean over its seeds.

    Raises:
        FileNotFoundError, ValueError: see `Rivals`.
    """
    folder = data_folder() / "results" if results is None else Path(results)
    rows = []
    for race, (_, files, _) in RACES.items():
        paths = sorted(folder.glob(files))
        if not paths:
            raise FileNotFoundError(
                f"There are no stored results {files} in {folder}: they come with the repository, not with the package "
                f"alone. Make some: python -m supsup_lite.paper rivals --suite {race.replace('_', '-')} --out NAME.json"
            )
        for path in paths:
            rows += [{"race": race} | row for row in read_json(path, _rows, "Fetch or make it again.")]
    order = list(METHODS.values())
    return sorted(rows, key=lambda row: (row["race"], _place(row["method"], order), row["method"], row["tasks"]))


def _place(method: str, order: list[str]) -> int:
    """Return where a method stands; a variant, such as "masks, er:0.1", beside its own."""
    return max(i for i, name in enumerate(order) if method.startswith(name))


def _rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of one file: of each method and number of tasks one."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for figures in result["figures"]:
        runs.setdefault(_name(figures, result["setting"]), []).append(figures)
    rows = []
    for method, seeds in runs.items():
        for i, first in enumerate(seeds[0]["by_tasks"]):
            shares = [check_keep(figures["by_tasks"][i]["GG"]) for figures in seeds]
            row = {
                "method": method,
                "tasks": check_whole("tasks", first["tasks"]),
                "bytes": check_whole("bytes", min(first["bytes"], first.get("file_bytes", first["bytes"]))),
                "accuracy": fmean(shares),
                "low": min(shares),
                "high": max(shares),
                "seeds": len(shares),
                "lr": seeds[0]["lr"],
            }
            rows.append(row)
    return rows


def _name(figures: dict[str, Any], setting: dict[str, Any]) -> str:
    """Return what a method is called, with what sets it apart from its own kind: a budget, a rate not searched for."""
    name = METHODS[figures["method"]]
    if setting.get("keep") is not None:
        name += f", {setting['keep']}"
    return name if figures["search"] else f"{name}, rate {figures['lr']:g}"
