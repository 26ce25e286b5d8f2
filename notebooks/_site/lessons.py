"""Which lessons there are, and where their executed copies are kept: shared by the site (conf.py) and the tests."""

import hashlib
import re
from pathlib import Path

import jupytext

ROOT = Path(__file__).resolve().parents[2]
WORDS_A_MINUTE, CODE_SIGNS_A_MINUTE = 200, 510  # within five minutes of measured walks: 20, 30, 40, 40, 55 for 00 to 04
FRONT_PAGE = ROOT / "notebooks" / "index.md"
LESSONS = sorted(ROOT.glob("notebooks/[0-9][0-9]*_*.md"))  # 04, 04b, 05: an underscore comes before a letter


def execution_cache() -> Path:
    """The jupyter-cache of lessons executed with this very package.

    jupyter-cache itself looks at a lesson's code only: without the package in the path, the site would go on
    showing what an older package computed.
    """
    digest = hashlib.sha256()
    for path in sorted([*ROOT.glob("supsup_lite/**/*"), *ROOT.glob("data/results/**/*"), ROOT / "requirements.lock"]):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return ROOT / "build" / "cache" / digest.hexdigest()[:16]


def title_and_promise(lesson: Path) -> tuple[str, str]:
    """A lesson's heading and the paragraph below it."""
    found = re.search(r"^# (.+)\n+((?:.+\n)+)", lesson.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{lesson.name}: expected a heading '# ...' with a paragraph below it, found none")
    return found[1].strip(), " ".join(found[2].split())


def minutes_to_read(lesson: Path) -> int:
    """Return the minutes that a newcomer takes to read a lesson, prose and code, in steps of five.

    Words of prose and signs of code that are not blank, each at its own speed. What unfolds is not counted: hints and
    solutions belong to the minutes of doing.
    """
    words = signs = 0
    for cell in jupytext.read(lesson).cells:
        if cell.cell_type == "markdown":
            words += len(re.sub(r"<details>.*?</details>", "", cell.source, flags=re.DOTALL).split())
        elif "solution" not in cell.metadata.get("tags", []):
            signs += len("".join(cell.source.split()))
    return 5 * round((words / WORDS_A_MINUTE + signs / CODE_SIGNS_A_MINUTE) / 5)


def goals(lesson: Path) -> list[str]:
    """Return what one can do after a lesson, as its own list says, each without the comma or full stop."""
    text = lesson.read_text("utf-8")
    found = re.search(r"^\*\*After this lesson you can\*\*\n\n((?:- .+\n(?:  .+\n)*)+)", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"{lesson.name}: expected '**After this lesson you can**' with a list below it, found none")
    return [" ".join(goal.split()).rstrip(".,") for goal in re.split(r"^- ", found[1], flags=re.MULTILINE)[1:]]


def times(lesson: Path) -> tuple[str, str, str]:
    """Return a lesson's time to read, to do and to run, as its table has it, such as ("25 min", "5 min", "25 s")."""
    text = lesson.read_text("utf-8")
    found = re.search(r"^\| to read \|.*\n\|[-|]+\|\n\| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"{lesson.name}: expected the table 'to read | to do | to run', found none")
    return found[1], found[2], found[3]
