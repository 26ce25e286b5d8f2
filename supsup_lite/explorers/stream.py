"""The stream explorer: tasks that nobody announces, the masks they get, and how each decision was made (lesson 07)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

import traitlets

from supsup_lite.explorers.base import Explorer, limited, module, packed
from supsup_lite.explorers.stored import streams as stored_streams
from supsup_lite.plots import svg_of
from supsup_lite.plots.unannounced import strips

RULES = ("paper", "evidence")


class Stream(Explorer):
    """Choose a stream, a rule and an epsilon; see the true tasks above, the masks below, and each decision.

    What is shown are whole runs of a learner, one for each stream and each epsilon of the paper's rule, and one for
    each stream by evidence. There the epsilon decides nothing: the explorer says what the paper's test would have
    said to each of the run's gradients. In a running notebook Python learns the epsilons between the stored ones.

    Attributes:
        stream: one of `stored_streams.PLANS`.
        rule: "paper" or "evidence".
        eps: the threshold of the paper's rule.
        batch: which decision is shown, by the number of its batch.
        streams: for each stream what it is in words, and its truth as [task, batches] pairs.
        stored: the stored runs by name, as JSON, compressed.
        learned: the runs of this notebook, by name, as `stored_streams.read` returns them.
    """

    @dataclass(frozen=True)
    class Request:
        """The run of a learner that reads a stream by the paper's rule."""

        stream: str
        eps: float

    _esm = module("stream")
    heights = (1094, 957, 809)

    stream = traitlets.Enum(list(stored_streams.PLANS), "even").tag(sync=True)
    rule = traitlets.Enum(RULES, "paper").tag(sync=True)
    eps = traitlets.Float(0.125).tag(sync=True)
    batch = traitlets.Int(60).tag(sync=True)
    streams = traitlets.Dict().tag(sync=True)
    stream_names = traitlets.List(list(stored_streams.PLANS)).tag(sync=True)  # a saved notebook sorts a dict's keys
    stored = traitlets.Bytes().tag(sync=True)
    learned = traitlets.Dict().tag(sync=True)
    epsilons = traitlets.List(list(stored_streams.EPSILONS)).tag(sync=True)
    more_epsilons = traitlets.List(list(stored_streams.MORE_EPSILONS)).tag(sync=True)

    def __init__(self, **traits):
        streams = {name: {"words": stored_streams.WORDS[name], "truth": plan} for name, plan in _plans().items()}
        self._stored = stored_streams.stored_runs()
        content = json.dumps(self._stored, separators=(",", ":")).encode()
        super().__init__(streams=streams, stored=packed(content), **traits)

    @property
    def runs(self) -> dict[str, dict]:
        """All runs that there are, by name."""
        return self._stored | self.learned

    _limited = limited("eps", "batch")

    def limits(self) -> dict[str, Sequence]:
        longest = max(sum(count for _, count in plan) for plan in stored_streams.PLANS.values())
        epsilons = sorted([*self.epsilons, *self.more_epsilons])
        return {"stream": list(stored_streams.PLANS), "eps": epsilons, "batch": range(longest)}

    def draw_still(self) -> str:
        name = stored_streams.name_of(self.stream, self.eps if self.rule == "paper" else None)
        if name not in self.runs:
            name = stored_streams.name_of(self.stream, None)
        run, truth = self.runs[name], self.streams[self.stream]["truth"]
        alt = f"{run['masks']} masks for the {_tasks(truth)} tasks of the stream {name}; purity {run['purity']:.1%}."
        return svg_of(strips({"true task": _each(truth), "mask": _each(run["used"])}), alt)

    def learn(self, request: Request, tell: Callable[[float], None]) -> dict:
        return stored_streams.read(request.stream, request.eps, tell)

    def publish(self, request: Request, result: dict) -> None:
        self.learned = self.learned | {stored_streams.name_of(request.stream, request.eps): result}


def _plans() -> dict[str, list[list[int]]]:
    return {name: [list(entry) for entry in plan] for name, plan in stored_streams.PLANS.items()}


def _each(pairs: list[list[int]]) -> list[int]:
    """Return a number for each batch, from [number, how often] pairs."""
    return list(chain.from_iterable(repeat(*pair) for pair in pairs))


def _tasks(truth: list[list[int]]) -> int:
    return len({task for task, _ in truth if task >= 0})
