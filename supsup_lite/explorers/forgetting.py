"""The forgetting explorer: a method, a number of tasks, and the accuracy matrix that comes out (lesson 03)."""

from collections.abc import Callable, Mapping

import torch
import traitlets
from torch import Tensor

from supsup_lite.explorers.base import Explorer, module
from supsup_lite.plots import svg_of
from supsup_lite.plots.forgetting import accuracy_matrices


class Forgetting(Explorer):
    """Choose a method and a number of tasks, and see what is left of each task.

    Args:
        matrices: for each method the accuracy matrix [k, k] of `forgetting.accuracy_matrix`.
        learn: called as learn(method, num_tasks) for a larger matrix, in a running notebook; None offers none.
        most_tasks: how many tasks may be asked for.

    Attributes:
        method, num_tasks: what is shown.
        matrices: for each method the rows of its matrix, row t as long as t + 1.
        methods: their names in the order given. A saved notebook sorts the keys of a dict.
    """

    _esm = module("forgetting")

    method = traitlets.Unicode().tag(sync=True)
    num_tasks = traitlets.Int().tag(sync=True)
    most_tasks = traitlets.Int().tag(sync=True)
    matrices = traitlets.Dict().tag(sync=True)
    methods = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(
        self,
        matrices: Mapping[str, Tensor],
        learn: Callable[[str, int], Tensor] | None = None,
        most_tasks: int = 10,
        **traits,
    ):
        sizes = {name: tuple(matrix.shape) for name, matrix in matrices.items()}
        if not sizes or len(set(sizes.values())) != 1 or min(min(size) for size in sizes.values()) < 2:
            raise ValueError(f"matrices must be accuracy matrices [k, k] of the same 2 or more tasks, got {sizes}.")
        k = next(iter(sizes.values()))[0]
        self._learn_more = learn
        shown = {"method": next(iter(matrices)), "num_tasks": k, "most_tasks": most_tasks if learn else k} | traits
        rows = {name: _rows(matrix) for name, matrix in matrices.items()}
        super().__init__(matrices=rows, methods=list(matrices), **shown)

    @traitlets.validate("method")
    def _known(self, proposal):
        if self.matrices and proposal["value"] not in self.matrices:
            raise ValueError(f"method must be one of {list(self.matrices)}, got {proposal['value']!r}.")
        return proposal["value"]

    def draw_still(self) -> str:
        rows = self.matrices[self.method][: self.num_tasks]
        matrix = torch.tensor([[*row, *[torch.nan] * (len(rows) - len(row))] for row in rows])
        alt = f"Accuracy matrix of {len(rows)} tasks, {self.method}: {matrix[-1].mean():.1%} on average at the end."
        return svg_of(accuracy_matrices({self.method: matrix}), alt)

    def learn(self, wanted: dict) -> None:
        matrix = self._learn_more(wanted["method"], wanted["tasks"])
        self.matrices = self.matrices | {wanted["method"]: _rows(matrix)}


def _rows(matrix: Tensor) -> list[list[float]]:
    """Return what is known of a matrix, row by row: JSON has no NaN."""
    return [row[: t + 1] for t, row in enumerate(matrix.tolist())]
