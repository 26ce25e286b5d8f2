"""What each weight says of each image: -d objective / d alpha_i is a sum over the weights that mask i keeps.

At alpha = 1/k the network has the weights W times the mean mask. With h the input of a layer there, and delta the
gradient at its output, mask i gets from each weight that it keeps, from unit v to unit u, the vote
-delta_u W_uv h_v. So one forward and backward pass, whatever k is, says what every bit of every mask is worth.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from supsup_lite.checks import check_flag, check_function
from supsup_lite.masks.counts import counts
from supsup_lite.masks.fits import check_fits
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.layers import linear_part, plus_bias
from supsup_lite.networks.network import Network, check_images, run

LEAST = 64  # weights that are worth a reading of their own

Objective = Callable[[Tensor], Tensor]  # logits [B, outputs] -> one value for each image, [B]


class LayerVotes(ABC):
    """The votes of one layer's weights, unit by unit: those that lead to one unit are read together.

    Attributes:
        name: of the weight.
        units: into how many parts its weights are cut: its units, or one where a unit has few weights.
        bits: weights in each part, n.
        spread: variance of each part's votes over masks, [B, units], if a mask keeps each weight with the share of
            masks that keep it, by itself.
    """

    name: str
    units: int
    bits: int
    spread: Tensor

    @abstractmethod
    def of_unit(self, images: Tensor, unit: int) -> Tensor:
        """Return the votes of one unit's weights for some images: [images, n]."""

    @abstractmethod
    def of_image(self, image: int, units: Tensor) -> Tensor:
        """Return the votes of some units' weights for one image: [units, n]."""


class _Products(LayerVotes):
    """Of a linear layer, one input a call: each vote is a product, which is made when it is asked for."""

    def __init__(self, name: str, weight: Tensor, variance: Tensor, h: Tensor, delta: Tensor):
        self.name, (self.units, self.bits) = name, weight.shape
        self._weight, self._h, self._delta = weight, h, -delta
        self.spread = delta**2 * (h**2 @ (weight**2 * variance).T)

    def of_unit(self, images: Tensor, unit: int) -> Tensor:
        return self._delta[images, unit, None] * (self._h[images] * self._weight[unit])

    def of_image(self, image: int, units: Tensor) -> Tensor:
        return self._delta[image, units, None] * (self._h[image] * self._weight[units])


class _Table(LayerVotes):
    """Of any layer: the votes of all weights, [B, *shape]."""

    def __init__(self, name: str, votes: Tensor, variance: Tensor):
        self.name = name
        each = variance[0].numel()
        self.units, self.bits = (len(variance), each) if each >= LEAST else (1, variance.numel())
        self._votes = votes.reshape(len(votes), self.units, self.bits)
        self.spread = (self._votes**2 * variance.reshape(self.units, self.bits)).sum(2)

    def of_unit(self, images: Tensor, unit: int) -> Tensor:
        return self._votes[images, unit]

    def of_image(self, image: int, units: Tensor) -> Tensor:
        return self._votes[image, units]


def votes_of(net: Network, masks: MaskStore, x: Tensor, objective: Objective, together: bool) -> list[LayerVotes]:
    """Return the votes for each image, or for all images together as if they were one, layer by layer as called.

    They are float32 or float64. For each image by itself they come in a scale of its own, in which the largest
    delta is 1, so that the square of a small one is still a number.

    Raises:
        TypeError, ValueError: the arguments do not fit together.
    """
    check_fits(net, masks)
    masks = masks[:]  # those of now: another thread may add some meanwhile
    x = check_images(net, x)
    check_function("objective", objective)
    check_flag("together", together)
    if not len(masks) or not len(x):
        raise ValueError(f"there must be a mask and an image, got {len(masks)} masks and {len(x)} images.")
    weights = {name: weight.to(x.dtype) for name, weight in net.weights().items()}
    means = {name: kept / len(masks) for name, kept in counts(masks).items()}
    mixed = {name: weight * means[name].to(x.dtype) for name, weight in weights.items()}
    variances = {name: mean * (1 - mean) for name, mean in means.items()}
    if together:
        return _together(net, weights, mixed, variances, x, objective)
    calls = _calls(net, mixed, x, objective)
    return [_layer(name, weights[name], variances[name], of_layer) for name, of_layer in calls.items()]


def _together(net, weights, mixed, variances, x, objective) -> list[LayerVotes]:
    """The chain rule through the weights, as in `mean_gradient`: images are summed first."""
    with torch.enable_grad():
        mixed = {name: values.detach().requires_grad_(True) for name, values in mixed.items()}
        slopes = torch.autograd.grad(objective(run(net, mixed, x)).mean(), list(mixed.values()))
    votes = {name: _exact(-slope * weights[name]) for name, slope in zip(mixed, slopes, strict=True)}
    scale = _inverse(max(values.abs().max() for values in votes.values()))
    return [_Table(name, values[None] * scale, variances[name].to(values.dtype)) for name, values in votes.items()]


class _Call(NamedTuple):
    """One run of a masked layer: its input h [B, ...], and the gradient delta at its output [B, ...]."""

    layer: nn.Module
    h: Tensor
    delta: Tensor


def _calls(net: Network, mixed: dict[str, Tensor], x: Tensor, objective: Objective) -> dict[str, list[_Call]]:
    """Return what each masked layer sees and what reaches it from behind, by the name of its weight."""
    seen: list[tuple[str, nn.Module, Tensor, Tensor]] = []

    def apply(name: str, layer: nn.Module, h: Tensor) -> Tensor:
        z = linear_part(layer, mixed[f"{name}.weight"], h)
        z = z if z.requires_grad else z.requires_grad_(True)
        seen.append((f"{name}.weight", layer, h.detach().clone(), z))  # what follows may write to either
        return plus_bias(layer, z.clone())

    with torch.enable_grad():
        value = objective(net(x.detach(), apply)).sum()
        deltas = torch.autograd.grad(value, [z for *_, z in seen], allow_unused=True, materialize_grads=True)
    deltas = [_exact(delta) for delta in deltas]
    largest = torch.stack([delta.flatten(1).abs().amax(1) for delta in deltas]).amax(0)
    calls: dict[str, list[_Call]] = {}
    for (name, layer, h, _), delta in zip(seen, deltas, strict=True):
        scaled = delta * _inverse(largest).view(-1, *[1] * (delta.ndim - 1))
        calls.setdefault(name, []).append(_Call(layer, _exact(h), scaled))
    return calls


def _layer(name: str, weight: Tensor, variance: Tensor, calls: list[_Call]) -> LayerVotes:
    weight = _exact(weight)
    variance = variance.to(weight.dtype)
    layer, h, delta = calls[0]
    if len(calls) == 1 and isinstance(layer, nn.Linear) and h.ndim == 2 and weight.shape[1] >= LEAST:
        return _Products(name, weight, variance, h, delta)
    votes = torch.zeros(len(h), *weight.shape, device=weight.device, dtype=weight.dtype)
    with torch.enable_grad():
        free = weight.detach().requires_grad_(True)
        for layer, h, delta in calls:
            for image in range(len(h)):
                z = linear_part(layer, free, h[image : image + 1])
                votes[image] -= torch.autograd.grad(z, free, delta[image : image + 1])[0]
    return _Table(name, votes * weight, variance)


def _exact(values: Tensor) -> Tensor:
    """Return numbers whose square is one, too: half precision as float32."""
    return values if values.dtype == torch.float64 else values.float()


def _inverse(scale: Tensor) -> Tensor:
    return torch.where(scale > 0, 1 / scale, 0)
