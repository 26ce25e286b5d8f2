"""`python -m supsup_lite.explorers.stored` learns all stored masks and reads all stored streams again."""

from supsup_lite.explorers.stored import masks, streams

if __name__ == "__main__":
    masks.main()
    streams.main()
