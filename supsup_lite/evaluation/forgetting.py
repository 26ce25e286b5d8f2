"""Forgetting, measured: the accuracy matrix A, average accuracy, forgetting and backward transfer.

A[t, i] is the accuracy on task i after task t was learned. Tasks that were not learned yet (i > t) are NaN.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.evaluation.accuracy import first_images, share_right
from supsup_lite.masks.weights import Weights, check_learnable, check_weights
from supsup_lite.networks.network import Network


@isolated
@torch.no_grad()
def accuracy_matrix(net: Network, history: Sequence[Weights], tasks: TaskSuite, images: int | None = None) -> Tensor:
    """Return A, float64 [k, k]: A[t, i] is the share of test images of task i that are right after task t, i <= t.

    As in `accuracy`, only the outputs of the task's classes are read, and each task is given (scenario GG).

    Args:
        net: the network that the weights belong to.
        history: for each t the weights after task t: [1, *shape], one network for all tasks, or [t + 1, *shape], one
            for each task learned so far, such as `baselines.chosen_weights` of the masks.
        tasks: the k tasks.
        images: how many test images of each task, from the first on; None takes all.

    Raises:
        TypeError, ValueError: the history does not fit the tasks, or the network is none that can learn them.
    """
    check_learnable(net, tasks)
    k = len(tasks)
    if not isinstance(history, Sequence):
        raise TypeError(f"history must be a list with the weights after each task, got {type(history).__name__}.")
    if len(history) != k:
        raise ValueError(f"history must hold the weights after each of {k} tasks, got {len(history)}.")
    shapes = {name: weight.shape for name, weight in net.weights().items()}
    for t, weights in enumerate(history):
        check_weights(weights)
        if {name: values.shape[1:] for name, values in weights.items()} != shapes:
            raise ValueError(f"the weights after task {t} are of another network than {net!r}.")
        rows = {len(values) for values in weights.values()}
        if rows not in ({1}, {t + 1}):
            raise ValueError(
                f"after task {t} there is one network, or one for each of {t + 1} tasks, got rows {sorted(rows)}."
            )
    matrix = torch.full((k, k), torch.nan, dtype=torch.float64, device="cpu")
    for i in range(k):
        x, y = first_images(tasks, i, images)
        for t in range(i, k):
            row = min(i, len(next(iter(history[t].values()))) - 1)
            weights = {name: values[row : row + 1] for name, values in history[t].items()}
            matrix[t, i] = share_right(net, weights, x, y, tasks.num_classes)
    return matrix


def average_accuracy(matrix: Tensor) -> float:
    """Return the mean accuracy on all tasks after the last one: the mean of the last row."""
    _check(matrix, least=1)
    return matrix[-1].mean().item()


def forgetting(matrix: Tensor) -> float:
    """Return how much was lost of the best that was known, on average over all tasks but the last.

    F = mean over i < k - 1 of (max over t = i..k-2 of A[t, i]) - A[k-1, i] (Chaudhry et al. 2018, section 3).
    In -1..1; 0 is no forgetting, and below 0 old tasks have gained.
    """
    _check(matrix)
    learned = torch.ones_like(matrix, dtype=torch.bool).tril()
    best = matrix.where(learned, -torch.inf)[:-1, :-1].amax(0)
    return (best - matrix[-1, :-1]).mean().item()


def backward_transfer(matrix: Tensor) -> float:
    """Return what later tasks have done to earlier ones: below 0 they were harmed, above 0 they gained.

    BWT = mean over i < k - 1 of A[k-1, i] - A[i, i] (Lopez-Paz and Ranzato 2017, section 2).
    """
    _check(matrix)
    return (matrix[-1] - matrix.diagonal())[:-1].mean().item()


def _check(matrix: Tensor, least: int = 2) -> None:
    if not isinstance(matrix, Tensor) or not matrix.is_floating_point():
        kind = matrix.dtype if isinstance(matrix, Tensor) else type(matrix).__name__
        raise TypeError(f"expected an accuracy matrix, a float tensor [k, k], got {kind}.")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < least:
        raise ValueError(f"expected an accuracy matrix [k, k] of at least {least} tasks, got {tuple(matrix.shape)}.")
