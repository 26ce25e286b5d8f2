"""Data sets that do not come with the course: CIFAR-100, KMNIST, EMNIST. Fetched when somebody asks."""

import functools
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from supsup_lite.ambient import as_at_the_start
from supsup_lite.checks import check_choice
from supsup_lite.data.datasets import DataError, DataSet, torchvision_datasets
from supsup_lite.data.folders import root_folder
from supsup_lite.data.images import Images, mean_and_std

UNPACKED = "and unpack each of them there (gunzip)."


@dataclass(frozen=True)
class Source:
    """Where a data set comes from: torchvision's class of it, the class's options, and how to get it by hand."""

    reader: str
    megabytes: int
    by_hand: str
    options: dict[str, str] = field(default_factory=dict)


SOURCES = {
    "cifar100": Source(
        "CIFAR100",
        169,
        "put cifar-100-python.tar.gz (https://www.cs.toronto.edu/~kriz/cifar.html, md5 "
        "eb9058c3a382ffc7106e4002c42a8d85) into {root}, and unpack it there (tar xzf), so that there is a folder "
        "cifar-100-python.",
    ),
    "kmnist": Source(
        "KMNIST",
        21,
        "put the four files *-ubyte.gz (https://github.com/rois-codh/kmnist) into {root}/KMNIST/raw, " + UNPACKED,
    ),
    "emnist": Source(
        "EMNIST",
        562,
        "put the four files emnist-balanced-*-ubyte.gz of gzip.zip "
        "(https://www.nist.gov/itl/products-and-services/emnist-dataset) into {root}/EMNIST/raw, " + UNPACKED,
        {"split": "balanced"},
    ),
}


def download(dataset: str, root: str | os.PathLike | None = None) -> Path:
    """Fetch a data set from its authors' server through torchvision, and return the folder that it is in.

    The suites never call it: who wants the data asks for them. What is there already is not fetched again.

    Args:
        dataset: "cifar100" (169 MB), "kmnist" (21 MB) or "emnist" (562 MB).
        root: where to put it; None is the cache folder (SUPSUP_CACHE), where the suites look.

    Raises:
        DataError: the download failed.
    """
    source, folder = SOURCES[check_choice("dataset", dataset, SOURCES)], root_folder(root)
    try:
        getattr(torchvision_datasets(), source.reader)(folder, download=True, **source.options)
    except (OSError, RuntimeError) as error:
        by_hand = source.by_hand.format(root=folder)
        raise DataError(f"The download of {dataset} into {folder} failed ({error}). By hand: {by_hand}") from error
    return folder


@functools.lru_cache(maxsize=4)
def online_data_set(dataset: str, root: Path, device: str) -> DataSet:
    """Return a data set of `SOURCES` as it lies under a root, read by torchvision, whole on the device.

    Images of CIFAR are [N, 3, 32, 32], those of the training half with a padding of 4 for crops and flips.

    Raises:
        DataError: it is not there, or damaged; the message says how to get it.
    """
    with as_at_the_start():
        halves = [_read(dataset, root, train) for train in (True, False)]
    pixels = [_pixels(dataset, half.data) for half in halves]
    train, test = (
        Images(raw.to(device), torch.as_tensor(half.targets, device="cpu").long().to(device))
        for raw, half in zip(pixels, halves, strict=True)
    )
    if dataset == "cifar100":
        train = Images(train.pixels, train.labels, padding=4)
        channels = [mean_and_std(pixels[0][:, channel], train.unit) for channel in range(3)]
        mean, std = zip(*channels, strict=True)
    else:
        mean, std = mean_and_std(pixels[0], train.unit)
    return DataSet(dataset, train, test, mean, std, tuple(halves[0].classes))


def _read(dataset: str, root: Path, train: bool):
    """Return one half as torchvision reads it."""
    source = SOURCES[dataset]
    try:
        return getattr(torchvision_datasets(), source.reader)(root, train=train, download=False, **source.options)
    except (OSError, RuntimeError, ValueError, AssertionError, LookupError) as error:  # torchvision's, of damaged files
        fetch = f'from supsup_lite.data import download; download("{dataset}")'
        raise DataError(
            f"{dataset} is not in {root}, or damaged there ({error}). Online, this gets its {source.megabytes} MB: "
            f"{fetch}. By hand: {source.by_hand.format(root=root)}"
        ) from error


def _pixels(dataset: str, raw: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Return raw images upright: channels first, and EMNIST's, whose files have them transposed, turned back."""
    if dataset == "cifar100":
        return torch.from_numpy(raw).permute(0, 3, 1, 2).contiguous()
    return raw.transpose(1, 2).contiguous() if dataset == "emnist" else raw
