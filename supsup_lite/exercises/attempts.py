"""A learner's function as a check calls it: whatever goes wrong is said with its name, its line and its input."""

import dis
import inspect
import linecache
import reprlib
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any

from torch import Tensor, nn

__all__ = [
    "Attempt",
    "NotDone",
    "Wrong",
]

SMALL = 12  # a tensor of so many numbers is shown with its values


class Wrong(Exception):
    """Raised by a check: the message shows the smallest counter-example found."""


class NotDone(Exception):
    """Raised when the function is still the stub."""


class Attempt:
    """A learner's function. Called like the function itself, it returns the result or raises `Wrong` or `NotDone`.

    Args:
        function: the learner's.
        reference: the solution, for the names of the exercise and of its arguments.
    """

    def __init__(self, function: Callable, reference: Callable):
        name = getattr(function, "__name__", "<lambda>")
        self.name = reference.__name__ if name == "<lambda>" else name
        self._function = function
        self._parameters = list(inspect.signature(reference).parameters)
        self._inputs = ()

    def __call__(self, *inputs: Any) -> Any:
        """Return what the function returns for these inputs.

        Raises:
            NotDone: it is still the stub.
            Wrong: it raises, returns nothing, or changes an input in place; inputs may be tensors, networks, lists
                and dicts of them.
        """
        self._inputs = _copy(inputs)
        try:
            result = self._function(*inputs)
        except Exception as error:
            if _is_stub(error):
                raise NotDone from error
            what = f"{self.name} raised {type(error).__name__}: {error}"
            raise Wrong(f"{what}{self._line_of(error)}\n{self.given()}") from error
        if not _same(inputs, self._inputs):
            raise Wrong(f"{self.name} changed its input in place. Make a new tensor, list or dict instead.")
        if result is ...:
            raise NotDone
        if result is None:
            raise Wrong(f"{self.name} returned None: is `return` missing?")
        return result

    def given(self) -> str:
        """Return the inputs of the last call, in a sentence."""
        named = zip(self._parameters, self._inputs, strict=False)
        return "It was given " + ", ".join(f"{name} = {_described(value)}" for name, value in named) + "."

    def _line_of(self, error: Exception) -> str:
        """Where in the notebook the learner's code stood: the last line of the function's namespace."""
        namespace, line = getattr(inspect.unwrap(self._function), "__globals__", None), ""
        for frame, number in _frames(error.__traceback__):
            if frame.f_globals is namespace:
                text = linecache.getline(frame.f_code.co_filename, number).strip()
                line = f"\nin line {number}: `{text}`" if text else f"\nin line {number}"
        return line


def _frames(traceback: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while traceback:
        yield traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next


def _is_stub(error: Exception) -> bool:
    """Whether a `raise NotImplementedError` outside of torch raised it: torch has errors of that type for a dtype."""
    last = error.__traceback__
    while last.tb_next:
        last = last.tb_next
    operation = dis.opname[last.tb_frame.f_code.co_code[last.tb_lasti]]
    of_torch = last.tb_frame.f_globals.get("__name__", "").partition(".")[0] == "torch"
    return isinstance(error, NotImplementedError) and operation == "RAISE_VARARGS" and not of_torch


def _copy(value: Any) -> Any:
    """What `_same` compares with later: tensors are copied, also those in networks, lists and dicts."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, nn.Module):
        return _copy(value.state_dict())
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _same(value: Any, copy: Any) -> bool:
    """Whether a value still is what `_copy` made of it; NaN equals NaN."""
    if isinstance(value, Tensor):
        return value.shape == copy.shape and bool(((value == copy) | ((value != value) & (copy != copy))).all())
    if isinstance(value, nn.Module):
        return _same(value.state_dict(), copy)
    if isinstance(value, dict):
        return value.keys() == copy.keys() and all(_same(value[key], copy[key]) for key in value)
    if isinstance(value, (list, tuple)):
        return len(value) == len(copy) and all(map(_same, value, copy))
    return value is copy


def _described(value: Any) -> str:
    if not isinstance(value, Tensor):
        return "a function" if callable(value) else reprlib.repr(value)
    kind = f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
    return f"{value.tolist()} ({kind})" if value.numel() <= SMALL else f"a tensor ({kind})"
