"""Which device the numbers live on, and how much room there is."""

import os
from pathlib import Path

import torch

from supsup_lite.version import __version__


def device() -> torch.device:
    """Return the device that the course computes on: cuda, else mps, else cpu.

    The environment variable SUPSUP_DEVICE (for example "cpu" or "cuda:1") overrides the choice.

    Raises:
        ValueError: SUPSUP_DEVICE names a device that torch does not know or this machine does not have; or there is a
            GPU that cannot be used.
    """
    wanted = os.environ.get("SUPSUP_DEVICE")
    if wanted:
        return _usable(wanted, "SUPSUP_DEVICE", "change the variable or unset it")
    if torch.cuda.is_available():  # there is one, but its driver may be broken
        return _usable("cuda", "the GPU", "mend its driver, or set SUPSUP_DEVICE=cpu to go on without it")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def resolve(chosen: torch.device | str | None) -> torch.device:
    """Return `chosen` as a device, or the course's own choice where it is None.

    Raises:
        TypeError: `chosen` is neither a name nor a device.
        ValueError: torch does not know the device, or this machine does not have it.
    """
    if chosen is None:
        return device()
    if not isinstance(chosen, (str, torch.device)):
        raise TypeError(f"device must be a name such as 'cpu' or a torch.device, got {chosen!r}.")
    return _usable(chosen, "device", "give None to let the course choose")


def free_memory(where: torch.device) -> int:
    """Return how many bytes a device reports free, which is what work may plan with.

    * cuda: what the driver reports, and what torch holds in reserve without using it.
    * Otherwise the main memory (mps shares it): on Linux what can be had without swapping, at most what the control
      group of a container leaves; elsewhere half of what is built in, because the system does not say what is free.
    """
    if where.type == "cuda":
        unused = torch.cuda.memory_reserved(where) - torch.cuda.memory_allocated(where)
        return torch.cuda.mem_get_info(where)[0] + unused
    try:
        report = Path("/proc/meminfo").read_text()
    except OSError:
        return _built_in_memory() // 2
    available = next(int(line.split()[1]) for line in report.splitlines() if line.startswith("MemAvailable:")) * 1024
    return min(available, _left_in_container(Path("/sys/fs/cgroup")))


def check_memory(what: str, needed: int, where: torch.device) -> None:
    """Raise ValueError where something takes more bytes than a device has free, saying how many of each.

    Args:
        what: what takes them, the beginning of a sentence.
        needed: bytes.
    """
    free = free_memory(where)
    if needed > free:
        raise ValueError(
            f"{what} takes {needed / 2**20:,.0f} MB, and {where} has {free / 2**20:,.0f} MB free: "
            "free some memory, or take something smaller."
        )


def _built_in_memory() -> int:
    """Return the bytes of memory of a machine without /proc; 8 GiB where even that is unknown (Windows)."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 * 2**30


def _left_in_container(folder: Path) -> float:
    """Return what the container's limit leaves (cgroup v2, v1), or infinity without a limit that can be read."""
    for most, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            return max(0, int((folder / most).read_text()) - int((folder / used).read_text()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return float("inf")


def working_room(where: torch.device) -> int:
    """Return for how many bools to unpack masks at once.

    On a CPU, those that its cache holds as floats too (1 MB). A GPU wants large products: a thirtieth of what is free,
    because floats and results come on top, and never more than 128 MB, which keep it busy.
    """
    if where.type == "cpu":
        return 2**18
    return max(2**18, min(2**27, free_memory(where) // 30))


def _usable(wanted: torch.device | str, what: str, advice: str) -> torch.device:
    try:
        chosen = torch.device(wanted)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        raise ValueError(
            f"{what} is {str(wanted)!r}, which this machine cannot use ({str(error).partition(chr(10))[0]}). "
            f"Expected for example 'cpu', 'cuda' or 'mps': {advice}."
        ) from error
    return chosen


def about() -> str:
    """Return one line for the top of a lesson, such as "supsup-lite 0.1.0 · torch 2.13.0 · cpu, 2 threads"."""
    where = device()
    if where.type == "cuda":
        place = f"{where}, {torch.cuda.get_device_name(where)}"
    elif where.type == "cpu":
        threads = torch.get_num_threads()
        place = f"cpu, {threads} thread{'s' if threads > 1 else ''}"
    else:
        place = str(where)
    return f"supsup-lite {__version__} · torch {torch.__version__.partition('+')[0]} · {place}"
