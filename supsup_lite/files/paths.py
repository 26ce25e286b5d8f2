"""Paths as they are meant: `~` is the home folder, a link is what it leads to, and only a regular file is a file."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def as_path(path: str | os.PathLike) -> Path:
    """Return a path with `~` expanded.

    Raises:
        TypeError: it is no path.
        ValueError: it holds a zero byte, or `~` a user who is not there.
    """
    if not isinstance(path, (str, os.PathLike)) or isinstance(os.fspath(path), bytes):
        raise TypeError(f"path must be a text or a pathlib.Path, got {path!r} of type {type(path).__name__}.")
    if "\0" in os.fspath(path):
        raise ValueError(f"path must not hold a zero byte, got {os.fspath(path)!r}.")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"the home folder in {str(path)!r} is not known ({error}): write the path out.") from error


def open_file(path: str | os.PathLike) -> BinaryIO:
    """Open a regular file for reading. A pipe or device is refused at once, since it may never end.

    Raises:
        FileNotFoundError: there is no such file.
        TypeError, ValueError: the path is none, or leads to something else than a regular file.
    """
    path = as_path(path)
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise ValueError(f"{path} is a folder: give the file that `save` wrote.")
    if not stat.S_ISREG(mode):
        raise ValueError(f"{path} is a pipe, socket or device, no regular file: give the file that `save` wrote.")
    return path.open("rb")


def target_of(path: str | os.PathLike) -> Path:
    """Return where a file is to be written: where a link leads, so that the link stays one.

    Raises:
        OSError: it is a folder, or a link that leads to itself.
        TypeError, ValueError: the path is none, or leads to a pipe or device.
    """
    target = Path(os.path.realpath(as_path(path)))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if target.exists() and not target.is_file():
        raise ValueError(f"{path} is a pipe, socket or device, no regular file: give the name of a file.")
    return target
