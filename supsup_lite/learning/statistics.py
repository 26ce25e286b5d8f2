"""The statistics of batch norm of each task: measured once, when its mask is learned, beside the mask in the store.

Not by a running mean during learning: that mixes masks of before, and depends on a rate of its own. Measured at the
end, they follow from the final mask and training images alone, so whoever has the mask can measure them again.
(Wu and Johnson 2021 call it precise batch norm, and find it better than running means, too.)
"""

from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.masks.apply import row_of
from supsup_lite.networks.batch_norm import Measuring, Statistics
from supsup_lite.networks.network import Network, with_weights

BATCHES = 16


@isolated
@torch.no_grad()
def task_statistics(
    net: Network, weights: dict[str, Tensor], batches: Iterable[tuple[Tensor, Tensor]]
) -> Statistics | None:
    """Return what each norm of a network sees in each of k tasks: float32 [k, 2, channels], means and variances.

    Args:
        weights: of k networks, [k, *shape] each, such as trained ones; or k masks, bool, for W * M_i.
        batches: training images [k, B, D] of the k tasks, and labels, which are not looked at; the first BATCHES count.

    Returns:
        None where the network has no batch norm with statistics of each task.
    """
    if not net.norms():
        return None
    measuring: list[Measuring] = []
    for x, _ in islice(batches, BATCHES):
        measuring = measuring or [Measuring() for _ in x]
        for i, images in enumerate(x):
            net(images, with_weights(_kept(net, row_of(weights, i))), measuring[i])
    each = [one.statistics() for one in measuring]
    return {name: torch.stack([own[name] for own in each]) for name in net.norms()}


def _kept(net: Network, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return weights as they are, or W * M where a mask is given."""
    frozen = net.weights()
    return {name: frozen[name] * own if own.dtype == torch.bool else own for name, own in weights.items()}
