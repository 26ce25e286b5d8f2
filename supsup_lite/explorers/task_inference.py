"""The centrepiece: an image, no name of its task, and one gradient that points to the mask (lessons 00, 04 and 05)."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import traitlets

from supsup_lite.explorers.base import Explorer, limited, module, packed
from supsup_lite.explorers.stored import masks as stored
from supsup_lite.inference.methods import alpha_gradient
from supsup_lite.inference.objectives import OBJECTIVES
from supsup_lite.learning.learn import learn_masks
from supsup_lite.learning.memory import tasks_at_once
from supsup_lite.masks.store import MaskStore
from supsup_lite.plots import svg_of
from supsup_lite.plots.inference import gradient_bars
from supsup_lite.recipes import DEFAULT

MORE_OUTPUTS = (10, 25, 100, 500)  # that a running notebook offers to learn
MORE_SPARSITY = (10, 50, 70, 90, 95)


class TaskInference(Explorer):
    """Draw a digit or take a test image, and see which of up to fifty masks the superposed network asks for.

    The browser computes everything, from one bit a weight for the signs and one a weight and task for the masks.
    In a running notebook it offers to learn more tasks, sparsities and outputs, which Python then does.

    Attributes:
        task: the permutation that shuffles the image.
        num_tasks: k, how many tasks the network knows.
        outputs, sparsity: s, and the percentage of weights that are removed.
        method, objective: as in `infer_task`, without gradient descent.
        step: how many halvings of Binary are shown.
        digit: position of the test image, -1 for a drawing.
        ink: the drawing, 784 bytes.
        learned: the settings there are masks for, and how many.
        chosen, answer: the front end's mask and class; -1 before it has answered.
        short: whether what lesson 04 explains is folded under "More", and symbols in words, for a first look.
        seconds: how long Python took to learn one mask, the last time that it did so here; 0 before.
    """

    @dataclass(frozen=True)
    class Request:
        """Masks of so many tasks, of a network with so many outputs, at a sparsity in percent."""

        outputs: int
        sparsity: int
        tasks: int

    _esm = module("task_inference")
    heights = (1492, 1242, 960)
    short_heights = (884, 702, 668)
    files = ("digits", "permutations", "test-images", *(setting.name for setting in stored.STORED))

    task = traitlets.Int(7).tag(sync=True)
    num_tasks = traitlets.Int(20).tag(sync=True)
    outputs = traitlets.Int(100).tag(sync=True)
    sparsity = traitlets.Int(50).tag(sync=True)
    method = traitlets.Enum(("one_shot", "binary", "exhaustive"), "one_shot").tag(sync=True)
    objective = traitlets.Enum(OBJECTIVES, "entropy").tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    digit = traitlets.Int(8).tag(sync=True)
    ink = traitlets.Bytes(bytes(784)).tag(sync=True)
    learned = traitlets.List(traitlets.Dict()).tag(sync=True)
    most_tasks = traitlets.Int(stored.MOST_TASKS).tag(sync=True)
    more_outputs = traitlets.List(list(MORE_OUTPUTS)).tag(sync=True)
    more_sparsity = traitlets.List(list(MORE_SPARSITY)).tag(sync=True)
    short = traitlets.Bool(False).tag(sync=True)
    chosen = traitlets.Int(-1).tag(sync=True)
    answer = traitlets.Int(-1).tag(sync=True)
    seconds = traitlets.Float().tag(sync=True)

    def __init__(self, **traits):
        self._learned_here: dict[str, MaskStore] = {}  # by name of the setting
        super().__init__(learned=[_row(setting, stored.TASKS) for setting in stored.STORED], **traits)

    _limited = limited("task", "num_tasks", "outputs", "sparsity", "step", "digit")

    def limits(self) -> dict[str, Sequence]:
        counts = range(1, stored.MOST_TASKS + 1)
        return {
            "task": range(stored.MOST_TASKS),
            "num_tasks": counts,
            "tasks": counts,
            "outputs": sorted({setting.outputs for setting in stored.STORED} | {*MORE_OUTPUTS}),
            "sparsity": sorted({setting.sparsity for setting in stored.STORED} | {*MORE_SPARSITY}),
            "step": range(stored.MOST_TASKS),
            "digit": range(-1, 10 * stored.DIGITS_EACH),
        }

    def draw_still(self) -> str:
        masks = self.masks(stored.Setting(self.outputs, self.sparsity))[: self.num_tasks]
        task = stored.tasks(self.task + 1)[self.task]
        x, _ = task.test.batch([stored.digit_positions()[self.digit]])
        slopes = alpha_gradient(masks.net, masks, x)[0]
        says = slopes.argmin().item()
        alt = (
            f"The superposed network of {len(masks)} tasks asks most for mask {says}; the image is of task {self.task}."
        )
        title = f"an image of task {self.task}: One-Shot says {says}"
        return svg_of(gradient_bars({title: slopes}, [self.task if self.task < len(masks) else None]), alt)

    def masks(self, setting: stored.Setting) -> MaskStore:
        """Return the masks of a setting: those learned here, else the stored ones, else none."""
        if setting.name in self._learned_here:
            return self._learned_here[setting.name]
        return stored.stored_masks(setting) if setting in stored.STORED else MaskStore(setting.net())

    def asset(self, name: str) -> bytes:
        if name in self._learned_here:
            return packed(stored.bits_of(self._learned_here[name]))
        return super().asset(name)

    def request(self, content: Any) -> Request:
        request = super().request(content)
        known = next((row["tasks"] for row in self.learned if row["name"] == _setting(request).name), 0)
        if request.tasks <= known:
            more = f"Ask for {known + 1} to {stored.MOST_TASKS}." if known < stored.MOST_TASKS else "There are no more."
            raise ValueError(f"There are masks of {known} tasks already, asked were {request.tasks}. {more}")
        return request

    def learn(self, request: Request, tell: Callable[[float], None]) -> tuple[MaskStore, float]:
        """Return the masks, and the seconds that one of them took."""
        setting = _setting(request)
        masks = self.masks(setting)[:]  # a view: what is shown does not change under way
        known, began = len(masks), time.monotonic()
        chunks = math.ceil((request.tasks - known) / tasks_at_once(masks.net))
        steps = 0

        def watch(step, scores, loss):
            nonlocal steps
            steps += 1
            tell(steps / (chunks * DEFAULT.steps))

        tasks = stored.tasks(request.tasks)
        learn_masks(masks.net, tasks, setting.keep, stored.SEED, masks=masks, progress=False, on_step=watch)
        return masks, (time.monotonic() - began) / (request.tasks - known)

    def publish(self, request: Request, result: tuple[MaskStore, float]) -> None:
        setting = _setting(request)
        self._learned_here[setting.name], self.seconds = result
        others = [row for row in self.learned if row["name"] != setting.name]
        self.learned = [*others, _row(setting, request.tasks)]


def _setting(request: TaskInference.Request) -> stored.Setting:
    return stored.Setting(request.outputs, request.sparsity)


def _row(setting: stored.Setting, num_tasks: int) -> dict:
    """Return what the front end has to know about masks that are there."""
    return {"name": setting.name, "outputs": setting.outputs, "sparsity": setting.sparsity, "tasks": num_tasks}
