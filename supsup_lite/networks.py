"""Random base networks: frozen weights of two values, +c and -c, which a seed stores (SupSup, "Preliminaries")."""

import hashlib
import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supsup_lite.devices import resolve
from supsup_lite.seeding import check_seed, generator

ApplyLayer = Callable[[str, nn.Module, Tensor], Tensor]


def _plain(name: str, layer: nn.Module, x: Tensor) -> Tensor:
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


def _checked_recipe(name: str, widths: tuple[int, ...], seed: int) -> tuple[str, int, int, int]:
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


class MLP(Network):
    """Fully connected layers with ReLU between them and no biases: x [B, inputs] -> logits [B, outputs].

    Args:
        name: the name of the recipe.
        widths: neurons of each layer, inputs first, outputs last.
        seed: the one number that stores the network.
        device: where to put it; None is `supsup_lite.device()`.

    Raises:
        ValueError: a width or the seed makes no sense.
    """

    def __init__(self, name: str, widths: tuple[int, ...], seed: int, device: torch.device | str | None = None):
        super().__init__()
        self.name, self.inputs, self.outputs, self.seed = _checked_recipe(name, widths, seed)
        self.layers = [f"fc{i}" for i in range(1, len(widths))]
        for layer, fan_in, fan_out in zip(self.layers, widths[:-1], widths[1:], strict=True):
            linear = nn.Linear(fan_in, fan_out, bias=False, device="meta").requires_grad_(False)
            linear.weight = nn.Parameter(
                signed_kaiming_constant((fan_out, fan_in), layer, seed).to(resolve(device)),
                requires_grad=False,
            )
            setattr(self, layer, linear)

    def forward(self, x: Tensor, apply: ApplyLayer = _plain) -> Tensor:
        x = x.flatten(1)
        for layer in self.layers[:-1]:
            x = torch.relu(apply(layer, getattr(self, layer), x))
        return apply(self.layers[-1], getattr(self, self.layers[-1]), x)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.num_weights:,} weights, {self.outputs} outputs, seed {self.seed}>"


class Units(nn.Module):
    """The units of one layer as a layer of their own, [B, units] -> [B, units]: each is multiplied by its weight, 1.

    A mask over these weights switches units on and off. So a mask over units is a mask like any other.
    """

    def __init__(self, units: int, device: torch.device):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(units, device=device), requires_grad=False)

    def forward(self, h: Tensor) -> Tensor:
        return h * self.weight


class UnitMLP(Network):
    """Hidden layers of units that a mask switches on and off: linear, batch norm, Swish, units (SupSup, "HopSupSup").

    The linear weights are frozen, and no mask touches them: d bits a task, one a hidden unit. Batch norm is without
    affine parameters, and takes mean and variance from the batch at hand, in training and at inference. So nothing is
    shared between tasks but the frozen weights; the price is that images come in batches of two or more.

    Args:
        name: the name of the recipe.
        widths: neurons of each layer, inputs first, outputs last.
        seed: the one number that stores the network.
        device: where to put it; None is `supsup_lite.device()`.

    Raises:
        ValueError, TypeError: a width or the seed makes no sense.
    """

    def __init__(self, name: str, widths: tuple[int, ...], seed: int, device: torch.device | str | None = None):
        super().__init__()
        self.name, self.inputs, self.outputs, self.seed = _checked_recipe(name, widths, seed)
        where = resolve(device)
        self.linear = [f"fc{i}" for i in range(1, len(widths))]
        self.layers = [f"units{i}" for i in range(1, len(widths) - 1)]
        for layer, fan_in, fan_out in zip(self.linear, widths[:-1], widths[1:], strict=True):
            self.register_buffer(layer, signed_kaiming_constant((fan_out, fan_in), layer, seed).to(where))
        for layer, units in zip(self.layers, widths[1:-1], strict=True):
            setattr(self, layer, Units(units, where))

    def forward(self, x: Tensor, apply: ApplyLayer = _plain) -> Tensor:
        if len(x) < 2:
            raise ValueError(f"{self.name} takes batch norm over the images: give two or more of them, got {len(x)}.")
        h = x.flatten(1)
        for linear, layer in zip(self.linear[:-1], self.layers, strict=True):
            h = F.batch_norm(F.linear(h, self.get_buffer(linear).to(h.dtype)), None, None, training=True)
            h = apply(layer, getattr(self, layer), F.silu(h))
        return F.linear(h, self.get_buffer(self.linear[-1]).to(h.dtype))

    def __repr__(self) -> str:
        return f"<{self.name}: {self.num_weights:,} units to mask, {self.outputs} outputs, seed {self.seed}>"


def lenet_300_100(outputs: int = 100, seed: int = 0, device: torch.device | str | None = None) -> MLP:
    """Return LeNet 300-100 for images of 784 pixels: three layers without biases, 784-300-100-outputs.

    Args:
        outputs: output neurons s, the superfluous ones included.
        seed: decides every sign.

    Raises:
        ValueError, TypeError: fewer than 2 outputs, a negative seed, or either not a whole number.
    """
    return MLP("lenet_300_100", (784, 300, 100, outputs), seed, device)


def fc_1024(outputs: int = 500, seed: int = 0, device: torch.device | str | None = None) -> MLP:
    """Return FC 1024-1024, layers 784-1024-1024-outputs; otherwise as `lenet_300_100`."""
    return MLP("fc_1024", (784, 1024, 1024, outputs), seed, device)


def bn_mlp(outputs: int = 10, seed: int = 0, device: torch.device | str | None = None, units: int = 2048) -> UnitMLP:
    """Return 784-2048-2048-outputs with batch norm and Swish, whose masks are over its 4096 hidden units.

    Args:
        outputs: output neurons s, the superfluous ones included.
        seed: decides every sign.
        units: of each of the two hidden layers.

    Raises:
        ValueError, TypeError: fewer than 2 outputs or no units, a negative seed, or any of them not a whole number.
    """
    return UnitMLP("bn_mlp", (784, units, units, outputs), seed, device)


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
