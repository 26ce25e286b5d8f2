"""Where the stored files lie: beside the package's own code, wherever a command is called from."""

import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "data"


def check_writable(folder: Path) -> None:
    """Make the folder if it is missing; raise OSError, with what to do, where no file can be written into it."""
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"The stored files cannot be written to {folder} ({error.strerror}). Call this in a copy of the repository "
            "that you may change, installed with `pip install --editable .`."
        ) from error
