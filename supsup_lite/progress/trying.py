"""One learner's notebook, tried here: `python -m supsup_lite.progress.trying NOTEBOOK LESSON SECONDS EXERCISE...`

Each outcome is a line of JSON, [exercise, state, message], after a line that says which exercise begins. What the
learner's code prints goes nowhere. An exercise that is still running after its seconds ends the process, even in the
middle of C code.
"""

import faulthandler
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from supsup_lite.exercises import WRONG
from supsup_lite.exercises.by_lesson import checks_of
from supsup_lite.progress.limits import restrict
from supsup_lite.progress.outcomes import MISSING
from supsup_lite.progress.reading import functions_of

MESSAGE_LETTERS = 2000
READING_SECONDS = 60  # what a notebook imports has to be found on a busy machine, too


def main(notebook: str, lesson: str, seconds: str, *exercises: str) -> None:
    """Try the named exercises, in this order."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    checks = {name: check for name, check in checks_of(lesson).items() if name in exercises}
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C is for the whole report: no exercise shall catch it
    restrict()

    def say(*what: str) -> None:
        print(json.dumps(what), file=answers, flush=True)

    faulthandler.dump_traceback_later(READING_SECONDS, exit=True)
    try:
        functions = functions_of(Path(notebook), checks)
    except BaseException as error:  # a file that is no notebook; or code that wants to end the process
        functions = dict.fromkeys(checks, f"the notebook cannot be read: {type(error).__name__}: {error}")
    for name, check in checks.items():
        say(name)
        faulthandler.dump_traceback_later(float(seconds), exit=True)
        say(name, *outcome(check, functions.get(name)))
    os._exit(0)  # without what the learner's code may have left for the end


def outcome(check: Callable, function: Callable | str | None) -> tuple[str, str]:
    """Return state and message of one exercise."""
    if function is None:
        return MISSING, "the notebook has no such function"
    if isinstance(function, str):
        return WRONG, function[:MESSAGE_LETTERS]
    try:
        verdict = check(function)
    except BaseException as error:  # a check reports every Exception; this one would end the process
        return WRONG, f"{check.reference.__name__} raised {type(error).__name__}: {error}"[:MESSAGE_LETTERS]
    return verdict.state, "" if verdict.passed else verdict.message[:MESSAGE_LETTERS]


if __name__ == "__main__":
    main(*sys.argv[1:])
