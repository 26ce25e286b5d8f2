"""What decides an experiment, as frozen values, and the setting of each by its name."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from supsup_lite import networks
from supsup_lite.checks import check_choice, check_positive, check_seed, check_whole
from supsup_lite.data import suites
from supsup_lite.data.cifar100 import split_cifar100
from supsup_lite.data.imagenet import split_imagenet
from supsup_lite.data.split_rotated import split_rotated
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.evaluation.scenarios import Evaluation
from supsup_lite.hopfield.store import RULES
from supsup_lite.inference.methods import METHODS
from supsup_lite.masks.budgets import Keep, check_budget
from supsup_lite.networks.network import Network
from supsup_lite.recipes import DEFAULT, PAPER, Recipe

NETWORKS: dict[str, Callable[..., Network]] = {
    "lenet": networks.lenet_300_100,
    "fc": networks.fc_1024,
    "conv": networks.conv_net,
    "resnet18": networks.gem_resnet18,
    "resnet50": networks.resnet50,
}
RECIPES = {"paper": PAPER, "default": DEFAULT}
SUITES: dict[str, Callable[[int, int], TaskSuite]] = {  # of a number of tasks and a seed
    "permuted-mnist": suites.permuted_mnist,
    "rotated-mnist": suites.rotated_mnist,
    "split-mnist": suites.split_mnist,
    "split-fashion-mnist": suites.split_fashion_mnist,
    "split-rotated": split_rotated,
    "split-cifar100": split_cifar100,
    "split-imagenet": split_imagenet,
}
PHOTOGRAPHS = ("split-cifar100", "split-imagenet")  # which are not in the repository
RIVALS = (
    *("supsup", "batch_ensemble", "batch_ensemble_random", "psp", "psp_binary"),
    *("heads", "heads_random", "upper_bound", "lower_bound"),
)
OBJECTIVES = ("entropy", "superfluous")
MOST_SEEDS = 10_000  # a result lists them
INFER_FROM = ("one_image", "whole_batch")
CANDIDATES = ("paper", "one_untrained", "both")
OPEN_QUESTIONS = (
    *("difficulty", "domains", "small-networks", "temperature"),
    *("units", "width", "follow-ups", "rotations"),
)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What every experiment has.

    Attributes:
        seed: of the network, the tasks and the learner.
        steps: batches for each task; None takes the recipe's.
        images: test images of each task; None takes all.

    Raises:
        TypeError, ValueError: one of them makes no sense.
    """

    seed: int = 0
    steps: int | None = None
    images: int | None = None

    def __post_init__(self):
        self._set("seed", check_seed(self.seed))
        for name in ("steps", "images"):
            if getattr(self, name) is not None:
                self._set(name, check_whole(name, getattr(self, name)))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def training(self, recipe: Recipe) -> Recipe:
        """Return the recipe, with as many steps as are wanted."""
        return recipe if self.steps is None else replace(recipe, steps=self.steps)


@dataclass(frozen=True, kw_only=True)
class Settings(Sizes):
    """What the paper's experiments have.

    Attributes:
        tasks: k.
    """

    tasks: int

    def __post_init__(self):
        super().__post_init__()
        self._set("tasks", check_whole("tasks", self.tasks))


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(Settings):
    """What the experiments on masks over weights have.

    Attributes:
        network: a name in `NETWORKS`.
        outputs: its output neurons s, superfluous ones included.
        recipe: a name in `RECIPES`.
    """

    network: str = "lenet"
    outputs: int = 100
    recipe: str = "paper"

    def __post_init__(self):
        super().__post_init__()
        check_choice("network", self.network, NETWORKS)
        self._set("outputs", check_whole("outputs", self.outputs, least=2))
        check_choice("recipe", self.recipe, RECIPES)


@dataclass(frozen=True, kw_only=True)
class GivenSettings(NetworkSettings):
    """Scenarios GG, GNs and GNu: the task is given in training.

    Attributes:
        keep: density of edge-popup masks, or such as "er:0.1"; None is threshold masks.
        infer_from, method, objective: as in `evaluate`.
    """

    keep: Keep = None
    infer_from: str = "one_image"
    method: str = "one_shot"
    objective: str = "entropy"

    def __post_init__(self):
        super().__post_init__()
        self._set("keep", check_budget(self.keep))
        check_choice("infer_from", self.infer_from, INFER_FROM)
        check_choice("method", self.method, METHODS)
        check_choice("objective", self.objective, OBJECTIVES)


@dataclass(frozen=True, kw_only=True)
class NaturalSettings(NetworkSettings):
    """Photographs, the task given (GG).

    Attributes:
        keep: density of edge-popup masks, or such as "er:0.08"; None is threshold masks.
        root: folder of the data; None is where `split_cifar100` and `split_imagenet` look.
    """

    recipe: str = "default"
    keep: Keep = None
    root: str | None = None

    def __post_init__(self):
        super().__post_init__()
        self._set("keep", check_budget(self.keep))


@dataclass(frozen=True, kw_only=True)
class UnannouncedSettings(NetworkSettings):
    """Scenario NNs: the task is never given. Of the recipe "default" the rate is constant (`STEADY`).

    Attributes:
        candidates: of the paper's rule: "paper" fills up with untrained masks to five, "one_untrained" has one always
            (`PaperRule`), and "both" runs it either way.
    """

    candidates: str = "paper"

    def __post_init__(self):
        super().__post_init__()
        check_choice("candidates", self.candidates, CANDIDATES)


@dataclass(frozen=True, kw_only=True)
class HopfieldSettings(Settings):
    """SplitMNIST with its masks in one matrix.

    Attributes:
        rule: of the Hopfield store.
    """

    rule: str = "storkey"

    def __post_init__(self):
        super().__post_init__()
        check_choice("rule", self.rule, RULES)


@dataclass(frozen=True, kw_only=True)
class RivalSettings(Settings):
    """Masks and their rivals on the same tasks.

    Attributes:
        suite: a name in `SUITES`.
        network: a name in `NETWORKS`.
        outputs: its output neurons; None is one for each class, because who is given the task needs no others.
        recipe: a name in `RECIPES`, without its learning rate.
        rival: a name in `RIVALS`, or "all".
        lr: learning rate; None searches for the best one on tasks of another seed.
        tuning_tasks: how many tasks a rate is tried on. Where tasks disturb one another (PSP, the lower bound) the best
            rate depends on how many there are: give these as many as you can afford.
        keep: density of SupSup's masks, or such as "er:0.1"; None is threshold masks.
        root: folder of CIFAR-100 or ImageNet; None is where their suites look.
        seeds: how many seeds are learned, from `seed` on, all with the rates found for the first.
    """

    suite: str = "permuted-mnist"
    network: str = "lenet"
    outputs: int | None = None
    recipe: str = "default"
    rival: str = "all"
    lr: float | None = None
    tuning_tasks: int = 5
    keep: Keep = None
    root: str | None = None
    seeds: int = 1

    def __post_init__(self):
        super().__post_init__()
        check_choice("suite", self.suite, SUITES)
        if self.root is not None and self.suite not in PHOTOGRAPHS:
            raise ValueError(
                f"root is for {' and '.join(PHOTOGRAPHS)}: leave it out, {self.suite} comes with the course."
            )
        check_choice("network", self.network, NETWORKS)
        check_choice("recipe", self.recipe, RECIPES)
        check_choice("rival", self.rival, (*RIVALS, "all"))
        if self.outputs is not None:
            self._set("outputs", check_whole("outputs", self.outputs, least=2))
        if self.lr is not None:
            self._set("lr", check_positive("lr", self.lr))
        self._set("keep", check_budget(self.keep))
        self._set("tuning_tasks", check_whole("tuning_tasks", self.tuning_tasks))
        self._set("seeds", check_whole("seeds", self.seeds, most=MOST_SEEDS))


@dataclass(frozen=True, kw_only=True)
class OpenQuestionSettings(Sizes):
    """What the paper leaves open.

    Attributes:
        which: a name in `OPEN_QUESTIONS`.
        tasks, steps, images: None takes the question's own.
        seeds: how many, from `seed` on.
    """

    which: str
    tasks: int | None = None
    seeds: int = 3

    def __post_init__(self):
        super().__post_init__()
        check_choice("which", self.which, OPEN_QUESTIONS)
        if self.tasks is not None:
            self._set("tasks", check_whole("tasks", self.tasks))
        self._set("seeds", check_whole("seeds", self.seeds, most=MOST_SEEDS))


SETTINGS: dict[str, Sizes] = {
    "permuted-mnist": GivenSettings(tasks=20),
    "rotated-mnist": GivenSettings(tasks=36, network="fc", infer_from="whole_batch", method="binary"),
    "split-mnist": GivenSettings(tasks=5),
    "permuted-mnist-nns": UnannouncedSettings(tasks=20),
    "split-mnist-hopfield": HopfieldSettings(tasks=5),
    # As many steps as the official runs' 100 epochs have; densities in the middle of theirs.
    "split-cifar100": NaturalSettings(tasks=20, network="resnet18", outputs=5, keep="er:0.08", steps=2000),
    "split-imagenet": NaturalSettings(tasks=100, network="resnet50", outputs=10, keep="er:0.0172", steps=5000),
    "rivals": RivalSettings(tasks=20),
    "open-questions": OpenQuestionSettings(which="difficulty"),
}
ON_A_GPU = SETTINGS | {"permuted-mnist": GivenSettings(tasks=250, network="fc", outputs=500)}  # the paper's own


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
