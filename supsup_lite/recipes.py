"""How scores are trained: steps, batches, optimiser, rate. All the recipes of the course stand here."""

from dataclasses import dataclass

from supsup_lite.checks import check_choice, check_positive, check_whole

__all__ = ["COEFFICIENTS", "DEFAULT", "OPTIMIZERS", "PAPER", "STEADY", "UNITS", "Recipe", "check_recipe"]

OPTIMIZERS = ("rmsprop", "adam")


@dataclass(frozen=True)
class Recipe:
    """How scores are trained. A recipe that cannot be followed is refused when it is made.

    Attributes:
        steps: batches for each task.
        batch: images in a batch.
        optimizer: "rmsprop" or "adam".
        lr: learning rate; with one_cycle the highest one. At most 1000: beyond, one step leaves no float32 score.
        one_cycle: warm up over the first 30 % of the steps and cool down to nothing, instead of a constant rate.

    Raises:
        TypeError, ValueError: one of them makes no sense.
    """

    steps: int
    batch: int
    optimizer: str
    lr: float
    one_cycle: bool = False

    def __post_init__(self):
        check_choice("recipe.optimizer", self.optimizer, OPTIMIZERS)
        object.__setattr__(self, "steps", check_whole("recipe.steps", self.steps))
        object.__setattr__(self, "batch", check_whole("recipe.batch", self.batch))
        object.__setattr__(self, "lr", check_positive("recipe.lr", self.lr))
        if self.lr > 1000:
            raise ValueError(f"recipe.lr must be at most 1000, got {self.lr:g}.")
        if not isinstance(self.one_cycle, bool):
            raise TypeError(f"recipe.one_cycle must be True or False, got {self.one_cycle!r}.")


PAPER = Recipe(steps=1000, batch=128, optimizer="rmsprop", lr=1e-4)
DEFAULT = Recipe(steps=300, batch=128, optimizer="adam", lr=1e-3, one_cycle=True)
UNITS = Recipe(steps=100, batch=128, optimizer="adam", lr=1e-2, one_cycle=True)  # for masks over units
COEFFICIENTS = Recipe(steps=150, batch=128, optimizer="adam", lr=0.1, one_cycle=True)  # for alphas of old masks
# The rate is constant: who does not know when a task ends cannot cool down before. Steps and batch are the stream's.
STEADY = Recipe(steps=300, batch=128, optimizer="adam", lr=1e-3)


def check_recipe(recipe: Recipe) -> None:
    """Raise TypeError unless it is a recipe."""
    if not isinstance(recipe, Recipe):
        raise TypeError(f"recipe must be a Recipe such as PAPER or DEFAULT, got {recipe!r}.")
