"""Exercises of lesson 04b: steps around a circle of tasks, how many images it takes, and overconfidence."""

import torch
from torch import Tensor

from supsup_lite.exercises import Wrong, check_for, must_equal

# --- 1: steps around the circle --------------------------------------------------------------------------------------


def steps_apart(inferred: Tensor, task: Tensor, k: int) -> Tensor:
    """Return how many steps lie between two tasks on a circle of k, the shorter way round.

    Args:
        inferred, task: long [B], in 0..k-1.
        k: tasks on the circle; after the last comes the first.

    Returns:
        long [B], in 0..k // 2.
    """
    steps = (inferred - task) % k
    return torch.minimum(steps, k - steps)


@check_for(
    steps_apart, "350 degrees and 0 degrees are neighbours. Now an error of one step can be told from a wild one."
)
def check_steps_apart(attempt):
    """Check `steps_apart`: both ways round, the same task, and circles of odd and even length."""
    cases = [
        ([3], [5], 36),
        ([5], [3], 36),
        ([0], [35], 36),  # neighbours across 0
        ([35, 0, 18, 7], [0, 18, 0, 7], 36),
        ([0, 1, 2, 3, 4], [4, 4, 4, 4, 4], 5),
        ([0, 0], [1, 0], 2),
        ([0], [0], 1),
    ]
    for inferred, task, k in cases:
        given = f"inferred {inferred}, task {task}, k = {k}"
        must_equal(
            attempt(torch.tensor(inferred), torch.tensor(task), k),
            steps_apart(torch.tensor(inferred), torch.tensor(task), k),
            given,
        )


# --- 2: how many images it takes -------------------------------------------------------------------------------------


def images_needed(values: Tensor, task: int) -> int:
    """Return the smallest n such that the mean of the first m images finds the task for every m >= n.

    Args:
        values: entropies or gradients of B images of one task, float [B, k]; the lowest wins.
        task: which of the k masks is right.

    Returns:
        n in 1..B, or B + 1 when not even all B images together find it.
    """
    winners = values.cumsum(0).argmin(1)  # a sum and a mean have their minimum at the same place
    wrong = (winners != task).nonzero()
    return 1 if not len(wrong) else int(wrong[-1]) + 2


@check_for(images_needed, "Images of one task add up, and their errors cancel: that is why the paper uses 128 images.")
def check_images_needed(attempt):
    """Check `images_needed`: means instead of votes, a lucky first image, and a task that is never found."""
    cases = [
        ([[-1.0, 0.0]], 0),
        ([[-1.0, 0.0]], 1),
        ([[0.0, -1.0], [-3.0, 0.0]], 0),
        ([[-1.0, 0.0], [0.0, -3.0], [-3.0, 0.0]], 0),  # the first was luck
        ([[0.0, -1.0], [0.0, -1.0], [-9.0, 0.0]], 0),  # two votes to one, but the mean says 0
        ([[-9.0, 0.0], [0.0, -1.0], [0.0, -1.0]], 0),
        ([[0.0, -1.0, 2.0], [0.5, 0.0, -3.0], [0.0, -1.0, -1.0]], 2),
        ([[-1.0, 0.0], [-1.0, 0.0], [0.0, -5.0]], 0),  # lost at the very end
    ]
    for rows, task in cases:
        values = torch.tensor(rows)
        want = images_needed(values, task)
        got = attempt(values, task)
        if isinstance(got, float) and not got.is_integer():
            raise Wrong(f"expected a whole number of images, got {got}.")
        must_equal(got, want, f"values {rows}, task {task}")
    values = torch.cos(torch.arange(128.0 * 36) * 37).view(128, 36)
    for task in (0, 17, 35):
        got = attempt(values, task)
        must_equal(got, images_needed(values, task), f"128 images, 36 masks, task {task}")


# --- 3: overconfidence -----------------------------------------------------------------------------------------------


def overconfidence(logits: Tensor, y: Tensor) -> float:
    """Return the mean probability of the answers that are given minus the share of them that are right: -1..1.

    0 for a network that is right as often as it says; well calibrated, as the paper calls it in section 5.

    Args:
        logits: float [B, s], of any size.
        y: long [B], the right answers.
    """
    confidence, answers = logits.softmax(1).max(1)
    return (confidence.mean() - (answers == y).float().mean()).item()


@check_for(overconfidence, "0 is a network that knows how much it knows; near 1 is one that is sure and wrong.")
def check_overconfidence(attempt):
    """Check `overconfidence`: sure and wrong, sure and right, unsure and right, and logits that are very large."""
    cases = [
        ([[0.0, 0.0]], [0]),  # unsure, and right
        ([[0.0, 9.0]], [0]),  # sure, and wrong
        ([[9.0, 0.0]], [0]),  # sure, and right
        ([[2.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.5, 3.0]], [1, 1, 0]),
        ([[1000.0, 0.0], [0.0, -1000.0]], [1, 0]),  # exp(1000) is too large for a float
        ([[-1.0, -2.0, -3.0, -1.5]], [3]),
    ]
    for rows, right in cases:
        logits, y = torch.tensor(rows), torch.tensor(right)
        must_equal(attempt(logits, y), overconfidence(logits, y), f"logits {rows}, y {right}")
