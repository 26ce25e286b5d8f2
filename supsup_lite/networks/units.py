"""Networks whose units a mask switches on and off, instead of their weights (SupSup, section 3.5, eq. 5)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.devices import resolve
from supsup_lite.networks.layers import Units
from supsup_lite.networks.network import ApplyLayer, Network, checked_recipe, signed_kaiming_constant, unmasked


class UnitMLP(Network):
    """Hidden layers of units that a mask switches on and off: linear, batch norm, Swish, units (SupSup, "HopSupSup").

    The linear weights are frozen, and no mask touches them: d bits a task, one a hidden unit. Batch norm is without
    affine parameters, and takes mean and variance from the batch at hand, in training and at inference. So nothing is
    shared between tasks but the frozen weights; the price is that images come in batches of two or more.

    What it takes and refuses is as with `MLP`.
    """

    per_image = False  # batch norm

    @isolated
    def __init__(self, name: str, widths: tuple[int, ...], seed: int, device: torch.device | str | None = None):
        super().__init__()
        widths, self.seed = checked_recipe(widths, seed)
        self.name, self.inputs, self.outputs = name, widths[0], widths[-1]
        where = resolve(device)
        self.linear = [f"fc{i}" for i in range(1, len(widths))]
        self.layers = [f"units{i}" for i in range(1, len(widths) - 1)]
        for layer, fan_in, fan_out in zip(self.linear, widths[:-1], widths[1:], strict=True):
            self.register_buffer(layer, signed_kaiming_constant((fan_out, fan_in), layer, seed).to(where))
        for layer, units in zip(self.layers, widths[1:-1], strict=True):
            setattr(self, layer, Units(units, where))

    def forward(self, x: Tensor, apply: ApplyLayer = unmasked) -> Tensor:
        if len(x) < 2:
            raise ValueError(f"{self.name} takes batch norm over the images: give two or more of them, got {len(x)}.")
        h = x.flatten(1)
        for linear, layer in zip(self.linear[:-1], self.layers, strict=True):
            h = F.batch_norm(F.linear(h, self.get_buffer(linear).to(h.dtype)), None, None, training=True)
            h = apply(layer, getattr(self, layer), F.silu(h))
        return F.linear(h, self.get_buffer(self.linear[-1]).to(h.dtype))

    def __repr__(self) -> str:
        return f"<{self.name}: {self.num_weights:,} units to mask, {self.outputs} outputs, seed {self.seed}>"


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
