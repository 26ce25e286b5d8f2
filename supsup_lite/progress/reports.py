"""Outcomes as a report: a table to look at, CSV for a spreadsheet, JSON for other programs."""

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from supsup_lite.exercises import RIGHT
from supsup_lite.progress.outcomes import STATES, Outcome

__all__ = [
    "as_csv",
    "as_json",
    "as_table",
]

MESSAGE_LETTERS = 90
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would compute what begins so


def as_table(outcomes: Sequence[Outcome]) -> str:
    """Return a row for each learner, with the right exercises of each lesson, and below it a row for each exercise.

    An exercise's row counts learners by state; of one learner it has the state itself, and what the check says.
    """
    learners = list(dict.fromkeys(outcome.learner for outcome in outcomes))
    lessons = list(dict.fromkeys(outcome.lesson for outcome in outcomes))
    head = ["learner", *lessons, "all"]
    rows = [[name, *_right(outcomes, name, lessons)] for name in learners]
    alone = len(learners) == 1
    below = [[o.lesson, o.exercise, o.state, _first_line(o.message)] for o in outcomes] if alone else _counts(outcomes)
    columns = ["state", "what the check says"] if alone else list(STATES)
    return _aligned([head, *rows]) + "\n" + _aligned([["lesson", "exercise", *columns], *below])


def as_csv(outcomes: Sequence[Outcome]) -> str:
    """Return a row for each learner and exercise: learner, lesson, exercise, state, message."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["learner", "lesson", "exercise", "state", "message"])
    for outcome in outcomes:
        table.writerow([f"'{part}" if part.startswith(FORMULA) else part for part in asdict(outcome).values()])
    return text.getvalue()


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Return one object: counts by learner, counts by exercise, and every outcome."""
    by_learner, by_exercise = {}, {}
    for outcome in outcomes:
        by_learner.setdefault(outcome.learner, Counter(dict.fromkeys(STATES, 0)))[outcome.state] += 1
        place = (outcome.lesson, outcome.exercise)
        by_exercise.setdefault(place, Counter(dict.fromkeys(STATES, 0)))[outcome.state] += 1
    exercises = [{"lesson": lesson, "exercise": name, **count} for (lesson, name), count in by_exercise.items()]
    report = {"learners": by_learner, "exercises": exercises, "outcomes": [asdict(outcome) for outcome in outcomes]}
    return json.dumps(report, indent=1, ensure_ascii=False) + "\n"


def _right(outcomes: Sequence[Outcome], learner: str, lessons: list[str]) -> list[str]:
    """How many exercises are right, of how many, in each lesson and in all."""
    of_learner = [outcome for outcome in outcomes if outcome.learner == learner]
    parts = [[outcome for outcome in of_learner if outcome.lesson == lesson] for lesson in lessons]
    return [f"{sum(o.state == RIGHT for o in part)}/{len(part)}" for part in [*parts, of_learner]]


def _counts(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """For each exercise, how many learners are in each state."""
    places = dict.fromkeys((outcome.lesson, outcome.exercise) for outcome in outcomes)
    counts = Counter((outcome.lesson, outcome.exercise, outcome.state) for outcome in outcomes)
    return [[*place, *(str(counts[*place, state] or "") for state in STATES)] for place in places]


def _first_line(message: str) -> str:
    line = message.partition("\n")[0]
    return line if len(line) <= MESSAGE_LETTERS else line[: MESSAGE_LETTERS - 1] + "…"


def _aligned(rows: list[list[str]]) -> str:
    """Return rows as lines, columns aligned; what a terminal would obey is left out."""
    clean = [["".join(letter for letter in part if letter.isprintable()) for part in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*clean, strict=True)]
    lines = ["  ".join(part.ljust(width) for part, width in zip(row, widths, strict=True)).rstrip() for row in clean]
    return "\n".join(lines) + "\n"
