"""A deadline for code that may never end: on every system, and in a notebook's main thread too."""

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = [
    "TimeUp",
    "deadline",
]


class TimeUp(BaseException):
    """The time is over. Not an Exception, so that an `except Exception` in the code at hand does not stop it."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise TimeUp in the thread at hand when the block takes longer.

    Python raises it between two of its own instructions. So a single long call of C code (one huge product, a sleep)
    is only stopped when it comes back, and a bare `except:` can swallow it. An import is never torn apart: the module
    would stay half done for the rest of the session. It may go on for as many seconds again.

    Args:
        seconds: of wall-clock time.
    """
    thread, ending, ended = threading.get_ident(), threading.Lock(), threading.Event()

    def watch():
        while not ended.wait(seconds):
            with ending:
                if not ended.is_set() and not _imports(thread):
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TimeUp))
                    return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        # A TimeUp that is set but not yet raised is raised in here at the latest: `set` is Python code. Taking it back
        # with NULL would leave CPython's signal for it on for ever, and a profiler hangs then.
        with ending:
            ended.set()


def _imports(thread: int) -> bool:
    """Whether a thread is in the middle of an import."""
    frame = sys._current_frames().get(thread)
    while frame:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
