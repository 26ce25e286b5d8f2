"""What loses the task, and what finds it again? Rates by layer, the number of outputs, and temperature in training.

20 permutations on LeNet 300-100, the task of 400 single images. Two questions of lesson 05, at more steps and seeds
than the lesson has time for:

* "rate": a hot recipe (Adam 2e-2 one-cycle, 100 x 128), as it is, with single layers at a tenth of the rate, and with
  more or fewer outputs;
* "temperature": the default recipe with s = 10 and the loss taken of p / T, by softmax or by one sigmoid an output,
  beside s-neurons. The temperature at inference is the best of seven, chosen on the same images: in favour of it.

`python -m tests.benchmarks.inference_sweep` also writes data/results/inference_sweep.json.
"""

import time

import torch
import torch.nn.functional as F
from torch import Tensor

import supsup_lite as sl
from supsup_lite.data.batches import batch_order
from supsup_lite.experiments.open_questions.temperature import sigmoid_entropy
from supsup_lite.inference.methods import entropies
from supsup_lite.inference.objectives import objective_of
from supsup_lite.masks.apply import forward_tasks
from supsup_lite.masks.edge_popup import init_scores, masked_weight, masks_of
from supsup_lite.results.runs import result_of, save

TASKS, IMAGES, TOGETHER = 20, 20, 4
TEMPERATURES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
HOT = sl.Recipe(100, 128, "adam", 2e-2, True)
COOLER = {"hot": (1, 1, 1), "first layer cooler": (0.1, 1, 1), "middle layer cooler": (1, 0.1, 1)}
COOLER |= {"last layer cooler": (1, 1, 0.1), "first and last cooler": (0.1, 1, 0.1), "all cooler": (0.1, 0.1, 0.1)}


def learn(net, tasks, recipe, seed, rates=(1, 1, 1), loss="softmax", temperature=1.0) -> sl.MaskStore:
    """Learn threshold masks as `learn_masks` does, with a rate for each layer and a loss of one's own."""
    store = sl.MaskStore(net, learned=sl.Learned(num_classes=tasks.num_classes))
    for start in range(0, len(tasks), TOGETHER):
        part = tasks[start : start + TOGETHER]
        scores = init_scores(net, part.numbers, seed)
        groups = [
            {"params": [s.requires_grad_()], "lr": recipe.lr * r} for s, r in zip(scores.values(), rates, strict=True)
        ]
        optimizer = torch.optim.Adam(groups)
        peaks = [group["lr"] for group in groups]
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peaks, total_steps=recipe.steps, cycle_momentum=False)
        order = batch_order(part, recipe.steps, recipe.batch, seed)
        for step in range(recipe.steps):
            x, y = part.train_view.batch(order[:, step])
            weights = {name: masked_weight(weight, scores[name], None) for name, weight in net.weights().items()}
            value = _loss(forward_tasks(net, weights, x).flatten(0, 1) / temperature, y.flatten(), loss)
            optimizer.zero_grad()
            (value / recipe.batch).backward()
            optimizer.step()
            schedule.step()
        store.extend({name: masks_of(values.detach(), None) for name, values in scores.items()})
    return store


def _loss(logits: Tensor, y: Tensor, kind: str) -> Tensor:
    if kind == "softmax":
        return F.cross_entropy(logits, y, reduction="sum")
    return F.binary_cross_entropy_with_logits(logits, F.one_hot(y, logits.shape[1]).to(logits), reduction="sum")


OBJECTIVES = {
    "softmax": lambda p: objective_of(p, "entropy"),
    "sigmoid": sigmoid_entropy,
}


def votes(net, masks, x, objective, temperature=1.0, rectified=False) -> Tensor:
    """Return -d objective(p / T) / d alpha for each image and mask [B, k], from masks unpacked as floats.

    Rectified: a mask's part in a hidden unit counts only where it is positive, as ReLU would have it.
    """
    weights = net.weights()
    bits = {name: torch.cat([part for _, part in masks.chunks(name)]) for name in weights}
    h, inputs, sums = x, [], []
    for position, (name, weight) in enumerate(weights.items()):
        inputs.append(h.detach())
        sums.append((h @ (weight * bits[name].float().mean(0)).T).requires_grad_())
        h = sums[-1].relu() if position < len(weights) - 1 else sums[-1]
    deltas = torch.autograd.grad(objective(h / temperature).sum(), sums)
    total = torch.zeros(len(x), len(masks))
    for position, (name, weight) in enumerate(weights.items()):
        for i in range(len(masks)):
            part = inputs[position] @ (weight * bits[name][i]).T  # of this mask in the sums [B, units]
            part = part.relu() if rectified and position < len(weights) - 1 else part
            total[:, i] -= (part * deltas[position]).sum(1)
    return total


def lift(net, masks, x, truth) -> tuple[float, float]:
    """Return the mean first-layer sum, at units active in the superposition, under the right and under other masks."""
    name, weight = next(iter(net.weights().items()))
    bits = torch.cat([part for _, part in masks.chunks(name)])
    active = x @ (weight * bits.float().mean(0)).T > 0
    sums = torch.stack([x @ (weight * bits[i]).T for i in range(len(masks))])[:, active]  # [k, active]
    true_task = truth[:, None].expand(active.shape)[active]
    right = sums.gather(0, true_task[None])[0]
    return float(right.mean()), float((sums.sum(0) - right).mean() / (len(masks) - 1))


def measure(net, masks, tasks) -> dict[str, float | str]:
    """Return the figures of one store of masks."""
    x = torch.cat([_images(task, i) for i, task in enumerate(tasks)])
    truth = torch.arange(len(tasks)).repeat_interleave(IMAGES)

    def found(values: Tensor) -> float:
        return round(float((values.argmax(1) == truth).float().mean()), 4)

    swept = {
        (kind, t): found(votes(net, masks, x, objective, t)) for kind, objective in OBJECTIVES.items()
        for t in TEMPERATURES
    }  # fmt: skip
    best = max(swept, key=swept.get)
    name = list(masks.shapes)[-1]
    share = torch.cat([part for _, part in masks.chunks(name)]).float().mean(0)
    right, wrong = lift(net, masks, x, truth)
    return {
        "accuracy": round(sl.evaluate(net, masks, tasks, "GG", images=1000).accuracy, 4),
        "one_shot": swept["softmax", 1.0],
        "best": swept[best],
        "best at": f"{best[0]}, T = {best[1]:g}",
        "rectified": found(votes(net, masks, x, OBJECTIVES["softmax"], rectified=True)),
        "exhaustive": found(-entropies(net, masks, x)),
        "last-layer agreement": round(float((2 * share - 1).abs().mean()), 3),
        "lift right": round(right, 3),
        "lift wrong": round(wrong, 3),
    }


def _images(task, i: int) -> Tensor:
    draw = torch.Generator().manual_seed(i)
    return task.test.batch(torch.randperm(len(task.test), generator=draw)[:IMAGES])[0]


def settings():
    """Yield (part, name, seed, outputs, recipe, further arguments of `learn`)."""
    for seed in (0, 1):
        for name, rates in COOLER.items():
            yield "rate", name, seed, 100, HOT, {"rates": rates}
    for outputs in (10, 25, 500):
        yield "rate", "hot", 0, outputs, HOT, {}
    for outputs in (10, 25, 100):
        yield "temperature", "softmax, T = 1", 0, outputs, sl.DEFAULT, {}
    for loss in ("softmax", "sigmoid"):
        for temperature in (0.3, 1.0, 3.0, 10.0):
            if (loss, temperature) != ("softmax", 1.0):
                options = {"loss": loss, "temperature": temperature}
                yield "temperature", f"{loss}, T = {temperature:g}", 0, 10, sl.DEFAULT, options


def run() -> list[dict]:
    """Return one row for each setting."""
    rows = []
    for part, name, seed, outputs, recipe, options in settings():
        tasks = sl.permuted_mnist(TASKS, seed=seed)
        net = sl.lenet_300_100(outputs=outputs, seed=seed)
        row = {"part": part, "training": name, "s": outputs, "seed": seed}
        rows.append(row | measure(net, learn(net, tasks, recipe, seed, **options), tasks))
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Run the sweep and store it where lesson 05 reads it."""
    began = time.perf_counter()
    rows = run()
    setting = {
        "network": "lenet_300_100",
        "tasks": f"{TASKS} of permuted MNIST",
        "rate": "Adam 2e-2 one-cycle, 100 steps of 128; cooler is a tenth",
        "temperature": "Adam 1e-3 one-cycle, 300 steps of 128",
        "temperatures at inference": TEMPERATURES,
    }
    n = TASKS * IMAGES
    result = result_of("inference-sweep", setting, rows, n, time.perf_counter() - began, sl.device())
    print(f"written to {save(result, 'inference_sweep.json').name}")


if __name__ == "__main__":
    main()
