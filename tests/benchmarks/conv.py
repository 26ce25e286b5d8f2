"""Masks of conv networks: what they cost beside dense weights, and how long the paper's runs would take here.

Images are random. A step is that of `learn_masks` (threshold, and ER budgets), for one task or TOGETHER side by side,
beside a step of the same network whose weights are trained, by the same optimiser. "forward" is a batch through
`apply_mask` beside the same batch through the network without a mask. Rows of ResNet-50 are for images of 224 x 224; on
a CPU in a batch of 4 and one task at once, because it takes seconds.

The last column is the arithmetic of the paper's runs, at the images a second of that row: SplitCIFAR100 learns 20 tasks
for 100 epochs of 2,500 images, SplitImageNet 100 tasks for 100 epochs of some 12,800, each once for every density.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
import torch.nn.functional as F

import supsup_lite as sl
from supsup_lite.learning.learn import learn_scores
from supsup_lite.learning.optimizers import make_optimizer
from supsup_lite.masks import init_scores
from supsup_lite.networks import FrozenBase
from supsup_lite.networks import run as run_network
from tests.benchmarks.timing import timed

ROUNDS, STEPS, TOGETHER = 5, 3, 5
CPU_ONLY = not torch.cuda.is_available()


@dataclass(frozen=True)
class Case:
    """A network and how it is measured; `images` is how many the paper's run looks at for one density."""

    net: Callable[[], FrozenBase]
    batch: int
    together: int
    images: int | None


CASES = {
    "conv_net": Case(lambda: sl.conv_net(10), 128, TOGETHER, None),
    "gem_resnet18": Case(lambda: sl.gem_resnet18(5), 32 if CPU_ONLY else 128, TOGETHER, 20 * 100 * 2500),
    "resnet50": Case(lambda: sl.resnet50(10), 4 if CPU_ONLY else 64, 1 if CPU_ONLY else TOGETHER, 100 * 100 * 12_800),
}


def run() -> list[dict]:
    """Return a row for each way, medians of interleaved rounds: ms a task, its ratio, images a second, hours."""
    return [row for name, case in CASES.items() for row in rows_of(name, case)]


def rows_of(name: str, case: Case) -> list[dict]:
    """Return the rows of one network."""
    net, tasks = case.net(), random_tasks(case)
    x, y = tasks[0].train.batch(range(case.batch))
    mask = sl.random_mask(net, 0.5, seed=0)
    with_statistics = sl.TaskMask(mask, {n: torch.ones(2, c, device=net.device) for n, c in net.norms().items()})
    ways = {  # name -> (work, passes a call, what it is measured beside)
        "dense step": (dense_step(net, x, y), STEPS, "dense step"),
        "mask step": (mask_step(net, tasks[:1], None, case.batch), STEPS, "dense step"),
        "mask step, er:0.08": (mask_step(net, tasks[:1], "er:0.08", case.batch), STEPS, "dense step"),
        "forward": (forward(net, None, x), 1, "forward"),
        "forward, mask": (forward(net, with_statistics, x), 1, "forward"),
    }
    if case.together > 1:
        together = mask_step(net, tasks, None, case.batch)
        ways[f"mask step, {case.together} tasks at once"] = (together, STEPS * case.together, "dense step")
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for repeat in range(ROUNDS + 1):
        for way, (work, passes, _) in ways.items():
            took = timed(work) / passes
            if repeat:  # the first time loads libraries
                seconds[way].append(took)
    middle = {way: median(values) for way, values in seconds.items()}
    return [
        {
            "network": f"{name}, batches of {case.batch}",
            "way": way,
            "ms a task": 1e3 * middle[way],
            "beside": middle[way] / middle[beside],
            "images/s": case.batch / middle[way],
            "paper's run, hours": case.images / (case.batch / middle[way]) / 3600
            if case.images and way.startswith("mask")
            else "",
        }
        for way, (_, _, beside) in ways.items()
    ]


def random_tasks(case: Case) -> sl.TaskSuite:
    """Return tasks of one batch of noise each."""
    draw, numbers = torch.Generator().manual_seed(0), case.net().inputs
    x = [torch.randn(case.batch, numbers, generator=draw) for _ in range(case.together)]
    y = [torch.arange(case.batch) % 2 for _ in x]
    return sl.tasks_of(x, y, [each[:2] for each in x], [each[:2] for each in y], "each")


def mask_step(net, tasks: sl.TaskSuite, keep, batch: int) -> Callable[[], None]:
    """Return a function that trains the scores of all tasks for STEPS steps."""
    recipe = sl.Recipe(STEPS, batch, "adam", 1e-3)
    start = {name: values[0] for name, values in init_scores(net, [0], 0).items()}  # drawn before the clock runs
    return lambda: learn_scores(net, tasks, keep, 0, recipe, start)


def dense_step(net, x: torch.Tensor, y: torch.Tensor) -> Callable[[], None]:
    """Return a function that trains the weights of one network for STEPS steps."""

    def work() -> None:
        weights = {name: weight.clone().requires_grad_(True) for name, weight in net.weights().items()}
        optimizer, _ = make_optimizer(list(weights.values()), sl.Recipe(STEPS, len(x), "adam", 1e-3))
        for _ in range(STEPS):
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(run_network(net, weights, x), y).backward()
            optimizer.step()

    return work


def forward(net, mask, x: torch.Tensor) -> Callable[[], None]:
    """Return a function that runs a batch, with a mask or with all weights, statistics given either way."""
    statistics = {n: torch.ones(2, c, device=net.device) for n, c in net.norms().items()}

    @torch.no_grad()
    def work() -> None:
        if mask is None:
            run_network(net, net.weights(), x, statistics)
        else:
            sl.apply_mask(net, mask, x)

    return work
