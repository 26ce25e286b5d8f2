"""What every experiment shares: where a run keeps what it has learned, the form of its result, and saving it."""

import hashlib
import json
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import torch

from supsup_lite.data.folders import cache_folder, data_folder
from supsup_lite.files import read_json, remove_unfinished, write
from supsup_lite.version import __version__

# What this process has open already. Opened again by name, it would be cut and written over where it leads to a file.
OPENED = {"/dev/stdout": 1, "/dev/stderr": 2}


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
    """Return where a run keeps what it has learned: one place for all that changes it, which `identity` lists.

    Whatever was killed while it wrote there is cleaned up.

    Raises:
        OSError: the folder of the runs cannot be made.
    """
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    folder = cache_folder() / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{name}-{digest}"
    for mine in (folder, place):
        remove_unfinished(mine)
    return place


def target_of(out: str | os.PathLike) -> Path:
    """Return where `save` will write, after trying it: before the work that it is for, not after.

    Args:
        out: a path, in which ~ is the home folder; a bare file name is one in the repository's data/results/.

    Returns:
        The file that a symbolic link points to in the end. A device or a pipe stays what it is.

    Raises:
        ValueError: it is a folder, or nothing can be written there; the message says why.
    """
    path = Path(out)
    if path.parent == Path() and not str(out).startswith("~"):
        path = data_folder() / "results" / path
    try:
        path = path.expanduser()
        if path.is_dir():
            raise ValueError(f"{path} is a folder: name a file in it, such as {path / 'result.json'}.")
        if _is_no_file(path):
            if not os.access(path, os.W_OK):
                raise PermissionError("it may not be written to")
            return path
        path = path.resolve()  # not the link itself, which would be replaced by a file
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            return path
    except (OSError, RuntimeError) as error:
        raise ValueError(f"the result cannot be written to {path} ({error}): choose another place.") from error


def save(result: dict[str, Any], out: str | os.PathLike) -> Path:
    """Write a result, beside its target first; what is no regular file, such as a device, is written in place.

    Args:
        result: as `result_of` makes it.
        out: as in `target_of`.

    Returns:
        Where it is.

    Raises:
        ValueError: as in `target_of`.
        OSError: the disk is full.
    """
    path, content = target_of(out), f"{json.dumps(result, indent=1)}\n".encode()
    if _is_no_file(path):
        opened = OPENED.get(str(path))
        with open(path if opened is None else opened, "wb", buffering=0, closefd=opened is None) as sink:
            sink.write(content)
    else:
        write(path, content)
    return path


def _is_no_file(path: Path) -> bool:
    """Return whether there is something that is neither file nor folder: a device or a pipe."""
    return str(path) in OPENED or (path.exists() and not path.is_file() and not path.is_dir())


def load(name: str) -> dict[str, Any]:
    """Return a stored result, such as load("rotated_mnist_default"): what `save` wrote to `data/results/`.

    Raises:
        FileNotFoundError: there is none of this name; the message lists those that there are.
        ValueError: the file is damaged.
    """
    folder = data_folder() / "results"
    try:
        return read_json(folder / f"{name}.json", _result, "Fetch or make it again.")
    except FileNotFoundError as error:
        names = ", ".join(sorted(other.stem for other in folder.glob("*.json"))) or "none"
        raise FileNotFoundError(
            f"There is no stored result {name!r} in {folder}; there are: {names}. Results come with the repository."
        ) from error


def _result(said: dict[str, Any]) -> dict[str, Any]:
    """Return what a file of results says, if it can be one."""
    if not isinstance(said, dict):
        raise TypeError("a result is an object")
    return said
