"""Small digits: MNIST in 14 x 14 pixels, few enough for a page that learns from them."""

import torch
import torch.nn.functional as F
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.data.datasets import Images, mnist
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.data.tensors import tasks_of

SIDE = 14  # pixels
TRAIN, TEST = 3000, 500  # images: the first ones of MNIST


@isolated
def small_images() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return training and test images, each as (uint8 [n, 14, 14], labels long [n]): 2 x 2 pixels of MNIST are one."""
    return tuple(_shrunk(half, count) for half, count in zip(mnist("cpu"), (TRAIN, TEST), strict=True))


def _shrunk(half: Images, count: int) -> tuple[Tensor, Tensor]:
    return F.avg_pool2d(half.pixels[:count, None].float(), 2)[:, 0].round().byte(), half.labels[:count]


def small_digits() -> bytes:
    """Return these images as a file for the front end: training, then test images, then all labels, a byte each."""
    parts = [*(pixels for pixels, _ in small_images()), *(labels.byte() for _, labels in small_images())]
    return b"".join(part.numpy().tobytes() for part in parts)


@isolated
def small_tasks(num_tasks: int, seed: int) -> TaskSuite:
    """Return tasks that each shuffle the pixels of small digits, on the CPU.

    A pixel is the root of its brightness, sqrt(v / 255). With the brightness itself, a whole number, the weights +c and
    -c of a unit often cancel out exactly. Then its ReLU opens or not by the rounding of sums, which is another in torch
    and on the page, and the two soon learn different masks.
    """
    (x, y), (x_test, y_test) = small_images()
    roots = [torch.sqrt(pixels.float() / 255) for pixels in (x, x_test)]
    arguments = roots[0], y, roots[1], y_test, "permuted"
    return tasks_of(*arguments, num_tasks=num_tasks, seed=seed, name="small digits", device="cpu")
