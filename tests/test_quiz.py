"""Quizzes and predictions: sound question files, what Python sees of the answers, and pages without a kernel."""

import copy
import json
import re
import shutil

import pytest
import traitlets
from lessons import ROOT

from supsup_lite.explorers import Prediction, Quiz
from supsup_lite.explorers.questions import bank
from tests import small_site
from tests.pages import bring_near, opened_page

LESSON = "06"  # the one whose questions stand for all here
FILES = sorted(bank.FOLDER.glob("*.json"))


def number_of_the_right(question):
    return [answer["right"] for answer in question["answers"]].index(True)


def all_questions():
    contents = [json.loads(path.read_text("utf-8")) for path in FILES]
    return [question for content in contents for question in (*content["quiz"], *content["predictions"].values())]


# --- the files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_sound_and_belongs_to_a_lesson(path):
    content = bank.read(path)
    assert 3 <= len(content["quiz"]) <= 5
    for question in (*content["quiz"], *content["predictions"].values()):
        assert sum(answer["right"] for answer in question["answers"]) == 1
        assert all(answer["feedback"].strip() for answer in question["answers"])
    assert list(ROOT.glob(f"notebooks/{path.stem}_*.md"))


def test_no_question_is_asked_in_two_lessons_and_none_has_markup():
    questions = all_questions()
    assert len({question["question"] for question in questions}) == len(questions)
    words = [
        text
        for question in questions
        for answer in question["answers"]
        for text in (answer["text"], answer["feedback"])
    ]
    words += [question["question"] for question in questions]
    assert [text for text in words if re.search(r"[`$]|<\S|\*\*|\]\(", text)] == []


def test_the_right_answer_is_anywhere_and_stays_there():
    places = [number_of_the_right(bank.shuffled(question)) for question in all_questions()]
    assert {0, 1, 2, 3} == set(places)
    assert max(map(places.count, range(4))) < 0.6 * len(places)
    assert bank.quiz_of(LESSON) == bank.quiz_of(LESSON)


def test_the_right_answer_is_not_the_longest_one():
    """Who reads nothing and clicks the longest answer is no better off than who clicks any, nor is who avoids it."""
    shares = {}
    for path in FILES:
        content = json.loads(path.read_text("utf-8"))
        questions = [*content["quiz"], *content["predictions"].values()]
        lengths = [[len(answer["text"]) for answer in question["answers"]] for question in questions]
        rights = map(number_of_the_right, questions)
        longest = [row[right] == max(row) for row, right in zip(lengths, rights, strict=True)]
        shares[path.stem] = (sum(longest), len(longest))
    assert 0.15 <= sum(count for count, _ in shares.values()) / sum(of for _, of in shares.values()) <= 0.35, shares
    assert [name for name, (count, of) in shares.items() if count > of / 2] == []


def asked(name):
    answers = [{"text": f"{name} {i}", "right": i == 0, "feedback": f"of {name} {i}"} for i in range(3)]
    return {"question": f"{name}?", "answers": answers}


def write(folder, lesson, content=None):
    content = content or {"quiz": [asked(f"{lesson}, {i}") for i in range(3)], "predictions": {"one": asked(lesson)}}
    path = folder / f"{lesson}.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


GOOD = {"quiz": [asked("a"), asked("b"), asked("c")], "predictions": {"one": asked("d")}}


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("quiz",), GOOD["quiz"][:2], "quiz: expected a list of three to five questions"),
        (("quiz",), "abc", "quiz: expected a list"),
        (("predictions",), [], "predictions: expected an object"),
        (("more",), 1, "top level: expected an object with quiz and predictions alone"),
        (("quiz", 1), asked("a"), r"the question 'a\?': it is asked twice"),
        (("predictions", "two"), asked("a"), r"the question 'a\?': it is asked twice"),
        (("quiz", 1), "b?", "question 2 of the quiz: expected an object with question and answers"),
        (("quiz", 1, "question"), " ", "question 2 of the quiz: expected a text as the question, got ' '"),
        (("quiz", 1, "hint"), "x", "question 2 of the quiz: expected an object with question and answers alone"),
        (("quiz", 1, "answers"), asked("b")["answers"][:2], "question 2 of the quiz: expected a list of three or four"),
        (("quiz", 1, "answers", 0, "right"), False, "question 2 of the quiz: exactly one answer must be right, got 0"),
        (("quiz", 1, "answers", 2, "right"), True, "question 2 of the quiz: exactly one answer must be right, got 2"),
        (("quiz", 1, "answers", 2, "right"), 0, "answer 3: right must be true or false, got 0"),
        (("quiz", 1, "answers", 2, "feedback"), "", "answer 3: expected a text as feedback, got ''"),
        (("quiz", 1, "answers", 2, "feedback"), None, "answer 3: expected a text as feedback, got None"),
        (("quiz", 1, "answers", 2), {"text": "x", "right": False}, "answer 3: expected an object with text, right"),
        (("predictions", "one", "answers", 1, "text"), "d 0", "prediction 'one': two answers have the same text"),
        (("predictions", "one", "answers", 1, "feedback"), "of d 0", "prediction 'one': two answers have the same fee"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path, place, value, message):
    content = copy.deepcopy(GOOD)
    assert bank.read(write(tmp_path, "04", content)) == GOOD
    *way, last = place
    part = content
    for step in way:
        part = part[step]
    part[last] = value
    with pytest.raises(ValueError, match=rf"04\.json, .*{message}"):
        bank.read(write(tmp_path, "04", content))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"04\.json cannot be read as JSON"),
        ('{"quiz": [], "quiz": []}', r"04\.json cannot be read as JSON: 'quiz' occurs twice"),
    ],
)
def test_what_is_not_json_is_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        bank.read(write(tmp_path, "04", text))


# --- warm-ups ------------------------------------------------------------------------------------------------------


@pytest.fixture
def lessons_to_04b(tmp_path, monkeypatch):
    monkeypatch.setattr(bank, "FOLDER", tmp_path)
    for lesson in ("00", "01", "02", "03", "04", "04b"):
        write(tmp_path, lesson)


def origins(lesson):
    return [question["lesson"] for question in bank.warm_up_of(lesson)]


@pytest.mark.usefixtures("lessons_to_04b")
def test_a_warm_up_has_three_questions_of_earlier_lessons():
    for lesson in ("03", "04", "04b"):
        found = bank.warm_up_of(lesson)
        assert len({question["question"] for question in found}) == 3
        assert len(set(origins(lesson))) == 3
        assert max(origins(lesson)) < lesson
        assert all(question["question"].startswith(question["lesson"]) for question in found)
        assert bank.warm_up_of(lesson) == found
    assert [origins(lesson)[0] for lesson in ("02", "03", "04", "04b")] == ["01", "02", "03", "04"]
    assert sorted(origins("02")) in (["00", "00", "01"], ["00", "01", "01"])
    assert origins("01") == ["00"] * 3


@pytest.mark.usefixtures("lessons_to_04b")
def test_the_first_lesson_has_no_warm_up():
    with pytest.raises(ValueError, match="No lesson before 00 has questions"):
        Quiz("00", warm_up=True)


# --- as Python sees them -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["99", 4, None, "../06"])
def test_a_lesson_without_questions_is_named(wrong):
    for ask in (Quiz, lambda lesson: Quiz(lesson, warm_up=True), lambda lesson: Prediction(lesson, "digits")):
        with pytest.raises(ValueError, match=f"no questions for lesson {wrong!r}, only for .*{LESSON}"):
            ask(wrong)


@pytest.mark.parametrize("name", ["nothing", None, 3])
def test_a_prediction_that_is_not_there_is_named(name):
    with pytest.raises(ValueError, match=rf"Lesson {LESSON} has no prediction {name!r}: it has digits, "):
        Prediction(LESSON, name)


def test_answers_fit_their_questions():
    quiz = Quiz(LESSON)
    assert quiz.answers == [None] * len(quiz.questions)
    quiz.answers = [0, *quiz.answers[1:]]
    with pytest.raises(ValueError, match=r"answers must be one for each of 5 questions, got 2"):
        quiz.answers = [0, 1]
    with pytest.raises(ValueError, match=r"An answer must be None or in 0\.\.3, got 4"):
        quiz.answers = [4, *quiz.answers[1:]]
    with pytest.raises(traitlets.TraitError):
        quiz.answers = ["0", *quiz.answers[1:]]
    assert quiz.answers[0] == 0
    prediction = Prediction(LESSON, "digits")
    assert prediction.answer is None
    with pytest.raises(ValueError, match=r"An answer must be None or in 0\.\.2, got -1"):
        prediction.answer = -1


def test_a_still_has_all_words_and_no_markup_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(bank, "FOLDER", tmp_path)
    odd = asked("a < b & c")
    write(tmp_path, "01", {"quiz": [odd, asked("b"), asked("c")], "predictions": {"one": asked("<i>")}})
    assert "a &lt; b &amp; c?" in Quiz("01").still
    assert "of a &lt; b &amp; c 0" in Quiz("01").still
    assert Prediction("01", "one").still.startswith('<div class="question prediction"><p>&lt;i&gt;?</p>')


# --- on a page -----------------------------------------------------------------------------------------------------

IMPORT = "from supsup_lite.explorers import Prediction, Quiz\nfrom IPython.display import HTML\n"
HELD = ":tags: [predicted]\n\n"
SPACE = "<div style='height: 3000px'></div>"
LISTEN = """() => {
    window.said = [];
    const write = (records) => records.forEach(({ target }) => window.said.push(target.textContent));
    for (const status of document.querySelectorAll("[role=status], [aria-live]"))
        new MutationObserver(write).observe(status, { childList: true, characterData: true, subtree: true });
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The folder of a small site: a quiz and a warm-up on one page, two predictions and what they hold on another."""
    toc = "```{toctree}\n:hidden:\npredictions\n```"
    cells = {
        "index": [f"# Quiz\n\n{toc}", f"{IMPORT}Quiz({LESSON!r})", f"Quiz({bank.lessons()[-1]!r}, warm_up=True)"],
        "predictions": [
            "# Predictions",
            f"{HELD}print('before any prediction')",
            f"{IMPORT}Prediction({LESSON!r}, 'digits')",
            "print('free')",
            "# Between",
            f"{HELD}HTML('<p id=\"first\">first</p>')",
            "# After the first",
            f"{HELD}print('more of the first')",
            f"# Further down\n\n{SPACE}",
            f"Prediction({LESSON!r}, 'capacity')",
            f"{HELD}HTML('<p id=\"second\">second</p>')",
        ],
    }
    return small_site.build(tmp_path_factory.mktemp("questions"), cells)


@pytest.fixture
def opened(pages, browser):
    """The page with the quiz, whose explorer has started."""
    with opened_page(browser, (pages / "index.html").as_uri()) as (page, complaints):
        page.locator(".quiz").first.wait_for()
        yield page
        assert complaints == []


@pytest.fixture
def predicting(pages, browser):
    """The page with the predictions, of which the first has started."""
    with opened_page(browser, (pages / "predictions.html").as_uri()) as (page, complaints):
        page.locator("section.prediction").first.wait_for()
        yield page
        assert complaints == []


def rows(scope, question):
    return scope.locator(".question").nth(question).locator(".answer")


def test_every_answer_is_answered_below_it(opened):
    quiz, questions = opened.locator(".quiz").first, bank.quiz_of(LESSON)
    assert quiz.locator(".feedback").count() == 0
    for q, question in enumerate(questions):
        for i, answer in enumerate(question["answers"]):
            row = rows(quiz, q).nth(i)
            row.locator("label").click()
            verdict = "Right." if answer["right"] else "Not quite."
            assert row.locator(".feedback").inner_text() == f"{verdict} {answer['feedback']}"
            assert row.get_attribute("class").split()[-1] == ("right" if answer["right"] else "wrong")
            assert quiz.locator(".question").nth(q).locator(".feedback").count() == 1
            assert quiz.locator(".question").nth(q).locator("input:checked").count() == 1
    assert quiz.locator(".feedback").count() == len(questions)


def test_the_score_counts_and_all_can_be_tried_again(opened):
    quiz, questions = opened.locator(".quiz").first, bank.quiz_of(LESSON)
    score, again = quiz.locator(".score"), quiz.get_by_role("button", name="Try again")
    assert score.inner_text() == "0 of 5 right, 5 to go"
    assert again.is_disabled()
    right = [number_of_the_right(question) for question in questions]
    rows(quiz, 0).nth((right[0] + 1) % len(questions[0]["answers"])).locator("label").click()
    assert score.inner_text() == "0 of 5 right, 4 to go"
    for q, i in enumerate(right):
        rows(quiz, q).nth(i).locator("label").click()
    assert score.inner_text() == "5 of 5 right"
    again.click()
    assert score.inner_text() == "0 of 5 right, 5 to go"
    assert quiz.locator(".feedback, .given, :checked").count() == 0
    assert quiz.locator("input").first.evaluate("input => input === document.activeElement")


@pytest.mark.parametrize("key", ["Enter", " "])
def test_arrow_keys_choose_and_a_key_answers(opened, key):
    quiz = opened.locator(".quiz").first
    quiz.locator("input").first.focus()
    opened.keyboard.press("ArrowDown")
    opened.keyboard.press("ArrowDown")
    assert rows(quiz, 0).nth(2).locator("input").is_checked()
    assert quiz.locator(".feedback").count() == 0, "who passes by has not answered"
    opened.keyboard.press(key)
    assert rows(quiz, 0).nth(2).locator(".feedback").count() == 1
    assert rows(quiz, 0).nth(2).locator("input").evaluate("input => input === document.activeElement")
    opened.keyboard.press("ArrowUp")
    assert rows(quiz, 0).nth(1).locator(".feedback").count() == 0
    rows(quiz, 0).nth(1).locator("label").click()
    assert rows(quiz, 0).nth(1).locator(".feedback").count() == 1, "a click after an arrow answers"
    opened.keyboard.press("Tab")
    opened.keyboard.press(key)
    assert rows(quiz, 1).nth(0).locator(".feedback").count() == 1
    assert rows(quiz, 0).nth(1).locator("input").is_checked(), "each question has a choice of its own"
    assert opened.url.endswith("index.html"), "nothing was sent"


def test_an_answer_is_spoken_once(opened):
    quiz, question = opened.locator(".quiz").first, bank.quiz_of(LESSON)[0]
    assert quiz.locator("[role=status], [aria-live]").count() == 1
    opened.evaluate(LISTEN)
    i = number_of_the_right(question)
    rows(quiz, 0).nth(i).locator("label").click()
    words = f"Right. {question['answers'][i]['feedback']} 1 of 5 right, 4 to go."
    assert opened.evaluate("window.said") == [words]
    rows(quiz, 0).nth(i).locator("label").click()
    assert opened.evaluate("window.said") == [words], "the same answer says nothing new"
    quiz.locator(".question").nth(1).locator("input").first.focus()
    opened.keyboard.press(" ")  # first choice and answer in one
    assert len(opened.evaluate("window.said")) == 2


def test_a_warm_up_says_where_its_questions_come_from(opened):
    quiz, questions = opened.locator(".quiz").nth(1), bank.warm_up_of(bank.lessons()[-1])
    bring_near(opened.locator(".result"))  # the warm-up starts when it comes near
    quiz.wait_for()
    assert quiz.locator("legend").all_inner_texts() == [f"Lesson {q['lesson']}\n{q['question']}" for q in questions]


def is_held(page, words):
    return not page.get_by_text(words, exact=True).last.is_visible(), page.locator(".veil").count()


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_what_follows_a_prediction_waits_for_it(predicting, by):
    assert is_held(predicting, "before any prediction") == (False, 2)
    assert is_held(predicting, "free") == (False, 2)
    for words in ("first", "more of the first", "second"):
        assert is_held(predicting, words) == (True, 2)
    prediction = predicting.locator("section.prediction").first
    prediction.locator("input").first.focus()
    predicting.keyboard.press("ArrowDown")
    assert is_held(predicting, "first") == (True, 2)
    assert not prediction.locator("details").is_visible()
    predicting.evaluate(LISTEN)
    if by == "mouse":
        rows(prediction, 0).nth(1).locator("label").click()
    else:
        predicting.keyboard.press("Enter")
    for words in ("first", "more of the first"):
        assert is_held(predicting, words) == (False, 1)
    assert is_held(predicting, "second") == (True, 1)
    answer = bank.prediction_of(LESSON, "digits")["answers"][1]
    said = f"You predicted: “{answer['text']}”. Now look at what comes below."
    assert predicting.evaluate("window.said") == [said]
    assert not prediction.get_by_text(answer["feedback"]).is_visible(), "one looks first, and then compares"
    prediction.locator("summary").click()
    assert prediction.get_by_text(answer["feedback"]).is_visible()


def test_who_does_not_want_to_predict_just_looks(predicting):
    button = predicting.get_by_role("button", name="Just show it").first
    button.focus()
    predicting.keyboard.press("Enter")
    assert is_held(predicting, "first") == (False, 1)
    assert predicting.locator("#first").evaluate("el => document.activeElement.contains(el)")
    assert is_held(predicting, "second") == (True, 1)


def test_a_link_reaches_what_is_held(predicting):
    predicting.evaluate("location.hash = '#second'")
    predicting.wait_for_function("document.querySelectorAll('.veil').length === 1")
    assert is_held(predicting, "second") == (False, 1)


def test_on_paper_nothing_is_held(predicting):
    predicting.emulate_media(media="print")
    assert is_held(predicting, "first")[0] is False
    assert predicting.locator("#first").evaluate("el => el.checkVisibility({ contentVisibilityAuto: true })")
    assert not predicting.locator(".veil").first.is_visible()


def test_without_javascript_all_is_there_to_read(pages, browser):
    with opened_page(browser, (pages / "predictions.html").as_uri(), java_script_enabled=False) as (page, _):
        assert page.get_by_text("second", exact=True).is_visible()
        question = bank.prediction_of(LESSON, "digits")
        for words in (question["question"], *(answer["text"] for answer in question["answers"])):
            assert page.get_by_text(words, exact=True).first.is_visible()
        page.locator("summary").first.click()
        right = question["answers"][number_of_the_right(question)]
        assert page.get_by_text(right["feedback"]).is_visible()


def test_a_prediction_that_cannot_start_does_not_keep_its_cells(pages, browser, tmp_path):
    folder = shutil.copytree(pages, tmp_path / "damaged")
    shutil.rmtree(folder / "_static" / "explorers")
    with opened_page(browser, (folder / "predictions.html").as_uri()) as (page, _):
        page.get_by_text("This explorer could not start").first.wait_for()
        page.get_by_role("button", name="Just show it").first.click()
        assert is_held(page, "first") == (False, 1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desk"])
def test_it_fits_and_can_be_read(pages, browser, width, scheme):
    options = {"has_touch": width == 390, "is_mobile": width == 390, "reduced_motion": "reduce"}
    with opened_page(browser, (pages / "index.html").as_uri(), width, scheme, **options) as (page, complaints):
        quiz = page.locator(".quiz").first
        quiz.wait_for()
        rows(quiz, 0).nth(0).locator("label").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for part in quiz.locator(".answer, .result, legend").all():
            box = part.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        assert quiz.locator(".keys").is_visible() == (width == 1280)
        assert min(row.bounding_box()["height"] for row in rows(quiz, 1).all()) >= 40, "a finger hits it"
        ink = page.evaluate("getComputedStyle(document.querySelector('.bd-article')).color")
        feedback = quiz.locator(".feedback")
        assert feedback.evaluate("el => getComputedStyle(el).color") == ink
        assert feedback.evaluate("el => getComputedStyle(el).animationName") == "none"
        assert quiz.locator("input").evaluate_all("inputs => inputs.every((input) => input.labels.length === 1)")
        assert quiz.get_by_role("group").count() == len(bank.quiz_of(LESSON))
        assert complaints == []
