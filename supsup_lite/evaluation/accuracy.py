"""One definition of accuracy where the task is given: read at the outputs of the task's classes (scenario GG)."""

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_whole
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.masks.apply import forward_tasks
from supsup_lite.masks.weights import Weights, check_rows
from supsup_lite.networks.batch_norm import Statistics
from supsup_lite.networks.network import Network


@isolated
@torch.no_grad()
def accuracy(net: Network, weights: Weights, tasks: TaskSuite, images: int | None = None) -> Tensor:
    """Return the share of test images that each of k networks gets right on its own task: float64 [k], on the CPU.

    Args:
        net: the network that the weights belong to.
        weights: [k, *shape] each, such as `masks.chosen_weights`.
        tasks: the k tasks.
        images: how many test images of each task, from the first on; None takes all.

    Raises:
        TypeError, ValueError: there is not one row of weights for each task, or images is no count.
    """
    check_rows(net, weights, tasks)
    rows = [{name: values[i : i + 1] for name, values in weights.items()} for i in range(len(tasks))]
    shares = [share_right(net, row, *first_images(tasks, i, images), tasks.num_classes) for i, row in enumerate(rows)]
    return torch.tensor(shares, dtype=torch.float64, device="cpu")


def share_right(
    net: Network, weights: Weights, x: Tensor, y: Tensor, num_classes: int, statistics: Statistics | None = None
) -> float:
    """Return the share of images that one network reads rightly among the task's classes: weights [1, *shape] each.

    Only the outputs of the task's classes are read, so that chance is 1 / classes for untrained networks too.
    (Learning pushes the other outputs down: from then on, reading all of them says the same.)

    Args:
        statistics: of batch norm, [1, 2, channels] each; None takes those of the images.
    """
    logits = forward_tasks(net, weights, x[None], statistics)[0, :, :num_classes]
    return (logits.argmax(1) == y).sum().item() / len(y)


def check_images_count(images: int | None) -> None:
    """Raise unless it is a number of images, or None for all of them."""
    if images is not None:
        check_whole("images", images)


def first_images(tasks: TaskSuite, i: int, images: int | None) -> tuple[Tensor, Tensor]:
    """Return the first test images of task i and their labels; all of them for None."""
    check_images_count(images)
    if images is None:
        return tasks[i].test.all()
    return tasks[i].test.batch(range(min(images, len(tasks[i].test))))
