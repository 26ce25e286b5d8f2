"""W * M, one mask or many, and what it costs in bytes."""

from supsup_lite.masks.apply import Mask, apply_mask, forward_tasks, under_mask
from supsup_lite.masks.bits import binary_entropy, pack_bits, unpack_bits
from supsup_lite.masks.budgets import Keep, check_budget, erdos_renyi, layer_budgets
from supsup_lite.masks.compression import decode, encode
from supsup_lite.masks.edge_popup import (
    Scores,
    init_scores,
    masked_weight,
    masks_of,
    random_mask,
    straight_through,
    threshold_mask,
    top_k_mask,
)
from supsup_lite.masks.fits import check_fits
from supsup_lite.masks.origin import Learned
from supsup_lite.masks.statistics import TaskMask, statistics_of
from supsup_lite.masks.store import MaskStore
from supsup_lite.masks.superposition import forward_superposed, mean_gradient
from supsup_lite.masks.weights import Weights, chosen_weights, initial_weights

__all__ = [
    "Keep",
    "Learned",
    "Mask",
    "MaskStore",
    "Scores",
    "TaskMask",
    "Weights",
    "apply_mask",
    "binary_entropy",
    "check_budget",
    "check_fits",
    "chosen_weights",
    "decode",
    "encode",
    "erdos_renyi",
    "forward_superposed",
    "forward_tasks",
    "init_scores",
    "initial_weights",
    "layer_budgets",
    "masked_weight",
    "masks_of",
    "mean_gradient",
    "pack_bits",
    "random_mask",
    "statistics_of",
    "straight_through",
    "threshold_mask",
    "top_k_mask",
    "under_mask",
    "unpack_bits",
]
