"""How an open question is asked: seed by seed, each kept; and what is said of several seeds, against slow sums."""

import json
import math
import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from supsup_lite import results
from supsup_lite.data.folders import data_folder
from supsup_lite.evaluation.intervals import NORMAL, STUDENT
from supsup_lite.experiments.open_questions import Question, Size, asking, difference, over_seeds
from supsup_lite.experiments.open_questions.summary import interval_of
from supsup_lite.experiments.settings import OPEN_QUESTIONS, OpenQuestionSettings
from supsup_lite.learning import learn
from supsup_lite.paper.command import main
from supsup_lite.results import runs

SHARES = st.lists(st.floats(0, 1), min_size=2, max_size=40)


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """A question in place of the first, and the seeds for which its rows were computed."""
    seen = []

    def rows(size, seed):
        seen.append(seed)
        for case in ("ours", "theirs"):
            yield {"case": case, "n": size.images, "share": seed + size.tasks / 10 + (case == "ours")}

    question = Question("Is it so?", rows, Size(tasks=3, steps=5, images=7))
    monkeypatch.setattr(asking, "question_of", lambda which: question)
    monkeypatch.setattr(runs, "cache_folder", lambda: tmp_path)
    monkeypatch.setenv("SUPSUP_DEVICE", "cpu")
    return seen


def test_a_result_has_all_rows_of_all_seeds(asked):
    result = asking.ask("difficulty", tasks=2)
    assert list(result) == ["experiment", "setting", "figures", "n", "seconds", "device", "versions"]
    assert result["setting"] == {
        "which": "difficulty",
        "question": "Is it so?",
        "tasks": 2,
        "steps": 5,
        "images": 7,
        "seeds": [0, 1, 2],
    }
    assert [(row["seed"], row["case"], round(row["share"], 9)) for row in result["figures"]] == [
        (seed, case, seed + 0.2 + (case == "ours")) for seed in range(3) for case in ("ours", "theirs")
    ]
    assert result["n"] == 6 * 7


def test_a_finished_seed_is_not_asked_again(asked):
    first = asking.ask("difficulty", seeds=2)
    again = asking.ask("difficulty", seeds=4)
    assert asked == [0, 1, 2, 3]
    assert again["figures"][:4] == first["figures"]
    asking.ask("difficulty", seeds=1, steps=6)  # of another size: another run
    asking.ask("width", seeds=1)
    assert asked == [0, 1, 2, 3, 0, 0]


def test_a_killed_run_goes_on_with_the_next_seed(asked, monkeypatch):
    question = asking.question_of("difficulty")
    broken = Question(question.text, lambda size, seed: iter(()) if seed < 1 else (_ for _ in [1 / 0]), question.size)
    monkeypatch.setattr(asking, "question_of", lambda which: broken)
    with pytest.raises(ZeroDivisionError):
        asking.ask("difficulty")
    monkeypatch.setattr(asking, "question_of", lambda which: question)
    assert {row["seed"] for row in asking.ask("difficulty")["figures"]} == {1, 2}, "seed 0 had no rows, and is kept"
    assert asked == [1, 2]


ROW = '{"case": "ours", "n": 7}'
NO_SEED = [
    "",
    "{}",
    "[]",
    "null",
    "5",
    '{"rows": 5, "seconds": 1}',
    f'{{"rows": [{ROW}], "seconds": "x"}}',
    "[" * 10**5,
]
NO_ROWS = ['{"rows": ["n"], "seconds": 1}', '{"rows": [{}], "seconds": 1}', f'{{"rows": [{ROW}], "seconds": NaN}}']


@pytest.mark.parametrize("said", [*NO_SEED, *NO_ROWS, f'{{"rows": [{ROW.replace("7", "1e999")}], "seconds": 1}}'])
def test_a_seed_that_cannot_be_gone_on_with_is_named(asked, tmp_path, said):
    asking.ask("difficulty", seeds=1)
    (path,) = tmp_path.rglob("open-*")
    path.write_text(said)
    with pytest.raises(SystemExit, match=rf"{path.name} is damaged.*Delete it"):
        main(["open-questions", "--seeds", "1"])


@pytest.mark.parametrize("which", OPEN_QUESTIONS)
def test_an_interrupt_ends_it_and_no_half_of_a_seed_is_kept(which, monkeypatch, tmp_path):
    """`learn_masks` hands out what is finished: rows of fewer masks than tasks would be taken for a whole seed's."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "cache_folder", lambda: tmp_path)
    monkeypatch.setenv("SUPSUP_DEVICE", "cpu")
    monkeypatch.setattr(learn, "learn_scores", interrupted)
    with pytest.raises(KeyboardInterrupt):
        asking.ask(which, tasks=2, steps=2, images=20, seeds=1)
    assert list(tmp_path.rglob("open-*")) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"which": "weather"}, "which must be one of"),
        ({"which": "width", "seeds": 0}, "seeds"),
        ({"which": "width", "tasks": 1.5}, "tasks"),
        ({"which": "width", "images": 0}, "images"),
        ({"which": "width", "seed": -1}, "seed"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(asked, wrong, words):
    with pytest.raises((TypeError, ValueError), match=words):
        asking.ask(**wrong)
    assert asked == []


def test_the_command_prints_it_and_has_its_own_options_only(asked, capsys):
    main(["open-questions", "--which", "rotations", "--seeds", "1", "--images", "9"])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["experiment"], result["setting"]["which"], result["n"]) == ("open-questions", "rotations", 18)
    with pytest.raises(SystemExit, match="this experiment has no --network"):
        main(["open-questions", "--network", "fc"])


@pytest.mark.parametrize("which", OPEN_QUESTIONS)
def test_every_question_is_there_with_three_seeds_stored(which):
    question = asking.question_of(which)
    stored = results.load(f"open_{which.replace('-', '_')}")
    assert stored["setting"]["question"] == question.text
    assert stored["setting"]["which"] == which
    seeds = stored["setting"]["seeds"]
    assert len(seeds) >= 3
    cases = {row["case"] for row in stored["figures"]}
    assert {(row["case"], row["seed"]) for row in stored["figures"]} == {(c, s) for c in cases for s in seeds}
    assert OpenQuestionSettings(which=which).seeds == 3


def test_no_stored_answer_is_of_a_question_that_nobody_asks():
    stored = {path.stem.removeprefix("open_").replace("_", "-") for path in (data_folder() / "results").glob("open_*")}
    assert stored == set(OPEN_QUESTIONS)


# --- what several seeds say --------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", range(1, len(STUDENT) + 1))
def test_the_table_is_student_s(degrees):
    """The density of t, integrated up to the table's point, is 97.5 %."""
    x = torch.linspace(0, STUDENT[degrees - 1], 20_001, dtype=torch.float64)
    density = (1 + x**2 / degrees) ** (-(degrees + 1) / 2)
    scale = math.gamma((degrees + 1) / 2) / math.sqrt(degrees * math.pi) / math.gamma(degrees / 2)
    assert 0.5 + scale * torch.trapezoid(density, x).item() == pytest.approx(0.975, abs=4e-5)  # three digits of it


@given(SHARES)
def test_an_interval_is_by_the_textbook(values):
    found = interval_of(values)
    t = STUDENT[len(values) - 2] if len(values) - 2 < len(STUDENT) else NORMAL
    half = t * statistics.stdev(values) / math.sqrt(len(values))
    assert found == pytest.approx(
        (statistics.mean(values), found.mean - half, found.mean + half, len(values)), abs=1e-9
    )


def test_one_seed_says_nothing_of_the_next():
    mean, low, high, seeds = interval_of([0.25])
    assert (mean, seeds) == (0.25, 1)
    assert math.isnan(low)
    assert math.isnan(high)


def rows_of(**cases):
    return [
        {"case": case, "seed": seed, "share": share, "words": "x"}
        for case, shares in cases.items()
        for seed, share in enumerate(shares)
    ]


def test_a_difference_is_taken_seed_by_seed_whatever_the_order_of_rows():
    rows = rows_of(ours=[0.5, 0.75, 0.25], theirs=[0.375, 0.5, 0.25])
    want = interval_of([0.125, 0.25, 0.0])
    assert difference(rows, "ours", "theirs", "share") == pytest.approx(want)
    assert difference(rows[::-1], "ours", "theirs", "share") == pytest.approx(want)
    assert over_seeds(rows, "theirs", "share") == pytest.approx(interval_of([0.375, 0.5, 0.25]))
    assert str(want).endswith(", 3 seeds")


@pytest.mark.parametrize(
    ("case", "figure", "words"),
    [("mine", "share", "case must be one of"), ("ours", "words", "figure must be"), ("ours", "x", "figure must be")],
)
def test_what_is_not_in_the_rows_is_named(case, figure, words):
    with pytest.raises(ValueError, match=words):
        over_seeds(rows_of(ours=[0.5]), case, figure)


def test_cases_of_different_seeds_are_not_compared():
    with pytest.raises(ValueError, match=r"'ours' and 'theirs' have different seeds: \[0, 1\] and \[0\]"):
        difference(rows_of(ours=[0.5, 0.5], theirs=[0.5]), "ours", "theirs", "share")
