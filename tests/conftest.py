"""What the tests share: lessons executed offline, once, for the tests and the site; and a browser."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import jupytext
import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from lessons import CELL_SECONDS, LESSONS, ROOT, execution_cache
from nbclient import NotebookClient

LESSON_SECONDS = pytest.StashKey[dict[str, float]]()


def execute(notebook, working_directory):
    """Run a notebook in a fresh kernel that has no network; outputs and widget state end up in the notebook."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "offline")}
    where = {"metadata": {"path": str(working_directory)}}
    # Timing would be written into the cells, and jupyter-cache would then take them for other cells.
    client = NotebookClient(notebook, timeout=CELL_SECONDS, kernel_name="python3", resources=where, record_timing=False)
    client.execute(env=environment)
    return notebook


@pytest.fixture(scope="session")
def executed_lesson(request):
    """Call it with a lesson's path: the executed notebook, which the site then shows without running it again."""
    seconds = request.config.stash.setdefault(LESSON_SECONDS, {})
    done = {}

    def executed(lesson: Path):
        if lesson not in done:
            notebook = jupytext.read(lesson)
            began = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                done[lesson] = execute(notebook, folder)
            seconds[lesson.stem] = time.monotonic() - began
            bundle = CacheBundleIn(notebook, str(lesson), data={"execution_seconds": seconds[lesson.stem]})
            get_cache(execution_cache()).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
        return done[lesson]

    return executed


def pytest_generate_tests(metafunc):
    if "lesson" in metafunc.fixturenames:
        metafunc.parametrize("lesson", LESSONS, ids=[lesson.stem for lesson in LESSONS])


def pytest_terminal_summary(terminalreporter, config):
    seconds = config.stash.get(LESSON_SECONDS, {})
    if seconds:
        terminalreporter.section("lessons, run top to bottom")
        for name, taken in seconds.items():
            terminalreporter.write_line(f"{taken:6.1f} s  {name}")


@pytest.fixture(scope="session")
def browser():
    """Chromium, driven by playwright."""
    names = (os.environ.get("SUPSUP_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, (shutil.which(name) for name in names if name)), None)
    if found is None:
        reason = "no Chromium found: install one, or name it in SUPSUP_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    # No sandbox: CI runs as root. The rest keeps Chromium from calling home.
    quiet = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=[*quiet, "--disable-sync"])
        yield chromium
        chromium.close()
