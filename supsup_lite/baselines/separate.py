"""A network for each task, all of its weights trained: the upper bound, which shares nothing."""

from supsup_lite.ambient import isolated
from supsup_lite.baselines.dense import OnStep, train_dense
from supsup_lite.baselines.kept import Kept, with_statistics
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.masks.weights import Weights
from supsup_lite.networks.network import Network
from supsup_lite.recipes import DEFAULT, Recipe


class Separate(Kept):
    """A network for each task, all of its weights trained: `task_specific` is float [k, *shape] for each weight."""

    def _weights(self, i: int) -> Weights:
        return {name: self.task_specific[name][i] for name in self.net.weights()}


@isolated
def train_separate(
    net: Network, tasks: TaskSuite, seed: int = 0, recipe: Recipe = DEFAULT, on_step: OnStep | None = None
) -> Separate:
    """Train a network for each of k tasks (`train_dense`): the upper bound, at 4 bytes a weight and task.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    weights = train_dense(net, tasks, seed, recipe, on_step)
    kept = Separate(net, tasks.identities, {}, weights, len(tasks) * recipe.steps)
    return with_statistics(kept, tasks, seed, recipe)
