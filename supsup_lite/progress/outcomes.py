"""The outcome of one exercise: whose it is, which, its state, and what the check says."""

from dataclasses import dataclass

from supsup_lite.exercises import NOT_DONE, RIGHT, WRONG

__all__ = [
    "MISSING",
    "STATES",
    "STOPPED",
    "Outcome",
]

MISSING = "missing"  # the learner has no such notebook, or it has no such function any more
STOPPED = "stopped"  # it took too long, or took its process down
STATES = (RIGHT, WRONG, NOT_DONE, STOPPED, MISSING)


@dataclass(frozen=True)
class Outcome:
    """What came out of one exercise of one learner.

    Attributes:
        learner: the name of the learner's folder.
        lesson: its number, such as "04b".
        exercise: its name.
        state: one of `STATES`.
        message: what the check says, for the learner; empty where it is right.
    """

    learner: str
    lesson: str
    exercise: str
    state: str
    message: str = ""
