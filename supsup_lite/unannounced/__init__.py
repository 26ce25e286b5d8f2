"""Scenario NNs: no batch says which task it is from."""

from supsup_lite.unannounced.learn import learn_unannounced
from supsup_lite.unannounced.learner import Decision, StreamLearner
from supsup_lite.unannounced.novelty import Look, PaperRule, Record, RecordRule, Rule, known_by_nu, nu

__all__ = [
    "Decision",
    "Look",
    "PaperRule",
    "Record",
    "RecordRule",
    "Rule",
    "StreamLearner",
    "known_by_nu",
    "learn_unannounced",
    "nu",
]
