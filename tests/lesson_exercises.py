"""The exercises as a lesson's text has them: stub, check, hints and solution, and what a learner has by then."""

import ast
import builtins
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import jupytext
import torch

DEFINES = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef


@dataclass
class Exercise:
    """One of a lesson's: `names` are the imports and functions of all cells before its hints, solutions left out."""

    stub: Callable
    check: Callable
    names: dict[str, Any]
    hints: list[str] = field(default_factory=list)  # the text of each
    solution: Callable | None = None
    solution_cell: str = ""

    def __str__(self) -> str:
        return self.stub.__name__


def exercises_of(lesson: Path) -> Iterator[Exercise]:
    """Read a lesson's exercises. Of its code only imports and definitions are run, which is quick."""
    learners, all_names = {}, {}  # with and without what only the folded solutions define
    stub = exercise = None
    for cell in jupytext.read(lesson).cells:
        if cell.cell_type == "markdown":
            if exercise:
                exercise.hints += re.findall(r"<summary>Hint \d</summary>(.*?)</details>", cell.source, re.S)
            continue
        tree = ast.parse(cell.source)
        if "solution" in cell.metadata.get("tags", []):
            run_definitions(tree, all_names)
            if exercise:
                exercise.solution = next(all_names[f.name] for f in functions(tree) if fits(f, exercise.stub))
                exercise.solution_cell = cell.source
                yield exercise
                exercise = None
            continue
        run_definitions(tree, learners)
        run_definitions(tree, all_names)
        stubs = [f for f in functions(tree) if ast.unparse(f.body[-1]) == "raise NotImplementedError"]
        stub = learners[stubs[0].name] if stubs else stub
        checks = [call for call in check_calls(tree) if call.args]
        if checks:
            exercise = Exercise(stub, eval(ast.unparse(checks[0].func), learners), dict(learners))


def functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in tree.body if isinstance(node, ast.FunctionDef)]


def fits(function: ast.FunctionDef, stub: Callable) -> bool:
    code = stub.__code__
    return [argument.arg for argument in function.args.args] == list(code.co_varnames[: code.co_argcount])


def check_calls(tree: ast.Module) -> list[ast.Call]:
    """The calls of checks that stand at the end of a cell, or on a line of their own."""
    calls = [node.value for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    return [call for call in calls if re.search(r"(^|\.)check_\w+$", ast.unparse(call.func))]


def run_definitions(tree: ast.Module, names: dict[str, Any]) -> None:
    body = [node for node in tree.body if isinstance(node, DEFINES)]
    for function in functions(tree):  # defaults and decorators may be values of the lesson, which are not there
        function.decorator_list = []
        simple = [isinstance(value, ast.Constant) for value in function.args.defaults]
        values = zip(function.args.defaults, simple, strict=True)
        function.args.defaults = [value if keep else ast.Constant(None) for value, keep in values]
    exec(compile(ast.fix_missing_locations(ast.Module(body, [])), "<lesson>", "exec"), names)


# --- what a hint's code does for a learner ----------------------------------------------------------------------------


def hint_faults(exercise: Exercise) -> list[str]:
    """Run each hint's code with what a learner has by then, and return what does not work, in words.

    A learner has the names of the lesson, the arguments of the stub (here the check's first input), and the values
    that the way to the solution leads to (here the solution's local variables). A value that a hint gives a name of
    its own is left to the learner, but a module or a function has to be there.
    """
    inputs = first_inputs(exercise.check)
    code = exercise.stub.__code__
    names = exercise.names | locals_of(exercise.solution, inputs) | dict(zip(code.co_varnames, inputs, strict=False))
    faults = []
    for hint in exercise.hints:
        for piece in re.findall(r"`([^`]+)`", hint):
            tree = parsed(piece.replace("\n", " "), names)
            try:
                exec(compile(tree, "<hint>", "exec"), names)
            except NameError as error:
                if error.name in used_as_tools(tree):
                    faults.append(f"{exercise}: `{piece}`: {error}")
            except Exception as error:
                faults.append(f"{exercise}: `{piece}`: {type(error).__name__}: {error}")
    return faults


def parsed(piece: str, names: dict[str, Any]) -> ast.Module:
    """Return a piece of code, or nothing where it is a word, a shape, a fragment or a pattern with `...`."""
    nothing = ast.Module([], [])
    try:
        tree = ast.parse(piece)
    except SyntaxError:  # a fragment such as `.view(shape)`
        return nothing
    if any(isinstance(node, ast.Constant) and node.value is ... for node in ast.walk(tree)):
        return nothing
    value = getattr(tree.body[0], "value", None)
    if isinstance(value, ast.Name | ast.List):  # a word, or a shape such as `[B, s]`
        return nothing
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        known = names.keys() | vars(builtins).keys()
        if value.func.id not in known and hasattr(
            torch.Tensor, value.func.id
        ):  # a method alone: `argsort(stable=True)`
            return nothing
    return tree


def used_as_tools(tree: ast.Module) -> set[str]:
    """The names that stand before a dot or are called."""
    tools = [node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    tools += [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {node.id for node in tools if isinstance(node, ast.Name)}


def first_inputs(check: Callable) -> tuple:
    """Return what a check gives first to the function that it checks."""
    seen = []

    def recorder(*inputs):
        seen.append(inputs)
        raise NotImplementedError

    check(recorder)
    return seen[0]


def locals_of(function: Callable, inputs: tuple) -> dict[str, Any]:
    """Return the local variables of a function when it returns, but for what it imports: a learner has to know that."""
    found = {}

    def watch(frame, event, _):
        if event == "return" and frame.f_code is function.__code__:
            found.update({k: v for k, v in frame.f_locals.items() if not isinstance(v, ModuleType)})

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        function(*inputs)
    finally:
        sys.setprofile(before)
    return found
