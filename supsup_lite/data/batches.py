"""The order of the images: which of them each training step sees."""

import math

import numpy as np
import torch
from torch import Tensor

from supsup_lite.checks import check_whole
from supsup_lite.data.tasks import TaskSuite, check_suite
from supsup_lite.devices import check_memory
from supsup_lite.seeding import generator


def batch_order(tasks: TaskSuite, steps: int, batch: int, seed: int) -> Tensor:
    """Return which images each step sees: int32 [k, steps, batch], whole shuffled epochs, on the suite's device.

    The order of a task depends on (seed, task number) alone. Half the usual 8 bytes an index: many tasks have many.
    Where training images are varied, each index also says in which variant, drawn anew for each step (`View`).

    Raises:
        TypeError, ValueError: tasks are no suite, or steps, batch or seed make no sense, or there is not
            the memory for so many.
    """
    check_suite(tasks)
    steps, batch = check_whole("steps", steps), check_whole("batch", batch)
    what = f"an order of {len(tasks)} x {steps:,} batches of {batch:,} images"
    check_memory(what, 12 * len(tasks) * steps * batch, torch.device("cpu"))
    variants = tasks.train_view.variants
    orders = []
    for number, size in zip(tasks.numbers, tasks.train_view.sizes, strict=True):
        draw = generator("batches", seed, number)
        wanted = steps * batch
        epochs = [draw.permutation(size) for _ in range(math.ceil(wanted / size))]
        order = np.concatenate(epochs)[:wanted].reshape(steps, batch)
        if variants > 1:
            order += size * generator("variants", seed, number).integers(0, variants, order.shape)
        orders.append(order.astype(np.int32))
    return torch.from_numpy(np.stack(orders)).to(tasks.device)
