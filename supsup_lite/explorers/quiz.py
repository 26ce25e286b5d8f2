"""The quiz explorer and the prediction: questions whose answers are answered, for each lesson (questions/NN.json)."""

from html import escape

import traitlets

from supsup_lite.explorers import questions as bank
from supsup_lite.explorers.base import Explorer, module


class Quiz(Explorer):
    """Ask the questions of a lesson, or three from earlier lessons, and answer every answer at once.

    Args:
        lesson: the lesson's number, such as "04".
        warm_up: ask three questions from earlier lessons instead, always the same ones.

    Attributes:
        questions: as `questions.quiz_of` or `questions.warm_up_of` returns them.
        answers: the number of the chosen answer of each question, counted from 0; None where none is chosen.

    Raises:
        ValueError: the lesson has no questions, or no warm-up, or answers do not fit the questions.
    """

    _esm = module("quiz")

    warm_up = traitlets.Bool(False).tag(sync=True)
    questions = traitlets.List(traitlets.Dict()).tag(sync=True)
    answers = traitlets.List(traitlets.Int(allow_none=True)).tag(sync=True)

    def __init__(self, lesson: str, warm_up: bool = False, **traits):
        questions = bank.warm_up_of(lesson) if warm_up else bank.quiz_of(lesson)
        super().__init__(**{"questions": questions, "answers": [None] * len(questions), "warm_up": warm_up} | traits)

    @traitlets.validate("answers")
    def _one_each(self, proposal):
        answers = proposal["value"]
        if len(answers) != len(self.questions):
            raise ValueError(f"answers must be one for each of {len(self.questions)} questions, got {len(answers)}.")
        for answer, question in zip(answers, self.questions, strict=True):
            _check_answer(answer, question)
        return answers

    def draw_still(self) -> str:
        return "\n".join(_as_html(question, "question") for question in self.questions)


class Prediction(Explorer):
    """Ask what the next cell will show. On a page, cells tagged `predicted` that follow wait for an answer.

    Args:
        lesson: the lesson's number, such as "04".
        name: which of its predictions.

    Attributes:
        question: as `questions.prediction_of` returns it.
        answer: the number of the predicted answer, counted from 0; None before there is one.

    Raises:
        ValueError: the lesson has no such prediction, or the answer does not fit the question.
    """

    _esm = module("prediction")

    question = traitlets.Dict().tag(sync=True)
    answer = traitlets.Int(None, allow_none=True).tag(sync=True)

    def __init__(self, lesson: str, name: str, **traits):
        super().__init__(**{"question": bank.prediction_of(lesson, name)} | traits)

    @traitlets.validate("answer")
    def _among_the_answers(self, proposal):
        _check_answer(proposal["value"], self.question)
        return proposal["value"]

    def draw_still(self) -> str:
        return _as_html(self.question, "question prediction")


def _check_answer(answer: int | None, question: bank.Question) -> None:
    last = len(question["answers"]) - 1
    if answer is not None and not 0 <= answer <= last:
        raise ValueError(f"An answer must be None or in 0..{last}, got {answer}.")


def _as_html(question: bank.Question, classes: str) -> str:
    """Return a question with its answers to read, and the right one folded."""
    listed = "".join(f"<li>{escape(answer['text'])}</li>" for answer in question["answers"])
    (right,) = (answer for answer in question["answers"] if answer["right"])
    solution = f"<strong>{escape(right['text'])}</strong> {escape(right['feedback'])}"
    source = f"<small>Lesson {question['lesson']}</small>" if "lesson" in question else ""
    return (
        f'<div class="{classes}"><p>{source}{escape(question["question"])}</p><ul>{listed}</ul>'
        f"<details><summary>The answer</summary><p>{solution}</p></details></div>"
    )
