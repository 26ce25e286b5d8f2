"""Waiting for something, however busy the machine is: the limit only ends a test that would wait for ever."""

import os
import time

PATIENCE = 300  # seconds


def wait_until(condition, state=lambda: "it never came true", pause=0.02):
    """Wait until condition() is true, and return what it returned; state() says what there is instead."""
    limit = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < limit, state()
        time.sleep(pause)
    return value


def built_once(tmp_path_factory, name, build):
    """Return a folder that build(folder) fills: on the worker that comes first, while the others wait for it."""
    place = tmp_path_factory.getbasetemp()
    place = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place
    folder, whole, ended = (place / f"{name}{part}" for part in ("", ".whole", ".ended"))
    try:
        folder.mkdir()
    except FileExistsError:
        wait_until(ended.exists, pause=0.5)
        assert whole.exists(), f"{name} could not be built: see the worker that tried"
        return folder
    try:
        build(folder)
        whole.touch()
    finally:
        ended.touch()
    return folder
