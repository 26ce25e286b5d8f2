"""The JavaScript that a teacher can read: short lines and files, headers that are true, one shared name, in order."""

import re
from pathlib import Path

import pytest

from supsup_lite import explorers
from supsup_lite.explorers import base
from supsup_lite.explorers.base import FRONT, Explorer, module
from tests import small_site

FILES = sorted(FRONT.glob("*/*.js"))
HOST = sorted((small_site.SITE / "static").glob("*.js"))
EXPLORERS = [kind for kind in vars(explorers).values() if isinstance(kind, type) and issubclass(kind, Explorer)]
EVERYTHING = [FRONT / "namespace.js", *FILES, *HOST]
TESTS = sorted(Path(__file__).parent.glob("test_*.py"))
LONGEST = 100  # characters of a line
MOST = 250  # lines of a file

DEFINED = re.compile(r"^supsup\.(\w+) = \(\(\) => \{$", re.MULTILINE)
TAKEN = re.compile(r"^  const \{([^}]*)\} = supsup\.(\w+);$", re.MULTILINE)
OFFERED = re.compile(r"^  return \{([^}]*)\};\n\}\)\(\);\n$", re.MULTILINE)
VIEW = ["export default (() => {", "})();"]


def names(text: str) -> list[str]:
    """The names between braces."""
    return re.findall(r"\w+", text)


def header(text: str) -> str:
    """The comment at the top, up to an empty line of it or to @ts-check, as one line."""
    lines = text.splitlines()
    end = next((i for i, line in enumerate(lines) if not line.startswith("// ") or "@ts-check" in line), len(lines))
    return " ".join(line.removeprefix("// ") for line in lines[:end])


def faults_of_form(text: str) -> list[str]:
    """What a reader would trip over in any file."""
    lines = text.splitlines()
    found = [f"line {i} has {len(line)} characters" for i, line in enumerate(lines, 1) if len(line) > LONGEST]
    if len(lines) > MOST:
        found.append(f"{len(lines)} lines")
    if not re.match(r"[A-Z0].{15,}\.$", header(text)):
        found.append("the first line does not say what the file is")
    comment = [line for line in lines if line][: next(i for i, line in enumerate(lines) if not line.startswith("//"))]
    if "// @ts-check" not in comment:
        found.append("no @ts-check")
    return found


def faults_of_sharing(name: str, text: str, others: dict[str, str]) -> list[str]:
    """What a file of the front end leaks into the shared scope, or takes that none of the other files offers."""
    code = re.sub(r"/\*[\s\S]*?\*/|^ *//.*$", "", text, flags=re.MULTILINE)
    found = []
    outside = [line for line in code.splitlines() if re.match(r"\S", line)]
    if outside not in ([f"supsup.{name} = (() => {{", "})();"], VIEW):
        found.append(f"outside of its braces: {outside}")
    if len(re.findall(r"\bsupsup\b(?!-)", code)) != len(TAKEN.findall(code)) + len(DEFINED.findall(code)):
        found.append("the namespace is used in another way than `const { name } = supsup.file;`")
    for taken, file in TAKEN.findall(code):
        offered = OFFERED.search(others.get(file, ""))
        missing = set(names(taken)) - set(names(offered[1]) if offered else ())
        found += [f"{file} does not offer {name}" for name in sorted(missing)]
    return found


def faults_of_header(text: str, parts: set[str]) -> list[str]:
    """Where the header's "Uses ..." is not what the file takes. "Many parts" stands for any of `parts`."""
    taken = {file for _, file in TAKEN.findall(text)}
    stated = re.search(r"Uses (.*?)\.(?: |$)", header(text))
    said = set(re.split(r", | and ", stated[1]) if stated else ())
    if "many parts" in said:
        said |= taken & parts
    said.discard("many parts")
    return [f"its header says {sorted(said)}, it uses {sorted(taken)}"] if said != taken else []


def texts() -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in FILES}


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: path.name)
def test_every_file_is_short_and_says_what_it_is(path):
    assert faults_of_form(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_shares_the_namespace_alone(path):
    assert faults_of_sharing(path.stem, path.read_text("utf-8"), texts()) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_header_says_what_the_file_uses(path):
    parts = {file.stem for file in FILES if file.parent.name == "parts"}
    assert faults_of_header(path.read_text("utf-8"), parts) == []


def test_what_a_file_offers_is_taken_or_tested():
    taken = {(file, name) for text in texts().values() for given, file in TAKEN.findall(text) for name in names(given)}
    tests = "".join(path.read_text("utf-8") for path in TESTS)
    for file, text in texts().items():
        offered = OFFERED.search(text)
        for name in names(offered[1]) if offered else ():
            assert (file, name) in taken or re.search(rf"\b{name}\b", tests), f"nobody takes {name} of {file}.js"


def test_every_file_has_a_name_of_its_own():
    assert len({path.stem for path in FILES}) == len(FILES)


@pytest.mark.parametrize("explorer", EXPLORERS, ids=lambda kind: kind.__name__)
def test_an_explorer_gets_each_file_once_after_those_it_uses(explorer):
    assert explorer._esm.count("const supsup = {};") == 1
    defined = DEFINED.findall(explorer._esm)
    assert len(set(defined)) == len(defined)
    for _, file in TAKEN.findall(explorer._esm):
        use = re.search(rf"^  const \{{[^}}]*\}} = supsup\.{file};$", explorer._esm, re.MULTILINE)
        assert explorer._esm.index(f"supsup.{file} = (() =>") < use.start()
    assert explorer._esm.count("export default") == 1
    assert explorer._esm.endswith(")();\n")
    assert not re.search(r"^import|https?://(?!www\.w3\.org/2000/svg)", explorer._esm, re.MULTILINE)


def test_no_file_is_left_over():
    """Each file is part of some explorer."""
    used = set().union(*(DEFINED.findall(kind._esm) for kind in EXPLORERS))
    views = [path.stem for path in FILES if path.parent.name == "views"]
    assert used | set(views) == set(texts())
    assert len(views) == len({kind._esm for kind in EXPLORERS})


# --- that these tests see what is broken -------------------------------------------------------------------------

GOOD = """// A sum of numbers, and nothing else. Uses other.
// @ts-check

supsup.good = (() => {
  const { one } = supsup.other;

  const two = 2 * one;

  return { two };
})();
"""
OTHER = {"other": "supsup.other = (() => {\n  const one = 1;\n  return { one };\n})();\n"}


def test_a_good_file_has_no_faults():
    assert faults_of_form(GOOD) == faults_of_sharing("good", GOOD, OTHER) == faults_of_header(GOOD, set()) == []


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("2 * one;", f"2 * one; // {'long ' * 20}", "line 7 has"),
        ("  const two", "\n" * 250 + "  const two", "lines"),
        ("// A sum of numbers, and nothing else. Uses other.\n", "", "does not say what"),
        ("// @ts-check\n", "", "no @ts-check"),
        ("supsup.good =", "const good =", "outside of its braces"),
        ("supsup.good =", "supsup.bad =", "outside of its braces"),
        ("\nsupsup", "\nconst three = 3;\nsupsup", "outside of its braces"),
        ("2 * one", "2 * supsup.other.one", "used in another way"),
        ("{ one }", "{ one, three }", "other does not offer three"),
        ("supsup.other", "supsup.nothing", "nothing does not offer one"),
        ("Uses other", "Uses nothing", "its header says"),
        (" Uses other.", "", "its header says"),
    ],
)
def test_a_broken_file_is_seen(before, after, fault):
    assert before in GOOD
    broken = GOOD.replace(before, after, 1)
    faults = faults_of_form(broken) + faults_of_sharing("good", broken, OTHER) + faults_of_header(broken, set())
    assert any(fault in found for found in faults), faults


def test_files_that_use_each_other_or_nothing_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(base, "FRONT", tmp_path)
    (tmp_path / "parts").mkdir()
    (tmp_path / "namespace.js").write_text("const supsup = {};\n", "utf-8")

    def write(name, used):
        text = f"supsup.{name} = (() => {{\n  const {{ a }} = supsup.{used};\n  return {{ a }};\n}})();\n"
        (tmp_path / "parts" / f"{name}.js").write_text(text, "utf-8")

    write("one", "two")
    with pytest.raises(ValueError, match=r"no file two\.js, which one\.js uses"):
        module("one")
    with pytest.raises(ValueError, match=r"no file three\.js"):
        module("three")
    write("two", "one")
    with pytest.raises(ValueError, match="one, two, one use each other"):
        module("one")
