"""Which lessons there are, and where their executed copies are kept: shared by the site (conf.py) and the tests."""

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted(ROOT.glob("notebooks/[0-9][0-9]_*.md"))


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
