"""Writing a file so that it is never half there: beside its target first, then renamed."""

import contextlib
import os
import re
import secrets
import time
from pathlib import Path

from supsup_lite.files.paths import target_of

STALE = 3600  # seconds: no file takes as long to write, so an older one beside its target was left by a kill


def write(path: str | os.PathLike, content: bytes) -> None:
    """Write a file: beside its target first, then renamed. What a killed process left beside it is removed.

    `~` is the home folder, and where the path is a link, what it leads to is written.

    Raises:
        OSError: the folder is missing or full.
        TypeError, ValueError: the path is none, or leads to a pipe or device.
    """
    target = target_of(path)
    fresh = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")  # not mkstemp: others may read it too
    try:
        with fresh.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):  # the file is written: what cannot be cleaned up is left for the next time
        _remove_stale(target)


def remove_unfinished(folder: Path) -> None:
    """Remove whatever killed processes left unfinished in a folder, an hour ago or earlier: all in it must be ours."""
    with contextlib.suppress(OSError):  # no such folder, or it is left for the next time
        _remove_old(folder, ".+", time.time())


def _remove_stale(target: Path) -> None:
    """Remove unfinished files of this target that are an hour older than it, by the clock of their own disk."""
    _remove_old(target.parent, re.escape(target.name), target.stat().st_mtime)


def _remove_old(folder: Path, names: str, now: float) -> None:
    unfinished = re.compile(names + r"\.[0-9a-f]{8}\.part")
    with os.scandir(folder) as entries:
        stale = [entry for entry in entries if unfinished.fullmatch(entry.name) and now - entry.stat().st_mtime > STALE]
    for entry in stale:
        os.unlink(entry)
