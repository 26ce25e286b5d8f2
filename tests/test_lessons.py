"""Every lesson runs offline from anywhere, twice with the same result, and keeps to the anatomy of a lesson."""

import ast
import builtins
import importlib
import inspect
import pkgutil
import re
import symtable

import jupytext
import nbformat
import pytest
from execution import WIDGET_STATE, execute
from jupyter_cache import get_cache
from lessons import LESSONS, ROOT, execution_cache, minutes_to_read
from myst_nb.core.read import read_myst_markdown_notebook
from nbclient.exceptions import CellExecutionError

from supsup_lite import exercises
from supsup_lite.exercises import check_for, yours_or
from tests.conftest import LESSON_SECONDS
from tests.lesson_exercises import Exercise, check_calls, exercises_of, hint_faults

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CODE_LINES, PROSE_WORDS, SETUP_LINES = 24, 140, 5
CHECK = re.compile(r"^(?:\w+\.)*(check_\w+)\(", re.MULTILINE)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell):
    return cell.metadata.get("tags", [])


def is_exercise(cell):
    """Whether a code cell is an exercise's stub, its check, or its solution."""
    return "raise NotImplementedError" in cell.source or bool(CHECK.search(cell.source)) or "solution" in tags(cell)


def outputs_with_data(notebook):
    """What cells show, and what the Output widgets inside of widgets show."""
    for cell in code_cells(notebook):
        yield from (output for output in cell.outputs if "data" in output)
    for model in notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {}).values():
        if model["model_name"] == "OutputModel":
            yield from (output for output in model["state"].get("outputs", []) if "data" in output)
        elif "still" in model["state"]:  # an explorer's picture where it cannot start
            yield {"data": {"text/html": model["state"]["still"]}}


def shown_text(cell):
    """The text that a cell shows, but for the repr of widgets and the progress on stderr."""
    texts = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            texts.append(output.text)  # a slow cell's prints may come in several pieces
        elif "data" in output and WIDGET_VIEW not in output.data:
            texts.append(output.data.get("text/plain", "") + "\n")
    return "".join(texts)


# --- running -------------------------------------------------------------------------------------------------


def test_lesson_runs(lesson, executed_lesson, record_property):
    ran = executed_lesson(lesson)
    record_property(LESSON_SECONDS, (lesson.stem, ran.seconds))
    errors = [output.text for cell in code_cells(ran.nb) for output in cell.outputs if output.get("name") == "stderr"]
    assert not [text for text in errors if "Warning" in text]


def test_site_finds_the_executed_lesson(lesson, executed_lesson):
    executed_lesson(lesson)
    as_the_site_reads_it = read_myst_markdown_notebook(lesson.read_text(encoding="utf-8"))
    record = get_cache(execution_cache()).match_cache_notebook(as_the_site_reads_it)
    assert record.data["execution_seconds"] > 0


def test_lesson_gives_the_same_again(lesson, executed_lesson):
    """Cells run twice in a row, as a learner may run them: those of seconds here, all of them once a week (newest)."""
    ran = executed_lesson(lesson)
    sources = [cell.source for cell in code_cells(jupytext.read(lesson))]
    assert sorted([cell.source for cell, _ in ran.again] + ran.slow) == sorted(sources)
    assert len(ran.again) > len(sources) / 2
    for cell, again in ran.again:
        if "timing" not in tags(cell):
            assert shown_text(again) == shown_text(cell), cell.source


def names(source):
    """The notebook's names that a cell binds, and those that it reads, in functions too."""
    top = symtable.symtable(source, "a cell", "exec")
    scopes = [top]
    for scope in scopes:
        scopes += scope.get_children()
    binds = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    symbols = [(scope, symbol) for scope in scopes for symbol in scope.get_symbols() if symbol.is_referenced()]
    return binds, {symbol.get_name() for scope, symbol in symbols if scope is top or symbol.is_global()}


def test_exercises_can_be_left_out_and_done_last(lesson):
    """No other cell needs a name that only exercises bind, and nothing later binds anew what an exercise needs."""
    cells = code_cells(jupytext.read(lesson))
    of_exercises = set().union(*(names(cell.source)[0] for cell in cells if is_exercise(cell)))
    bound = set(dir(builtins))
    for place, cell in enumerate(cells):
        binds, reads = names(cell.source)
        if is_exercise(cell):
            later = [names(other.source)[0] for other in cells[place:] if not is_exercise(other)]
            assert not (reads - of_exercises) & set().union(*later), cell.source
        else:
            bound |= binds
            assert reads <= bound, cell.source


@pytest.mark.parametrize(
    "call",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))",
        "import urllib.request; urllib.request.urlopen('http://localhost:9')",
    ],
)
def test_lessons_have_no_network(call, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(call)])
    with pytest.raises(CellExecutionError, match="a lesson tried to use the network"):
        execute(notebook, tmp_path)


# --- the pair ------------------------------------------------------------------------------------------------


def test_pair_agrees(lesson):
    """Either file gives the other, so JupyterLab opens it whichever is newer, and saving changes no header."""
    path = lesson.with_suffix(".ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert jupytext.writes(notebook, "md:myst") == lesson.read_text(encoding="utf-8"), (
        f"run: jupytext --sync {path.relative_to(ROOT)}; and a lesson's header starts like that of 00_welcome.md"
    )


def test_notebook_is_clean(lesson):
    notebook = nbformat.read(lesson.with_suffix(".ipynb"), as_version=4)
    assert not [cell.id for cell in code_cells(notebook) if cell.outputs or cell.execution_count]
    assert not {"widgets", "language_info"} & set(notebook.metadata)


# --- anatomy ---------------------------------------------------------------------------------------------------


def test_setup_cell_is_short_and_first(lesson, executed_lesson):
    setup = code_cells(executed_lesson(lesson).nb)[0]
    assert len(setup.source.split("\n")) - setup.source.count("\n\n") <= SETUP_LINES, "blank lines are free"
    assert re.search(r"torch \d", shown_text(setup)), "the setup cell prints device and versions"


def test_one_title_with_the_lesson_s_number(lesson):
    cells = [cell.source for cell in jupytext.read(lesson).cells if cell.cell_type == "markdown"]
    titles = [line for source in cells for line in source.splitlines() if line.startswith("# ")]
    number = lesson.stem.partition("_")[0]
    assert [title.partition(" · ")[0] for title in titles] == [f"# {number}"], titles


def test_cells_are_short(lesson):
    notebook = jupytext.read(lesson)
    for cell in code_cells(notebook):
        assert len(cell.source.splitlines()) <= CODE_LINES, cell.source
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            # Hints unfold, tables are looked up, and an equation is one look: none of them is a wall of words.
            prose = re.sub(r"<details>.*?</details>|\$\$.*?\$\$|^\|.*$|<[^>]+>", "", cell.source, flags=re.S | re.M)
            assert len(prose.split()) <= PROSE_WORDS, prose


def test_every_picture_has_words(lesson, executed_lesson):
    notebook = executed_lesson(lesson).nb
    for output in outputs_with_data(notebook):
        assert "text/html" in output["data"] or not any(kind.startswith("image/") for kind in output["data"]), (
            "show figures with supsup_lite.plots.show(figure, alt)"
        )
        for image in re.findall(r"<img\b[^>]*>|<svg\b[^>]*>", output["data"].get("text/html", "")):
            assert re.search(r'(alt|aria-label)="[^"]{10,}"', image), image[:200]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert "![](" not in cell.source


def test_untouched_stubs_let_the_lesson_go_on(lesson, executed_lesson):
    for cell in code_cells(executed_lesson(lesson).nb):
        if re.search(r"^(\w+\.)*check_\w+\(\w+\)", cell.source, re.M) and "solution" not in tags(cell):
            assert "not done yet" in shown_text(cell), cell.source


def test_solutions_are_collapsed_in_one_way(lesson):
    for cell in code_cells(jupytext.read(lesson)):
        if "solution" in tags(cell):
            assert tags(cell) == ["hide-cell", "solution"], "collapsed on the site"
            assert cell.metadata.get("jupyter") == {"source_hidden": True}, "collapsed in JupyterLab"


def test_a_folded_solution_is_right_and_its_verdict_is_the_reference_s(lesson):
    """`check_x()` in the cell speaks of the reference. Here the solution that is to be read is tried, too."""
    modules = [
        importlib.import_module(f"{exercises.__name__}.{name}")
        for _, name, _ in pkgutil.iter_modules(exercises.__path__)
    ]
    solutions = {}
    for cell in code_cells(jupytext.read(lesson)):
        if "solution" in tags(cell):
            assert re.search(r"^(\w+\.)*check_\w+\(\)$", cell.source, re.MULTILINE), "check_x() without an argument"
            name = CHECK.search(cell.source)[1]
            (module,) = [module for module in modules if name in vars(module)]
            definitions = [node for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef)]
            exec(compile(ast.Module(definitions, []), lesson.name, "exec"), vars(module) | solutions, solutions)
            verdict = vars(module)[name](solutions[f"solution_{name.removeprefix('check_')}"])
            assert verdict.passed, verdict


def test_links_between_lessons_lead_to_notebooks(lesson):
    """In JupyterLab a link to the text of a lesson would leave the notebook for something that does not run."""
    stems = "|".join(path.stem for path in LESSONS)
    assert re.findall(rf"\]\(((?:{stems})\.md)", lesson.read_text(encoding="utf-8")) == []


def test_minutes_to_read_are_counted(lesson):
    minutes = minutes_to_read(lesson)
    (stated,) = re.findall(r"^\| to read \|.*\n\|[-|]+\|\n\| (\d+) min \|", lesson.read_text("utf-8"), re.MULTILINE)
    assert int(stated) == minutes, "the lesson's table"
    rows = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    (row,) = [row for row in rows if row.startswith("|") and f"(notebooks/{lesson.name})" in row]
    assert f"| {minutes} min, " in row, "the README's table"


# --- exercises -------------------------------------------------------------------------------------------------


def test_hints_work(lesson):
    """With what a learner has by then: `math` may be imported in a folded solution only."""
    faults = [fault for exercise in exercises_of(lesson) for fault in hint_faults(exercise)]
    assert not faults, "\n".join(faults)


def test_a_hint_that_cannot_work_is_found():
    def halves(n):
        raise NotImplementedError

    def solution(n):
        import math

        half = math.ceil(n / 2)
        return half

    @check_for(solution, praise="")
    def check_halves(attempt):
        attempt(3)

    works = "`half - n`, `n.real`, `[n, d]`, `argsort(stable=True)`, `.view(n)`, `half + ...`, `half + border`"
    hints = [works, "`math.ceil(n / 2)`", "`n + ''`"]
    assert hint_faults(Exercise(halves, check_halves, {}, hints, solution)) == [
        "halves: `math.ceil(n / 2)`: name 'math' is not defined",
        "halves: `n + ''`: TypeError: unsupported operand type(s) for +: 'int' and 'str'",
    ]


def test_every_exercise_is_found(lesson):
    stubs = lesson.read_text(encoding="utf-8").count("\n    raise NotImplementedError\n")
    exercises = list(exercises_of(lesson))
    assert len(exercises) == stubs
    assert [len(exercise.hints) for exercise in exercises] == [3] * stubs


def test_stub_and_reference_agree(lesson):
    """So that what a check says of an input has the names that the learner sees."""
    for exercise in exercises_of(lesson):
        names = [list(inspect.signature(f).parameters) for f in (exercise.stub, exercise.check.reference)]
        assert names[0] == names[1], exercise


def test_solutions_are_right(lesson):
    for exercise in exercises_of(lesson):
        verdict = exercise.check(exercise.solution)
        assert verdict.passed, verdict
        exercise.check(exercise.stub)
        assert yours_or(exercise.check.reference) is exercise.check.reference


def test_a_solution_is_not_taken_for_the_learners(lesson):
    """It calls `check_x()`, which says "Reference solution", and leaves what the learner wrote in place."""
    for exercise in exercises_of(lesson):
        (call,) = check_calls(ast.parse(exercise.solution_cell))
        assert not call.args, exercise.solution_cell


def test_lesson_names_no_machine(lesson, executed_lesson):
    shown = "\n".join(shown_text(cell) for cell in code_cells(executed_lesson(lesson).nb))
    for text in (lesson.read_text(encoding="utf-8"), shown):
        assert not re.search(r"(?<![\w.])/(home|Users|tmp|work|root|usr|var)/|0x[0-9a-f]{8,}|127\.0\.0\.1", text)
