"""The paper's experiments as plain commands: `python -m supsup_lite.paper NAME`; the last line printed is JSON."""

import argparse
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

import supsup_lite
from supsup_lite import networks, tasks
from supsup_lite.data import cache_folder, data_folder
from supsup_lite.devices import device
from supsup_lite.inference import METHODS
from supsup_lite.learning import DEFAULT, PAPER, Recipe, learn_masks, tasks_at_once
from supsup_lite.networks import Network
from supsup_lite.scenarios import Evaluation, evaluate
from supsup_lite.store import MaskStore
from supsup_lite.tasks import TaskSuite

NETWORKS = {"lenet": networks.lenet_300_100, "fc": networks.fc_1024}
RECIPES = {"paper": PAPER, "default": DEFAULT}
SAVE_EVERY = 10  # tasks: what a kill can cost at most


def permuted_mnist(options: argparse.Namespace) -> dict[str, Any]:
    """PermutedMNIST, GG, GNs and GNu, task from one image by One-Shot (the paper: 94.91 % for 250 tasks on FC)."""
    suite = tasks.permuted_mnist(options.tasks or 20, seed=options.seed)
    how = {"infer_from": "one_image", "method": options.method or "one_shot", "objective": options.objective}
    return _run(options, suite, how)


def rotated_mnist(options: argparse.Namespace) -> dict[str, Any]:
    """RotatedMNIST, 36 tasks of 10 degrees, Binary on full batches of 128."""
    suite = tasks.rotated_mnist(options.tasks or 36)
    how = {"infer_from": "whole_batch", "method": options.method or "binary", "objective": options.objective}
    return _run(options, suite, how)


def split_mnist(options: argparse.Namespace) -> dict[str, Any]:
    """SplitMNIST, 5 tasks of two digits."""
    suite = tasks.split_mnist(options.tasks or 5)
    how = {"infer_from": "one_image", "method": options.method or "one_shot", "objective": options.objective}
    return _run(options, suite, how)


EXPERIMENTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "permuted-mnist": permuted_mnist,
    "rotated-mnist": rotated_mnist,
    "split-mnist": split_mnist,
}


def _run(options: argparse.Namespace, suite: TaskSuite, how: dict[str, str]) -> dict[str, Any]:
    """Learn (or go on with) the masks, evaluate the three scenarios, and return the result."""
    net = NETWORKS[options.network](outputs=options.outputs, seed=options.seed)
    recipe = RECIPES[options.recipe]
    setting = {
        "network": net.name,
        "outputs": net.outputs,
        "tasks": len(suite),
        "seed": options.seed,
        "keep": options.keep,
        "recipe": options.recipe,
        **asdict(recipe),
        **how,
        "images_per_task": options.images,
    }
    masks, seconds = _learn_resumably(options.name, net, suite, options.keep, options.seed, recipe)
    began = time.perf_counter()
    figures: dict[str, Any] = {}
    for scenario in tqdm(("GG", "GNs", "GNu"), desc="evaluating", leave=False):
        figures[scenario] = _figures(evaluate(net, masks, suite, scenario, images=options.images, seed=0, **how))
    figures |= {
        "bytes": masks.nbytes,
        "entropy_bytes": round(masks.entropy_bytes),
        "learning_seconds": round(seconds, 1),
    }
    return {
        "experiment": options.name,
        "setting": setting,
        "figures": figures,
        "n": figures["GNu"]["n"],
        "seconds": round(seconds + time.perf_counter() - began, 1),
        "device": _device_name(net),
        "versions": {
            "supsup_lite": supsup_lite.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }


def _figures(result: Evaluation) -> dict[str, Any]:
    return {
        "accuracy": round(result.accuracy, 5),
        "interval_95": [round(end, 5) for end in result.interval],
        "worst_task": round(float(result.per_task.min()), 5),
        "task_accuracy": round(result.task_accuracy, 5),
        "task_interval_95": [round(end, 5) for end in result.task_interval],
        "inferences": result.inferences,
        "n": result.n,
    }


def _learn_resumably(
    name: str, net: Network, suite: TaskSuite, keep: float | None, seed: int, recipe: Recipe
) -> tuple[MaskStore, float]:
    """Return all masks and the seconds that learning them took, those before a kill included."""
    path = _checkpoint(name, net, suite, keep, seed, recipe)
    stored = MaskStore.load(path, net) if path.exists() else MaskStore(net)
    masks = stored[: len(suite)]
    if len(masks):
        print(f"going on with {len(masks)} of {len(suite)} masks from {path}", file=sys.stderr)
    spent = stored.about.get("seconds", 0.0) * len(masks) / max(1, len(stored))
    with tqdm(total=len(suite), initial=len(masks), desc=f"{name}: learning masks", unit="task") as bar:
        while len(masks) < len(suite):
            began = time.perf_counter()
            stop = min(len(suite), len(masks) + max(SAVE_EVERY, tasks_at_once(net)))
            learn_masks(net, suite[:stop], keep, seed, recipe=recipe, masks=masks, progress=False)
            spent += time.perf_counter() - began
            masks.about["seconds"] = spent
            masks.save(path)
            if len(masks) < stop:
                raise KeyboardInterrupt
            bar.update(stop - bar.n)
    return masks, spent


def _checkpoint(name: str, net: Network, suite: TaskSuite, keep: float | None, seed: int, recipe: Recipe) -> Path:
    """Return where a run keeps its masks: one file for all that changes a mask, which the number of tasks does not."""
    identity = [net.fingerprint(), suite.kind, suite.dataset, suite.seed, keep, seed, asdict(recipe)]
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    folder = cache_folder() / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}-{digest}.safetensors"


def _device_name(net: Network) -> str:
    if net.device.type == "cuda":
        return torch.cuda.get_device_name(net.device)
    return f"{net.device.type}, {torch.get_num_threads()} threads"


def _save(result: dict[str, Any], out: str) -> Path:
    """Write a result, beside its target first; a bare file name goes to the repository's data/results/."""
    path = Path(out)
    if path.parent == Path():
        path = data_folder() / "results" / path
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".part")
    fresh.write_text(json.dumps(result, indent=1) + "\n")
    fresh.replace(path)
    return path


def _parser() -> argparse.ArgumentParser:
    about = "\n".join(f"  {name:16} {work.__doc__}" for name, work in EXPERIMENTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m supsup_lite.paper",
        description=f"Run one of the paper's experiments. The last line printed is a JSON object.\n\n{about}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="A run that was killed goes on where it stopped when the same command is given again.",
    )
    parser.add_argument("name", choices=[*EXPERIMENTS, "all"], help="which experiment; all: what fits this machine")
    parser.add_argument("--tasks", type=_positive, help="how many tasks (default: 20, 36 or 5)")
    parser.add_argument("--seed", type=int, default=0, help="of the network, the tasks and the learner")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--out", help="save the result; a bare file name goes to data/results/")
    parser.add_argument("--network", choices=NETWORKS, help="LeNet 300-100 or FC 1024-1024 (default: the paper's)")
    parser.add_argument("--outputs", type=_positive, default=100, help="output neurons s, superfluous ones included")
    parser.add_argument("--keep", type=float, help="density of edge-popup masks (default: threshold masks)")
    parser.add_argument("--recipe", choices=RECIPES, default="paper", help="how to train the scores")
    parser.add_argument("--objective", choices=("entropy", "superfluous"), default="entropy", help="H or G")
    parser.add_argument("--method", choices=METHODS, help="of task inference (default: the experiment's own)")
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
    for name in names:
        own = argparse.Namespace(**vars(options) | {"name": name})
        if options.name == "all" and name == "permuted-mnist" and device().type == "cuda":
            own.tasks, own.network, own.outputs = own.tasks or 250, own.network or "fc", 500  # the paper's own setting
        own.network = own.network or ("fc" if name == "rotated-mnist" else "lenet")
        try:
            result = EXPERIMENTS[name](own)
        except KeyboardInterrupt:
            sys.exit(f"interrupted: the masks learned so far are kept; the same command goes on ({name}).")
        except (ValueError, TypeError) as error:
            sys.exit(f"{name}: {error}")
        if options.out:
            print(f"saved to {_save(result, options.out)}", file=sys.stderr)
        print(json.dumps(result))


if __name__ == "__main__":
    main()
