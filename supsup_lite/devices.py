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
        return _usable(wanted, "SUPSUP_DEVICE", "change the variable or unset it")
    if torch.cuda.is_available():
        return torch.device("cuda")
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
