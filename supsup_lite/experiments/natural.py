"""SplitCIFAR100 and SplitImageNet where the task is given (GG): masks in blocks, resumed and shared like all others."""

import time
from collections.abc import Callable
from typing import Any

from supsup_lite.data.cifar100 import split_cifar100 as cifar100_suite
from supsup_lite.data.imagenet import split_imagenet as imagenet_suite
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.devices import device
from supsup_lite.evaluation.scenarios import score
from supsup_lite.evaluation.steps import answers, given_masks
from supsup_lite.experiments.distributed import Team
from supsup_lite.experiments.memory import check_memory_of_run
from supsup_lite.experiments.mnist import setting_of
from supsup_lite.experiments.settings import NETWORKS, RECIPES, NaturalSettings, figures_of
from supsup_lite.experiments.shards import learn_resumably
from supsup_lite.results import runs


def split_cifar100(settings: NaturalSettings, team: Team) -> dict[str, Any]:
    """SplitCIFAR100, 20 tasks of five classes, GG, ResNet-18 with budgets by layer (the paper: curves in figure 2)."""
    return _run("split-cifar100", settings, team, cifar100_suite)


def split_imagenet(settings: NaturalSettings, team: Team) -> dict[str, Any]:
    """SplitImageNet, 100 tasks of ten classes, GG, ResNet-50 (the paper: 86.37 to 89.58 % in figure 2)."""
    return _run("split-imagenet", settings, team, imagenet_suite)


def _run(name: str, settings: NaturalSettings, team: Team, make: Callable[..., TaskSuite]) -> dict[str, Any]:
    """Learn (or go on with) the masks, measure them, each task by the process whose share it is, and return the result.

    Args:
        make: makes the suite: of a number of tasks, the seed of the partition, and the folder of the data.
    """
    recipe = settings.training(RECIPES[settings.recipe])
    suite = make(settings.tasks, settings.seed, settings.root)  # data that are not there are said before anything else
    check_memory_of_run(settings, recipe, device())
    net = NETWORKS[settings.network](outputs=settings.outputs, seed=settings.seed)
    setting = setting_of(settings, recipe, net, suite) | {"dataset": suite.dataset}
    masks, learning = learn_resumably(name, net, suite, settings.keep, settings.seed, recipe, team)
    began = time.perf_counter()
    positions = team.share(range(len(suite)))
    mine = suite[positions.start : positions.stop : positions.step]
    chosen = given_masks(suite, settings.images)
    right = team.merge(list(answers(net, masks, mine, team.share(chosen), "given", images=settings.images, seed=0)))
    result = figures_of(score("GG", chosen, right, len(suite), "given"))
    evaluating = time.perf_counter() - began
    figures = {
        "GG": {key: result[key] for key in ("accuracy", "interval_95", "worst_task", "n")},
        "bytes": masks.nbytes,
        "file_bytes": masks.file_bytes,
        "learning_seconds": round(learning, 1),
        "evaluating_seconds": round(evaluating, 1),
    }
    return runs.result_of(name, setting, figures, result["n"], learning + evaluating, net.device)
