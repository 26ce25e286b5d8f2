"""What the tests share: lessons executed offline, once, for the tests and the site; and a browser."""

import functools
import os
import shutil

import pytest
from execution import execute_lesson
from lessons import LESSONS

LESSON_SECONDS = pytest.StashKey[dict[str, float]]()


@pytest.fixture(scope="session")
def executed_lesson(request):
    """Call it with a lesson's path: the executed notebook, which the site then shows without running it again."""
    seconds = request.config.stash.setdefault(LESSON_SECONDS, {})

    @functools.cache
    def executed(lesson):
        notebook, seconds[lesson.stem] = execute_lesson(lesson)
        return notebook

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
