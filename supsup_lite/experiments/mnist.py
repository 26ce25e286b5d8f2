"""PermutedMNIST, RotatedMNIST and SplitMNIST where the task is given in training: scenarios GG, GNs and GNu."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from tqdm.auto import tqdm

from supsup_lite.data import suites
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.devices import device
from supsup_lite.evaluation.scenarios import SCENARIOS, Evaluation, score
from supsup_lite.evaluation.steps import answers, given_masks, infer_masks
from supsup_lite.experiments.distributed import Team
from supsup_lite.experiments.memory import check_memory_of_run
from supsup_lite.experiments.settings import NETWORKS, RECIPES, GivenSettings, NaturalSettings, figures_of
from supsup_lite.experiments.shards import learn_resumably
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.network import Network
from supsup_lite.recipes import Recipe
from supsup_lite.results import runs

COUNTS = (10, 25, 50, 100, 250, 500, 1000, 1500, 2000, 2500)  # tasks at which a growing suite is measured
EVALUATION_SEED = 0


def permuted_mnist(settings: GivenSettings, team: Team) -> dict[str, Any]:
    """PermutedMNIST, GG, GNs and GNu, task from one image by One-Shot (the paper: 94.91 % for 250 tasks on FC)."""
    return _run("permuted-mnist", settings, team, lambda: suites.permuted_mnist(settings.tasks, settings.seed), COUNTS)


def rotated_mnist(settings: GivenSettings, team: Team) -> dict[str, Any]:
    """RotatedMNIST, 36 tasks of 10 degrees, Binary on full batches of 128."""
    return _run("rotated-mnist", settings, team, lambda: suites.rotated_mnist(settings.tasks))


def split_mnist(settings: GivenSettings, team: Team) -> dict[str, Any]:
    """SplitMNIST, 5 tasks of two digits."""
    return _run("split-mnist", settings, team, lambda: suites.split_mnist(settings.tasks))


def _run(
    name: str, settings: GivenSettings, team: Team, make: Callable[[], TaskSuite], counts: tuple[int, ...] = ()
) -> dict[str, Any]:
    """Learn (or go on with) the masks, evaluate the three scenarios, and return the result.

    Args:
        make: makes the suite, once it is clear that there is the memory for it.
        counts: numbers of tasks at which to measure the first masks on the first tasks, too.
    """
    recipe = settings.training(RECIPES[settings.recipe])
    check_memory_of_run(settings, recipe, device())
    suite = make()
    how = {"infer_from": settings.infer_from, "method": settings.method, "objective": settings.objective}
    net = NETWORKS[settings.network](outputs=settings.outputs, seed=settings.seed)
    setting = setting_of(settings, recipe, net, suite) | how
    masks, learning = learn_resumably(name, net, suite, settings.keep, settings.seed, recipe, team)
    began = time.perf_counter()
    wanted = sorted({count for count in counts if count < len(suite)} | {len(suite)})
    measured = evaluate_first(net, masks, suite, wanted, how, settings.images, team)
    entropy_bytes = [masks[i : i + 1].entropy_bytes for i in range(len(masks))]
    figures: dict[str, Any] = {scenario: figures_of(result) for scenario, result in measured[len(suite)].items()}
    if counts:
        figures["by_tasks"] = [
            _growth(count, measured[count], masks[:count].nbytes, sum(entropy_bytes[:count])) for count in wanted
        ]
    evaluating = time.perf_counter() - began
    figures |= {
        "bytes": masks.nbytes,
        "entropy_bytes": round(sum(entropy_bytes)),
        "learning_seconds": round(learning, 1),
        "evaluating_seconds": round(evaluating, 1),
    }
    return runs.result_of(name, setting, figures, figures["GNu"]["n"], learning + evaluating, net.device)


def setting_of(
    settings: GivenSettings | NaturalSettings, recipe: Recipe, net: Network, suite: TaskSuite
) -> dict[str, Any]:
    """Return what decides the masks of a run, and on how many images they are measured, as results have it."""
    return {
        "network": net.name,
        "outputs": net.outputs,
        "tasks": len(suite),
        "seed": settings.seed,
        "keep": settings.keep,
        "recipe": settings.recipe,
        **asdict(recipe),
        "images_per_task": settings.images,
    }


def evaluate_first(
    net: Network,
    masks: MaskStore,
    suite: TaskSuite,
    counts: list[int],
    how: dict[str, str],
    images: int | None,
    team: Team,
) -> dict[int, dict[str, Evaluation]]:
    """Return, for each count, what the first masks are worth on the first tasks, in every scenario.

    Each figure is what `evaluate` gives. One inference serves GNs and GNu, the answers under the true masks serve all
    counts, and each process asks about its share of the tasks.
    """
    which = {"images": images, "seed": EVALUATION_SEED}
    kind = how["infer_from"]
    positions = team.share(range(len(suite)))
    mine = suite[positions.start : positions.stop : positions.step]
    chosen_given = given_masks(suite, images)
    bar = tqdm(
        total=sum(count**2 for count in counts),  # so grows the time: each task's images ask each mask
        desc="evaluating",
        bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}",
        leave=False,
        disable=team.rank > 0,
    )
    with bar:
        given = list(answers(net, masks, mine, team.share(chosen_given), "given", **which))
        all_given = team.merge(given)
        measured = {}
        for count in counts:
            first, part = masks[:count], mine[: len(team.share(range(count)))]
            chosen = []
            for found in infer_masks(net, first, part, **how, **which):
                chosen.append(found)
                bar.update(count * team.size)
            right = list(answers(net, first, part, chosen, kind, **which, true_masks=positions, given=given))
            all_chosen, all_right = team.merge(chosen), team.merge(right)
            measured[count] = {
                scenario: score(scenario, chosen_given[:count], all_given[:count], count, "given")
                if scenario == "GG"
                else score(scenario, all_chosen, all_right, count, **how)
                for scenario in SCENARIOS
            }
    return measured


def _growth(count: int, measured: dict[str, Evaluation], nbytes: int, entropy_bytes: float) -> dict[str, Any]:
    result = measured["GNu"]
    return {
        "tasks": count,
        **{name: round(measured[name].accuracy, 5) for name in SCENARIOS},
        "GNu_interval_95": [round(end, 5) for end in result.interval],
        "task_accuracy": round(result.task_accuracy, 5),
        "task_interval_95": [round(end, 5) for end in result.task_interval],
        "inferences": result.inferences,
        "bytes": nbytes,
        "entropy_bytes": round(entropy_bytes),
    }
