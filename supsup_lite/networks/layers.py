"""The layers that a mask covers, run with a weight that is an argument: layer(h; W * M). No layer is assigned to."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Units(nn.Module):
    """The units of one layer as a layer of their own, [B, units] -> [B, units]: each is multiplied by its weight, 1.

    A mask over these weights switches units on and off. So a mask over units is a mask like any other.
    """

    bias = None

    def __init__(self, units: int, device: torch.device):
        super().__init__()
        weight = torch.ones(units, dtype=torch.float32, device=device)
        self.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self, h: Tensor) -> Tensor:
        return h * self.weight


CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
MASKED = (nn.Linear, *CONVOLUTIONS, Units)


def layer_with(layer: nn.Module, weight: Tensor, h: Tensor) -> Tensor:
    """Return what the layer makes of h with another weight in place of its own; its bias, if any, is used as it is.

    Args:
        layer: one of MASKED.
        weight: of the shape of the layer's, in the precision of h.
        h: the layer's input.
    """
    return _computed(layer, weight, None if layer.bias is None else layer.bias.to(h.dtype), h)


def linear_part(layer: nn.Module, weight: Tensor, h: Tensor) -> Tensor:
    """Return `layer_with` without the bias: linear in the weight."""
    return _computed(layer, weight, None, h)


def each_with(layer: nn.Module, weights: Tensor, h: Tensor) -> Tensor:
    """Return what k layers make of their own inputs, side by side: weights [k, *shape], h [k, B, ...] -> [k, B, ...].

    Not by torch's vmap: an interrupt inside of it leaves torch unable to go on.
    """
    if not isinstance(layer, nn.Linear):
        return torch.stack([layer_with(layer, weight, inputs) for weight, inputs in zip(weights, h, strict=True)])
    z = h @ weights.mT if h.ndim == 3 else (h.flatten(1, -2) @ weights.mT).unflatten(1, h.shape[1:-1])
    return plus_bias(layer, z)


def each_linear_part(layer: nn.Module, weights: Tensor, h: Tensor) -> Tensor:
    """Return the linear part of the output under each of c weights, of one and the same input: [c, B, ...]."""
    if isinstance(layer, nn.Linear):
        return (h @ weights.flatten(0, 1).mT).unflatten(-1, weights.shape[:2]).movedim(-2, 0)
    if isinstance(layer, CONVOLUTIONS) and layer.groups == 1:  # c times as many channels out
        return linear_part(layer, weights.flatten(0, 1), h).unflatten(1, weights.shape[:2]).movedim(1, 0)
    return torch.stack([linear_part(layer, weight, h) for weight in weights])


def plus_bias(layer: nn.Module, z: Tensor) -> Tensor:
    """Return the linear part z of a layer's output plus the layer's bias, if it has one."""
    if layer.bias is None:
        return z
    bias = layer.bias.to(z.dtype)
    return z + (bias.view(-1, *[1] * (z.ndim - 2)) if isinstance(layer, CONVOLUTIONS) else bias)


def _computed(layer: nn.Module, weight: Tensor, bias: Tensor | None, h: Tensor) -> Tensor:
    if isinstance(layer, nn.Linear):
        return F.linear(h, weight, bias)
    if isinstance(layer, CONVOLUTIONS):
        return layer._conv_forward(h, weight, bias)  # stride, padding and its mode, dilation, groups: the layer's
    return h * weight
