"""What the tests share: lessons executed offline, once, for the tests and the site; and a browser."""

import functools
import os
import time

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is there: as many threads as there are cores, over all workers
    share = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))

import pytest
from execution import execute_lesson, is_cached
from lessons import LESSONS

from tests.pages import chromium, find_chromium

LESSON_SECONDS = "lesson seconds"
SITE_SECONDS = 900  # to wait for lessons that the other workers execute


def pytest_generate_tests(metafunc):
    if "lesson" in metafunc.fixturenames:
        metafunc.parametrize("lesson", LESSONS, ids=[lesson.stem for lesson in LESSONS])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Keep on one worker what shares work: a lesson's tests, and those of a file. Lessons first, the site last."""
    if not hasattr(config, "workerinput"):
        return
    groups = {item: group_of(item) for item in items}
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: (groups[item] == "tests/test_site.py", not groups[item][:1].isdigit()))


def group_of(item) -> str:
    """The name of the lesson whose execution a test looks at, else of its file."""
    if "executed_lesson" in item.fixturenames:
        return item.callspec.params["lesson"].stem
    return item.location[0]


@pytest.fixture(scope="session")
def executed_lesson():
    """Call it with a lesson's path: the executed notebook, which the site then shows without running it again."""
    return functools.cache(lambda lesson: execute_lesson(lesson)[0])


@pytest.fixture(scope="session")
def lessons_ready(request):
    """Wait until the lessons are executed that other workers execute in this run."""
    runs = [item.callspec.params["lesson"] for item in request.session.items if item.originalname == "test_lesson_runs"]
    until = time.monotonic() + SITE_SECONDS
    while "PYTEST_XDIST_WORKER" in os.environ and not all(map(is_cached, runs)) and time.monotonic() < until:
        time.sleep(1)


def pytest_terminal_summary(terminalreporter):
    properties = [own for report in terminalreporter.getreports("passed") for own in report.user_properties]
    seconds = [value for name, value in properties if name == LESSON_SECONDS]
    if seconds:
        terminalreporter.section("lessons, run top to bottom")
        for lesson, taken in sorted(seconds):
            terminalreporter.write_line(f"{taken:6.1f} s  {lesson}")


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
