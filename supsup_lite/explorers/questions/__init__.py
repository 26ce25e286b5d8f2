"""Questions for each lesson, one NN.json a lesson: a quiz for its end, and predictions for before its key figures."""

from supsup_lite.explorers.questions.bank import Answer, Question, lessons, prediction_of, quiz_of, read, warm_up_of

__all__ = ["Answer", "Question", "lessons", "prediction_of", "quiz_of", "read", "warm_up_of"]
