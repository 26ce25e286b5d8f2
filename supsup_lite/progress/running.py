"""Notebooks tried in processes of their own: whatever one of them does, the report goes on."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from supsup_lite.exercises import RIGHT
from supsup_lite.exercises.by_lesson import MODULES, checks_of
from supsup_lite.progress.outcomes import MISSING, STATES, STOPPED, Outcome

__all__ = [
    "progress_of",
]

STARTING_SECONDS = 180  # a busy machine takes its time to import PyTorch and to read the notebook


def progress_of(learners: Mapping[str, Mapping[str, Path]], seconds: float = 30, jobs: int = 1) -> list[Outcome]:
    """Return the outcome of each exercise of each learner: all exercises of the course, in its order.

    Args:
        learners: {learner: {lesson: path of the notebook}}, as `learners_in` finds them.
        seconds: how long one exercise may take.
        jobs: how many notebooks are tried at a time.
    """
    work = [(name, lesson, notebooks.get(lesson)) for name, notebooks in learners.items() for lesson in MODULES]
    stop = threading.Event()
    with ThreadPoolExecutor(min(jobs, len(work) or 1)) as pool:
        try:
            tried = pool.map(lambda each: list(_outcomes(*each, seconds, stop)), work)
            shown = tqdm(tried, "notebooks", len(work), disable=not sys.stderr.isatty())
            return [outcome for outcomes in shown for outcome in outcomes]
        except BaseException:  # Ctrl-C, which also ends the notebooks' processes: no others are to follow
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _outcomes(
    learner: str, lesson: str, notebook: Path | None, seconds: float, stop: threading.Event
) -> Iterator[Outcome]:
    """Try a notebook. After an exercise that took the process down, another process goes on with the next one."""
    left = list(checks_of(lesson))
    if notebook is None:
        yield from (Outcome(learner, lesson, name, MISSING, "no notebook of this lesson") for name in left)
        return
    while left and not stop.is_set():
        answers, ending = _run(notebook, lesson, left, seconds)
        begun = ""
        for name, *answer in answers:
            begun = name
            if name == left[0] and len(answer) == 2 and answer[0] in STATES:
                yield Outcome(learner, lesson, left.pop(0), answer[0], answer[1] if answer[0] != RIGHT else "")
                if not left:
                    return
        stopped = left[:1] if begun == left[0] else left  # before any exercise: reading the notebook did it
        yield from (Outcome(learner, lesson, name, STOPPED, ending) for name in stopped)
        left = left[len(stopped) :]


def _run(notebook: Path, lesson: str, exercises: list[str], seconds: float) -> tuple[list[list[str]], str]:
    """Return the lines of a process, and in words how it ended."""
    command = [sys.executable, "-m", "supsup_lite.progress.trying", str(notebook.resolve()), lesson, str(seconds)]
    with tempfile.TemporaryDirectory() as folder:  # an empty one, so that no file of a learner's is imported
        try:
            done = subprocess.run(
                [*command, *exercises],
                cwd=folder,
                env=_surroundings(folder),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=STARTING_SECONDS + seconds * len(exercises),
            )
        except subprocess.TimeoutExpired as late:
            return _lines(late.stdout or b""), f"stopped after {seconds:g} seconds"
    if b"Timeout (" in done.stderr:
        return _lines(done.stdout), f"stopped after {seconds:g} seconds: is there a loop that never ends?"
    last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    ending = f"its process ended by itself (exit status {done.returncode})"
    return _lines(done.stdout), f"{ending}: {last}" if last else ending


def _surroundings(folder: str) -> dict[str, str]:
    """One thread, the CPU, no home of the teacher's, and the package from where it is now."""
    here = str(Path(__file__).parents[2])
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "SYSTEMROOT", "LANG", "SUPSUP_CACHE")}
    paths = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    alone = {"HOME": folder, "IPYTHONDIR": folder, "MPLCONFIGDIR": folder, "PYTHONDONTWRITEBYTECODE": "1"}
    one = {"CUDA_VISIBLE_DEVICES": "", "SUPSUP_DEVICE": "cpu", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    return {**kept, **alone, **one, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"}


def _lines(output: bytes) -> list[list[str]]:
    """Return the lines that are lists of texts: whatever else is there is not from `trying`."""
    found = []
    for line in output.decode("utf-8", "replace").splitlines():
        try:
            answer = json.loads(line)
        except ValueError:
            continue
        if isinstance(answer, list) and answer and all(isinstance(part, str) for part in answer):
            found.append(answer)
    return found
