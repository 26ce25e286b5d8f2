"""What the tests share: lessons executed offline, once, for the tests and the site; and a browser."""

import functools
import os
import re
import time

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is there: as many threads as there are cores, over all workers
    share = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))

import pytest
import torch
from execution import execute_lesson, is_cached
from lessons import LESSONS

from tests import small_site
from tests.pages import chromium, find_chromium
from tests.waiting import PATIENCE

LESSON_SECONDS = "lesson seconds"


def pytest_generate_tests(metafunc):
    if "lesson" in metafunc.fixturenames:
        metafunc.parametrize("lesson", LESSONS, ids=[lesson.stem for lesson in LESSONS])


def pytest_collection_modifyitems(items):
    """Lessons first, since they take longest; the site last, since it shows them."""
    order = {"test_lessons.py": 0, "test_site.py": 2}
    items.sort(key=lambda item: order.get(item.path.name, 1))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep on one worker what shares work: a lesson's tests, a page's, a file's, and those of small explorers."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.split("::")[0]
            lesson = re.search(r"test_(?:lessons|site)\.py.*[-\[](\d\d[a-z]?_\w+)", nodeid)
            if lesson:
                return f"{file} {lesson[1]}"
            return re.sub("explorers_(rivals|scale|stream)(?=[.])", "explorers_together", file)

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def executed_lesson():
    """Call it with a lesson's path: what ran its cells, the quick ones twice, with the notebook that the site shows."""
    return functools.cache(lambda lesson: execute_lesson(lesson, twice=True))


@pytest.fixture(scope="session")
def lessons_ready(request):
    """Wait until the lessons are executed that other workers execute in this run."""
    runs = [item.callspec.params["lesson"] for item in request.session.items if item.originalname == "test_lesson_runs"]
    until = time.monotonic() + PATIENCE
    while "PYTEST_XDIST_WORKER" in os.environ and not all(map(is_cached, runs)) and time.monotonic() < until:
        time.sleep(1)


def pytest_terminal_summary(terminalreporter):
    properties = [pair for report in terminalreporter.getreports("passed") for pair in report.user_properties]
    seconds = [value for name, value in properties if name == LESSON_SECONDS]
    if seconds:
        terminalreporter.section("lessons, run top to bottom")
        for lesson, taken in sorted(seconds):
            terminalreporter.write_line(f"{taken:6.1f} s  {lesson}")


@pytest.fixture(scope="module")
def one_thread():
    """One thread for torch: products this small are not worth a second, which makes them slow on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
    """The folder of a small site: `index` has the stream explorer, `scale` and `rivals` those that only count."""
    toc = "```{toctree}\n:hidden:\nscale\nrivals\n```"
    cells = {
        "index": [f"# Streams\n\n{toc}", "from supsup_lite.explorers import Stream\nStream()"],
        "scale": ["# Scale", "from supsup_lite.explorers import Scale\nScale()"],
        "rivals": ["# Rivals", "from supsup_lite.explorers import Rivals\nRivals()"],
    }
    return small_site.build(tmp_path_factory.mktemp("stream_and_scale"), cells)
