"""Bad input to what the rooms offer besides the public face: it works or is refused in a sentence of ours, too."""

import functools
import importlib
import inspect

import pytest
import torch

import supsup_lite as sl
from supsup_lite import baselines, data, evaluation, hopfield, inference, learning, masks, unannounced
from tests.test_bad_calls import QUICK, STEADY, Call, alike, shared, surroundings, trouble_with, values

# A function that was given speaks for itself: what it says of its arguments are its own words.
ITS_OWN = {"on_step": ("a type", "a module", "another network"), "objective": ("a function", "a type", "a module")}
ITS_OWN["objective"] += ("another network",)

# Pieces that one room hands to the next, which trust what they are given: they are called for each layer or step.
PIECES = {
    "baselines": {"draw_context", "in_context", "joined", "mixed", "replayed", "unit_vectors"},
    "masks": {
        *("under_mask", "binary_entropy", "decode", "encode", "pack_bits", "erdos_renyi"),
        *("forward_superposed", "forward_tasks", "masked_weight", "masks_of", "mean_gradient", "statistics_of"),
        "unpack_bits",
    },
    "learning": {"as_gradients_come", "make_optimizer", "task_losses", "task_statistics"},
    "data": {"cache_folder", "crop_and_flip", "data_folder", "download"},
}


@functools.cache
def calls() -> dict[str, Call]:
    """Every function of a room with arguments that work, quickly; each name is that of the function."""
    s = shared()
    net, tasks, store, x, y = s["net"], s["tasks"], s["masks"], s["x"], s["y"]
    two, core = tasks[:2], {"net": net, "masks": store, "x": x}
    once, rows = masks.initial_weights(net, 1), masks.initial_weights(net, 2)
    ensemble = baselines.train_batch_ensemble(net, two, 0, QUICK)
    units, memory, unit_masks = s["units"], s["patterns"], s["unit_masks"]
    z, split = torch.ones(units.num_weights), sl.split_mnist(2, device="cpu")
    chosen = list(evaluation.infer_masks(net, store, tasks, images=4))
    right = list(evaluation.answers(net, store, tasks, chosen, images=4))
    matrix = {"matrix": torch.tensor([[0.5, torch.nan], [0.4, 0.6]], dtype=torch.float64)}
    train = {"net": net, "tasks": two, "seed": 0, "recipe": QUICK, "on_step": None}
    measured = {"net": net, "tasks": two, "images": 4}
    inferred = {"infer_from": "one_image", "images": 4, "seed": 0}
    gradient = torch.ones(3)
    without_step = {name: value for name, value in train.items() if name != "on_step"}
    return {
        "entropies": Call(inference.entropies, core),
        "halvings": Call(
            lambda **k: list(inference.halvings(**k)), core | {"objective": "superfluous", "num_classes": 10}
        ),
        "objective_of": Call(
            inference.objective_of, {"logits": torch.ones(4, 12), "objective": "superfluous", "num_classes": 10}
        ),
        "votes_of": Call(inference.votes_of, core | {"objective": lambda logits: logits.sum(1), "together": False}),
        "measure_limits": Call(
            hopfield.measure_limits,
            {"net": units, "store": memory, "masks": unit_masks, "tasks": split, "batch": 8, "seed": 0},
        ),
        "entropy_at": Call(hopfield.entropy_at, {"net": units, "z": z, "x": s["unit_x"]}),
        "entropy_gradient": Call(hopfield.entropy_gradient, {"net": units, "z": z, "x": s["unit_x"]}),
        "mask_of": Call(hopfield.mask_of, {"net": units, "z": z}),
        "spins_of": Call(hopfield.spins_of, {"masks": unit_masks}),
        "to_spins": Call(hopfield.to_spins, {"bits": z > 0}),
        "to_bits": Call(hopfield.to_bits, {"spins": z}),
        "capacity_in_theory": Call(hopfield.capacity_in_theory, {"dim": 100, "rule": "hebb", "errors": False}),
        "measure": Call(evaluation.measure, {"kept": ensemble, "tasks": two, "images": 4}),
        "accuracy": Call(evaluation.accuracy, measured | {"weights": rows}),
        "accuracy_matrix": Call(evaluation.accuracy_matrix, measured | {"history": [once, once]}),
        "average_accuracy": Call(evaluation.average_accuracy, matrix),
        "forgetting": Call(evaluation.forgetting, matrix),
        "backward_transfer": Call(evaluation.backward_transfer, matrix),
        "mean_interval_95": Call(evaluation.mean_interval_95, {"values": [0.5, 2, 1]}),
        "interval_95": Call(evaluation.interval_95, {"shares": [0, 1, 1], "sizes": [1, 2, 3]}),
        "given_masks": Call(evaluation.given_masks, {"tasks": tasks, "images": 4, "positions": [0, 1, 2]}),
        "infer_masks": Call(
            lambda **k: list(evaluation.infer_masks(**k)),
            {"net": net, "masks": store, "tasks": tasks, "method": "one_shot", "objective": "entropy", **inferred},
        ),
        "answers": Call(
            lambda **k: list(evaluation.answers(**k)),
            {"net": net, "masks": store, "tasks": tasks, "chosen": chosen, **inferred},
        ),
        "score": Call(
            evaluation.score,
            {"scenario": "GNu", "chosen": chosen, "right": right, "num_masks": 3, "infer_from": "one_image",
             "owners": [0, 1, 2]},
        ),
        "train_dense": Call(baselines.train_dense, train),
        "train_weights": Call(baselines.train_weights, train | {"start": rows}),
        "train_separate": Call(baselines.train_separate, train),
        "train_pruned": Call(baselines.train_pruned, without_step | {"keep": 0.5, "recipe": STEADY}),
        "fine_tune": Call(baselines.fine_tune, train),
        "train_joint": Call(baselines.train_joint, train),
        "train_ewc": Call(baselines.train_ewc, train | {"strength": 1.0}),
        "train_replay": Call(baselines.train_replay, train | {"images": 4}),
        "train_heads": Call(baselines.train_heads, without_step),
        "train_psp": Call(baselines.train_psp, without_step),
        "train_batch_ensemble": Call(baselines.train_batch_ensemble, without_step),
        "train_shared_trunk": Call(baselines.train_shared_trunk, without_step),
        "first_task_trunk": Call(baselines.first_task_trunk, train),
        "infer_rank_one": Call(baselines.infer_rank_one, {"kept": ensemble, "x": x}),
        "rank_one_gradient": Call(baselines.rank_one_gradient, {"kept": ensemble, "x": x}),
        "fisher": Call(baselines.fisher, {"net": net, "weights": once, "x": x, "y": y}),
        "fisher_batch": Call(
            baselines.fisher_batch, {"net": net, "weights": once, "task": two[:1], "seed": 0, "images": 4}
        ),
        "ewc_penalty": Call(
            baselines.ewc_penalty, {"weights": once, "anchor": once, "importance": once, "strength": 1.0}
        ),
        "kept_images": Call(baselines.kept_images, {"task": two[:1], "images": 4, "seed": 0}),
        "masked": Call(baselines.masked, {"net": net, "masks": store, "tasks": tasks, "steps": 3}),
        "to_bytes": Call(baselines.to_bytes, {"weights": rows}),
        "initial_weights": Call(masks.initial_weights, {"net": net, "k": 2}),
        "chosen_weights": Call(masks.chosen_weights, {"net": net, "masks": store}),
        "check_fits": Call(masks.check_fits, {"net": net, "masks": store, "tasks": tasks}),
        "check_budget": Call(masks.check_budget, {"keep": 0.5}),
        "init_scores": Call(masks.init_scores, {"net": net, "tasks": [0, 1], "seed": 0}),
        "layer_budgets": Call(masks.layer_budgets, {"net": net, "keep": 0.5}),
        "learn_all_masks": Call(
            learning.learn_all_masks, train | {"keep": 0.5, "masks": None, "transfer": False}
        ),
        "learn_scores": Call(learning.learn_scores, without_step | {"keep": None}),
        "tasks_at_once": Call(learning.tasks_at_once, {"net": net, "recipe": QUICK}),
        "bytes_a_task": Call(learning.bytes_a_task, {"net": net, "recipe": QUICK}),
        "batch_order": Call(data.batch_order, {"tasks": two, "steps": 2, "batch": 4, "seed": 0}),
        "nu": Call(unannounced.nu, {"gradient": gradient}),
        "known_by_nu": Call(unannounced.known_by_nu, {"gradient": gradient, "eps": 0.1, "untrained": 1}),
        "TaskIdentity": Call(
            sl.TaskIdentity, {"kind": "a", "dataset": "b", "seed": 0, "number": 0, "classes": ("0", "1")}
        ),
        "since": Call(lambda start: list(s["stream"].since(start)), {"start": 0}),
    }  # fmt: skip


ROOMS = ("baselines", "evaluation", "inference", "learning", "masks", "data", "unannounced", "hopfield")
NAMES = [
    *("entropies", "halvings", "objective_of", "votes_of", "measure_limits", "entropy_at", "entropy_gradient"),
    *("mask_of", "spins_of", "to_spins", "to_bits", "capacity_in_theory", "measure", "accuracy", "accuracy_matrix"),
    *("average_accuracy", "forgetting", "backward_transfer", "mean_interval_95", "interval_95", "given_masks"),
    *("infer_masks", "answers", "score"),
    *("train_dense", "train_weights", "train_separate", "train_pruned", "fine_tune", "train_joint"),
    *("train_ewc", "train_replay", "train_heads", "train_psp", "train_batch_ensemble", "train_shared_trunk"),
    *("first_task_trunk", "infer_rank_one", "rank_one_gradient", "fisher", "fisher_batch", "ewc_penalty"),
    *("kept_images", "masked", "to_bytes", "initial_weights", "chosen_weights", "check_fits", "check_budget"),
    *("init_scores", "layer_budgets", "learn_all_masks", "learn_scores", "tasks_at_once", "bytes_a_task"),
    *("batch_order", "nu", "known_by_nu", "TaskIdentity", "since"),
]


@pytest.mark.parametrize("room", ROOMS)
def test_every_function_of_a_room_is_called(room):
    offered = importlib.import_module(f"supsup_lite.{room}")
    functions = {name for name in offered.__all__ if inspect.isfunction(inspect.unwrap(getattr(offered, name)))}
    assert functions - {*sl.__all__} <= {*NAMES} | PIECES.get(room, set())
    assert PIECES.get(room, set()) <= functions


@pytest.mark.parametrize("name", NAMES)
def test_bad_input_works_or_is_refused_in_a_sentence_of_ours(name):
    assert list(calls()) == NAMES
    call, before = calls()[name], surroundings()
    call.function(**call.arguments)
    troubles = []
    for argument in call.arguments:
        for kind, value in values().items():
            trouble = None if kind in ITS_OWN.get(argument, ()) else trouble_with(call, name, argument, value)
            if trouble:
                troubles.append(f"{name}({argument}={kind}): {trouble}")
    assert not troubles, "\n".join(troubles)
    assert alike(surroundings(), before)
