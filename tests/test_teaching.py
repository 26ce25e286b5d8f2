"""The guide for teachers: a section for each lesson, what is the lesson's own comes from it, and commands are there."""

import re

import pytest
import teaching
from lessons import LESSONS, ROOT, goals

from supsup_lite.explorers.questions import read
from supsup_lite.explorers.questions.bank import FOLDER

GUIDE = (ROOT / "notebooks" / "teaching.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def number(lesson):
    return lesson.stem.partition("_")[0]


def by_hand(lesson):
    """What somebody wrote about a lesson."""
    return GUIDE.split(f"{{{{lesson {number(lesson)}}}}}")[1].split("{{lesson")[0].split("\n## ")[0]


def test_every_lesson_has_its_place_once_in_order():
    assert teaching.PLACE.findall(GUIDE) == [number(lesson) for lesson in LESSONS]


def test_a_lesson_s_own_part_has_all_its_goals_and_questions(lesson):
    part = teaching.section_of(lesson)
    assert all(f"- {goal}" in part for goal in goals(lesson))
    questions = read(FOLDER / f"{number(lesson)}.json")
    for question in [*questions["quiz"], *questions["predictions"].values()]:
        for answer in question["answers"]:
            assert teaching.cell(answer["feedback"]) in part


def test_somebody_wrote_what_to_say_to_skip_and_to_expect(lesson):
    words = by_hand(lesson)
    for what in ("**Before the ", "**Misconceptions.**", "**Skip**", "**It goes wrong**"):
        assert words.count(what) == 1, what
    assert words.count("*.") + words.count(".*") >= 3


def test_sections_that_it_names_are_there(lesson):
    """What stands in italics and begins with a capital after "Skip" is a heading of the lesson."""
    skipped = re.search(r"\*\*Skip\*\*(.+?)\*\*It goes wrong", by_hand(lesson), re.DOTALL)[1]
    headings = " ".join(re.findall(r"^###? (.+)$", lesson.read_text("utf-8"), re.MULTILINE))
    for name in re.findall(r"(?<!\*)\*([A-Z0-9][^*]+?)[.?]?\*(?!\*)", " ".join(skipped.split())):
        assert name in headings, name


def test_plans_name_sections_that_are_there():
    headings = " ".join(re.findall(r"^###? (.+)$", "\n".join(p.read_text("utf-8") for p in LESSONS), re.MULTILINE))
    plans = GUIDE.split("## What fits into the time")[1].split("## Before they come")[0]
    named = re.findall(r"(?:lesson \d\w+|\d\d),? (?:exercise[^|]*|)\*([A-Z][^*]+)\*", plans)
    assert len(named) >= 8
    assert [name for name in named if name.rstrip("?.") not in headings] == []


def test_commands_that_it_names_exist():
    for target in set(re.findall(r"`make ([a-z-]+)", GUIDE)):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


@pytest.mark.parametrize("text", ["a | b", "*x*", "x_i", "$5", "<b>", "[x](y)"])
def test_a_question_s_letters_mean_themselves(text):
    assert re.sub(r"\\(.)", r"\1", teaching.cell(text)) == text
    assert not re.search(r"(?<!\\)[|*_$<]", teaching.cell(text))
