"""The command line: `python -m supsup_lite.progress FOLDER`."""

import argparse
import os
import sys
from pathlib import Path

from supsup_lite.progress import as_csv, as_json, as_table, learners_in, progress_of

A_DAY = 86_400  # seconds
FORMATS = {"table": as_table, "csv": as_csv, "json": as_json}


def main(arguments: list[str] | None = None) -> int:
    """Print the report, and return 0; 2 where there can be none, 130 after Ctrl-C. Progress goes to stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m supsup_lite.progress",
        description="Which exercises of the course have been solved, and by whom.",
    )
    parser.add_argument("folder", type=Path, help="one learner's notebooks, or a folder with a folder for each learner")
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    parser.add_argument("--seconds", type=float, default=30, help="how long one exercise may take; default: 30")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="notebooks at a time; default: all cores")
    chosen = parser.parse_args(arguments)
    if not 0 < chosen.seconds <= A_DAY or chosen.jobs < 1:  # nor NaN
        parser.error(f"--seconds must be above 0 and at most {A_DAY}, and --jobs at least 1")
    try:
        learners = learners_in(chosen.folder)
        outcomes = progress_of(learners, chosen.seconds, chosen.jobs)
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
        print(FORMATS[chosen.format](outcomes), end="", flush=True)
    except (ValueError, OSError) as error:
        print(f"progress: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("progress: interrupted, so there is no report", file=sys.stderr)
        return 130  # as a shell has it
    return 0


if __name__ == "__main__":
    sys.exit(main())
