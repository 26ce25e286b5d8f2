"""Masks in one matrix, and how one of them is recalled."""

from supsup_lite.hopfield.capacity import capacity_in_theory
from supsup_lite.hopfield.recall import Limits, Recall, Step, measure_limits, recall_mask
from supsup_lite.hopfield.spins import entropy_at, entropy_gradient, hopfield_store, mask_of, spins_of
from supsup_lite.hopfield.store import ORDERS, RULES, HopfieldStore, to_bits, to_spins

__all__ = [
    "ORDERS",
    "RULES",
    "HopfieldStore",
    "Limits",
    "Recall",
    "Step",
    "capacity_in_theory",
    "entropy_at",
    "entropy_gradient",
    "hopfield_store",
    "mask_of",
    "measure_limits",
    "recall_mask",
    "spins_of",
    "to_bits",
    "to_spins",
]
