"""Which task is this? One superposition of all masks, and its output says (SupSup, "Scenarios GNs & GNu")."""

import itertools
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_choice, check_flag, check_positive, check_whole
from supsup_lite.inference.objectives import OBJECTIVES, objective_of
from supsup_lite.inference.racing import pays, race
from supsup_lite.masks.apply import run_masked
from supsup_lite.masks.fits import check_fits
from supsup_lite.masks.store import MaskStore
from supsup_lite.masks.superposition import forward_superposed, mean_gradient
from supsup_lite.networks.network import Network, check_images, is_finite

METHODS = ("one_shot", "racing", "binary", "exhaustive", "gradient_descent")


@isolated
def superpose(net: Network, masks: MaskStore, alphas: Tensor, x: Tensor) -> Tensor:
    """Return the logits [B, outputs] of f(x, W * sum_i alpha_i M_i), differentiable in the alphas.

    SupSup, "Scenarios GNs & GNu".

    Args:
        net: the frozen base network.
        masks: its k masks.
        alphas: float [k], one superposition for all images, or [B, k], one for each.
        x: B images, float [B, ...]; the work is done in their precision, and alphas of another are cast to it.

    Raises:
        TypeError, ValueError: the images, masks or alphas do not fit the network or one another.
    """
    masks, x = _checked(net, masks, x)
    alphas = _checked_alphas(net, masks, x, alphas)
    return forward_superposed(net, masks, alphas.expand(len(x), len(masks)), x, shared=alphas.ndim == 1)


@isolated
def alpha_gradient(
    net: Network,
    masks: MaskStore,
    x: Tensor,
    objective: str = "entropy",
    alphas: Tensor | None = None,
    num_classes: int | None = None,
) -> Tensor:
    """Return d objective / d alpha for each image: float [B, k] (SupSup, "Scenarios GNs & GNu").

    The work is one forward and backward pass and k inner products for each image; masks are unpacked a few at a time.

    Args:
        net: the frozen base network.
        masks: its k masks.
        x: B images, float [B, ...]; the work is done in their precision, in which the gradient comes too.
        objective: "entropy" is H, "superfluous" is G.
        alphas: where to take the gradient, float [k] or [B, k], cast to the images' precision; None is 1/k each.
        num_classes: l, how many outputs are real, for G; None takes it from the store (`masks.learned`).

    Raises:
        TypeError, ValueError: the arguments do not fit together.
    """
    masks, x = _checked(net, masks, x)
    if alphas is not None:
        alphas = _checked_alphas(net, masks, x, alphas)
    return _each_gradient(net, masks, x, objective, alphas, _real_outputs(net, masks, objective, num_classes))


def _each_gradient(net, masks, x, objective, alphas, num_classes) -> Tensor:
    """Return d objective / d alpha for each image [B, k] at alphas [k] or [B, k], 1/k each where they are None."""
    alphas = _uniform(masks, x) if alphas is None else alphas
    rows = alphas.detach().expand(len(x), len(masks)).clone().requires_grad_(True)  # for each image, as its gradient
    with torch.enable_grad():
        logits = forward_superposed(net, masks, rows, x.detach(), shared=alphas.ndim == 1)
        value = objective_of(logits, objective, num_classes).sum()
        return torch.autograd.grad(value, rows)[0]


@isolated
@torch.no_grad()
def infer_task(
    net: Network,
    masks: MaskStore,
    x: Tensor,
    method: str = "one_shot",
    objective: str = "entropy",
    *,
    together: bool = False,
    num_classes: int | None = None,
    steps: int = 20,
    rate: float = 1.0,
) -> Tensor:
    """Return the position in the store of the mask that fits each image: long [B] (SupSup, "Scenarios GNs & GNu").

    * "one_shot": the mask with the largest -d objective / d alpha, from one gradient at 1/k.
    * "racing": the same mask, but for rare images, from a fraction of the bits (`inference.racing` says how rare). With
      superposed statistics of batch norm, which say something too, it is one_shot.
    * "binary": halve the candidates by the same gradient until one is left, ceil(log2 k) gradients.
    * "exhaustive": try every mask, keep the one with the lowest entropy, k forward passes.
    * "gradient_descent": `steps` steps of alpha <- alpha - rate * gradient, kept positive with sum 1; the largest wins.

    Of candidates that tie, the first wins.

    Args:
        net: the frozen base network.
        masks: its k masks.
        x: B images, float [B, ...]; the work is done in their precision.
        objective: "entropy" or "superfluous". For "exhaustive" only the entropy works: G says nothing by its value.
        together: all images come from one task: decide by the mean over images, and return it B times.
        num_classes: as in `alpha_gradient`.
        steps, rate: of gradient descent.

    Raises:
        TypeError, ValueError: the arguments do not fit together.
    """
    masks, x = _checked(net, masks, x)
    check_choice("method", method, METHODS)
    steps, rate, together = check_whole("steps", steps), check_positive("rate", rate), check_flag("together", together)
    num_classes = _real_outputs(net, masks, objective, num_classes)
    if method == "exhaustive":
        if objective != "entropy":
            raise ValueError("exhaustive search compares values, and only the entropy's value tells masks apart.")
        chosen = _pooled(_entropies(net, masks, x), together).argmin(1)
    elif method == "binary":
        chosen = _binary(net, masks, x, objective, together, num_classes)
    elif method == "racing" and masks.statistics is None and pays(len(masks), 1 if together else len(x)):
        chosen = race(net, masks, x, lambda logits: objective_of(logits, objective, num_classes), together)
    elif method in ("one_shot", "racing"):
        chosen = _gradient(net, masks, x, objective, None, together, num_classes).argmin(1)
    else:
        chosen = _descend(net, masks, x, objective, together, num_classes, steps, rate).argmax(1)
    return chosen.expand(len(x)).clone()


@isolated
def entropies(net: Network, masks: MaskStore, x: Tensor) -> Tensor:
    """Return the entropy H of the output under each mask by itself, in nats: float [B, k].

    Raises:
        TypeError, ValueError: the arguments do not fit together.
    """
    return _entropies(net, *_checked(net, masks, x))


def _entropies(net: Network, masks: MaskStore, x: Tensor) -> Tensor:
    return torch.stack([objective_of(run_masked(net, mask, x), "entropy") for mask in masks], dim=1)


@isolated
def halvings(
    net: Network,
    masks: MaskStore,
    x: Tensor,
    objective: str = "entropy",
    num_classes: int | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each step of Binary, for each image by itself, as (candidates, gradient): bool and float [B, k].

    The first candidates are all masks; each step keeps the better half (rounded up) by -gradient, as long as more
    than one is left. What remains at the end is yielded with its gradient too.

    Raises:
        TypeError, ValueError: the arguments do not fit together.
    """
    masks, x = _checked(net, masks, x)
    yield from _halvings(net, masks, x, objective, _real_outputs(net, masks, objective, num_classes))


def _halvings(net, masks, x, objective, num_classes) -> Iterator[tuple[Tensor, Tensor]]:
    left = k = len(masks)
    candidates = torch.ones(len(x), k, dtype=torch.bool, device=net.device)
    while True:
        alphas = None if left == k else candidates.to(x.dtype) / left
        gradient = _each_gradient(net, masks, x, objective, alphas, num_classes)
        yield candidates, gradient
        if left == 1:
            return
        left = math.ceil(left / 2)
        order = gradient.masked_fill(~candidates, math.inf).argsort(dim=1, stable=True)
        candidates = torch.zeros_like(candidates).scatter(1, order[:, :left], True)


def _binary(net, masks, x, objective, together, num_classes) -> Tensor:
    if len(masks) == 1:
        return torch.zeros(1, dtype=torch.long, device=net.device)
    if together:  # one set of candidates for all images: the work halves with it
        left = torch.arange(len(masks), device=net.device)
        while len(left) > 1:
            gradient = _gradient(net, masks, x, objective, None, together, num_classes)[0]
            better = gradient.argsort(stable=True)[: math.ceil(len(left) / 2)].sort().values
            left, masks = left[better], masks.take(better)
        return left
    steps = _halvings(net, masks, x, objective, num_classes)
    *_, (candidates, gradient) = itertools.islice(steps, math.ceil(math.log2(len(masks))))  # the last is of two
    return gradient.masked_fill(~candidates, math.inf).argsort(dim=1, stable=True)[:, 0]


def _descend(net, masks, x, objective, together, num_classes, steps, rate) -> Tensor:
    """Return alphas [B, k] or [1, k] after descent, kept on the simplex by clipping at 0 and renormalising."""
    rows, k = (1 if together else len(x)), len(masks)
    alphas = _uniform(masks, x).expand(rows, k)
    for step in range(steps):
        start = alphas[0] if together or step == 0 else alphas
        gradient = _gradient(net, masks, x, objective, start, together, num_classes)
        scale = gradient.abs().amax(1, keepdim=True).clamp_min(torch.finfo(x.dtype).tiny)
        moved = (alphas - rate / k * gradient / scale).clamp_min(0)  # a step as long as the alphas are
        alphas = moved / moved.sum(1, keepdim=True).clamp_min(torch.finfo(x.dtype).tiny)
    return alphas


def _gradient(net, masks, x, objective, alphas, together, num_classes) -> Tensor:
    """Return the gradient for each image [B, k], or their mean [1, k] when they share a task, which costs far less."""
    if not together:
        return _each_gradient(net, masks, x, objective, alphas, num_classes)
    if alphas is None:
        alphas = _uniform(masks, x)
    return mean_gradient(net, masks, alphas, x, lambda logits: objective_of(logits, objective, num_classes))[None]


def _pooled(values: Tensor, together: bool) -> Tensor:
    """Return the mean over images as one row when they share a task, else the rows as they are."""
    return values.mean(0, keepdim=True) if together else values


def _real_outputs(net: Network, masks: MaskStore, objective: str, num_classes: int | None) -> int | None:
    check_choice("objective", objective, OBJECTIVES)
    if num_classes is not None:
        return check_whole("num_classes", num_classes)
    if objective == "entropy":
        return None
    if masks.learned is None or masks.learned.num_classes is None:
        raise ValueError(
            "objective 'superfluous' needs num_classes: this store does not say how many outputs are real. Give it, or "
            "make the store with learned=Learned(num_classes=...)."
        )
    return masks.learned.num_classes


def _uniform(masks: MaskStore, x: Tensor) -> Tensor:
    """Return alphas of 1/k for every mask, [k]."""
    return torch.full((len(masks),), 1 / len(masks), device=x.device, dtype=x.dtype)


def _checked(net: Network, masks: MaskStore, x: Tensor) -> tuple[MaskStore, Tensor]:
    """Return masks and images (as `check_images` does) if they and the network fit together.

    The masks are a view, those of now: another thread may add some meanwhile.
    """
    check_fits(net, masks)
    masks = masks[:]
    x = check_images(net, x)
    if not len(masks):
        raise ValueError("masks is empty: learn at least one mask before asking which task it is.")
    if not len(x):
        raise ValueError("there is no image: x has 0 rows.")
    return masks, x


def _checked_alphas(net: Network, masks: MaskStore, x: Tensor, alphas: Tensor) -> Tensor:
    """Return the alphas in the precision of the images, as a copy where autograd could not use them as they are."""
    if not isinstance(alphas, Tensor) or not alphas.is_floating_point():
        raise TypeError(f"alphas must be a float tensor [k] or [B, k], got {alphas!r}.")
    k, images = len(masks), len(x)
    if alphas.shape not in ((k,), (images, k)):
        raise ValueError(f"alphas must be [{k}] or [{images}, {k}], got {list(alphas.shape)}: one for each mask.")
    if alphas.device != net.device:
        raise ValueError(f"the alphas are on {alphas.device}, the network on {net.device}: move one of them.")
    if not is_finite(alphas.detach()):
        raise ValueError("alphas must be finite numbers, got NaN or infinity among them: did descent diverge?")
    return (alphas.clone() if alphas.is_inference() else alphas).to(x.dtype)
