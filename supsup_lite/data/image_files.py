"""One half of a data set too large for memory: image files, which worker processes read and decode ahead."""

import functools
import itertools
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from supsup_lite.ambient import as_at_the_start
from supsup_lite.data.datasets import DataError, torchvision_datasets
from supsup_lite.data.images import Asked
from supsup_lite.seeding import generator

SIZE = 224  # pixels of a side, as the network sees the image
RESIZED = 256  # of the shorter side, of which the middle is seen in a test
CHUNK = 32  # images that a worker reads at once
# Crops that an image may be seen in: so many that a hundred epochs hardly ever repeat one, and so few that an index
# of 13,000 images times these fits into int32.
VARIANTS = 2**16


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """One half (training or test) of a data set, as files of any size; everything else is as with `Images`.

    An image as it is: the middle 224 x 224 pixels, after the shorter side was resized to 256. Its variants, in
    training: a random part of 8 to 100 % of its area, resized to 224 x 224, mirrored or not.

    Attributes:
        folder: where the files are.
        files: [N], their paths in the folder, as bytes: an array is shared by the workers without a copy.
        labels: int64 [N]; where they live is where the pixels go.
        varied: whether there are variants.
        workers: processes that read; 0 reads in this one.
        progress: whether to show a bar while reading.
    """

    folder: Path
    files: np.ndarray
    labels: Tensor
    varied: bool
    workers: int
    progress: bool

    shape = (3, SIZE, SIZE)
    unit = 255
    range = (0.0, 1.0)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def device(self) -> torch.device:
        """Where the pixels go."""
        return self.labels.device

    @property
    def variants(self) -> int:
        """How many variants an image has, itself included."""
        return VARIANTS if self.varied else 1

    def read(self, asked: Asked) -> Tensor:
        """Return raw pixels uint8 [n, 3, 224, 224] of n images."""
        if len(asked.rows) > CHUNK:  # worth the start of the workers
            [(_, pixels)] = self.stream([asked], len(asked.rows))
            return pixels
        chunks = _chunks(asked) if len(asked.rows) else []
        pixels = [_Decoder(self.folder, self.files)[chunk] for chunk in chunks]
        return (pixels[0] if pixels else torch.empty(0, *self.shape, dtype=torch.uint8, device="cpu")).to(self.device)

    def stream(self, wanted: Iterable[Asked], count: int) -> Iterator[tuple[Asked, Tensor]]:
        """Yield what is asked for, one after the other, with its pixels; the workers read ahead.

        However it ends (at the end, by an error, by Ctrl-C, because nobody asks on), no worker is left.

        Args:
            count: images in all, for the bar.
        """
        waiting: deque[tuple[Asked, int]] = deque()  # what the workers were asked for, and in how many chunks

        def chunks() -> Iterator[tuple[list[int], list[int]]]:
            for asked in wanted:
                parts = _chunks(asked)
                waiting.append((asked, len(parts)))
                yield from parts

        loader = DataLoader(
            _Decoder(self.folder, self.files),
            batch_size=None,  # a chunk is an item
            sampler=chunks(),
            num_workers=self.workers,
            worker_init_fn=_leave_ctrl_c_to_the_parent,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator("cpu"),  # else the global one is drawn from
        )
        with as_at_the_start():
            pixels = iter(loader)
        bar = tqdm(
            total=count, desc=f"reading {self.folder.name}", unit="image", disable=not self.progress, leave=False
        )
        try:
            with bar:
                for first in pixels:
                    asked, parts = waiting.popleft()
                    rest = itertools.islice(pixels, parts - 1)
                    whole = [part.to(self.device, non_blocking=True) for part in (first, *rest)]
                    bar.update(sum(map(len, whole)))
                    yield asked, torch.cat(whole)
        finally:
            # A traceback may remember the loader, and would keep its workers.
            if self.workers:
                pixels._shutdown_workers()


def _chunks(asked: Asked) -> list[tuple[list[int], list[int]]]:
    """Return the rows and variants of what is asked for, in parts that one worker reads at once."""
    rows, variants = asked.flat()
    rows, variants = rows.cpu(), torch.zeros_like(rows, device="cpu") if variants is None else variants.cpu()
    return [(r.tolist(), v.tolist()) for r, v in zip(rows.split(CHUNK), variants.split(CHUNK), strict=True)]


class _Decoder(Dataset):
    """What a worker does: files in, pixels uint8 [n, 3, 224, 224] out."""

    def __init__(self, folder: Path, files: np.ndarray):
        self.folder, self.files = folder, files

    def __getitem__(self, chunk: tuple[list[int], list[int]]) -> Tensor:
        with as_at_the_start(), torch.no_grad():  # torchvision names neither dtype nor device
            return torch.stack([self._image(row, variant) for row, variant in zip(*chunk, strict=True)])

    def _image(self, row: int, variant: int) -> Tensor:
        path = self.folder / os.fsdecode(self.files[row])
        from PIL.Image import DecompressionBombError  # late: digits need no PIL

        whole, varied = _transforms()
        try:
            if not path.is_file():  # a pipe would never end
                raise OSError("it is no regular file")
            image = torchvision_datasets().folder.pil_loader(path)
        except (OSError, SyntaxError, ValueError, DecompressionBombError) as error:  # PIL's, of damaged files
            raise DataError(f"The image {path} is missing or damaged ({error}): get it again.") from error
        if variant == 0:
            return whole(image)
        # torchvision draws from torch's global generator, which is lent for a moment.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(generator("crop of an image", variant, row).integers(2**63)))
            return varied(image)


@functools.cache
def _transforms():
    """Return how an image becomes pixels as it is, and how in a variant that is drawn from the global generator."""
    torchvision_datasets()  # makes torchvision importable beside any torch
    from torchvision.transforms import v2

    return (
        v2.Compose([v2.Resize(RESIZED), v2.CenterCrop(SIZE), v2.PILToTensor()]),
        v2.Compose([v2.RandomResizedCrop(SIZE), v2.RandomHorizontalFlip(), v2.PILToTensor()]),
    )


def _leave_ctrl_c_to_the_parent(worker: int) -> None:
    """Ctrl-C reaches every process of a terminal; the parent stops its workers by itself, without their tracebacks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
