"""The file of a mask store: each mask compressed by itself, and what the store knows of them; formats 1 to 4."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from supsup_lite.data.tasks import TaskIdentity
from supsup_lite.files import MOST_STRUCTURE, BlockFile, Entry, blocks_content, json_of, read_checked, version_of
from supsup_lite.masks.bits import has_padding, packed_bytes
from supsup_lite.masks.compression import decode, encode, most_bytes
from supsup_lite.masks.origin import Learned, difference, network_facts
from supsup_lite.masks.statistics import check_statistics, unknown_statistics
from supsup_lite.networks.batch_norm import Statistics
from supsup_lite.networks.network import Network

FORMAT = "supsup-lite masks"
VERSION = 4  # all before can still be read: 1 held packed bits as they are, 1 and 2 knew no tasks, 1 to 3 no statistics
KNOWN = ("network", "fingerprint", "about")  # in the metadata of every version
REPAIR = "Save the masks again, or learn them again from their seed."

Identities = Sequence[TaskIdentity | None]  # of the task of each mask; None where it is not known


@dataclass(frozen=True)
class Content:
    """What a store is made of.

    Attributes:
        packed: for each weight of the network the packed masks, uint8 [k, bytes].
        statistics: for each norm of the network float32 [k, 2, channels], NaN where they are not known.
        identities: of the tasks of the k masks.
        learned: how they were learned, if that is known.
        about: notes.
    """

    packed: dict[str, Tensor]
    statistics: Statistics
    identities: Identities
    learned: Learned | None
    about: dict[str, Any]


def file_content(net: Network, fingerprint: str, store: Content) -> bytes:
    """Return the file of a store: the same bytes for the same store.

    A block is one mask: its statistics, for each norm means and then variances as little-endian float32, and its bits.

    Args:
        fingerprint: of the network when the store was made, whatever became of its weights since.

    Raises:
        TypeError: the notes hold something that JSON cannot.
    """
    layers = [rows.cpu().numpy() for rows in store.packed.values()]
    widths = [rows.shape[1] for rows in layers]
    k = len(store.identities)
    masks = (np.concatenate([rows[i] for rows in layers]) for i in range(k))
    numbers = [values.cpu().numpy().reshape(k, -1).astype("<f4") for values in store.statistics.values()]
    statistics = (b"".join(rows[i].tobytes() for rows in numbers) for i in range(k))
    blocks = [before + encode(mask, widths) for before, mask in zip(statistics, masks, strict=True)]
    metadata = {
        "network": json.dumps(network_facts(net), default=_plain_number),
        "fingerprint": fingerprint,
        "learned": json.dumps(None if store.learned is None else asdict(store.learned)),
        "identities": json.dumps(_identities_to_json(store.identities), separators=(",", ":")),
        "about": _notes_to_json(store.about),
    }
    return blocks_content(FORMAT, VERSION, blocks, metadata)


def read_store(path: str | os.PathLike, net: Network, only: int | slice | Sequence[int] | None) -> Content:
    """Return what a file holds, once what is read is whole and belongs to this network (as `MaskStore.load` has it)."""
    version = version_of(path)
    if version == "1":
        return _read_version_1(path, net, only)
    wanted = KNOWN if version == "2" else (*KNOWN, "learned", "identities")
    with BlockFile(path, FORMAT, int(version) if version in ("2", "3") else VERSION, wanted, REPAIR) as file:
        _check_network(path, file.metadata, net)
        shapes = {name: weight.numel() for name, weight in net.weights().items()}
        widths = [packed_bytes(n) for n in shapes.values()]
        chosen = _chosen(only, len(file), path)
        about = _notes(path, file.metadata)
        if version == "2":
            identities, learned = [None] * len(file), _learned_by_notes(about)
        else:
            identities, learned = _identities(path, file), _learned(path, file.metadata)
        masks = np.empty((len(chosen), sum(widths)), np.uint8)
        numbers = np.full((len(chosen), 2 * sum(net.norms().values())), np.nan, "<f4")
        before = 0 if version in ("2", "3") else numbers[0:1].nbytes
        for row, i in enumerate(chosen):
            block = _block(file, i, before + most_bytes(widths), f"mask {i} of {path}")
            masks[row] = _decoded(block[before:], widths, f"mask {i} of {path}")
            if before:
                numbers[row] = np.frombuffer(block[:before], "<f4")
    layers = np.split(masks, np.cumsum(widths)[:-1], axis=1)
    _check_padding(path, dict(zip(shapes, layers, strict=True)), shapes, chosen)
    packed = {
        name: torch.from_numpy(np.ascontiguousarray(rows)).to(net.device)
        for name, rows in zip(shapes, layers, strict=True)
    }
    statistics = _statistics(path, net, numbers)
    return Content(packed, statistics, [identities[i] for i in chosen], learned, about)


def _read_version_1(path: str | os.PathLike, net: Network, only: Any) -> Content:
    shapes = {name: weight.numel() for name, weight in net.weights().items()}

    def check(entries: dict[str, Entry]) -> None:
        counts = {entry.shape[:1] for entry in entries.values()}
        fitting = {name: ("U8", (packed_bytes(n),)) for name, n in shapes.items()}
        if len(counts) != 1 or {name: (entry.dtype, entry.shape[1:]) for name, entry in entries.items()} != fitting:
            raise ValueError(f"{path} holds tensors that are no masks of {net!r}. Was it made by another program?")

    packed, metadata = read_checked(path, FORMAT, 1, KNOWN, REPAIR, check)
    _check_network(path, metadata, net)
    about, count = _notes(path, metadata), len(next(iter(packed.values())))
    _check_padding(path, {name: packed[name].numpy() for name in shapes}, shapes, range(count))
    chosen = _chosen(only, count, path)
    rows = {name: packed[name][list(chosen)].to(net.device) for name in shapes}
    statistics = unknown_statistics(net, len(chosen))
    return Content(rows, statistics, [None] * len(chosen), _learned_by_notes(about), about)


def _check_network(path: str | os.PathLike, metadata: dict[str, str], net: Network) -> None:
    if metadata["fingerprint"] == net.fingerprint():
        return
    facts = json_of(path, metadata, "network", REPAIR)
    if not isinstance(facts, dict) or not {"name", "outputs", "seed"} <= facts.keys() <= network_facts(net).keys():
        raise ValueError(f"{path} does not say what network its masks belong to, but {facts!r}. {REPAIR}")
    raise ValueError(
        f"{path} holds masks of another network: {facts['name']} with {facts['outputs']} outputs and "
        f"seed {facts['seed']}. Given was {net!r}: {difference(facts, net)}. "
        "Build the network that the masks belong to."
    )


def _notes(path: str | os.PathLike, metadata: dict[str, str]) -> dict[str, Any]:
    about = json_of(path, metadata, "about", REPAIR, math.inf)  # free notes, which are handed out as they are
    if not isinstance(about, dict):
        raise ValueError(f"{path} must hold its notes `about` as a JSON object, got {about!r:.80}. {REPAIR}")
    return about


def _learned(path: str | os.PathLike, metadata: dict[str, str]) -> Learned | None:
    notes = json_of(path, metadata, "learned", REPAIR)
    if notes is None:
        return None
    try:
        if not isinstance(notes, dict) or notes.keys() != asdict(Learned()).keys():
            raise TypeError(f"other entries than {list(asdict(Learned()))}")
        return Learned.of(notes)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} does not say how its masks were learned ({error}). {REPAIR}") from error


def _learned_by_notes(about: dict[str, Any]) -> Learned | None:
    """Return how the masks of an old file were learned, where `learn_masks` noted it: the notes are free otherwise."""
    try:
        learned = Learned.of(about)
    except (TypeError, ValueError):
        return None
    return None if learned == Learned() else learned


def _identities_to_json(identities: Identities) -> dict[str, list]:
    """Return identities with what many tasks share written once: a task is [position in `suites`, number] or null."""
    suites: dict[tuple, int] = {}
    tasks = []
    for identity in identities:
        if identity is None:
            tasks.append(None)
            continue
        suite = identity.kind, identity.dataset, identity.seed, identity.classes
        tasks.append([suites.setdefault(suite, len(suites)), identity.number])
    return {"suites": list(suites), "tasks": tasks}


def _identities(path: str | os.PathLike, file: BlockFile) -> Identities:
    said = json_of(path, file.metadata, "identities", REPAIR, MOST_STRUCTURE + 64 * len(file))
    try:
        suites = [_suite(*suite) for suite in said["suites"]]
        identities = [None if task is None else _identity(suites, *task) for task in said["tasks"]]
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise ValueError(f"{path} does not say which tasks its masks belong to ({error!r}). {REPAIR}") from error
    if len(identities) != len(file):
        raise ValueError(f"{path} holds {len(file)} masks, but says of {len(identities)} to what task they belong.")
    return identities


def _suite(kind: str, dataset: str, seed: int | None, classes: list[str]) -> tuple:
    if not isinstance(classes, list):
        raise TypeError(f"classes that are no list, {classes!r}")
    return kind, dataset, seed, tuple(classes)


def _identity(suites: list[tuple], suite: int, number: int) -> TaskIdentity:
    kind, dataset, seed, classes = suites[range(len(suites))[suite]]
    return TaskIdentity(kind, dataset, seed, number, classes)


def _chosen(only: Any, count: int, path: str | os.PathLike) -> Sequence[int]:
    """Return which of `count` masks to read, each in 0..count-1."""
    try:
        if only is None or isinstance(only, slice):
            return range(count)[only or slice(None)]
        numbers = [only] if hasattr(only, "__index__") else only
        if any(isinstance(i, bool) for i in numbers):
            raise TypeError
        return [range(count)[i] for i in numbers]
    except (TypeError, ValueError):
        raise TypeError(f"`only` is a whole number, several, or a slice, got {only!r}.") from None
    except IndexError:
        raise IndexError(f"{path} has {count} masks, so `only` cannot be {only!r}.") from None


def _block(file: BlockFile, i: int, most: int, what: str) -> bytes:
    """Return block i of a file, once it is whole. One that is longer than any mask can need is not even read."""
    if file.size(i) > most:
        raise _no_mask(what, f"{file.size(i):,} bytes, at most {most:,} are needed")
    block = file.read(i)
    if block is None:
        raise ValueError(f"{what} is damaged: its checksum does not fit. {REPAIR}")
    return block


def _decoded(code: bytes, widths: list[int], what: str) -> np.ndarray:
    """Return the bits of one mask: uint8 [sum(widths)]."""
    try:
        return decode(code, widths)
    except ValueError as error:
        raise _no_mask(what, error) from error


def _no_mask(what: str, why: object) -> ValueError:
    return ValueError(f"{what} is no mask of this network ({why}). Was it made by another program?")


def _statistics(path: str | os.PathLike, net: Network, numbers: np.ndarray) -> Statistics:
    """Return the statistics of k masks from their numbers, float32 [k, 2 x all channels], if they make sense."""
    norms = net.norms()
    parts = torch.from_numpy(numbers.astype(np.float32)).split([2 * channels for channels in norms.values()], dim=1)
    rows = {name: part.unflatten(1, (2, -1)).to(net.device) for name, part in zip(norms, parts, strict=True)}
    try:
        check_statistics(net, rows, len(numbers))
    except ValueError as error:
        raise ValueError(f"{path} does not hold what batch norm could use ({error}). {REPAIR}") from error
    return rows


def _check_padding(path: str | os.PathLike, layers: dict[str, np.ndarray], shapes: dict[str, int], chosen) -> None:
    """Raise where a mask has a 1 behind its last weight, which would count as a weight that it keeps."""
    for name, rows in layers.items():
        wrong = np.flatnonzero(has_padding(rows, shapes[name]))
        if len(wrong):
            raise ValueError(
                f"mask {chosen[wrong[0]]} of {path} keeps weights of {name} that this network has not. "
                "Was it made by another program?"
            )


def _notes_to_json(about: dict[str, Any]) -> str:
    try:
        return json.dumps(about, default=_plain_number)
    except (ValueError, RecursionError) as error:
        raise TypeError(f"`about` can hold what JSON can, not what holds itself or is that deep ({error}).") from error


def _plain_number(value: Any) -> Any:
    """Return a number of numpy's as Python's own, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"`about` can hold what JSON can, not {value!r} of type {type(value).__name__}.")
