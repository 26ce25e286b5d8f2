"""BatchE: one network, and for each task a rank-one change of every layer, W * (s r^T) (Wen et al. 2020).

A layer computes s * (W (r * h)): each input is scaled by r, each output by s. So k tasks go through one product with
W side by side, and a task costs inputs + outputs numbers a layer. In a convolution they scale whole channels.

W is trained in the first task, or not at all. Here the first task trains it by itself (`first_task_trunk`), and then
its vectors as any other task does, instead of both together. They start as ones: so a task starts from the trunk.
(Wen et al. and the SupSup code start from signs drawn at random.)
"""

import torch
from torch import Tensor, nn

from supsup_lite.ambient import isolated
from supsup_lite.baselines.dense import OnStep, side_by_side, train_through
from supsup_lite.baselines.kept import Kept, with_statistics
from supsup_lite.baselines.trunks import check_trunk
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.learning.learn import task_batches
from supsup_lite.masks.weights import Weights, check_learnable
from supsup_lite.networks.layers import CONVOLUTIONS, linear_part, plus_bias
from supsup_lite.networks.network import Network
from supsup_lite.recipes import DEFAULT, Recipe, check_recipe

Vectors = dict[str, Tensor]  # "fc1.in" -> r, float [k, inputs]; "fc1.out" -> s, float [k, outputs]


class BatchEnsemble(Kept):
    """A trunk and rank-one vectors: of each layer `task_specific` holds r, "fc1.in" [k, inputs], and s, "fc1.out".

    `shared` is the trunk, and empty where it is the random network, which comes from its seed.
    """

    def _weights(self, i: int) -> Weights:
        row = {name: values[i : i + 1] for name, values in self.task_specific.items()}
        return superposed_weights(self.net, self.trunk, row, torch.ones(1, dtype=torch.float32, device=self.net.device))

    @property
    def trunk(self) -> Weights:
        """The weights that the vectors scale, [*shape] each."""
        return self.shared or self.net.weights()


@isolated
def train_batch_ensemble(
    net: Network,
    tasks: TaskSuite,
    seed: int = 0,
    recipe: Recipe = DEFAULT,
    trunk: Weights | None = None,
    on_step: OnStep | None = None,
) -> BatchEnsemble:
    """Learn the rank-one vectors of k tasks side by side, over a trunk that does not change.

    Args:
        trunk: weights, float [*shape] each, such as `first_task_trunk`; None is the network as its seed draws it.
        on_step: called as on_step(step, vectors, loss [k]) before each update.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    check_learnable(net, tasks)
    check_recipe(recipe)
    weights = check_trunk(net, trunk)
    start = unit_vectors(net, len(tasks))

    def forward(vectors: Vectors, x: Tensor) -> Tensor:
        return forward_vectors(net, weights, vectors, x)

    vectors = train_through(forward, start, task_batches(tasks, recipe, seed), recipe, on_step)
    kept = BatchEnsemble(net, tasks.identities, trunk or {}, vectors, len(tasks) * recipe.steps)
    return with_statistics(kept, tasks, seed, recipe)


def unit_vectors(net: Network, k: int) -> Vectors:
    """Return vectors of ones for k tasks, with which a layer computes as the trunk does.

    Raises:
        TypeError: a layer is neither linear nor a convolution.
    """
    vectors = {}
    for name, layer in net.masked_layers().items():
        for end, size in zip(("in", "out"), channels(name, layer), strict=True):
            vectors[f"{name}.{end}"] = torch.ones(k, size, dtype=torch.float32, device=net.device)
    return vectors


def forward_vectors(net: Network, trunk: Weights, vectors: Vectors, x: Tensor) -> Tensor:
    """Return logits [k, B, outputs] of k tasks on their own images [k, B, ...], by one product a layer for all."""

    def forward(vectors: Vectors, x: Tensor) -> Tensor:
        k = len(x)

        def apply(name: str, layer: nn.Module, h: Tensor) -> Tensor:
            h = scaled(layer, vectors[f"{name}.in"], h.unflatten(0, (k, -1))).flatten(0, 1)
            z = linear_part(layer, trunk[f"{name}.weight"].to(h.dtype), h)
            return plus_bias(layer, scaled(layer, vectors[f"{name}.out"], z.unflatten(0, (k, -1))).flatten(0, 1))

        return net(x.flatten(0, 1), apply).unflatten(0, (k, -1))

    return side_by_side(net, forward, vectors, x)


def scaled(layer: nn.Module, vectors: Tensor, h: Tensor) -> Tensor:
    """Return h [k, B, ...] with every channel scaled by its task's vector [k, channels]."""
    where = 2 if isinstance(layer, CONVOLUTIONS) else h.ndim - 1
    return h * vectors.view(len(vectors), *[1] * (where - 1), -1, *[1] * (h.ndim - 1 - where))


def superposed_weights(net: Network, trunk: Weights, vectors: Vectors, alphas: Tensor) -> Weights:
    """Return W * sum_i alpha_i s_i r_i^T for alphas [k]: for each weight float [*shape].

    An output of a convolution in groups reads the inputs of its own group alone.
    """
    weights = {}
    for name, layer in net.masked_layers().items():
        weight, groups = trunk[f"{name}.weight"], getattr(layer, "groups", 1)
        outside, inside = (vectors[f"{name}.{end}"].unflatten(1, (groups, -1)) for end in ("out", "in"))
        scales = torch.einsum("k,kgo,kgi->goi", alphas, outside, inside).flatten(0, 1)
        weights[f"{name}.weight"] = weight * scales.view(*scales.shape, *[1] * (weight.ndim - 2))
    return weights


def channels(name: str, layer: nn.Module) -> tuple[int, int]:
    """Return how many inputs and outputs of a layer have a scale of their own."""
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    if isinstance(layer, CONVOLUTIONS):
        return layer.in_channels, layer.out_channels
    raise TypeError(f"BatchE scales inputs and outputs of linear and convolutional layers, {name} is {layer}.")
