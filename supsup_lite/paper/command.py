"""The command line: `python -m supsup_lite.paper NAME` runs an experiment; the last line printed is JSON."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import torch

from supsup_lite.checks import check_whole
from supsup_lite.devices import device
from supsup_lite.experiments import hopsupsup, mnist, natural, nns, rivals
from supsup_lite.experiments.distributed import Team, join_team
from supsup_lite.experiments.open_questions.asking import open_questions
from supsup_lite.experiments.settings import (
    CANDIDATES,
    NETWORKS,
    OBJECTIVES,
    ON_A_GPU,
    OPEN_QUESTIONS,
    PHOTOGRAPHS,
    RECIPES,
    RIVALS,
    SETTINGS,
    SUITES,
    Sizes,
)
from supsup_lite.hopfield.store import RULES
from supsup_lite.inference.methods import METHODS
from supsup_lite.masks.budgets import ER
from supsup_lite.results import runs

SHARED: dict[str, Callable[[Any, Team], dict[str, Any]]] = {  # independent tasks, which processes can share
    "permuted-mnist": mnist.permuted_mnist,
    "rotated-mnist": mnist.rotated_mnist,
    "split-mnist": mnist.split_mnist,
    "split-cifar100": natural.split_cifar100,
    "split-imagenet": natural.split_imagenet,
}
ALONE: dict[str, Callable[[Any], dict[str, Any]]] = {  # one task after the other, by one process
    "permuted-mnist-nns": nns.permuted_mnist_nns,
    "split-mnist-hopfield": hopsupsup.split_mnist_hopfield,
    "rivals": rivals.rivals,
    "open-questions": open_questions,
}
EXPERIMENTS = SHARED | ALONE
ON_REQUEST = (*PHOTOGRAPHS, "open-questions")  # what "all" leaves out: data that one has to get, and doubts of ours
ROOM = "Free some disk space, or set SUPSUP_CACHE to a folder that can be written; what was saved is kept."


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
        argument_default=argparse.SUPPRESS,  # what is not given is the experiment's own
    )
    parser.add_argument("name", choices=[*EXPERIMENTS, "all"], help="which experiment; all: what this machine can do")
    parser.add_argument("--tasks", type=_positive, help="how many tasks (default: by experiment)")
    parser.add_argument("--seed", type=int, help="of the network, the tasks and the learner")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--out", help="save the result; a bare file name goes to data/results/")
    parser.add_argument("--network", choices=NETWORKS, help="of which network (default: the paper's)")
    parser.add_argument("--outputs", type=_positive, help="output neurons s, superfluous ones included")
    parser.add_argument("--keep", type=_keep, help="density of edge-popup masks, or er:0.1 (default: threshold masks)")
    parser.add_argument("--recipe", choices=RECIPES, help="how to train the scores")
    parser.add_argument("--steps", type=_positive, help="batches for each task (default: the recipe's)")
    parser.add_argument("--objective", choices=OBJECTIVES, help="H or G")
    parser.add_argument("--method", choices=METHODS, help="of task inference (default: the experiment's own)")
    parser.add_argument("--rule", choices=RULES, help="of the Hopfield store")
    parser.add_argument(
        "--candidates", choices=CANDIDATES, help="of the paper's rule on a stream: five or more, or k + 1"
    )
    parser.add_argument("--suite", choices=SUITES, help="of the rivals' tasks")
    parser.add_argument("--rival", choices=[*RIVALS, "all"], help="which of the rivals (default: all)")
    parser.add_argument("--which", choices=OPEN_QUESTIONS, help=f"of the open questions (default: {OPEN_QUESTIONS[0]})")
    parser.add_argument("--root", help="folder of CIFAR-100 or ImageNet (default: in the cache folder)")
    parser.add_argument("--lr", type=float, help="learning rate (default: the best on tasks of another seed)")
    parser.add_argument("--tuning-tasks", type=_positive, help="tasks on which a rate is tried")
    parser.add_argument("--seeds", type=_positive, help="how many seeds of rivals or open questions")
    parser.add_argument("--images", type=_positive, help="test images of each task (default: all)")
    return parser


def _of_the_paper() -> list[str]:
    return [name for name in EXPERIMENTS if name not in ON_REQUEST]


def _keep(text: str) -> float | str:
    try:
        return text if text.startswith(ER) else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number in 0..1, or such as {ER}0.1, got {text!r:.50}") from None


def _positive(text: str) -> int:
    try:
        return check_whole("it", int(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more, got {text!r:.50}") from None


def main(arguments: list[str] | None = None) -> None:
    """Run one experiment, or all of them, and print each result as one line of JSON."""
    given = vars(_parser().parse_args(arguments))
    asked, out, where = given.pop("name"), given.pop("out", None), given.pop("device", None)
    name = asked
    try:
        if where is not None:
            os.environ["SUPSUP_DEVICE"] = where
        team, names = join_team(), _of_the_paper() if asked == "all" else [asked]
        if team.size > 1 and not set(names) <= set(SHARED):
            alone = ", ".join(sorted(set(names) & set(ALONE)))
            raise ValueError(f"one process reads a stream, or learns it all: start {alone} without torchrun.")
        if device().type == "meta":
            raise ValueError("the device is 'meta', which holds no numbers: choose cpu, cuda or mps.")
        wanted = {name: _settings(name, given, asked == "all") for name in names}
        target = None if out is None else runs.target_of(out)
        for name, settings in wanted.items():
            result = SHARED[name](settings, team) if name in SHARED else ALONE[name](settings)
            if team.rank > 0:  # the first process speaks for all
                continue
            try:  # where one of the two is full by now, the other still has the result
                if target is not None:
                    print(f"saved to {runs.save(result, target)}", file=sys.stderr)
            finally:  # its last line, whatever else is said
                print(json.dumps(result), flush=True)
    except KeyboardInterrupt:
        sys.exit(f"interrupted: what is finished is kept; the same command goes on ({name}).")
    except (ValueError, TypeError, ConnectionError, MemoryError, torch.OutOfMemoryError) as error:
        sys.exit(f"{name}: {error or 'there is not the memory for it.'}")
    except OSError as error:
        sys.exit(f"{name}: a file cannot be read or written ({error}). {ROOM}")


def _settings(name: str, given: dict[str, Any], all_of_them: bool) -> Sizes:
    """Return an experiment's settings, with what is given in their place; of `all` each takes what it has."""
    settings = (ON_A_GPU if all_of_them and device().type == "cuda" else SETTINGS)[name]
    known = {field.name for field in fields(settings)}
    other = [] if all_of_them else [f"--{option}" for option in given if option not in known]
    if other:
        raise ValueError(f"this experiment has no {' and no '.join(other)}: leave it out.")
    return replace(settings, **{option: value for option, value in given.items() if option in known})
