"""The Hopfield explorer: digits stored in 784 spins, noise, and what the memory answers (lesson 06)."""

from collections.abc import Sequence

import numpy as np
import torch
import traitlets
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.explorers.base import Explorer, limited, module
from supsup_lite.explorers.stored import masks as stored
from supsup_lite.hopfield.store import ORDERS, RULES, HopfieldStore, to_spins
from supsup_lite.plots import image_grid, svg_of

__all__ = ["Hopfield", "patterns"]

PIXELS = 784
DIGITS = 10 * stored.DIGITS_EACH
INK = 72.6  # of 255: what is brighter is ink, +1. In the units of lesson 06, where images are normalised, it is 0.5
DAMAGES = ("turned", "covered")


class Hopfield(Explorer):
    """Store digits, ask for one through noise, and watch the state roll into a valley.

    The browser computes everything from twenty test images. It holds the sums that the matrix Psi is made of, not the
    matrix, and gives what `HopfieldStore` gives.

    Attributes:
        stored: k, how many digits the memory holds: the first of each class, then the second ones.
        rule, order: as `HopfieldStore` has them.
        digit: place of the digit that is asked for, stored or not, in the order of storing; -1 for a drawing.
        ink: the drawing, 784 bytes.
        noise: percent of the pixels that are spoiled.
        damage: "turned" at random, or "covered" from below.
        draw: the number of the draw that says which pixels the noise turns.
        step: which state is shown, 0 for what is asked; -1 for the last.
        answer: the front end's finding: the place of the stored digit that the state ends on, bit for bit; -1 if on
            none, or before it has answered.
    """

    _esm = module("hopfield")
    heights = (1687, 1074, 782)
    files = ("digits",)

    stored = traitlets.Int(10).tag(sync=True)
    rule = traitlets.Enum(RULES, "centred").tag(sync=True)
    order = traitlets.Enum(ORDERS, "asynchronous").tag(sync=True)
    digit = traitlets.Int(3).tag(sync=True)
    ink = traitlets.Bytes(bytes(PIXELS)).tag(sync=True)
    noise = traitlets.Int(25).tag(sync=True)
    damage = traitlets.Enum(DAMAGES, "turned").tag(sync=True)
    draw = traitlets.Int(0).tag(sync=True)
    step = traitlets.Int(-1).tag(sync=True)
    answer = traitlets.Int(-1).tag(sync=True)

    _limited = limited("stored", "digit", "noise", "draw", "step")

    def limits(self) -> dict[str, Sequence]:
        ranges = {"stored": range(1, DIGITS + 1), "digit": range(-1, DIGITS), "noise": range(51), "draw": range(1000)}
        return ranges | {"step": range(-1, 2**31)}  # how many there are, the browser knows

    def memory(self) -> HopfieldStore:
        """Return what the explorer holds, as a store on the CPU."""
        store = HopfieldStore(PIXELS, self.rule, "cpu")
        for z in patterns()[: self.stored]:
            store.store(z)
        return store

    @isolated
    def probe(self) -> Tensor:
        """Return what the memory starts from, spins [784]. A drawing is taken as it is, not yet centred as MNIST is."""
        z = patterns()[self.digit] if self.digit >= 0 else spins_of(_pixels_of(self.ink))
        return corrupt(z, self.noise / 100, self.damage, self.digit if self.digit >= 0 else DIGITS, self.draw)

    def draw_still(self) -> str:
        memory, probe = self.memory(), self.probe()
        answer = memory.recall(probe, self.order)
        near = int((patterns()[: self.stored] @ answer).argmax())
        closest = patterns()[near]
        away = int((closest != answer).sum())
        alt = (
            f"{self.stored} digits stored by {self.rule}: asked with {self.noise} % of the pixels {self.damage}, "
            f"the memory answers with a state {away} pixels away from a stored {near % 10}."
        )
        images = torch.stack([probe, answer, closest]).view(3, 28, 28)
        return svg_of(image_grid(images, ["asked", "answer", "nearest stored"], size=1.6), alt)


def spins_of(pixels: Tensor) -> Tensor:
    """Return images of 0..255 as spins: float32 of the same shape, 1 where there is ink."""
    return to_spins(pixels > INK)


@isolated
def patterns() -> Tensor:
    """Return the explorer's digits in the order of storing, first one of each class: spins [20, 784]."""
    pixels = _pixels_of(stored.digits())[: DIGITS * PIXELS]
    return spins_of(pixels.view(10, stored.DIGITS_EACH, PIXELS)).transpose(0, 1).reshape(DIGITS, PIXELS)


def _pixels_of(content: bytes) -> Tensor:
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def noise_order(place: int, draw: int) -> np.ndarray:
    """Return the units in the order in which noise turns them: int64 [784]. `noise.js` has the same."""
    n = np.arange(PIXELS, dtype=np.uint32) + np.uint32(1024 * (place + 64 * draw))
    n = (n ^ (n >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    n = (n ^ (n >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return np.argsort(n ^ (n >> np.uint32(16)), kind="stable")


def corrupt(z: Tensor, share: float, damage: str, place: int, draw: int) -> Tensor:
    """Return a pattern with a share of its units turned, first those of `noise_order`, or covered from below."""
    count, corrupted = round(share * PIXELS), z.clone()
    if damage == "covered":
        corrupted[PIXELS - count :] = -1
    else:
        corrupted[noise_order(place, draw)[:count].copy()] *= -1
    return corrupted
