"""Experience replay: a few images of each earlier task are kept and shown again (Chaudhry et al. 2019)."""

from collections.abc import Iterator

import torch
from torch import Tensor

from supsup_lite.baselines.dense import OnStep, counting_on, train
from supsup_lite.checks import check_whole
from supsup_lite.data.tasks import TaskSuite, check_suite
from supsup_lite.learning.learn import task_batches
from supsup_lite.masks.weights import Weights, check_learnable, initial_weights
from supsup_lite.networks.network import Network
from supsup_lite.recipes import DEFAULT, Recipe, check_recipe
from supsup_lite.seeding import generator

Images = tuple[Tensor, Tensor]  # images [..., D] and their labels [...]


def train_replay(
    net: Network,
    tasks: TaskSuite,
    images: int,
    seed: int = 0,
    recipe: Recipe = DEFAULT,
    on_step: OnStep | None = None,
) -> list[Weights]:
    """Train one network on one task after the other, replaying kept images: the history, [1, *shape] each.

    As `fine_tune`, with one difference: from the second task on, half of each batch is drawn from the kept images of
    all earlier tasks, each image equally likely. So an update sees no more images than there, and half as many new
    ones. What must be kept grows with k: 784 bytes an image of MNIST, and its label.

    Args:
        images: how many training images of each task are kept, 1 or more; they are drawn at random.
        on_step: as in `fine_tune`.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    check_learnable(net, tasks)
    check_recipe(recipe)
    images, fewest = check_whole("images", images), min(tasks.train_view.sizes)
    if images > fewest:
        raise ValueError(f"images to keep of each task must be at most {fewest}, as many as a task has, got {images}.")
    weights, history, memory = initial_weights(net, 1), [], []
    for i in range(len(tasks)):
        part = tasks[i : i + 1]
        batches = task_batches(part, recipe, seed)
        if memory:
            batches = replayed(batches, _joined(memory), seed, part.numbers[0])
        weights = train(net, weights, batches, recipe, counting_on(on_step, i * recipe.steps))
        history.append(weights)
        memory.append(kept_images(part, images, seed))
    return history


def kept_images(task: TaskSuite, images: int, seed: int) -> Images:
    """Return `images` training images of one task, drawn without replacement: float [m, D] and int64 [m].

    Raises:
        TypeError, ValueError: it is no suite, or images no count.
    """
    check_suite(task)
    images = check_whole("images", images)
    order = generator("replay memory", seed, task.numbers[0]).permutation(task.train_view.sizes[0])
    return task[0].train.batch(order[:images])


def replayed(batches: Iterator[Images], memory: Images, seed: int, task: int) -> Iterator[Images]:
    """Replace the second half of each batch, [1, B, D] and [1, B], by images drawn from the memory."""
    draw, (kept, labels) = generator("replayed images", seed, task), memory
    for x, y in batches:
        new = x.shape[1] - x.shape[1] // 2
        rows = torch.from_numpy(draw.integers(0, len(kept), x.shape[1] - new)).to(kept.device)
        yield torch.cat([x[:, :new], kept[rows][None]], dim=1), torch.cat([y[:, :new], labels[rows][None]], dim=1)


def _joined(memory: list[Images]) -> Images:
    images, labels = zip(*memory, strict=True)
    return torch.cat(images), torch.cat(labels)
