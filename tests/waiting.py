"""Waiting for something, however busy the machine is: the limit only ends a test that would wait for ever."""

import time

PATIENCE = 900  # seconds


def wait_until(condition, state=lambda: "it never came true", pause=0.02):
    """Wait until condition() is true, and return what it returned; state() says what there is instead."""
    limit = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < limit, state()
        time.sleep(pause)
    return value
