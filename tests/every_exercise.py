"""What holds for the exercises of every lesson: written once, inherited by the test file of each lesson."""

from collections.abc import Callable, Mapping, Sequence


class EveryExercise:
    """Subclass it as TestEveryExercise, and say which checks there are and what each must reject."""

    CHECKS: Mapping[str, Callable]
    WRONG: Mapping[str, Sequence[Callable]]

    def pytest_generate_tests(self, metafunc):
        if "wrong" in metafunc.fixturenames:
            cases = [(name, wrong) for name, answers in self.WRONG.items() for wrong in answers]
            ids = [f"{name}-{i}" for name, answers in self.WRONG.items() for i in range(len(answers))]
            metafunc.parametrize(("name", "wrong"), cases, ids=ids)
        else:
            metafunc.parametrize("name", self.CHECKS)

    def test_the_reference_is_right(self, name):
        verdict = self.CHECKS[name]()
        assert verdict.passed, verdict
        assert self.CHECKS[name].reference.__name__ == name

    def test_a_stub_is_not_done_yet(self, name):
        def stub(*given):
            raise NotImplementedError

        for attempt in (stub, lambda *given: None, lambda *given: ...):
            assert self.CHECKS[name](attempt).state == "not done yet"

    def test_at_least_two_wrong_answers_are_kept(self, name):
        assert len(self.WRONG[name]) >= 2

    def test_a_wrong_answer_is_rejected(self, name, wrong):
        verdict = self.CHECKS[name](wrong)
        assert verdict.state == "not right yet", verdict

    def test_a_crash_is_reported(self, name):
        assert "ZeroDivisionError" in self.CHECKS[name](lambda *given: 1 / 0).message
