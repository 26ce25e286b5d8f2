"""One way to run every open question: seed by seed, each finished seed kept, and one result out."""

import importlib
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from tqdm.auto import tqdm

from supsup_lite.devices import device
from supsup_lite.experiments.settings import OpenQuestionSettings
from supsup_lite.files import read_json, write
from supsup_lite.results import runs


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large an experiment is.

    Attributes:
        tasks: k.
        steps: batches for each task.
        images: test images of each task; None takes all.
    """

    tasks: int
    steps: int
    images: int | None


@dataclass(frozen=True)
class Question:
    """One open question.

    Attributes:
        text: what is asked.
        rows: of a size and a seed: yields one dictionary for each case, with "case" (its name, the same in every seed),
            "n" (the images or answers behind its figures) and its figures. All that is drawn follows from the seed.
        size: of the stored run.
        edition: raised when what the rows hold is computed in another way, so that no half of a run is an old one.
    """

    text: str
    rows: Callable[[Size, int], Iterator[dict[str, Any]]]
    size: Size
    edition: int = 1


def ask(which: str, **settings: int) -> dict[str, Any]:
    """Return the result of an open question, in the form that every experiment has.

    Its "figures" are all rows, each with its "seed". A seed that is finished is kept in the folder of the runs: after a
    kill the same call goes on with the next.

    Args:
        which: a name in `OPEN_QUESTIONS`.
        settings: `tasks`, `steps`, `images`, `seeds` and `seed`, where they are not the question's own.

    Raises:
        TypeError, ValueError: one of them makes no sense.
    """
    return open_questions(OpenQuestionSettings(which=which, **settings))


def open_questions(settings: OpenQuestionSettings) -> dict[str, Any]:
    """What the paper leaves open, one question at a time (--which), over seeds: lesson 10 tells each."""
    question = question_of(settings.which)
    given = {part: getattr(settings, part) for part in ("tasks", "steps", "images")}
    size = Size(**asdict(question.size) | {part: value for part, value in given.items() if value is not None})
    seeds = range(settings.seed, settings.seed + settings.seeds)
    figures, seconds = [], 0.0
    for seed in tqdm(seeds, desc=settings.which, unit="seed", disable=None):
        rows, took = _seed(settings.which, question, size, seed)
        figures += [{"seed": seed} | row for row in rows]
        seconds += took
    setting = {"which": settings.which, "question": question.text, **asdict(size), "seeds": list(seeds)}
    n = sum(row["n"] for row in figures)
    return runs.result_of("open-questions", setting, figures, n, seconds, device())


def question_of(which: str) -> Question:
    """Return a question by its name."""
    return importlib.import_module(f"{__package__}.{which.replace('-', '_')}").QUESTION


def _seed(name: str, question: Question, size: Size, seed: int) -> tuple[list[dict[str, Any]], float]:
    """Return the rows of one seed, and the seconds they took: from the folder of the runs, where they are there."""
    path = runs.checkpoint(f"open-{name}", [question.edition, asdict(size), seed, str(device()), runs.versions()])
    if not path.exists():
        began = time.perf_counter()
        rows = list(question.rows(size, seed))
        content = {"rows": rows, "seconds": time.perf_counter() - began}
        write(path, json.dumps(content).encode())
    return read_json(path, _kept, "Delete it: this seed is asked again.")


def _kept(said: dict[str, Any]) -> tuple[list[dict[str, Any]], float]:
    """Return the rows of a seed, and the seconds they took, as they were written."""
    rows, seconds = said["rows"], said["seconds"]
    if not isinstance(rows, list) or not 0 <= seconds < math.inf:
        raise ValueError("rows and seconds were expected")
    if not all(isinstance(row["case"], str) and type(row["n"]) is int and row["n"] >= 0 for row in rows):
        raise ValueError("a case and a number of images were expected in each row")
    return rows, seconds
