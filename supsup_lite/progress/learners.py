"""Whose notebooks a folder holds: one learner's, or those of a whole class, a folder a learner."""

import re
from pathlib import Path

from supsup_lite.exercises.by_lesson import MODULES

__all__ = [
    "learners_in",
]

LESSON = re.compile(r"(\d\d[a-z]?)_.*\.(?:ipynb|md)")  # also "02_edge_popup_masks (1).ipynb", as browsers name a copy


def learners_in(folder: Path) -> dict[str, dict[str, Path]]:
    """Return the notebooks of each learner: {learner: {lesson: path}}, by name, the lessons in order.

    A folder with notebooks in it is one learner's. Otherwise each folder in it is one, however deep the notebooks lie
    in there (nbgrader has submitted/LEARNER/LESSON/). Of two files of one lesson the newer one counts.

    Raises:
        ValueError: there is no such folder, or no notebook of a lesson in it.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: give one learner's notebooks, or a folder with a folder for each.")
    alone = newest(folder.iterdir())
    if alone:
        return {folder.resolve().name: alone}
    inner = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    found = {path.name: notebooks for path in inner if (notebooks := newest(path.rglob("*")))}
    if not found:
        raise ValueError(
            f"no notebook of a lesson in {folder} or its folders: expected such as 02_edge_popup_masks.ipynb."
        )
    return found


def newest(paths) -> dict[str, Path]:
    """Return the newest file of each lesson that has exercises; of a pair of the same age the notebook."""
    found = {}
    for path in paths:
        match = LESSON.fullmatch(path.name)
        if match and match[1] in MODULES and ".ipynb_checkpoints" not in path.parts and path.is_file():
            found.setdefault(match[1], []).append(path)
    age = {lesson: max(of_it, key=lambda path: (path.stat().st_mtime, path.suffix)) for lesson, of_it in found.items()}
    return {lesson: age[lesson] for lesson in MODULES if lesson in age}
