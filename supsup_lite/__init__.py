"""supsup_lite: supermasks in superposition, small enough to read.

One random network whose weights never change learns many tasks, each as a binary mask over its weights
(Wortsman et al., "Supermasks in Superposition", NeurIPS 2020).
"""

from supsup_lite.data.cifar100 import split_cifar100
from supsup_lite.data.datasets import DataError, fashion_mnist, mnist
from supsup_lite.data.imagenet import split_imagenet
from supsup_lite.data.split_rotated import split_rotated
from supsup_lite.data.streams import Stream, stream_of
from supsup_lite.data.suites import permuted_mnist, rotated_mnist, split_fashion_mnist, split_mnist
from supsup_lite.data.tasks import Task, TaskIdentity, TaskSuite
from supsup_lite.data.tensors import tasks_of
from supsup_lite.devices import about, device
from supsup_lite.evaluation.assignment import assignment
from supsup_lite.evaluation.scenarios import Evaluation, evaluate
from supsup_lite.hopfield.recall import recall_mask
from supsup_lite.hopfield.spins import hopfield_store
from supsup_lite.hopfield.store import HopfieldStore
from supsup_lite.inference.methods import alpha_gradient, infer_task, superpose
from supsup_lite.learning.coefficients import learn_coefficients
from supsup_lite.learning.learn import learn_masks
from supsup_lite.masks.apply import apply_mask
from supsup_lite.masks.edge_popup import random_mask, straight_through, threshold_mask, top_k_mask
from supsup_lite.masks.origin import Learned
from supsup_lite.masks.statistics import TaskMask
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.conv import conv_net, gem_resnet18, resnet50
from supsup_lite.networks.frozen import freeze_as_base
from supsup_lite.networks.mlp import fc_1024, lenet_300_100, mlp
from supsup_lite.networks.network import signed_kaiming_constant
from supsup_lite.networks.units import bn_mlp
from supsup_lite.recipes import DEFAULT, PAPER, Recipe
from supsup_lite.unannounced.learn import learn_unannounced
from supsup_lite.unannounced.learner import StreamLearner
from supsup_lite.unannounced.novelty import PaperRule, RecordRule
from supsup_lite.version import __version__

__all__ = [
    "DEFAULT",
    "PAPER",
    "DataError",
    "Evaluation",
    "HopfieldStore",
    "Learned",
    "MaskStore",
    "PaperRule",
    "Recipe",
    "RecordRule",
    "Stream",
    "StreamLearner",
    "Task",
    "TaskIdentity",
    "TaskMask",
    "TaskSuite",
    "__version__",
    "about",
    "alpha_gradient",
    "apply_mask",
    "assignment",
    "bn_mlp",
    "conv_net",
    "demo",
    "device",
    "evaluate",
    "fashion_mnist",
    "fc_1024",
    "freeze_as_base",
    "gem_resnet18",
    "hopfield_store",
    "infer_task",
    "learn_coefficients",
    "learn_masks",
    "learn_unannounced",
    "lenet_300_100",
    "mlp",
    "mnist",
    "permuted_mnist",
    "random_mask",
    "recall_mask",
    "resnet50",
    "rotated_mnist",
    "signed_kaiming_constant",
    "split_cifar100",
    "split_fashion_mnist",
    "split_imagenet",
    "split_mnist",
    "split_rotated",
    "straight_through",
    "stream_of",
    "superpose",
    "tasks_of",
    "threshold_mask",
    "top_k_mask",
]


def __getattr__(name: str):
    if name == "demo":  # widgets and figures are slow to import: only those wait who ask for them
        from supsup_lite.explorers.demo import demo

        return demo
    raise AttributeError(f"module 'supsup_lite' has no attribute {name!r}")
