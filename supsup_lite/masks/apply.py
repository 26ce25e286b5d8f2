"""f(x, W * M): one mask or many, as arguments. No weight of the network is ever assigned to."""

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from supsup_lite.networks.network import Network, check_images

Mask = dict[str, Tensor]  # name of a weight -> bool tensor of its shape


def apply_mask(net: Network, mask: Mask, x: Tensor) -> Tensor:
    """Return the logits [B, outputs] of f(x, W * M) (SupSup, "Scenario GG"). The network stays as it is.

    Args:
        net: the frozen base network.
        mask: for each of its weights a bool tensor of the same shape.
        x: B images, float [B, ...]; the work is done in their precision.

    Raises:
        TypeError: the mask is not made of bool tensors, or the images are not floats.
        ValueError: the mask is not of this network, the images have the wrong shape, or devices are mixed.
    """
    check_mask(net, mask)
    check_images(net, x)
    weights = {name: weight.to(x.dtype) * mask[name] for name, weight in net.weights().items()}
    return functional_call(net, weights, (x,))


def forward_tasks(net: Network, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """Return logits [k, B, outputs] of k networks at once: weights [k, *shape] each, images x [k, B, ...]."""
    return vmap(lambda own, images: functional_call(net, own, (images,)))(weights, x)


def check_mask(net: Network, mask: Mask) -> None:
    """Raise unless the mask has a bool tensor of the right shape on the right device for every weight."""
    if not isinstance(mask, dict):
        raise TypeError(f"a mask is a dict of bool tensors by weight name, got {type(mask).__name__}.")
    weights = net.weights()
    if mask.keys() != weights.keys():
        raise ValueError(
            f"this mask is of another network: it covers {sorted(mask)}, the network has {sorted(weights)}."
        )
    for name, weight in weights.items():
        own = mask[name]
        if not isinstance(own, Tensor) or own.dtype != torch.bool:
            kind = own.dtype if isinstance(own, Tensor) else type(own).__name__
            raise TypeError(f"the mask of {name} must be a bool tensor, got {kind}. Try mask > 0.")
        if own.shape != weight.shape:
            raise ValueError(
                f"this mask is of another network: {name} is {tuple(own.shape)}, expected {tuple(weight.shape)}."
            )
        if own.device != weight.device:
            raise ValueError(
                f"the mask of {name} is on {own.device}, the network on {weight.device}: move one of them."
            )
