"""One half of a data set as a tensor on the device, and how training images are varied: random crops and flips."""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

AT_ONCE = 2**22  # pixels whose mean and deviation are taken at once, as doubles


class Asked(NamedTuple):
    """Which images somebody wants to see, and in which of their variants: int64 of one shape; None is variant 0."""

    rows: Tensor
    variants: Tensor | None = None

    def flat(self) -> "Asked":
        return Asked(self.rows.flatten(), None if self.variants is None else self.variants.flatten())


@dataclass(frozen=True, eq=False)
class Images:
    """One half (training or test) of a data set.

    Attributes:
        pixels: [N, height, width], or [N, channels, height, width], the raw values: uint8 in 0..255, or float32.
        labels: int64 [N].
        padding: with p > 0 an image has (2 p + 1)^2 * 2 variants: moved by up to p pixels each way, black coming in,
            and each of these mirrored or not (`crop_and_flip`). Training images of CIFAR have padding 4.
    """

    pixels: Tensor
    labels: Tensor
    padding: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an image."""
        return tuple(self.pixels.shape[1:])

    @property
    def device(self) -> torch.device:
        """Where the images live."""
        return self.pixels.device

    @property
    def variants(self) -> int:
        """How many variants an image has, itself included."""
        return num_crops_and_flips(self.padding) if self.padding else 1

    @property
    def unit(self) -> int:
        """What pixels are divided by before anything else: 255 where they are bytes, 1 where they are floats."""
        return 1 if self.pixels.is_floating_point() else 255

    @functools.cached_property
    def range(self) -> tuple[float, float]:
        """The least and the largest value that a pixel may have, divided by `unit`: of floats those that are there."""
        return tuple(map(float, self.pixels.aminmax())) if self.pixels.is_floating_point() else (0.0, 1.0)

    def read(self, asked: Asked) -> Tensor:
        """Return raw pixels [n, *shape] of n images."""
        pixels = self.pixels.index_select(0, asked.rows)
        return pixels if asked.variants is None else crop_and_flip(pixels, asked.variants, self.padding)

    def stream(self, wanted: Iterable[Asked], count: int) -> Iterator[tuple[Asked, Tensor]]:
        """Yield what is asked for, one after the other, with its pixels [n, *shape]; `count` images in all."""
        return ((asked, self.read(asked.flat())) for asked in wanted)


def num_crops_and_flips(padding: int) -> int:
    """Return how many crops there are of an image with a black border of so many pixels, mirrored ones included."""
    return 2 * (2 * padding + 1) ** 2


def crop_and_flip(pixels: Tensor, variants: Tensor, padding: int) -> Tensor:
    """Return each image of a batch in its own variant: a crop of the image with a black border, mirrored or not.

    Variant 0 is the image as it is. All images go through one gather, on their own device.

    Args:
        pixels: [n, channels, height, width].
        variants: int64 [n], each in 0..(2 padding + 1)^2 * 2 - 1. Odd ones are mirrored.
        padding: pixels of the border, so that a crop of the old size moves by -padding..padding each way.
    """
    _, channels, height, width = pixels.shape
    places = 2 * padding + 1
    place = (variants // 2 + places * padding + padding) % places**2  # that of variant 0 is in the middle
    down, right = place // places - padding, place % places - padding
    row = torch.arange(height, device=pixels.device) + down[:, None]  # [n, height], where to look
    column = torch.arange(width, device=pixels.device).expand(len(pixels), width)
    column = torch.where((variants % 2 == 1)[:, None], width - 1 - column, column) + right[:, None]
    inside = ((row >= 0) & (row < height))[:, :, None] & ((column >= 0) & (column < width))[:, None]
    at = row.clamp(0, height - 1)[:, :, None] * width + column.clamp(0, width - 1)[:, None]  # [n, height, width]
    flat = pixels.flatten(2).gather(2, at.flatten(1)[:, None].expand(-1, channels, -1))
    return flat.view_as(pixels) * inside[:, None]


def mean_and_std(pixels: Tensor, unit: int) -> tuple[float, float]:
    """Return mean and standard deviation of all pixels, divided by their unit, summed in double precision."""
    flat = pixels.flatten()
    parts = flat.cpu().split(AT_ONCE)
    mean = sum(float(part.double().sum()) for part in parts) / len(flat)
    variance = sum(float((part.double() - mean).square().sum()) for part in parts) / len(flat)
    return mean / unit, variance**0.5 / unit
