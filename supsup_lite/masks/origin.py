"""Where the masks of a store come from: the network that they belong to, and how they were learned."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from supsup_lite.checks import check_seed, check_whole
from supsup_lite.data.tasks import TaskIdentity
from supsup_lite.masks.budgets import Keep, check_budget
from supsup_lite.networks.network import Network
from supsup_lite.recipes import Recipe, check_recipe


@dataclass(frozen=True)
class Learned:
    """How the masks of a store were learned; where `recipe` is None, by nothing that is known.

    Attributes:
        num_classes: l, how many outputs are real: the objective G needs it. None where it is not known.
        keep: the density of edge-popup, "er:" and that of the whole network, or None for the threshold at 0.
        recipe: how the scores were trained.
        seed: of the scores' start and the order of the batches.
        transfer: the scores of a task started from the mean of those before.

    Raises:
        TypeError, ValueError: one of them makes no sense.
    """

    num_classes: int | None = None
    keep: Keep = None
    recipe: Recipe | None = None
    seed: int | None = None
    transfer: bool = False

    def __post_init__(self):
        if self.num_classes is not None:
            object.__setattr__(self, "num_classes", check_whole("num_classes", self.num_classes))
        object.__setattr__(self, "keep", check_budget(self.keep))
        if self.recipe is not None:
            check_recipe(self.recipe)
        if self.seed is not None:
            object.__setattr__(self, "seed", check_seed(self.seed))
        if not isinstance(self.transfer, bool):
            raise TypeError(f"transfer must be True or False, got {self.transfer!r}.")

    @classmethod
    def of(cls, notes: dict[str, Any]) -> "Learned":
        """Return what notes say, such as `asdict` returns; other notes among them are passed over.

        Raises:
            TypeError, ValueError: they say what makes no sense.
        """
        known = {field.name: notes[field.name] for field in fields(cls) if field.name in notes}
        if known.get("recipe") is not None:
            known["recipe"] = Recipe(**known["recipe"])
        return cls(**known)

    def differences(self, other: "Learned") -> list[dict[str, Any]]:
        """Return what differs, as each of the two has it: two dicts, empty where nothing does or none is known."""
        if self.recipe is None or other.recipe is None:
            return [{}, {}]
        mine, theirs = asdict(self), asdict(other)
        differing = [name for name in mine if mine[name] != theirs[name]]
        return [{name: said[name] for name in differing} for said in (mine, theirs)]


def checked_identities(identities: Any, k: int) -> Sequence[TaskIdentity | None]:
    """Return the identities of k tasks, all unknown for None; raise unless that is what is given."""
    if identities is None:
        return [None] * k
    if not isinstance(identities, Sequence):
        raise TypeError(f"identities must be a list with one for each mask, got {type(identities).__name__}.")
    if len(identities) != k:
        raise ValueError(f"every mask needs one identity, or None, got {len(identities)} for {k} masks.")
    for identity in identities:
        if identity is not None and not isinstance(identity, TaskIdentity):
            raise TypeError(f"an identity is that of a task, task.identity, got {identity!r}.")
    return identities


def network_facts(net: Network) -> dict[str, Any]:
    """Return what identifies a network, besides its fingerprint, as JSON can hold it."""
    shapes = {name: list(weight.shape) for name, weight in net.weights().items()}
    return {"name": net.name, "outputs": net.outputs, "seed": net.seed, "layers": shapes}


def difference(facts: dict[str, Any], net: Network) -> str:
    """Return how the network that masks belong to differs from the one given, whose fingerprint is another.

    Args:
        facts: `network_facts` of the former, or as many of them as are known.
    """
    given = network_facts(net)
    differing = [f"{name} {value}, given {given[name]}" for name, value in facts.items() if value != given[name]]
    if differing:
        return "; ".join(differing)
    return (
        f"alike in {', '.join(facts)}, but not in their weights: those of one of the two are not what its seed draws. "
        "If weights were changed, build that network anew"
    )
