"""The command line: `python -m supsup_lite.paper NAME` runs an experiment; the last line printed is JSON."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from supsup_lite.devices import device
from supsup_lite.experiments import hopsupsup, mnist, nns
from supsup_lite.experiments.distributed import join_team
from supsup_lite.experiments.settings import NETWORKS, RECIPES
from supsup_lite.hopfield.store import RULES
from supsup_lite.inference.methods import METHODS
from supsup_lite.results import runs

EXPERIMENTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "permuted-mnist": mnist.permuted_mnist,
    "rotated-mnist": mnist.rotated_mnist,
    "split-mnist": mnist.split_mnist,
    "permuted-mnist-nns": nns.permuted_mnist_nns,
    "split-mnist-hopfield": hopsupsup.split_mnist_hopfield,
}
SHARED = ("permuted-mnist", "rotated-mnist", "split-mnist")  # independent tasks; a stream is read by one process


def _parser() -> argparse.ArgumentParser:
    about = "\n".join(f"  {name:20} {work.__doc__}" for name, work in EXPERIMENTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m supsup_lite.paper",
        description=f"Run one of the paper's experiments. The last line printed is a JSON object.\n\n{about}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=(
            "A run that was killed goes on where it stopped when the same command is given again: masks are saved\n"
            "in blocks of tasks, in the folder runs/ of the cache (SUPSUP_CACHE). Several processes, GPUs or machines\n"
            f"share a run of {', '.join(SHARED)}, and may be another number when it goes on:\n"
            "  torchrun --nproc-per-node 2 -m supsup_lite.paper permuted-mnist --tasks 250\n"
            "permuted-mnist also measures its first 10, 25, 50, 100, 250, ... tasks (by_tasks in the result)."
        ),
    )
    parser.add_argument("name", choices=[*EXPERIMENTS, "all"], help="which experiment; all: what fits this machine")
    parser.add_argument("--tasks", type=_positive, help="how many tasks (default: 20, 36 or 5, by experiment)")
    parser.add_argument("--seed", type=int, default=0, help="of the network, the tasks and the learner")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--out", help="save the result; a bare file name goes to data/results/")
    parser.add_argument("--network", choices=NETWORKS, help="LeNet 300-100 or FC 1024-1024 (default: the paper's)")
    parser.add_argument("--outputs", type=_positive, default=100, help="output neurons s, superfluous ones included")
    parser.add_argument("--keep", type=float, help="density of edge-popup masks (default: threshold masks)")
    parser.add_argument("--recipe", choices=RECIPES, default="paper", help="how to train the scores")
    parser.add_argument("--steps", type=_positive, help="batches for each task (default: the recipe's)")
    parser.add_argument("--objective", choices=("entropy", "superfluous"), default="entropy", help="H or G")
    parser.add_argument("--method", choices=METHODS, help="of task inference (default: the experiment's own)")
    parser.add_argument("--rule", choices=RULES, default="storkey", help="of the Hopfield store")
    parser.add_argument("--images", type=_positive, help="test images of each task (default: all)")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {value}")
    return value


def main(arguments: list[str] | None = None) -> None:
    """Run one experiment, or all of them, and print each result as one line of JSON."""
    options = _parser().parse_args(arguments)
    if options.device:
        os.environ["SUPSUP_DEVICE"] = options.device
    names = list(EXPERIMENTS) if options.name == "all" else [options.name]
    try:
        options.team = join_team()
        if options.team.size > 1 and not set(names) <= set(SHARED):
            alone = ", ".join(sorted(set(names) - set(SHARED)))
            raise ValueError(f"one process reads a stream, or learns it all: start {alone} without torchrun.")
    except (ValueError, ConnectionError) as error:
        sys.exit(f"{options.name}: {error}")
    for name in names:
        own = argparse.Namespace(**vars(options) | {"name": name})
        if options.name == "all" and name == "permuted-mnist" and device().type == "cuda":
            own.tasks, own.network, own.outputs = own.tasks or 250, own.network or "fc", 500  # the paper's own setting
        own.network = own.network or ("fc" if name == "rotated-mnist" else "lenet")
        try:
            result = EXPERIMENTS[name](own)
        except KeyboardInterrupt:
            sys.exit(f"interrupted: the masks learned so far are kept; the same command goes on ({name}).")
        except (ValueError, TypeError, ConnectionError) as error:
            sys.exit(f"{name}: {error}")
        if options.team.rank > 0:  # the first process speaks for all
            continue
        if options.out:
            print(f"saved to {runs.save(result, options.out)}", file=sys.stderr)
        print(json.dumps(result))
