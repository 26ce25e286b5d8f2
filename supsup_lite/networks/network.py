"""Base networks, f(x; W): frozen weights, and f(x; W * M) with the masked weights as an argument (SupSup, eq. 1)."""

import hashlib
import math
import operator
from collections.abc import Callable, Sequence
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_seed, check_whole
from supsup_lite.devices import check_memory
from supsup_lite.networks.batch_norm import Statistics, by_statistics
from supsup_lite.networks.layers import MASKED, layer_with
from supsup_lite.seeding import generator

ApplyLayer = Callable[[str, nn.Module, Tensor], Tensor]


def unmasked(name: str, layer: nn.Module, h: Tensor) -> Tensor:
    """Return what a layer makes of h with all of its weights, in the precision of h."""
    return layer_with(layer, layer.weight.to(h.dtype), h)


class Network(nn.Module):
    """A frozen network. It remembers its recipe (`name`, `outputs`, `seed`), from which it can be built again.

    `weights()` are the tensors that a mask covers. Nothing in a network ever changes: masks are arguments of the
    functions that use it. `forward(x, apply)` runs every masked layer as apply(name, layer, input), so that a caller
    (task inference, say) can run it in its own way without touching the network. Where batch norm has statistics of
    each task (`norms()`), it is forward(x, apply, normalise), and each norm runs as normalise(name, norm, input).
    """

    name: str
    inputs: int  # numbers in one image
    outputs: int  # output neurons s, superfluous ones included
    seed: int | None  # None: the weights are given, not drawn
    per_image: bool = True  # whether an image's output depends on no other of its batch, statistics given or not

    def masked_layers(self) -> dict[str, nn.Module]:
        """Return the layers that `forward` runs through `apply`, by name: those that a mask covers."""
        return {name: layer for name, layer in self.named_modules() if isinstance(layer, MASKED)}

    def weights(self) -> dict[str, Tensor]:
        """Return the masked tensors by name, each frozen: {"fc1.weight": float [out, in], ...}. Biases are none."""
        return {f"{name}.weight": layer.weight for name, layer in self.masked_layers().items()}

    def norms(self) -> dict[str, int]:
        """Return the batch norms whose statistics belong to a task, by name, with their channels: most have none."""
        return {}

    @property
    def num_weights(self) -> int:
        """How many weights a mask decides on."""
        return sum(weight.numel() for weight in self.weights().values())

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return next(self.parameters()).device

    def fingerprint(self) -> str:
        """Return a SHA-256 over names, shapes and values of all that is frozen: what a mask of this network fits.

        It is computed once, and again if a tensor was exchanged or written to since. (Writing through `weight.data`
        or an array that shares its memory goes behind torch's back, and is not seen.)
        """
        frozen = self._frozen()
        states = [(name, *state_of(tensor)) for name, tensor in frozen]
        tensors, known, digest = _fingerprints.get(self, ((), None, ""))
        if known != states or any(tensor is not held for (_, tensor), held in zip(frozen, tensors, strict=True)):
            digest = self._digest(frozen)
            # The tensors are held, so that no other can take the place of one in memory and pass for it.
            _fingerprints[self] = [tensor for _, tensor in frozen], states, digest
        return digest

    def _frozen(self) -> list[tuple[str, Tensor]]:
        """Return every parameter and buffer by name."""
        return [
            (f"{path}.{name}" if path else name, tensor)
            for path, module in self.named_modules()
            for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
        ]

    def _digest(self, frozen: list[tuple[str, Tensor]], structure: str = "") -> str:
        digest = hashlib.sha256(structure.encode())
        for name, tensor in frozen:
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype};".encode())
            if not tensor.is_meta:  # torch's device without values has shapes alone
                digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


# Beside the networks, not in them: to ask a network who it is writes nothing into it.
_fingerprints: WeakKeyDictionary[Network, tuple[list[Tensor], list[tuple], str]] = WeakKeyDictionary()


def state_of(tensor: Tensor) -> tuple[object, int]:
    """Return what changes when a tensor is written to, or given other memory; where torch keeps no count, always."""
    return object() if tensor.is_inference() else tensor._version, tensor.data_ptr()


def run(net: Network, weights: dict[str, Tensor], x: Tensor, statistics: Statistics | None = None) -> Tensor:
    """Return f(x; weights), with given weights in place of the network's: for each of `net.weights()` its shape.

    Args:
        weights: in the precision of the images, such as W * M.
        x: B images, float [B, ...].
        statistics: of each of `net.norms()`, [2, channels]; None takes those of the batch.

    Returns:
        logits [B, outputs], differentiable in the weights.
    """
    apply = with_weights(weights)
    return net(x, apply, by_statistics(statistics)) if statistics else net(x, apply)


def with_weights(weights: dict[str, Tensor]) -> ApplyLayer:
    """Return how to run every masked layer with given weights in place of its own."""
    return lambda name, layer, h: layer_with(layer, weights[f"{name}.weight"], h)


def checked_recipe(widths: Sequence[int], seed: int) -> tuple[tuple[int, ...], int]:
    """Return the widths (inputs, hidden units, outputs) and the seed of a network as ints, if they make sense."""
    if isinstance(widths, (str, Tensor)) or not isinstance(widths, Sequence):
        raise TypeError(f"widths must be neurons of each layer, such as (784, 300, 10), got {widths!r}.")
    if len(widths) < 2:
        raise ValueError(f"widths must be inputs, any hidden layers, and outputs, two or more, got {tuple(widths)}.")
    *below, outputs = widths
    outputs = check_whole("outputs", outputs, least=2)  # one for each class, and any number on top
    named = zip(("inputs", *["units"] * (len(below) - 1)), below, strict=True)
    widths = (*(check_whole(what, width) for what, width in named), outputs)
    weights = sum(map(operator.mul, widths[:-1], widths[1:]))
    check_memory(f"a network of {weights:,} weights", 6 * weights, torch.device("cpu"))  # where they are drawn
    return widths, check_seed(seed)


@isolated
def signed_kaiming_constant(shape: tuple[int, ...], layer: str, seed: int) -> Tensor:
    """Return float32 weights that are +c or -c with equal chance, c = sqrt(2 / fan_in) (SupSup).

    c is the standard deviation of Kaiming's normal initialisation for ReLU: the scale of a signal stays the same
    from layer to layer. Every layer draws its signs from its own stream on the CPU.

    Args:
        shape: [out, in, ...]; fan_in is the product of all but the first.
        layer: the layer's name, so that two layers of one shape differ.

    Raises:
        TypeError, ValueError: the shape, the name or the seed makes no sense.
    """
    if isinstance(shape, (str, bytes)) or not isinstance(shape, Sequence) or len(shape) < 2:
        raise TypeError(f"shape must be [out, in, ...], such as (300, 784), got {shape!r}.")
    if not isinstance(layer, str):
        raise TypeError(f"layer must be a name such as 'fc1', got {layer!r}.")
    shape = tuple(check_whole("a size of shape", size) for size in shape)
    check_memory(f"a layer of shape {shape}", 6 * math.prod(shape), torch.device("cpu"))
    fan_in = math.prod(shape[1:])
    signs = generator(f"weights of {layer}", seed).integers(0, 2, shape, dtype=np.int8) * 2 - 1
    return torch.from_numpy(signs.astype(np.float32) * np.float32(math.sqrt(2 / fan_in)))


def check_network(net: Network) -> None:
    """Raise TypeError unless net is a base network."""
    if not isinstance(net, Network):
        advice = " freeze_as_base(module) makes one of it." if isinstance(net, nn.Module) else ""
        raise TypeError(f"net must be a supsup_lite network such as lenet_300_100(), got {type(net).__name__}.{advice}")


def check_images(net: Network, x: Tensor) -> Tensor:
    """Return images that a network can work on; raise unless they are a float batch [B, ...] of its inputs, finite.

    Returns:
        x, or a copy of it if it was made under `torch.inference_mode()`, where autograd could not use it.
    """
    check_network(net)
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"images must be a float tensor [B, ...], got {kind}. Take them from task.test.batch(...).")
    if x.layout != torch.strided:
        raise TypeError(f"images must be a dense tensor, got one of layout {x.layout}: x.to_dense().")
    if x.ndim < 2 or math.prod(x.shape[1:]) != net.inputs:
        raise ValueError(
            f"images must have shape [B, ...] with {net.inputs} numbers each for {net.name}, got {tuple(x.shape)}. "
            "A single image needs a batch dimension: x[None]."
        )
    if x.device != net.device:
        raise ValueError(f"the images are on {x.device}, the network on {net.device}: move one of them.")
    if not is_finite(x):
        wrong = int((~x.isfinite()).flatten(1).any(1).sum())
        raise ValueError(
            f"images must be finite numbers, got NaN or infinity in {wrong} of {len(x)}: drop or mend those."
        )
    return x.clone() if x.is_inference() else x


def is_finite(values: Tensor) -> bool:
    """Return whether there is neither NaN nor infinity. Their sum says so in one pass; only where it overflows, all."""
    if values.is_meta:  # no values, so none that is wrong
        return True
    total = values.sum(dtype=torch.float32) if values.dtype in (torch.float16, torch.bfloat16) else values.sum()
    return bool(total.isfinite()) or bool(values.isfinite().all())
