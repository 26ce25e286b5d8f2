"""Any torch module as a base network, f(x; W): copied, frozen, its linear and convolutional weights open to masks."""

import copy
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_seed, check_whole
from supsup_lite.devices import check_memory, resolve
from supsup_lite.networks.batch_norm import Normalise, by_batch, is_of_a_task
from supsup_lite.networks.layers import CONVOLUTIONS
from supsup_lite.networks.network import ApplyLayer, Network, signed_kaiming_constant, unmasked

NORMS = (
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
    *(nn.LayerNorm, nn.GroupNorm, nn.RMSNorm),
)
TRIAL = 3  # images of the trial run, a number that a layer's own sizes rarely equal by accident


class FrozenBase(Network):
    """A module as a base network; `freeze_as_base` makes it, and says what is frozen how.

    A call runs a shallow copy of the module, in which each masked layer is exchanged for a call of `apply`, and each
    batch norm of a task for a call of `normalise`. So the module is never assigned to, whatever its forward does, and
    calls from several threads cannot meet.

    Attributes:
        module: the frozen copy of the module that was given.
        input_shape: the shape in which the module takes one image; batches may come flat, [B, inputs].
    """

    def __init__(self, module: nn.Module, name: str, seed: int | None, input_shape: tuple[int, ...]):
        super().__init__()
        self.module, self.name, self.seed, self.input_shape = module, name, seed, input_shape
        self.inputs = math.prod(input_shape)
        self.per_image = not self.norms()

    def masked_layers(self) -> dict[str, nn.Module]:
        return {name: layer for name, layer in self.module.named_modules() if _is_masked(layer)}

    def norms(self) -> dict[str, int]:
        return {name: part.num_features for name, part in self.module.named_modules() if is_of_a_task(part)}

    def forward(self, x: Tensor, apply: ApplyLayer = unmasked, normalise: Normalise = by_batch) -> Tensor:
        exchanged = {
            id(part): _Exchanged(name, part, apply if _is_masked(part) else normalise)
            for name, part in self.module.named_modules()
            if _is_masked(part) or is_of_a_task(part)
        }
        return _with_layers(self.module, exchanged, x.dtype)(x.reshape(len(x), *self.input_shape))

    def __repr__(self) -> str:
        drawn = "weights as given" if self.seed is None else f"seed {self.seed}"
        return f"<{self.name}: {self.num_weights:,} weights, {self.outputs} outputs, {drawn}>"

    def _frozen(self) -> list[tuple[str, Tensor]]:
        return [(name.removeprefix("module."), tensor) for name, tensor in super()._frozen()]

    def _digest(self, frozen: list[tuple[str, Tensor]]) -> str:
        kinds = [f"{name} {type(part).__name__}({part.extra_repr()})" for name, part in self.module.named_modules()]
        return super()._digest(frozen, f"{self.input_shape} {kinds}")


class _Exchanged:
    """Stands in a copied module where a layer stood, and runs it as the caller wants; else it is like the layer."""

    def __init__(self, name: str, layer: nn.Module, run: ApplyLayer | Normalise):
        self._name, self._layer, self._run = name, layer, run

    def __call__(self, h: Tensor) -> Tensor:
        return self._run(self._name, self._layer, h)

    def __getattr__(self, attribute: str):
        if attribute == "weight" and _is_masked(self._layer):
            raise TypeError(f"the weight of {self._name} is read apart from the layer's call, where no mask can be.")
        return getattr(self._layer, attribute)


@isolated
def freeze_as_base(
    module: nn.Module,
    seed: int | None = None,
    *,
    input_shape: Sequence[int] | None = None,
    device: torch.device | str | None = None,
) -> FrozenBase:
    """Return a copy of any torch module as a frozen base network. The module itself stays as it is.

    A mask covers the weights of its linear and convolutional layers. All else is frozen as it is: biases, norms and
    their running statistics, embeddings, attention. The copy always computes as in evaluation: dropout is off, and
    batch norm uses its statistics and never updates them. Batch norm that keeps none (`track_running_stats=False`) has
    those of each task, which `learn_masks` measures and the store keeps with the task's mask.

    With a seed the network is drawn anew, so that the seed and the module's code store it: masked weights are signed
    Kaiming constants, biases 0, norms 1 and 0 with statistics of mean 0 and variance 1 (SupSup, "Preliminaries").

    Args:
        module: takes B images, float32 [B, *input_shape], and returns logits [B, outputs], each from its image alone.
        seed: None keeps the weights as they are; a number decides every sign.
        input_shape: of one image, such as (1, 28, 28); None where the module's first layer is linear and says it.
            Batches may come flat, [B, D], as the tasks of this course have them.
        device: where to put it; None is `supsup_lite.device()`.

    Raises:
        TypeError: no module, or one that is compiled to TorchScript.
        ValueError: no mask could cover it faithfully: no layer to mask, layers that share a weight or are never
            called, hooks or parametrizations, random or changing forwards; or the shape does not fit.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {type(module).__name__}.")
    if isinstance(module, torch.jit.ScriptModule):
        raise TypeError("a module compiled to TorchScript cannot be masked: give the module it was compiled from.")
    if isinstance(module, Network):
        raise TypeError(f"{module!r} is a base network already: use it as it is.")
    seed = None if seed is None else check_seed(seed)
    shape = _checked_shape(module, input_shape)
    _check_layers(module)
    return frozen_base(module, type(module).__name__, seed, shape, device)


def frozen_base(
    module: nn.Module, name: str, seed: int | None, shape: tuple[int, ...], device: torch.device | str | None
) -> FrozenBase:
    """Return `freeze_as_base` of a module that is known to be sound.

    With a seed it may lie on the device meta, and all of it is drawn: a torch module made elsewhere would draw numbers
    from the global random state first.
    """
    frozen = copy.deepcopy(nn.Sequential(module) if _is_masked(module) else module)
    if seed is not None and next(frozen.parameters()).is_meta:
        frozen = frozen.to_empty(device="cpu")
    frozen = frozen.to(resolve(device), torch.float32).requires_grad_(False)
    if seed is not None:
        _draw(frozen, seed)
    net = FrozenBase(frozen, name, seed, shape)
    net.outputs = _tried_out(net)
    return net


def _is_masked(layer: nn.Module) -> bool:
    """Return whether a mask covers a layer: linear or convolutional, and computing as such (no forward of its own).

    The last layer of attention is not: attention reads its weight and never calls it.
    """
    if isinstance(layer, nn.modules.linear.NonDynamicallyQuantizableLinear):
        return False
    return any(isinstance(layer, kind) and type(layer).forward is kind.forward for kind in (nn.Linear, *CONVOLUTIONS))


def _with_layers(module: nn.Module, layers: dict[int, Callable], dtype: torch.dtype) -> nn.Module:
    """Return a shallow copy of a module in evaluation, with other layers in it and all else in another precision.

    Args:
        layers: what to put in the place of modules, by their id. What was copied is added, so that a module that is
            used in two places stays one.
    """

    def cast(tensors: dict[str, Tensor | None]) -> dict[str, Tensor | None]:
        return {n: t.to(dtype) if t is not None and t.is_floating_point() else t for n, t in tensors.items()}

    if id(module) not in layers:
        fresh = layers[id(module)] = object.__new__(type(module))
        parts = vars(module)
        fresh.__dict__.update(parts, training=False)
        fresh.__dict__["_parameters"], fresh.__dict__["_buffers"] = cast(parts["_parameters"]), cast(parts["_buffers"])
        fresh.__dict__["_modules"] = {
            name: None if part is None else _with_layers(part, layers, dtype)
            for name, part in parts["_modules"].items()
        }
    return layers[id(module)]


def _checked_shape(module: nn.Module, input_shape: Sequence[int] | None) -> tuple[int, ...]:
    if input_shape is None:
        first = next(filter(_is_masked, module.modules()), None)
        if isinstance(first, nn.Linear):
            return (first.in_features,)
        raise ValueError(
            f"the shape of an image cannot be read off {type(module).__name__}: give it, such as "
            "input_shape=(1, 28, 28) for one channel of 28 x 28 pixels."
        )
    if not isinstance(input_shape, Sequence) or isinstance(input_shape, (str, bytes)) or not len(input_shape):
        raise TypeError(f"input_shape must be the sizes of one image, such as (1, 28, 28), got {input_shape!r}.")
    shape = tuple(check_whole("a size of input_shape", size) for size in input_shape)
    check_trial(shape)
    return shape


def check_trial(shape: tuple[int, ...]) -> None:
    """Raise ValueError where a trial run on images of this shape takes more memory than there is."""
    check_memory(f"a trial run on {TRIAL} images of shape {shape}", 4 * TRIAL * math.prod(shape), torch.device("cpu"))


def _check_layers(module: nn.Module) -> None:
    """Raise where W * M could not take the place of a layer's weight, and of that alone."""
    owners: dict[int, list[str]] = {}
    for path, part in module.named_modules():
        what = f"{path or 'the module'} ({type(part).__name__})"
        if nn.parameter.is_lazy(next(part.parameters(recurse=False), None)):
            raise ValueError(f"{what} has no weights yet: call the module once on a batch of images first.")
        if part._forward_hooks or part._forward_pre_hooks:
            raise ValueError(f"{what} has forward hooks, which may change what a layer computes: remove them first.")
        if nn.utils.parametrize.is_parametrized(part):
            raise ValueError(f"{what} computes its weight by a parametrization: remove it, leaving the weight, first.")
        if any(tensor.is_meta for tensor in (*part.parameters(recurse=False), *part.buffers(recurse=False))):
            raise ValueError(f"{what} lies on the device meta, where tensors have no values: make it on another.")
        for name, parameter in part.named_parameters(recurse=False):
            owners.setdefault(id(parameter), []).append(f"{path}.{name}".lstrip("."))
    masked = {id(layer.weight) for layer in module.modules() if _is_masked(layer)}
    if not masked:
        raise ValueError(f"{type(module).__name__} has no linear or convolutional layer that a mask could cover.")
    shared = [names for parameter, names in owners.items() if parameter in masked and len(names) > 1]
    if shared:
        raise ValueError(f"{' and '.join(shared[0])} are one weight, which a mask would cover twice: separate them.")


def _draw(module: nn.Module, seed: int) -> None:
    """Draw a module of ours anew: signed Kaiming constants, biases 0, norms without effect."""
    with torch.no_grad():
        for path, part in module.named_modules():
            if _is_masked(part):
                part.weight.copy_(signed_kaiming_constant(tuple(part.weight.shape), path, seed))
                if part.bias is not None:
                    part.bias.zero_()
            elif isinstance(part, NORMS):
                part.reset_parameters()
            elif others := [name for name, _ in part.named_parameters(recurse=False)]:
                raise ValueError(
                    f"a seed draws linear, convolutional and norm layers only, not {', '.join(others)} of "
                    f"{path or 'the module'} ({type(part).__name__}). Give seed=None to keep all as it is."
                )


@torch.no_grad()
def _tried_out(net: FrozenBase) -> int:
    """Return how many outputs a network has, after a trial run that shows whether masks will do what they say."""
    pixels = torch.linspace(-1, 1, TRIAL * net.inputs, dtype=torch.float32, device=net.device)
    x = pixels.view(TRIAL, net.inputs)
    uncalled = dict.fromkeys(net.masked_layers())

    def apply(name: str, layer: nn.Module, h: Tensor) -> Tensor:
        uncalled.pop(name, None)
        if len(h) != TRIAL:
            raise ValueError(f"{name} sees {tuple(h.shape)} for {TRIAL} images: the first dimension must be the image.")
        return unmasked(name, layer, h)

    before, versions = net.fingerprint(), x._version
    try:
        with torch.random.fork_rng([net.device] if net.device.type == "cuda" else []):  # a module may draw numbers
            logits, again = net(x, apply), net(x)
    except Exception as error:
        raise ValueError(
            f"{net.name} could not be run on {TRIAL} images of shape {net.input_shape}: {error} "
            "Give the input_shape of one image, and a module that calls its layers."
        ) from error
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != TRIAL or logits.shape[1] < 2:
        got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ValueError(f"{net.name} must return logits [B, outputs], two outputs or more, got {got} for B = {TRIAL}.")
    if uncalled:
        raise ValueError(f"{net.name} never calls {', '.join(uncalled)}, so a mask there would do nothing: remove it.")
    if not torch.equal(logits, again):
        raise ValueError(f"{net.name} gives other logits at a second look, so it is random: remove what draws numbers.")
    if net.fingerprint() != before or x._version != versions:
        raise ValueError(f"{net.name} writes to its buffers or its input in forward: a frozen network must not.")
    return logits.shape[1]
