"""What the tests share: lessons executed offline, once, for the tests and the site; and a browser."""

import functools
import os

import pytest
from execution import execute_lesson
from lessons import LESSONS

from tests import small_site
from tests.pages import chromium, find_chromium

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
    if find_chromium() is None:
        reason = "no Chromium found: install one, or name it in SUPSUP_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def stream_and_scale(tmp_path_factory):
    """The folder of a small site: `index` has the stream explorer, `scale` the other one."""
    toc = "```{toctree}\n:hidden:\nscale\n```"
    cells = {
        "index": [f"# Streams\n\n{toc}", "from supsup_lite.explorers import Stream\nStream()"],
        "scale": ["# Scale", "from supsup_lite.explorers import Scale\nScale()"],
    }
    return small_site.build(tmp_path_factory.mktemp("stream_and_scale"), cells)
