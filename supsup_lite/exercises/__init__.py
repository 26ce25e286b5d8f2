"""The machinery of the exercises: a check tries a learner's function and gives a verdict, it never stops a lesson.

Each lesson has a module here with its reference solutions and checks. A check is written once and used twice:
`check_x(learners_function)` in the lesson, `check_x()` in pytest, where it tries the reference solution.
"""

import functools
import html
import numbers
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

RIGHT, WRONG, NOT_DONE = "right", "not right yet", "not done yet"
SYMBOLS = {RIGHT: "✓", WRONG: "✗", NOT_DONE: "…"}


class Wrong(Exception):
    """Raised by a check: the message shows the smallest counter-example found."""


@dataclass(frozen=True)
class Verdict:
    """What a check says about an attempt: its state, and why."""

    state: str
    message: str

    @property
    def passed(self) -> bool:
        """Whether the attempt is right."""
        return self.state == RIGHT

    def __repr__(self) -> str:
        return f"{SYMBOLS[self.state]} {self.state}: {self.message}"

    def _repr_html_(self) -> str:
        colour = {RIGHT: "#009e73", WRONG: "#d55e00", NOT_DONE: "#7a7a7a"}[self.state]
        head = f"{SYMBOLS[self.state]} {self.state.capitalize()}"
        return (
            f'<div role="status" style="border-left: 4px solid {colour}; padding: .4em .8em">'
            f'<strong>{head}.</strong> <span style="white-space: pre-wrap">{html.escape(self.message)}</span></div>'
        )


def check_for(reference: Callable, praise: str) -> Callable[[Callable], Callable[..., Verdict]]:
    """Make a check out of a function that raises `Wrong` when an attempt fails.

    The check takes the learner's function, or tries the reference when called without one. An attempt that raises
    NotImplementedError or returns `...` or None is "not done yet"; any other exception is reported, not raised.

    Args:
        reference: the solution.
        praise: one sentence for a right attempt: what the learner has just built.
    """

    def decorate(examine: Callable[[Callable], None]) -> Callable[..., Verdict]:
        @functools.wraps(examine)
        def check(attempt: Callable = reference) -> Verdict:
            if not callable(attempt):
                return Verdict(WRONG, f"give the function itself, not {attempt!r}: {examine.__name__}(my_function)")
            try:
                examine(attempt)
            except NotImplementedError as error:
                if "not implemented for" in str(error) or "Could not run" in str(error):  # torch's, not the stub's
                    return Verdict(WRONG, f"{_name(attempt)} raised {type(error).__name__}: {error}")
                return Verdict(NOT_DONE, f"replace the line `raise NotImplementedError` in {_name(attempt)}.")
            except Wrong as wrong:
                return Verdict(WRONG, str(wrong))
            except Exception as error:
                return Verdict(WRONG, f"{_name(attempt)} raised {type(error).__name__}: {error}")
            return Verdict(RIGHT, praise)

        check.reference = reference
        return check

    return decorate


def attempt_on(attempt: Callable, *inputs: Any, **named: Any) -> Any:
    """Call an attempt and return its result; complain when it changes an input in place or returns nothing.

    Inputs may be tensors, networks, and lists or dicts of them.
    """
    given = list(_tensors_in([*inputs, named]))
    before = [tensor.clone() for tensor in given]
    result = attempt(*inputs, **named)
    if not all(_same(tensor, copy) for tensor, copy in zip(given, before, strict=True)):
        raise Wrong(f"{_name(attempt)} changed its input in place. Make a new tensor instead.")
    if result is None or result is ...:
        raise NotImplementedError
    return result


def _tensors_in(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, nn.Module):
        yield from value.state_dict().values()
    elif isinstance(value, (list, tuple, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _tensors_in(inner)


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal, where NaN equals NaN."""
    return one.shape == other.shape and bool(((one == other) | ((one != one) & (other != other))).all())


def must_equal(got: Any, want: Any, given: str, tolerance: float = 1e-5) -> None:
    """Complain unless `got` equals `want` in type, shape, dtype and value; `given` says for what input."""
    if not isinstance(want, Tensor):
        _must_be_number(got, want, given, tolerance)
        return
    if not isinstance(got, Tensor):
        raise Wrong(f"{given}: expected a tensor, got {type(got).__name__}.")
    if got.shape != want.shape:
        raise Wrong(f"{given}: expected shape {tuple(want.shape)}, got {tuple(got.shape)}.")
    if got.dtype != want.dtype:
        raise Wrong(f"{given}: expected dtype {want.dtype}, got {got.dtype}.")
    if not (_close(got, want, tolerance) if want.is_floating_point() else torch.equal(got, want)):
        raise Wrong(f"{given}: expected\n{_short(want)}\ngot\n{_short(got)}")


def _must_be_number(got: Any, want: Any, given: str, tolerance: float) -> None:
    value = got.item() if isinstance(got, Tensor) and got.numel() == 1 else got
    if isinstance(value, bool) or not isinstance(value, numbers.Real):  # numpy's numbers are Real too
        raise Wrong(f"{given}: expected a number, got {type(got).__name__}.")
    if not abs(value - want) <= tolerance * max(1.0, abs(want)):
        raise Wrong(f"{given}: expected {want:.6g}, got {value:.6g}.")


def _close(got: Tensor, want: Tensor, tolerance: float) -> bool:
    return torch.allclose(got.detach(), want.detach(), rtol=tolerance, atol=tolerance)


def _short(tensor: Tensor) -> str:
    return (
        str(tensor.detach()) if tensor.numel() <= 36 else f"{tensor.detach().flatten()[:8]} ... {tuple(tensor.shape)}"
    )


def _name(attempt: Callable) -> str:
    return getattr(attempt, "__name__", repr(attempt))


def expect(value: float, low: float, high: float, why: str) -> None:
    """Fail the run of a lesson when a number that its prose states no longer holds.

    Args:
        value: the measured number.
        low, high: what the prose allows, both ends included.
        why: the claim, in words.

    Raises:
        AssertionError: the value lies outside.
    """
    if not low <= value <= high:  # also catches NaN
        raise AssertionError(f"{why}: expected {low:g} to {high:g}, measured {value:g}.")
