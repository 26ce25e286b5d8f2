"""`python -m supsup_lite.paper NAME`."""

from supsup_lite.paper.command import main

if __name__ == "__main__":
    main()
