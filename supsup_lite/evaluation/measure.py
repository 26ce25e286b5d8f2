"""One ruler for masks and all their rivals: the accuracy on each task, and the bytes that it takes to keep them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.baselines.kept import Kept
from supsup_lite.data.tasks import TaskSuite, check_suite
from supsup_lite.evaluation.accuracy import first_images, share_right


@dataclass(frozen=True, eq=False)
class Measured:
    """What `measure` found of one method.

    Attributes:
        per_task: accuracy on each task, float64 [k].
        nbytes: of all k tasks together.
        steps: updates over all tasks.
        n: test images, over all tasks.
    """

    per_task: Tensor
    nbytes: int
    steps: int
    n: int

    @property
    def accuracy(self) -> float:
        """Mean over the tasks."""
        return self.per_task.mean().item()

    def __repr__(self) -> str:
        return (
            f"<{len(self.per_task)} tasks: accuracy {self.accuracy:.4f}, {self.nbytes:,} bytes, {self.steps:,} steps>"
        )


@isolated
@torch.no_grad()
def measure(kept: Kept, tasks: TaskSuite, images: int | None = None) -> Measured:
    """Measure what a method has kept of k tasks: accuracy where the task is given (GG), and bytes.

    Args:
        kept: what the method returned: `Kept`, in any of its kinds.
        tasks: the k tasks that it was trained on, in their order.
        images: how many test images of each task, from the first on; None takes all.

    Raises:
        TypeError, ValueError: it is none, or of other tasks, or images is no count.
    """
    if not isinstance(kept, Kept):
        raise TypeError(f"kept must be what a method keeps, such as train_psp(...), got {type(kept).__name__}.")
    check_suite(tasks)
    if tasks.identities != kept.identities:
        raise ValueError(f"{kept!r} was trained on other tasks than {tasks!r}, or in another order: give its own.")
    shares, n = [], 0
    for i in range(len(tasks)):
        weights, statistics = (
            None if tensors is None else {name: values[None] for name, values in tensors.items()}
            for tensors in (kept.weights(i), kept.statistics(i))
        )
        x, y = first_images(tasks, i, images)
        shares.append(share_right(kept.net, weights, x, y, tasks.num_classes, statistics))
        n += len(y)
    return Measured(torch.tensor(shares, dtype=torch.float64, device="cpu"), kept.nbytes, kept.steps, n)
