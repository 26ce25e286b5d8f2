"""Scores and alphas by gradient descent."""

from supsup_lite.learning.coefficients import learn_coefficients
from supsup_lite.learning.learn import learn_all_masks, learn_masks, learn_scores, task_losses
from supsup_lite.learning.memory import bytes_a_task, tasks_at_once
from supsup_lite.learning.optimizers import as_gradients_come, make_optimizer
from supsup_lite.learning.statistics import task_statistics

__all__ = [
    "as_gradients_come",
    "bytes_a_task",
    "learn_all_masks",
    "learn_coefficients",
    "learn_masks",
    "learn_scores",
    "make_optimizer",
    "task_losses",
    "task_statistics",
    "tasks_at_once",
]
