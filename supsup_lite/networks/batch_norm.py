"""Batch norm whose statistics belong to a task: taken from the batch, or an argument. No module is ever written to.

The statistics of a norm are float [..., 2, channels]: its mean and its variance. `Statistics` are those of all norms of
a network, by name. Shared running statistics, updated by one task after another, are what broke the official release's
SplitCIFAR100: here a frozen network has none.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

Statistics = dict[str, Tensor]  # name of a norm -> float [..., 2, channels]
Normalise = Callable[[str, nn.Module, Tensor], Tensor]


def is_of_a_task(part: nn.Module) -> bool:
    """Return whether a module is batch norm that keeps no statistics of its own, so that each task brings its own."""
    return isinstance(part, _BatchNorm) and part.running_mean is None


def by_batch(name: str, norm: nn.Module, h: Tensor) -> Tensor:
    """Return h [B, channels, ...] normalised by mean and variance of the batch itself.

    Raises:
        ValueError: there is but one number of each channel, whose variance says nothing.
    """
    check_several(name, h)
    return F.batch_norm(h, None, None, *_affine(norm, h), training=True, eps=norm.eps)


def check_several(name: str, h: Tensor) -> None:
    """Raise ValueError where there is but one number of each channel, whose variance says nothing."""
    if h.numel() <= h.shape[1]:
        raise ValueError(
            f"{name} takes batch norm over the images, because the statistics of their task are not known: give two or "
            "more of them, or a mask that brings statistics."
        )


def by_statistics(statistics: Statistics) -> Normalise:
    """Return how to normalise by given statistics [2, channels], or [B, 2, channels] where each image has its own.

    The result is differentiable in statistics that require it, as superposed ones may. (Of these a variance may be
    below 0, where an alpha is: it counts as 0.)
    """

    def normalise(name: str, norm: nn.Module, h: Tensor) -> Tensor:
        mean, variance = statistics[name].to(h.dtype).unbind(-2)
        if mean.ndim == 1 and not statistics[name].requires_grad:
            return F.batch_norm(h, mean, variance, *_affine(norm, h), training=False, eps=norm.eps)
        mean, scale = (
            v.view(*v.shape, *[1] * (h.ndim - 2)) for v in (mean, (variance.clamp_min(0) + norm.eps).rsqrt())
        )
        weight, bias = _affine(norm, h)
        z = (h - mean) * scale
        if weight is None:
            return z
        return z * weight.view(-1, *[1] * (h.ndim - 2)) + bias.view(-1, *[1] * (h.ndim - 2))

    return normalise


class Measuring:
    """Normalises by the batch, as in learning, and measures mean and variance of what each norm sees.

    Several batches, all of one size, are pooled by the law of total variance. (A norm that is called twice in a batch
    has the statistics of both calls.)
    """

    def __init__(self):
        self._seen: dict[str, list[Tensor]] = {}

    def __call__(self, name: str, norm: nn.Module, h: Tensor) -> Tensor:
        check_several(name, h)
        mean, variance = (torch.zeros(h.shape[1], dtype=h.dtype, device=h.device) for _ in range(2))
        z = F.batch_norm(h, mean, variance, *_affine(norm, h), training=True, momentum=1, eps=norm.eps)
        each = h.numel() // h.shape[1]
        self._seen.setdefault(name, []).append(torch.stack([mean, variance * (1 - 1 / each)]))  # torch's has n - 1
        return z

    def statistics(self) -> Statistics:
        """Return mean and variance of all batches so far: [2, channels] for each norm."""
        return {name: _pooled(torch.stack(moments)) for name, moments in self._seen.items()}


def _pooled(moments: Tensor) -> Tensor:
    """Return mean and variance of n equally large samples, [2, channels], from those of each, [n, 2, channels]."""
    means, variances = moments.unbind(1)
    mean = means.mean(0)
    return torch.stack([mean, variances.mean(0) + (means - mean).square().mean(0)])


def _affine(norm: nn.Module, h: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return weight and bias of a norm, frozen, in the precision of h; None where it has none."""
    return tuple(None if part is None else part.to(h.dtype) for part in (norm.weight, norm.bias))
