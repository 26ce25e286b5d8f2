"""The machinery of the exercises: what a check says to right, wrong, unfinished and crashing attempts."""

import functools
import math
import re

import numpy as np
import pytest
import torch

from supsup_lite.exercises import NOT_DONE, RIGHT, WRONG, Verdict, Wrong, attempt_on, check_for, expect, must_equal
from supsup_lite.networks.mlp import MLP


def double(x):
    return 2 * x


@check_for(double, praise="You doubled it.")
def check_double(attempt):
    x = torch.tensor([1.0, -2.0])
    must_equal(attempt_on(attempt, x), torch.tensor([2.0, -4.0]), f"x = {x.tolist()}")


# Verdicts


def test_the_reference_is_right():
    verdict = check_double()
    assert verdict == Verdict(RIGHT, "You doubled it.")
    assert verdict.passed
    assert check_double.reference is double
    assert check_double.__name__ == "check_double"


def test_another_way_is_right_too():
    assert check_double(lambda x: x + x).passed


def test_a_wrong_attempt_sees_the_counter_example():
    verdict = check_double(lambda x: x * x)
    assert verdict.state == WRONG
    assert not verdict.passed
    assert verdict.message == "x = [1.0, -2.0]: expected\ntensor([ 2., -4.])\ngot\ntensor([1., 4.])"


def stub(x):
    raise NotImplementedError


def stub_with_words(x):
    raise NotImplementedError("your turn")


@pytest.mark.parametrize("attempt", [stub, stub_with_words, lambda x: ..., lambda x: None])
def test_a_stub_is_not_done(attempt):
    verdict = check_double(attempt)
    assert verdict.state == NOT_DONE
    assert not verdict.passed
    assert "replace the line `raise NotImplementedError`" in verdict.message


def crash(x):
    return x / [0]


def too_few():
    return 1


def stop_asserting(x):
    raise AssertionError("my own")


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (crash, "crash raised TypeError: unsupported operand"),
        (too_few, "too_few raised TypeError: too_few\\(\\) takes 0 positional arguments"),
        (lambda x: unknown, "<lambda> raised NameError: name 'unknown' is not defined"),  # noqa: F821
        (lambda x: x @ torch.ones(3), "<lambda> raised RuntimeError: "),
        (lambda x: (x > 0).abs(), "<lambda> raised NotImplementedError: .*not implemented for 'Bool'"),
        (stop_asserting, "stop_asserting raised AssertionError: my own"),
        (functools.partial(crash), "functools.partial.* raised TypeError"),
    ],
)
def test_an_exception_is_reported_not_raised(attempt, message):
    verdict = check_double(attempt)
    assert verdict.state == WRONG
    assert re.search(message, verdict.message)


def test_an_interruption_is_not_swallowed():
    def stopped(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_double(stopped)


@pytest.mark.parametrize("attempt", [3, "double", torch.ones(2), None])
def test_a_value_instead_of_a_function(attempt):
    verdict = check_double(attempt)
    assert verdict.state == WRONG
    assert verdict.message.startswith("give the function itself, not ")
    assert verdict.message.endswith("check_double(my_function)")


def test_how_a_verdict_looks():
    assert repr(Verdict(RIGHT, "good")) == "✓ right: good"
    assert repr(Verdict(WRONG, "bad")) == "✗ not right yet: bad"
    assert repr(Verdict(NOT_DONE, "later")) == "… not done yet: later"


@pytest.mark.parametrize("state", [RIGHT, WRONG, NOT_DONE])
def test_a_verdict_in_a_notebook_is_escaped_and_said_to_screen_readers(state):
    shown = Verdict(state, "<script>alert(1)</script> & 'x' \"y\"\nsecond line")._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#x27;x&#x27; &quot;y&quot;\nsecond line" in shown
    assert 'role="status"' in shown
    assert state.capitalize() in shown  # words, not only a colour


# In-place changes


def changes_tensor(x):
    return x.mul_(2)


def changes_in_dict(values):
    values["a"].zero_()
    return 1


def changes_in_list(values):
    values[1].add_(1)
    return 1


def changes_network(net):
    net.fc1.weight[0, 0] *= -1
    return 1


@pytest.mark.parametrize(
    ("attempt", "given"),
    [
        (changes_tensor, torch.ones(2)),
        (changes_in_dict, {"a": torch.ones(2), "b": torch.zeros(2)}),
        (changes_in_list, [torch.zeros(2), torch.zeros(2)]),
        (changes_network, MLP("tiny", (3, 2, 2), 0, device="cpu")),
    ],
)
def test_a_changed_input_is_found(attempt, given):
    with pytest.raises(Wrong, match=f"{attempt.__name__} changed its input in place"):
        attempt_on(attempt, given)


def test_a_changed_named_input_is_found():
    with pytest.raises(Wrong, match="changed its input in place"):
        attempt_on(changes_tensor, x=torch.ones(2))


def test_unchanged_inputs_pass_as_they_are():
    x, net = torch.ones(2, requires_grad=True), MLP("tiny", (3, 2, 2), 0, device="cpu")
    seen = attempt_on(lambda *given, **named: (given, named), x, net, [1, "a"], keep=0.5)
    assert seen[0][0] is x
    assert seen[0][1] is net
    assert seen[0][2] == [1, "a"]
    assert seen[1] == {"keep": 0.5}


@pytest.mark.parametrize("result", [None, ...])
def test_nothing_returned_is_not_done(result):
    with pytest.raises(NotImplementedError):
        attempt_on(lambda: result)


@pytest.mark.parametrize("result", [0, False, "", [], torch.zeros(0)])
def test_something_empty_is_something(result):
    assert attempt_on(lambda: result) is result


# Comparing


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0 + 5e-6])),
        (torch.tensor([True]), torch.tensor([True])),
        (torch.tensor([3]), torch.tensor([3])),
        (torch.tensor([3], dtype=torch.uint8), torch.tensor([3], dtype=torch.uint8)),
        (torch.tensor([1.0], requires_grad=True), torch.tensor([1.0])),
        (torch.tensor([math.inf]), torch.tensor([math.inf])),
        (3, 3),
        (3.0, 3),
        (torch.tensor(0.5), 0.5),
        (torch.tensor([0.5]), 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(4), 4),
        (1_000_001.0, 1_000_000),
    ],
    ids=repr,
)
def test_equal_things_pass(got, want):
    must_equal(got, want, "here")


@pytest.mark.parametrize(
    ("got", "want", "message"),
    [
        ([1.0], torch.tensor([1.0]), "here: expected a tensor, got list"),
        (np.ones(1, dtype=np.float32), torch.ones(1), "here: expected a tensor, got ndarray"),
        (torch.ones(1, 2), torch.ones(2), r"expected shape \(2,\), got \(1, 2\)"),
        (torch.ones(()), torch.ones(1), r"expected shape \(1,\), got \(\)"),
        (torch.ones(2).double(), torch.ones(2), "expected dtype torch.float32, got torch.float64"),
        (torch.ones(2), torch.ones(2).bool(), "expected dtype torch.bool, got torch.float32"),
        (torch.tensor([1, 2]), torch.tensor([1, 3]), r"expected\ntensor\(\[1, 3\]\)\ngot\ntensor\(\[1, 2\]\)"),
        (torch.tensor([250], dtype=torch.uint8), torch.tensor([251], dtype=torch.uint8), "expected\n"),
        (torch.tensor([True, False]), torch.tensor([True, True]), "expected\n"),
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0001]), "expected\n"),
        (torch.tensor([math.nan]), torch.tensor([1.0]), "got\ntensor\\(\\[nan\\]\\)"),
        (torch.tensor([math.inf]), torch.tensor([1.0]), "inf"),
        (torch.zeros(100), torch.ones(100), r"\.\.\. \(100,\)"),
        (2.5, 3, "here: expected 3, got 2.5"),
        (math.nan, 3, "expected 3, got nan"),
        (torch.tensor(math.nan), 0.0, "expected 0, got nan"),
        ("3", 3, "expected a number, got str"),
        (True, 1, "expected a number, got bool"),
        (torch.tensor(True), 1, "expected a number, got Tensor"),
        (torch.ones(2), 1, "expected a number, got Tensor"),
        (1j, 1, "expected a number, got complex"),
    ],
    ids=repr,
)
def test_unequal_things_are_wrong(got, want, message):
    with pytest.raises(Wrong, match=message):
        must_equal(got, want, "here")


def test_the_tolerance_is_the_one_given():
    must_equal(torch.tensor([1.05]), torch.tensor([1.0]), "here", tolerance=0.1)
    must_equal(1.05, 1.0, "here", tolerance=0.1)
    for got, want in ((torch.tensor([1.3]), torch.tensor([1.0])), (1.3, 1.0)):
        with pytest.raises(Wrong):
            must_equal(got, want, "here", tolerance=0.1)


# Numbers in the prose


@pytest.mark.parametrize("value", [0.9, 0.925, 0.95, np.float64(0.93), torch.tensor(0.93)])
def test_a_number_that_holds(value):
    expect(value, 0.9, 0.95, "accuracy is above 90 %")


@pytest.mark.parametrize("value", [0.8999, 0.9501, math.nan, math.inf, -math.inf, torch.tensor(0.2)])
def test_a_number_that_no_longer_holds(value):
    with pytest.raises(AssertionError, match=rf"accuracy is high: expected 0\.9 to 0\.95, measured {value:g}"):
        expect(value, 0.9, 0.95, "accuracy is high")
