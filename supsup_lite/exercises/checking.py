"""A check tries a function and gives a verdict; it never stops a lesson, and it remembers the one that passed."""

import functools
from collections.abc import Callable

from supsup_lite.ambient import as_at_the_start
from supsup_lite.exercises.attempts import Attempt, NotDone, Wrong
from supsup_lite.exercises.deadline import TimeUp, deadline
from supsup_lite.exercises.verdicts import NOT_DONE, RIGHT, WRONG, Verdict

__all__ = [
    "check_for",
    "yours_or",
]

_IN_USE: dict[Callable, Callable] = {}  # reference -> what a lesson goes on with: the learner's once it has passed


def check_for(
    reference: Callable, praise: str, seconds: float = 10
) -> Callable[[Callable[[Attempt], None]], Callable[..., Verdict]]:
    """Make a check out of a function that calls an `Attempt` and raises `Wrong` where its results are not right.

    The check takes the learner's function, or tries the reference when called without one. A stub, which raises
    NotImplementedError or returns `...`, is "not done yet". Any other exception is reported, not raised. What surrounds
    the call, such as another default dtype, changes no verdict.

    Args:
        reference: the solution.
        praise: one sentence for a right function: what the learner has just built.
        seconds: after which a function that has not come to an end is stopped (see `deadline` for what cannot be).
    """
    _IN_USE[reference] = reference

    def decorate(examine: Callable[[Attempt], None]) -> Callable[..., Verdict]:
        @functools.wraps(examine)
        def check(function: Callable = reference) -> Verdict:
            state, message = _examined(examine, function, reference, seconds)
            if function is not reference:
                _IN_USE[reference] = function if state == RIGHT else reference
            return Verdict(state, message or praise, of_reference=function is reference)

        check.reference = reference
        return check

    return decorate


def _examined(
    examine: Callable[[Attempt], None], function: Callable, reference: Callable, seconds: float
) -> tuple[str, str]:
    """Return the state of a function, and what is to be said if it is not right."""
    if not callable(function):
        return WRONG, f"give the function itself, not {function!r}: `{examine.__name__}({reference.__name__})`"
    attempt = Attempt(function, reference)
    try:
        with as_at_the_start(), deadline(seconds):
            examine(attempt)
    except NotDone:
        return NOT_DONE, f"replace the line `raise NotImplementedError` in {attempt.name}."
    except Wrong as wrong:
        return WRONG, str(wrong)
    except TimeUp:
        stopped = f"{attempt.name} was stopped after {seconds:g} seconds. Is there a loop that never ends?"
        return WRONG, f"{stopped}\n{attempt.given()}"
    except Exception as error:  # the result has the right values, and yet it cannot be worked with
        what = f"what {attempt.name} returned cannot be used further: {type(error).__name__}: {error}"
        return WRONG, f"{what}\n{attempt.given()}"
    return RIGHT, ""


def yours_or(reference: Callable) -> Callable:
    """Return the learner's function if it passed the latest check of its exercise in this session, else the reference.

    A lesson goes on with it: `popup_mask = yours_or(edge_popup.popup_mask)`.

    Args:
        reference: the solution of an exercise, as its module in `supsup_lite.exercises` has it.

    Raises:
        ValueError: no check has this function as its reference.
    """
    if reference not in _IN_USE:
        known = ", ".join(sorted(function.__name__ for function in _IN_USE))
        raise ValueError(f"{reference!r} is not the reference of an exercise that is imported; these are: {known}.")
    return _IN_USE[reference]
