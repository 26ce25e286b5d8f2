"""`python -m supsup_lite` says where the course is: the package alone has no lessons."""

from pathlib import Path

from supsup_lite.version import __version__

REPOSITORY = Path(__file__).resolve().parents[1]


def where(repository: Path) -> str:
    """Return in words how to open the lessons, which lie beside the package in a copy of the repository."""
    if (repository / "notebooks" / "00_welcome.ipynb").exists():
        return f"The course is in {repository}: `make lab` there opens the first lesson."
    return (
        "This is the package alone. Lessons, digits and stored results are in the course's repository, where this "
        "package comes from: get a copy (`git clone`), and run `make lab` in it. With SUPSUP_DATA set to the `data` "
        "folder of a copy, this package reads its digits."
    )


if __name__ == "__main__":
    print(f"supsup-lite {__version__}\n{where(REPOSITORY)}")
