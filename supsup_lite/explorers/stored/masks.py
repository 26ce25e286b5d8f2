"""Masks that explorers come with: fifty permutations in four settings, checked when read, learned by one command.

`python -m supsup_lite.explorers.stored` learns them again and writes the files, in some three minutes. They hold what
`MaskStore.save` writes, so that a damaged file or one of another network is refused.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

import torch

from supsup_lite.data.datasets import mnist
from supsup_lite.data.suites import permuted_mnist
from supsup_lite.data.tasks import TaskSuite
from supsup_lite.explorers.stored.place import FOLDER
from supsup_lite.explorers.stored.small import small_digits
from supsup_lite.learning.learn import learn_all_masks
from supsup_lite.masks.bits import pack_bits
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.mlp import MLP, lenet_300_100

TASKS = 50
MOST_TASKS = 100  # that a running notebook may learn
SEED = 0
DIGITS_EACH = 2  # test images of each class
TEST_IMAGES = 500  # that an explorer may ask about, a hundred at a time


@dataclass(frozen=True)
class Setting:
    """What masks are learned with: output neurons s, and the sparsity in percent, where 50 means threshold masks.

    Threshold masks (keep=None) end near 50 % by themselves; any other sparsity is edge-popup's.
    """

    outputs: int
    sparsity: int

    @property
    def keep(self) -> float | None:
        """The density to give to `learn_masks`."""
        return None if self.sparsity == 50 else (100 - self.sparsity) / 100

    @property
    def name(self) -> str:
        """A name for files and messages, such as "s100-sparsity50"."""
        return f"s{self.outputs}-sparsity{self.sparsity}"

    def net(self) -> MLP:
        """Return the base network: on the CPU, where explorers compute."""
        return lenet_300_100(self.outputs, SEED, "cpu")


STORED = tuple(Setting(outputs, sparsity) for outputs in (100, 10) for sparsity in (50, 90))


def tasks(num_tasks: int) -> TaskSuite:
    """Return the tasks of the stored masks and those after them: permutations of MNIST, on the CPU."""
    return permuted_mnist(num_tasks, SEED, "cpu")


def stored_masks(setting: Setting, folder: Path = FOLDER) -> MaskStore:
    """Return the stored masks of one of the settings in STORED.

    Raises:
        FileNotFoundError, ValueError: the file is missing or damaged; the message names the command that makes it.
    """
    path = folder / f"{setting.name}.safetensors"
    try:
        return MaskStore.load(path, setting.net())
    except (FileNotFoundError, ValueError) as error:
        again = "Learn the masks again: python -m supsup_lite.explorers.stored"
        raise type(error)(f"The stored masks {path.name} cannot be read ({error}). {again}") from error


def bits_of(masks: MaskStore) -> bytes:
    """Return signs and masks of a network as the browser reads them.

    First a bit for each weight, 1 where it is positive, layer by layer; then, alike, a bit for each weight of each
    mask. The bits of a layer fill whole bytes: bit j of byte i is weight 8 i + j.
    """
    signs = [pack_bits((weight > 0).flatten()[None]) for weight in masks.net.weights().values()]
    rows = torch.cat([masks.packed(name) for name in masks.shapes], dim=1)
    return torch.cat(signs, dim=1).numpy().tobytes() + rows.numpy().tobytes()


def permutations() -> bytes:
    """Return the permutations of MOST_TASKS tasks: uint16 [k, 784], little-endian."""
    return tasks(MOST_TASKS).test_view.permutations.numpy().astype("<u2").tobytes()


def digit_positions() -> list[int]:
    """Return where in MNIST's test images the explorers' digits are: the first of each class, from 0 to 9."""
    labels = mnist("cpu")[1].labels
    return [i for digit in range(10) for i in (labels == digit).nonzero().flatten()[:DIGITS_EACH].tolist()]


def digits() -> bytes:
    """Return these test images, uint8 [n, 784], and then their labels, uint8 [n]."""
    test, positions = mnist("cpu")[1], digit_positions()
    return test.pixels[positions].numpy().tobytes() + test.labels[positions].byte().numpy().tobytes()


def test_images() -> bytes:
    """Return the first TEST_IMAGES test images, uint8 [n, 784], and then their labels, uint8 [n]."""
    test = mnist("cpu")[1]
    return test.pixels[:TEST_IMAGES].numpy().tobytes() + test.labels[:TEST_IMAGES].byte().numpy().tobytes()


FILES = {"digits": digits, "small-digits": small_digits, "permutations": permutations, "test-images": test_images}


def asset(name: str) -> bytes:
    """Return a file that an explorer's front end may ask for, compressed (zlib): the same for every explorer.

    Args:
        name: "digits", "small-digits", "permutations", "test-images", or the name of a stored setting.

    Raises:
        FileNotFoundError, ValueError: there is none of this name, or its file cannot be read.
    """
    settings = {setting.name: setting for setting in STORED}
    if name in settings:
        content = bits_of(stored_masks(settings[name]))
    elif name in FILES:
        content = FILES[name]()
    else:
        raise ValueError(f"explorers have no file {name!r}: there are {', '.join([*FILES, *settings])}.")
    return zlib.compress(content)


def write_masks(folder: Path) -> None:
    """Learn all stored masks and write their files."""
    for setting in STORED:
        masks = learn_all_masks(setting.net(), tasks(TASKS), setting.keep, SEED, progress=True)
        masks.save(folder / f"{setting.name}.safetensors")
        print(f"{setting.name}: {masks}")
