"""A Sphinx extension: the guide for teachers, whose goals, minutes and questions are the lessons' own.

`{{lesson 02}}` in teaching.md becomes the lesson's heading, its goals, its minutes, and each prediction and question of
its quiz, with what learners may answer and what to say to it, from `supsup_lite/explorers/questions`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from lessons import LESSONS, goals, times, title_and_promise

from supsup_lite.explorers.questions import lessons as asked
from supsup_lite.explorers.questions import read
from supsup_lite.explorers.questions.bank import FOLDER

PLACE = re.compile(r"^\{\{lesson (\w+)\}\}$", re.MULTILINE)


def section_of(lesson: Path) -> str:
    """Return the part of a lesson that nobody has to write."""
    number = lesson.stem.partition("_")[0]
    title, _ = title_and_promise(lesson)
    minutes, to_do, seconds = times(lesson)
    listed = "\n".join(f"- {goal}" for goal in goals(lesson))
    head = f"### {title}\n\n[The lesson]({lesson.name}): {minutes} to read, {to_do} to do, runs in {seconds}. "
    parts = [f"{head}Afterwards they can\n\n{listed}"]
    if number in asked():
        questions = read(FOLDER / f"{number}.json")
        parts += [*tables("Ask before the pictures", questions["predictions"].values())]
        parts += [*tables("The quiz, and what wrong answers mean", questions["quiz"])]
    return "\n\n".join(parts)


def tables(summary: str, questions) -> Iterator[str]:
    """Yield a fold with a table for each question: the right answer, then each wrong one with what to say to it."""
    questions = list(questions)
    if not questions:
        return
    yield f"<details><summary>{summary}</summary>"
    for question in questions:
        (right,) = [answer for answer in question["answers"] if answer["right"]]
        rows = [f"| {cell(a['text'])} | {cell(a['feedback'])} |" for a in question["answers"] if not a["right"]]
        yield f"*{cell(question['question'])}* **{cell(right['text'])}** {cell(right['feedback'])}"
        yield "\n".join(["| they say | you say |", "|---|---|", *rows])
    yield "</details>"


def cell(text: str) -> str:
    """Return a text as it may stand in a table's cell: nothing in it is a mark of Markdown."""
    return re.sub(r"([|*_$<\[\]`\\])", r"\\\1", text)


def fill_guide(app, docname, source):
    """Put each lesson's own part into the guide."""
    if docname != "teaching":
        return
    for lesson in LESSONS:
        app.env.note_dependency(lesson)
    by_number = {lesson.stem.partition("_")[0]: lesson for lesson in LESSONS}
    source[0] = PLACE.sub(lambda place: section_of(by_number[place[1]]), source[0])


def setup(app):
    app.connect("source-read", fill_guide)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
