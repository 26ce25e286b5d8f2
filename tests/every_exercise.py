"""What holds for the exercises of every lesson: written once, inherited by the test file of each lesson."""

import functools
from collections.abc import Callable, Mapping, Sequence

import torch

from supsup_lite.exercises import yours_or

LEAST_RIGHT, LEAST_WRONG = 3, 5


def in_place(reference: Callable, position: int = 0) -> Callable:
    """The right answer, at the price of a tensor that it was given."""

    @functools.wraps(reference)
    def attempt(*given):
        result = reference(*given)
        given[position].data.copy_(given[position].data.logical_not())
        return result

    return attempt


def in_float64(reference: Callable) -> Callable:
    """The right numbers, in another dtype."""
    return lambda *given: torch.as_tensor(reference(*given)).double()


def with_an_axis_more(reference: Callable) -> Callable:
    """The right numbers, in another shape."""
    return lambda *given: reference(*given)[None]


class EveryExercise:
    """Subclass it as TestEveryExercise, and say which checks there are, what each must accept and what reject."""

    CHECKS: Mapping[str, Callable]
    RIGHT: Mapping[str, Sequence[Callable]]  # in different styles, the reference not counted
    WRONG: Mapping[str, Sequence[Callable]]

    def pytest_generate_tests(self, metafunc):
        kinds = {"right": self.RIGHT, "wrong": self.WRONG}
        for kind in kinds.keys() & set(metafunc.fixturenames):
            cases = [(name, answer) for name, answers in kinds[kind].items() for answer in answers]
            ids = [f"{name}-{i}" for name, answers in kinds[kind].items() for i in range(len(answers))]
            metafunc.parametrize(("name", kind), cases, ids=ids)
            return
        metafunc.parametrize("name", self.CHECKS)

    def test_the_reference_is_right(self, name):
        verdict = self.CHECKS[name]()
        assert verdict.passed, verdict
        assert verdict.of_reference
        assert self.CHECKS[name].reference.__name__ == name

    def test_a_stub_is_not_done_yet(self, name):
        def stub(*given):
            raise NotImplementedError

        for attempt in (stub, lambda *given: ...):
            assert self.CHECKS[name](attempt).state == "not done yet"

    def test_a_forgotten_return_is_named(self, name):
        verdict = self.CHECKS[name](lambda *given: None)
        assert (verdict.state, verdict.message) == (
            "not right yet",
            f"{name} returned None: is `return` missing?",
        )

    def test_enough_answers_are_kept(self, name):
        assert len(self.RIGHT[name]) >= LEAST_RIGHT
        assert len(self.WRONG[name]) >= LEAST_WRONG

    def test_a_right_answer_is_accepted(self, name, right):
        verdict = self.CHECKS[name](right)
        assert verdict.passed, verdict
        assert not verdict.of_reference
        assert yours_or(self.CHECKS[name].reference) is right

    def test_a_wrong_answer_is_rejected(self, name, wrong):
        verdict = self.CHECKS[name](wrong)
        assert verdict.state == "not right yet", verdict
        assert verdict.message
        assert yours_or(self.CHECKS[name].reference) is self.CHECKS[name].reference

    def test_a_crash_is_reported(self, name):
        verdict = self.CHECKS[name](lambda *given: 1 / 0)
        assert f"{name} raised ZeroDivisionError: " in verdict.message

    def test_a_value_is_no_function(self, name):
        assert "give the function itself" in self.CHECKS[name](3).message
