"""`python -m tests.benchmarks.small_networks`: a mask or a small network for each task, at equal bytes, for lesson 08.

Permutations of MNIST, 300 steps of 128 images a task, Adam with a one-cycle rate. A contestant is a mask of LeNet
300-100, or a network with one hidden layer, as wide as the bytes of the mask allow: weights of one byte or four, 10
outputs or 100.

One search for all: the rate of RATES with the most images of which task *and* digit are right, on permutations and test
images that are not used again. Both halves of the test images are drawn, for MNIST's last 5,000 are far easier to read
than its first. Then all tasks of other seeds are learned at that rate. A task is inferred from one image: that of the
lowest entropy over all masks or networks. Written to data/results/small_networks.json after each seed, in ten minutes;
with names of contestants, such as "mask", these alone are measured.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

import supsup_lite as sl
from supsup_lite.baselines import to_bytes, train_dense
from supsup_lite.data.folders import data_folder
from supsup_lite.evaluation.intervals import interval_95
from supsup_lite.exercises.scale import widest
from supsup_lite.inference.objectives import objective_of
from supsup_lite.networks import MLP, run
from supsup_lite.results.runs import save, versions

RATES = (1e-3, 2e-3, 5e-3, 1e-2, 2e-2)
STEPS, BATCH = 300, 128
SEARCH_SEED, SEARCH_TASKS = 100, 6
SEEDS, TASKS = (0, 1, 2), 20
READ, ASKED = 1000, 200  # images of each task: to read, and to infer the task from
SHARES = ("digit", "task", "both")
DRAWN = torch.randperm(10_000, generator=torch.Generator().manual_seed(0))
FOR_SEARCH, COUNTED = DRAWN[:5000], DRAWN[5000:]
Answer = Callable[[int, Tensor], Tensor]  # (i, images) -> logits of mask or network i


@dataclass(frozen=True)
class Contestant:
    """What is learned for each task; bytes_a_weight is None for masks."""

    outputs: int
    bytes_a_weight: int | None


CONTESTANTS = {
    "mask": Contestant(100, None),
    "bytes, 100 outputs": Contestant(100, 1),
    "bytes, 10 outputs": Contestant(10, 1),
    "floats, 10 outputs": Contestant(10, 4),
}


def bytes_of_a_mask() -> int:
    """Return what one mask of LeNet 300-100 takes, s = 100."""
    masks = sl.MaskStore(sl.lenet_300_100(outputs=100))
    masks.append(sl.random_mask(masks.net, 0.5, seed=0))
    return masks.nbytes


def learned(contestant: Contestant, tasks: sl.TaskSuite, seed: int, rate: float) -> tuple[str, int, Answer]:
    """Return the network's name, the bytes of one task, and the answers of what was learned."""
    recipe = sl.Recipe(STEPS, BATCH, "adam", rate, one_cycle=True)
    budget, outputs, size = bytes_of_a_mask(), contestant.outputs, contestant.bytes_a_weight
    if size is None:
        net = sl.lenet_300_100(outputs=outputs, seed=seed)
        masks = sl.learn_masks(net, tasks, seed=seed, recipe=recipe, progress=False)
        return net.name, budget, lambda i, x: sl.apply_mask(net, masks[i], x)
    widths = (784, widest(budget, size, 784, outputs), outputs)
    net = MLP("-".join(map(str, widths)), widths, seed=seed)
    trained = train_dense(net, tasks, seed, recipe)
    weights = to_bytes(trained) if size == 1 else trained
    size_of_all = size * net.num_weights
    return net.name, size_of_all, lambda i, x: run(net, {n: w[i] for n, w in weights.items()}, x)


@torch.no_grad()
def shares(answer: Answer, tasks: sl.TaskSuite, images: Tensor) -> dict[str, list[float]]:
    """Return for each task: digits right where the task is given; tasks found from one image each; both right."""
    found: dict[str, list[float]] = {name: [] for name in SHARES}
    for task in range(len(tasks)):
        x, y = tasks[task].test.batch(images[:READ])
        found["digit"].append((answer(task, x).argmax(1) == y).float().mean().item())
        x, y = x[:ASKED], y[:ASKED]
        logits = torch.stack([answer(i, x) for i in range(len(tasks))])  # [k, B, outputs]
        surest = torch.stack([objective_of(each, "entropy") for each in logits]).argmin(0)
        digit = logits.argmax(2).gather(0, surest[None])[0]
        found["task"].append((surest == task).float().mean().item())
        found["both"].append(((surest == task) & (digit == y)).float().mean().item())
    return found


def searched(contestant: Contestant) -> list[dict]:
    """Return one row for each rate, on permutations and images that are used for nothing else."""
    tasks, rows = sl.permuted_mnist(SEARCH_TASKS, seed=SEARCH_SEED), []
    for rate in RATES:
        found = shares(learned(contestant, tasks, SEARCH_SEED, rate)[2], tasks, FOR_SEARCH)
        rows.append({"rate": rate, **{name: round(sum(each) / len(each), 5) for name, each in found.items()}})
        print(rows[-1], flush=True)
    return rows


def measured(contestant: Contestant, rate: float) -> Iterator[dict]:
    """Yield shares and their intervals over all tasks of the seeds so far, on the other half of the test images."""
    every: dict[str, list[float]] = {name: [] for name in SHARES}
    for count, seed in enumerate(SEEDS, start=1):
        tasks = sl.permuted_mnist(TASKS, seed=seed)
        network, size, answer = learned(contestant, tasks, seed, rate)
        row = {"network": network, "outputs": contestant.outputs, "bytes": size, "rate": rate, "seeds": count}
        for name, each in shares(answer, tasks, COUNTED).items():
            every[name] += each
            row[name] = round(sum(every[name]) / len(every[name]), 5)
            row[f"{name}_interval_95"] = [round(end, 5) for end in interval_95(every[name])]
        yield row


def main(wanted: list[str]) -> None:
    path = data_folder() / "results" / "small_networks.json"
    setting = {
        "suite": "permuted_mnist",
        "steps": STEPS,
        "batch": BATCH,
        "rates": RATES,
        "tasks": TASKS,
        "search_tasks": SEARCH_TASKS,
        "images_read": READ,
        "images_asked": ASKED,
    }
    for name in wanted or CONTESTANTS:
        search = searched(CONTESTANTS[name])
        best = max(search, key=lambda row: row["both"])["rate"]
        for row in measured(CONTESTANTS[name], best):
            print(row, flush=True)
            # Read late: some may run side by side.
            rows = json.loads(path.read_text("utf-8"))["figures"] if path.exists() else []
            by_name = {each["contestant"]: each for each in rows} | {
                name: {"contestant": name, **row, "search": search}
            }
            figures = [by_name[each] for each in CONTESTANTS if each in by_name]
            result = {"experiment": "small-networks", "setting": setting, "figures": figures}
            save({**result, "versions": versions()}, path.name)


if __name__ == "__main__":
    main(sys.argv[1:])
