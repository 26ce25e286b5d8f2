"""Tensors of one's own as a suite of tasks: split by classes, permuted, rotated, or one task each."""

import hashlib
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_choice, check_seed, check_whole
from supsup_lite.data.datasets import DataSet
from supsup_lite.data.images import Images, mean_and_std
from supsup_lite.data.suites import ROTATIONS, check_count, permuted_suite, rotated_suite, split_suite, subset_suite
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.devices import resolve

KINDS = ("split", "permuted", "rotated", "each")
PERMUTATIONS = 20  # where nobody says how many


@isolated
def tasks_of(
    x: Tensor | Sequence[Tensor],
    y: Tensor | Sequence[Tensor],
    x_test: Tensor | Sequence[Tensor],
    y_test: Tensor | Sequence[Tensor],
    kind: str = "split",
    *,
    num_tasks: int | None = None,
    classes_per_task: int | None = None,
    seed: int | None = None,
    name: str = "data",
    device: torch.device | str | None = None,
) -> TaskSuite:
    """Return your own images and labels as a suite of tasks, as the suites of MNIST are.

    * "split": each task has some of the classes, in the order of their labels, or in one drawn by the seed.
    * "permuted": each task has all classes and shuffles the pixels in its own way, drawn by the seed (None is 0).
    * "rotated": each task has all classes, and task i shows every image turned by 10 i degrees, counter-clockwise.
      What turns in from outside is 0.
    * "each": every argument is a list, of which entry i is task i by itself. All have as many classes.

    Labels may be any whole numbers. In a task they are 0..l-1, in the order of the labels, and its `classes` say which
    they stand for. Images are normalised by the mean and standard deviation of all training pixels. The tensors are
    copied: what is done to them later changes no task.

    Args:
        x, x_test: N images each, [N, height, width], or flat, [N, D]: uint8, or floats of any range. Colour images
            [N, C, height, width] have to be made flat, `x.flatten(1)`; flat ones cannot be rotated.
        y, y_test: their labels, integers [N].
        num_tasks: how many tasks, for "split", "permuted" and "rotated". None is as many as the classes make, 20, and
            the full circle of 36.
        classes_per_task: how many classes a task has, for "split"; None is 2.
        seed: of the order of the classes, or of the permutations.
        name: of the data, for messages. With a digest of all four tensors it is the data set of `Task.identity`, so
            that masks learned for other data are refused.
        device: where to put the images; None is `supsup_lite.device()`.

    Raises:
        TypeError, ValueError: the tensors make no images and labels, a class has no test image, or the arguments do
            not fit the kind.
    """
    check_choice("kind", kind, KINDS)
    _check_options(kind, num_tasks, classes_per_task, seed, name)
    where = resolve(device)
    if kind == "each":
        return _each(x, y, x_test, y_test, name, where)
    source, _ = _data_set([x], [y], [x_test], [y_test], name, where)
    if kind == "permuted":
        return permuted_suite(source, PERMUTATIONS if num_tasks is None else num_tasks, seed or 0)
    if kind == "rotated":
        if source.train.pixels.shape[1] == 1:
            raise ValueError(f"only images [N, height, width] can be rotated, got x of shape {list(x.shape)}.")
        return rotated_suite(source, ROTATIONS if num_tasks is None else num_tasks)
    per_task = 2 if classes_per_task is None else classes_per_task
    return split_suite(source, _how_many(len(source.classes), per_task, num_tasks), per_task, seed)


def _check_options(kind: str, num_tasks, classes_per_task, seed, name) -> None:
    """Raise unless the options are sound, and such as the kind of suite has."""
    if num_tasks is not None:
        check_count(num_tasks, ROTATIONS if kind == "rotated" else None)
    if classes_per_task is not None:
        check_whole("classes_per_task", classes_per_task, least=2)
    if seed is not None:
        check_seed(seed)
    if not isinstance(name, str) or not name:
        raise TypeError(f"name must be a text, such as 'letters', got {name!r}.")
    takes = {"split": {"num_tasks", "classes_per_task", "seed"}, "permuted": {"num_tasks", "seed"}, "each": set()}
    options = {"num_tasks": num_tasks, "classes_per_task": classes_per_task, "seed": seed}
    for option, value in options.items():
        if value is not None and option not in takes.get(kind, {"num_tasks"}):
            raise ValueError(f"{option} means nothing to tasks of kind {kind!r}, got {value!r}: leave it out.")


def _how_many(classes: int, per_task: int, num_tasks: int | None) -> int:
    """Return how many tasks to split the classes into. None left out without a word."""
    most, left = divmod(classes, per_task)
    if most == 0 or (num_tasks or 0) > most:
        raise ValueError(
            f"{num_tasks or 1} tasks of {per_task} classes need {(num_tasks or 1) * per_task} classes, "
            f"but the labels have {classes}: take fewer tasks or classes_per_task."
        )
    if num_tasks is None and left:
        raise ValueError(
            f"{classes} classes make {most} tasks of {per_task}, and {left} would be left out: give num_tasks={most} "
            "if that is wanted, or other classes_per_task."
        )
    return num_tasks or most


def _each(x, y, x_test, y_test, name: str, where: torch.device) -> TaskSuite:
    given = {"x": x, "y": y, "x_test": x_test, "y_test": y_test}
    for what, parts in given.items():
        if not isinstance(parts, (list, tuple)):
            raise TypeError(f"with kind 'each', {what} must be a list with a tensor for each task, got {_type(parts)}.")
    counts = {what: len(parts) for what, parts in given.items()}
    if len(set(counts.values())) != 1 or not len(x):
        raise ValueError(f"x, y, x_test and y_test must have one tensor for each task, one or more, got {counts}.")
    source, groups = _data_set(x, y, x_test, y_test, name, where)
    sizes = [len(labels) for labels in groups]
    if len(set(sizes)) != 1:
        raise ValueError(f"every task must have the same number of classes, got {sizes}.")
    rows = [list(torch.arange(sum(map(len, half)), device=where).split([*map(len, half)])) for half in (x, x_test)]
    names = tuple(f"{name} {i}" for i in range(len(x)))
    return subset_suite(source, "each", None, names, groups, rows)


def _data_set(
    x: Sequence[Tensor], y: Sequence[Tensor], x_test: Sequence[Tensor], y_test: Sequence[Tensor], name: str, where
) -> tuple[DataSet, list[list[int]]]:
    """Return all parts as one data set, and which of its classes each part has."""
    for i, at in enumerate([f"[{i}]" for i in range(len(x))] if len(x) > 1 else [""]):
        _check_images(f"x{at}", x[i], f"y{at}", y[i])
        _check_images(f"x_test{at}", x_test[i], f"y_test{at}", y_test[i])
        for what, images in ((f"x{at}", x[i]), (f"x_test{at}", x_test[i])):
            if images.shape[1:] != x[0].shape[1:] or (images.dtype == torch.uint8) != (x[0].dtype == torch.uint8):
                raise ValueError(
                    f"all images must be alike, got {x[0].dtype} {list(x[0].shape)} as the first and {images.dtype} "
                    f"{list(images.shape)} as {what}."
                )
        _check_classes(f"y{at}", y[i], f"y_test{at}", y_test[i])
    there = [part.long().cpu().unique() for part in y]  # sorted
    labels = torch.cat(there).unique()
    halves = [_half(images, targets, labels, where) for images, targets in ((x, y), (x_test, y_test))]
    mean, std = mean_and_std(halves[0].pixels, halves[0].unit)
    if not 0 < std < math.inf:
        raise ValueError(
            f"the training pixels have a standard deviation of {std:g}: without one above 0 that float32 holds, they "
            "cannot be normalised."
        )
    classes = tuple(str(label) for label in labels.tolist())
    groups = [torch.searchsorted(labels, part).tolist() for part in there]
    sizes = [[len(part) for part in half] for half in (x, x_test)] if len(x) > 1 else []
    return DataSet(f"{name} {_digest(halves, sizes)}", *halves, mean, std, classes), groups


def _check_images(what: str, images: Tensor, labelled: str, labels: Tensor) -> None:
    """Raise unless these are images and as many labels."""
    for name, given in ((what, images), (labelled, labels)):
        if not isinstance(given, Tensor):
            raise TypeError(f"{name} must be a tensor, got {_type(given)}: torch.from_numpy makes one of an array.")
    if images.dtype != torch.uint8 and not images.is_floating_point():
        raise TypeError(f"{what} must be uint8 or floats, got {images.dtype}.")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise TypeError(f"{labelled} must be whole numbers, got {labels.dtype}.")
    if images.ndim not in (2, 3):
        raise ValueError(
            f"{what} must be images [N, height, width], or flat ones [N, D], got {list(images.shape)}. Make colour "
            "images flat: x.flatten(1)."
        )
    if labels.shape != (len(images),) or not images.numel():
        raise ValueError(
            f"{labelled} must have one label for each image of {what}, one or more, got {list(labels.shape)} for "
            f"{list(images.shape)}."
        )
    if images.is_floating_point() and not images.isfinite().all():
        raise ValueError(f"{what} must have finite numbers, got NaN or infinity among them.")


def _check_classes(named: str, y: Tensor, test_named: str, y_test: Tensor) -> None:
    """Raise unless training and test images are of the same classes, two or more."""
    here, there = set(y.long().unique().tolist()), set(y_test.long().unique().tolist())
    if here != there:
        raise ValueError(
            f"training and test images must be of the same classes: {named} alone has {sorted(here - there)[:5]}, "
            f"{test_named} alone has {sorted(there - here)[:5]}."
        )
    if len(here) < 2:
        raise ValueError(f"a task needs two classes or more, got {len(here)} in {named}.")


def _half(images: Sequence[Tensor], labels: Sequence[Tensor], known: Tensor, where: torch.device) -> Images:
    """Return some images and labels, one part after another, as one half of a data set: copies."""
    dtype = torch.uint8 if images[0].dtype == torch.uint8 else torch.float32
    pixels = torch.cat([part.detach().to(dtype).to(where) for part in images])
    if pixels.ndim == 2:
        pixels = pixels[:, None]  # an image of one row
    numbers = torch.searchsorted(known, torch.cat([part.long().cpu() for part in labels]))
    return Images(pixels, numbers.to(where))


def _digest(halves: Sequence[Images], sizes: list[list[int]]) -> str:
    """Return 16 digits that are others for other images or labels, or where others are dealt to several parts."""
    digest = hashlib.sha256(f"{sizes}".encode() if sizes else b"")
    for tensor in (part for half in halves for part in (half.pixels, half.labels)):
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.cpu().numpy())
    return digest.hexdigest()[:16]


def _type(value: object) -> str:
    return type(value).__name__
