"""The learning explorer: a page that learns masks of a small network, task after task (lessons 00, 02 and 03)."""

import functools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
import traitlets

from supsup_lite.data.tasks import TaskSuite
from supsup_lite.evaluation.accuracy import accuracy
from supsup_lite.explorers.base import Explorer, limited, module
from supsup_lite.explorers.messages import check_request
from supsup_lite.explorers.stored.small import SIDE, small_images, small_tasks
from supsup_lite.learning.learn import learn_all_masks
from supsup_lite.masks.bits import unpack_bits
from supsup_lite.masks.origin import Learned
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.mlp import MLP, mlp
from supsup_lite.plots import image_grid, svg_of
from supsup_lite.recipes import Recipe

WIDTHS = (SIDE**2, 160, 64, 20)
CLASSES = 10
STEPS, BATCH = 150, 64  # of each task
TASKS = 10  # at most
RULES = ("threshold", "edge-popup")
RATES = (0.001, 0.003, 0.01, 0.03)
SPARSITIES = range(5, 100, 5)  # percent, for edge-popup


@dataclass(frozen=True)
class PageMask:
    """How the page learned a mask: of which task, and with which settings."""

    rule: str
    sparsity: int
    rate: float
    seed: int
    task: int

    def recipe(self) -> Recipe:
        """Return the recipe of the page's training."""
        return Recipe(STEPS, BATCH, "adam", self.rate)

    def keep(self) -> float | None:
        """Return the density to give to `learn_masks`."""
        return (100 - self.sparsity) / 100 if self.rule == "edge-popup" else None


class Learning(Explorer):
    """Press Learn, and the page itself learns: masks of a frozen network, or its weights, task after task.

    All is computed in the browser. From the same seed it draws the numbers that Python draws, so `learn_masks` and
    `baselines.fine_tune` learn the same as the page, up to the rounding of sums. In a running notebook each mask that
    the page has learned comes to Python.

    Attributes:
        trained: "masks", or "weights" to see the same network forget.
        rule: which scores keep an edge: "threshold" those of 0 or more, "edge-popup" the largest.
        sparsity: percent of each layer's edges that edge-popup removes.
        rate: the learning rate (Adam).
        seed: of the network, the tasks, the scores and the order of the images.
        short: show the controls and charts that a first look needs, and no more.
        accuracy: the front end's finding: the share of 500 test images that it reads rightly now, for each task.
        net, tasks, masks: the network, the tasks, and what the page learned, as Python has them: those of the last
            run that finished a task with a mask.
    """

    _esm = module("learning")
    heights = (1682, 1267, 1267)
    short_heights = (955, 789, 789)
    files = ("small-digits",)

    trained = traitlets.Enum(("masks", "weights"), "masks").tag(sync=True)
    rule = traitlets.Enum(RULES, "threshold").tag(sync=True)
    sparsity = traitlets.Int(50).tag(sync=True)
    rate = traitlets.Float(0.003).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    short = traitlets.Bool(False).tag(sync=True)
    accuracy = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(self, **traits):
        super().__init__(**traits)
        self._begin(PageMask(self.rule, self.sparsity, self.rate, self.seed, 0))

    _limited = limited("sparsity", "rate", "seed")

    def limits(self) -> dict[str, Sequence]:
        numbers = {"sparsity": SPARSITIES, "rate": RATES, "seed": range(100), "task": range(TASKS)}
        return numbers | {"rule": RULES}

    @property
    def net(self) -> MLP:
        """The network whose masks the page learned."""
        return self.masks.net

    @property
    def recipe(self) -> Recipe:
        """How it learned them, so that `learn_masks` can learn the same."""
        return self.masks.learned.recipe

    def _begin(self, first: PageMask) -> None:
        """Make room for the masks of a run."""
        learned = Learned(CLASSES, first.keep(), first.recipe(), first.seed)
        self.tasks: TaskSuite = small_tasks(TASKS, first.seed)
        self.masks = MaskStore(network(first.seed), learned=learned)

    def receive(self, content: Any, buffers: Sequence[bytes | memoryview]) -> None:
        """Put a mask that the page learned into `masks`. That of task 0 begins a new store."""
        found = check_request(PageMask, content, self.limits(), "A mask")
        net = network(found.seed)
        mask = mask_of(net, buffers, found.keep())
        if found.task == 0:
            self._begin(found)
        learned = Learned(CLASSES, found.keep(), found.recipe(), found.seed)
        if found.task != len(self.masks) or learned != self.masks.learned:
            raise ValueError(
                f"The mask of task {found.task} does not go on from the {len(self.masks)} masks that Python has, "
                f"got {asdict(found)}: reset, and learn again from task 0."
            )
        self.masks.append(mask, self.tasks.identities[found.task])

    def draw_still(self) -> str:
        shown = PageMask(self.rule, self.sparsity, self.rate, self.seed, 0)
        (train, _), _ = small_images()
        kept, share = _first_mask(shown)
        shuffle = small_tasks(1, self.seed).train_view.permutations[0]
        digit = train[0].flatten().float() / 255
        pictures = torch.stack([digit, digit[shuffle], kept]).view(3, SIDE, SIDE)
        alt = f"After {STEPS} steps the network under the mask of task 0 reads {share:.1%} of 500 test digits."
        return svg_of(image_grid(pictures, ["a digit", "as task 0 sees it", "edges kept"], size=1.6), alt)


def network(seed: int) -> MLP:
    """Return the network that the page has: on the CPU."""
    return mlp(WIDTHS, seed, "cpu")


def mask_of(net: MLP, buffers: Sequence[bytes | memoryview], keep: float | None) -> dict[str, torch.Tensor]:
    """Return a mask from its bits: bit j of byte i is weight 8 i + j, and each layer fills whole bytes.

    Raises:
        ValueError: there are too few or too many bits, or not as many ones in a layer as edge-popup keeps.
    """
    sizes = {name: weight.numel() for name, weight in net.weights().items()}
    wanted = sum(math.ceil(n / 8) for n in sizes.values())
    if len(buffers) != 1 or len(content := bytes(buffers[0])) != wanted:
        raise ValueError(f"A mask of {net!r} comes as {wanted:,} bytes, got {[len(part) for part in buffers]}.")
    rows = torch.frombuffer(bytearray(content), dtype=torch.uint8).split([math.ceil(n / 8) for n in sizes.values()])
    mask = {}
    for (name, n), row in zip(sizes.items(), rows, strict=True):
        mask[name] = unpack_bits(row[None], n)[0].view(net.weights()[name].shape)
        kept = int(mask[name].sum())
        if keep is not None and kept != round(keep * n):
            raise ValueError(f"Edge-popup keeps {round(keep * n):,} edges of {name} at {keep:.0%}, got {kept:,}.")
    return mask


@functools.lru_cache(maxsize=8)
def _first_mask(how: PageMask) -> tuple[torch.Tensor, float]:
    """Return for each pixel the share of its edges that the first task's mask keeps, [196], and its accuracy."""
    net, tasks = network(how.seed), small_tasks(1, how.seed)
    masks = learn_all_masks(net, tasks, how.keep(), how.seed, recipe=how.recipe())
    kept = torch.zeros(SIDE**2, dtype=torch.float32, device="cpu")
    kept[tasks.train_view.permutations[0]] = masks[0]["fc1.weight"].float().mean(0)
    weights = {name: weight[None] * masks[0][name] for name, weight in net.weights().items()}
    return kept, accuracy(net, weights, tasks).item()
