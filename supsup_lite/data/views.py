"""A view of a data set: which of its images a task has, how it turns or shuffles them, and what it calls them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.data import datasets as data


@dataclass(frozen=True, eq=False)
class View:
    """How k tasks look at one half of a data set. Everything is batched over the tasks.

    Attributes:
        images: the whole half, shared by every view of it.
        mean, std: normalisation, for pixels scaled to 0..1.
        permutations: int64 [k, D] or None.
        grids: sampling grids of the rotations, float [k, height, width, 2], or None.
        members: int64 [k, longest], which images belong to each task (rows padded with 0), or None for all.
        sizes: images of each task, length k.
        relabel: int64 [k, 10], from a data set's label to the task's own, or None for unchanged.
    """

    images: data.Images
    mean: float
    std: float
    sizes: tuple[int, ...]
    permutations: Tensor | None = None
    grids: Tensor | None = None
    members: Tensor | None = None
    relabel: Tensor | None = None

    @isolated
    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return images float [k, B, D] and labels int64 [k, B] for whole indices [k, B] on the same device."""
        indices = indices.long()
        rows = indices if self.members is None else self.members.gather(1, indices)
        pixels = self.images.pixels.index_select(0, rows.flatten()).unflatten(0, rows.shape)  # uint8 [k, B, h, w]
        if self.grids is not None:
            # The B images of a task share its grid, so they go in as channels.
            pixels = F.grid_sample(pixels.float(), self.grids, mode="bilinear", align_corners=False)
        pixels = pixels.flatten(2)
        if self.permutations is not None:
            pixels = pixels.gather(2, self.permutations[:, None, :].expand(pixels.shape))
        x = pixels.float().mul_(1 / (255 * self.std)).sub_(self.mean / self.std)
        y = self.images.labels[rows]
        return x, y if self.relabel is None else self.relabel.gather(1, y)

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
            indices: B positions in 0..len-1: a range, a list, or an integer tensor on any device.

        Returns:
            images float [B, D], normalised as the data set's training pixels are, and labels int64 [B] in
            0..classes-1, both on the suite's device.

        Raises:
            TypeError: the indices are not whole numbers.
            IndexError: an index is outside 0..len-1.
        """
        where = _as_indices(indices, len(self))
        x, y = self._view.batch(where.to(self._view.images.pixels.device)[None])
        return x[0], y[0]

    def all(self) -> tuple[Tensor, Tensor]:
        """Return every image and label of the task, as `batch` does."""
        return self.batch(range(len(self)))


def _as_indices(indices: Sequence[int] | Tensor, size: int) -> Tensor:
    expected = "indices must be a one-dimensional list of whole numbers, such as range(128), got"
    if not isinstance(indices, Tensor):
        try:
            indices = torch.as_tensor(np.asarray(indices) if len(indices) else np.empty(0, np.int64), device="cpu")
        except (TypeError, ValueError) as error:
            raise TypeError(f"{expected} {indices!r}.") from error
    if indices.ndim != 1 or indices.is_floating_point() or indices.is_complex() or indices.dtype == torch.bool:
        raise TypeError(f"{expected} {indices.dtype} of shape {tuple(indices.shape)}.")
    where = indices.long()
    if len(where) and (where.min() < 0 or where.max() >= size):
        raise IndexError(f"indices must lie in 0..{size - 1}, got {int(where.min())}..{int(where.max())}.")
    return where
