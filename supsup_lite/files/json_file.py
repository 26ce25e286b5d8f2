"""A file of JSON, read with suspicion."""

import json
import os
from collections.abc import Callable
from typing import Any, TypeVar

from supsup_lite.files.paths import open_file

T = TypeVar("T")
MOST = 2**22  # bytes: the largest of ours has 0.1 MB, and Python needs some twenty times what it reads


def read_json(path: str | os.PathLike, take: Callable[[Any], T], repair: str) -> T:
    """Return what a file says in JSON, as `take` returns it.

    Args:
        take: makes of it what the caller wants. Where it stumbles, the file is damaged, or another one.
        repair: what to do about such a file, one or two sentences for the error.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such file; the message names it.
    """
    with open_file(path) as stream:
        content = stream.read(MOST + 1)
    try:
        if len(content) > MOST:
            raise ValueError(f"it has more than {MOST:,} bytes")
        return take(json.loads(content.decode()))
    except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged, or another file than it should be ({error!r}). {repair}") from error
