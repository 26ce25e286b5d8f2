"""A deadline for code that may never end: on every system, and in a notebook's main thread too."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class TimeUp(BaseException):
    """The time is over. Not an Exception, so that an `except Exception` in the code at hand does not stop it."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise TimeUp in the thread at hand when the block takes longer.

    Python raises it between two of its own instructions. So a single long call of C code (one huge product, a sleep)
    is only stopped when it comes back, and a bare `except:` can swallow it.

    Args:
        seconds: of wall-clock time.
    """
    thread = ctypes.c_ulong(threading.get_ident())
    ending, ended = threading.Lock(), False

    def interrupt():
        with ending:
            if not ended:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(TimeUp))

    watch = threading.Timer(seconds, interrupt)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        with ending:
            ended = True
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, None)  # what is set but not yet raised must not be late
        watch.cancel()
