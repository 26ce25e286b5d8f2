"""W * sum_i alpha_i M_i: a network with a superposition of masks, and its gradient in the alphas.

Batch norm is superposed alike: by sum_i alpha_i of the tasks' means and of their variances, as in the paper's code. So
an image is judged by itself, and part of the gradient goes through these sums. Where the statistics of a mask are not
known, the batch's own are taken instead.

Neither makes One-Shot work well on a conv net, whose few weights see every place alike; trying every mask does (lesson
09 measures both). The paper measures its conv nets in GG only.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from supsup_lite.ambient import isolated
from supsup_lite.devices import working_room
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.batch_norm import Statistics, by_statistics
from supsup_lite.networks.layers import each_linear_part, linear_part, plus_bias
from supsup_lite.networks.network import Network, run


def forward_superposed(net: Network, masks: MaskStore, alphas: Tensor, x: Tensor, shared: bool) -> Tensor:
    """Run the network with every masked layer and norm superposed: alphas [B, k], all rows equal when shared.

    A layer's bias is no part of the sum: it counts once, whatever the alphas add up to.
    """
    alphas = alphas.to(x.dtype)

    def apply(name: str, layer: nn.Module, h: Tensor) -> Tensor:
        return plus_bias(layer, _SuperposedLayer.apply(h, alphas, layer, masks, f"{name}.weight", shared))

    statistics = masks.statistics
    if statistics is None:
        return net(x, apply)
    return net(x, apply, by_statistics(superposed(statistics, alphas)))


def superposed(statistics: Statistics, alphas: Tensor) -> Statistics:
    """Return sum_i alpha_i of the statistics of k tasks: [2, channels] for alphas [k], [B, 2, channels] for [B, k]."""
    return {name: torch.tensordot(alphas, rows.to(alphas.dtype), dims=1) for name, rows in statistics.items()}


def mean_gradient(
    net: Network, masks: MaskStore, alphas: Tensor, x: Tensor, objective: Callable[[Tensor], Tensor]
) -> Tensor:
    """Return the mean over images of d objective / d alpha, [k], at one superposition for all images: alphas [k].

    The chain rule goes through the weights: d/d alpha_i = sum (dH/dW_eff * W) over the edges that M_i keeps. So the
    images are summed first, in one forward and backward pass, and each mask costs one sum, whatever B is. Superposed
    statistics of batch norm add theirs.

    Args:
        objective: from logits [B, outputs] to one value for each image, [B].
    """
    weights = {name: weight.to(x.dtype) for name, weight in net.weights().items()}
    with torch.enable_grad():
        mixed = {
            name: (weight * _mean_mask(masks, name, alphas)).detach().requires_grad_(True)
            for name, weight in weights.items()
        }
        statistics = masks.statistics or {}
        norms = {
            name: mean.detach().requires_grad_(True)
            for name, mean in superposed(statistics, alphas.to(x.dtype)).items()
        }
        value = objective(run(net, mixed, x, norms)).mean()
        slopes = torch.autograd.grad(value, [*mixed.values(), *norms.values()])
    total = torch.zeros(len(masks), device=x.device, dtype=x.dtype)
    for rows, slope in zip(statistics.values(), slopes[len(mixed) :], strict=True):
        total += rows.to(x.dtype).flatten(1) @ slope.flatten()
    for (name, weight), slope in zip(weights.items(), slopes[: len(weights)], strict=True):
        edges = (slope * weight).flatten()
        for start, bits in _chunks(masks, name, edges.dtype):
            total[start : start + len(bits)] += bits.flatten(1) @ edges
    return total


class _SuperposedLayer(torch.autograd.Function):
    """One layer, but for its bias, with the weights W * sum_i alpha_i M_i, its masks unpacked a few at a time.

    A layer is linear in its weights. So its output is sum_i alpha_i layer(h; W * M_i), and with delta the gradient at
    its output, d/d alpha_i is the inner product of delta and layer(h; W * M_i): one batched product for a chunk of
    masks gives the gradient of every image with respect to its own alphas.

    That product is where the time goes: 2 operations an edge, mask and image, half of the time on a CPU. To multiply
    (W * delta h^T) of each image by the masks takes as many of them, and was no faster.
    """

    @staticmethod
    def forward(ctx, h: Tensor, alphas: Tensor, layer: nn.Module, masks: MaskStore, name: str, shared: bool) -> Tensor:
        ctx.save_for_backward(h, alphas)
        ctx.layer, ctx.masks, ctx.name, ctx.shared = layer, masks, name, shared
        if shared:
            return linear_part(layer, _mixed(layer, masks, name, alphas[0]), h)
        total = 0
        for start, weights in _weights_by_chunk(layer, masks, name, h):
            outputs = each_linear_part(layer, weights, h)  # [c, B, ...]
            total = total + torch.einsum("bc,cb...->b...", alphas[:, start : start + len(weights)], outputs)
        return total

    @staticmethod
    @isolated  # the caller's backward pass may run under what its forward pass did not
    def backward(ctx, delta: Tensor):
        h, alphas = ctx.saved_tensors
        layer, masks, name = ctx.layer, ctx.masks, ctx.name
        to_alphas = torch.empty_like(alphas)
        to_h = None
        if ctx.needs_input_grad[0] and ctx.shared:
            weight = _mixed(layer, masks, name, alphas[0])
            to_h = _pull(lambda inputs: linear_part(layer, weight, inputs), h, delta)
        elif ctx.needs_input_grad[0]:
            to_h = torch.zeros_like(h)
        for start, weights in _weights_by_chunk(layer, masks, name, h):
            stop = start + len(weights)
            outputs = each_linear_part(layer, weights, h)
            to_alphas[:, start:stop] = torch.einsum("cb...,b...->bc", outputs, delta)
            if to_h is not None and not ctx.shared:
                scaled = torch.einsum("bc,b...->cb...", alphas[:, start:stop], delta)
                to_h += _pull(lambda inputs, weights=weights: each_linear_part(layer, weights, inputs), h, scaled)
        return to_h, to_alphas, None, None, None, None


def _pull(function: Callable[[Tensor], Tensor], h: Tensor, delta: Tensor) -> Tensor:
    """Return the gradient at the input of a function, given the gradient at its output."""
    with torch.enable_grad():
        inputs = h.detach().requires_grad_(True)
        return torch.autograd.grad(function(inputs), inputs, delta)[0]


def _mixed(layer: nn.Module, masks: MaskStore, name: str, alphas: Tensor) -> Tensor:
    """Return W * sum_i alpha_i M_i of one layer, in the precision of the alphas."""
    return layer.weight.to(alphas.dtype) * _mean_mask(masks, name, alphas)


def _mean_mask(masks: MaskStore, name: str, alphas: Tensor) -> Tensor:
    """Return sum_i alpha_i M_i of one weight, float [*shape]."""
    total = torch.zeros(masks.shapes[name], device=alphas.device, dtype=alphas.dtype)
    for start, bits in _chunks(masks, name, alphas.dtype):
        total += torch.tensordot(alphas[start : start + len(bits)], bits, dims=1)
    return total


def _weights_by_chunk(layer: nn.Module, masks: MaskStore, name: str, h: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield (start, W * M_i for a chunk of masks): float [c, *shape]."""
    for start, bits in _chunks(masks, name, h.dtype, len(h)):
        yield start, bits.mul_(layer.weight.to(h.dtype))


def _chunks(masks: MaskStore, name: str, dtype: torch.dtype, images: int = 1) -> Iterator[tuple[int, Tensor]]:
    """Yield (start, a chunk of masks as 0.0 and 1.0 [c, *shape]), as many at once as suit the device.

    Each mask gives an output for every image, which takes memory too: with very many images, fewer masks at once.
    """
    return masks.chunks(name, max(1, working_room(masks.net.device) // (1 + images // 1024)), dtype)
