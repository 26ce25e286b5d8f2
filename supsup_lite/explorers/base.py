"""What all explorers share: one front end that lives in a notebook and, without Python, in the static pages."""

import re
import threading
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

from supsup_lite.ambient import isolated
from supsup_lite.explorers.messages import check_offered, check_request, entry_of, sentence
from supsup_lite.explorers.stored import masks as stored
from supsup_lite.plots.style import BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY

FRONT = Path(__file__).parent / "js"
USE = re.compile(r"^  const \{[^}]*\} = supsup\.(\w+);$", re.MULTILINE)  # how a front end file says what it uses
COLOURS = {"blue": BLUE, "orange": ORANGE, "green": GREEN, "pink": PINK, "sky": SKY, "red": RED, "grey": GREY}


def module(*names: str) -> str:
    """Return the text of an ES module: these files of the front end, each after all that it uses.

    An explorer's module is that of its view: `module("hopfield")`. There is no bundler and no import: the files share
    one object, `supsup`. The line `const { sum } = supsup.numbers;` in a file makes it come after numbers.js.
    """
    files = {path.stem: path for path in FRONT.glob("*/*.js")}
    texts: dict[str, str] = {}

    def add(name: str, users: tuple[str, ...]) -> None:
        if name in users:
            raise ValueError(f"{', '.join((*users, name))} use each other: give what they share a file of its own.")
        if name not in files:
            raise ValueError(f"The front end has no file {name}.js{f', which {users[-1]}.js uses' if users else ''}.")
        if name in texts:
            return
        text = files[name].read_text(encoding="utf-8")
        for used in USE.findall(text):
            add(used, (*users, name))
        texts[name] = text

    for name in names:
        add(name, ())
    return "\n".join([(FRONT / "namespace.js").read_text(encoding="utf-8"), *texts.values()])


def look() -> str:
    """Return the explorers' style sheet, with the colours of the figures."""
    colours = "; ".join(f"--{name}: {colour}" for name, colour in COLOURS.items())
    return f".supsup-explorer {{ {colours} }}\n" + (FRONT / "look.css").read_text(encoding="utf-8")


class Explorer(anywidget.AnyWidget):
    """A widget whose controls are answered by its own front end, in a notebook and on a page without a kernel.

    Every trait with a control is synced: Python sees each move and can make one. Large files are not part of the
    state. The front end asks for them by name, and Python answers here; on a page, the page answers.

    An explorer that learns has a `Request`, a dataclass of what may be asked for, and two methods: `learn` computes,
    in a thread of its own, and `publish` shows what came out, unless the run was cancelled meanwhile. What traits and
    requests may be is said once, by `limits`.

    Attributes:
        has_kernel: whether Python is there. False on a page.
        assets: names of the files that a page without a kernel has to hold.
        heights: px that a page reserves for it on a phone, on a tablet and on a desk, so that nothing jumps when it
            wakes: its heights where it may be 358, 608 and 728 px wide. Without them its still is as high as it is.
        short_heights: the same for one that is made with `short=True`.
        still: HTML of the picture that is shown where the explorer cannot start.
        progress: share of the masks that Python has learned of those it was asked for; below 0 when it is idle.
        trouble: a sentence about what went wrong in Python or was refused, or nothing.
    """

    _css = look()
    files: ClassVar[tuple[str, ...]] = ()
    heights: ClassVar[tuple[int, ...]] = ()
    short_heights: ClassVar[tuple[int, ...]] = ()
    Request: ClassVar[type | None] = None
    _cancelled: threading.Event | None = None  # of the run under way. None for a widget whose making was refused, too

    has_kernel = traitlets.Bool(True).tag(sync=True)
    assets = traitlets.List(traitlets.Unicode()).tag(sync=True)
    still = traitlets.Unicode().tag(sync=True)
    room = traitlets.List(traitlets.Int()).tag(sync=True)
    progress = traitlets.Float(-1).tag(sync=True)
    trouble = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits):
        self._lock = threading.RLock()  # held while a run starts, writes to a trait, is cancelled, or ends
        room = self.short_heights if traits.get("short") else self.heights
        super().__init__(assets=list(self.files), room=list(room), **traits)
        self.still = isolated(self.draw_still)()
        self.on_msg(lambda _, message, buffers: self.reply(message, buffers))

    def draw_still(self) -> str:
        """Return a picture of what the explorer shows at first, as `svg_of` makes it."""
        raise NotImplementedError

    def limits(self) -> dict[str, Sequence]:
        """Return for traits, and for the fields of a request, what each may be: a range, or the values themselves."""
        return {}

    def asset(self, name: str) -> bytes:
        """Return one of the files that the front end asks for, compressed (zlib)."""
        return stored.asset(name)

    def request(self, content: Any) -> Any:
        """Return what the front end asks to be learned as a `Request`; raise ValueError where it is not offered."""
        if self.Request is None:
            raise ValueError(f"{type(self).__name__} learns nothing.")
        return check_request(self.Request, content, self.limits())

    def learn(self, request: Any, tell: Callable[[float], None]) -> Any:
        """Return what is asked for, and change nothing.

        It runs in a thread. tell(share), called often, moves the progress bar, and ends the run once it is cancelled.
        """
        raise NotImplementedError

    def publish(self, request: Any, result: Any) -> None:
        """Show what `learn` returned."""
        raise NotImplementedError

    def receive(self, content: Any, buffers: Sequence[bytes | memoryview]) -> None:
        """Take a mask that the front end learned: how, and its bits. Raise ValueError where that makes no sense."""
        raise ValueError(f"{type(self).__name__} learns no masks on the page.")

    def reply(self, message: Any, buffers: Sequence[bytes | memoryview] = ()) -> None:
        """Answer the front end: {"want": name} asks for a file, {"learn": {...}} for masks, {"cancel": true} for none.

        {"mask": {...}} brings one, with its bits beside it. A message that makes no sense, or asks for what is not
        offered, starts nothing, and `trouble` says why.
        """
        try:
            kind, content = entry_of(message)
            if kind == "want":
                self._send_file(content)
            elif kind == "learn":
                self._start(self.request(content))
            elif kind == "mask":
                self.receive(content, buffers)
            else:
                self.cancel()
        except ValueError as error:
            self.trouble = f"{error}"

    def cancel(self) -> None:
        """End the run that is under way, if there is one: it shows nothing, and its thread ends at its next step."""
        cancelled = self._cancelled
        if cancelled is not None:
            with self._lock:
                cancelled.set()

    def close(self) -> None:
        """Close the widget, and end the run that is under way."""
        if self._cancelled is None:
            return super().close()
        with self._lock:
            self.cancel()
            super().close()

    def _send_file(self, name: str) -> None:
        try:
            content = self.asset(name)
        except (OSError, ValueError) as error:
            self.send({"name": name, "trouble": sentence(error)})
        else:
            self.send({"name": name}, [content])

    def _start(self, request: Any) -> None:
        with self._lock:
            if self._cancelled is not None:
                raise ValueError("Python is learning already: wait until it is done, or cancel it, and ask again.")
            self._cancelled, self.progress, self.trouble = threading.Event(), 0.0, ""
        name = f"{type(self).__name__} learns"
        threading.Thread(target=self._learn, args=(request, self._cancelled), name=name, daemon=True).start()

    def _learn(self, request: Any, cancelled: threading.Event) -> None:
        def tell(share: float = 0.0) -> None:
            with self._lock:
                if cancelled.is_set():
                    raise Cancelled
                if share - self.progress >= 0.01:  # a hundredth at a time
                    self.progress = share

        trouble = ""
        try:
            result = self.learn(request, tell)
            with self._lock:  # who cancels now is too late, and sees the result
                tell()
                self.publish(request, result)
        except Cancelled:
            pass
        except Exception as error:  # nobody reads a thread's traceback: the page says what happened
            trouble = sentence(error)
        finally:
            with self._lock:
                self.trouble, self.progress, self._cancelled = trouble, -1.0, None


class Cancelled(BaseException):
    """Ends a run from within. No Exception, so that nothing that a run calls takes it for its own."""


def limited(*names: str) -> traitlets.ValidateHandler:
    """Return a validator of these traits, by `Explorer.limits`."""

    def check(self: Explorer, proposal: dict[str, Any]) -> Any:
        name = proposal["trait"].name
        return check_offered(name, proposal["value"], self.limits()[name])

    return traitlets.validate(*names)(check)


def packed(content: bytes) -> bytes:
    """Return bytes as the front end expects every file: compressed (zlib)."""
    return zlib.compress(content)
