"""The question bank: reads and checks the questions of a lesson, and draws a warm-up from earlier ones."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from supsup_lite.seeding import generator

FOLDER = Path(__file__).parent
QUIZ_LENGTHS = range(3, 6)
ANSWER_COUNTS = range(3, 5)
WARM_UP_LENGTH = 3


class Answer(TypedDict):
    """One answer to choose: its text, whether it is right, and what to say to those who choose it."""

    text: str
    right: bool
    feedback: str


class Question(TypedDict):
    """A question, its answers (exactly one is right), and in a warm-up the lesson that it comes from."""

    question: str
    answers: list[Answer]
    lesson: NotRequired[str]


def lessons() -> list[str]:
    """Return the numbers of the lessons that have questions, in order: "00", "01", ..."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def quiz_of(lesson: str) -> list[Question]:
    """Return the quiz of a lesson: three to five questions, the answers of each in an order of its own.

    Raises:
        ValueError: the lesson has no questions, or its file is faulty.
    """
    return [shuffled(question) for question in _questions_of(lesson)["quiz"]]


def prediction_of(lesson: str, name: str) -> Question:
    """Return one of the predictions of a lesson.

    Raises:
        ValueError: the lesson has no such prediction, or its file is faulty.
    """
    predictions = _questions_of(lesson)["predictions"]
    if not isinstance(name, str) or name not in predictions:
        raise ValueError(
            f"Lesson {lesson} has no prediction {name!r}: it has {', '.join(predictions) or 'none'}. "
            f"Choose one of these, or write it into {lesson}.json."
        )
    return shuffled(predictions[name])


def warm_up_of(lesson: str) -> list[Question]:
    """Return three questions from the quizzes of earlier lessons, always the same for a lesson.

    The first one comes from the lesson just before, the others from different older ones, as far as there are any:
    what was learned longest ago is worth asking again.

    Raises:
        ValueError: the lesson has no questions, there is none before it, or a file is faulty.
    """
    _check_lesson(lesson)
    earlier = [name for name in lessons() if name < lesson]
    if not earlier:
        raise ValueError(f"No lesson before {lesson} has questions, so it has no warm-up: leave out warm_up=True.")
    draws = generator(f"warm-up of lesson {lesson}", 0)
    *older, newest = earlier
    order = [newest, *(older[i] for i in draws.permutation(len(older)))]
    quizzes = [quiz_of(name) for name in order]
    drawn = [
        [quiz[i] | {"lesson": name} for i in draws.permutation(len(quiz))]
        for name, quiz in zip(order, quizzes, strict=True)
    ]
    in_turns = chain.from_iterable(zip_longest(*drawn))
    return list(islice(filter(None, in_turns), WARM_UP_LENGTH))


def read(path: Path) -> dict[str, Any]:
    """Return what a file of questions holds, checked: {"quiz": [Question, ...], "predictions": {name: Question}}.

    Raises:
        ValueError: the file is not JSON, or a question lacks something; the message says which and what.
    """
    try:
        content = json.loads(path.read_text("utf-8"), object_pairs_hook=_without_repeated_names)
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be read as JSON: {error}") from error
    for fault in _faults(content):
        raise ValueError(f"{path.name}, {fault}.")
    return content


def shuffled(question: Question) -> Question:
    """Return a question with its answers in an order that depends on its words alone."""
    answers = question["answers"]
    order = generator(f"answers to {question['question']}", 0).permutation(len(answers))
    return question | {"answers": [answers[i] for i in order]}


def _check_lesson(lesson: str) -> None:
    if not isinstance(lesson, str) or lesson not in lessons():
        raise ValueError(
            f"There are no questions for lesson {lesson!r}, only for {', '.join(lessons())}. Give one of these numbers "
            f"as a string, or write the lesson's questions into a file beside theirs in explorers/questions."
        )


def _questions_of(lesson: str) -> dict[str, Any]:
    _check_lesson(lesson)
    return read(FOLDER / f"{lesson}.json")


def _without_repeated_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the dict of an object's pairs. JSON itself would keep the last of two with one name, and say nothing."""
    repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if repeated:
        raise ValueError(f"{repeated[0]!r} occurs twice in one object")
    return dict(pairs)


def _faults(content: Any) -> Iterator[str]:
    """Yield what is wrong with a file's content, the place first."""
    if not _is_object(content, {"quiz", "predictions"}):
        yield "top level: expected an object with quiz and predictions alone"
        return
    quiz, predictions = content["quiz"], content["predictions"]
    if not isinstance(quiz, list) or len(quiz) not in QUIZ_LENGTHS:
        yield "quiz: expected a list of three to five questions"
        return
    if not isinstance(predictions, dict):
        yield "predictions: expected an object with a question for each name"
        return
    places = {f"question {i} of the quiz": question for i, question in enumerate(quiz, 1)}
    places |= {f"prediction {name!r}": question for name, question in predictions.items()}
    for place, question in places.items():
        for fault in _faults_of_question(question):
            yield f"{place}: {fault}"
            return
    for text, count in Counter(question["question"] for question in places.values()).items():
        if count > 1:
            yield f"the question {text!r}: it is asked twice"


def _faults_of_question(question: Any) -> Iterator[str]:
    if not _is_object(question, {"question", "answers"}):
        yield "expected an object with question and answers alone"
        return
    if not _is_text(question["question"]):
        yield f"expected a text as the question, got {question['question']!r}"
    answers = question["answers"]
    if not isinstance(answers, list) or len(answers) not in ANSWER_COUNTS:
        yield "expected a list of three or four answers"
        return
    for i, answer in enumerate(answers, 1):
        if not _is_object(answer, {"text", "right", "feedback"}):
            yield f"answer {i}: expected an object with text, right and feedback alone"
            return
        for name in ("text", "feedback"):
            if not _is_text(answer[name]):
                yield f"answer {i}: expected a text as {name}, got {answer[name]!r}"
        if not isinstance(answer["right"], bool):
            yield f"answer {i}: right must be true or false, got {answer['right']!r}"
    right = sum(answer["right"] is True for answer in answers)
    if right != 1:
        yield f"exactly one answer must be right, got {right}"
    for name in ("text", "feedback"):
        if len({answer[name] for answer in answers}) < len(answers):
            yield f"two answers have the same {name}"


def _is_object(value: Any, names: set[str]) -> bool:
    return isinstance(value, dict) and set(value) == names


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
