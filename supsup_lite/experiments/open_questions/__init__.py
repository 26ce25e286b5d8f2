"""What the paper leaves open, each question one small experiment: over several seeds, with a control and an interval.

A question is a module with a `Question` in it: what is asked, how large the experiment is, and a generator of rows for
one seed. `ask` runs it over seeds; `python -m supsup_lite.paper open-questions --which NAME` does so from outside.
"""

from supsup_lite.experiments.open_questions.asking import Question, Size, ask
from supsup_lite.experiments.open_questions.summary import Interval, difference, over_seeds

__all__ = ["Interval", "Question", "Size", "ask", "difference", "over_seeds"]
