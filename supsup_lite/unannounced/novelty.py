"""Known or new? Two rules: the paper's, on the gradients (SupSup, "Scenario NNs"), and one that needs no tuning."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from supsup_lite.checks import check_number, check_positive, check_whole, is_dense


@dataclass
class Record:
    """What a mask has got right lately: `right` of `seen` images, older batches faded by a tenth for each new one."""

    right: float = 0.0
    seen: float = 0.0

    def add(self, right: int, images: int) -> None:
        """Take in one more batch, of which `right` answers were right."""
        self.right, self.seen = 0.9 * self.right + right, 0.9 * self.seen + images

    def plus(self, right: int, images: int) -> "Record":
        """Return the record after one more batch, as `add` makes it; this one stays as it is."""
        later = Record(self.right, self.seen)
        later.add(right, images)
        return later

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
        gradient: dH/dalpha of the k masks and, last, of the u untrained ones that the rule asks for, mean over the
            batch: float [k + u].
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


@runtime_checkable
class Rule(Protocol):
    """How to tell known from new. A mask is allocated when `patience` batches in a row are known to nobody."""

    patience: int

    def untrained(self, k: int) -> int:
        """Return u, how many untrained masks are candidates beside the k masks."""

    def recognise(self, look: Look) -> int | None:
        """Return the mask to go on with, or None for a batch that nobody knows."""

    def doubts(self, evidence: float) -> bool:
        """Return whether to decide anew amid a block, given the evidence for the mask in use (`Record.evidence`)."""


def nu(gradient: Tensor) -> Tensor:
    """Return nu = softmax(-dH/dalpha), float64 of the gradient's shape (SupSup, "Scenario NNs").

    Raises:
        TypeError, ValueError: the gradient is no float tensor [..., k], k 1 or more, or not finite.
    """
    if not is_dense(gradient) or not gradient.is_floating_point() or not gradient.numel() * gradient.ndim:
        kind = f"{gradient.dtype} {list(gradient.shape)}" if isinstance(gradient, Tensor) else type(gradient).__name__
        raise TypeError(f"a gradient must be a dense float tensor [..., k], got {kind}.")
    if not gradient.isfinite().all():
        raise ValueError("a gradient must be finite numbers, got NaN or infinity among them.")
    return (-gradient.double()).softmax(-1)


def known_by_nu(gradient: Tensor, eps: float, untrained: int = 1) -> int | None:
    """Return the paper's choice: argmax nu, or None where the masks are about equal: k max nu < 1 + eps.

    Args:
        gradient: dH/dalpha of the candidates, the untrained ones last: float [k + u]. All are counted, and where an
            untrained one wins, nobody knows the batch.
        eps: the threshold; the paper has 1/8.
        untrained: u.

    Raises:
        TypeError, ValueError: one of them makes no sense.
    """
    eps, untrained = check_number("eps", eps), check_whole("untrained", untrained, least=0)
    shares = nu(gradient)
    if shares.ndim != 1:
        raise ValueError(f"one batch is decided at a time, by a gradient [k + u], got {list(shares.shape)}.")
    best = int(shares.argmax())
    uncertain = len(shares) * float(shares[best]) < 1 + eps
    return None if uncertain or best >= len(shares) - untrained else best


@dataclass(frozen=True)
class PaperRule:
    """SupSup, "Scenario NNs": at the start of a block, `known_by_nu`; amid a block nothing is asked.

    One mask has nobody to be compared with: its nu is 1 whatever it sees. So the authors' program counts max(k, 5)
    candidates, of which those beyond k are untrained masks. More of them tell one mask's own task from a foreign one
    the better: k max nu of a foreign batch comes nearer to 1.

    Attributes:
        eps: the threshold, above 0.
        candidates: nu is over max(k, candidates) masks, 2 or more. None adds one untrained mask to the k, whatever
            k is.
        patience: batches in a row that nobody knows until a mask is allocated.

    Raises:
        TypeError, ValueError: one of them makes no sense.
    """

    eps: float = 1 / 8
    candidates: int | None = 5
    patience: int = 1

    def __post_init__(self):
        object.__setattr__(self, "eps", check_positive("eps", self.eps))
        object.__setattr__(self, "patience", check_whole("patience", self.patience))
        if self.candidates is not None:
            object.__setattr__(self, "candidates", check_whole("candidates", self.candidates, least=2))

    def untrained(self, k: int) -> int:
        """Return how many untrained masks fill the candidates up: max(k, candidates) - k, or 1 for None."""
        return 1 if self.candidates is None else max(0, self.candidates - k)

    def recognise(self, look: Look) -> int | None:
        """Return the mask that nu prefers, or None where it is flat."""
        return known_by_nu(look.gradient, self.eps, len(look.gradient) - len(look.records))

    def doubts(self, evidence: float) -> bool:
        """Return False: the paper asks at the start of a block alone."""
        return False


@dataclass(frozen=True)
class RecordRule:
    """One-Shot proposes a mask, the labels confirm it: is it right as often as it used to be, or does it guess?

    There is no threshold on gradients, whose size depends on k and on the recipe. `odds` is how much surer than even
    the evidence must be, either way: to take up another mask, and to give up the one in use. In between the mask in use
    goes on. A fresh mask cannot give evidence yet, so for some batches One-Shot is asked every time.

    Attributes:
        odds: 1 or more.
        patience: batches in a row that nobody knows until a mask is allocated.

    Raises:
        TypeError, ValueError: one of them makes no sense.
    """

    odds: float = 100.0
    patience: int = 3

    def __post_init__(self):
        object.__setattr__(self, "odds", check_positive("odds", self.odds))
        object.__setattr__(self, "patience", check_whole("patience", self.patience))
        if self.odds < 1:
            raise ValueError(f"odds must be 1 or more, how much surer than even, got {self.odds:g}.")

    def untrained(self, k: int) -> int:
        """Return 1: the mask that would come next."""
        return 1

    def recognise(self, look: Look) -> int | None:
        """Return the proposed mask or the one in use, whichever the evidence is for; None where it is for neither."""
        proposed = int(look.gradient[: len(look.records)].argmin()) if look.records else None
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


def check_rule(rule: Rule) -> None:
    """Raise TypeError unless it is a rule."""
    if isinstance(rule, type) or not isinstance(rule, Rule):
        given = rule.__name__ if isinstance(rule, type) else repr(rule)
        raise TypeError(f"rule must be a rule such as RecordRule() or PaperRule(eps=1 / 8), got {given}.")
