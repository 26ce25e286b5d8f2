"""What all explorers share: one front end that lives in a notebook and, without Python, in the static pages."""

import re
import threading
import zlib
from pathlib import Path
from typing import ClassVar

import anywidget
import traitlets

from supsup_lite.explorers.stored import masks as stored
from supsup_lite.plots.style import BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY, YELLOW

FRONT = Path(__file__).parent / "js"
USE = re.compile(r"^  const \{[^}]*\} = supsup\.(\w+);$", re.MULTILINE)  # how a front end file says what it uses
COLOURS = {
    "blue": BLUE, "orange": ORANGE, "green": GREEN, "pink": PINK,
    "sky": SKY, "red": RED, "yellow": YELLOW, "grey": GREY,
}  # fmt: skip


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

    Attributes:
        has_kernel: whether Python is there. False on a page.
        assets: names of the files that a page without a kernel has to hold.
        still: HTML of the picture that is shown where the explorer cannot start.
        progress: share of the masks that Python has learned of those it was asked for; below 0 when it is idle.
        trouble: a sentence about what went wrong in Python, or nothing.
    """

    _css = look()
    files: ClassVar[tuple[str, ...]] = ()

    has_kernel = traitlets.Bool(True).tag(sync=True)
    assets = traitlets.List(traitlets.Unicode()).tag(sync=True)
    still = traitlets.Unicode().tag(sync=True)
    progress = traitlets.Float(-1).tag(sync=True)
    trouble = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits):
        super().__init__(assets=list(self.files), **traits)
        self.still = self.draw_still()
        self.on_msg(lambda _, message, __: self.reply(message))

    def draw_still(self) -> str:
        """Return a picture of what the explorer shows at first, as `svg_of` makes it."""
        raise NotImplementedError

    def asset(self, name: str) -> bytes:
        """Return one of the files that the front end asks for, compressed (zlib)."""
        return stored.asset(name)

    def learn(self, wanted: dict) -> None:
        """Learn what the front end asks for. It runs in a thread of its own; `tell` moves the progress bar."""
        raise NotImplementedError(f"{type(self).__name__} learns nothing.")

    def reply(self, message: dict) -> None:
        """Answer the front end: {"want": name} asks for a file, {"learn": {...}} for new masks."""
        if "want" in message:
            name = message["want"]
            try:
                content = self.asset(name)
            except (OSError, ValueError) as error:
                self.send({"name": name, "trouble": sentence(error)})
            else:
                self.send({"name": name}, [content])
        elif "learn" in message and self.progress < 0:
            self.progress, self.trouble = 0.0, ""
            threading.Thread(target=self._learn, args=(message["learn"],), daemon=True).start()

    def _learn(self, wanted: dict) -> None:
        try:
            self.learn(wanted)
        except Exception as error:  # nobody reads a thread's traceback: the page says what happened
            self.trouble = sentence(error)
        finally:
            self.progress = -1.0

    def tell(self, share: float) -> None:
        """Move the progress bar, a hundredth at a time."""
        if share - self.progress >= 0.01:
            self.progress = share


def in_range(proposal: dict, low: int, high: int) -> int:
    """Return the value that traitlets proposes for a trait, if it lies in low..high; raise ValueError otherwise."""
    name, value = proposal["trait"].name, proposal["value"]
    if not low <= value <= high:
        raise ValueError(f"{name} must be in {low}..{high}, got {value}.")
    return value


def sentence(error: Exception) -> str:
    """Return an error as a sentence for the page."""
    return f"{error}" if re.match(r"[A-Z].*\.$", f"{error}", re.S) else f"{type(error).__name__}: {error}."


def packed(content: bytes) -> bytes:
    """Return bytes as the front end expects every file: compressed (zlib)."""
    return zlib.compress(content)
