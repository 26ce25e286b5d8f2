"""The package as a whole: quick to import, every public name explained, and imports that go one way."""

import ast
import importlib
import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import supsup_lite as sl

PACKAGE = Path(sl.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
README = (PACKAGE.parent / "README.md").read_text("utf-8")


def rooms() -> list[str]:
    """The order of the rooms, lowest floor first, as README's table has it."""
    table = README[README.index("| room | what stands there |") :].split("\n\n")[0]
    return [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)/?`", row.split("|")[1])]


ORDER = rooms()


def part_of(path: Path) -> str:
    """The place of a file in the order: its module, or the subpackage that it is in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    """Which parts of the package a file imports, at its top, inside a function, or by a name in a string."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "supsup_lite" else []
            names = names or [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names = re.findall(r"supsup_lite[\w.]*", ast.unparse(node))
        else:
            continue
        found |= {name.split(".")[1] if "." in name else "" for name in names if name.split(".")[0] == "supsup_lite"}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_rooms_below_its_own(path):
    room = part_of(path)
    if room in ("__init__", "__main__"):  # the package itself gathers everything, and says where the course is
        return
    for part in imported_parts(path):
        assert part in ORDER, f"{path.name} imports the whole package" if part == "" else f"{part} is not in README"
        assert ORDER.index(part) <= ORDER.index(room), f"{room} imports {part}, which stands above it"
    assert room != "explorers" or "experiments" not in imported_parts(path)
    assert room != "plots" or imported_parts(path) <= {*ORDER[: ORDER.index("plots") + 1]}


def test_the_readme_maps_every_room_once():
    there = {part_of(path) for path in SOURCES} - {"__init__", "__main__"}
    assert sorted(ORDER) == sorted(there)
    assert len(ORDER) <= 23


def test_the_order_can_be_broken():
    """The check above sees what it should: masks imports networks, learning imports masks and data,
    and a lesson's exercises are imported by their name."""
    assert "networks" in imported_parts(PACKAGE / "masks" / "apply.py")
    assert {"masks", "networks", "data"} <= imported_parts(PACKAGE / "learning" / "learn.py")
    assert "exercises" in imported_parts(PACKAGE / "exercises" / "by_lesson.py")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_says_what_it_is_and_can_be_read_in_one_sitting(path):
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) <= 300
    assert ast.get_docstring(ast.parse("\n".join(lines)))


def test_every_public_name_is_there_and_explained():
    assert sorted(sl.__all__) == sorted(set(sl.__all__))
    for name in sl.__all__:
        thing = getattr(sl, name)
        explained = inspect.getdoc(thing if callable(thing) else type(thing))
        assert explained, name
        assert len(explained.split()) >= 4, name


def test_every_public_function_and_method_is_explained():
    things = [getattr(sl, name) for name in sl.__all__]
    methods = [
        method
        for thing in things
        if inspect.isclass(thing)
        for name, method in vars(thing).items()
        if not name.startswith("_") and (inspect.isfunction(method) or isinstance(method, (property, classmethod)))
    ]
    for thing in [*filter(inspect.isfunction, things), *methods]:
        assert inspect.getdoc(thing), thing


OFFERS = [path for path in sorted(PACKAGE.rglob("__init__.py")) if path.parent != PACKAGE]
USERS = {path: path.read_text("utf-8") for folder in ("supsup_lite", "notebooks", "tests")
         for path in sorted((PACKAGE.parent / folder).rglob("*")) if path.suffix in (".py", ".md")}  # fmt: skip


@pytest.mark.parametrize("path", OFFERS, ids=lambda path: path.parent.name)
def test_what_a_room_offers_is_there_is_explained_and_is_used_elsewhere(path):
    """A type may be offered for what functions return; all else is used by another room, a lesson or a test."""
    room = importlib.import_module(".".join(path.parent.relative_to(PACKAGE.parent).parts))
    others = [user for user in USERS if path.parent not in user.parents and user != PACKAGE / "__init__.py"]
    for name in getattr(room, "__all__", ()):
        thing = getattr(room, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), f"{name} is not explained"
        if not inspect.isclass(thing):
            assert any(re.search(rf"\b{name}\b", USERS[user]) for user in others), f"nobody outside uses {name}"


def test_import_is_light():
    """What only some lessons need, or what is slow, is imported where it is used."""
    code = "import sys, supsup_lite; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "torch" in loaded
    assert not {"torchvision", "matplotlib", "IPython", "ipywidgets", "anywidget", "PIL", "sympy"} & set(loaded)


def test_import_warns_of_nothing():
    done = subprocess.run([sys.executable, "-W", "error", "-c", "import supsup_lite"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", [path.stem for path in sorted(Path(__file__).parent.glob("benchmarks/*.py"))])
def test_a_benchmark_finds_what_it_measures(name):
    """Nobody runs benchmarks as tests, so that they would break unseen where what they import has a new name."""
    importlib.import_module(f"tests.benchmarks.{name}")


def imports_of(lesson: Path) -> list[tuple[str, str]]:
    """What a lesson imports from the package, as (module, name); the solutions and hints that it folds included."""
    return [
        (module, name.split(" as ")[0].strip())
        for module, names in re.findall(r"^\s*from (supsup_lite[\w.]*) import (.+)$", lesson.read_text("utf-8"), re.M)
        for name in names.split(",")
    ]


def test_a_lesson_imports_only_what_a_room_offers(lesson):
    for module, name in imports_of(lesson):
        room = importlib.import_module(module)
        is_module = importlib.util.find_spec(f"{module}.{name}") if hasattr(room, "__path__") else None
        assert is_module or name in room.__all__, f"{lesson.stem}: {module} does not offer {name}"
    used = set(re.findall(r"\bsl\.(\w+)", lesson.read_text("utf-8")))
    assert used <= {*sl.__all__}, f"{lesson.stem}: sl does not offer {sorted(used - {*sl.__all__})}"
