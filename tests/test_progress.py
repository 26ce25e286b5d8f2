"""Progress of a class: the lessons' own solutions are found right, and no learner's file takes the report with it."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from subprocess import PIPE

import jupytext
import nbformat
import pytest

from supsup_lite.exercises import NOT_DONE, RIGHT, WRONG, by_lesson
from supsup_lite.exercises.by_lesson import MODULES, checks_of
from supsup_lite.progress import MISSING, STOPPED, Outcome, as_csv, as_json, as_table, learners_in, progress_of
from supsup_lite.progress.__main__ import main
from supsup_lite.progress.reading import functions_of
from tests.lesson_exercises import exercises_of
from tests.waiting import wait_until


def number(lesson):
    return lesson.stem.partition("_")[0]


def notebook_of(*sources):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


@pytest.fixture
def solved(lesson, tmp_path):
    """A lesson whose stubs have the lesson's own solutions in them."""
    notebook = jupytext.read(lesson)
    for exercise in exercises_of(lesson):
        name, solution = exercise.stub.__name__, exercise.solution
        given = ", ".join(solution.__code__.co_varnames[: solution.__code__.co_argcount])
        stub = f"def {name}({given}):\n    raise NotImplementedError"
        (cell,) = [cell for cell in notebook.cells if stub in cell.source]
        definitions, before = exercise.solution_cell.rpartition("\n\n\n")[0], cell.source.partition(stub)[0]
        call = f"{solution.__name__}({given})"
        cell.source = f"{before}{definitions}\n\n\ndef {name}({given}):\n    return {call}"
    path = tmp_path / f"{lesson.stem}.ipynb"
    nbformat.write(notebook, path)
    return path


# --- which exercises there are -----------------------------------------------------------------------------------


def test_every_lesson_s_exercises_are_asked_for_in_its_order(lesson):
    assert [exercise.check for exercise in exercises_of(lesson)] == list(checks_of(number(lesson)).values())


def test_no_module_of_exercises_is_left_out():
    folder = Path(by_lesson.__file__).parent
    with_checks = {path.stem for path in folder.glob("*.py") if "\n@check_for(" in path.read_text("utf-8")}
    assert with_checks == set(MODULES.values())


def test_a_lesson_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"lesson must be one of 00, .*got '77'"):
        checks_of("77")


# --- reading -----------------------------------------------------------------------------------------------------


def test_the_lesson_as_it_is_has_stubs(lesson):
    checks = checks_of(number(lesson))
    functions = functions_of(lesson.with_suffix(".ipynb"), checks)
    assert functions.keys() == checks.keys()
    assert {name: check(functions[name]).state for name, check in checks.items()} == dict.fromkeys(checks, NOT_DONE)


def test_its_solutions_are_right(lesson, solved):
    checks = checks_of(number(lesson))
    functions = functions_of(solved, checks)
    assert {name: check(functions[name]).state for name, check in checks.items()} == dict.fromkeys(checks, RIGHT)


def test_a_function_is_found_however_it_is_written(tmp_path):
    path = tmp_path / "00_welcome.ipynb"
    nbformat.write(
        notebook_of(
            "%matplotlib inline\nimport math\nHALF = 0.5\nslow = train()",
            "def ha(:\n    pass",
            "TABLE = {n: n for n in range(3)}\ndef mine(mask):\n    return TABLE[1], HALF, math.pi",
            "check_sparsity(mine)",
            "other = lambda x: x\nvague = yours_or(mine)",
        ),
        path,
    )
    functions = functions_of(path, ["sparsity", "other", "vague", "ha", "nothing"])
    assert functions["sparsity"](None) == (1, 0.5, pytest.approx(3.14159, abs=1e-5)), "its check is called with `mine`"
    assert functions["other"](3) == 3
    assert functions.keys() == {"sparsity", "other", "ha"}, "what a lesson goes on with is not the learner's"


def test_a_broken_definition_is_named(tmp_path):
    path = tmp_path / "00_welcome.ipynb"
    nbformat.write(notebook_of("def sparsity(mask):\n    return 1 -", "def other(x=nowhere): pass"), path)
    functions = functions_of(path, ["sparsity", "other"])
    assert functions["sparsity"].startswith("SyntaxError: invalid syntax")
    assert functions["other"] == "NameError: name 'nowhere' is not defined"


# --- learners ----------------------------------------------------------------------------------------------------


def test_a_folder_is_one_learner_s_or_a_class(tmp_path):
    for place in ("ada/02_a.ipynb", "ada/02_a.md", "bob/submitted/x/00_b (1).ipynb", "bob/01.txt", ".git/03_c.md"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "eve").mkdir()
    assert learners_in(tmp_path) == {
        "ada": {"02": max(tmp_path.glob("ada/*"), key=lambda path: (path.stat().st_mtime, path.suffix))},
        "bob": {"00": tmp_path / "bob/submitted/x/00_b (1).ipynb"},
    }
    assert list(learners_in(tmp_path / "ada")) == ["ada"]


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_a_folder_without_lessons_is_refused(tmp_path, place, capsys):
    assert main([str(tmp_path / place)]) == 2
    assert capsys.readouterr().err.startswith("progress: ")


# --- trying ------------------------------------------------------------------------------------------------------

MISCHIEF = {  # exercises of lesson 02, in its order
    "straight_through": "import itertools\ndef straight_through(scores, mask):\n    return sum(itertools.repeat(0))",
    "score_gradient": "import os\ndef score_gradient(delta, x, weight):\n    os._exit(3)",
    "popup_mask": "import socket\ndef popup_mask(scores, keep):\n    socket.create_connection(('127.0.0.1', 9))",
    "kept_per_pixel": "def kept_per_pixel(mask, permutation):\n    open('{spot}', 'w')",
    "bits_per_weight": "import sys\ndef bits_per_weight(density):\n    print('right'); sys.exit('done')",
    "cheapest_density": "from supsup_lite.exercises.edge_popup import cheapest_density as known\n"
    "def cheapest_density(accuracies, slack):\n    return known(accuracies, slack)",
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Of a class of three: one with mischief in mind, one with a file that is no notebook, and one who left."""
    folder = tmp_path_factory.mktemp("class")
    spot = folder / "spot"
    mischief = notebook_of(*(code.replace("{spot}", str(spot)) for code in MISCHIEF.values()))
    texts = {
        "ada": nbformat.writes(notebook_of("os._exit(1)")),
        "bob": "no notebook {",
        "eve": nbformat.writes(mischief),
    }
    for learner, text in texts.items():
        (folder / learner).mkdir()
        (folder / learner / "02_edge_popup_masks.ipynb").write_text(text, "utf-8")
    found = progress_of(learners_in(folder), seconds=5)
    assert not spot.exists()
    return found


def test_every_exercise_of_everybody_is_reported(outcomes):
    exercises = sum(len(checks_of(lesson)) for lesson in MODULES)
    assert Counter(outcome.learner for outcome in outcomes) == dict.fromkeys(("ada", "bob", "eve"), exercises)
    assert {outcome.state for outcome in outcomes if outcome.lesson != "02"} == {MISSING}


def test_mischief_ends_in_a_sentence(outcomes):
    found = {outcome.exercise: outcome for outcome in outcomes if outcome.learner == "eve" and outcome.lesson == "02"}
    assert list(found) == list(MISCHIEF)
    assert [outcome.state for outcome in found.values()] == [STOPPED, STOPPED, WRONG, WRONG, WRONG, RIGHT]
    messages = [outcome.message for outcome in found.values()]
    assert messages[0] == "stopped after 5 seconds: is there a loop that never ends?"
    assert messages[1] == "its process ended by itself (exit status 3)"
    assert "an exercise may not use the network" in messages[2]
    assert "an exercise may not write a file, and this one wanted to: spot" in messages[3]
    assert messages[4] == "bits_per_weight raised SystemExit: done"


def test_a_file_that_is_no_notebook_is_reported(outcomes):
    bob, ada = ({o.state for o in outcomes if o.learner == who and o.lesson == "02"} for who in ("bob", "ada"))
    assert bob == {WRONG}
    assert "the notebook cannot be read" in next(o.message for o in outcomes if o.learner == "bob" and o.lesson == "02")
    assert ada == {MISSING}, "a cell's calls are not run"


POWERS = [
    "__import__('subprocess').run(['true'])",
    "__import__('os').system('true')",
    "__import__('os').remove('x')",
    "__import__('os').fork()",
    "__import__('shutil').rmtree('x')",
    "__import__('pathlib').Path('x').write_text('x')",
    "__import__('ctypes').CDLL(None)",
]
TRY_ALL = """
import sys
from supsup_lite.progress.limits import restrict
restrict()
open('/dev/null', 'w')
for code in sys.argv[1:]:
    try:
        exec(code)
        print('done')
    except PermissionError as error:
        print(error)
"""


def test_powers_are_taken_for_good(tmp_path):
    command = [sys.executable, "-c", TRY_ALL, *POWERS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    assert len(said) == len(POWERS)
    assert [line for line in said if not line.startswith("an exercise may not ")] == []


# --- reports -----------------------------------------------------------------------------------------------------

TWO = [
    Outcome("ada", "02", "entropy", RIGHT),
    Outcome("ada", "03", "spring", WRONG, "first line\nsecond \x1b[2J line"),
    Outcome("=bob()", "02", "entropy", NOT_DONE, "replace"),
    Outcome("=bob()", "03", "spring", STOPPED, "stopped"),
]


def test_table_of_a_class_counts_states():
    assert as_table(TWO).splitlines() == [
        "learner  02   03   all",
        "ada      1/1  0/1  1/2",
        "=bob()   0/1  0/1  0/2",
        "",
        "lesson  exercise  right  not right yet  not done yet  stopped  missing",
        "02      entropy   1                     1",
        "03      spring           1                            1",
    ]


def test_table_of_one_learner_says_why():
    lines = as_table([*TWO[:1], Outcome("ada", "03", "spring", WRONG, "\x1b[2Jfirst" + "." * 200 + "\nsecond")])
    assert "\x1b" not in lines
    assert lines.splitlines()[-1] == "03      spring    not right yet  [2Jfirst" + "." * 80 + "…"


def test_csv_computes_nothing():
    rows = list(csv.reader(io.StringIO(as_csv(TWO))))
    assert rows[0] == ["learner", "lesson", "exercise", "state", "message"]
    assert rows[2] == ["ada", "03", "spring", WRONG, TWO[1].message]
    assert rows[3][0] == "'=bob()"


def test_json_has_counts_and_outcomes():
    report = json.loads(as_json(TWO))
    assert report["learners"]["ada"] == {RIGHT: 1, WRONG: 1, NOT_DONE: 0, STOPPED: 0, MISSING: 0}
    assert report["exercises"][1] == {"lesson": "03", "exercise": "spring", WRONG: 1, STOPPED: 1} | dict.fromkeys(
        (RIGHT, NOT_DONE, MISSING), 0
    )
    assert len(report["outcomes"]) == 4


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e12", "0", "-1", "1e-400"])
def test_seconds_that_nothing_can_take_are_refused(tmp_path, seconds, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path), f"--seconds={seconds}"])
    assert "must be above 0 and at most 86400" in capsys.readouterr().err


def test_a_folder_that_cannot_be_looked_into_is_refused(capsys):
    assert main(["a" * 5000]) == 2
    assert capsys.readouterr().err.startswith("progress: ")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found in Linux's /proc")
def test_ctrl_c_ends_the_report_and_every_process_of_it(tmp_path):
    """As a terminal sends it, to the whole group, while an exercise runs that would not end for half a minute."""
    cell = "import itertools\ndef sparsity(mask):\n    return sum(itertools.repeat(0))"
    nbformat.write(notebook_of(cell), tmp_path / "00_x.ipynb")
    command = [sys.executable, "-m", "supsup_lite.progress", str(tmp_path), "--jobs", "1"]
    running = subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True, start_new_session=True)
    tasks = Path(f"/proc/{running.pid}/task")
    wait_until(lambda: any(path.read_text() for path in tasks.glob("*/children")))
    began = time.monotonic()
    os.killpg(running.pid, signal.SIGINT)
    assert running.communicate(timeout=100) == ("", "progress: interrupted, so there is no report\n")
    assert running.returncode == 130
    assert time.monotonic() - began < 20


def test_command_prints_the_format_that_is_asked_for(tmp_path):
    nbformat.write(
        notebook_of("def sparsity(mask):\n    return 1 - mask.float().mean().item()"), tmp_path / "00_x.ipynb"
    )
    command = [sys.executable, "-m", "supsup_lite.progress", str(tmp_path), "--format", "csv", "--jobs", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"{tmp_path.name},00,sparsity,right," in done.stdout.splitlines()
    assert done.stderr == ""
