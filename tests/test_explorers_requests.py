"""What a front end may ask of Python: anything else starts nothing, and what learns can be cancelled."""

import gc
import threading
import warnings
from functools import partial

import pytest
import torch
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st

import supsup_lite as sl
from supsup_lite.explorers import (
    Forgetting,
    Hopfield,
    Learning,
    Masks,
    RandomMasks,
    Rivals,
    Scale,
    Stream,
    TaskInference,
    masks,
    random_masks,
    task_inference,
)
from supsup_lite.explorers.base import Explorer
from supsup_lite.explorers.messages import sentence
from supsup_lite.explorers.stored import streams as stored_streams
from supsup_lite.learning import learn_all_masks
from supsup_lite.networks.mlp import MLP
from tests.waiting import wait_until

ENDLESS = {"recipe": sl.Recipe(steps=10**6, batch=16, optimizer="adam", lr=1e-3)}  # unless it is cancelled


def known(k):
    return torch.full((k, k), 0.5).where(torch.ones(k, k, dtype=torch.bool).tril(), torch.nan)


def learn_forever(method, num_tasks, on_step):
    net, suite = sl.lenet_300_100(10, device="cpu"), sl.permuted_mnist(num_tasks, device="cpu")
    sl.learn_masks(net, suite, **ENDLESS, progress=False, on_step=on_step)
    raise AssertionError("it was to be cancelled")


@pytest.fixture(scope="module")
def explorers():
    """One of each kind."""
    net, suite, quick = sl.lenet_300_100(10), sl.permuted_mnist(1), sl.Recipe(2, 8, "adam", 1e-3)
    return {
        "TaskInference": TaskInference(),
        "Masks": Masks(net, suite, quick, (50, 90)),
        "RandomMasks": RandomMasks(net, suite, (50,)),
        "Forgetting": Forgetting({"one": known(2), "two": known(2)}, learn_forever),
        "Stream": Stream(),
        "Hopfield": Hopfield(),
        "Scale": Scale(),
        "Rivals": Rivals(),
        "Learning": Learning(),
    }


NAMES = ("TaskInference", "Masks", "RandomMasks", "Forgetting", "Stream", "Hopfield", "Scale", "Rivals", "Learning")
# What each may be asked for, and one thing in its place that it may not.
REQUESTS = {
    "TaskInference": ({"outputs": 25, "sparsity": 70, "tasks": 3}, {"outputs": 33, "sparsity": 99.9, "tasks": 101}),
    "Masks": ({"sparsity": 72}, {"sparsity": 101}),
    "RandomMasks": ({"sparsity": 0}, {"sparsity": -1}),
    "Forgetting": ({"method": "two", "tasks": 5}, {"method": "three", "tasks": 11}),
    "Stream": ({"stream": "even", "eps": 0.16}, {"stream": "odd", "eps": 0.161}),
}


@pytest.fixture
def started(monkeypatch):
    """The requests that would have been learned: nothing is."""
    requests = []
    monkeypatch.setattr(Explorer, "_start", lambda self, request: requests.append(request))
    return requests


# --- what may be asked for -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REQUESTS)
def test_what_is_offered_is_started_and_each_field_is_checked(explorers, started, name):
    offered, wrong = REQUESTS[name]
    explorers[name].reply({"learn": offered})
    (request,) = started
    assert vars(request) == offered
    for field, value in wrong.items():
        for odd in (value, None, True, "5", [5], {}, 10**6, 10**5000, float("nan"), -1):
            explorers[name].trouble = ""
            explorers[name].reply({"learn": offered | {field: odd}})
            assert field in explorers[name].trouble or "limit" in explorers[name].trouble  # of digits
        explorers[name].trouble = ""
        explorers[name].reply({"learn": {key: offered[key] for key in offered if key != field}})
        assert explorers[name].trouble.startswith("A request to learn must have the fields")
    explorers[name].reply({"learn": offered | {"more": 1}})
    assert explorers[name].trouble.startswith("A request to learn must have the fields")
    assert len(started) == 1
    assert explorers[name].progress < 0


@pytest.mark.parametrize("name", ["Hopfield", "Scale", "Rivals", "Learning"])
def test_who_learns_nothing_says_so(explorers, started, name):
    explorers[name].reply({"learn": {"sparsity": 50}})
    assert (explorers[name].trouble, started) == (f"{name} learns nothing.", [])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"outputs": 100, "sparsity": 50, "tasks": 10**6}, "tasks must be in 1..100, got 1000000."),
        ({"outputs": 100, "sparsity": 50, "tasks": 101}, "tasks must be in 1..100, got 101."),
        ({"outputs": 100, "sparsity": 33, "tasks": 60}, "sparsity must be one of [10, 50, 70, 90, 95], got 33."),
        ({"outputs": 100, "sparsity": 99.9, "tasks": 60}, "sparsity must be one of [10, 50, 70, 90, 95], got 99.9."),
        ({"outputs": 10**5, "sparsity": 50, "tasks": 60}, "outputs must be one of [10, 25, 100, 500], got 100000."),
        (
            {"outputs": 100, "sparsity": 50, "tasks": 50},
            "There are masks of 50 tasks already, asked were 50. Ask for 51 to 100.",
        ),
    ],
)
def test_what_takes_days_or_nothing_is_not_started(explorers, started, fields, words):
    explorers["TaskInference"].reply({"learn": fields})
    assert (explorers["TaskInference"].trouble, started) == (words, [])


def test_no_method_learns_fewer_tasks_than_it_has(explorers, started):
    explorer = explorers["Forgetting"]
    explorer.reply({"learn": {"method": "one", "tasks": 2}})
    assert explorer.trouble == "one has learned 2 tasks already, asked were 2. Ask for 3 to 10."
    pictures = Forgetting({"one": known(2)})
    pictures.reply({"learn": {"method": "one", "tasks": 3}})
    assert pictures.trouble == "tasks must be in 2..2, got 3."
    assert started == []


@pytest.mark.parametrize(
    ("name", "trait", "wrong"),
    [
        ("TaskInference", "outputs", 10**5),
        ("TaskInference", "sparsity", 33),
        ("TaskInference", "digit", 20),
        ("Forgetting", "num_tasks", 11),
        ("Stream", "batch", 10**6),
        ("Stream", "eps", 0.161),
        ("Masks", "sparsity", 101),
        ("Learning", "sparsity", 52),
        ("Learning", "rate", 0.02),
        ("Learning", "seed", 100),
    ],
)
def test_traits_keep_the_same_limits(explorers, name, trait, wrong):
    before = getattr(explorers[name], trait)
    with pytest.raises(ValueError, match=f"{trait} must be"):
        setattr(explorers[name], trait, wrong)
    assert getattr(explorers[name], trait) == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
    max_leaves=10,
)
FIELDS = st.sampled_from(["outputs", "sparsity", "tasks", "method", "stream", "eps"])
MASK = ("rule", "sparsity", "rate", "seed", "task")
MESSAGES = (
    JSON
    | st.dictionaries(st.sampled_from(["want", "learn", "cancel", "mask"]), JSON)
    | st.fixed_dictionaries({"mask": st.fixed_dictionaries(dict.fromkeys(MASK, JSON | st.integers(-1, 60)))})
    | st.fixed_dictionaries({"learn": st.dictionaries(FIELDS, JSON | st.integers(-3, 3) | st.just("even"))})
)


def is_offered(explorer, message):
    """Whether a message asks for something to be learned that may be."""
    if not isinstance(message, dict) or list(message) != ["learn"] or not isinstance(message["learn"], dict):
        return False
    fields, kind = message["learn"], type(explorer).__name__
    if kind not in ("Masks", "RandomMasks"):
        return False  # the others have a field that no message of these holds
    return list(fields) == ["sparsity"] and type(fields["sparsity"]) is int and 0 <= fields["sparsity"] <= 100


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=150)
@given(message=MESSAGES)
def test_no_message_raises_or_starts_what_is_not_offered(explorers, name, message):
    explorer, requests, sent = explorers[name], [], []
    explorer.trouble = ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Explorer, "_start", lambda self, request: requests.append(request))
        patch.setattr(Explorer, "send", lambda self, content, buffers=(): sent.append(content))
        explorer.reply(message)
    assert len(requests) == is_offered(explorer, message)
    assert explorer.progress < 0
    if not requests and message != {"cancel": True}:
        said = explorer.trouble or sent[0].get("trouble", "")
        assert not sent or not explorer.trouble
        assert said.endswith(".") or sent == [{"name": message["want"]}]
        assert not said.endswith("..")


@pytest.mark.parametrize(
    "message", [{"want": ["a"]}, {"want": {}}, {"want": 1}, {"want": "digits", "cancel": True}, {}]
)
def test_an_odd_wish_for_a_file_is_refused(explorers, message):
    explorer = explorers["TaskInference"]
    explorer.trouble = ""
    explorer.reply(message)
    assert explorer.trouble.startswith('A front end may send {"want": name of a file}')


def test_a_deep_message_is_refused(explorers):
    deep = []
    for _ in range(900):
        deep = [deep]
    explorer = explorers["Masks"]
    for message in (deep, {"want": deep}, {"learn": deep}, {"learn": {"sparsity": deep}}):
        explorer.trouble = ""
        explorer.reply(message)
        assert len(explorer.trouble) < 300
        assert "got" in explorer.trouble


# --- who asks while Python learns, and who cancels ---------------------------------------------------------------


def learning(explorer):
    return [thread for thread in threading.enumerate() if thread.name == f"{type(explorer).__name__} learns"]


@pytest.fixture(params=list(REQUESTS))
def endless(request, explorers, monkeypatch):
    """An explorer that has begun to learn, and would for ever; its request, and its state before."""
    for module, learner in ((masks, learn_all_masks), (task_inference, sl.learn_masks)):
        endless = partial(lambda learner, *args, **named: learner(*args, **named | ENDLESS), learner)
        monkeypatch.setattr(module, learner.__name__, endless)
    monkeypatch.setattr(random_masks, "TRIES", 10**6)
    monkeypatch.setitem(stored_streams.PLANS, "even", [(0, 10**5)])
    explorer, steps = explorers[request.param], []
    explorer.trouble = ""
    before, learn = explorer.get_state(), explorer.learn
    monkeypatch.setattr(
        explorer, "learn", lambda wanted, tell: learn(wanted, lambda share: steps.append(share) or tell(share))
    )
    explorer.reply({"learn": REQUESTS[request.param][0]})
    wait_until(lambda: len(steps) > 2)
    assert explorer.progress >= 0
    assert len(learning(explorer)) == 1
    yield explorer, REQUESTS[request.param][0], before
    explorer.cancel()
    wait_until(lambda: not learning(explorer))


def test_one_run_at_a_time_and_cancelled_it_leaves_the_widget_as_it_was(endless):
    explorer, wanted, before = endless
    explorer.reply({"learn": wanted})
    assert explorer.trouble == "Python is learning already: wait until it is done, or cancel it, and ask again."
    assert len(learning(explorer)) == 1
    explorer.reply({"cancel": True})
    wait_until(lambda: not learning(explorer))
    assert explorer.get_state() == before
    explorer.reply({"cancel": True})  # nothing to cancel
    assert explorer.get_state() == before


def test_closing_the_widget_ends_the_thread(endless):
    explorer, _, _ = endless
    explorer.close()
    wait_until(lambda: not learning(explorer))


def test_who_was_cancelled_can_learn_again(monkeypatch):
    turns, go_on = [], threading.Event()

    def learn(method, num_tasks, on_step):
        turns.append(num_tasks)
        if len(turns) == 1:
            go_on.wait()  # as if it computed, without a step
            on_step()
        return torch.full((num_tasks, num_tasks), 0.75)

    explorer = Forgetting({"one": known(2)}, learn)
    explorer.reply({"learn": {"method": "one", "tasks": 3}})
    wait_until(lambda: turns)
    explorer.reply({"cancel": True})
    explorer.reply({"learn": {"method": "one", "tasks": 4}})
    assert explorer.trouble.startswith("Python is learning already")  # it has not come to its next step
    go_on.set()
    wait_until(lambda: explorer.progress < 0)
    assert len(explorer.matrices["one"]) == 2
    explorer.reply({"learn": {"method": "one", "tasks": 4}})
    wait_until(lambda: explorer.progress < 0)
    assert (explorer.trouble, len(explorer.matrices["one"])) == ("", 4)


def test_a_run_cancelled_at_its_very_end_shows_nothing():
    explorer = Forgetting({"one": known(2)}, lambda method, k, on_step: explorer.cancel() or known(k))
    before = explorer.get_state()
    explorer.reply({"learn": {"method": "one", "tasks": 3}})
    wait_until(lambda: not learning(explorer))
    assert explorer.get_state() == before


def test_what_cancels_is_no_exception_that_a_learner_may_catch():
    caught, steps = [], []

    def learn(method, num_tasks, on_step):
        while True:
            steps.append(1)
            try:
                on_step()
            except Exception as error:
                caught.append(error)

    explorer = Forgetting({"one": known(2)}, learn)
    explorer.reply({"learn": {"method": "one", "tasks": 3}})
    wait_until(lambda: steps)
    explorer.reply({"cancel": True})
    wait_until(lambda: not learning(explorer))
    assert caught == []


def test_a_refused_widget_is_thrown_away_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="net must read 28 x 28 pixels"):
            Masks(MLP("small", (5, 4, 3), 0), sl.rotated_mnist(1))
        with pytest.raises((ValueError, traitlets.TraitError)):
            TaskInference(task=-1)
        gc.collect()


# --- sentences -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("The file is missing."), "The file is missing."),
        (KeyError("x"), "KeyError: 'x'."),
        (ValueError("outputs must be 2 or more, got -1."), "ValueError: outputs must be 2 or more, got -1."),
        (
            ValueError("keep must lie in 0..1. (Sparsity is 1 - keep.)"),
            "ValueError: keep must lie in 0..1. (Sparsity is 1 - keep.)",
        ),
        (RuntimeError(), "RuntimeError."),
        (OSError("Is it there?"), "OSError: Is it there?"),
    ],
)
def test_an_error_is_a_sentence_with_one_full_stop(error, words):
    assert sentence(error) == words


@pytest.mark.parametrize("learn", [lambda method, k: known(k), lambda: None, 5])
def test_a_learner_that_cannot_be_cancelled_is_refused(learn):
    with pytest.raises(TypeError, match=r"learn must be a function of \(method, num_tasks, on_step\)"):
        Forgetting({"one": known(2)}, learn)


def test_a_matrix_of_other_tasks_is_refused():
    explorer = Forgetting({"one": known(2)}, lambda method, k, on_step: known(2))
    explorer.reply({"learn": {"method": "one", "tasks": 4}})
    wait_until(lambda: explorer.progress < 0)
    assert explorer.trouble == "ValueError: learn must return a matrix of 4 tasks, got (2, 2)."
    assert len(explorer.matrices["one"]) == 2
