"""Where the scores of a new task start: fresh, at the mean of all before, or at the mask of the nearest old task.

The nearest old task is found as in ExSSNeT (Yadav and Bansal 2023): what the last layer takes in under an old mask
sorts a few images of the new task by their nearest neighbours, and the mask under which that goes best is nearest. They
go on from that task's scores. A store has its bits alone: so we give a fresh draw the signs that the mask says.
"""

import torch
from torch import Tensor, nn

from supsup_lite.data.batches import batch_order
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.learning.learn import learn_all_masks, learn_scores
from supsup_lite.masks.apply import Mask
from supsup_lite.masks.edge_popup import init_scores, threshold_mask
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.layers import layer_with
from supsup_lite.networks.network import Network
from supsup_lite.recipes import Recipe

STARTS = ("fresh", "mean", "nearest", "nearest or fresh")
LOOK = 200  # training images of a new task under which old masks are tried
NEIGHBOURS = 10


def learned(start: str, net: Network, tasks: TaskSuite, seed: int, recipe: Recipe) -> MaskStore:
    """Return the threshold masks of some tasks, learned one after the other, each from one of `STARTS`.

    "mean" is the transfer of `learn_masks`. For "nearest or fresh" the mask of a fresh start is a candidate, too: it is
    taken unless an old mask is nearer.
    """
    if start in ("fresh", "mean"):
        return learn_all_masks(net, tasks, seed=seed, recipe=recipe, transfer=start == "mean")
    masks = MaskStore(net)
    for i in range(len(tasks)):
        task = tasks[i : i + 1]
        fresh = fresh_mask(net, task, seed)
        candidates = [fresh, *masks] if start == "nearest or fresh" else list(masks) or [fresh]
        shares = [look(net, mask, task, seed) for mask in candidates]
        begin = signed(net, candidates[shares.index(max(shares))], task, seed)
        scores = learn_scores(net, task, None, seed, recipe, begin)
        masks.append({name: threshold_mask(values[0].detach()) for name, values in scores.items()}, task.identities[0])
    return masks


def fresh_mask(net: Network, task: TaskSuite, seed: int) -> Mask:
    """Return the mask of a task before its first step, from a fresh start."""
    return {name: threshold_mask(drawn[0]) for name, drawn in init_scores(net, task.numbers, seed).items()}


def signed(net: Network, mask: Mask, task: TaskSuite, seed: int) -> dict[str, Tensor]:
    """Return scores [*shape] of the sizes of a fresh start, whose signs are the bits of a mask: 0 or more is kept."""
    sizes = {name: drawn[0].abs() for name, drawn in init_scores(net, task.numbers, seed).items()}
    return {name: torch.where(mask[name], size, -size) for name, size in sizes.items()}


def look(net: Network, mask: Mask, task: TaskSuite, seed: int) -> float:
    """Return the share of the first training images whose nearest others, under a mask, mostly have their label."""
    x, y = task[0].train.batch(batch_order(task, 1, LOOK, seed)[0, 0])
    return neighbours_say(features(net, mask, x), y)


def features(net: Network, mask: Mask, x: Tensor) -> Tensor:
    """Return what the last layer takes in: [B, units]."""
    taken = []

    def apply(name: str, layer: nn.Module, h: Tensor) -> Tensor:
        taken.append(h)
        return layer_with(layer, layer.weight * mask[f"{name}.weight"], h)

    net(x, apply)
    return taken[-1]


def neighbours_say(points: Tensor, y: Tensor) -> float:
    """Return the share of points whose label is the commonest among the nearest others; of equals the smallest."""
    apart = torch.cdist(points, points).fill_diagonal_(torch.inf)
    votes = y[apart.topk(min(NEIGHBOURS, len(y) - 1), largest=False).indices]
    return (votes.mode(1).values == y).float().mean().item()
