"""How the mask for an image is chosen where masks are unevenly sure, and cures by images that no mask learned from."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from supsup_lite.inference.objectives import objective_of

TEMPERATURES = tuple(2 ** (i / 4) for i in range(-24, 13))


@dataclass(frozen=True, eq=False)
class Seen:
    """What k masks say of n images.

    Attributes:
        logits: of each mask by itself, [n, k, s].
        entropy, superfluous: votes of One-Shot, d H / d alpha and d G / d alpha, [n, k]; no G without such outputs.
        task, label: what each image is, long [n].
    """

    logits: Tensor
    entropy: Tensor
    superfluous: Tensor | None
    task: Tensor
    label: Tensor

    def of_true_task(self, values: Tensor) -> Tensor:
        """Return of values [n, k, ...] those of the mask of each image's task, [n, ...]."""
        return values[torch.arange(len(self.task), device=values.device), self.task]


def entropies(logits: Tensor) -> Tensor:
    """Return the entropy of each mask's output, [n, k] of logits [n, k, s]."""
    return objective_of(logits.flatten(0, 1), "entropy").view(logits.shape[:2])


def relative(votes: Tensor) -> Tensor:
    """Return each image's votes over its largest, [n, k]: how loud an image votes is no matter of the mask."""
    return votes / votes.abs().amax(1, keepdim=True)


def decades(logits: Tensor) -> Tensor:
    """Return the logarithm of the entropies, [n, k]: they span decades, and the sure ones would not count."""
    return entropies(logits).clamp_min(torch.finfo(logits.dtype).tiny).log()


def against_own(said: Tensor, before: Tensor, task: Tensor) -> Tensor:
    """Return what is said of each mask, less the mean of what its own images said before, over their spread. [n, k]."""
    of_task = [before[task == i, i] for i in range(before.shape[1])]
    return (said - torch.stack([values.mean() for values in of_task])) / torch.stack(
        [values.std() for values in of_task]
    )


def against_all(said: Tensor, before: Tensor) -> Tensor:
    """Return what is said of each mask, less the mean of what all tasks' images said before, over their spread."""
    return (said - before.mean(0)) / before.std(0)


def temperatures(known: Seen, shared_by: int = 1) -> Tensor:
    """Return for each mask the temperature of the least cross-entropy on its own images, [k].

    Args:
        shared_by: how many masks that follow one another share a temperature. A mask by itself that is never wrong on
            its images wants 0.
    """
    logits, best = known.of_true_task(known.logits), []
    for group in (known.task // shared_by).unique():
        chosen = known.task // shared_by == group
        losses = [F.cross_entropy(logits[chosen] / value, known.label[chosen]).item() for value in TEMPERATURES]
        best += [TEMPERATURES[losses.index(min(losses))]] * shared_by
    return torch.tensor(best, device=logits.device)


def of_halves(known: Seen) -> Tensor:
    """Return for each mask the temperature of its half of the masks, [k]."""
    return temperatures(known, shared_by=known.logits.shape[1] // 2)


# Each takes what is seen, and what the images set aside said, and returns [n, k]: the lowest is the mask to choose.
Rule = Callable[[Seen, Seen], Tensor]
UNCURED: dict[str, Rule] = {
    "One-Shot": lambda seen, known: seen.entropy,
    "every mask": lambda seen, known: entropies(seen.logits),
}
CURES: dict[str, Rule] = {
    "One-Shot, G": lambda seen, known: seen.superfluous,
    "One-Shot, own": lambda seen, known: against_own(relative(seen.entropy), relative(known.entropy), known.task),
    "One-Shot, all": lambda seen, known: against_all(relative(seen.entropy), relative(known.entropy)),
    "every mask, temperatures": lambda seen, known: entropies(seen.logits / temperatures(known)[:, None]),
    "every mask, temperature of its half": lambda seen, known: entropies(seen.logits / of_halves(known)[:, None]),
    "every mask, own": lambda seen, known: against_own(decades(seen.logits), decades(known.logits), known.task),
    "every mask, all": lambda seen, known: against_all(decades(seen.logits), decades(known.logits)),
}
