"""Random base networks: frozen weights of two values, +c and -c, which a seed stores (SupSup, "Preliminaries")."""

import hashlib
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from supsup_lite.checks import check_seed
from supsup_lite.seeding import generator

ApplyLayer = Callable[[str, nn.Module, Tensor], Tensor]


def own_weight(name: str, layer: nn.Module, x: Tensor) -> Tensor:
    return layer(x)


class Network(nn.Module):
    """A frozen network. It remembers its recipe (`name`, `outputs`, `seed`), from which it can be built again.

    `weights()` are the tensors that a mask covers. Nothing in a network ever changes: masks are arguments of the
    functions that use it. `forward(x, apply)` runs every masked layer as apply(name, layer, input), so that a caller
    (task inference, say) can run it in its own way without touching the network.
    """

    name: str
    inputs: int  # numbers in one image
    outputs: int  # output neurons s, superfluous ones included
    seed: int

    def weights(self) -> dict[str, Tensor]:
        """Return the masked tensors by name, each frozen: {"fc1.weight": float [out, in], ...}."""
        return dict(self.named_parameters())

    @property
    def num_weights(self) -> int:
        """How many weights a mask decides on."""
        return sum(weight.numel() for weight in self.parameters())

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return next(self.parameters()).device

    def fingerprint(self) -> str:
        """Return a SHA-256 over names, shapes and values of all that is frozen: what a mask of this network fits."""
        digest = hashlib.sha256()
        for name, weight in self.state_dict().items():
            digest.update(f"{name} {tuple(weight.shape)} {weight.dtype};".encode())
            digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def checked_recipe(name: str, widths: tuple[int, ...], seed: int) -> tuple[str, int, int, int]:
    """Return name, inputs, outputs and seed of a network, if they make sense."""
    inputs, *hidden, outputs = widths
    for what, width in (("outputs", outputs), ("inputs", inputs), *(("units", units) for units in hidden)):
        if isinstance(width, bool) or not isinstance(width, (int, np.integer)):
            raise TypeError(f"{what} must be a whole number, got {width!r}.")
        if what == "outputs" and width < 2:
            raise ValueError(f"outputs must be 2 or more, one for each class and any number on top, got {width}.")
        if width < 1:
            raise ValueError(f"{what} must be 1 or more, got {width}.")
    check_seed(seed)
    return name, int(inputs), int(outputs), int(seed)


def signed_kaiming_constant(shape: tuple[int, ...], layer: str, seed: int) -> Tensor:
    """Return float32 weights that are +c or -c with equal chance, c = sqrt(2 / fan_in) (SupSup).

    c is the standard deviation of Kaiming's normal initialisation for ReLU: the scale of a signal stays the same
    from layer to layer. Every layer draws its signs from its own stream on the CPU.

    Args:
        shape: [out, in, ...]; fan_in is the product of all but the first.
        layer: the layer's name, so that two layers of one shape differ.
    """
    fan_in = math.prod(shape[1:])
    signs = generator(f"weights of {layer}", seed).integers(0, 2, shape, dtype=np.int8) * 2 - 1
    return torch.from_numpy(signs.astype(np.float32) * np.float32(math.sqrt(2 / fan_in)))


def check_images(net: Network, x: Tensor) -> None:
    """Raise unless x is a float batch [B, ...] with as many numbers an image as the first layer has inputs."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"images must be a float tensor [B, ...], got {kind}. Take them from task.test.batch(...).")
    inputs = net.inputs
    if x.ndim < 2 or math.prod(x.shape[1:]) != inputs:
        raise ValueError(
            f"images must have shape [B, ...] with {inputs} numbers each for {net.name}, got {tuple(x.shape)}. "
            "A single image needs a batch dimension: x[None]."
        )
    if x.device != net.device:
        raise ValueError(f"the images are on {x.device}, the network on {net.device}: move one of them.")
