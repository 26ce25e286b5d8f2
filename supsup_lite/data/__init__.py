"""Images, tasks, and their order: whole data sets on the device, suites of tasks as views of them, streams."""

from supsup_lite.data.batches import batch_order
from supsup_lite.data.cifar100 import split_cifar100
from supsup_lite.data.datasets import DataError, DataSet, fashion_mnist, mnist
from supsup_lite.data.folders import cache_folder, data_folder
from supsup_lite.data.image_files import ImageFiles
from supsup_lite.data.imagenet import split_imagenet
from supsup_lite.data.images import Images, crop_and_flip
from supsup_lite.data.online import download
from supsup_lite.data.split_rotated import split_rotated
from supsup_lite.data.streams import NOISE, SET_ASIDE, Stream, stream_of
from supsup_lite.data.suites import NORMALISATION, permuted_mnist, rotated_mnist, split_fashion_mnist, split_mnist
from supsup_lite.data.tasks import Task, TaskIdentity, TaskSuite
from supsup_lite.data.tensors import tasks_of
from supsup_lite.data.views import TaskImages, View

__all__ = [
    "NOISE",
    "NORMALISATION",
    "SET_ASIDE",
    "DataError",
    "DataSet",
    "ImageFiles",
    "Images",
    "Stream",
    "Task",
    "TaskIdentity",
    "TaskImages",
    "TaskSuite",
    "View",
    "batch_order",
    "cache_folder",
    "crop_and_flip",
    "data_folder",
    "download",
    "fashion_mnist",
    "mnist",
    "permuted_mnist",
    "rotated_mnist",
    "split_cifar100",
    "split_fashion_mnist",
    "split_imagenet",
    "split_mnist",
    "split_rotated",
    "stream_of",
    "tasks_of",
]
