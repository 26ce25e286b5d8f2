"""`python -m supsup_lite.explorers.stored` learns all stored masks and reads all stored streams again."""

import sys

from supsup_lite.explorers.stored import masks, place, streams


def main() -> None:
    """Write every stored file where the explorers look for it, after a check that this can be done."""
    try:
        place.check_writable(place.FOLDER)
    except OSError as error:
        sys.exit(f"{error}")
    masks.write_masks(place.FOLDER)
    streams.write_streams(place.FOLDER)


if __name__ == "__main__":
    main()
