"""A trunk that all tasks share, and a linear head for each: what a fixed trunk leaves to learn, and what a moving one
forgets.

The head is the last layer. `train_heads` learns heads over a trunk that does not change, random or trained in the
first task (the paper's "separate heads"). `train_shared_trunk` trains the trunk on and on, task after task, and keeps
each task's head as it was (the paper's lower bound).
"""

from torch import Tensor, nn

from supsup_lite.ambient import isolated
from supsup_lite.baselines.dense import OnStep, side_by_side, train, train_through
from supsup_lite.baselines.kept import Kept, joined, with_statistics
from supsup_lite.baselines.trunks import check_trunk
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.learning.learn import task_batches
from supsup_lite.masks.weights import Weights, check_learnable
from supsup_lite.networks.layers import each_with, layer_with
from supsup_lite.networks.network import Network
from supsup_lite.recipes import DEFAULT, Recipe, check_recipe


class Heads(Kept):
    """A trunk and heads: `task_specific` is the last layer, float [k, *shape], `shared` is all others, [*shape] each.

    `shared` is empty where the trunk is the random network, which comes from its seed.
    """

    def _weights(self, i: int) -> Weights:
        head = head_of(self.net)
        return {**self.net.weights(), **self.shared, head: self.task_specific[head][i]}


@isolated
def train_heads(
    net: Network,
    tasks: TaskSuite,
    seed: int = 0,
    recipe: Recipe = DEFAULT,
    trunk: Weights | None = None,
    on_step: OnStep | None = None,
) -> Heads:
    """Learn the last layer for each of k tasks side by side, over a trunk that does not change.

    Every head starts from the last layer of the random network.

    Args:
        trunk: weights, float [*shape] each, such as `first_task_trunk`; the last layer among them is left out. None
            is the network as its seed draws it.
        on_step: called as on_step(step, {the head's name: [k, *shape]}, loss [k]) before each update.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    check_learnable(net, tasks)
    check_recipe(recipe)
    head, k = head_of(net), len(tasks)
    weights = check_trunk(net, trunk, head)
    start = {head: net.weights()[head].detach().expand(k, *weights[head].shape)}

    def forward(heads: Weights, x: Tensor) -> Tensor:
        return forward_heads(net, weights, heads, x)

    heads = train_through(forward, start, task_batches(tasks, recipe, seed), recipe, on_step)
    shared = {name: values for name, values in (trunk or {}).items() if name != head}
    return with_statistics(Heads(net, tasks.identities, shared, heads, k * recipe.steps), tasks, seed, recipe)


@isolated
def train_shared_trunk(
    net: Network,
    tasks: TaskSuite,
    seed: int = 0,
    recipe: Recipe = DEFAULT,
    trunk: Weights | None = None,
    on_step: OnStep | None = None,
) -> Heads:
    """Train one trunk on one task after the other, with a new head for each: the lower bound.

    A head starts from the last layer of the random network, and stays as its task left it, while the trunk moves on.

    Args:
        trunk: weights to go on from, float [*shape] each, such as the `shared` of tasks before; a last layer among
            them is left out. None is the network's.
        on_step: called as on_step(step, weights, loss [1]) before each update; steps start at 0 for each task.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    check_learnable(net, tasks)
    check_recipe(recipe)
    head, kept = head_of(net), None
    moving = {name: values[None] for name, values in check_trunk(net, trunk, head).items()}
    first = net.weights()[head].detach()[None]
    for i in range(len(tasks)):
        part = tasks[i : i + 1]
        moving = train(net, {**moving, head: first}, task_batches(part, recipe, seed), recipe, on_step)
        shared = {name: values[0] for name, values in moving.items() if name != head}
        one = Heads(net, part.identities, shared, {head: moving[head]}, recipe.steps)
        one = with_statistics(one, part, seed, recipe)
        kept = one if kept is None else joined([kept, one])
    return kept


def forward_heads(net: Network, trunk: Weights, heads: Weights, x: Tensor) -> Tensor:
    """Return logits [k, B, outputs] of k tasks on their own images [k, B, ...]: one trunk, and heads [k, *shape]."""

    def forward(heads: Weights, x: Tensor) -> Tensor:
        k = len(x)

        def apply(name: str, layer: nn.Module, h: Tensor) -> Tensor:
            if f"{name}.weight" in heads:
                return each_with(layer, heads[f"{name}.weight"], h.unflatten(0, (k, -1))).flatten(0, 1)
            return layer_with(layer, trunk[f"{name}.weight"].to(h.dtype), h)

        return net(x.flatten(0, 1), apply).unflatten(0, (k, -1))

    return side_by_side(net, forward, heads, x)


def head_of(net: Network) -> str:
    """Return the name of the weight that makes the logits: that of the last layer.

    Raises:
        ValueError: the last layer has not one output for each logit, so that it cannot be the head.
    """
    name, layer = list(net.masked_layers().items())[-1]
    if len(layer.weight) != net.outputs or layer.weight.ndim < 2:
        raise ValueError(f"the last layer of {net!r}, {name} ({layer}), does not make its {net.outputs} logits.")
    return f"{name}.weight"
