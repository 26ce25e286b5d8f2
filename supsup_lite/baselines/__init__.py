"""Rivals of masks, at equal bytes or equal steps."""

from supsup_lite.baselines.batch_ensemble import BatchEnsemble, train_batch_ensemble, unit_vectors
from supsup_lite.baselines.dense import fine_tune, mixed, train_dense, train_joint, train_weights
from supsup_lite.baselines.ewc import ewc_penalty, fisher, fisher_batch, train_ewc
from supsup_lite.baselines.heads import Heads, train_heads, train_shared_trunk
from supsup_lite.baselines.kept import Kept, Masked, joined, masked
from supsup_lite.baselines.psp import ParameterSuperposition, draw_context, in_context, train_psp
from supsup_lite.baselines.rank_one_inference import infer_rank_one, rank_one_gradient
from supsup_lite.baselines.replay import kept_images, replayed, train_replay
from supsup_lite.baselines.separate import Separate, train_separate
from supsup_lite.baselines.small import to_bytes, train_pruned
from supsup_lite.baselines.trunks import first_task_trunk

__all__ = [
    "BatchEnsemble",
    "Heads",
    "Kept",
    "Masked",
    "ParameterSuperposition",
    "Separate",
    "draw_context",
    "ewc_penalty",
    "fine_tune",
    "first_task_trunk",
    "fisher",
    "fisher_batch",
    "in_context",
    "infer_rank_one",
    "joined",
    "kept_images",
    "masked",
    "mixed",
    "rank_one_gradient",
    "replayed",
    "to_bytes",
    "train_batch_ensemble",
    "train_dense",
    "train_ewc",
    "train_heads",
    "train_joint",
    "train_pruned",
    "train_psp",
    "train_replay",
    "train_separate",
    "train_shared_trunk",
    "train_weights",
    "unit_vectors",
]
