"""`python -m supsup_lite.explorers.stored` learns all stored masks and reads all stored streams again."""

import sys

from supsup_lite.explorers.stored import masks, place, streams


def main() -> None:
    """Write every stored file where the explorers look for it, after a check that this can be done."""
    try:
        place.check_writable(place.FOLDER)
        masks.write_masks(place.FOLDER)
        streams.write_streams(place.FOLDER)
    except (OSError, ValueError, MemoryError) as error:
        sys.exit(f"{error or 'there is not the memory for it.'}")
    except KeyboardInterrupt:
        sys.exit("interrupted: each file is written when it is whole, the others are as they were.")


if __name__ == "__main__":
    main()
