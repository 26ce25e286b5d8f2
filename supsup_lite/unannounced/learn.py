"""Learning from a whole stream without task ids: scenario NNs in one call (SupSup, "Scenario NNs")."""

import warnings

from tqdm.auto import tqdm

from supsup_lite.ambient import isolated
from supsup_lite.data.streams import Stream
from supsup_lite.networks.network import Network
from supsup_lite.recipes import STEADY, Recipe
from supsup_lite.unannounced.learner import StreamLearner
from supsup_lite.unannounced.novelty import RecordRule, Rule


@isolated
def learn_unannounced(
    net: Network,
    stream: Stream,
    rule: Rule | None = None,
    *,
    recipe: Recipe = STEADY,
    every: int = 100,
    budget: int = 2500,
    seed: int = 0,
    progress: bool = True,
) -> StreamLearner:
    """Learn masks from a stream of batches, without ever being told the task (SupSup, "Scenario NNs").

    At the start of each block of `every` batches, and amid a block when the rule doubts the mask in use, the learner
    takes one gradient on alpha and decides. A task that comes back finds its old mask and goes on with it; a new task
    gets a new mask, with the scores that `learn_masks` draws for a task of that number. So where every task is told
    apart, the masks are those of `learn_masks`, bit for bit. Batches that nobody knows are held, and learned from
    once a mask is allocated; where it turns out that they were noise, they are set aside. So are all batches that
    nobody knows once the budget is spent.

    Interrupting (Ctrl-C, or the stop button) keeps what is learned: the learner comes back with the batches read so
    far, and a warning says how to go on.

    Args:
        net: the frozen base network.
        stream: batches (x, y), with labels shared between tasks. Only they are read, never `stream.truth`.
        rule: how to tell known from new; None is `RecordRule()`, which needs no tuning, `PaperRule()` is the paper's.
        recipe: optimiser and rate of the scores. The rate must be constant: when a task ends is not known.
        every: batches in a block.
        budget: how many masks there may be.
        seed: of the scores.
        progress: show a bar.

    Returns:
        The learner: `.masks` is a `MaskStore`, `.used` says which mask learned from which batch, `.decisions` is the
        log; `feed` goes on with further batches.

    Raises:
        TypeError, ValueError: the arguments make no sense or do not fit together.
    """
    if not isinstance(stream, Stream):
        raise TypeError(f"stream must be made by stream_of(tasks, plan), got {type(stream).__name__}.")
    classes = stream.tasks.num_classes
    learner = StreamLearner(net, classes, RecordRule() if rule is None else rule, recipe, every, budget, seed)
    bar = tqdm(total=len(stream), desc="reading the stream", unit="batch", disable=not progress, leave=False)
    with bar:
        try:
            for x, y in stream:
                learner.feed(x, y)
                bar.update()
        except KeyboardInterrupt:
            read = len(learner.used)
            warnings.warn(
                f"Interrupted: {read} of {len(stream)} batches are read and their masks kept. To go on, feed the rest: "
                f"for x, y in stream.since({read}): learner.feed(x, y).",
                stacklevel=2,
            )
    return learner
