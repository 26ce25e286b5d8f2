"""The exercises of the lessons: a check tries a learner's function and gives a verdict, it never stops a lesson.

Each lesson has a module here with its reference solutions and checks. A check is written once and used twice:
`check_x(learners_function)` in the lesson, `check_x()` for the reference, in the folded solution and in pytest.
`yours_or(reference)` is what the lesson goes on with.
"""

from supsup_lite.exercises.attempts import Attempt, NotDone, Wrong
from supsup_lite.exercises.checking import check_for, yours_or
from supsup_lite.exercises.comparing import expect, must_equal
from supsup_lite.exercises.verdicts import NOT_DONE, RIGHT, WRONG, Verdict

__all__ = [
    "NOT_DONE",
    "RIGHT",
    "WRONG",
    "Attempt",
    "NotDone",
    "Verdict",
    "Wrong",
    "check_for",
    "expect",
    "must_equal",
    "yours_or",
]
