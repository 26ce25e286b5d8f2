"""Where the data lies, and where unpacked copies and runs go."""

import os
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).resolve().parents[1]


def data_folder() -> Path:
    """Return the folder that holds the gzipped data: SUPSUP_DATA, else `data/` beside the package's own folder."""
    return Path(os.environ.get("SUPSUP_DATA") or PACKAGE.parent / "data")


def cache_folder() -> Path:
    """Return the folder for unpacked copies: SUPSUP_CACHE, else the platform's user cache."""
    return Path(os.environ.get("SUPSUP_CACHE") or platformdirs.user_cache_dir("supsup-lite"))
