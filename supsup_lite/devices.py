"""Which device the numbers live on."""

import os

import torch


def device() -> torch.device:
    """Return the device that the course computes on: cuda, else mps, else cpu.

    The environment variable SUPSUP_DEVICE (for example "cpu" or "cuda:1") overrides the choice.

    Raises:
        ValueError: SUPSUP_DEVICE names a device that torch does not know or this machine does not have.
    """
    wanted = os.environ.get("SUPSUP_DEVICE")
    if wanted:
        return _named(wanted)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def _named(wanted: str) -> torch.device:
    try:
        chosen = torch.device(wanted)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"SUPSUP_DEVICE is {wanted!r}, which this machine cannot use ({str(error).splitlines()[0]}). "
            "Expected for example 'cpu', 'cuda' or 'mps': change the variable or unset it."
        ) from error
    return chosen


def resolve(chosen: torch.device | str | None) -> torch.device:
    """Return `chosen` as a device, or the course's own choice where it is None."""
    return device() if chosen is None else torch.device(chosen)
