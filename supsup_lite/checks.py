"""What makes sense as an argument, in one place: numbers, counts, seeds, densities, choices.

Every check raises a sentence that says what was given and what was expected, and returns the value as Python's own
number, so that numpy's numbers, fractions and the like serve as well as `int` and `float`.
"""

import math
import operator
import sys
from collections.abc import Callable, Collection
from numbers import Real

import torch


def check_whole(name: str, value: int, least: int = 1, most: int | None = sys.maxsize) -> int:
    """Return a whole number in least..most as an int; raise TypeError or ValueError otherwise.

    What is larger than any machine can count fits into no float, and Python does not even print it.
    """
    try:
        if isinstance(value, (bool, torch.Tensor)) or type(value).__name__ == "bool":
            raise TypeError
        whole = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {value!r} of type {type(value).__name__}.") from None
    if whole < least:
        raise ValueError(f"{name} must be {least} or more, got {_printed(whole)}.")
    if most is not None and whole > most:
        raise ValueError(f"{name} must be in {least}..{most}, got {_printed(whole)}.")
    return whole


def _printed(whole: int) -> str:
    """Return a whole number as text; a long one by its length."""
    return f"{whole}" if abs(whole) < 10**40 else f"a number of {whole.bit_length()} bits"


def check_seed(seed: int, name: str = "seed") -> int:
    """Return a seed (or a task number) as an int, if it is a whole number, 0 or more."""
    return check_whole(name, seed, least=0, most=None)


def check_number(name: str, value: float) -> float:
    """Return a finite real number as a float; raise TypeError or ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}.")
    number = _as_float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {number}.")
    return number


def check_positive(name: str, value: float) -> float:
    """Return a finite number above 0 as a float."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}.")
    number = _as_float(value)
    if not 0 < number < math.inf:  # nor NaN
        raise ValueError(f"{name} must be a positive number, got {value if math.isfinite(number) else number}.")
    return number


def _as_float(value: Real) -> float:
    """Return a number as a float: infinity where it is larger than any."""
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value > 0 or -1)


def check_keep(keep: float) -> float:
    """Return a density, a number in 0..1, as a float."""
    if isinstance(keep, bool) or not isinstance(keep, Real):
        raise TypeError(f"keep must be a number in 0..1, the share of weights to keep, got {keep!r}.")
    if not 0 <= keep <= 1:  # nor NaN
        raise ValueError(f"keep must lie in 0..1, the share of weights to keep, got {keep}. (Sparsity is 1 - keep.)")
    return float(keep)


def check_flag(name: str, value: bool) -> bool:
    """Return True or False, if it is one of them (numpy's serve as well)."""
    if type(value).__name__ not in ("bool", "bool_"):
        raise TypeError(f"{name} must be True or False, got {value!r} of type {type(value).__name__}.")
    return bool(value)


def check_function(name: str, value: Callable) -> Callable:
    """Return a function, or whatever else can be called; raise TypeError otherwise."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {value!r} of type {type(value).__name__}.")
    return value


def check_choice(name: str, value: str, allowed: Collection[str]) -> str:
    """Return the value if it is one of those allowed; raise ValueError otherwise."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {tuple(allowed)}, got {value!r}.")
    return value


def is_dense(value: object) -> bool:
    """Return whether a value is a tensor that lies in memory number by number: neither sparse nor without values."""
    return isinstance(value, torch.Tensor) and value.layout == torch.strided and not value.is_meta


def check_position(key: int | slice, count: int, whole: str, part: str) -> int | range:
    """Return which of `count` parts of a whole a key chooses, as in a list: a position in 0..count-1, or a range.

    Args:
        whole, part: what they are called, such as "suite" and "task".

    Raises:
        TypeError: the key is neither a whole number nor a slice of whole numbers.
        IndexError: there is no such part.
    """
    try:
        if isinstance(key, slice):
            return range(count)[key]
        if isinstance(key, bool) or "bool" in str(getattr(key, "dtype", "")):  # numpy's and torch's, too
            raise TypeError
        position = operator.index(key)
    except (TypeError, ValueError):  # ValueError: a slice whose step is 0
        raise TypeError(f"a {part} is chosen by a whole number or a slice, got {key!r}.") from None
    if not -count <= position < count:
        raise IndexError(f"this {whole} has {count} {part}s, so there is no {part} {position}.")
    return position % count
