"""The centrepiece: an image, no name of its task, and one gradient that points to the mask (lessons 00, 04 and 05)."""

import math
import time

import traitlets

from supsup_lite.explorers.base import Explorer, in_range, module, packed
from supsup_lite.explorers.stored import masks as stored
from supsup_lite.inference.methods import METHODS, alpha_gradient
from supsup_lite.inference.objectives import OBJECTIVES
from supsup_lite.learning.learn import learn_masks, tasks_at_once
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
        seconds: how long Python took to learn one mask, the last time that it did so here; 0 before.
    """

    _esm = module("task_inference")
    files = ("digits", "permutations", *(setting.name for setting in stored.STORED))

    task = traitlets.Int(7).tag(sync=True)
    num_tasks = traitlets.Int(20).tag(sync=True)
    outputs = traitlets.Int(100).tag(sync=True)
    sparsity = traitlets.Int(50).tag(sync=True)
    method = traitlets.Enum([name for name in METHODS if name != "gradient_descent"], "one_shot").tag(sync=True)
    objective = traitlets.Enum(OBJECTIVES, "entropy").tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    digit = traitlets.Int(14).tag(sync=True)
    ink = traitlets.Bytes(bytes(784)).tag(sync=True)
    learned = traitlets.List(traitlets.Dict()).tag(sync=True)
    most_tasks = traitlets.Int(stored.MOST_TASKS).tag(sync=True)
    more_outputs = traitlets.List(list(MORE_OUTPUTS)).tag(sync=True)
    more_sparsity = traitlets.List(list(MORE_SPARSITY)).tag(sync=True)
    chosen = traitlets.Int(-1).tag(sync=True)
    answer = traitlets.Int(-1).tag(sync=True)
    seconds = traitlets.Float().tag(sync=True)

    def __init__(self, **traits):
        self._own: dict[stored.Setting, MaskStore] = {}  # what this notebook has learned
        super().__init__(learned=[_row(setting, stored.TASKS) for setting in stored.STORED], **traits)

    @traitlets.validate("task", "num_tasks")
    def _in_range(self, proposal):
        low = 1 if proposal["trait"].name == "num_tasks" else 0
        return in_range(proposal, low, stored.MOST_TASKS - 1 + low)

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
        if setting in self._own:
            return self._own[setting]
        return stored.stored_masks(setting) if setting in stored.STORED else MaskStore(setting.net())

    def asset(self, name: str) -> bytes:
        for setting, masks in self._own.items():
            if name == setting.name:
                return packed(stored.bits_of(masks))
        return super().asset(name)

    def learn(self, wanted: dict) -> None:
        setting, num_tasks = stored.Setting(wanted["outputs"], wanted["sparsity"]), wanted["tasks"]
        masks = self.masks(setting)[:]  # a view of its own: what is shown does not change under way
        known, began = len(masks), time.monotonic()
        chunks = math.ceil((num_tasks - known) / tasks_at_once(masks.net))
        steps = 0

        def watch(step, scores, loss):
            nonlocal steps
            steps += 1
            self.tell(steps / (chunks * DEFAULT.steps))

        learn_masks(
            masks.net, stored.tasks(num_tasks), setting.keep, stored.SEED, masks=masks, progress=False, on_step=watch
        )
        self.seconds = (time.monotonic() - began) / max(1, num_tasks - known)
        self._own[setting] = masks
        others = [row for row in self.learned if row["name"] != setting.name]
        self.learned = [*others, _row(setting, num_tasks)]


def _row(setting: stored.Setting, num_tasks: int) -> dict:
    """Return what the front end has to know about masks that are there."""
    return {"name": setting.name, "outputs": setting.outputs, "sparsity": setting.sparsity, "tasks": num_tasks}
