"""Training images that are set aside: what a learner may choose by, without ever seeing a test image."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from supsup_lite.data.tasks import TaskSuite
from supsup_lite.data.views import View
from supsup_lite.seeding import generator


def set_aside(tasks: TaskSuite, images: int, seed: int) -> TaskSuite:
    """Return the same tasks, with some of each task's training images in place of its test images.

    What is set aside is no longer among the training images. The tasks keep their identities, so masks that were
    learned on what is left belong to the whole tasks, too.

    Args:
        images: how many of each task, drawn by (seed, task number).

    Raises:
        ValueError: some task has not more training images than that.
    """
    view, aside, left = tasks.train_view, [], []
    if not 0 < images < min(view.sizes):
        raise ValueError(f"images to set aside must be in 1..{min(view.sizes) - 1}, got {images}.")
    for i, (number, size) in enumerate(zip(tasks.numbers, view.sizes, strict=True)):
        order = torch.from_numpy(generator("set aside", seed, number).permutation(size)).to(tasks.device)
        members = order if view.members is None else view.members[i, order]
        aside.append(members[:images])
        left.append(members[images:])
    return replace(tasks, train_view=_seen(view, left), test_view=_seen(view, aside))


def _seen(view: View, members: list[Tensor]) -> View:
    return replace(view, sizes=tuple(map(len, members)), members=pad_sequence(members, batch_first=True))
