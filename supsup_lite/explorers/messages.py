"""What a front end may send, checked in one place: all that JSON can hold is understood, or refused in a sentence."""

import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

KINDS = ("want", "learn", "cancel", "mask")


def entry_of(message: Any) -> tuple[str, Any]:
    """Return kind and content of a message: ("want", name of a file), ("learn" or "mask", fields) or ("cancel", True).

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(message, dict) and len(message) == 1:
        ((kind, content),) = message.items()
        right = isinstance(content, str) if kind == "want" else kind in ("learn", "mask") or content is True
        if kind in KINDS and right:
            return kind, content
    raise ValueError(
        'A front end may send {"want": name of a file}, {"learn": fields of a setting}, '
        '{"mask": fields of a setting} or {"cancel": true}, '
        f"got {reprlib.repr(message)}."
    )


def check_request(kind: type, content: Any, limits: Mapping[str, Sequence], what: str = "A request to learn") -> Any:
    """Return a request to learn: an object of this dataclass, made of the fields that a front end sent.

    Args:
        kind: the dataclass.
        content: what the front end sent.
        limits: for each of its fields what the value may be, as in `check_offered`.
        what: it is called in a refusal.

    Raises:
        ValueError: there are other fields, or a value is not offered.
    """
    names = [field.name for field in fields(kind)]
    if not isinstance(content, dict) or content.keys() != set(names):
        raise ValueError(f"{what} must have the fields {', '.join(names)}, got {reprlib.repr(content)}.")
    return kind(**{name: check_offered(name, content[name], limits[name]) for name in names})


def check_offered(name: str, value: Any, offered: Sequence) -> Any:
    """Return the one of the values offered that is equal to this: a whole number of a range, or one of a list.

    Raises:
        ValueError: it is not offered.
    """
    if isinstance(offered, range):
        if type(value) is not int or value not in offered:
            raise ValueError(f"{name} must be in {offered[0]}..{offered[-1]}, got {reprlib.repr(value)}.")
        return value
    if isinstance(value, bool) or value not in offered:
        raise ValueError(f"{name} must be one of {list(offered)}, got {reprlib.repr(value)}.")
    return offered[offered.index(value)]  # JSON writes 1.0 as 1


def sentence(error: Exception) -> str:
    """Return an error as a sentence for the page, with one full stop."""
    words = f"{error}".rstrip()
    if not re.match(r"[A-Z].*\.$", words, re.S):
        words = f"{type(error).__name__}: {words}" if words else type(error).__name__
    return words if re.search(r"[.!?…]\)?$", words) else f"{words}."
