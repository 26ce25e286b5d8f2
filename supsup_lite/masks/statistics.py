"""What travels with a mask besides its bits: the statistics of batch norm that belong to its task alone."""

import torch
from torch import Tensor

from supsup_lite.networks.batch_norm import Statistics
from supsup_lite.networks.network import Network


class TaskMask(dict[str, Tensor]):
    """A mask, or k of them with a leading dimension, that brings what else belongs to its task alone.

    It is the dict of its bits: {"layer.weight": bool tensor}. A dict made of it (`dict(mask)`, `{**mask}`) is a mask
    without statistics; give them to another with `TaskMask(bits, mask.statistics)`.

    Args:
        bits: name of a weight -> bool tensor.
        statistics: name of a norm -> mean and variance, float32 [2, channels]; None where the network has no norms
            with statistics of each task, or they are not known.

    Raises:
        TypeError: the bits are no dict. (What the tensors are is checked where the mask is used.)
    """

    def __init__(self, bits: dict[str, Tensor], statistics: Statistics | None = None):
        if not isinstance(bits, dict):
            raise TypeError(f"a mask is a dict of bool tensors by weight name, got {type(bits).__name__}.")
        super().__init__(bits)
        self.statistics = statistics


def statistics_of(mask: dict[str, Tensor]) -> Statistics | None:
    """Return the statistics that a mask brings, if any."""
    return getattr(mask, "statistics", None)


def as_rows(mask: dict[str, Tensor]) -> TaskMask:
    """Return one mask as k masks are: with a leading dimension, of 1."""
    statistics = statistics_of(mask)
    rows = None if statistics is None else {name: values[None] for name, values in statistics.items()}
    return TaskMask({name: bits[None] for name, bits in mask.items()}, rows)


def statistics_rows(net: Network, masks: dict[str, Tensor], k: int) -> Statistics:
    """Return the statistics that k masks bring, for each norm [k, 2, channels], or as many of which none is known."""
    return statistics_of(masks) or unknown_statistics(net, k)


def unknown_statistics(net: Network, k: int) -> Statistics:
    """Return rows for the statistics of k masks, [k, 2, channels] for each norm: NaN says "not known"."""
    return {
        name: torch.full((k, 2, channels), torch.nan, dtype=torch.float32, device=net.device)
        for name, channels in net.norms().items()
    }


def are_known(statistics: Statistics) -> Tensor:
    """Return of which masks the statistics are known: bool [k] for [k, 2, channels] each."""
    return ~next(iter(statistics.values())).isnan().all(-1).all(-1)


def check_statistics(net: Network, statistics: Statistics | None, rows: int | None = None) -> None:
    """Raise unless statistics are None, or such as every norm of the network can use: float32 [2, channels].

    Args:
        rows: of how many masks they are, [rows, 2, channels]; those of a mask may be unknown then.

    Raises:
        TypeError: they are no dict of float32 tensors.
        ValueError: they are of another network or device, not finite, or a variance is below 0.
    """
    if statistics is None:
        return
    if not isinstance(statistics, dict):
        raise TypeError(f"statistics are a dict of float tensors by norm, got {type(statistics).__name__}.")
    leading = () if rows is None else (rows,)
    wanted = {name: (*leading, 2, channels) for name, channels in net.norms().items()}
    if statistics.keys() != wanted.keys():
        raise ValueError(
            f"these statistics are of another network: they cover {sorted(statistics)}, the network's norms are "
            f"{sorted(wanted)}."
        )
    for name, values in statistics.items():
        if not isinstance(values, Tensor) or values.dtype != torch.float32:
            kind = values.dtype if isinstance(values, Tensor) else type(values).__name__
            raise TypeError(f"the statistics of {name} must be a float32 tensor, got {kind}.")
        if tuple(values.shape) != wanted[name]:
            raise ValueError(
                f"the statistics of {name} must be {list(wanted[name])}, a mean and a variance for each channel, got "
                f"{list(values.shape)}."
            )
        if values.device != net.device:
            raise ValueError(
                f"the statistics of {name} are on {values.device}, the network on {net.device}: move one of them."
            )
        if not (are_sound(values) if rows is None else are_sound(values) | ~are_known(statistics)).all():
            raise ValueError(f"the statistics of {name} must be finite numbers, and no variance below 0.")


def are_sound(statistics: Tensor) -> Tensor:
    """Return whether means and variances are finite, and no variance is below 0: bool [...] for [..., 2, channels]."""
    return (statistics.isfinite().all(-2) & (statistics[..., 1, :] >= 0)).all(-1)
