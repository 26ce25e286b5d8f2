"""From the rows of several seeds to what can be said: means, paired differences, and how sure they are."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from supsup_lite.checks import check_choice
from supsup_lite.evaluation.intervals import mean_interval_95

Row = dict[str, Any]


class Interval(NamedTuple):
    """A mean over seeds and its 95 % interval (Student's t; NaN where one seed says nothing about the next)."""

    mean: float
    low: float
    high: float
    seeds: int

    def __str__(self) -> str:
        return f"{self.mean:.4g} [{self.low:.4g}, {self.high:.4g}], {self.seeds} seeds"


def interval_of(values: Sequence[float]) -> Interval:
    """Return the mean of one value for each seed, with its interval."""
    return Interval(*mean_interval_95(values), len(values))


def over_seeds(rows: Sequence[Row], case: str, figure: str) -> Interval:
    """Return a figure of one case: its mean over the seeds, with an interval.

    Args:
        rows: of `ask`, in its result's figures.
        case: as in the rows' "case".
        figure: the name of a number in these rows.

    Raises:
        ValueError: there is no such case, or no such figure in it.
    """
    return interval_of(list(_by_seed(rows, case, figure).values()))


def difference(rows: Sequence[Row], case: str, other: str, figure: str) -> Interval:
    """Return by how much a figure of one case is above that of another, seed by seed.

    What a seed draws (tasks, weights, the order of images) both cases share, so what they share cancels out.

    Raises:
        ValueError: there is no such case or figure, or they have different seeds.
    """
    one, two = _by_seed(rows, case, figure), _by_seed(rows, other, figure)
    if one.keys() != two.keys():
        raise ValueError(f"{case!r} and {other!r} have different seeds: {sorted(one)} and {sorted(two)}.")
    return interval_of([one[seed] - two[seed] for seed in one])


def _by_seed(rows: Sequence[Row], case: str, figure: str) -> dict[int, float]:
    check_choice("case", case, list(dict.fromkeys(row["case"] for row in rows)))
    of_case = [row for row in rows if row["case"] == case]
    check_choice("figure", figure, [name for name, value in of_case[0].items() if isinstance(value, int | float)])
    return {row["seed"]: row[figure] for row in of_case}
