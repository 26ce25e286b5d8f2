"""Where the data lies, and where unpacked copies and runs go."""

import os
import tempfile
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).resolve().parents[1]


def data_folder() -> Path:
    """Return the folder that holds the gzipped data: SUPSUP_DATA, else `data/` beside the package's own folder.

    Raises:
        ValueError: SUPSUP_DATA begins with ~, and there is no such home folder.
    """
    return _chosen("SUPSUP_DATA") or PACKAGE.parent / "data"


def cache_folder() -> Path:
    """Return the folder for unpacked copies: SUPSUP_CACHE, else the platform's user cache.

    Where that cannot be written (no home folder, a read-only one), it is a folder of this user's among the temporary
    ones: the course runs all the same, and the system may delete what it keeps.

    Raises:
        ValueError: SUPSUP_CACHE begins with ~, and there is no such home folder.
    """
    chosen = _chosen("SUPSUP_CACHE")
    if chosen is not None:
        return chosen
    usual = Path(platformdirs.user_cache_dir("supsup-lite"))
    return usual if _can_be_written(usual) else _temporary()


def root_folder(root: str | os.PathLike | None) -> Path:
    """Return the folder that somebody gave for a data set, or the cache where nobody gave one.

    Raises:
        TypeError: it is no path.
        ValueError: it begins with ~, and there is no such home folder.
    """
    if root is None:
        return cache_folder()
    if not isinstance(root, (str, os.PathLike)) or not root:
        raise TypeError(f"root must be a folder's path, or None for the cache, got {root!r}.")
    try:
        return Path(root).expanduser()
    except RuntimeError as error:
        raise ValueError(f"root is {root!r}, and there is no such home folder: give a full path.") from error


def _chosen(variable: str) -> Path | None:
    """Return the folder that a variable of the environment names, or None where it is not set."""
    text = os.environ.get(variable)
    try:
        return Path(text).expanduser() if text else None
    except RuntimeError as error:
        raise ValueError(f"{variable} is {text!r}, and there is no such home folder: give a full path.") from error


def _can_be_written(folder: Path) -> bool:
    if not folder.is_absolute():  # without a home folder the platform's cache is "~/..."
        return False
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def _temporary() -> Path:
    """Return a folder that this user alone may open; a foreign one of its name is passed over."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir(), f"supsup-lite-{user}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if not hasattr(os, "getuid") or (folder.stat().st_uid == user and not folder.is_symlink()):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="supsup-lite-"))
