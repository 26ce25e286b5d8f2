"""The mask explorer: sparsity, layer and training step, and the mask, its accuracy and its bytes (lesson 02)."""

import time
import zlib
from collections.abc import Callable, Sequence

import torch
import traitlets
from torch import Tensor

from supsup_lite.data.tasks import TaskSuite
from supsup_lite.explorers.base import Explorer, limited, module
from supsup_lite.explorers.mask_numbers import SIDE, SparsityRequest, accuracy_under, check_sparsities, shapes_of
from supsup_lite.learning.learn import learn_all_masks
from supsup_lite.masks.apply import Mask
from supsup_lite.masks.bits import pack_bits
from supsup_lite.masks.edge_popup import masks_of, random_mask
from supsup_lite.networks.network import Network
from supsup_lite.plots import svg_of
from supsup_lite.plots.masks import mask_and_hill
from supsup_lite.recipes import DEFAULT, Recipe, check_recipe

SPARSITIES = (0, 2, 10, 30, 50, 70, 90, 95, 100)
MOMENTS = (0, 0.02, 0.05, 0.15, 0.3, 0.6, 1)  # shares of the recipe's steps
IMAGES = 1000  # of the test set, to measure accuracy


class Masks(Explorer):
    """Move the sparsity and the training step, and see how a mask looks, how well it reads, and what it costs.

    It learns one mask for each sparsity when it is made. In a running notebook it learns at any other, too.

    Args:
        net: the base network.
        tasks: a suite; its first task is learned. Its images have 28 x 28 pixels.
        recipe: how.
        sparsities: percent of each layer's weights that are removed.

    Attributes:
        sparsity, step, layer: what is shown; step is a position in `steps`, layer in `shapes`.
        steps: training steps after which a mask was kept.
        shapes: for each layer its name, outputs and inputs.
        learned: for each sparsity the accuracy and the kept edges of each of these masks, and a random mask's accuracy.
        pictures: for each sparsity the masks at these steps, as `pictures_of` packs them.
        seconds: how long one mask took to learn here, the slowest of the first ones.

    Raises:
        ValueError: a sparsity is not a whole percentage, or the images are of another size.
    """

    _esm = module("masks")
    heights = (1225, 1418, 771)
    Request = SparsityRequest

    sparsity = traitlets.Int(90).tag(sync=True)
    step = traitlets.Int().tag(sync=True)
    layer = traitlets.Int().tag(sync=True)
    steps = traitlets.List(traitlets.Int()).tag(sync=True)
    shapes = traitlets.List().tag(sync=True)
    learned = traitlets.Dict().tag(sync=True)
    pictures = traitlets.Dict().tag(sync=True)
    seconds = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        net: Network,
        tasks: TaskSuite,
        recipe: Recipe = DEFAULT,
        sparsities: Sequence[int] = SPARSITIES,
        **traits,
    ):
        shapes = shapes_of(net, tasks)
        check_recipe(recipe)
        sparsities, shown = check_sparsities(sparsities, traits.pop("sparsity", None), usual=90)
        self._net, self._task, self._recipe = net, tasks[:1], recipe
        steps = moments(recipe)
        results, seconds = {}, 0.0
        for sparsity in sparsities:
            began = time.monotonic()
            results[str(sparsity)] = self._learn_one(sparsity)
            seconds = max(seconds, time.monotonic() - began)
        super().__init__(
            shapes=shapes,
            steps=steps,
            seconds=seconds,
            learned={name: numbers for name, (numbers, _) in results.items()},
            pictures={name: pictures for name, (_, pictures) in results.items()},
            sparsity=shown,
            **({"step": len(steps) - 1} | traits),
        )

    _limited = limited("sparsity", "step", "layer")

    def limits(self) -> dict[str, Sequence]:
        return {"sparsity": range(101), "step": range(len(self.steps)), "layer": range(len(self.shapes))}

    def _learn_one(self, sparsity: int, tell: Callable[[float], None] | None = None) -> tuple[dict, bytes]:
        """Learn at one sparsity; return the numbers of its masks and their pictures."""
        keep, steps, masks = (100 - sparsity) / 100, moments(self._recipe), []

        def watch(step, scores, loss):  # called before each update
            if step in steps:
                masks.append({name: masks_of(rows.detach(), keep)[0] for name, rows in scores.items()})
            if tell:
                tell((step + 1) / self._recipe.steps)

        masks.append(learn_all_masks(self._net, self._task, keep, recipe=self._recipe, on_step=watch)[0])
        numbers = {
            "accuracy": [accuracy_under(self._net, mask, self._task, IMAGES) for mask in masks],
            "random": accuracy_under(self._net, random_mask(self._net, keep, seed=0), self._task, IMAGES),
            "kept": [[int(bits.sum()) for bits in mask.values()] for mask in masks],
        }
        return numbers, pictures_of(masks)

    def draw_still(self) -> str:
        step, rows = self.step, {1 - int(name) / 100: row for name, row in self.learned.items()}
        densities = sorted(rows)
        hill = densities, [rows[d]["accuracy"][step] for d in densities], [rows[d]["random"] for d in densities]
        accuracy = self.learned[str(self.sparsity)]["accuracy"][step]
        share = kept_share(zlib.decompress(self.pictures[str(self.sparsity)]), step, len(self.steps))
        alt = f"A mask of sparsity {self.sparsity} %: edges kept at each pixel, and an accuracy of {accuracy:.1%}."
        return svg_of(mask_and_hill(share, 1 - self.sparsity / 100, accuracy, *hill), alt)

    def learn(self, request: SparsityRequest, tell: Callable[[float], None]) -> tuple[dict, bytes]:
        return self._learn_one(request.sparsity, tell)

    def publish(self, request: SparsityRequest, result: tuple[dict, bytes]) -> None:
        numbers, pictures = result
        self.pictures = self.pictures | {str(request.sparsity): pictures}
        self.learned = self.learned | {str(request.sparsity): numbers}


def moments(recipe: Recipe) -> list[int]:
    """Return the steps at which masks are kept: most of them early, when most changes."""
    return sorted({round(share * recipe.steps) for share in MOMENTS})


def pictures_of(masks: Sequence[Mask]) -> bytes:
    """Return pictures of masks, compressed (zlib): for each mask one picture a layer.

    Of the first layer, a byte for each input: how many of its edges are kept, as a share of 255. Of the others, the
    bits as in a mask store.
    """
    parts: list[Tensor] = []
    for mask in masks:
        first, *others = mask.values()
        parts.append((255 * first.float().mean(0)).round().byte())
        parts += [pack_bits(bits.flatten()[None])[0] for bits in others]
    return zlib.compress(torch.cat([part.cpu() for part in parts]).numpy().tobytes())


def kept_share(pictures: bytes, step: int, steps: int) -> Tensor:
    """Return the share of edges kept at each pixel, [28, 28], from unpacked pictures of so many steps."""
    rows = torch.frombuffer(bytearray(pictures), dtype=torch.uint8).view(steps, -1)
    return rows[step, : SIDE**2].view(SIDE, SIDE) / 255
