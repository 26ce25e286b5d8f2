"""Rivals of masks, at equal bytes or equal steps."""

from supsup_lite.baselines.dense import fine_tune, losses, mixed, train_dense, train_joint, train_weights
from supsup_lite.baselines.ewc import ewc_penalty, fisher, fisher_batch, train_ewc
from supsup_lite.baselines.replay import kept_images, replayed, train_replay

__all__ = [
    "ewc_penalty",
    "fine_tune",
    "fisher",
    "fisher_batch",
    "kept_images",
    "losses",
    "mixed",
    "replayed",
    "train_dense",
    "train_ewc",
    "train_joint",
    "train_replay",
    "train_weights",
]
