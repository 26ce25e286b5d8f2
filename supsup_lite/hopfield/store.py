"""The Hopfield store: patterns held as valleys of one energy, E(z) = -1/2 z' Psi z (SupSup, "HopSupSup")."""

import json
import os

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.checks import check_choice, check_whole, is_dense
from supsup_lite.devices import check_memory, resolve
from supsup_lite.files import Entry, json_of, read_checked, write_checked

RULES = ("hebb", "storkey", "centred")
ORDERS = ("asynchronous", "synchronous")
FORMAT = "supsup-lite hopfield store"
VERSION = 1
REPAIR = "Save the store again, or store its patterns again."
ROWS = 128
STILL = 1e-6  # a field this small is rounding: it flips no unit


def to_spins(bits: Tensor) -> Tensor:
    """Return a mask of {0, 1}, bool or float, as spins of {-1, 1}: float32 of the same shape."""
    if not is_dense(bits):
        raise TypeError(f"bits must be a dense tensor of 0 and 1, got {type(bits).__name__}.")
    return bits.float() * 2 - 1


def to_bits(spins: Tensor) -> Tensor:
    """Return spins, or any real numbers, as a bool mask: True where they are 0 or more."""
    if not is_dense(spins) or spins.is_complex():
        raise TypeError(f"spins must be a dense tensor of real numbers, got {type(spins).__name__}.")
    return spins >= 0


class HopfieldStore:
    """Patterns of d spins in one symmetric d x d matrix Psi with a zero diagonal. Its size never grows.

    * "hebb":    Psi += z z' / d
    * "storkey": Psi += (z z' - z f' - f z') / d  with f = Psi z: what is known already is left out. This is Storkey's
      rule (1997) simplified: his h_ij leaves out the units i and j themselves, which makes a difference of 2 Psi / d.
    * "centred": Hebb for the deviations z - m from the mean m of all patterns. Patterns that agree on many units, as
      learned masks do, then stand apart. It needs no second pass: with k patterns the sum of (z - m)(z - m)' is that
      of z z' less k m m', so the matrix of "hebb" and the mean are enough. The mean pulls on each unit besides.

    Energy and fields have a linear part only in "centred": E(z) = -1/2 (z - m)' J (z - m) - v m' z, where J is Psi less
    k/d m m' off the diagonal, and v the mean of 1 - m^2 over units.

    Units do not feel themselves: the diagonal stays 0, so that flipping one unit against its field never raises the
    energy.

    Args:
        dim: d, the length of a pattern.
        rule: "storkey", "hebb" or "centred".
        device: where to keep Psi; None is `supsup_lite.device()`.

    Attributes:
        psi: the matrix Psi, float32 [d, d].
        mean: the average of all stored patterns, float32 [d]; zeros while there is none.
        network: fingerprint of the network whose masks the patterns are (`hopfield_store`); None where that is unknown.

    Raises:
        TypeError, ValueError: a dim or rule that makes no sense, or the device has not the memory for the matrix.
    """

    @isolated
    def __init__(self, dim: int, rule: str = "storkey", device: torch.device | str | None = None):
        self.dim, self.rule = check_whole("dim", dim, least=2), check_choice("rule", rule, RULES)
        where = resolve(device)
        size = f"{self.dim:,} x {self.dim:,}"
        check_memory(f"a matrix of {size} numbers, and another one while a pattern is stored", 8 * self.dim**2, where)
        self.psi = torch.zeros(self.dim, self.dim, dtype=torch.float32, device=where)
        self.mean = torch.zeros(self.dim, dtype=torch.float32, device=self.psi.device)
        self.network: str | None = None
        self._count = 0

    def __len__(self) -> int:
        """Return how many patterns were stored."""
        return self._count

    def __repr__(self) -> str:
        return f"<{len(self)} patterns of {self.dim:,} spins by {self.rule}, {self.nbytes:,} bytes>"

    @property
    def device(self) -> torch.device:
        """Where the matrix lives."""
        return self.psi.device

    @property
    def nbytes(self) -> int:
        """Bytes of the matrix, half of it, since it is symmetric, and of the mean: d (d + 1) / 2 numbers of 4 bytes."""
        return 4 * (self.dim * (self.dim - 1) // 2 + self.dim)

    @isolated
    def store(self, z: Tensor) -> None:
        """Add a pattern of spins, float [d] of -1 and 1, or its mask, bool [d].

        Raises:
            TypeError, ValueError: it is not a pattern of this store.
        """
        if isinstance(z, Tensor) and z.dtype == torch.bool:
            z = to_spins(z)
        z = self._checked(z, "a pattern")
        if z.ndim != 1:
            raise ValueError(f"store takes one pattern [{self.dim}] at a time, got {list(z.shape)}.")
        if not (z.abs() == 1).all():
            raise ValueError("a pattern has spins -1 and 1 only: use to_spins(mask) for a mask of 0 and 1.")
        half = z / 2 - self.psi @ z if self.rule == "storkey" else z / 2
        # z_i half_j + half_i z_j: for (j, i) the same two products, so Psi stays symmetric to the last bit.
        # A few rows at a time stay in the cache, which is much faster than all at once.
        psi, count = torch.empty_like(self.psi), self._count + 1
        rows = zip(psi.split(ROWS), self.psi.split(ROWS), z.split(ROWS), half.split(ROWS), strict=True)
        for new_rows, psi_rows, z_rows, half_rows in rows:
            torch.add(psi_rows, z_rows[:, None] * half + half_rows[:, None] * z, alpha=1 / self.dim, out=new_rows)
        psi.fill_diagonal_(0)
        mean = self.mean + (z - self.mean) / count
        self.psi, self.mean, self._count = psi, mean, count  # at once: Ctrl-C leaves no pattern stored by half

    @isolated
    def couple(self, v: Tensor) -> Tensor:
        """Return what the couplings make of a direction: Psi v, or J v when centred; float, [d] or [n, d] as v.

        It keeps what lies among the stored patterns and all but drops the rest.
        """
        v = self._checked(v)
        if self.rule != "centred":
            return v @ self.psi
        along = (v @ self.mean)[..., None] * self.mean - v * self.mean**2
        return v @ self.psi - along * (len(self) / self.dim)

    @isolated
    def fields(self, z: Tensor) -> Tensor:
        """Return what each unit feels of the others, -dE/dz: float, [d] or [n, d] as z."""
        if self.rule != "centred":
            return self.couple(z)
        return self.couple(self._checked(z) - self.mean) + self.mean * self._pull

    @isolated
    def energy(self, z: Tensor) -> Tensor:
        """Return E(z) of one state [d] or of each of n, [n, d]; spins or any real numbers."""
        z = self._checked(z)
        if self.rule != "centred":
            return -(self.couple(z) * z).sum(-1) / 2
        away = z - self.mean
        return -(self.couple(away) * away).sum(-1) / 2 - self._pull * (z @ self.mean)

    @property
    def _pull(self) -> Tensor:
        """How strongly the mean pulls when centred: as strongly as a pattern holds its own deviation."""
        return (1 - self.mean**2).mean()

    @isolated
    def spread(self, z: Tensor) -> Tensor:
        """Return how unevenly the units of a state are held: deviation over mean of z * field, unit by unit.

        It is scale-free: near 0 for a stored pattern, about 0.58 for the majority of three unrelated ones (there
        |z1 + z2 + z3| is 3 for a quarter of the units and 1 for the rest). So it tells memories from mixtures.

        Args:
            z: spins, float [d] or [n, d].
        """
        held = self.fields(z) * z
        return held.std(-1, correction=0) / held.mean(-1).clamp_min(torch.finfo(held.dtype).tiny)

    @isolated
    def step(self, z: Tensor, order: str = "asynchronous") -> Tensor:
        """Return the state after one sweep of sign updates: each unit goes where its field points.

        "asynchronous": one unit after the other, each feeling what was flipped before it. The energy never rises.
        "synchronous": all at once. It is faster, but two states may take turns for ever. In either, a unit without a
        field stays as it is. Real numbers are replaced by their signs first.

        Args:
            z: float [d] or [n, d].

        Raises:
            TypeError, ValueError: the states do not fit, or an unknown order.
        """
        check_choice("order", order, ORDERS)
        spins = to_spins(to_bits(self._checked(z)))
        if order == "synchronous":
            fields = self.fields(spins)
            return torch.where(fields.abs() > STILL, fields.sign(), spins)
        rows = spins.view(-1, self.dim)
        return torch.stack([self._sweep(row) for row in rows]).view(spins.shape) if len(rows) else spins

    @isolated
    def recall(self, z: Tensor, order: str = "asynchronous", max_sweeps: int = 100) -> Tensor:
        """Return the state that sign updates end in, from the state z: float spins, [d] or [n, d] as z.

        Asynchronous updates always end. After `max_sweeps` sweeps the state is returned as it is.

        Raises:
            TypeError, ValueError: the states do not fit, or an unknown order.
        """
        spins = to_spins(to_bits(self._checked(z)))
        for _ in range(check_whole("max_sweeps", max_sweeps, least=0)):
            moved = self.step(spins, order)
            if torch.equal(moved, spins):
                break
            spins = moved
        return spins

    def _sweep(self, z: Tensor) -> Tensor:
        """Visit all units in turn. Between two flips no field changes, so only units that flip cost anything."""
        z, fields, unit = z.clone(), self.fields(z), 0
        while True:
            against = (z[unit:] * fields[unit:] < -STILL).nonzero()
            if not len(against):
                return z
            unit += int(against[0])
            z[unit] *= -1
            fields += 2 * z[unit] * self._couplings_of(unit)

    def _couplings_of(self, unit: int) -> Tensor:
        """Return how one unit pulls on all others, a column of Psi or J: [d]."""
        if self.rule != "centred":
            return self.psi[unit]
        column = self.psi[unit] - self.mean[unit] * self.mean * (len(self) / self.dim)
        column[unit] = 0
        return column

    def _checked(self, z: Tensor, what: str = "a state") -> Tensor:
        """Return z as float32 on the store's device, if it is one or more states of this store."""
        if not isinstance(z, Tensor) or not z.is_floating_point():
            kind = z.dtype if isinstance(z, Tensor) else type(z).__name__
            raise TypeError(f"{what} must be a float tensor of spins -1 and 1, got {kind}: use to_spins(mask).")
        if z.ndim not in (1, 2) or z.shape[-1] != self.dim:
            raise ValueError(f"{what} of this store is [{self.dim}], or [n, {self.dim}] for n, got {list(z.shape)}.")
        if z.device != self.device:
            raise ValueError(f"{what} is on {z.device}, the store on {self.device}: move one of them.")
        if not z.isfinite().all():
            raise ValueError(f"{what} must have finite numbers, got NaN or infinity among them.")
        return z.float()

    def save(self, path: str | os.PathLike) -> None:
        """Write the store as one safetensors file with a checksum: beside its target first, then renamed.

        The same store gives the same bytes. `~` is the home folder, and where the path is a link, what it leads to is
        written.

        Raises:
            OSError: the folder is missing or full.
            TypeError: the path is none.
        """
        tensors = {"psi": self.psi.cpu(), "mean": self.mean.cpu()}
        write_checked(path, FORMAT, VERSION, tensors, self._metadata())

    def _metadata(self) -> dict[str, str]:
        known = {} if self.network is None else {"network": self.network}
        return {"rule": self.rule, "patterns": json.dumps(self._count), **known}

    @classmethod
    @isolated
    def load(cls, path: str | os.PathLike, device: torch.device | str | None = None) -> "HopfieldStore":
        """Read a store that `save` wrote, and check that the file is whole.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is damaged, of another kind, larger than the free memory, or holds no store: its
                matrix is not square, symmetric and finite, or its mean not one of spins.
        """

        def check(entries: dict[str, Entry]) -> None:
            given = {name: (entry.dtype, list(entry.shape)) for name, entry in entries.items()}
            dim = (*entries["psi"].shape, 0)[0] if "psi" in entries else 0
            if given != {"psi": ("F32", [dim, dim]), "mean": ("F32", [dim])}:
                raise ValueError(f"{path} must hold a square matrix psi and its mean in float32, got {given}. {REPAIR}")

        tensors, metadata = read_checked(path, FORMAT, VERSION, ("rule", "patterns"), REPAIR, check)
        psi, mean = tensors["psi"], tensors["mean"]
        if not psi.isfinite().all() or not torch.equal(psi, psi.T) or psi.diagonal().any():
            raise ValueError(f"the matrix in {path} is not finite and symmetric with a zero diagonal. {REPAIR}")
        if not (mean.abs() <= 1).all():  # nor NaN
            raise ValueError(f"the mean in {path} is not one of spins, in -1..1. {REPAIR}")
        count = json_of(path, metadata, "patterns", REPAIR)
        try:
            store = cls(len(mean), metadata["rule"], device)
            store._count = check_whole("the number of patterns", count, least=0)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} holds no store that can be had here: {error} {REPAIR}") from error
        if not count and (psi.any() or mean.any()):
            raise ValueError(f"{path} says that it holds no pattern, but its matrix or mean is not 0. {REPAIR}")
        store.psi.copy_(psi)
        store.mean.copy_(mean)
        store.network = metadata.get("network")
        return store
