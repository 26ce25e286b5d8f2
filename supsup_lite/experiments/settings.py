"""Settings that experiments share: networks and recipes by name, and the form of their figures."""

import argparse
from dataclasses import replace
from typing import Any

from supsup_lite import networks
from supsup_lite.evaluation.scenarios import Evaluation
from supsup_lite.recipes import DEFAULT, PAPER, Recipe

NETWORKS = {"lenet": networks.lenet_300_100, "fc": networks.fc_1024}


RECIPES = {"paper": PAPER, "default": DEFAULT}


def recipe_of(recipe: Recipe, options: argparse.Namespace) -> Recipe:
    """Return the recipe, with as many steps as the command line asks for."""
    return replace(recipe, steps=options.steps) if options.steps else recipe


def figures_of(result: Evaluation) -> dict[str, Any]:
    return {
        "accuracy": round(result.accuracy, 5),
        "interval_95": [round(end, 5) for end in result.interval],
        "worst_task": round(float(result.per_task.min()), 5),
        "task_accuracy": round(result.task_accuracy, 5),
        "task_interval_95": [round(end, 5) for end in result.task_interval],
        "inferences": result.inferences,
        "n": result.n,
    }
