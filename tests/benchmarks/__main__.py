"""`make bench`: the speeds, in a few minutes. `make bench ARGS="recipes inference_sweep"`: the tables behind lessons.

Both print tables and write build/bench.json.
"""

import json
import platform
import sys
from pathlib import Path

import torch

import supsup_lite as sl
from tests.benchmarks import (
    conv,
    explorer,
    growth,
    hopfield,
    inference,
    inference_sweep,
    learning,
    learning_growth,
    racing,
    racing_learned,
    recipes,
    since,
    storage,
    unannounced,
)

SPEEDS = ("learning", "learning_growth", "inference", "growth", "storage", "racing", "hopfield", "explorer")
PARTS = {
    "learning": learning,
    "learning_growth": learning_growth,
    "inference": inference,
    "growth": growth,
    "storage": storage,
    "racing": racing,
    "racing_learned": racing_learned,
    "hopfield": hopfield,
    "explorer": explorer,
    "recipes": recipes,
    "inference_sweep": inference_sweep,
    "unannounced": unannounced,
    "conv": conv,
    "since": since,
}


def main(names: list[str]) -> None:
    unknown = set(names) - set(PARTS)
    if unknown:
        sys.exit(f"unknown benchmark {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    results = {"device": str(sl.device()), "threads": torch.get_num_threads(), "torch": torch.__version__}
    results["python"] = platform.python_version()
    print(" · ".join(f"{key} {value}" for key, value in results.items()))
    for name in names or SPEEDS:
        print(f"\n## {name}: {PARTS[name].__doc__.splitlines()[0]}", flush=True)
        results[name] = PARTS[name].run()
        print(_table(results[name]), flush=True)
    target = Path("build/bench.json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=1))
    print(f"\nwritten to {target}")


def _table(rows: list[dict]) -> str:
    head = list(rows[0])
    body = [[f"{row[key]:.3g}" if isinstance(row[key], float) else str(row[key]) for key in head] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = [head, ["-" * width for width in widths], *body]
    return "\n".join(" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


if __name__ == "__main__":
    main(sys.argv[1:])
