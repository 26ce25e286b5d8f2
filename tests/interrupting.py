"""Ctrl-C at a line of one's choice, the same line each time."""

import gc
import sys


class Interrupt:
    """Raises KeyboardInterrupt at line `at` of what runs inside, counted in every function, torch's too; None: counts.

    Python throws away what is raised in a finaliser or in a callback of the garbage collector (hypothesis has one), and
    when the collector runs is chance: so it waits until the end.
    """

    def __init__(self, at: int | None):
        self.at, self.seen = at, 0

    def __enter__(self):
        self._before, self._collects = sys.gettrace(), gc.isenabled()
        gc.disable()
        sys.settrace(lambda *_: self._line)
        return self

    def __exit__(self, *_):
        sys.settrace(self._before)
        if self._collects:
            gc.enable()

    def _line(self, frame, event, argument):
        if event == "line" and frame.f_code.co_filename != __file__:
            self.seen += 1
            if self.seen == self.at:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self._line
