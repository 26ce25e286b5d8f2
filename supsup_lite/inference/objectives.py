"""What an output says of its mask: the entropy H, and G of the superfluous neurons (SupSup, sections 3.3 and 3.6)."""

import torch
from torch import Tensor

from supsup_lite.checks import check_choice, check_whole

OBJECTIVES = ("entropy", "superfluous")


def objective_of(logits: Tensor, objective: str, num_classes: int | None = None) -> Tensor:
    """Return H or G of each row of logits: [B, s] -> [B].

    H is the entropy of softmax(p), in nats. G is logsumexp(p) whose gradient is stopped at the l real outputs, so that
    only the superfluous ones speak (SupSup, "Superfluous Neurons").

    Raises:
        TypeError: the logits are no floats, or num_classes no whole number.
        ValueError: an unknown objective, or G without superfluous outputs.
    """
    dense = isinstance(logits, Tensor) and logits.layout == torch.strided
    if not dense or not logits.is_floating_point() or logits.ndim != 2:
        kind = f"{logits.dtype} {list(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
        raise TypeError(f"logits must be a dense float tensor [B, s], got {kind}.")
    check_choice("objective", objective, OBJECTIVES)
    if num_classes is not None:
        num_classes = check_whole("num_classes", num_classes)
    if objective == "entropy":
        log_p = logits.log_softmax(1)
        return -(log_p.exp() * log_p).sum(1)
    if num_classes is None or not 0 < num_classes < logits.shape[1]:
        raise ValueError(
            f"objective 'superfluous' needs more outputs than classes, got {logits.shape[1]} outputs and {num_classes} "
            "classes. Use a network with more outputs, or the objective 'entropy'."
        )
    real = logits[:, :num_classes].detach()
    return torch.cat([real, logits[:, num_classes:]], dim=1).logsumexp(1)
