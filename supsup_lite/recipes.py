"""How scores are trained: steps, batches, optimiser, rate."""

import math
from dataclasses import dataclass

from supsup_lite.checks import check_whole


@dataclass(frozen=True)
class Recipe:
    """How scores are trained.

    Attributes:
        steps: batches for each task.
        batch: images in a batch.
        optimizer: "rmsprop" or "adam".
        lr: learning rate; with one_cycle the highest one.
        one_cycle: warm up over the first 30 % of the steps and cool down to nothing, instead of a constant rate.
    """

    steps: int
    batch: int
    optimizer: str
    lr: float
    one_cycle: bool = False


PAPER = Recipe(steps=1000, batch=128, optimizer="rmsprop", lr=1e-4)
DEFAULT = Recipe(steps=300, batch=128, optimizer="adam", lr=1e-3, one_cycle=True)
UNITS = Recipe(steps=100, batch=128, optimizer="adam", lr=1e-2, one_cycle=True)  # for masks over units
COEFFICIENTS = Recipe(steps=150, batch=128, optimizer="adam", lr=0.1, one_cycle=True)  # for alphas of old masks
# The rate is constant: who does not know when a task ends cannot cool down before. Steps and batch are the stream's.
STEADY = Recipe(steps=300, batch=128, optimizer="adam", lr=1e-3)


def check_recipe(recipe: Recipe) -> None:
    """Raise unless the recipe can be followed."""
    if not isinstance(recipe, Recipe):
        raise TypeError(f"recipe must be a Recipe such as PAPER or DEFAULT, got {recipe!r}.")
    if recipe.optimizer not in ("rmsprop", "adam"):
        raise ValueError(f"recipe.optimizer must be 'rmsprop' or 'adam', got {recipe.optimizer!r}.")
    check_whole("recipe.steps", recipe.steps)
    check_whole("recipe.batch", recipe.batch)
    if isinstance(recipe.lr, bool) or not isinstance(recipe.lr, (int, float)):
        raise TypeError(f"recipe.lr must be a number, got {recipe.lr!r}.")
    if not 0 < recipe.lr < math.inf:
        raise ValueError(f"recipe.lr must be a positive rate, got {recipe.lr}.")
