"""HopSupSup: masks over units in a Hopfield store, recalled from images by entropy and energy (SupSup, "HopSupSup")."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_number, check_positive, check_whole
from supsup_lite.data.tasks import TaskSuite, check_suite
from supsup_lite.hopfield.spins import check_store, entropy_at, entropy_gradient, mask_of, spins_of
from supsup_lite.hopfield.store import HopfieldStore
from supsup_lite.masks.apply import Mask
from supsup_lite.masks.fits import check_fits
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.network import Network, check_images
from supsup_lite.seeding import generator

MIXTURE = 0.577  # spread of the majority of three unrelated patterns: sqrt(3) / 3


SLACK = 1.2  # how much higher than on the worst of its own training batches an entropy may be


@dataclass(frozen=True)
class Limits:
    """What a recalled mask may show and still count as recalled.

    Attributes:
        spread: of the fields that hold it (`HopfieldStore.spread`), highest.
        entropy: of the outputs under it, mean over images in nats, highest.
        typical: an entropy at which there is no need to look further.
    """

    spread: float = MIXTURE
    entropy: float = math.inf
    typical: float = 0.0


@dataclass(frozen=True)
class Step:
    """One gradient step of a recall.

    Attributes:
        start: which start it belongs to, 0 for the mean of the masks.
        z: the state after the step, float [d] in -1..1.
        energy: of the state, over d.
        entropy: of the outputs at the state before the step, mean over images in nats.
        candidate: what sign updates make of the state, spins [d].
        candidate_energy, candidate_entropy, spread: of the candidate.
    """

    start: int
    z: Tensor
    energy: float
    entropy: float
    candidate: Tensor
    candidate_energy: float
    candidate_entropy: float
    spread: float


@dataclass(frozen=True)
class Recall:
    """What `recall_mask` found.

    Attributes:
        mask: the recalled mask, or None: not recalled.
        z: the best candidate, spins [d], also where it is not good enough to hand out.
        why: one sentence about how it ended.
        trace: each gradient step.
    """

    mask: Mask | None
    z: Tensor
    why: str
    trace: tuple[Step, ...]

    @property
    def steps(self) -> int:
        """Gradient steps taken."""
        return len(self.trace)

    def distances(self, stored: Tensor) -> Tensor:
        """Return how far the state was from each stored mask after each step, as a share of the units.

        For spins that is the share of units that differ; a state of zeros is at 1/2 from every mask.

        Args:
            stored: masks as spins, float [k, d] (`spins_of`). The Hopfield store itself does not know them one by one.

        Returns:
            float [steps, k].
        """
        states = torch.stack([step.z for step in self.trace])
        return (states[:, None] - stored).abs().mean(-1) / 2


@isolated
@torch.no_grad()
def measure_limits(
    net: Network, store: HopfieldStore, masks: MaskStore, tasks: TaskSuite, batch: int = 128, seed: int = 0
) -> Limits:
    """Return what the stored masks show themselves, with some room: two numbers to keep beside the store.

    The spread may go half way from the most uneven stored mask to a mixture. The entropy may be a third higher than
    on the worst of eight training batches of each task under its own mask.

    Args:
        masks: the masks in the store, while they are still at hand.
        tasks: their tasks, in any order.
        batch: images that a recall will see at once: fewer images, wider limits.

    Raises:
        TypeError, ValueError: net, masks and tasks do not belong together, or the store holds no masks of the network.
    """
    check_suite(tasks)
    positions = check_fits(net, masks, tasks)
    check_store(net, store)
    batch = check_whole("batch", batch, least=2)  # of a single image batch norm knows nothing
    if len(masks) != len(tasks):
        raise ValueError(f"limits are measured on the tasks of all masks, got {len(tasks)} tasks of {len(masks)}.")
    if len(store) < len(masks):
        raise ValueError(f"the store holds {len(store)} patterns, so not all of these {len(masks)} masks.")
    spins = spins_of(masks)
    spread = float(store.spread(spins).max())
    entropies = [0.0]
    for task, z in zip(tasks, spins[list(positions)], strict=True):
        chosen = generator("batches for the limits", seed, task.number).permutation(len(task.train))[: 8 * batch]
        entropies += [float(entropy_at(net, z, x)) for x in task.train.batch(chosen)[0].split(batch) if len(x) > 1]
    typical = sum(entropies) / (len(entropies) - 1)
    return Limits(max(spread, (spread + MIXTURE) / 2), SLACK * max(entropies), typical)


@isolated
@torch.no_grad()
def recall_mask(
    net: Network,
    store: HopfieldStore,
    x: Tensor,
    limits: Limits | None = None,
    *,
    steps: int = 5,
    starts: int = 2,
    rate: float = 1.0,
    energy_weight: float = 0.3,
) -> Recall:
    """Recall the mask of the task that all images come from (SupSup, "HopSupSup").

    A fresh real-valued mask z starts at the mean of the stored ones and goes down, in `steps` steps, a weighted sum of
    output entropy (weight falling) and Hopfield energy (weight rising). Two things make it exact:

    * The entropy's gradient is passed through the couplings before it moves z. Most of it points where no stored mask
      lies; the memory keeps the part that tells its masks apart.
    * After each step, sign updates bring a copy of z to the bottom of its valley. That candidate is handed out as
      soon as it is held evenly and its entropy is low, as `limits` have it. If none is after all steps, another start
      is pushed away from where the last one ended.

    Where no candidate passes, the answer is "not recalled", instead of a wrong mask.

    Args:
        net: the network that the masks belong to, with d units to mask.
        store: its masks.
        x: B images of one task, float [B, ...].
        limits: what counts as recalled (`measure_limits`). None refuses only what is as uneven as a mixture of
            unrelated masks; mixtures of learned ones, which are alike, pass: measure limits to refuse those.
        steps: gradient steps from each start.
        starts: how often to start at most.
        rate: length of a step, where 1 moves a unit by 1 on average (root mean square).
        energy_weight: how much the energy counts at the end, relative to the entropy at the beginning.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    x = _checked(net, store, x, limits, steps, starts, rate, energy_weight)
    rate, energy_weight, limits = float(rate), float(energy_weight), limits or Limits()
    trace: list[Step] = []
    tried = torch.zeros_like(store.mean)
    for start in range(starts):
        z = (store.mean - tried).clamp(-1, 1)
        for step in range(steps):
            entropy, gradient = entropy_gradient(net, z, x)
            late = step / steps
            downhill = (1 - late) * _unit(store.couple(-gradient)) + late * energy_weight * _unit(store.fields(z))
            z = (z + rate * downhill).clamp(-1, 1)
            trace.append(_looked_at(net, store, x, start, z, entropy))
            if trace[-1].spread <= limits.spread and trace[-1].candidate_entropy <= min(limits.typical, limits.entropy):
                found = trace[-1].candidate
                return Recall(mask_of(net, found), found, f"recalled after {len(trace)} steps", tuple(trace))
        tried += trace[-1].candidate / 2
    whole = [step for step in trace if step.spread <= limits.spread]
    best = min(whole or trace, key=lambda step: step.candidate_entropy)
    if whole and best.candidate_entropy <= limits.entropy:
        return Recall(mask_of(net, best.candidate), best.candidate, f"the best of {len(trace)} steps", tuple(trace))
    what = "an entropy higher than stored masks show" if whole else "only mixtures of masks"
    return Recall(None, best.candidate, f"not recalled: {what}, after {len(trace)} steps", tuple(trace))


def _looked_at(net: Network, store: HopfieldStore, x: Tensor, start: int, z: Tensor, entropy: float) -> Step:
    """Return a step with what its candidate shows."""
    candidate = store.recall(z)
    under = float(entropy_at(net, candidate, x))
    d = store.dim
    return Step(start, z, float(store.energy(z)) / d, entropy, candidate, float(store.energy(candidate)) / d, under,
                float(store.spread(candidate)))  # fmt: skip


def _unit(v: Tensor) -> Tensor:
    """Return v with root mean square 1, or as it is where it is 0."""
    size = v.square().mean().sqrt()
    return v / size if size > 0 else v


def _checked(net, store, x, limits, steps, starts, rate, energy_weight) -> Tensor:
    """Return the images (as `check_images` does) if the arguments of `recall_mask` make sense together."""
    x = check_images(net, x)
    check_store(net, store)
    if limits is not None and not isinstance(limits, Limits):
        raise TypeError(f"limits must be Limits, as measure_limits returns them, got {limits!r}.")
    if not len(store):
        raise ValueError("the store is empty: store at least one mask before recalling one.")
    check_whole("steps", steps)
    check_whole("starts", starts)
    check_positive("rate", rate)
    if check_number("energy_weight", energy_weight) < 0:
        raise ValueError(f"energy_weight must be 0 or more, got {energy_weight}.")
    return x
