"""Every ruler: scenarios, accuracy, forgetting, assignment, intervals."""

from supsup_lite.evaluation.accuracy import accuracy
from supsup_lite.evaluation.assignment import Assignment, assignment
from supsup_lite.evaluation.forgetting import accuracy_matrix, average_accuracy, backward_transfer, forgetting
from supsup_lite.evaluation.intervals import interval_95, mean_interval_95
from supsup_lite.evaluation.measure import Measured, measure
from supsup_lite.evaluation.scenarios import INFER_FROM, SCENARIOS, Evaluation, evaluate, score
from supsup_lite.evaluation.steps import answers, given_masks, infer_masks

__all__ = [
    "INFER_FROM",
    "SCENARIOS",
    "Assignment",
    "Evaluation",
    "Measured",
    "accuracy",
    "accuracy_matrix",
    "answers",
    "assignment",
    "average_accuracy",
    "backward_transfer",
    "evaluate",
    "forgetting",
    "given_masks",
    "infer_masks",
    "interval_95",
    "mean_interval_95",
    "measure",
    "score",
]
