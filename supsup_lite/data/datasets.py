"""Whole data sets as one uint8 tensor each: read from `data/` through torchvision's own classes, checked, cached."""

import functools
import gzip
import hashlib
import os
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch

from supsup_lite.ambient import isolated
from supsup_lite.data.folders import cache_folder, data_folder
from supsup_lite.data.images import Images
from supsup_lite.devices import resolve

# SHA-256 of every unpacked idx file, by data set. The file names are torchvision's.
CHECKSUMS = {
    "mnist": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion_mnist": {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
}
LARGEST = 16 + 60_000 * 28 * 28  # bytes of an idx file
TORCHVISION_CLASS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}


class DataError(ValueError):
    """A data file is missing, damaged or truncated; the message names it and says what to do."""


@dataclass(frozen=True, eq=False)
class DataSet:
    """Training and test images, and what suites of them need to know.

    Attributes:
        name: what identifies the data.
        train, test: the two halves; of ImageNet they are `ImageFiles`, which are used alike.
        mean, std: of the training pixels, divided by `Images.unit`; of colour images a number for each channel.
        classes: the name of each label, 0 first.
    """

    name: str
    train: Images
    test: Images
    mean: float | tuple[float, ...]
    std: float | tuple[float, ...]
    classes: tuple[str, ...]


def mnist(device: torch.device | str | None = None) -> tuple[Images, Images]:
    """Return MNIST as (train, test): 60,000 and 10,000 images of 28 x 28.

    Raises:
        DataError: a file is missing, damaged or truncated.
    """
    return _load("mnist", str(resolve(device)))


def fashion_mnist(device: torch.device | str | None = None) -> tuple[Images, Images]:
    """Return FashionMNIST as (train, test): 60,000 and 10,000 images of 28 x 28.

    Raises:
        DataError: a file is missing, damaged or truncated.
    """
    return _load("fashion_mnist", str(resolve(device)))


@functools.lru_cache(maxsize=8)
@isolated
def _load(name: str, device: str) -> tuple[Images, Images]:
    root = _unpack(name)
    reader = getattr(torchvision_datasets(), TORCHVISION_CLASS[name])
    halves = (reader(root, train=train, download=False) for train in (True, False))
    return tuple(Images(half.data.to(device), half.targets.long().to(device)) for half in halves)


def _unpack(name: str) -> Path:
    """Return a torchvision root for the data set, with every file present and checked."""
    root = cache_folder()
    raw = root / TORCHVISION_CLASS[name] / "raw"
    if not (data_folder() / name).is_dir():
        if os.environ.get("SUPSUP_DATA") and not data_folder().is_dir():
            raise DataError(
                f"SUPSUP_DATA is {os.environ['SUPSUP_DATA']!r}, which is no folder: mend the path or unset it."
            )
        _download(name, root)
    for file, checksum in CHECKSUMS[name].items():
        if not _is_intact(raw / file, checksum):
            _unpack_file(data_folder() / name / f"{file}.gz", raw / file, checksum)
    return root


def _is_intact(path: Path, checksum: str) -> bool:
    if not path.is_file():  # a pipe would never end
        return False
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == checksum
    except OSError:  # nothing for this user, say: it is unpacked again, or that says what is wrong
        return False


def _unpack_file(packed: Path, target: Path, checksum: str) -> None:
    """Unpack one file beside its target, check it, then rename: a reader never sees half a file."""
    repair = "Get it again from the repository: `git checkout -- data`."
    if not packed.is_file():
        raise DataError(f"The data file {packed} is missing. {repair}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as beside:
            fresh = Path(beside, target.name)
            _gunzip(packed, fresh, repair)
            if not _is_intact(fresh, checksum):
                raise DataError(f"The data file {packed} is damaged: its content has the wrong SHA-256. {repair}")
            fresh.replace(target)
    except OSError as error:
        raise DataError(
            f"The data file {target.name} cannot be unpacked into {target.parent} ({error}). "
            "Free some disk space, or set SUPSUP_CACHE to a folder that can be written."
        ) from error


def _gunzip(packed: Path, fresh: Path, repair: str) -> None:
    try:
        with gzip.open(packed) as source, fresh.open("wb") as sink:
            _copy(source, sink)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"The data file {packed} is damaged or truncated ({error}). {repair}") from error


def _copy(source: BinaryIO, sink: BinaryIO) -> None:
    """Copy what is there, but of what inflates to more than any of our files no more: it shall not fill the disk."""
    left = LARGEST + 1
    while left and (part := source.read(min(left, 2**20))):
        sink.write(part)
        left -= len(part)


def _download(name: str, root: Path) -> None:
    """Fetch a data set through torchvision: only for an installed package without the repository's `data/`."""
    try:
        getattr(torchvision_datasets(), TORCHVISION_CLASS[name])(root, download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"There is no folder {data_folder() / name}, and the download failed ({error}). "
            "Use a clone of the repository, or set SUPSUP_DATA to its data folder."
        ) from error


def torchvision_datasets():
    """Return `torchvision.datasets`, imported late because it is slow, and beside a CPU-only torch too.

    torchvision's usual Linux wheel is built for CUDA. Beside a CPU-only torch its compiled operators cannot be
    loaded, and the import stops at two schemas that only they declare. Data sets need no operator, so declaring
    the two schemas is enough.
    """
    try:
        return _import_datasets()
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    for module in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[module]
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(library)  # the schemas live as long as this object does
    return _import_datasets()


_declared: list = []


def _import_datasets():
    import torchvision.datasets

    return torchvision.datasets
