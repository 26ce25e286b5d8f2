"""How many patterns a Hopfield store holds: random ones and learned masks, by rule and d. For lesson 06.

Patterns are stored one after the other. After every d / 32 of them all stored ones are tried. Three counts:

* "stand": the most patterns at which every stored one stands still under sign updates, bit for bit;
* "nearly": the most at which sign updates change at most 3 % of the bits, mean over patterns;
* "from noise": the most at which 95 % of them come back bit for bit after 10 % of their bits were flipped.

A count equal to `tried` is a lower bound. Learned masks are masks over the units of `bn_mlp`, of permuted tasks.
`python -m tests.benchmarks.hopfield_capacity` takes half an hour and writes data/results/hopfield_capacity.json.
"""

import time
from dataclasses import asdict

import torch
from torch import Tensor

import supsup_lite as sl
from supsup_lite.hopfield.spins import spins_of
from supsup_lite.hopfield.store import RULES, HopfieldStore, to_spins
from supsup_lite.recipes import UNITS
from supsup_lite.results.runs import save, versions
from supsup_lite.seeding import generator

LEARNED = {256: 96, 512: 160, 1024: 224, 2048: 256}
SWEEPS = 20


def random_patterns(dim: int, count: int) -> Tensor:
    return to_spins(torch.from_numpy(generator("random patterns", 0).integers(0, 2, (count, dim)).astype(bool)))


def learned_masks(dim: int, count: int) -> Tensor:
    net = sl.bn_mlp(units=dim // 2)
    return spins_of(sl.learn_masks(net, sl.permuted_mnist(count), recipe=UNITS, progress=False))


def counts(patterns: Tensor, rule: str) -> dict:
    """Return the three counts of some patterns [n, d]; ends where nothing is held any more."""
    n, dim = patterns.shape
    every = max(1, dim // 32)
    store = HopfieldStore(dim, rule)
    flips = torch.from_numpy(generator("flipped bits", 0).random((n, dim)) < 0.1).to(patterns.device)
    best = {"stand": 0, "nearly": 0, "from noise": 0}
    alive = set(best)
    for k, z in enumerate(patterns, start=1):
        store.store(z)
        if k % every and k != n:
            continue
        known = patterns[:k]
        settled = store.recall(known, "synchronous", SWEEPS)
        noisy = store.recall(torch.where(flips[:k], -known, known), "synchronous", SWEEPS)
        holds = {
            "stand": bool((settled == known).all()),
            "nearly": float((settled != known).float().mean()) <= 0.03,
            "from noise": float((noisy == known).all(1).float().mean()) >= 0.95,
        }
        for name in list(alive):
            if holds[name]:
                best[name] = k
            elif k > best[name] + 2 * every:
                alive.remove(name)
        if not alive:
            break
    return best | {"tried": k}


def main() -> None:
    rows = []
    for dim, learned in LEARNED.items():
        for kind, patterns in (("random", random_patterns(dim, dim // 3)), ("learned", learned_masks(dim, learned))):
            alike = float((patterns @ patterns.T / dim).triu(1).sum() / (len(patterns) * (len(patterns) - 1) / 2))
            for rule in RULES:
                began = time.perf_counter()
                row = {"d": dim, "patterns": kind, "rule": rule, **counts(patterns, rule)}
                rows.append(row | {"mean overlap": round(alike, 4)})
                print(rows[-1], f"{time.perf_counter() - began:.0f} s", flush=True)
    result = {
        "setting": {"sweeps": SWEEPS, "recipe": asdict(UNITS)},
        "rows": rows,
        "versions": versions(),
    }
    save(result, "hopfield_capacity.json")


if __name__ == "__main__":
    main()
