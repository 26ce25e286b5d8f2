"""A trial run of a module as a base network: does a mask do there what it says, and each image count by itself?"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from supsup_lite.devices import check_memory
from supsup_lite.networks.batch_norm import by_statistics
from supsup_lite.networks.network import Network, unmasked

TRIAL = 3  # images of the trial run, a number that a layer's own sizes rarely equal by accident
ROUNDING = 1e-3  # of the largest logit: how much one batch may differ from another for the order of sums


def check_trial(shape: tuple[int, ...]) -> None:
    """Raise ValueError where a trial run on images of this shape takes more memory than there is."""
    check_memory(f"a trial run on {TRIAL} images of shape {shape}", 4 * TRIAL * math.prod(shape), torch.device("cpu"))


@torch.no_grad()
def tried_out(net: Network, shape: tuple[int, ...]) -> int:
    """Return how many outputs a network has, after a trial run that shows whether masks will do what they say.

    Where batch norm has statistics of each task, the trial gives it some, so that no image depends on the others.

    Args:
        net: computes net(x, apply, normalise), and is not known to be sound.
        shape: of one image.

    Raises:
        ValueError: it is not, for a reason that the message says.
    """
    pixels = torch.linspace(-1, 1, TRIAL * net.inputs, dtype=torch.float32, device=net.device)
    x = pixels.view(TRIAL, net.inputs)
    plain = torch.tensor([[0.0], [1.0]], dtype=torch.float32, device=net.device)  # a mean and a variance
    normalise = by_statistics({name: plain.expand(2, channels) for name, channels in net.norms().items()})
    uncalled, watch = dict.fromkeys(net.masked_layers()), _UsesOfParameters(net)

    def apply(name: str, layer: nn.Module, h: Tensor) -> Tensor:
        uncalled.pop(name, None)
        if len(h) != TRIAL:
            raise ValueError(f"{name} sees {tuple(h.shape)} for {TRIAL} images: the first dimension must be the image.")
        return watch.allowing(name, lambda: unmasked(name, layer, h))

    before, versions = net.fingerprint(), x._version
    try:
        with torch.random.fork_rng([net.device] if net.device.type == "cuda" else []):  # a module may draw numbers
            with watch:
                logits = net(x, apply, normalise)
            again, without_first = net(x, unmasked, normalise), net(x[1:], unmasked, normalise)
    except Exception as error:
        raise ValueError(
            f"{net.name} could not be run on {TRIAL} images of shape {shape}: {error} "
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
    if not torch.allclose(without_first, logits[1:], rtol=0, atol=ROUNDING * float(logits.abs().max())):
        raise ValueError(f"{net.name} gives an image other logits beside other images: each must count by itself.")
    return logits.shape[1]


class _UsesOfParameters(TorchFunctionMode):
    """While it is entered, torch refuses to compute with a parameter that escapes its mask, or escapes being frozen.

    The one is the weight of a masked layer that is called past its place in the module (by a list or function that
    holds it, say). The other is a parameter of a layer that torch does not know as a part: in a plain list, say.
    """

    def __init__(self, net: Network):
        super().__init__()
        self._parts = {id(parameter) for parameter in net.parameters()}
        self._masked = {id(weight): name for name, weight in net.weights().items()}
        self._allowed: str | None = None

    def allowing(self, layer: str, compute: Callable[[], Tensor]) -> Tensor:
        """Return compute(), which may use the weight of this layer."""
        self._allowed = f"{layer}.weight"
        try:
            return compute()
        finally:
            self._allowed = None

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        for value in filter(lambda value: isinstance(value, nn.Parameter), (*args, *kwargs.values())):
            name = self._masked.get(id(value))
            if name is not None and name != self._allowed:
                raise TypeError(f"{name} is used apart from the call of its layer, where no mask can be.")
            if id(value) not in self._parts:
                raise TypeError(f"a parameter {tuple(value.shape)} belongs to a layer that is no part of the module.")
        return function(*args, **kwargs)
