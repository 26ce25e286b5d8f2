"""A view of a data set: which of its images a task has, how it turns or shuffles them, and what it calls them."""

import functools
import math
import reprlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.data.image_files import ImageFiles
from supsup_lite.data.images import Asked, Images


@dataclass(frozen=True, eq=False)
class View:
    """How k tasks look at one half of a data set. Everything is batched over the tasks.

    Where training images are varied (random crops, flips), index i + v * size is image i of a task in its variant v.
    So a batch is a function of its indices, and `batch_order` draws the variants; 0 is the image as it is.

    Attributes:
        images: the whole half, shared by every view of it.
        mean, std: normalisation, for pixels divided by `images.unit`, which brings bytes to 0..1: a number, or one for
            each channel.
        sizes: images of each task, length k.
        permutations: int64 [k, D] or None.
        grids: sampling grids of the rotations, float [k, height, width, 2], or None.
        members: int64 [k, longest], which images belong to each task (rows padded with 0), or None for all.
        relabel: int64 [k, labels], from a data set's label to the task's own, or None for unchanged.
    """

    images: Images | ImageFiles
    mean: float | tuple[float, ...]
    std: float | tuple[float, ...]
    sizes: tuple[int, ...]
    permutations: Tensor | None = None
    grids: Tensor | None = None
    members: Tensor | None = None
    relabel: Tensor | None = None

    @property
    def variants(self) -> int:
        """How many variants each image has, itself included."""
        return self.images.variants

    @isolated
    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return images float [k, B, D] and labels int64 [k, B] for whole indices [k, B] on the same device."""
        asked = self._asked(indices)
        return self._seen(asked, self.images.read(asked.flat()))

    @isolated
    def batches(self, order: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield `batch(order[:, step])` for every step of an order [k, steps, B]; images on disk are read ahead."""
        wanted = (self._asked(order[:, step]) for step in range(order.shape[1]))
        for asked, pixels in self.images.stream(wanted, order.numel()):
            yield self._seen(asked, pixels)

    def _asked(self, indices: Tensor) -> Asked:
        indices, variants = indices.long(), None
        if self.variants > 1:
            variants, indices = indices // self._sizes, indices % self._sizes
        return Asked(indices if self.members is None else self.members.gather(1, indices), variants)

    def _seen(self, asked: Asked, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return raw pixels [k * B, *shape] as the tasks see them, and their labels."""
        pixels = pixels.unflatten(0, asked.rows.shape)  # [k, B, *shape]
        if self.grids is not None:
            # The B images of a task share its grid, so they go in as channels.
            pixels = F.grid_sample(pixels.float().flatten(1, -3), self.grids, mode="bilinear", align_corners=False)
        pixels = pixels.reshape(*asked.rows.shape, math.prod(self.images.shape))
        if self.permutations is not None:
            pixels = pixels.gather(2, self.permutations[:, None, :].expand(pixels.shape))
        scale, shift = self._normalisation
        x = pixels.float().mul_(scale).sub_(shift)
        y = self.images.labels[asked.rows]
        return x, y if self.relabel is None else self.relabel.gather(1, y)

    @functools.cached_property
    def _sizes(self) -> Tensor:
        return torch.tensor(self.sizes, dtype=torch.long, device=self.images.device)[:, None]

    @functools.cached_property
    def _normalisation(self) -> tuple[float | Tensor, float | Tensor]:
        """What pixels are multiplied by, and what is then taken off them."""
        if not isinstance(self.mean, tuple):
            return 1 / (self.images.unit * self.std), self.mean / self.std
        scale = tuple(1 / (self.images.unit * std) for std in self.std)
        return self._by_pixel(scale), self._by_pixel(tuple(m / s for m, s in zip(self.mean, self.std, strict=True)))

    def normalised(self, values: Tensor) -> Tensor:
        """Return flat images [..., D] of values already divided by the unit, normalised in place."""
        return values.sub_(self._by_pixel(self.mean)).div_(self._by_pixel(self.std))

    def _by_pixel(self, value: float | tuple[float, ...]) -> float | Tensor:
        """Return a number as it is, or one of each channel as one of each pixel of a flat image, float [D]."""
        if not isinstance(value, tuple):
            return value
        by_channel = torch.tensor(value, dtype=torch.float32, device=self.images.device)
        return by_channel.repeat_interleave(math.prod(self.images.shape) // len(value))

    def select(self, tasks: Sequence[int]) -> "View":
        """Return the view of some of its tasks, in the order given."""
        chosen = list(tasks)

        def pick(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor[chosen]

        return replace(
            self,
            sizes=tuple(self.sizes[i] for i in chosen),
            permutations=pick(self.permutations),
            grids=pick(self.grids),
            members=pick(self.members),
            relabel=pick(self.relabel),
        )


class TaskImages:
    """The training or test images of one task."""

    def __init__(self, view: View):
        self._view = view

    def __len__(self) -> int:
        return self._view.sizes[0]

    @isolated
    def batch(self, indices: Sequence[int] | Tensor) -> tuple[Tensor, Tensor]:
        """Return some images and their labels.

        Args:
            indices: B positions in 0..len-1: a range, a list, or an integer tensor on any device. Where images are
                varied in training, i + v * len is image i in its variant v.

        Returns:
            images float [B, D], flat, channel by channel and row by row, normalised as the data set's training pixels
            are, and labels int64 [B] in 0..classes-1, both on the suite's device.

        Raises:
            TypeError: the indices are not whole numbers.
            IndexError: an index is outside 0..len-1.
        """
        where = _as_indices(indices, len(self) * self._view.variants)
        x, y = self._view.batch(where.to(self._view.images.device)[None])
        return x[0], y[0]

    def all(self) -> tuple[Tensor, Tensor]:
        """Return every image and label of the task, as `batch` does: as they are, not varied."""
        return self.batch(range(len(self)))


def _as_indices(indices: Sequence[int] | Tensor, size: int) -> Tensor:
    expected = "indices must be a one-dimensional list of whole numbers, such as range(128), got"
    if not isinstance(indices, Tensor):
        try:
            indices = torch.as_tensor(np.asarray(indices) if len(indices) else np.empty(0, np.int64), device="cpu")
        except (TypeError, ValueError, OverflowError, MemoryError) as error:
            raise TypeError(f"{expected} {reprlib.repr(indices)}.") from error
    if indices.ndim != 1 or indices.is_floating_point() or indices.is_complex() or indices.dtype == torch.bool:
        raise TypeError(f"{expected} {indices.dtype} of shape {tuple(indices.shape)}.")
    where = indices.long()
    if len(where) and (where.min() < 0 or where.max() >= size):
        raise IndexError(f"indices must lie in 0..{size - 1}, got {int(where.min())}..{int(where.max())}.")
    return where
