"""Lessons are executed here, for the site and the tests alike: offline, in an empty folder, once for each state."""

import asyncio
import json
import os
import re
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
import zmq
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from lessons import execution_cache
from nbclient import NotebookClient

WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET = re.compile(r'(?<=IPY_MODEL_)\w+|(?<="model_id": ")\w+')  # how a widget, or an output, names another
CELL_SECONDS = 300  # a hung kernel ends here; a whole lesson takes a minute, but not on a busy machine
REPEATED = float(os.environ.get("SUPSUP_REPEATED", 2))  # seconds: a cell that takes longer is not run twice
KERNEL = {
    # PyTorch's threads sleep while they wait. Spinning, they make a lesson 20 times slower when all cores are busy.
    "OMP_WAIT_POLICY": "PASSIVE",
    **os.environ,
    "PYTHONPATH": str(Path(__file__).parent / "offline"),
}


class LessonClient(NotebookClient):
    """nbclient, made to notice every reply.

    It answers widgets on the socket that it awaits a cell's reply on. Now and then that swallows the wake-up for the
    reply (nbclient issue 312), and a cell with a widget seems to run until its time-out. Asking the socket for its
    events makes it look again.

    Attributes:
        twice: whether a cell runs a second time at once, as it may when a learner runs it: each that takes at most
            `REPEATED` seconds.
        again: what those second runs gave: for each of these cells, the cell as it stands and the one that ran again.
        slow: the source of each cell that took longer.
        seconds: what the first runs took.
    """

    def __init__(self, notebook, twice: bool, **options):
        super().__init__(notebook, **options)
        self.twice, self.again, self.slow, self.seconds = twice, [], [], 0.0

    async def async_execute_cell(self, cell, cell_index, **options):
        looking = asyncio.ensure_future(self._look_for_replies())
        began = time.monotonic()
        try:
            await super().async_execute_cell(cell, cell_index, **options)
            took = time.monotonic() - began
            self.seconds += took
            if self.twice and cell.cell_type == "code" and took > REPEATED:
                self.slow.append(cell.source)
            elif self.twice and cell.cell_type == "code":
                second = nbformat.v4.new_code_cell(cell.source, metadata=cell.metadata)
                await super().async_execute_cell(second, cell_index)
                self.again.append((cell, second))
                self.nb.cells[cell_index] = cell
            return cell
        finally:
            looking.cancel()

    async def _look_for_replies(self):
        while True:
            await asyncio.sleep(0.2)
            self.kc.shell_channel.socket.get(zmq.EVENTS)


def execute(notebook, folder: Path | str, twice: bool = False) -> LessonClient:
    """Run a notebook in a fresh kernel without a network: it then has its outputs, and its widgets' state."""
    client = LessonClient(
        notebook,
        twice,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,  # it would be written into the cells, and jupyter-cache would take them for other cells
        extra_arguments=["--log-level=ERROR"],  # else each kernel warns that it talks to this machine unencrypted
    )
    client.execute(env=KERNEL)
    return client


def only_what_is_shown(notebook):
    """Drop the state of widgets that no output shows, nor a widget that is shown: those of cells' second runs."""
    models = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    texts, shown = [json.dumps([cell.get("outputs", []) for cell in notebook.cells])], set()
    while texts:
        found = {model for model in WIDGET.findall(texts.pop()) if model in models} - shown
        shown |= found
        texts += [json.dumps(models[model]) for model in found]
    for model in models.keys() - shown:
        del models[model]


def execute_lesson(lesson: Path, twice: bool = False) -> LessonClient:
    """Execute a lesson in an empty folder, and keep the notebook in the cache; `twice`: run cells a second time."""
    notebook = jupytext.read(lesson)
    with tempfile.TemporaryDirectory() as folder:
        client = execute(notebook, folder, twice)
        left = os.listdir(folder)
    if left:
        raise RuntimeError(f"{lesson.name} leaves files in the working directory: {', '.join(left)}")
    only_what_is_shown(notebook)
    bundle = CacheBundleIn(notebook, str(lesson), data={"execution_seconds": client.seconds})
    get_cache(execution_cache()).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    return client


def is_cached(lesson: Path) -> bool:
    """Whether this very lesson was executed with this very package."""
    try:
        get_cache(execution_cache()).match_cache_notebook(jupytext.read(lesson))
    except KeyError:
        return False
    return True
