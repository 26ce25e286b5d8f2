"""The machinery of the exercises: what a check says to right, wrong, unfinished, crashing and endless functions."""

import functools
import math
import re
import sys
import threading
import time

import numpy as np
import pytest
import torch

from supsup_lite.exercises import (
    NOT_DONE,
    RIGHT,
    WRONG,
    Attempt,
    NotDone,
    Verdict,
    Wrong,
    check_for,
    expect,
    must_equal,
    yours_or,
)
from supsup_lite.exercises.deadline import TimeUp, deadline
from supsup_lite.networks.mlp import MLP


def double(x):
    return 2 * x


@check_for(double, praise="You doubled it.")
def check_double(attempt):
    x = torch.tensor([1.0, -2.0])
    must_equal(attempt(x), torch.tensor([2.0, -4.0]), f"x = {x.tolist()}")


# Verdicts


def test_the_reference_is_right():
    verdict = check_double()
    assert verdict == Verdict(RIGHT, "You doubled it.", of_reference=True)
    assert verdict.passed
    assert check_double.reference is double
    assert check_double.__name__ == "check_double"


def test_another_way_is_right_too():
    assert check_double(lambda x: x + x) == Verdict(RIGHT, "You doubled it.")


def test_a_wrong_attempt_sees_the_counter_example():
    verdict = check_double(lambda x: x * x)
    assert verdict.state == WRONG
    assert not verdict.passed
    assert verdict.message == "x = [1.0, -2.0]: expected\ntensor([ 2., -4.])\ngot\ntensor([1., 4.])"


def stub(x):
    raise NotImplementedError


def stub_with_words(x):
    raise NotImplementedError("your turn")


def half_done(x):
    x = x + x
    raise NotImplementedError


@pytest.mark.parametrize("attempt", [stub, stub_with_words, half_done, lambda x: ...])
def test_a_stub_is_not_done(attempt):
    verdict = check_double(attempt)
    assert verdict.state == NOT_DONE
    assert not verdict.passed
    assert "replace the line `raise NotImplementedError`" in verdict.message


def test_a_forgotten_return_is_named():
    def forgets(x):
        2 * x

    assert check_double(forgets) == Verdict(WRONG, "forgets returned None: is `return` missing?")


def crash(x):
    return x / [0]


def crashes_in_a_helper(x):
    return crash(x)


def crashes_in_torch(x):
    return torch.nn.functional.cross_entropy(x, "target")


def too_few():
    return 1


def stop_asserting(x):
    raise AssertionError("my own")


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (crash, r"crash raised TypeError: unsupported operand.*\nin line \d+: `return x / \[0\]`\nIt was given x = "),
        (crashes_in_a_helper, r"in line \d+: `return x / \[0\]`"),
        (crashes_in_torch, r'in line \d+: `return torch.nn.functional.cross_entropy\(x, "target"\)`'),
        (too_few, "too_few raised TypeError: too_few\\(\\) takes 0 positional arguments.*\nIt was given x = "),
        (lambda x: unknown, "^double raised NameError: name 'unknown' is not defined"),  # noqa: F821
        (lambda x: x @ torch.ones(3), r"(?s)^double raised RuntimeError: .*x = \[1.0, -2.0\] \(float32 \[2\]\)\.$"),
        (lambda x: (x > 0).abs(), "^double raised NotImplementedError: .*not implemented for 'Bool'"),
        (stop_asserting, "stop_asserting raised AssertionError: my own"),
        (functools.partial(crash), "^double raised TypeError"),
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
    assert verdict.message.endswith("`check_double(double)`")


def test_how_a_verdict_looks():
    assert repr(Verdict(RIGHT, "good")) == "✓ right: good"
    assert repr(Verdict(WRONG, "bad")) == "✗ not right yet: bad"
    assert repr(Verdict(NOT_DONE, "later")) == "… not done yet: later"
    assert repr(Verdict(RIGHT, "good", of_reference=True)) == "▸ reference solution: good"
    assert repr(Verdict(WRONG, "bad", of_reference=True)) == "✗ reference solution not right yet: bad"


def test_a_reference_does_not_look_like_a_success():
    theirs, reference = Verdict(RIGHT, "good")._repr_html_(), Verdict(RIGHT, "good", of_reference=True)._repr_html_()
    assert "Reference solution:" in reference
    assert "Right" not in reference
    assert "✓" not in reference
    assert re.search("solid (#\\w+)", theirs)[1] != re.search("solid (#\\w+)", reference)[1]


def test_code_in_a_box_is_code():
    shown = Verdict(WRONG, "`a < b` and `c`, but 3` stays")._repr_html_()
    assert "<code>a &lt; b</code> and <code>c</code>, but 3` stays" in shown


@pytest.mark.parametrize("state", [RIGHT, WRONG, NOT_DONE])
def test_a_verdict_in_a_notebook_is_escaped_and_said_to_screen_readers(state):
    shown = Verdict(state, "<script>alert(1)</script> & 'x' \"y\"\nsecond line")._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#x27;x&#x27; &quot;y&quot;\nsecond line" in shown
    assert 'role="status"' in shown
    assert state.capitalize() in shown  # words, not only a colour


# What goes on in a lesson


def test_a_lesson_goes_on_with_what_passed():
    assert yours_or(double) is double

    def mine(x):
        return x + x

    check_double(mine)
    assert yours_or(double) is mine
    check_double()  # the folded solution
    assert yours_or(double) is mine


@pytest.mark.parametrize("later", [stub, lambda x: x, lambda x: None, 3])
def test_the_latest_check_decides(later):
    check_double(lambda x: x + x)
    check_double(later)
    assert yours_or(double) is double


def test_only_references_can_be_replaced():
    with pytest.raises(ValueError, match=r"stub.* is not the reference of an exercise .*: .*double"):
        yours_or(stub)


# The deadline


@check_for(double, praise="You doubled it.", seconds=0.2)
def check_soon(attempt):
    must_equal(attempt(torch.ones(1)), 2 * torch.ones(1), "x = [1.0]")


def endless(x):
    while True:
        x = x + 1


def endless_and_stubborn(x):
    while True:
        try:
            x = x + 1
        except Exception:
            continue


@pytest.mark.parametrize("attempt", [endless, endless_and_stubborn])
def test_what_never_ends_is_stopped(attempt):
    verdict = check_soon(attempt)
    assert verdict.state == WRONG
    assert verdict.message == (
        f"{attempt.__name__} was stopped after 0.2 seconds. Is there a loop that never ends?\n"
        "It was given x = [1.0] (float32 [1])."
    )


def test_what_never_ends_is_stopped_in_any_thread():
    verdicts = []
    thread = threading.Thread(target=lambda: verdicts.append(check_soon(endless)))
    thread.start()
    thread.join(60)
    assert verdicts[0].message.startswith("endless was stopped")


def test_what_ends_in_time_is_never_stopped_later():
    assert check_soon(double).passed
    for moment in (0.0, 0.0001, 0.001, 0.002):  # about as long as the block takes: the deadline may fall on its end
        for _ in range(50):
            try:
                with deadline(moment):
                    time.sleep(moment)
            except TimeUp:
                pass
            sum(range(2000))  # a late exception would be raised here


def test_an_import_is_not_torn_apart(tmp_path, monkeypatch):
    """PyTorch imports some of itself when it is first needed; what is half imported stays half for the session."""
    (tmp_path / "slow_to_import.py").write_text("import time\nfor _ in range(50): time.sleep(0.01)\nwhole = True")
    monkeypatch.syspath_prepend(tmp_path)

    def attempt(x):
        import slow_to_import

        return 2 * x if slow_to_import.whole else x

    assert check_soon(attempt).passed
    assert sys.modules.pop("slow_to_import").whole


# Calling


def attempt_at(function):
    def value(x):
        raise NotImplementedError

    return Attempt(function, value)


def changes_tensor(x):
    return x.mul_(2)


def changes_in_dict(values):
    values["a"].zero_()
    return 1


def changes_dict(values):
    values["c"] = 3
    return 1


def changes_in_list(values):
    values[1].add_(1)
    return 1


def changes_list(values):
    values.sort()
    return 1


def changes_network(net):
    net.fc1.weight[0, 0] *= -1
    return 1


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (changes_tensor, torch.ones(2)),
        (changes_in_dict, {"a": torch.ones(2), "b": torch.zeros(2)}),
        (changes_dict, {"a": 0.5, "b": 0.25}),
        (changes_in_list, [torch.zeros(2), torch.zeros(2)]),
        (changes_list, [2, 1]),
        (changes_network, MLP("tiny", (3, 2, 2), 0, device="cpu")),
    ],
)
def test_a_changed_input_is_found(function, given):
    with pytest.raises(Wrong, match=f"{function.__name__} changed its input in place"):
        attempt_at(function)(given)


def test_nan_in_an_input_is_no_change():
    hollow = torch.tensor([1.0, math.nan])
    assert attempt_at(lambda x: x.nan_to_num().sum())(hollow) == 1
    with pytest.raises(Wrong, match="value changed its input in place"):
        attempt_at(lambda x: x.nan_to_num_(2.0).sum())(hollow)


def test_unchanged_inputs_pass_as_they_are():
    x, net = torch.ones(2, requires_grad=True), MLP("tiny", (3, 2, 2), 0, device="cpu")
    seen = attempt_at(lambda *given: given)(x, net, [1, "a"], {"keep": 0.5})
    assert seen[0] is x
    assert seen[1] is net
    assert seen[2:] == ([1, "a"], {"keep": 0.5})


def test_nothing_returned_is_named():
    with pytest.raises(Wrong, match=r"^value returned None: is `return` missing\?$"):
        attempt_at(lambda: None)()
    with pytest.raises(NotDone):
        attempt_at(lambda: ...)()


@pytest.mark.parametrize("result", [0, False, "", [], torch.zeros(0)])
def test_something_empty_is_something(result):
    assert attempt_at(lambda: result)() is result


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (torch.ones(1, 2), "x = [[1.0, 1.0]] (float32 [1, 2])"),
        (torch.zeros(300, 784, dtype=torch.bool), "x = a tensor (bool [300, 784])"),
        (0.5, "x = 0.5"),
        ({0.1: 0.9}, "x = {0.1: 0.9}"),
        (torch.relu, "x = a function"),
    ],
    ids=["small tensor", "large tensor", "number", "dict", "function"],
)
def test_an_error_shows_the_input(given, words):
    with pytest.raises(Wrong) as found:
        attempt_at(lambda x: 1 / 0)(given)
    assert str(found.value).endswith(f"\nIt was given {words}.")


def test_what_cannot_be_used_further_is_reported():
    @check_for(double, praise="")
    def check_slope(attempt):
        x = torch.ones(2, requires_grad=True)
        torch.autograd.grad(attempt(x).sum(), x)

    verdict = check_slope(lambda x: x.detach() * 2)
    assert verdict.state == WRONG
    assert verdict.message.startswith("what double returned cannot be used further: RuntimeError: element 0 of tensors")


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
        (torch.zeros(100), torch.ones(100), r"100 of 100 entries differ, the first at \[0\]: expected 1, got 0\."),
        (torch.eye(10), torch.eye(10).fliplr(), r"20 of 100 entries differ, the first at \[0, 0\]: expected 0, got 1"),
        (torch.ones(5, 10).bool(), torch.arange(50).view(5, 10) != 34, r"1 of 50 .* at \[3, 4\]: expected 0, got 1"),
        (torch.tensor([2.0, 1.00001]), torch.tensor([2.0, 1.00004]), r"1 of 2 .* at \[1\]: expected 1\.00004"),
        (torch.full((40,), math.nan), torch.ones(40), r"40 of 40 entries differ, .*: expected 1, got nan"),
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
