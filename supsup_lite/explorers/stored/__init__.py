"""Files that explorers come with, checked when read. `python -m supsup_lite.explorers.stored` makes them again."""

from supsup_lite.explorers.stored.masks import (
    DIGITS_EACH,
    MOST_TASKS,
    SEED,
    STORED,
    TASKS,
    Setting,
    asset,
    bits_of,
    digit_positions,
    digits,
    permutations,
    stored_masks,
    tasks,
)

__all__ = [
    "DIGITS_EACH",
    "MOST_TASKS",
    "SEED",
    "STORED",
    "TASKS",
    "Setting",
    "asset",
    "bits_of",
    "digit_positions",
    "digits",
    "permutations",
    "stored_masks",
    "tasks",
]
