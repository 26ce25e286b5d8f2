"""How far a class has come: each learner's exercises, tried by the lessons' own checks, each notebook by itself.

    python -m supsup_lite.progress notebooks/    one learner's notebooks, or a folder with a folder for each learner

A learner's file is not trusted: it is read and run in a process of its own (`trying`), within limits (`limits`).
"""

from supsup_lite.progress.learners import learners_in
from supsup_lite.progress.outcomes import MISSING, STOPPED, Outcome
from supsup_lite.progress.reports import as_csv, as_json, as_table
from supsup_lite.progress.running import progress_of

__all__ = [
    "MISSING",
    "STOPPED",
    "Outcome",
    "as_csv",
    "as_json",
    "as_table",
    "learners_in",
    "progress_of",
]
