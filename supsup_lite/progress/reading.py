"""A learner's functions out of a notebook: of its code only imports, definitions and plain values are run.

So no training has to be waited for, cells may stand in any order of execution, and one broken cell takes no other with
it. The cell of an exercise may also compute values for it.
"""

import ast
import linecache
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import jupytext
from IPython.core.inputtransformer2 import TransformerManager

__all__ = [
    "functions_of",
]

DEFINITIONS = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def functions_of(notebook: Path, exercises: Iterable[str]) -> dict[str, Callable | str]:
    """Return a learner's function for each exercise, or in words why there is none; what is not there is left out.

    An exercise's function is the one that its check is called with, `check_entropy(mine)`; without such a call, the one
    that has the exercise's name.
    """
    cells = [cell for cell in jupytext.read(notebook).cells if cell.cell_type == "code"]
    sources = [plain_python(cell.source) for cell in cells if "solution" not in cell.metadata.get("tags", [])]
    trees = [(number, source, tree_of(source)) for number, source in enumerate(sources, 1)]
    given = dict(pair for _, _, tree in trees if isinstance(tree, ast.Module) for pair in checked_names(tree))
    wanted = {exercise: given.get(exercise, exercise) for exercise in exercises}

    namespace, found, broken = {"__name__": "learner"}, {}, {}
    for number, source, tree in trees:
        if not isinstance(tree, ast.Module):
            broken |= {name: tree for name in wanted.values() if f"def {name}(" in source}
            continue
        defined = {name for node in tree.body for name in names_defined(node)} & set(wanted.values())
        for node in tree.body:
            if (defined and isinstance(node, ast.Assign | ast.AnnAssign)) or is_plain(node):
                fault = run(node, namespace, source, f"<code cell {number}>")
                broken |= {name: fault for name in names_defined(node) if fault}
        found |= {name: namespace[name] for name in defined if callable(namespace.get(name))}
    return {exercise: (broken | found)[name] for exercise, name in wanted.items() if name in broken | found}


def plain_python(source: str) -> str:
    """Return a cell's code with IPython's magics turned into calls, which are not run."""
    return TransformerManager().transform_cell(source)


def tree_of(source: str) -> ast.Module | str:
    """Return a cell's syntax tree, or what is wrong with its syntax."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"


def checked_names(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield (exercise, name of the function) for each check that is called with a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) == 1 and isinstance(node.args[0], ast.Name):
            check = ast.unparse(node.func).rpartition(".")[2]
            if check.startswith("check_"):
                yield check.removeprefix("check_"), node.args[0].id


def names_defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement gives to a function: by `def`, or by `name = ...`."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name) and isinstance(node.value, ast.Lambda)]


def is_plain(node: ast.stmt) -> bool:
    """Whether a statement imports, defines, or names a value that is written out."""
    if isinstance(node, DEFINITIONS):
        return True
    value = getattr(node, "value", None) if isinstance(node, ast.Assign | ast.AnnAssign) else None
    try:
        return isinstance(value, ast.Lambda) or (value is not None and (ast.literal_eval(value), True)[1])
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False


def run(node: ast.stmt, namespace: dict[str, Any], source: str, place: str) -> str:
    """Run one statement, and return what went wrong, or nothing. A check then shows the line of an error."""
    linecache.cache[place] = (len(source), None, source.splitlines(keepends=True), place)
    try:
        exec(compile(ast.Module([node], []), place, "exec"), namespace)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""
