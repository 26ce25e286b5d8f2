"""SplitCIFAR100: twenty tasks of five classes each (SupSup, "Scenario GG")."""

import os

import torch

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_seed
from supsup_lite.data.folders import root_folder
from supsup_lite.data.online import online_data_set
from supsup_lite.data.suites import check_count, split_suite
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.devices import resolve

CLASSES_PER_TASK = 5


@isolated
def split_cifar100(
    num_tasks: int = 20,
    seed: int | None = 0,
    root: str | os.PathLike | None = None,
    device: torch.device | str | None = None,
) -> TaskSuite:
    """Return SplitCIFAR100: the 100 classes dealt at random to twenty tasks of five, with labels 0..4 in each.

    The 2,500 training images of a task are colour, 3 x 32 x 32, and come flat, [B, 3072]. In training they are cropped
    (4 pixels of black around them) and mirrored at random, all of a batch at once on the device; test images never.
    The whole data set, 184 MB, lives on the device.

    Args:
        seed: of the partition; None takes the classes in their alphabetical order.
        root: the folder that holds `cifar-100-python`; None is the cache folder.

    Raises:
        ValueError: num_tasks is not in 1..20.
        TypeError: num_tasks or seed is not a whole number, or root no path.
        DataError: the data are not there. The message says what to get, and where to put it.
    """
    num_tasks, seed = check_count(num_tasks, 20), None if seed is None else check_seed(seed)
    source = online_data_set("cifar100", root_folder(root), str(resolve(device)))
    return split_suite(source, num_tasks, CLASSES_PER_TASK, seed)
