"""Every check of lesson 04b accepts its reference, knows a stub, and rejects what a learner may well write."""

import torch

from supsup_lite.exercises import similar_tasks as ex
from tests.every_exercise import EveryExercise

CHECKS = {
    "steps_apart": ex.check_steps_apart,
    "images_needed": ex.check_images_needed,
    "overconfidence": ex.check_overconfidence,
}


def by_votes(gradients, task):
    winners = gradients.argmin(1)
    right = [(winners[:m] == task).sum() > m / 2 for m in range(1, len(gradients) + 1)]
    return max((m + 1 for m, ok in enumerate(right, 1) if not ok), default=1)


def first_success(gradients, task):
    """Takes the first lucky prefix."""
    hits = (gradients.cumsum(0).argmin(1) == task).nonzero()
    return int(hits[0]) + 1 if len(hits) else len(gradients) + 1


def uphill(gradients, task):
    return ex.images_needed(-gradients, task)


def images_by_loop(values, task):
    needed = 1
    for m in range(1, len(values) + 1):
        if int(values[:m].mean(0).argmin()) != task:
            needed = m + 1
    return needed


def images_from_behind(values, task):
    right = (values.cumsum(0).argmin(1) == task).tolist()
    while right and right[-1]:
        right.pop()
    return len(right) + 1


def images_by_means(values, task):
    counts = torch.arange(1, len(values) + 1)
    winners = (values.cumsum(0) / counts[:, None]).argmin(1)
    return int((counts * (winners != task)).max()) + 1


def steps_by_list(inferred, task, k):
    pairs = zip(inferred.tolist(), task.tolist(), strict=True)
    return torch.tensor([min(abs(i - j), k - abs(i - j)) for i, j in pairs])


def steps_by_stack(inferred, task, k):
    return torch.stack([(inferred - task) % k, (task - inferred) % k]).amin(0)


def steps_by_middle(inferred, task, k):
    return ((inferred - task + k // 2) % k - k // 2).abs()


def overconfidence_by_loop(logits, y):
    total = 0.0
    for row, label in zip(logits, y, strict=True):
        pi = torch.softmax(row, dim=0)
        total += pi.max().item() - float(int(pi.argmax()) == int(label))
    return total / len(y)


def overconfidence_by_logarithms(logits, y):
    confidence = (logits.amax(1) - logits.logsumexp(1)).exp()
    return (confidence - logits.argmax(1).eq(y).to(logits.dtype)).mean()


def overconfidence_by_numbers(logits, y):
    pi = logits.double().softmax(-1)
    return float(pi.max(-1).values.mean()) - int((pi.argmax(-1) == y).sum()) / len(y)


def by_exponentials(logits, y):
    """Overflows."""
    pi = logits.exp() / logits.exp().sum(1, keepdim=True)
    return (pi.max(1).values.mean() - (pi.argmax(1) == y).float().mean()).item()


def of_the_label(logits, y):
    """Asks how sure the network is of the right answer, not of its own."""
    pi = logits.softmax(1)
    return (pi.gather(1, y[:, None]).mean() - (pi.argmax(1) == y).float().mean()).item()


RIGHT = {
    "steps_apart": [steps_by_list, steps_by_stack, steps_by_middle],
    "images_needed": [images_by_loop, images_from_behind, images_by_means],
    "overconfidence": [overconfidence_by_loop, overconfidence_by_logarithms, overconfidence_by_numbers],
}

WRONG = {
    "steps_apart": [
        lambda i, j, k: (i - j).abs(),  # the long way round
        lambda i, j, k: (i - j) % k,
        lambda i, j, k: ex.steps_apart(i, j, 36),
        lambda i, j, k: ex.steps_apart(i, j, k).float(),
        lambda i, j, k: ex.steps_apart(i, j, k)[:, None],
        lambda i, j, k: 10 * ex.steps_apart(i, j, k),  # degrees
        lambda i, j, k: ex.steps_apart(i.sub_(1), j, k),
    ],
    "images_needed": [
        by_votes,
        first_success,
        uphill,
        lambda g, task: ex.images_needed(g, task) - 1,
        lambda g, task: min(ex.images_needed(g, task), len(g)),
        lambda g, task: ex.images_needed(g, task) == 1,
        lambda g, task: ex.images_needed(g.cumsum_(0), task),
        lambda g, task: ex.images_needed(g, task) + 0.5,
    ],
    "overconfidence": [
        by_exponentials,
        of_the_label,
        lambda p, y: -ex.overconfidence(p, y),
        lambda p, y: abs(ex.overconfidence(p, y)),
        lambda p, y: ex.overconfidence(p, y) * len(y),
        lambda p, y: ex.overconfidence(p.T, y),
        lambda p, y: p.softmax(1).max(1).values - (p.argmax(1) == y).float(),  # one for each image
        lambda p, y: ex.overconfidence(p, 0 * y),
    ],
}


class TestEveryExercise(EveryExercise):
    CHECKS, RIGHT, WRONG = CHECKS, RIGHT, WRONG
