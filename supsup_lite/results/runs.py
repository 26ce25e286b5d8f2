"""What every experiment shares: where a run keeps what it has learned, the form of its result, and saving it."""

import hashlib
import json
import platform
from pathlib import Path
from typing import Any

import torch

from supsup_lite.data.folders import cache_folder, data_folder
from supsup_lite.files import write
from supsup_lite.version import __version__


def result_of(
    experiment: str,
    setting: dict[str, Any],
    figures: dict[str, Any] | list[dict[str, Any]],
    n: int,
    seconds: float,
    device: torch.device,
) -> dict[str, Any]:
    """Return a result as every experiment prints and stores it.

    Args:
        experiment: the name of the command.
        setting: all that decides the figures.
        figures: what was measured, or a row for each case.
        n: images (or cases) behind the figures.
        seconds: what it took, those before a kill included.
        device: where it was computed.
    """
    return {
        "experiment": experiment,
        "setting": setting,
        "figures": figures,
        "n": n,
        "seconds": round(seconds, 1),
        "device": _device_name(device),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return what a figure depends on besides its setting."""
    return {"supsup_lite": __version__, "torch": torch.__version__, "python": platform.python_version()}


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads"


def checkpoint(name: str, identity: list[Any]) -> Path:
    """Return where a run keeps what it has learned: one place for all that changes it, which `identity` lists."""
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    folder = cache_folder() / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}-{digest}"


def save(result: dict[str, Any], out: str) -> Path:
    """Write a result, beside its target first; a bare file name goes to the repository's data/results/."""
    path = Path(out)
    if path.parent == Path():
        path = data_folder() / "results" / path
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, f"{json.dumps(result, indent=1)}\n".encode())
    return path


def load(name: str) -> dict[str, Any]:
    """Return a stored result, such as load("rotated_mnist_default"): what `save` wrote to `data/results/`.

    Raises:
        FileNotFoundError: there is none of this name; the message lists those that there are.
        ValueError: the file is damaged.
    """
    folder = data_folder() / "results"
    path = folder / f"{name}.json"
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        names = ", ".join(sorted(other.stem for other in folder.glob("*.json"))) or "none"
        raise FileNotFoundError(
            f"There is no stored result {name!r} in {folder}; there are: {names}. Results come with the repository."
        ) from error
    except ValueError as error:
        raise ValueError(f"The stored result {path} is damaged ({error}). Fetch or make it again.") from error
