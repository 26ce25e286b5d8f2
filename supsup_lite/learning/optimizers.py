"""Gradient descent: the one loop in which scores, weights and alphas are trained, and its optimisers."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from supsup_lite.recipes import Recipe


def as_gradients_come(values: Tensor, layer: Tensor) -> Tensor:
    """Return a copy laid out in memory as the gradient of a layer's weight is: for a matrix, the inputs first.

    Autograd computes x^T delta, [in, out], and hands on its transpose. Scores and weights of the same layout save a
    tenth of a step on the CPU, because nothing has to be reordered. Shape and values stay.

    Args:
        values: the weight, or what has its shape, with more dimensions before it or not.
        layer: the weight itself. That of a convolution, or of units, is laid out as it is.
    """
    if layer.ndim != 2:
        return values.detach().clone(memory_format=torch.contiguous_format)
    return values.detach().mT.clone(memory_format=torch.contiguous_format).mT


def make_optimizer(parameters: list[Tensor], recipe: Recipe):
    """Return the recipe's optimiser of some tensors, and its schedule of the rate (None where it is constant)."""
    if recipe.optimizer == "rmsprop":
        optimizer = torch.optim.RMSprop(parameters, lr=recipe.lr)
    else:
        optimizer = torch.optim.Adam(parameters, lr=recipe.lr, fused=True)
    if not recipe.one_cycle:
        return optimizer, None
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.lr, total_steps=recipe.steps, cycle_momentum=False)
    return optimizer, schedule


def descend(
    parameters: list[Tensor],
    recipe: Recipe,
    batches: Iterable[tuple[Tensor, Tensor]],
    backward: Callable[[Tensor, Tensor], Tensor | None],
    on_step: Callable[[int, Tensor], None] | None = None,
) -> None:
    """Update the parameters in place, once for each batch (x, y).

    Args:
        parameters: leaf tensors.
        recipe: optimiser and rate.
        batches: as many as the recipe has steps.
        backward: backward(x, y) leaves the gradient of each parameter in its `grad`, and returns the loss of each task.
        on_step: called as on_step(step, loss) before each update.
    """
    optimizer, schedule = make_optimizer(parameters, recipe)
    for step, (x, y) in enumerate(batches):
        optimizer.zero_grad(set_to_none=True)
        with torch.enable_grad():
            loss = backward(x, y)
        if on_step is not None:
            on_step(step, loss)
        optimizer.step()
        if schedule is not None:
            schedule.step()
