"""Which exercises a lesson has: its checks, in the lesson's order."""

import importlib
from collections.abc import Callable

__all__ = [
    "MODULES",
    "checks_of",
]

MODULES = {  # a lesson's number -> its module beside this one, which defines its checks in the lesson's order
    "00": "welcome",
    "01": "random_networks",
    "02": "edge_popup",
    "03": "forgetting",
    "04": "task_inference",
    "04b": "similar_tasks",
    "05": "superfluous",
    "06": "hopfield",
    "07": "unannounced",
    "08": "scale",
    "09": "beyond_mnist",
    "10": "open_questions",
}


def checks_of(lesson: str) -> dict[str, Callable]:
    """Return the checks of a lesson by the name of their exercise, in the order in which the lesson asks for them.

    Args:
        lesson: its number, such as "02" or "04b".

    Raises:
        ValueError: no lesson with exercises has this number.
    """
    if lesson not in MODULES:
        raise ValueError(f"lesson must be one of {', '.join(MODULES)}, which have exercises, got {lesson!r}.")
    module = importlib.import_module(f"supsup_lite.exercises.{MODULES[lesson]}")
    checks = [value for value in vars(module).values() if hasattr(value, "reference")]
    return {check.reference.__name__: check for check in checks}
