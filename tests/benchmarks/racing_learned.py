"""Does a race choose as One-Shot does where every one of 2500 masks is learned, by a short recipe?

In `racing.py` most of the 2500 masks are drawn, because the default recipe would take an hour. Here each is learned, in
`SHORT`: 50 small batches, some four minutes of one core for all, at the first run; they are kept in the cache. Such
masks are worse than the default's (the row says how often One-Shot is right), so this asks for agreement alone.
`python -m tests.benchmarks racing_learned` prints the row, `python -m tests.benchmarks.racing_learned` also writes
data/results/racing_learned.json.
"""

import time
from dataclasses import asdict

import torch

import supsup_lite as sl
from supsup_lite.experiments.shards import learn_resumably
from supsup_lite.results.runs import result_of, save
from tests.benchmarks.votes import asked

MASKS, IMAGES, BATCH = 2500, 5000, 128
SHORT = sl.Recipe(steps=50, batch=64, optimizer="adam", lr=3e-3, one_cycle=True)
WAYS = ("one_shot", "racing")


def run() -> list[dict]:
    """Return one row."""
    net, tasks = sl.lenet_300_100(outputs=100), sl.permuted_mnist(MASKS)
    masks, learning = learn_resumably("permuted-mnist", net, tasks, None, 0, SHORT)
    truth, x = asked(tasks, MASKS, IMAGES)
    row = {
        "masks": MASKS,
        "all learned by": f"{SHORT.steps} batches of {SHORT.batch}",
        "seconds a mask": learning / MASKS,
    }
    found = {}
    for way in WAYS:
        began = time.perf_counter()
        found[way] = torch.cat([sl.infer_task(net, masks, part, way) for part in x.split(BATCH)]).cpu()
        row[f"{way}, ms"] = 1e3 * (time.perf_counter() - began) / IMAGES
        row[f"{way} right"] = float((found[way] == truth).float().mean())
    row |= {"images": IMAGES, "same": float((found["one_shot"] == found["racing"]).float().mean())}
    return [row]


def main() -> None:
    began = time.perf_counter()
    rows = run()
    setting = {"network": "lenet_300_100", "outputs": 100, "suite": "permuted_mnist", **asdict(SHORT)}
    result = result_of("racing_learned", setting, rows, IMAGES, time.perf_counter() - began, sl.device())
    print(rows[0], f"\nwritten to {save(result, 'racing_learned.json').name}")


if __name__ == "__main__":
    main()
