"""Lessons are executed here, for the site and the tests alike: offline, in an empty folder, once for each state."""

import asyncio
import os
import tempfile
import time
from pathlib import Path

import jupytext
import zmq
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from lessons import execution_cache
from nbclient import NotebookClient

CELL_SECONDS = 300  # a hung kernel ends here; a whole lesson takes a minute, but not on a busy machine
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
    """

    async def async_execute_cell(self, *arguments, **options):
        looking = asyncio.ensure_future(self._look_for_replies())
        try:
            return await super().async_execute_cell(*arguments, **options)
        finally:
            looking.cancel()

    async def _look_for_replies(self):
        while True:
            await asyncio.sleep(0.2)
            self.kc.shell_channel.socket.get(zmq.EVENTS)


def execute(notebook, folder: Path | str):
    """Run a notebook in a fresh kernel without a network, and return it with its outputs and its widgets' state."""
    client = LessonClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,  # it would be written into the cells, and jupyter-cache would take them for other cells
        extra_arguments=["--log-level=ERROR"],  # else each kernel warns that it talks to this machine unencrypted
    )
    client.execute(env=KERNEL)
    return notebook


def execute_lesson(lesson: Path):
    """Execute a lesson in an empty folder, keep it in the cache, and return the notebook and the seconds it took."""
    notebook = jupytext.read(lesson)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        execute(notebook, folder)
    seconds = time.monotonic() - began
    bundle = CacheBundleIn(notebook, str(lesson), data={"execution_seconds": seconds})
    get_cache(execution_cache()).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    return notebook, seconds


def is_cached(lesson: Path) -> bool:
    """Whether this very lesson was executed with this very package."""
    try:
        get_cache(execution_cache()).match_cache_notebook(jupytext.read(lesson))
    except KeyError:
        return False
    return True
