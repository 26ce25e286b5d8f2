"""Known or new? Two rules: the paper's, on the gradients (SupSup, "Scenario NNs"), and one that needs no tuning."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass
class Record:
    """What a mask has got right lately: `right` of `seen` images, older batches faded by a tenth for each new one."""

    right: float = 0.0
    seen: float = 0.0

    def add(self, right: int, images: int) -> None:
        """Take in one more batch, of which `right` answers were right."""
        self.right, self.seen = 0.9 * self.right + right, 0.9 * self.seen + images

    def evidence(self, right: int, images: int, chance: float) -> float:
        """Return the log of how much likelier this many right answers are by the record than by guessing, in nats.

        Guessing is a coin that falls right with probability `chance`. By the record the coin is unknown, and its
        distribution is Beta(1 + right, 1 + wrong), so that the answers follow the beta-binomial distribution.
        More right answers than the record lets expect are never evidence against it: masks get better.
        """
        a, b = 1 + self.right, 1 + self.seen - self.right
        by_record = _log_beta(a + right, b + images - right) - _log_beta(a, b)
        by_guessing = right * math.log(chance) + (images - right) * math.log1p(-chance)
        better = right * (a + b) >= images * a
        return max(0.0, by_record - by_guessing) if better else by_record - by_guessing

    def knows(self, chance: float) -> float:
        """Return the evidence that all its answers together give, that the mask does not just guess: in nats."""
        return Record().evidence(round(self.right), round(self.seen), chance)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


@dataclass(frozen=True)
class Look:
    """What a rule may look at when it decides about one batch.

    Attributes:
        gradient: dH/dalpha of the k masks and, last, of an untrained one, mean over the batch: float [k + 1].
        records: of the k masks.
        active: the mask in use, or None.
        images: B.
        chance: share of right answers by guessing, 1 / l.
        right: right(i) is how many of the batch mask i gets right.
    """

    gradient: Tensor
    records: Sequence[Record]
    active: int | None
    images: int
    chance: float
    right: Callable[[int], int]


class Rule(Protocol):
    """How to tell known from new. A mask is allocated when `patience` batches in a row are known to nobody."""

    patience: int

    def recognise(self, look: Look) -> int | None:
        """Return the mask to go on with, or None for a batch that nobody knows."""

    def doubts(self, evidence: float) -> bool:
        """Return whether to decide anew amid a block, given the evidence for the mask in use (`Record.evidence`)."""


def nu(gradient: Tensor) -> Tensor:
    """Return nu = softmax(-dH/dalpha), float64 of the gradient's shape (SupSup, "Scenario NNs")."""
    return (-gradient.double()).softmax(-1)


def known_by_nu(gradient: Tensor, eps: float) -> int | None:
    """Return the paper's choice: argmax nu, or None where the masks are about equal: k max nu < 1 + eps.

    Args:
        gradient: dH/dalpha of the candidates, of which the last is untrained: float [k + 1]. All are counted, and
            where the untrained one wins, nobody knows the batch. So the rule works for k = 0 and 1.
        eps: the threshold; the paper has 1/8.
    """
    shares = nu(gradient)
    best = int(shares.argmax())
    uncertain = len(shares) * float(shares[best]) < 1 + eps
    return None if uncertain or best == len(shares) - 1 else best


@dataclass(frozen=True)
class PaperRule:
    """SupSup, "Scenario NNs": at the start of a block, `known_by_nu`; amid a block nothing is asked."""

    eps: float = 1 / 8
    patience: int = 1

    def recognise(self, look: Look) -> int | None:
        """Return the mask that nu prefers, or None where it is flat."""
        return known_by_nu(look.gradient, self.eps)

    def doubts(self, evidence: float) -> bool:
        """Return False: the paper asks at the start of a block alone."""
        return False


@dataclass(frozen=True)
class RecordRule:
    """One-Shot proposes a mask, the labels confirm it: is it right as often as it used to be, or does it guess?

    There is no threshold on gradients, whose size depends on k and on the recipe. `odds` is how much surer than even
    the evidence must be, either way: to take up another mask, and to give up the one in use. In between the mask in use
    goes on. A fresh mask cannot give evidence yet, so for some batches One-Shot is asked every time.
    """

    odds: float = 100.0
    patience: int = 3

    def recognise(self, look: Look) -> int | None:
        """Return the proposed mask or the one in use, whichever the evidence is for; None where it is for neither."""
        proposed = int(look.gradient[:-1].argmin()) if look.records else None
        asked = {i for i in (look.active, proposed) if i is not None}
        right = {i: look.right(i) for i in sorted(asked, key=lambda i: i != look.active)}  # of a tie the first stays
        evidence = {i: look.records[i].evidence(n, look.images, look.chance) for i, n in right.items()}
        sure = [i for i in right if evidence[i] > math.log(self.odds)]
        if sure:
            return max(sure, key=right.get)
        return look.active if evidence.get(look.active, -math.inf) > -math.log(self.odds) else None

    def doubts(self, evidence: float) -> bool:
        """Return whether the evidence for the mask in use falls short of the odds."""
        return evidence <= math.log(self.odds)
