"""Lessons to hand out: `make student` takes the folded solutions out of them, and changes nothing else.

`make student ARGS=--nbgrader` writes the source of a course for nbgrader instead: the same notebooks, a folder each,
with the marks by which nbgrader knows what a learner writes and what earns a point.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import nbformat
from lessons import LESSONS, ROOT

STUDENT, NBGRADER = ROOT / "build" / "student", ROOT / "build" / "nbgrader"
PAGES = ("glossary.md", "notation.md")  # where lessons link to
STUB = re.compile(r"^def (\w+)\(.*\):\n    raise NotImplementedError$", re.MULTILINE)
CHECK = re.compile(r"^((?:\w+\.)?check_\w+)\((\w+)\)$", re.MULTILINE)
CONFIG = '''"""nbgrader: `nbgrader generate_assignment 02_edge_popup_masks`, and so on for each lesson."""

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "supsup-lite"
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}  # what the lessons' checks call "not done yet"
c.ExecutePreprocessor.timeout = 300  # a lesson trains networks: seconds a cell may take
'''


def without_solutions(notebook):
    """Return a lesson without the cells that hold a solution."""
    kept = [cell for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])]
    return nbformat.from_dict({**notebook, "cells": kept})


def for_nbgrader(notebook):
    """Return a student's notebook in which each stub is for the learner to fill and each check is worth a point.

    A check gives a verdict and lets a lesson go on. nbgrader gives the point to a cell that raises nothing, so behind
    each check comes a cell that insists, and that nbgrader hides from learners.
    """
    cells, stub = [], None
    for cell in notebook.cells:
        cells.append(cell)
        if STUB.search(cell.source):
            stub = cell
            cell.source = STUB.sub(_between_marks, cell.source)
        check = CHECK.search(cell.source)
        if stub and check:
            name = check[1].rpartition("check_")[2]
            stub.metadata["nbgrader"] = _mark(f"write-{name}", solution=True)
            insisting = f"### BEGIN HIDDEN TESTS\nassert {check[0]}.passed\n### END HIDDEN TESTS"
            cells.append(nbformat.v4.new_code_cell(insisting, id=f"point-{stub.id}"[:64]))
            cells[-1].metadata["nbgrader"] = _mark(f"point-{name}", grade=True, locked=True, points=1)
            stub = None
    return nbformat.from_dict({**notebook, "cells": cells})


def _between_marks(stub):
    head, body = stub[0].split("\n")
    return f"{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"


def _mark(name, **what):
    usual = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {**usual, "grade_id": name, **what}


def write(folder: Path, nbgrader: bool = False) -> None:
    """Write the lessons without solutions into a folder, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    for lesson in LESSONS:
        notebook = without_solutions(nbformat.read(lesson.with_suffix(".ipynb"), as_version=4))
        place = folder / "source" / lesson.stem if nbgrader else folder
        place.mkdir(parents=True, exist_ok=True)
        nbformat.write(for_nbgrader(notebook) if nbgrader else notebook, place / f"{lesson.stem}.ipynb")
        for page in PAGES:
            shutil.copy(lesson.parent / page, place)
    if nbgrader:
        (folder / "nbgrader_config.py").write_text(CONFIG, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make student", description="Lessons without their solutions.")
    parser.add_argument("--nbgrader", action="store_true", help="write the source of a course for nbgrader")
    chosen = parser.parse_args()
    folder = NBGRADER if chosen.nbgrader else STUDENT
    try:
        write(folder, chosen.nbgrader)
    except (OSError, ValueError) as error:  # ValueError: a lesson that is no notebook
        sys.exit(f"student: the lessons cannot be written to {folder} ({error}).")
    print(f"student: {len(LESSONS)} lessons without solutions are in {folder.relative_to(ROOT)}/")


if __name__ == "__main__":
    main()
