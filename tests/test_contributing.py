"""How to add to the course: the template is a valid lesson, and what the pages for helpers name is there."""

import re
import runpy
import subprocess
import sys
import tomllib

import jupytext
import pytest
import yaml
from execution import execute
from lessons import LESSONS, ROOT, goals, minutes_to_read, times, title_and_promise

import supsup_lite as sl
from supsup_lite import __main__ as where_it_is
from tests import test_lessons as anatomy
from tests.lesson_exercises import exercises_of

TEMPLATE = ROOT / "notebooks" / "_site" / "template_lesson.md"
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


@pytest.fixture
def template(tmp_path):
    """The template under a lesson's name."""
    path = tmp_path / "00_template.md"
    path.write_text(TEMPLATE.read_text("utf-8"), "utf-8")
    return path


def test_the_template_runs_and_its_stub_lets_it_go_on(template, tmp_path):
    ran = execute(jupytext.read(template), tmp_path)
    executed = lambda _: ran  # noqa: E731
    anatomy.test_untouched_stubs_let_the_lesson_go_on(template, executed)
    anatomy.test_setup_cell_is_short_and_first(template, executed)
    anatomy.test_every_picture_has_words(template, executed)
    anatomy.test_lesson_names_no_machine(template, executed)


@pytest.mark.parametrize(
    "check",
    [
        anatomy.test_one_title_with_the_lesson_s_number,
        anatomy.test_cells_are_short,
        anatomy.test_solutions_are_collapsed_in_one_way,
        anatomy.test_a_folded_solution_is_right_and_its_verdict_is_the_reference_s,
        anatomy.test_hints_work,
        anatomy.test_every_exercise_is_found,
        anatomy.test_stub_and_reference_agree,
        anatomy.test_solutions_are_right,
        anatomy.test_a_solution_is_not_taken_for_the_learners,
    ],
)
def test_the_template_has_the_anatomy_of_a_lesson(template, check):
    check(template)


def test_the_template_has_what_the_map_reads(template):
    assert len(goals(template)) == 3
    assert times(template)[0] == f"{minutes_to_read(template)} min"
    assert title_and_promise(template)[1]
    assert len(list(exercises_of(template))) == 1
    assert template.stem not in {path.stem for path in LESSONS}


def test_files_and_commands_that_it_names_are_there():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", TEXT, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    named = re.findall(r"`((?:supsup_lite|tests|notebooks|data)/[\w/.]*)`|\]\(([^)]+)\)", TEXT)
    named = ["".join(either) for either in named]
    assert len(named) > 12
    for name in named:
        if not re.search("NN|TOPIC", name):
            assert (ROOT / name).exists(), name
    for name in ("freeze_as_base", "tasks_of"):
        assert f"`{name}`" in TEXT
        assert name in sl.__all__


def test_one_version_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert project["version"] == citation["version"] == sl.__version__
    assert f"\n## {sl.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_package_says_where_the_course_is(tmp_path):
    done = subprocess.run([sys.executable, "-m", "supsup_lite"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"The course is in {ROOT}: `make lab`" in done.stdout
    assert "This is the package alone" in where_it_is.where(tmp_path)
    assert "git clone" in where_it_is.where(tmp_path)


def test_the_offline_kit_has_the_course_and_nothing_that_was_built(tmp_path):
    kit = runpy.run_path(str(ROOT / ".ci" / "offline_kit.py"))
    kit["copy_course"](tmp_path)
    for name in ("Makefile", ".ci/setup", "notebooks/00_welcome.ipynb", "data/mnist", "supsup_lite/__init__.py"):
        assert (tmp_path / name).exists(), name
    assert not [name for name in (".git", ".venv", "build", "node_modules") if (tmp_path / name).exists()]


FAKE_UV = """#!/bin/sh
echo "$1 $2 offline=$UV_OFFLINE index=$UV_NO_INDEX from=$UV_FIND_LINKS" >> "$0.log"
[ "$1" = venv ] && mkdir -p .venv/bin && ln -sf "$(command -v python3)" .venv/bin/python
exit 0
"""


def test_setup_in_a_kit_asks_no_network(tmp_path):
    """With a folder `wheels/` every call of uv is offline and finds its packages there."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / "wheels").mkdir()
    for name in (".ci/setup", "requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(FAKE_UV, "utf-8")
    uv.chmod(0o755)
    surroundings = {"PATH": f"{uv.parent}:/usr/local/bin:/usr/bin:/bin", "NEED_GB": "0", "PYTHON": sys.executable}
    done = subprocess.run(["bash", ".ci/setup"], cwd=tmp_path, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "taking all packages from wheels/, none from a network" in done.stdout
    calls = (tmp_path / "bin" / "uv.log").read_text("utf-8").splitlines()
    assert len(calls) == 3
    assert all(call.endswith(f"offline=1 index=1 from={tmp_path}/wheels") for call in calls)
