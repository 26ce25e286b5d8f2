"""The processes that share a run: one, or as many as `torchrun` starts, on one machine or several."""

import atexit
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import distributed

T = TypeVar("T")
PATIENCE = timedelta(hours=12)  # for a slower process; one that has died is noticed at once


@dataclass(frozen=True)
class Team:
    """`rank` of `size` processes. A run of its own is a team of one, which talks to nobody."""

    rank: int = 0
    size: int = 1

    def share(self, things: Sequence[T]) -> Sequence[T]:
        """Return what this process does of things that are all alike: every size-th, from its rank on."""
        return things[self.rank :: self.size]

    def merge(self, share: Sequence[T]) -> list[T]:
        """Return all things in their order, given what each process made of its share. All must call it."""
        parts = self.gather(share)
        whole: list[Any] = [None] * sum(map(len, parts))
        for rank, part in enumerate(parts):
            whole[rank :: self.size] = part
        return whole

    def gather(self, value: T) -> list[T]:
        """Return the value of every process, by rank. All must call it, and wait for one another.

        Raises:
            ConnectionError: another process is gone.
        """
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        return self._talk(lambda: distributed.all_gather_object(values, value), values)

    def hand_out(self, value: T | None, source: int) -> T:
        """Return to all processes the value of one of them. All must call it.

        Raises:
            ConnectionError: another process is gone.
        """
        values = [value]
        return self._talk(lambda: distributed.broadcast_object_list(values, src=source), values)[0]

    def _talk(self, exchange, values: list[T]) -> list[T]:
        try:
            exchange()
        except RuntimeError as error:
            raise ConnectionError(
                f"process {self.rank} of {self.size} lost another one of this run ({_reason(error)}). "
                "All finished blocks of masks are kept: start the same command again, with any number of processes."
            ) from error
        return values


def join_team() -> Team:
    """Return the team that this process belongs to, by the variables of `torchrun`; on CUDA each takes its own GPU.

    Raises:
        ConnectionError: the others do not answer.
    """
    size, local = (os.environ.get(name, "") for name in ("WORLD_SIZE", "LOCAL_RANK"))
    if size in ("", "1"):
        return Team()
    if not (size.isdecimal() and local.isdecimal()):
        raise ConnectionError(
            f"WORLD_SIZE is {size!r} and LOCAL_RANK {local!r}, which torchrun sets to whole numbers: "
            "start the run with torchrun, or unset both."
        )
    wanted = os.environ.get("SUPSUP_DEVICE")
    if wanted == "cuda" or (not wanted and torch.cuda.is_available()):
        os.environ["SUPSUP_DEVICE"] = f"cuda:{local}"
        torch.cuda.set_device(int(local))
    if not distributed.is_initialized():
        try:
            distributed.init_process_group("gloo", timeout=PATIENCE)  # what is exchanged is small, and on the CPU
        except (RuntimeError, ValueError) as error:
            raise ConnectionError(
                f"the processes of this run do not find one another ({_reason(error)}). "
                "Start them with torchrun, which tells each its rank and where the first one is."
            ) from error
        atexit.register(distributed.destroy_process_group)
    return Team(distributed.get_rank(), int(size))


def _reason(error: Exception) -> str:
    """Return what gloo says, without the place in its source before and the advice after."""
    return str(error).splitlines()[0].split("] ", 1)[-1].split(". ")[0]
