"""The centrepiece in one call, for the first minute with the course."""

from supsup_lite.explorers.task_inference import TaskInference


def demo():
    """Show the task inference explorer: draw a digit, shuffle it, and see the superposed network find its mask.

    Returns:
        A widget, to be shown as the last line of a cell. Its traits, such as `num_tasks`, follow every move, and can be
        set: see `supsup_lite.explorers.TaskInference`. What needs lesson 04 to be understood is folded under "More".
    """
    return TaskInference(short=True)
