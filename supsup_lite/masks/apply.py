"""f(x, W * M): one mask or many, as arguments of one frozen network (SupSup, eq. 1)."""

import torch
from torch import Tensor, nn

from supsup_lite.ambient import isolated
from supsup_lite.masks.bits import as_numbers
from supsup_lite.masks.statistics import check_statistics, statistics_of
from supsup_lite.networks.batch_norm import Statistics
from supsup_lite.networks.layers import each_with
from supsup_lite.networks.network import Network, check_images, check_network, run

Mask = dict[str, Tensor]  # name of a weight -> bool tensor of its shape; a `TaskMask` brings statistics, too


@isolated
def apply_mask(net: Network, mask: Mask, x: Tensor) -> Tensor:
    """Return the logits [B, outputs] of f(x, W * M) (SupSup, "Scenario GG"). The network stays as it is.

    Where the network has batch norm with statistics of each task, those that the mask brings are used (`TaskMask`, as a
    store hands it out). A mask without any, such as `random_mask`, takes the statistics of the batch itself.

    Args:
        net: the frozen base network.
        mask: for each of its weights a bool tensor of the same shape.
        x: B images, float [B, ...]; the work is done in their precision. A layer's bias is used as it is.

    Raises:
        TypeError: the mask is not made of bool tensors, or the images are not floats.
        ValueError: the mask is not of this network, the images have the wrong shape or are not finite, or devices are
            mixed.
    """
    check_mask(net, mask)
    return run_masked(net, mask, check_images(net, x))


def run_masked(net: Network, mask: Mask, x: Tensor) -> Tensor:
    """Return what `apply_mask` returns; for callers that have checked what they give, once for many masks."""
    return run(net, under_mask(net.weights(), mask, x.dtype), x, statistics_of(mask))


def under_mask(weights: dict[str, Tensor], mask: Mask, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
    """Return W * M of each weight, of one mask or of k masks, [k, *shape]; in its own precision, or in another."""
    return {name: as_numbers(mask[name], dtype or weight.dtype).mul_(weight) for name, weight in weights.items()}


def forward_tasks(net: Network, weights: dict[str, Tensor], x: Tensor, statistics: Statistics | None = None) -> Tensor:
    """Return logits [k, B, outputs] of k networks at once: weights [k, *shape] each, images x [k, B, ...].

    The images of all tasks go through the network as one batch, in which each masked layer finds its k parts again.
    Where the network has batch norm, each task goes by itself: on a CPU that is as fast as grouped convolutions.

    Args:
        statistics: of each norm [k, 2, channels]; None takes those of each task's batch.
    """
    k = len(x)
    if not net.per_image:
        rows = {name: values.unbind() for name, values in weights.items()}  # whose gradient is one stack
        each = [{name: values[i] for name, values in rows.items()} for i in range(k)]
        return torch.stack([run(net, each[i], x[i], row_of(statistics, i)) for i in range(k)])

    def apply(name: str, layer: nn.Module, h: Tensor) -> Tensor:
        return each_with(layer, weights[f"{name}.weight"], h.unflatten(0, (k, -1))).flatten(0, 1)

    return net(x.flatten(0, 1), apply).unflatten(0, (k, -1))


def row_of(tensors: dict[str, Tensor] | None, i: int) -> dict[str, Tensor] | None:
    """Return row i of each of some tensors; None of None."""
    return None if tensors is None else {name: values[i] for name, values in tensors.items()}


def check_mask(net: Network, mask: Mask) -> None:
    """Raise unless the mask has a bool tensor of the right shape on the right device for every weight.

    Statistics that it brings have to fit the network, too.
    """
    check_network(net)
    if not isinstance(mask, dict):
        raise TypeError(f"a mask is a dict of bool tensors by weight name, got {type(mask).__name__}.")
    weights = net.weights()
    if mask.keys() != weights.keys():
        raise ValueError(
            f"this mask is of another network: it covers {sorted(mask)}, the network has {sorted(weights)}."
        )
    for name, weight in weights.items():
        bits = mask[name]
        if not isinstance(bits, Tensor) or bits.dtype != torch.bool:
            kind = bits.dtype if isinstance(bits, Tensor) else type(bits).__name__
            raise TypeError(f"the mask of {name} must be a bool tensor, got {kind}. Try mask > 0.")
        if bits.shape != weight.shape:
            raise ValueError(
                f"this mask is of another network: {name} is {tuple(bits.shape)}, expected {tuple(weight.shape)}."
            )
        if bits.device != weight.device:
            raise ValueError(
                f"the mask of {name} is on {bits.device}, the network on {weight.device}: move one of them."
            )
    check_statistics(net, statistics_of(mask))
