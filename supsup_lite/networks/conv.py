"""Convolutional base networks: a small one for a laptop, the ResNet-18 of SplitCIFAR100, and torchvision's ResNet-50.

Batch norm is without affine parameters, and its statistics belong to each task (`Network.norms`).
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_seed, check_whole
from supsup_lite.data.datasets import _torchvision_datasets
from supsup_lite.devices import check_memory, resolve
from supsup_lite.networks.frozen import FrozenBase, check_trial, frozen_base

Norm = partial(nn.BatchNorm2d, affine=False, track_running_stats=False)


class ConvNet(nn.Module):
    """Convolutions of 3 x 3 that halve the image, each with batch norm and ReLU, then one linear layer.

    The linear layer sees every place of the image, not their mean.
    """

    def __init__(self, input_shape: Sequence[int], widths: Sequence[int], outputs: int):
        super().__init__()
        channels, *size = input_shape
        self.blocks = nn.ModuleList()
        for width in widths:
            self.blocks.append(nn.Sequential(_conv(channels, width, stride=2), Norm(width), nn.ReLU()))
            channels, size = width, [-(-side // 2) for side in size]
        self.head = nn.Linear(channels * size[0] * size[1], outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return self.head(x.flatten(1))


class Block(nn.Module):
    """Two convolutions of 3 x 3 and a path past them, by a convolution of 1 x 1 where the shape changes."""

    def __init__(self, channels: int, width: int, stride: int):
        super().__init__()
        self.conv1, self.norm1 = _conv(channels, width, stride), Norm(width)
        self.conv2, self.norm2 = _conv(width, width), Norm(width)
        self.past = nn.Sequential()
        if stride != 1 or channels != width:
            self.past = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), Norm(width))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(h)) + self.past(x))


class GemResNet18(nn.Module):
    """ResNet-18 with few channels and a first convolution of 3 x 3, for small images (Lopez-Paz and Ranzato 2017)."""

    def __init__(self, width: int, outputs: int):
        super().__init__()
        self.conv, self.norm = _conv(3, width), Norm(width)
        widths = [width, 2 * width, 4 * width, 8 * width]
        before = [width, *widths]
        self.stages = nn.ModuleList(
            nn.Sequential(Block(channels, width, stride), Block(width, width, 1))
            for channels, width, stride in zip(before, widths, (1, 2, 2, 2), strict=False)
        )
        self.head = nn.Linear(widths[-1], outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type == "cpu":  # where a step takes a fifth less with the channels of a place side by side
            x = x.contiguous(memory_format=torch.channels_last)
        h = torch.relu(self.norm(self.conv(x)))
        for stage in self.stages:
            h = stage(h)
        return self.head(F.adaptive_avg_pool2d(h, 1).flatten(1))


def _conv(channels: int, width: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)


def conv_net(
    outputs: int = 10,
    seed: int = 0,
    device: torch.device | str | None = None,
    *,
    input_shape: Sequence[int] = (1, 28, 28),
    widths: Sequence[int] = (16, 32, 64),
) -> FrozenBase:
    """Return a small conv net for a laptop: convolutions of 3 x 3 with batch norm and ReLU, then one linear layer.

    Every convolution halves height and width. With the defaults 33,424 weights, of which a task is learned in a second
    or two.

    Args:
        outputs: output neurons s, the superfluous ones included.
        seed: decides every sign.
        input_shape: channels, height and width of an image, such as (3, 32, 32). Batches may come flat.
        widths: channels of each convolution.

    Raises:
        ValueError, TypeError: fewer than 2 outputs, no convolution, a negative seed, or no whole numbers.
    """
    shape, widths = _sizes("input_shape", input_shape, (1, 28, 28)), _sizes("widths", widths, (16, 32, 64))
    if len(shape) != 3:
        raise ValueError(f"input_shape must be channels, height and width of an image, got {shape}.")
    return _drawn("conv_net", partial(ConvNet, shape, widths), outputs, seed, shape, device)


def gem_resnet18(
    outputs: int = 5,
    seed: int = 0,
    device: torch.device | str | None = None,
    *,
    size: int = 32,
    width: int = 20,
) -> FrozenBase:
    """Return the ResNet-18 of SplitCIFAR100, for images of 3 x 32 x 32: 1,090,940 weights with 5 outputs.

    That of the GEM paper (Lopez-Paz and Ranzato 2017): 20 channels at first, blocks 2-2-2-2, no biases. SupSup's runs
    write the last layer as a convolution of 1 x 1; on an image of one place, as it is here, that is a linear layer, and
    it is one here.

    Args:
        outputs: output neurons s, the superfluous ones included.
        seed: decides every sign.
        size: height and width of an image. Batches may come flat.
        width: channels at first; they double three times.

    Raises:
        ValueError, TypeError: fewer than 2 outputs, a negative seed, or no whole numbers.
    """
    size, width = check_whole("size", size, least=8), check_whole("width", width)
    return _drawn("gem_resnet18", partial(GemResNet18, width), outputs, seed, (3, size, size), device)


def resnet50(
    outputs: int = 10, seed: int = 0, device: torch.device | str | None = None, *, size: int = 224
) -> FrozenBase:
    """Return torchvision's ResNet-50, for SplitImageNet: 23,475,392 weights with 10 outputs. It needs torchvision.

    Args:
        outputs: output neurons s, the superfluous ones included.
        seed: decides every sign.
        size: height and width of an image. Batches may come flat.

    Raises:
        ValueError, TypeError: fewer than 2 outputs, a negative seed, or no whole numbers.
    """
    size = check_whole("size", size, least=32)
    return _drawn("resnet50", _torchvision_resnet50, outputs, seed, (3, size, size), device)


def _torchvision_resnet50(outputs: int) -> nn.Module:
    _torchvision_datasets()  # which knows how to import torchvision beside a CPU-only torch
    from torchvision import models

    module = models.resnet50(num_classes=outputs, norm_layer=partial(nn.BatchNorm2d, track_running_stats=False))
    module.fc.bias = None
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):  # torchvision cannot make one without affine parameters
            part.affine, part.weight, part.bias = False, None, None
    return module


@isolated
def _drawn(
    name: str, make: Callable[[int], nn.Module], outputs: int, seed: int, shape: tuple[int, ...], device
) -> FrozenBase:
    """Return a network whose module is made without weights, and so without torch's global random state."""
    outputs, seed, where = check_whole("outputs", outputs, least=2), check_seed(seed), resolve(device)
    check_trial(shape)
    try:
        with torch.device("meta"):
            module = make(outputs)
    except RuntimeError as error:  # even counting its bytes overflows
        raise ValueError(f"{name} of these sizes is larger than any memory ({error}). Take smaller ones.") from error
    weights = sum(parameter.numel() for parameter in module.parameters())
    check_memory(f"a network of {weights:,} weights", 10 * weights, torch.device("cpu"))  # where they are drawn
    return frozen_base(module, name, seed, shape, where)


def _sizes(name: str, given: Sequence[int], such_as: tuple[int, ...]) -> tuple[int, ...]:
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)) or not len(given):
        raise TypeError(f"{name} must be whole numbers such as {such_as}, got {given!r}.")
    return tuple(check_whole(f"a number of {name}", number) for number in given)
