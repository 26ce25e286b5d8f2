"""The forgetting explorer: a method, a number of tasks, and the accuracy matrix that comes out (lesson 03)."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import traitlets
from torch import Tensor

from supsup_lite.checks import check_whole
from supsup_lite.explorers.base import Explorer, limited, module
from supsup_lite.plots import svg_of
from supsup_lite.plots.forgetting import accuracy_matrices


class Forgetting(Explorer):
    """Choose two methods and a number of tasks, and see side by side what is left of each task.

    Args:
        matrices: for each method the accuracy matrix [k, k] of `forgetting.accuracy_matrix`.
        learn: called as learn(method, num_tasks, on_step) for a larger matrix, in a running notebook; None offers none.
            It hands on_step to whatever trains, such as `learn_masks`, so that learning can be cancelled at each step.
        most_tasks: how many tasks may be asked for; at least those of the matrices.

    Attributes:
        method, beside, num_tasks: what is shown; at first the first method, and the last one beside it.
        matrices: for each method the rows of its matrix, row t as long as t + 1.
        methods: their names in the order given. A saved notebook sorts the keys of a dict.

    Raises:
        TypeError: learn cannot be called so.
        ValueError: the matrices are not those of the same tasks, or there is no such method or number of tasks.
    """

    @dataclass(frozen=True)
    class Request:
        """The accuracy matrix of a method after more tasks."""

        method: str
        tasks: int

    _esm = module("forgetting")
    heights = (1426, 1500, 942)

    method = traitlets.Unicode().tag(sync=True)
    beside = traitlets.Unicode().tag(sync=True)
    num_tasks = traitlets.Int().tag(sync=True)
    most_tasks = traitlets.Int().tag(sync=True)
    matrices = traitlets.Dict().tag(sync=True)
    methods = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(
        self,
        matrices: Mapping[str, Tensor],
        learn: Callable[[str, int, Callable[..., None]], Tensor] | None = None,
        most_tasks: int = 10,
        **traits,
    ):
        if not isinstance(matrices, Mapping) or not all(isinstance(matrix, Tensor) for matrix in matrices.values()):
            raise TypeError(f"matrices must be accuracy matrices [k, k] by name, got {matrices!r:.80}.")
        sizes = {name: tuple(matrix.shape) for name, matrix in matrices.items()}
        if not sizes or len(set(sizes.values())) != 1 or min(min(size) for size in sizes.values()) < 2:
            raise ValueError(f"matrices must be accuracy matrices [k, k] of the same 2 or more tasks, got {sizes}.")
        k = next(iter(sizes.values()))[0]
        most_tasks = max(k, check_whole("most_tasks", most_tasks)) if _check_learn(learn) else k
        self._learn_more = learn
        first, last = next(iter(matrices)), next(reversed(matrices))
        shown = {"method": first, "beside": last, "num_tasks": k, "most_tasks": most_tasks} | traits
        rows = {name: _rows(matrix) for name, matrix in matrices.items()}
        super().__init__(matrices=rows, methods=list(matrices), **shown)

    _limited = limited("method", "beside", "num_tasks")

    def limits(self) -> dict[str, Sequence]:
        counts = range(2, self.most_tasks + 1)
        methods = list(self.matrices)
        return {"method": methods, "beside": methods, "num_tasks": counts, "tasks": counts}

    def draw_still(self) -> str:
        matrices = {}
        for name in (self.method, self.beside):
            rows = self.matrices[name][: self.num_tasks]
            square = [[*row, *[torch.nan] * (len(rows) - len(row))] for row in rows]
            matrices[name] = torch.tensor(square, dtype=torch.float64, device="cpu")
        ends = [f"{len(matrix)} tasks, {name}: {matrix[-1].mean():.1%}" for name, matrix in matrices.items()]
        return svg_of(accuracy_matrices(matrices), f"Average accuracy at the end: {'; '.join(ends)}.")

    def request(self, content: Any) -> Request:
        request = super().request(content)
        known = len(self.matrices[request.method])
        if request.tasks <= known or self._learn_more is None:
            more = f"Ask for {known + 1} to {self.most_tasks}." if known < self.most_tasks else "There are no more."
            raise ValueError(f"{request.method} has learned {known} tasks already, asked were {request.tasks}. {more}")
        return request

    def learn(self, request: Request, tell: Callable[[float], None]) -> Tensor:
        matrix = self._learn_more(request.method, request.tasks, lambda *step: tell(0))
        if tuple(matrix.shape) != 2 * (request.tasks,):
            raise ValueError(f"learn must return a matrix of {request.tasks} tasks, got {tuple(matrix.shape)}.")
        return matrix

    def publish(self, request: Request, result: Tensor) -> None:
        self.matrices = self.matrices | {request.method: _rows(result)}


def _check_learn(learn: Callable | None) -> bool:
    """Return whether there is a function that learns; raise TypeError where it cannot be called."""
    if learn is None:
        return False
    try:
        inspect.signature(learn).bind("method", 2, print)
    except (TypeError, ValueError) as error:
        expected = "a function of (method, num_tasks, on_step), to hand on_step to what trains, e.g. learn_masks"
        raise TypeError(f"learn must be {expected}, got {learn!r} ({error}).") from error
    return True


def _rows(matrix: Tensor) -> list[list[float]]:
    """Return what is known of a matrix, row by row: JSON has no NaN."""
    return [row[: t + 1] for t, row in enumerate(matrix.tolist())]
