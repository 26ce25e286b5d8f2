"""supsup_lite: supermasks in superposition, small enough to read.

One random network whose weights never change learns many tasks, each as a binary mask over its weights
(Wortsman et al., "Supermasks in Superposition", NeurIPS 2020).
"""

from supsup_lite.about import about
from supsup_lite.coefficients import learn_coefficients
from supsup_lite.data import DataError, fashion_mnist, mnist
from supsup_lite.demo import demo
from supsup_lite.devices import device
from supsup_lite.hopfield import HopfieldStore
from supsup_lite.hopsupsup import hopfield_store, recall_mask
from supsup_lite.inference import alpha_gradient, infer_task, superpose
from supsup_lite.learning import learn_masks
from supsup_lite.masks import apply_mask, random_mask, straight_through, threshold_mask, top_k_mask
from supsup_lite.networks import bn_mlp, fc_1024, lenet_300_100, signed_kaiming_constant
from supsup_lite.recipes import DEFAULT, PAPER, Recipe
from supsup_lite.recognition import PaperRule, RecordRule
from supsup_lite.scenarios import Evaluation, evaluate
from supsup_lite.store import MaskStore
from supsup_lite.streams import Stream, assignment, stream_of
from supsup_lite.tasks import Task, TaskSuite, permuted_mnist, rotated_mnist, split_fashion_mnist, split_mnist
from supsup_lite.unannounced import StreamLearner, learn_unannounced

__version__ = "0.1.0"

__all__ = [
    "DEFAULT",
    "PAPER",
    "DataError",
    "Evaluation",
    "HopfieldStore",
    "MaskStore",
    "PaperRule",
    "Recipe",
    "RecordRule",
    "Stream",
    "StreamLearner",
    "Task",
    "TaskSuite",
    "about",
    "alpha_gradient",
    "apply_mask",
    "assignment",
    "bn_mlp",
    "demo",
    "device",
    "evaluate",
    "fashion_mnist",
    "fc_1024",
    "hopfield_store",
    "infer_task",
    "learn_coefficients",
    "learn_masks",
    "learn_unannounced",
    "lenet_300_100",
    "mnist",
    "permuted_mnist",
    "random_mask",
    "recall_mask",
    "rotated_mnist",
    "signed_kaiming_constant",
    "split_fashion_mnist",
    "split_mnist",
    "straight_through",
    "stream_of",
    "superpose",
    "threshold_mask",
    "top_k_mask",
]
