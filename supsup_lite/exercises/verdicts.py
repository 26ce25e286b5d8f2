"""A verdict: what a check says of a function, as text and as a box in the notebook."""

import html
import re
from dataclasses import dataclass

__all__ = [
    "Verdict",
]

RIGHT, WRONG, NOT_DONE = "right", "not right yet", "not done yet"
SYMBOLS = {RIGHT: "✓", WRONG: "✗", NOT_DONE: "…"}
COLOURS = {RIGHT: "#00925e", WRONG: "#b64a00", NOT_DONE: "#7f7f7f"}  # the figures' green, red and grey
REFERENCE, REFERENCE_SYMBOL, REFERENCE_COLOUR = "reference solution", "▸", "#0072b2"


@dataclass(frozen=True)
class Verdict:
    """What a check says: its state, why, and whether it speaks of the reference instead of a learner's function."""

    state: str
    message: str
    of_reference: bool = False

    @property
    def passed(self) -> bool:
        """Whether the function is right."""
        return self.state == RIGHT

    @property
    def _head(self) -> tuple[str, str, str]:
        """Symbol, words and colour: a reference that is right must not look like a learner's success."""
        if self.of_reference and self.passed:
            return REFERENCE_SYMBOL, REFERENCE, REFERENCE_COLOUR
        words = f"{REFERENCE} {self.state}" if self.of_reference else self.state
        return SYMBOLS[self.state], words, COLOURS[self.state]

    def __repr__(self) -> str:
        symbol, words, _ = self._head
        return f"{symbol} {words}: {self.message}"

    def _repr_html_(self) -> str:
        symbol, words, colour = self._head
        message = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html.escape(self.message))
        return (
            f'<div role="status" style="border-left: 4px solid {colour}; padding: .4em .8em">'
            f"<strong>{symbol} {words.capitalize()}:</strong> "
            f'<span style="white-space: pre-wrap">{message}</span></div>'
        )
