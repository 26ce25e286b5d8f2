"""Known or new? False alarms and misses of the rules of scenario NNs, for 2 to 100 masks, against eps.

LeNet 300-100 with s = 100. Masks of the first k tasks; batches of 128 of these tasks (known), and of tasks that come
later in the suite (new). A false alarm calls a known task new, a miss calls a new one known, and a mix-up takes the
mask of another known task. The rules:

* "paper": k max nu < 1 + eps is new, for a range of eps, over max(k, 5) candidates, untrained masks behind the k;
* "one_untrained": the same over k + 1 candidates, whatever k is;
* "pair": One-Shot proposes a mask; a second gradient, of that mask and an untrained one alone, must give it nu > 3/4;
* "record": One-Shot proposes, the right answers confirm (`RecordRule`, with no mask in use).

`python -m tests.benchmarks.unannounced` also writes data/results/unannounced_rules.json.
"""

import time
from dataclasses import asdict

import torch

import supsup_lite as sl
from supsup_lite.inference.objectives import objective_of
from supsup_lite.masks.superposition import mean_gradient
from supsup_lite.results.runs import result_of, save
from supsup_lite.unannounced.novelty import Look, Record, known_by_nu, nu

EPS = (0.02, 0.05, 0.1, 0.125, 0.2, 0.3, 0.5, 0.8, 1.2)
STRANGERS, BATCHES, BATCH, MOST_KNOWN = 16, 3, 128, 24
STEADY = sl.Recipe(100, BATCH, "adam", 1e-3)
SLOW = sl.Recipe(300, BATCH, "rmsprop", 1e-4)
SETTINGS = (
    ("permuted", STEADY, (2, 3, 5, 10, 20, 50, 100)),
    ("permuted", SLOW, (2, 3, 5, 10, 20, 50, 100)),
    ("rotated", STEADY, (2, 5, 10, 20)),
    ("split", STEADY, (2, 3, 4)),
)


def suite_of(kind: str, most: int) -> sl.TaskSuite:
    """Return a suite with strangers behind its first `most` tasks."""
    if kind == "permuted":
        return sl.permuted_mnist(most + STRANGERS)
    return sl.rotated_mnist(36) if kind == "rotated" else sl.split_mnist(5)


def batches_of(tasks: sl.TaskSuite, i: int, start: int, count: int):
    """Yield batches of training images that come late in the task's order, so that no mask has seen them."""
    size = len(tasks[i].train)
    for n in range(start, start + count):
        yield tasks[i].train.batch(range(size - BATCH * (n + 1), size - BATCH * n))


def record_of(net, mask, tasks, i: int) -> Record:
    """Return the record of a mask after ten batches of its task."""
    record = Record()
    for x, y in batches_of(tasks, i, BATCHES, 10):
        record.add(int((sl.apply_mask(net, mask, x).argmax(1) == y).sum()), len(y))
    return record


def gradient(net, store, x):
    """Return dH/dalpha at equal alphas, mean over the batch."""
    alphas = torch.full((len(store),), 1 / len(store), device=x.device)
    return mean_gradient(net, store, alphas, x, lambda logits: objective_of(logits, "entropy"))


def choices(net, masks, untrained, records, tasks, x, y) -> dict[str, int | None]:
    """Return for each rule the mask that it takes for a batch, or None for new; `untrained` are four masks."""
    chosen: dict[str, int | None] = {}
    for rule in ("paper", "one_untrained"):
        fill = sl.PaperRule(candidates=5 if rule == "paper" else None).untrained(len(masks))
        store = masks[:]
        for mask in untrained[:fill]:
            store.append(mask)
        slopes = gradient(net, store, x)
        chosen |= {f"{rule} {eps}": known_by_nu(slopes, eps, fill) for eps in EPS}
    proposed = int(slopes[: len(masks)].argmin())
    pair = sl.MaskStore(net)
    pair.append(masks[proposed])
    pair.append(untrained[0])
    chosen["pair"] = proposed if nu(gradient(net, pair, x))[0] > 0.75 else None
    look = Look(slopes, records, None, len(y), 1 / tasks.num_classes,
                lambda i: int((sl.apply_mask(net, masks[i], x).argmax(1) == y).sum()))  # fmt: skip
    chosen["record"] = sl.RecordRule().recognise(look)
    return chosen


def measure(kind: str, recipe: sl.Recipe, counts: tuple[int, ...]) -> list[dict]:
    """Return one row for each number of masks and each rule."""
    tasks, net = suite_of(kind, max(counts)), sl.lenet_300_100(outputs=100)
    known = sl.learn_masks(net, tasks[: max(counts)], recipe=recipe, progress=False)
    records = [record_of(net, mask, tasks, i) for i, mask in enumerate(known)]
    untrained = [sl.random_mask(net, 0.5, seed=0, task=10**6 + i) for i in range(4)]
    rows = []
    for k in counts:
        asked = sorted({int(i) for i in torch.linspace(0, k - 1, min(k, MOST_KNOWN)).round()})
        strangers = list(range(k, len(tasks)))[:STRANGERS]
        answers: dict[str, dict[str, list]] = {}
        for group, members in (("known", asked), ("new", strangers)):
            for i in members:
                for x, y in batches_of(tasks, i, 0, BATCHES):
                    for rule, mask in choices(net, known[:k], untrained, records[:k], tasks, x, y).items():
                        answers.setdefault(rule, {"known": [], "new": []})[group].append((i, mask))
        for rule, by_group in answers.items():
            name, _, eps = rule.partition(" ")
            old, new = by_group["known"], by_group["new"]
            rows.append({
                "suite": kind, "optimizer": recipe.optimizer, "k": k, "rule": name, "eps": float(eps) if eps else None,
                "false alarms": round(sum(mask is None for _, mask in old) / len(old), 4),
                "misses": round(sum(mask is not None for _, mask in new) / len(new), 4),
                "mix-ups": round(sum(mask is not None and mask != i for i, mask in old) / len(old), 4),
                "known": len(old), "new": len(new),
            })  # fmt: skip
    return rows


def run() -> list[dict]:
    """Return the rows of all settings."""
    return [row for kind, recipe, counts in SETTINGS for row in measure(kind, recipe, counts)]


def main() -> None:
    """Run all settings and store them where lesson 07 reads them."""
    began = time.perf_counter()
    rows = run()
    setting = {
        "network": "lenet_300_100",
        "outputs": 100,
        "seed": 0,
        "recipes": {recipe.optimizer: asdict(recipe) for recipe in (STEADY, SLOW)},
        "batches a task": BATCHES,
        "batch": BATCH,
    }
    n = sum(row["known"] + row["new"] for row in rows if row["rule"] == "record")
    result = result_of("unannounced-rules", setting, rows, n, time.perf_counter() - began, sl.device())
    print(f"written to {save(result, 'unannounced_rules.json').name}")


if __name__ == "__main__":
    main()
