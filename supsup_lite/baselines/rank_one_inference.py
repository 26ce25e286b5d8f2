"""Which task is this? One-Shot for BatchE: its rank-one weights superposed, and the output says (SupSup, figure 5).

f(x, W * sum_i alpha_i s_i r_i^T) stands where f(x, W * sum_i alpha_i M_i) stands for masks; the rest is the same.
"""

import torch
from torch import Tensor, nn

from supsup_lite.ambient import isolated
from supsup_lite.baselines.batch_ensemble import BatchEnsemble, scaled, superposed_weights
from supsup_lite.inference.objectives import objective_of
from supsup_lite.networks.batch_norm import by_statistics
from supsup_lite.networks.layers import linear_part, plus_bias
from supsup_lite.networks.network import check_images

ROOM = 2**22  # numbers of a layer's output under several tasks that are held at once


@isolated
def rank_one_gradient(
    kept: BatchEnsemble, x: Tensor, objective: str = "entropy", num_classes: int | None = None
) -> Tensor:
    """Return d objective / d alpha at alpha = 1/k for each image: float [B, k].

    A layer is linear in its weights. So with delta the gradient at its output, d/d alpha_i is the inner product of
    delta and s_i * (W (r_i * h)), summed over the layers. Statistics of batch norm are superposed with the same alphas.

    Args:
        kept: what `train_batch_ensemble` returned.
        x: B images, float [B, ...]; the work is done in their precision.
        objective: "entropy" is H, "superfluous" is G, which needs num_classes.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    if not isinstance(kept, BatchEnsemble):
        raise TypeError(f"kept must be what train_batch_ensemble returns, got {type(kept).__name__}.")
    kept.check_network()
    net, k, x = kept.net, len(kept), check_images(kept.net, x)
    trunk, vectors = ({n: t.to(x.dtype) for n, t in tensors.items()} for tensors in (kept.trunk, kept.task_specific))
    mixed = superposed_weights(net, trunk, vectors, torch.full((k,), 1 / k, dtype=x.dtype, device=x.device))
    seen: list[tuple[str, nn.Module, Tensor, Tensor]] = []

    def apply(name: str, layer: nn.Module, h: Tensor) -> Tensor:
        z = linear_part(layer, mixed[f"{name}.weight"], h)
        seen.append((name, layer, h.detach(), z))
        return plus_bias(layer, z)

    alphas = torch.full((len(x), k), 1 / k, dtype=x.dtype, device=x.device, requires_grad=True)
    with torch.enable_grad():
        statistics = {name: vectors[name] for name in net.norms() if name in vectors}
        means = {name: torch.einsum("bk,k...->b...", alphas, values) for name, values in statistics.items()}
        images = x.detach().requires_grad_(True)
        logits = net(images, apply, by_statistics(means)) if means else net(images, apply)
        value = objective_of(logits, objective, num_classes).sum()
        ends = [z for *_, z in seen]
        *deltas, gradient = torch.autograd.grad(value, [*ends, alphas], materialize_grads=True)
    for (name, layer, h, z), delta in zip(seen, deltas, strict=True):
        width = max(1, ROOM // max(h.numel(), z.numel()))
        for start in range(0, k, width):
            inside, outside = (vectors[f"{name}.{end}"][start : start + width] for end in ("in", "out"))
            read = scaled(layer, inside, h.expand(len(inside), *h.shape))  # [c, B, ...]
            made = linear_part(layer, trunk[f"{name}.weight"], read.flatten(0, 1)).unflatten(0, read.shape[:2])
            gradient[:, start : start + width] += torch.einsum("cb...,b...->bc", scaled(layer, outside, made), delta)
    return gradient


@isolated
@torch.no_grad()
def infer_rank_one(
    kept: BatchEnsemble, x: Tensor, objective: str = "entropy", num_classes: int | None = None
) -> Tensor:
    """Return the position of the task that fits each image, by One-Shot: long [B]. What it takes is as above."""
    return rank_one_gradient(kept, x, objective, num_classes).argmin(1)
