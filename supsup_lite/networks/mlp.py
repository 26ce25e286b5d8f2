"""Fully connected base networks: LeNet 300-100, FC 1024-1024, and others of any widths."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from supsup_lite.ambient import isolated
from supsup_lite.devices import resolve
from supsup_lite.networks.network import ApplyLayer, Network, checked_recipe, signed_kaiming_constant, unmasked


class MLP(Network):
    """Fully connected layers with ReLU between them and no biases: x [B, inputs] -> logits [B, outputs].

    Args:
        name: the name of the recipe.
        widths: neurons of each layer, inputs first, outputs last.
        seed: the one number that stores the network.
        device: where to put it; None is `supsup_lite.device()`.

    Raises:
        ValueError, TypeError: a width or the seed makes no sense.
    """

    @isolated
    def __init__(self, name: str, widths: tuple[int, ...], seed: int, device: torch.device | str | None = None):
        super().__init__()
        widths, self.seed = checked_recipe(widths, seed)
        self.name, self.inputs, self.outputs = name, widths[0], widths[-1]
        self.layers = [f"fc{i}" for i in range(1, len(widths))]
        for layer, fan_in, fan_out in zip(self.layers, widths[:-1], widths[1:], strict=True):
            linear = nn.Linear(fan_in, fan_out, bias=False, device="meta").requires_grad_(False)
            linear.weight = nn.Parameter(
                signed_kaiming_constant((fan_out, fan_in), layer, seed).to(resolve(device)),
                requires_grad=False,
            )
            setattr(self, layer, linear)

    def forward(self, x: Tensor, apply: ApplyLayer = unmasked) -> Tensor:
        x = x.flatten(1)
        for layer in self.layers[:-1]:
            x = torch.relu(apply(layer, getattr(self, layer), x))
        return apply(self.layers[-1], getattr(self, self.layers[-1]), x)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.num_weights:,} weights, {self.outputs} outputs, seed {self.seed}>"


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


def mlp(widths: Sequence[int], seed: int = 0, device: torch.device | str | None = None) -> MLP:
    """Return a network of fully connected layers of any widths, with ReLU between them and no biases.

    Its name says its widths: `mlp((784, 400, 10))` is "mlp_784_400_10".

    Args:
        widths: neurons of each layer, inputs first, outputs (the superfluous ones included) last.
        seed: decides every sign.
        device: where to put it; None is `supsup_lite.device()`.

    Raises:
        ValueError, TypeError: fewer than two widths, fewer than 2 outputs, a negative seed, or no whole numbers.
    """
    widths, seed = checked_recipe(widths, seed)
    return MLP("_".join(["mlp", *map(str, widths)]), widths, seed, device)
