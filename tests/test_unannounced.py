"""NNs: streams, rules and the learner, against `learn_masks` to the bit, with returns, noise, and a kill in between."""

import io
import math
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import supsup_lite as sl
from supsup_lite.data.batches import batch_order
from supsup_lite.data.streams import NOISE, SET_ASIDE
from supsup_lite.learning.coefficients import learn_coefficients
from supsup_lite.masks.edge_popup import init_scores
from supsup_lite.networks.mlp import MLP
from supsup_lite.recipes import STEADY
from supsup_lite.unannounced.learner import StreamLearner
from supsup_lite.unannounced.novelty import Look, Record, known_by_nu, nu
from tests.interrupting import Interrupt

FAST = sl.Recipe(30, 64, "adam", 2e-3)


@pytest.fixture(scope="module")
def tasks():
    return sl.permuted_mnist(4, seed=0, device="cpu")


@pytest.fixture(scope="module")
def net():
    return sl.lenet_300_100(outputs=50, seed=0, device="cpu")


def learned(net, stream, rule=None, **how):
    return sl.learn_unannounced(net, stream, rule, recipe=FAST, progress=False, **how)


# --- streams ---------------------------------------------------------------------------------------------------------


def test_a_stream_gives_each_task_the_batches_of_learn_masks(tasks):
    stream = sl.stream_of(tasks, [(1, 2), (0, 1), (1, 3)], batch=8, seed=3)
    order = batch_order(tasks, 5, 8, seed=3)
    seen = {0: 0, 1: 0}
    assert stream.truth.tolist() == [1, 1, 0, 1, 1, 1]
    for task, (x, y) in zip(stream.truth.tolist(), stream, strict=True):
        want_x, want_y = tasks[task].train.batch(order[task, seen[task]])
        seen[task] += 1
        assert torch.equal(x, want_x)
        assert torch.equal(y, want_y)


@pytest.mark.parametrize("start", [0, 2, 5, 6])
def test_a_stream_goes_on_where_it_was(tasks, start):
    stream = sl.stream_of(tasks, [(0, 2), (NOISE, 2), (1, 1), (0, 1)], batch=4)
    whole, rest = list(stream), list(stream.since(start))
    assert len(whole) == len(stream) == 6
    assert len(rest) == 6 - start
    for one, other in zip(whole[start:], rest, strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])


def test_noise_is_fresh_and_looks_like_pixels(tasks):
    (one, labels), (other, _) = sl.stream_of(tasks, [(NOISE, 2)], batch=64)
    assert not torch.equal(one, other)
    assert one.shape == (64, 784)
    lowest, highest = -0.1307 / 0.3081, (1 - 0.1307) / 0.3081
    assert lowest - 1e-4 <= float(one.min()) < 0 < float(one.max()) <= highest + 1e-4
    assert set(labels.tolist()) <= set(range(10))
    assert len(set(labels.tolist())) > 5


def slow_assignment(truth, used, k):
    """Purity and owners, one batch after the other."""
    owners = []
    for mask in range(max(used) + 1):
        counts = [sum(t == task and u == mask for t, u in zip(truth, used, strict=True)) for task in range(k)]
        owners.append(counts.index(max(counts)))
    counted = [(t, u) for t, u in zip(truth, used, strict=True) if t >= 0 and u >= 0]
    return sum(owners[u] == t for t, u in counted) / len(counted), tuple(owners)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_assignment_equals_the_slow_count(tasks, data):
    plan = data.draw(st.lists(st.tuples(st.integers(-1, 3), st.integers(1, 4)), min_size=1, max_size=8))
    stream = sl.stream_of(tasks, plan)
    used = data.draw(st.lists(st.integers(-1, 3), min_size=len(stream), max_size=len(stream)))
    truth = stream.truth.tolist()
    if not any(t >= 0 and u >= 0 for t, u in zip(truth, used, strict=True)):
        return
    found = sl.assignment(stream, used)
    purity, owners = slow_assignment(truth, used, 4)
    assert found.purity == pytest.approx(purity)
    assert found.owners == owners
    assert 0 <= found.recognised <= found.returns
    aside = sum(t >= 0 > u for t, u in zip(truth, used, strict=True)) / sum(t >= 0 for t in truth)
    assert found.set_aside == pytest.approx(aside, abs=1e-6)


def test_returns_are_counted_by_hand(tasks):
    stream = sl.stream_of(tasks, [(0, 2), (1, 2), (0, 2), (1, 2), (1, 1), (0, 1)])
    assert sl.assignment(stream, [0, 0, 1, 1, 0, 0, 1, 1, 1, 0]).returns == 3  # (1, 1) goes on, it does not return
    assert sl.assignment(stream, [0, 0, 1, 1, 0, 0, 2, 2, 1, 0]).recognised == 2
    one_for_all = sl.assignment(stream, [0] * 10)  # five batches of each task: the mask is task 0's, the first
    assert (one_for_all.owners, one_for_all.returns, one_for_all.recognised) == ((0,), 3, 2)


# --- rules -----------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    gradient=st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=8),
    eps=st.floats(0.001, 2),
)
def test_the_papers_rule_is_its_formula(gradient, eps):
    weights = [math.exp(-g) for g in gradient]
    best = weights.index(max(weights))
    top = len(gradient) * weights[best] / sum(weights)
    if abs(top - (1 + eps)) < 1e-6:
        return
    for untrained in range(len(gradient) + 1):
        want = None if top < 1 + eps or best >= len(gradient) - untrained else best
        assert known_by_nu(torch.tensor(gradient), eps, untrained) == want
    assert float(nu(torch.tensor(gradient)).sum()) == pytest.approx(1)


@settings(max_examples=60, deadline=None)
@given(seen=st.integers(0, 30), images=st.integers(1, 20), data=st.data())
def test_evidence_is_exact_arithmetic(seen, images, data):
    """The beta-binomial for whole counts, as a fraction: the oracle multiplies Polya's urn, one answer at a time."""
    hits = data.draw(st.integers(0, seen))
    right = data.draw(st.integers(0, images))
    urn, a, b = Fraction(1), 1 + hits, 1 + seen - hits
    for i in range(right):
        urn *= Fraction(a + i, a + b + i)
    for i in range(images - right):
        urn *= Fraction(b + i, a + b + right + i)
    want = math.log(urn / (Fraction(1, 10) ** right * Fraction(9, 10) ** (images - right)))
    if Fraction(right, images) >= Fraction(a, a + b):
        want = max(0.0, want)
    assert Record(hits, seen).evidence(right, images, 0.1) == pytest.approx(want, abs=1e-9)


def test_a_record_fades():
    record = Record()
    for _ in range(200):
        record.add(100, 128)
    assert record.seen == pytest.approx(1280, rel=1e-3)
    for _ in range(40):
        record.add(0, 128)
    assert record.right / record.seen < 0.02


def look(gradient, records, active, right):
    return Look(torch.tensor(gradient), records, active, 128, 0.1, lambda i: right[i])


def test_the_record_rule_proposes_confirms_and_refuses():
    good, rule = Record(1150, 1280), sl.RecordRule()
    assert rule.recognise(look([0.0], [], None, {})) is None  # k = 0
    assert rule.recognise(look([-1.0, 0.0], [good], None, {0: 115})) == 0  # k = 1
    assert rule.recognise(look([-1.0, 0.0], [good], None, {0: 14})) is None
    assert rule.recognise(look([0.0, -1.0, 0.5], [good, good], 0, {0: 12, 1: 116})) == 1
    assert rule.recognise(look([0.0, -1.0, 0.5], [good, good], 0, {0: 116, 1: 116})) == 0  # of a tie the mask in use
    assert rule.recognise(look([0.0, -1.0, 0.5], [good, good], 0, {0: 12, 1: 13})) is None
    fresh = Record()
    assert rule.recognise(look([0.0, -1.0, 0.5], [good, fresh], 1, {0: 12, 1: 5})) == 1  # the benefit of the doubt


@pytest.mark.parametrize(
    ("rule", "counts"),
    [
        (sl.PaperRule(), [5, 4, 3, 2, 1, 0, 0]),
        (sl.PaperRule(candidates=2), [2, 1, 0, 0, 0, 0, 0]),
        (sl.PaperRule(candidates=None), [1] * 7),
        (sl.RecordRule(), [1] * 7),
    ],
)
def test_untrained_masks_fill_the_candidates_up(rule, counts):
    assert [rule.untrained(k) for k in range(7)] == counts


# --- the learner -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [sl.RecordRule(), sl.PaperRule(eps=0.4)], ids=["record", "paper"])
def test_tasks_told_apart_get_the_masks_of_learn_masks(net, tasks, rule):
    stream = sl.stream_of(tasks[:3], [(i, 40) for i in range(3)], batch=64, seed=5)
    recipe = sl.Recipe(40, 64, "adam", 2e-3)
    learner = sl.learn_unannounced(net, stream, rule, recipe=recipe, every=20, seed=5, progress=False)
    masks = sl.learn_masks(net, tasks[:3], recipe=recipe, seed=5, at_once=1, progress=False)
    assert len(learner.masks) == 3
    assert learner.used == stream.truth.tolist()
    for name in masks.shapes:
        assert torch.equal(learner.masks.packed(name), masks.packed(name))


def test_returns_changes_anywhere_and_noise(net, tasks):
    plan = [(0, 37), (1, 41), (NOISE, 1), (1, 15), (0, 23), (2, 33), (NOISE, 2), (2, 11), (1, 19)]
    stream = sl.stream_of(tasks, plan, batch=128)
    learner = learned(net, stream, every=20)
    found = sl.assignment(stream, learner.used)
    assert len(learner.masks) == 3
    assert found.purity == 1
    assert (found.recognised, found.returns) == (4, 4)  # after noise, too
    noise = [mask for task, mask in zip(stream.truth.tolist(), learner.used, strict=True) if task == NOISE]
    assert noise == [SET_ASIDE] * 3


def test_a_mask_for_noise_is_given_back(net, tasks):
    stream = sl.stream_of(tasks, [(0, 40), (NOISE, 12), (0, 10), (1, 40)], batch=128)
    learner = learned(net, stream, every=20)
    assert [d.mask for d in learner.decisions if d.new] == [0, 1, 1]
    assert len(learner.masks) == 2
    assert learner.used[40:52] == [SET_ASIDE] * 12
    alone = learned(net, sl.stream_of(tasks, [(0, 40), (1, 40)], batch=128), every=20)
    for name in alone.masks.shapes:  # and the next task gets the mask it would have had
        assert torch.equal(alone.masks.packed(name)[1], learner.masks.packed(name)[1])


def test_noise_first_and_nothing_else(net, tasks):
    learner = learned(net, sl.stream_of(tasks, [(NOISE, 2)], batch=64))
    assert len(learner.masks) == 0
    assert learner.used == [SET_ASIDE] * 2


def test_a_spent_budget_spoils_no_mask(net, tasks):
    stream = sl.stream_of(tasks, [(0, 30), (1, 30)], batch=128)
    learner = learned(net, stream, budget=1)
    alone = learned(net, sl.stream_of(tasks, [(0, 30)], batch=128))
    assert len(learner.masks) == 1
    assert learner.used[30:] == [SET_ASIDE] * 30
    for name in alone.masks.shapes:
        assert torch.equal(alone.masks.packed(name), learner.masks.packed(name))


def test_other_masks_do_not_change_while_one_is_learned(net, tasks):
    whole = sl.stream_of(tasks, [(0, 30), (1, 60)], batch=128)
    learner = StreamLearner(net, 10, sl.RecordRule(), FAST, every=20, budget=9, seed=0)
    for x, y in list(whole)[:60]:
        learner.feed(x, y)
    before = [bits.clone() for bits in learner.masks[0].values()]
    for x, y in whole.since(60):
        learner.feed(x, y)
    assert all(torch.equal(one, other) for one, other in zip(before, learner.masks[0].values(), strict=True))


@pytest.mark.parametrize("cut", [1, 25, 48])
def test_a_learner_saved_and_restored_ends_the_same(net, tasks, tmp_path, cut):
    stream = sl.stream_of(tasks, [(0, 24), (1, 22), (0, 14)], batch=64)
    whole = learned(net, stream, every=10)
    first = StreamLearner(net, 10, sl.RecordRule(), FAST, every=10, budget=2500, seed=0)
    for x, y in list(stream)[:cut]:
        first.feed(x, y)
    torch.save(first.state(), tmp_path / "state")
    second = StreamLearner(net, 10, sl.RecordRule(), FAST, every=10, budget=2500, seed=0)
    second.restore(torch.load(tmp_path / "state", weights_only=True))
    for x, y in stream.since(cut):
        second.feed(x, y)
    assert second.used == whole.used
    for one, other in zip(second.decisions, whole.decisions, strict=True):
        assert (one.step, one.mask, one.new, one.due) == (other.step, other.mask, other.new, other.due)
        assert torch.equal(one.gradient, other.gradient)
    for name in whole.masks.shapes:
        assert torch.equal(second.masks.packed(name), whole.masks.packed(name))


def test_the_network_stays_as_it_is(net, tasks):
    before = net.fingerprint()
    learned(net, sl.stream_of(tasks, [(0, 8), (1, 8)], batch=32))
    assert net.fingerprint() == before


def test_evaluation_knows_the_owners_of_masks(net, tasks):
    masks = sl.learn_masks(net, tasks[:3], recipe=sl.Recipe(30, 64, "adam", 1e-3, True), progress=False)
    straight = sl.evaluate(net, masks, tasks[:3], "GNu", infer_from="each_image", images=60)
    turned = sl.evaluate(net, masks[::-1], tasks[:3], "GNu", infer_from="each_image", images=60, owners=[2, 1, 0])
    assert turned.accuracy == straight.accuracy
    assert turned.task_accuracy == straight.task_accuracy
    fewer = sl.evaluate(net, masks[:1], tasks[:3], "GNs", images=60, owners=[0])
    assert fewer.task_accuracy == pytest.approx(1 / 3)


def test_the_paper_counts_five_candidates_and_fills_up_with_the_masks_of_the_next_numbers(net, tasks):
    """Against the gradient of lesson 04, over a store that is put together here; at k = 0, 1, 5 and 6."""
    recipe = sl.Recipe(12, 64, "adam", 5e-3)
    learner = StreamLearner(net, 10, sl.PaperRule(eps=100), recipe, every=1, budget=9, seed=3)  # each batch a new mask
    for x, y in sl.stream_of(tasks, [(0, 7)], batch=16):
        store = learner.masks[:]
        k = len(store)
        for number in range(k, 5):
            store.append({name: scores[0] >= 0 for name, scores in init_scores(net, [number], 3).items()})
        expected = sl.alpha_gradient(net, store, x).mean(0)
        learner.feed(x, y)
        found = learner.decisions[-1].gradient
        assert len(found) == max(k, 5)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    assert len(learner.masks) == 7


def test_five_candidates_tell_one_mask_s_task_from_others_where_two_do_not(net, tasks):
    """At eps = 1/8 one mask and one untrained one take other permutations for the mask's own."""
    masks = {}
    for candidates in (None, 5):
        stream = sl.stream_of(tasks, [(i, 40) for i in range(4)], batch=128)
        learner = sl.learn_unannounced(
            sl.lenet_300_100(outputs=100, device="cpu"), stream, sl.PaperRule(candidates=candidates), every=20,
            progress=False,
        )  # fmt: skip
        masks[candidates] = len(learner.masks)
    assert masks[5] == 4
    assert masks[None] <= 4


# --- interruptions ----------------------------------------------------------------------------------------------------


class Scripted:
    """Says at each batch what it is told: the mask for it, None for a new one. At batch 24 the newest is doubted."""

    patience = 1
    answers: ClassVar = {0: None, 4: 0, 8: None, 12: 1, 16: 0, 20: None, 24: 0}

    def untrained(self, k):
        return 1

    def recognise(self, look):
        return self.answers[len(self.learner.used)]

    def doubts(self, evidence):
        return len(self.learner.used) == 24


def bits_of(learner) -> dict[str, torch.Tensor]:
    return {name: learner.masks.packed(name).clone() for name in learner.masks.shapes}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of a file that was just being read
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
@pytest.mark.parametrize("kind", ["first", "second", "plain", "allocated", "return", "given back"])
def test_a_batch_is_read_wholly_or_not_at_all_wherever_it_is_interrupted(tasks, optimizer, kind):
    net = MLP("small", (784, 12, 20), 0, "cpu")
    before, plan = net.fingerprint(), [(0, 8), (1, 8), (0, 4), (NOISE, 4), (0, 2)]
    at = {"first": 0, "second": 1, "plain": 6, "allocated": 8, "return": 16, "given back": 24}[kind]
    stream = sl.stream_of(tasks, plan, batch=32)
    batches = list(stream)

    def learner():
        made = StreamLearner(net, 10, Scripted(), sl.Recipe(9, 32, optimizer, 1e-2), every=4, budget=9, seed=0)
        made.rule.learner = made
        return made

    whole, start = learner(), max(0, at - 2)
    for x, y in batches[:start]:
        whole.feed(x, y)
    saved = whole.state()
    for x, y in batches[start:at]:
        whole.feed(x, y)
    for x, y in batches[at:]:
        whole.feed(x, y)
    again = learner()
    again.restore(saved)
    for x, y in batches[start:at]:
        again.feed(x, y)
    with Interrupt(None) as counted:
        again.feed(*batches[at])
    for n in sorted({round(1 + i * (counted.seen - 1) / 24) for i in range(25)}):
        interrupted = learner()
        interrupted.restore(saved)
        for x, y in batches[start:at]:
            interrupted.feed(x, y)
        with pytest.raises(KeyboardInterrupt), Interrupt(n):
            interrupted.feed(*batches[at])
        assert len(interrupted.used) == at
        for x, y in batches[at:]:
            interrupted.feed(x, y)
        assert interrupted.used == whole.used
        assert all(torch.equal(bits, bits_of(whole)[name]) for name, bits in bits_of(interrupted).items())
        for one, other in zip(interrupted.decisions, whole.decisions, strict=True):
            assert torch.equal(one.gradient, other.gradient)
    assert net.fingerprint() == before


def test_a_stream_that_is_interrupted_keeps_what_was_read_and_says_how_to_go_on(net, tasks, monkeypatch):
    stream = sl.stream_of(tasks, [(0, 12), (1, 12)], batch=64)
    whole, after = learned(net, stream, every=10), StreamLearner._after

    def interrupted(self, state, x, y):
        if len(state.used) == 15:
            raise KeyboardInterrupt
        return after(self, state, x, y)

    with monkeypatch.context() as patched:
        patched.setattr(StreamLearner, "_after", interrupted)
        with pytest.warns(UserWarning, match=r"Interrupted: 15 of 24 batches .* stream\.since\(15\)"):
            learner = learned(net, stream, every=10)
    assert len(learner.used) == 15
    for x, y in stream.since(15):
        learner.feed(x, y)
    assert learner.used == whole.used
    assert all(torch.equal(bits, bits_of(whole)[name]) for name, bits in bits_of(learner).items())


def test_a_state_does_not_change_when_its_learner_goes_on(net, tasks):
    stream = sl.stream_of(tasks, [(0, 6)], batch=32)
    learner = StreamLearner(net, 10, sl.RecordRule(), FAST, every=10, budget=9, seed=0)
    batches = list(stream)
    for x, y in batches[:4]:
        learner.feed(x, y)
    state = learner.state()
    copy = io.BytesIO()
    torch.save(state, copy)
    other = StreamLearner(net, 10, sl.RecordRule(), FAST, every=10, budget=9, seed=0)
    other.restore(state)
    for x, y in batches[4:]:
        learner.feed(x, y)
        other.feed(x, y)
    again = io.BytesIO()
    torch.save(state, again)
    assert copy.getvalue() == again.getvalue()


# --- coefficients ----------------------------------------------------------------------------------------------------


def test_coefficients_are_gradient_descent_by_autograd(net, tasks):
    """Two steps by the slow way: every mask unpacked, the loss through autograd, Adam as torch has it."""
    masks = sl.MaskStore(net)
    for i in range(3):
        masks.append(sl.random_mask(net, 0.5, seed=1, task=i))
    recipe = sl.Recipe(2, 16, "adam", 0.05)
    alphas = torch.full((3,), 1 / 3, requires_grad=True)
    optimizer = torch.optim.Adam([alphas], lr=0.05)
    for rows in batch_order(tasks[2:3], recipe.steps, recipe.batch, 4)[0]:
        x, y = tasks[2].train.batch(rows)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(sl.superpose(net, masks, alphas, x), y).backward()
        optimizer.step()
    ours = learn_coefficients(net, masks, tasks[2:3], seed=4, recipe=recipe)
    assert ours.shape == (1, 3)
    torch.testing.assert_close(ours[0], alphas.detach(), rtol=1e-4, atol=1e-5)


def test_coefficients_find_a_task_that_is_among_the_old_ones(net, tasks):
    masks = sl.learn_masks(net, tasks[:3], recipe=sl.Recipe(30, 64, "adam", 2e-3, True), progress=False)
    alphas = sl.learn_coefficients(net, masks, tasks[1:2], recipe=sl.Recipe(40, 64, "adam", 0.1, True))[0]
    assert int(alphas.argmax()) == 1
    x, y = tasks[1].test.batch(range(500))
    equal = (sl.superpose(net, masks, torch.full((3,), 1 / 3), x).argmax(1) == y).float().mean()
    assert (sl.superpose(net, masks, alphas, x).argmax(1) == y).float().mean() > equal + 0.2


# --- nonsense --------------------------------------------------------------------------------------------------------

NONSENSE = {
    "an empty plan": (lambda n, t: sl.stream_of(t, []), ValueError, "empty"),
    "a task too many": (lambda n, t: sl.stream_of(t, [(4, 1)]), ValueError, r"0\.\.3"),
    "no batches": (lambda n, t: sl.stream_of(t, [(0, 0)]), ValueError, "1 or more"),
    "no pairs": (lambda n, t: sl.stream_of(t, [0, 1]), TypeError, "pairs"),
    "one task": (lambda n, t: sl.stream_of(t[0], [(0, 1)]), TypeError, "suite"),
    "a list of batches": (lambda n, t: learned(n, [1, 2]), TypeError, "stream_of"),
    "no budget": (lambda n, t: learned(n, sl.stream_of(t, [(0, 1)]), budget=0), ValueError, "budget"),
    "no block": (lambda n, t: learned(n, sl.stream_of(t, [(0, 1)]), every=0), ValueError, "every"),
    "one cycle": (
        lambda n, t: sl.learn_unannounced(n, sl.stream_of(t, [(0, 1)]), recipe=sl.DEFAULT),
        ValueError,
        "nobody announces",
    ),
    "few outputs": (
        lambda n, t: StreamLearner(sl.lenet_300_100(5, device="cpu"), 10, sl.RecordRule(), STEADY, 100, 9, 0),
        ValueError,
        "num_classes",
    ),
    "used too short": (lambda n, t: sl.assignment(sl.stream_of(t, [(0, 2)]), [0]), ValueError, "2 batches"),
    "nothing learned": (lambda n, t: sl.assignment(sl.stream_of(t, [(0, 2)]), [-1, -1]), ValueError, "nothing"),
    "owners in GG": (
        lambda n, t: sl.evaluate(n, filled(n), t, "GG", owners=[0]),
        ValueError,
        "owners",
    ),
    "no rule": (lambda n, t: StreamLearner(n, 10, 5, STEADY, 100, 9, 0), TypeError, "RecordRule"),
    "a rule's class": (
        lambda n, t: StreamLearner(n, 10, sl.RecordRule, STEADY, 100, 9, 0),
        TypeError,
        "got RecordRule",
    ),
    "half a rule": (lambda n, t: learned(n, sl.stream_of(t, [(0, 1)]), HalfARule()), TypeError, "rule must be"),
    "eps None": (lambda n, t: sl.PaperRule(None), TypeError, "eps must be a number"),
    "eps nan": (lambda n, t: sl.PaperRule(math.nan), ValueError, "eps must be a positive"),
    "eps below 0": (lambda n, t: sl.PaperRule(-0.1), ValueError, "eps must be a positive"),
    "one candidate": (lambda n, t: sl.PaperRule(candidates=1), ValueError, "candidates must be 2 or more"),
    "half a candidate": (lambda n, t: sl.PaperRule(candidates=2.5), TypeError, "candidates must be a whole"),
    "no patience": (lambda n, t: sl.PaperRule(patience=0), ValueError, "patience"),
    "odds below 0": (lambda n, t: sl.RecordRule(odds=-1), ValueError, "odds must be a positive"),
    "odds against": (lambda n, t: sl.RecordRule(odds=0.5), ValueError, "odds must be 1 or more"),
    "odds nan": (lambda n, t: sl.RecordRule(odds=math.nan), ValueError, "odds"),
    "a record without patience": (lambda n, t: sl.RecordRule(patience=1.5), TypeError, "patience"),
    "no plan": (lambda n, t: sl.stream_of(t, None), TypeError, "pairs"),
    "a task of text": (lambda n, t: sl.stream_of(t, ["01"]), TypeError, "whole number"),
    "half a task": (lambda n, t: sl.stream_of(t, [(0.5, 1)]), TypeError, "whole number"),
    "a task below noise": (lambda n, t: sl.stream_of(t, [(-2, 1)]), ValueError, "-1 or more"),
    "more batches than memory": (lambda n, t: sl.stream_of(t, [(0, 10**12)]), MemoryError, "1000000000000 batches"),
    "no stream to judge": (lambda n, t: sl.assignment([0], [0]), TypeError, "stream_of"),
    "half a mask": (lambda n, t: sl.assignment(sl.stream_of(t, [(0, 1)]), [0.5]), TypeError, "whole number"),
    "a mask below nobody": (lambda n, t: sl.assignment(sl.stream_of(t, [(0, 1)]), [-2]), ValueError, "-1 or more"),
    "no old masks": (lambda n, t: sl.learn_coefficients(n, sl.MaskStore(n), t), ValueError, "empty"),
    "one task to combine for": (lambda n, t: sl.learn_coefficients(n, filled(n), t[0]), TypeError, "suite"),
}


class HalfARule:
    patience = 1

    def doubts(self, evidence):
        return False


def filled(net):
    masks = sl.MaskStore(net)
    masks.append(sl.random_mask(net, 0.5, seed=0))
    return masks


@pytest.mark.parametrize(("call", "error", "says"), NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_refused_in_words(net, tasks, call, error, says):
    with pytest.raises(error, match=says):
        call(net, tasks)


LABELS = {
    "a label too high": (lambda y: y.index_fill(0, torch.tensor([1]), 10), ValueError, r"0\.\.9, got .*\.\.10"),
    "a label below 0": (lambda y: y.index_fill(0, torch.tensor([1]), -100), ValueError, r"got -100\.\."),
    "too few": (lambda y: y[:-1], ValueError, "one label for each image"),
    "two for each": (lambda y: y[:, None].expand(-1, 2), ValueError, "one label for each image"),
    "short numbers": (lambda y: y.int(), TypeError, r"long tensor .* torch.int32"),
    "floats": (lambda y: y.float(), TypeError, "long tensor"),
    "a list": (lambda y: y.tolist(), TypeError, "got list"),
}


@pytest.mark.parametrize("given", LABELS)
def test_labels_that_make_no_sense_are_refused_and_nothing_is_read(net, tasks, given):
    change, error, says = LABELS[given]
    learner = StreamLearner(net, 10, sl.RecordRule(), FAST, 20, 9, 0)
    x, y = tasks[0].train.batch(range(8))
    with pytest.raises(error, match=says):
        learner.feed(x, change(y))
    with pytest.raises(TypeError, match="float32"):
        learner.feed(x.double(), y)
    with pytest.raises(ValueError, match="one or more"):
        learner.feed(x[:0], y[:0])
    assert learner.used == []


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int16])
def test_any_kind_of_whole_number_makes_a_stream(tasks, kind):
    plan = [(0, 2), (2, 1)]
    plain, other = sl.stream_of(tasks, plan, 8, 3), sl.stream_of(tasks, np.array(plan, kind), kind(8), kind(3))
    assert other.plan == plain.plan
    assert torch.equal(other.truth, plain.truth)
    for one, two in zip(plain, other, strict=True):
        assert torch.equal(one[0], two[0])
