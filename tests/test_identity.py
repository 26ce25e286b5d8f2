"""A mask knows whose it is: what does not belong together is refused, and what belongs together is found."""

import copy
import functools
import json
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

import supsup_lite as sl
from supsup_lite import baselines, evaluation
from supsup_lite.evaluation import answers, given_masks, infer_masks
from supsup_lite.explorers import stored
from supsup_lite.files import blocks_content
from supsup_lite.hopfield import hopfield_store, measure_limits
from supsup_lite.inference.methods import halvings
from supsup_lite.masks import check_fits, chosen_weights, encode
from supsup_lite.networks import MLP, bn_mlp

QUICK = sl.Recipe(30, 64, "adam", 1e-3, True)
IDENTITY = sl.TaskIdentity("permuted", "mnist", 0, 3, ("a", "b"))


@pytest.fixture(scope="module")
def learned():
    net, tasks = sl.lenet_300_100(outputs=20, device="cpu"), sl.permuted_mnist(5, device="cpu")
    return net, sl.learn_masks(net, tasks, recipe=QUICK, progress=False), tasks


def tiny(seed=0):
    return MLP("tiny", (784, 6, 12), seed, "cpu")


def random_store(net, identities):
    store = sl.MaskStore(net)
    for i, identity in enumerate(identities):
        store.append(sl.random_mask(net, 0.5, 0, i), identity)
    return store


# What a task is


def test_a_task_is_the_same_in_whatever_company():
    few, many = sl.permuted_mnist(3, seed=5), sl.permuted_mnist(9, seed=np.int64(5))
    assert few.identities == many.identities[:3] == many[:3].identities
    assert many[7].identity == many.identities[7] == many[4:][3].identity == many[::-1][1].identity
    digits = tuple("0123456789")
    assert many[7].identity == sl.TaskIdentity("permuted", "mnist", 5, 7, digits)
    assert type(many[7].identity.seed) is int


def test_other_tasks_are_others():
    suites = [
        sl.permuted_mnist(3),
        sl.permuted_mnist(3, seed=1),
        sl.rotated_mnist(3),
        sl.split_mnist(),
        sl.split_mnist(seed=0),
        sl.split_fashion_mnist(),
        sl.split_rotated(),
        sl.split_rotated(seed=1),
        sl.split_rotated(seed=None),
        sl.permuted_mnist(3, dataset="fashion_mnist"),
        sl.rotated_mnist(3, dataset="fashion_mnist"),
    ]
    identities = [identity for suite in suites for identity in suite.identities]
    assert len(set(identities)) == len(identities) == 90
    assert sl.rotated_mnist(3, seed=4).identities == sl.rotated_mnist(3).identities, "nothing is drawn"


def test_an_identity_reads_as_a_line():
    assert str(sl.split_mnist()[1].identity) == "task 1 of split mnist, classes 2, 3"
    wanted = "task 2 of permuted mnist, seed 7, classes 0, ... (10 in all), 9"
    assert str(sl.permuted_mnist(3, seed=7)[2].identity) == wanted


@pytest.mark.parametrize(
    "change",
    [
        {"seed": -1},
        {"seed": "0"},
        {"number": 1.5},
        {"number": -1},
        {"classes": ["0"]},
        {"classes": (1, 2)},
        {"kind": 3},
    ],
)
def test_an_identity_that_makes_no_sense_is_refused(change):
    with pytest.raises((TypeError, ValueError)):
        replace(IDENTITY, **change)


# What a store keeps


def test_identities_go_where_their_masks_go(learned, tmp_path):
    net, masks, tasks = learned
    want = tasks.identities
    assert masks.identities == want
    assert masks[1:4].identities == want[1:4]
    assert masks[::-2].identities == want[::-2]
    assert masks.take(torch.tensor([4, 0, 4])).identities == (want[4], want[0], want[4])
    masks.save(tmp_path / "masks")
    assert sl.MaskStore.load(tmp_path / "masks", net).identities == want
    assert sl.MaskStore.load(tmp_path / "masks", net, only=[3, 1]).identities == (want[3], want[1])
    for same in (copy.copy(masks), copy.deepcopy(masks), pickle.loads(pickle.dumps(masks))):
        same.append(masks[0])
        assert same.identities == (*want, None)
    assert len(masks) == 5


def test_what_is_learned_is_noted_and_comes_back(learned, tmp_path):
    net, masks, _ = learned
    want = sl.Learned(num_classes=10, keep=None, recipe=QUICK, seed=0, transfer=False)
    masks[:2].save(tmp_path / "masks")
    for store in (masks, masks[2:], masks.take(torch.tensor([0])), sl.MaskStore.load(tmp_path / "masks", net)):
        assert store.learned == want
    for other in (want, None, sl.Learned(), replace(want, keep=0.03, transfer=True, seed=2**40)):
        store = sl.MaskStore(tiny(), learned=other)
        store.save(tmp_path / "masks")
        assert sl.MaskStore.load(tmp_path / "masks", tiny()).learned == other


def test_masks_added_by_hand_say_whose_they_are_or_not():
    net = tiny()
    store = random_store(net, [IDENTITY, None])
    store.extend(store.chunk(0, 2))
    store.extend(store.chunk(0, 2), [None, IDENTITY])
    assert store.identities == (IDENTITY, None, None, None, None, IDENTITY)
    for wrong, error in (([None], ValueError), ([None, 3], TypeError), ([IDENTITY] * 3, ValueError), (3, TypeError)):
        with pytest.raises(error, match="identit"):
            store.extend(store.chunk(0, 2), wrong)
    with pytest.raises(TypeError, match=r"task\.identity"):
        store.append(store[0], "task 3")
    assert len(store) == 6


def of_version_2(store, about):
    """The file that the second version of `save` wrote."""
    net = store.net
    widths = [store.packed(name).shape[1] for name in store.shapes]
    rows = torch.cat([store.packed(name) for name in store.shapes], dim=1).numpy()
    metadata = {
        "network": json.dumps({"name": net.name, "outputs": net.outputs, "seed": net.seed}),
        "fingerprint": net.fingerprint(),
        "about": json.dumps(about),
    }
    return blocks_content("supsup-lite masks", 2, [encode(row, widths) for row in rows], metadata)


def test_version_2_can_still_be_read(tmp_path):
    net, path = tiny(), tmp_path / "masks"
    store = random_store(net, [IDENTITY, None, None])
    recipe = {"steps": 30, "batch": 64, "optimizer": "adam", "lr": 1e-3, "one_cycle": True}
    about = {"keep": 0.5, "seed": 3, "recipe": recipe, "tasks": "some", "transfer": False, "num_classes": 10}
    for notes, learned in (
        (about, sl.Learned(10, 0.5, QUICK, 3)),
        ({"num_classes": 10}, sl.Learned(num_classes=10)),
        ({"note": 1}, None),
        ({"recipe": "my own", "num_classes": 10}, None),
    ):
        path.write_bytes(of_version_2(store, notes))
        loaded = sl.MaskStore.load(path, net)
        assert (loaded.learned, loaded.about, loaded.identities) == (learned, notes, (None, None, None))
        assert all(torch.equal(loaded.packed(name), store.packed(name)) for name in store.shapes)


def test_stored_masks_of_the_explorers_say_how_they_were_learned():
    for setting in stored.STORED:
        masks = stored.stored_masks(setting)
        assert (masks.learned.num_classes, masks.learned.keep, masks.learned.recipe) == (10, setting.keep, sl.DEFAULT)
        assert masks.identities == (None,) * 50


# Other networks


@pytest.fixture
def doors(learned):
    """Every public function that takes a network and its masks."""
    _, _, tasks = learned
    net, x = tiny(), tasks[0].test.batch(range(4))[0]
    masks = random_store(net, tasks[:2].identities)
    units = bn_mlp(units=8, device="cpu")
    on_units = random_store(units, tasks[:2].identities)
    half = torch.full((2,), 0.5)
    return {
        "infer_task": (net, lambda n: sl.infer_task(n, masks, x)),
        "superpose": (net, lambda n: sl.superpose(n, masks, half, x)),
        "alpha_gradient": (net, lambda n: sl.alpha_gradient(n, masks, x)),
        "halvings": (net, lambda n: list(halvings(n, masks, x))),
        "evaluate": (net, lambda n: sl.evaluate(n, masks, tasks[:2], "GG", images=5)),
        "evaluate NNs": (net, lambda n: sl.evaluate(n, masks, tasks[:2], "GNs", images=5, owners=[1, 0])),
        "infer_masks": (net, lambda n: list(infer_masks(n, masks, tasks[:2], images=5))),
        "answers": (net, lambda n: list(answers(n, masks, tasks[:2], given_masks(tasks[:2], 5), "given", images=5))),
        "learn_masks": (net, lambda n: sl.learn_masks(n, tasks[:2], masks=masks, progress=False)),
        "learn_coefficients": (
            net,
            lambda n: sl.learn_coefficients(n, masks, tasks[:1], recipe=replace(QUICK, steps=1)),
        ),
        "chosen_weights": (net, lambda n: chosen_weights(n, masks)),
        "measure_limits": (units, lambda n: measure_limits(n, hopfield_store(on_units), on_units, tasks[:2], 4)),
    }


DOORS = (
    "infer_task",
    "superpose",
    "alpha_gradient",
    "halvings",
    "evaluate",
    "evaluate NNs",
    "infer_masks",
    "answers",
    "learn_masks",
    "learn_coefficients",
    "chosen_weights",
    "measure_limits",
)


@pytest.mark.parametrize("door", DOORS)
def test_masks_of_another_network_are_refused_at_every_door(doors, door):
    net, call = doors[door]
    call(net)
    call(copy.deepcopy(net))  # another object, the same network
    other = bn_mlp(units=8, seed=1, device="cpu") if door == "measure_limits" else tiny(seed=1)
    with pytest.raises(ValueError, match=rf"masks belong to {net!r}, not to {other!r} \(seed 0, given 1\)"):
        call(other)
    changed = copy.deepcopy(net)
    with torch.no_grad():
        next(iter(changed.state_dict().values()))[0] *= -1
    with pytest.raises(ValueError, match=r"alike in name, outputs, seed, layers, but not in their weights"):
        call(changed)


@pytest.mark.parametrize("door", DOORS)
def test_whoever_changes_weights_after_learning_has_another_network(doors, door):
    net, call = doors[door]
    call(net)
    weight = next(iter(net.state_dict().values()))
    for factor, refused in ((-1, True), (-1, False)):  # and back
        with torch.no_grad():
            weight[0] *= factor
        if refused:
            with pytest.raises(ValueError, match=r"not in their weights|weights of .* were changed after"):
                call(net)
        else:
            call(net)


def test_masks_are_saved_as_those_of_the_network_they_were_made_for(tmp_path):
    net = tiny()
    store = random_store(net, [None, None])
    with torch.no_grad():
        net.fc1.weight[0] *= -1
    for i, part in enumerate((store, store[:1], copy.deepcopy(store), pickle.loads(pickle.dumps(store)))):
        part.save(tmp_path / f"{i}")
        assert len(sl.MaskStore.load(tmp_path / f"{i}", tiny())) == len(part)
        with pytest.raises(ValueError, match="not in their weights"):
            sl.MaskStore.load(tmp_path / f"{i}", net)


def test_a_file_says_that_weights_were_changed(tmp_path):
    net = tiny()
    random_store(net, [None]).save(tmp_path / "masks")
    changed = tiny()
    with torch.no_grad():
        changed.fc1.weight[0] *= -1
    with pytest.raises(ValueError, match=r"not in their weights: those of one of the two are not what its seed draws"):
        sl.MaskStore.load(tmp_path / "masks", changed)
    wider = MLP("tiny", (784, 7, 12), 0, "cpu")
    with pytest.raises(ValueError, match=re.escape("layers {'fc1.weight': [6, 784], 'fc2.weight': [12, 6]}, given")):
        sl.MaskStore.load(tmp_path / "masks", wider)


# Other tasks


@pytest.mark.parametrize("key", [slice(3, None), slice(None, None, -1), slice(1, 4, 2)])
def test_some_tasks_in_any_order_are_measured_with_their_own_masks(learned, key):
    net, masks, tasks = learned
    whole = {scenario: sl.evaluate(net, masks, tasks, scenario, images=300) for scenario in ("GG", "GNs", "GNu")}
    assert whole["GG"].accuracy > 0.6
    for scenario, want in whole.items():
        got = sl.evaluate(net, masks, tasks[key], scenario, images=300)
        assert torch.equal(got.per_task, want.per_task[torch.arange(5).numpy()[key].copy()])
        assert torch.equal(got.confusion, want.confusion[torch.arange(5).numpy()[key].copy()])
        assert got.confusion.shape == (len(tasks[key]), 5)
    shuffled = sl.evaluate(net, masks[::-1], tasks, "GG", images=300)
    assert torch.equal(shuffled.per_task, whole["GG"].per_task)


def test_positions_are_those_of_a_search(learned):
    net, masks, tasks = learned
    order = torch.tensor([2, 4, 0])
    assert check_fits(net, masks.take(order), tasks[::2]) == (2, 0, 1)
    assert check_fits(net, masks) == ()
    twice = masks.take(torch.tensor([3, 3, 1]))
    assert check_fits(net, twice, tasks[1:4:2]) == (2, 0)


def test_tasks_of_which_there_is_no_mask_are_refused(learned):
    net, masks, _ = learned
    other = sl.permuted_mnist(4, seed=7, device="cpu")
    both = (
        r"no mask of this store belongs to task 0 of permuted mnist, seed 7, .*: they belong elsewhere, mask 0 to "
        r"task 0 of permuted mnist, seed 0, .*; and so on, 5 masks in all"
    )
    for scenario in ("GG", "GNs", "GNu"):
        with pytest.raises(ValueError, match=both):
            sl.evaluate(net, masks, other, scenario)
    for wrong in (sl.rotated_mnist(2, device="cpu"), sl.permuted_mnist(6, device="cpu")[4:]):
        with pytest.raises(ValueError, match="no mask of this store belongs to"):
            sl.evaluate(net, masks, wrong, "GG")
    with pytest.raises(ValueError, match=r"there are 6 tasks but only 5 masks, none of them of task 5 of"):
        sl.evaluate(net, masks, sl.permuted_mnist(6, device="cpu"), "GG")
    with pytest.raises(ValueError, match="4 tasks but only 0 masks"):
        sl.evaluate(net, sl.MaskStore(net), other, "GG")


def test_masks_that_do_not_know_their_task_are_matched_by_position(learned):
    net, masks, tasks = learned
    unknown = sl.MaskStore(net)
    unknown.extend(masks.chunk(0, 5))
    assert torch.equal(
        sl.evaluate(net, unknown, tasks, "GNu", images=300).per_task,
        sl.evaluate(net, masks, tasks, "GNu", images=300).per_task,
    )
    assert check_fits(net, unknown, tasks[3:]) == (0, 1)
    mixed = masks[:1]
    mixed.extend(masks.chunk(1, 2))
    assert check_fits(net, mixed, tasks[:2]) == (0, 1)
    with pytest.raises(ValueError, match="mask 1 to a task that it does not know"):
        check_fits(net, mixed, tasks[1:2])


def test_owners_are_positions_among_the_tasks_given(learned):
    net, masks, tasks = learned
    how = {"infer_from": "each_image", "images": 60}
    for scenario in ("GNs", "GNu"):
        want = sl.evaluate(net, masks, tasks[3:], scenario, **how)
        got = sl.evaluate(net, masks, tasks[3:], scenario, **how, owners=[-1, -1, -1, 0, 1])
        assert torch.equal(got.per_task, want.per_task)
        assert (got.task_accuracy, got.accuracy) == (want.task_accuracy, want.accuracy)
    for wrong, error in ((3, TypeError), ([0, 0, 0, 0, 0.5], TypeError), ([0, 0, 0, 0, -2], ValueError)):
        with pytest.raises(error, match="owner"):
            sl.evaluate(net, masks, tasks, "GNs", owners=wrong)


def test_limits_do_not_depend_on_the_order_of_the_tasks(learned):
    tasks = learned[2][:3]
    net = bn_mlp(units=64, device="cpu")
    masks = random_store(net, tasks.identities)
    store = hopfield_store(masks)
    assert measure_limits(net, store, masks, tasks, 8) == measure_limits(net, store, masks, tasks[::-1], 8)
    with pytest.raises(ValueError, match="got 2 tasks of 3"):
        measure_limits(net, store, masks, tasks[:2], 8)
    with pytest.raises(TypeError, match="HopfieldStore"):
        measure_limits(net, masks, masks, tasks, 8)


# Going on


def test_learning_goes_on_with_masks_of_these_tasks_alone(learned):
    net, masks, tasks = learned
    how = {"recipe": QUICK, "progress": False}
    first = masks[:2]
    grown = sl.learn_masks(net, tasks[:3], masks=first, **how)
    assert grown.identities == tasks[:3].identities
    with pytest.raises(ValueError, match=r"task 0 of permuted mnist, seed 7.*seed 0"):
        sl.learn_masks(net, sl.permuted_mnist(4, seed=7, device="cpu"), masks=masks[:2], **how)
    with pytest.raises(ValueError, match=r"mask 0 of the store belongs to task 1 .*, but task 0 given is task 0"):
        sl.learn_masks(net, tasks, masks=masks[:2][::-1], **how)
    with pytest.raises(ValueError, match="no mask of this store belongs to task 1"):
        sl.learn_masks(net, tasks[1:], masks=masks[:1], **how)
    with pytest.raises(ValueError, match=r"learned with \{'transfer': True\}, now given \{'transfer': False\}"):
        sl.learn_masks(net, tasks, masks=sl.learn_masks(net, tasks[:1], transfer=True, **how), **how)


def test_g_takes_the_number_of_classes_from_how_masks_were_learned(learned):
    net, masks, tasks = learned
    x = tasks[0].test.batch(range(8))[0]
    want = sl.alpha_gradient(net, masks, x, "superfluous", num_classes=10)
    assert torch.equal(sl.alpha_gradient(net, masks, x, "superfluous"), want)
    noted = sl.MaskStore(net, {"num_classes": 3})  # notes are free: nothing goes by them
    noted.extend(masks.chunk(0, 5))
    with pytest.raises(ValueError, match="needs num_classes"):
        sl.alpha_gradient(net, noted, x, "superfluous")


@pytest.mark.parametrize(
    "wrong",
    [{"num_classes": 0}, {"keep": 30}, {"recipe": "paper"}, {"seed": -1}, {"transfer": 1}, {"num_classes": 1.5}],
)
def test_what_cannot_have_been_learned_is_refused(wrong):
    with pytest.raises((TypeError, ValueError)):
        sl.Learned(**wrong)


def test_masks_of_a_network_whose_weights_were_changed_are_refused(tmp_path):
    """Nobody may change a weight. Who does it all the same gets no silent wrong answers, and keeps the masks."""
    net, tasks = tiny(), sl.permuted_mnist(2, device="cpu")
    masks = sl.learn_masks(net, tasks, recipe=QUICK, progress=False)
    x, want = tasks[0].test.batch(range(4))[0], sl.evaluate(net, masks, tasks, "GG").per_task
    net.fc1.weight.mul_(-1)
    for store in (masks, masks[:1], masks.take(torch.tensor([0])), copy.copy(masks), pickle.loads(pickle.dumps(masks))):
        for call in (
            lambda store: sl.infer_task(net, store, x),
            lambda store: sl.superpose(net, store, torch.ones(len(store)), x),
            lambda store: sl.evaluate(net, store, tasks[: len(store)], "GG"),
            lambda store: sl.learn_masks(net, tasks, masks=store, recipe=QUICK, progress=False),
        ):
            with pytest.raises(ValueError, match=r"weights of .* were changed after"):
                call(store)
    masks.save(tmp_path / "masks")
    with pytest.raises(ValueError, match="build that network anew"):
        sl.MaskStore.load(tmp_path / "masks", net)
    same = sl.MaskStore.load(tmp_path / "masks", tiny())
    for store in (masks, same):  # they fit the network as it was
        assert torch.equal(sl.evaluate(tiny(), store, tasks, "GG").per_task, want)


def test_a_network_with_too_few_outputs_is_refused_wherever_labels_count(learned):
    tasks = learned[2]
    net = MLP("few", (784, 6, 4), 0, "cpu")
    masks = random_store(net, [None] * 5)
    for call in (
        lambda: sl.evaluate(net, masks, tasks, "GG", images=5),
        lambda: list(infer_masks(net, masks, tasks, images=5)),
        lambda: sl.learn_coefficients(net, masks, tasks[:1], recipe=replace(QUICK, steps=1)),
        lambda: sl.learn_masks(net, tasks, recipe=QUICK, progress=False),
    ):
        with pytest.raises(ValueError, match="fewer outputs than the tasks have classes"):
            call()


def test_a_second_mask_of_a_task_is_none_of_another(learned):
    net, masks, tasks = learned
    twice = masks.take(torch.tensor([3, 0, 1, 2, 4, 3]))  # the first wins where two are alike
    twice.replace(0, {name: torch.zeros_like(bits) for name, bits in masks[3].items()})  # which is never inferred
    how = {"infer_from": "each_image", "method": "exhaustive", "images": 60}
    want, got = (sl.evaluate(net, store, tasks, "GNu", **how) for store in (masks, twice))
    assert torch.equal(got.per_task, want.per_task)
    assert got.task_accuracy == want.task_accuracy > 0.6


def test_rivals_and_streams_notice_weights_that_change(learned):
    tasks, net = learned[2][:2], tiny()
    recipe = replace(QUICK, steps=2, one_cycle=False)
    kept = [
        baselines.masked(net, sl.learn_masks(net, tasks, recipe=recipe, progress=False), tasks, 2),
        baselines.train_batch_ensemble(net, tasks, 0, recipe),
        baselines.train_heads(net, tasks, 0, recipe),
        baselines.train_psp(net, tasks, 0, recipe),
    ]
    learner = sl.StreamLearner(net, 10, sl.RecordRule(), recipe, 2, 3, 0)
    x, y = tasks[0].train.batch(range(16))
    calls = [functools.partial(evaluation.measure, one, tasks, 5) for one in kept]
    calls += [lambda: baselines.infer_rank_one(kept[1], x), lambda: learner.feed(x, y)]
    for call in calls:
        call()
    with torch.no_grad():
        net.fc1.weight[0] *= -1
    for call in calls:
        with pytest.raises(ValueError, match="weights"):
            call()
