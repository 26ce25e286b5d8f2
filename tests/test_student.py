"""The student edition: lessons without solutions, and nothing else is different; and the same with nbgrader's marks."""

import json

import nbformat
import pytest
import student
from lessons import LESSONS, ROOT

from supsup_lite.exercises.by_lesson import checks_of
from supsup_lite.progress.reading import functions_of


@pytest.fixture(scope="module")
def editions(tmp_path_factory):
    """The folders of both editions."""
    folder = tmp_path_factory.mktemp("editions")
    student.write(folder / "student")
    student.write(folder / "nbgrader", nbgrader=True)
    return folder


def cells_of(path):
    return json.loads(path.read_text("utf-8"))["cells"]


def test_nothing_but_solutions_is_missing(lesson, editions):
    """As JSON: ids, metadata, order and every letter are those of the lesson."""
    ours = json.loads(lesson.with_suffix(".ipynb").read_text("utf-8"))
    theirs = json.loads((editions / "student" / f"{lesson.stem}.ipynb").read_text("utf-8"))
    gone = [cell for cell in ours["cells"] if cell not in theirs["cells"]]
    assert len(gone) == len(checks_of(lesson.stem.partition("_")[0]))
    assert all("solution" in cell["metadata"]["tags"] for cell in gone)
    assert theirs == {**ours, "cells": [cell for cell in ours["cells"] if cell not in gone]}


def test_no_solution_is_left(lesson, editions):
    for cell in cells_of(editions / "student" / f"{lesson.stem}.ipynb"):
        assert "def solution_" not in "".join(cell["source"])


def test_stubs_are_in_place(lesson, editions):
    checks = checks_of(lesson.stem.partition("_")[0])
    functions = functions_of(editions / "student" / f"{lesson.stem}.ipynb", checks)
    assert {check(functions[name]).state for name, check in checks.items()} == {"not done yet"}


def test_pages_that_lessons_link_to_come_along(editions):
    assert {path.name for path in (editions / "student").iterdir()} == {
        *student.PAGES,
        *(f"{lesson.stem}.ipynb" for lesson in LESSONS),
    }


def test_nbgrader_has_a_stub_and_a_point_for_each_exercise(lesson, editions):
    path = editions / "nbgrader" / "source" / lesson.stem / f"{lesson.stem}.ipynb"
    nbformat.validate(nbformat.read(path, as_version=4))
    marked = [cell for cell in cells_of(path) if "nbgrader" in cell["metadata"]]
    names = [name for name in checks_of(lesson.stem.partition("_")[0])]
    ids = [cell["metadata"]["nbgrader"]["grade_id"] for cell in marked]
    assert ids == [part for name in names for part in (f"write-{name}", f"point-{name}")]
    for stub, point in zip(marked[::2], marked[1::2], strict=True):
        assert stub["metadata"]["nbgrader"]["solution"]
        assert "    ### BEGIN SOLUTION\n    raise NotImplementedError\n    ### END SOLUTION" in "".join(stub["source"])
        assert point["metadata"]["nbgrader"]["points"] == 1
        assert "".join(point["source"]).splitlines()[1].endswith(").passed")


def test_nbgrader_s_edition_differs_in_its_marks_alone(lesson, editions):
    def plain(cell):
        source = "".join(cell["source"]).replace("    ### BEGIN SOLUTION\n", "").replace("\n    ### END SOLUTION", "")
        return {**cell, "source": source, "metadata": {k: v for k, v in cell["metadata"].items() if k != "nbgrader"}}

    marked = cells_of(editions / "nbgrader" / "source" / lesson.stem / f"{lesson.stem}.ipynb")
    ours = cells_of(editions / "student" / f"{lesson.stem}.ipynb")
    points = [cell for cell in marked if cell["metadata"].get("nbgrader", {}).get("grade")]
    assert [plain(cell) for cell in marked if cell not in points] == [plain(cell) for cell in ours]


def test_an_edition_is_made_anew(tmp_path):
    old = tmp_path / "student" / "old.ipynb"
    old.parent.mkdir()
    old.touch()
    student.write(tmp_path / "student")
    assert not old.exists()
    assert (ROOT / "notebooks" / f"{LESSONS[0].stem}.md").exists()


def test_a_place_that_cannot_be_written_ends_in_a_sentence(tmp_path, monkeypatch):
    place = tmp_path / "student"
    place.write_text("a file in the folder's place")
    monkeypatch.setattr(student, "STUDENT", place)
    monkeypatch.setattr("sys.argv", ["student.py"])
    with pytest.raises(SystemExit, match=r"^student: the lessons cannot be written to .*File exists"):
        student.main()
