"""Explorers: widgets that answer at once, in JupyterLab and on the static pages, where there is no Python at all."""

from supsup_lite.explorers.forgetting import Forgetting
from supsup_lite.explorers.hopfield import Hopfield
from supsup_lite.explorers.learning import Learning
from supsup_lite.explorers.masks import Masks
from supsup_lite.explorers.quiz import Prediction, Quiz
from supsup_lite.explorers.random_masks import RandomMasks
from supsup_lite.explorers.rivals import Rivals
from supsup_lite.explorers.scale import Scale
from supsup_lite.explorers.stream import Stream
from supsup_lite.explorers.task_inference import TaskInference

__all__ = [
    "Forgetting",
    "Hopfield",
    "Learning",
    "Masks",
    "Prediction",
    "Quiz",
    "RandomMasks",
    "Rivals",
    "Scale",
    "Stream",
    "TaskInference",
]
