"""Which mask is it? One superposition of all masks, and its output says."""

from supsup_lite.inference.methods import METHODS, alpha_gradient, entropies, halvings, infer_task, superpose
from supsup_lite.inference.objectives import OBJECTIVES, objective_of
from supsup_lite.inference.votes import votes_of

__all__ = [
    "METHODS",
    "OBJECTIVES",
    "alpha_gradient",
    "entropies",
    "halvings",
    "infer_task",
    "objective_of",
    "superpose",
    "votes_of",
]
