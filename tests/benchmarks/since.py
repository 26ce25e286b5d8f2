"""The public calls beside the same calls of an earlier revision: SINCE=REVISION make bench ARGS=since.

Two processes, one a tree, take turns call by call, so that what else the machine does meets both alike. One thread
each. Without SINCE it is the last commit, to see what a change not yet committed costs.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 15


def run() -> list[dict]:
    """Return ms a call, now and before, and the median of the ratios round by round."""
    revision = os.environ.get("SINCE", "HEAD")
    with ExitStack() as stack:
        before = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "before"
        _git("worktree", "add", "--detach", str(before), revision)
        stack.callback(_git, "worktree", "remove", "--force", str(before))
        old, new = (stack.enter_context(_worker(tree)) for tree in (before, ROOT))
        rows = []
        for name in _names(old, new):
            seconds = [(_ask(old, name), _ask(new, name)) for _ in range(ROUNDS + 1)][1:]  # the first one warms up
            rows.append(
                {
                    "call": name,
                    "ms before": 1e3 * median(a for a, _ in seconds),
                    "ms now": 1e3 * median(b for _, b in seconds),
                    "now / before": median(b / a for a, b in seconds),
                }
            )
        return rows


def calls_of_the_face() -> dict[str, Callable[[], object]]:
    """The calls that are timed; nothing but the public face, which every revision has."""
    import torch

    import supsup_lite as sl  # here, since it is the worker's path that says which tree's

    tasks = sl.permuted_mnist(20, seed=0, device="cpu")
    x = tasks[3].test.batch(range(128))[0]
    recipe = sl.Recipe(steps=30, batch=128, optimizer="rmsprop", lr=1e-4)
    net, wide = sl.lenet_300_100(device="cpu"), sl.fc_1024(device="cpu")
    masks, wide_masks = (sl.MaskStore(network) for network in (net, wide))
    for task in range(20):
        masks.append(sl.random_mask(net, 0.5, seed=0, task=task))
        wide_masks.append(sl.random_mask(wide, 0.5, seed=0, task=task))
    alphas = torch.full((20,), 1 / 20)
    learned = sl.learn_masks(net, tasks, recipe=recipe, progress=False)  # these know whose they are
    return {
        "learn_masks": lambda: sl.learn_masks(net, tasks[:3], recipe=recipe, progress=False),
        "learn_masks, keep 0.3": lambda: sl.learn_masks(net, tasks[:3], keep=0.3, recipe=recipe, progress=False),
        "infer_task, one_shot": lambda: sl.infer_task(net, masks, x),
        "infer_task, binary": lambda: sl.infer_task(net, masks, x, "binary"),
        "infer_task, exhaustive": lambda: sl.infer_task(net, masks, x, "exhaustive"),
        "infer_task, binary, together, FC 1024": lambda: sl.infer_task(wide, wide_masks, x, "binary", together=True),
        "evaluate, GG": lambda: sl.evaluate(net, learned, tasks, "GG"),
        "evaluate, GNu": lambda: sl.evaluate(net, learned, tasks, "GNu", images=200),
        "apply_mask": lambda: sl.apply_mask(net, masks[3], x),
        "superpose": lambda: sl.superpose(net, masks, alphas, x),
    }


def _worker(tree: Path) -> subprocess.Popen:
    surroundings = os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, __file__], cwd=tree, env=surroundings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _names(old: subprocess.Popen, new: subprocess.Popen) -> list[str]:
    """Return what a worker can be asked for, once both are ready: the first line of each."""
    old.stdout.readline()
    return new.stdout.readline().strip().split("; ")


def _ask(worker: subprocess.Popen, name: str) -> float:
    print(name, file=worker.stdin, flush=True)
    return float(worker.stdout.readline())


def _git(*words: str) -> None:
    subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True)


def _answer() -> None:
    """Time each call whose name comes in, until nothing more comes."""
    calls = calls_of_the_face()
    print("; ".join(calls), flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        calls[line.strip()]()
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    _answer()
