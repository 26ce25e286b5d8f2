"""SplitImageNet: a hundred tasks of ten classes each (SupSup, figure 2), streamed from disk."""

import os
from pathlib import Path

import numpy as np
import torch

from supsup_lite.ambient import as_at_the_start, isolated
from supsup_lite.checks import check_flag, check_seed, check_whole
from supsup_lite.data.datasets import DataError, DataSet, torchvision_datasets
from supsup_lite.data.folders import root_folder
from supsup_lite.data.image_files import ImageFiles
from supsup_lite.data.suites import check_count, split_suite
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.devices import resolve

CLASSES_PER_TASK = 10
COMPLETE = (1_281_167, 50_000)  # images for training and test
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the training images, as everybody has them
MOST_WORKERS = 16  # that are started where nobody says how many
HOW_TO_GET_IT = (
    "No program may fetch it: register at https://image-net.org, download ILSVRC2012_devkit_t12.tar.gz, "
    "ILSVRC2012_img_train.tar (148 GB) and ILSVRC2012_img_val.tar (7 GB) into one folder, and give that as root. The "
    "first call unpacks them there, which takes hours and as much room again; the archives may be deleted then."
)


@isolated
def split_imagenet(
    num_tasks: int = 100,
    seed: int | None = 0,
    root: str | os.PathLike | None = None,
    device: torch.device | str | None = None,
    *,
    workers: int | None = None,
    progress: bool = True,
) -> TaskSuite:
    """Return SplitImageNet: the 1000 classes dealt at random to a hundred tasks of ten, with labels 0..9 in each.

    Images are 3 x 224 x 224, and come flat, [B, 150528]. They stay on disk: workers read and decode them ahead, in the
    order that the seed of learning says. In training each is a random part of the photograph, mirrored or not; in a
    test the middle of it. Test images are ImageNet's validation images. However a run stops, no worker is left, and
    `learn_masks` keeps the masks that are finished.

    Args:
        seed: of the partition; None takes the classes in the order of their WordNet ids.
        root: the folder with torchvision's layout: `train`, `val` and `meta.bin`, or the archives that it makes them
            from. None is `imagenet` in the cache folder.
        workers: processes that read and decode; None is one a core, at most 16; 0 reads without any.
        progress: whether to show a bar of the images read.

    Raises:
        ValueError: num_tasks is not in 1..100.
        TypeError: an argument is of the wrong kind.
        DataError: the data are not there, or not whole. The message says what to get, and where to put it.
    """
    num_tasks, seed = check_count(num_tasks), None if seed is None else check_seed(seed)
    workers = min(os.cpu_count() or 1, MOST_WORKERS) if workers is None else check_whole("workers", workers, least=0)
    progress = check_flag("progress", progress)
    folder = root_folder(root) if root is not None else root_folder(None) / "imagenet"
    where = resolve(device)
    train, test = (_read(folder, split) for split in ("train", "val"))
    if train.wnids != test.wnids:
        unlike = sorted(set(train.wnids) ^ set(test.wnids))
        raise DataError(
            f"train and val in {folder} must have the same classes, but only one of them has {unlike[:5]}: unpack both "
            "archives again."
        )
    check_count(num_tasks, len(train.wnids) // CLASSES_PER_TASK)
    halves = [
        ImageFiles(
            Path(half.root, half.split),
            np.array([os.fsencode(os.path.relpath(path, half.split_folder)) for path, _ in half.samples]),
            torch.tensor(half.targets, device="cpu").to(where),
            half.split == "train",
            workers,
            progress,
        )
        for half in (train, test)
    ]
    counts = tuple(map(len, halves))
    # A part of ImageNet makes other tasks, so it has another name.
    name = "imagenet" if counts == COMPLETE else f"imagenet, {counts[0]} and {counts[1]} images"
    classes = tuple(f"{names[0]} ({wnid})" for wnid, names in zip(train.wnids, train.classes, strict=True))
    return split_suite(DataSet(name, *halves, MEAN, STD, classes), num_tasks, CLASSES_PER_TASK, seed)


def _read(root: Path, split: str):
    """Return one half as torchvision reads it, which unpacks its archives where that was not done yet."""
    folder = root / split
    strays = [path.name for path in folder.glob("[!.]*") if not path.is_dir()] if folder.is_dir() else []
    if strays:
        raise DataError(
            f"{folder} is not whole: {min(strays)} is in it, beside the folders of the classes. Unpacking was "
            "interrupted, it seems: delete this folder and call again, with the archives in their place."
        )
    try:
        with as_at_the_start():
            return torchvision_datasets().ImageNet(root, split)
    except ImportError as error:
        raise DataError(
            f"ImageNet's devkit cannot be read ({error}). It is needed once, with scipy: pip install scipy."
        ) from error
    except (OSError, RuntimeError) as error:
        raise DataError(f"ImageNet is not in {root}, or not whole ({error}). {HOW_TO_GET_IT}") from error
