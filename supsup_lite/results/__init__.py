"""Numbers on disk, ours and the paper's, in one schema."""

from supsup_lite.results.published import PUBLISHED, Published, published
from supsup_lite.results.runs import checkpoint, load, result_of, save, target_of, versions

__all__ = [
    "PUBLISHED",
    "Published",
    "checkpoint",
    "load",
    "published",
    "result_of",
    "save",
    "target_of",
    "versions",
]
