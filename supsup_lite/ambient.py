"""What surrounds a call changes no result, and no call changes it: autocast, inference mode, dtype, device, gradients.

Factories in this package name their dtype and device. What torch applies to every operation of a thread is turned off
here, for the length of a call of the public face. Afterwards gradients are recorded or not as before, which torch by
itself forgets where Ctrl-C hits its `no_grad`.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext

import torch

DEVICE_TYPES = ("cpu", "cuda", "mps")


def isolated(function: Callable) -> Callable:
    """Return a function, or a generator function, that computes alike under autocast and under inference mode.

    Whether gradients are recorded is still the caller's choice: inference mode then counts as `torch.no_grad()`.
    """
    if inspect.isgeneratorfunction(function):
        return _isolated_generator(function)

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        recording = torch.is_grad_enabled()
        try:
            if not _surrounded():
                return function(*args, **kwargs)
            with _neutral():
                return function(*args, **kwargs)
        finally:
            _record(recording)

    return wrapped


def _isolated_generator(function: Callable) -> Callable:
    """Return a generator function each of whose steps is isolated, and nothing that its caller does in between."""

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        steps = function(*args, **kwargs)
        while True:
            recording = torch.is_grad_enabled()
            try:
                with _neutral():
                    step = next(steps)
            except StopIteration:
                return
            finally:
                _record(recording)
            yield step

    return wrapped


@contextmanager
def as_at_the_start() -> Iterator[None]:
    """Let torch be as it is when Python starts: gradients recorded, no autocast, float32 on the CPU as the defaults.

    This is for code that is not ours and need not name dtype and device, such as a learner's answer to an exercise.
    """
    recording, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    elsewhere = torch.get_default_device().type != "cpu"
    try:
        with _neutral(), torch.device("cpu") if elsewhere else nullcontext():
            torch.set_default_dtype(torch.float32)
            _record(True)
            yield
    finally:
        torch.set_default_dtype(dtype)
        _record(recording)


def _record(recording: bool) -> None:
    if torch.is_grad_enabled() != recording:
        torch.set_grad_enabled(recording)


def _surrounded() -> bool:
    return torch.is_inference_mode_enabled() or any(map(torch.is_autocast_enabled, DEVICE_TYPES))


def _neutral() -> ExitStack:
    """Return a context without autocast and without inference mode."""
    with ExitStack() as stack:
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))  # which turns gradients on
            stack.enter_context(torch.no_grad())
        for device_type in filter(torch.is_autocast_enabled, DEVICE_TYPES):
            stack.enter_context(torch.autocast(device_type, enabled=False))
        return stack.pop_all()
