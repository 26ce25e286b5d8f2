"""The beginning of a safetensors file: its header, read with suspicion and written in one order, and its checksum."""

import hashlib
import json
import math
import os
import re
from collections.abc import Sequence
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import torch

from supsup_lite.files.paths import open_file

CHECKSUM_FIELD = re.compile(rb'"sha256":"([0-9a-f]{64})"')
BLANK = "0" * 64  # in the place of the checksum while it is counted
MOST_HEADER = 2**24  # bytes: ten for each of a million masks, and what is longer is no header of ours
MOST_STRUCTURE = 2**20  # bytes of JSON outside of its texts: lists and dicts take twenty-five times as much memory
DTYPES = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "I32": torch.int32,
    "I64": torch.int64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
}


class Entry(NamedTuple):
    """What a header says of one tensor: its type, its shape, and where its bytes start and stop."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


class Head(NamedTuple):
    """A header that makes sense, and fits the length of its file; its checksum is not yet looked at."""

    content: bytes
    metadata: dict[str, str]
    entries: dict[str, Entry]


def new_header(
    kind: str, version: int, metadata: dict[str, str], tensors: dict[str, tuple[str, Sequence[int]]]
) -> bytes:
    """Return the beginning of a file, with zeros for its checksum: for one store always the same bytes.

    Args:
        metadata: comes after the kind of file and the version of its format.
        tensors: name -> (type, shape), in the order in which their bytes will follow.

    Raises:
        ValueError: it would be longer than a reader takes.
    """
    header: dict[str, Any] = {
        "__metadata__": {"format": kind, "version": str(version), **metadata, "sha256": BLANK},
    }
    stop = 0
    for name, (dtype, shape) in tensors.items():
        start, stop = stop, stop + DTYPES[dtype].itemsize * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers behind it are aligned
    if len(text) > MOST_HEADER:
        raise ValueError(f"what is noted beside the tensors takes {len(text):,} bytes, at most {MOST_HEADER:,} can be.")
    return len(text).to_bytes(8, "little") + text


def sealed(head: bytes, *parts: bytes) -> bytes:
    """Return the head with the SHA-256 over it (counted with zeros in the checksum's own place) and the parts."""
    start, stop = _checksum_span(head)
    return head[:start] + _checksum(head, parts).encode() + head[stop:]


def checksum_fits(head: bytes, *parts: bytes) -> bool:
    """Say whether a head has the checksum that `sealed` would give it."""
    start, stop = _checksum_span(head)
    return _checksum(head[:start] + BLANK.encode() + head[stop:], parts).encode() == head[start:stop]


def _checksum(blank: bytes, parts: Sequence[bytes]) -> str:
    digest = hashlib.sha256(blank)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def read_head(
    stream: BinaryIO, path: str | os.PathLike, kind: str, version: int, wanted: Sequence[str], repair: str
) -> Head:
    """Return the header of an open file, once it is of this kind and version and as long as it says.

    Raises:
        ValueError: it is not; or the metadata lacks something `wanted`.
    """
    try:
        content = _read_header(stream)
        header = _parsed(content)
        _checksum_span(content)
    except ValueError as error:
        raise ValueError(f"{path} is not one of {kind!r}, or its beginning is damaged ({error}). {repair}") from error
    metadata = _metadata(header)
    if metadata.get("format") != kind or metadata.get("version") != str(version):
        raise ValueError(
            f"{path} is {metadata.get('format')!r} of version {metadata.get('version')}, "
            f"expected {kind!r} of version {version}. {repair}"
        )
    missing = set(wanted) - metadata.keys()
    if missing:
        raise ValueError(f"{path} does not say its {' and '.join(sorted(missing))}. {repair}")
    try:
        entries = _entries(header)
    except ValueError as error:
        raise ValueError(f"{path} is not a safetensors file ({error}). {repair}") from error
    stop = max((entry.stop for entry in entries.values()), default=0)
    if os.fstat(stream.fileno()).st_size != len(content) + stop:
        raise ValueError(f"{path} is damaged or truncated: it has not the bytes that it says. {repair}")
    return Head(content, metadata, entries)


def version_of(path: str | os.PathLike) -> str | None:
    """Return the version that a file says it has, unchecked, to choose how to read it; None where it says none."""
    with open_file(path) as stream:
        try:
            return _metadata(_parsed(_read_header(stream))).get("version")
        except ValueError:
            return None


def json_of(
    path: str | os.PathLike, metadata: dict[str, str], name: str, repair: str, most: float = MOST_STRUCTURE
) -> Any:
    """Return what one entry of the metadata holds as JSON.

    Args:
        most: bytes of it that may stand outside of its texts.

    Raises:
        ValueError: it is not JSON, or more than that; the message names the file.
    """
    try:
        return _loaded(metadata[name].encode(), most)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} does not say its {name} in JSON ({error}). {repair}") from error


def _read_header(stream: BinaryIO) -> bytes:
    """Return the length of the header and the header."""
    length = stream.read(8)
    size = int.from_bytes(length, "little")
    if size > MOST_HEADER:
        raise ValueError(f"a header of {size:,} bytes")
    return length + stream.read(size)


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        header = _loaded(content[8:], MOST_STRUCTURE)
    except RecursionError as error:
        raise ValueError("the header is nested too deeply") from error
    if not isinstance(header, dict):
        raise ValueError("the header is no JSON object")
    return header


def _loaded(text: bytes, most: float) -> Any:
    """Return what JSON says, unless more than so many of its bytes stand outside of its texts: they take memory."""
    plain = np.frombuffer(text.replace(rb"\\", b"").replace(rb"\"", b""), np.uint8)
    outside = len(plain) - np.count_nonzero(np.logical_xor.accumulate(plain == ord('"')))
    if outside > most:
        raise ValueError(f"{outside:,} bytes of lists, objects and numbers, at most {most:,} can be")
    return json.loads(text.decode())


def _metadata(header: dict[str, Any]) -> dict[str, str]:
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict):
        return {}
    return {name: text for name, text in metadata.items() if isinstance(text, str)}


def _entries(header: dict[str, Any]) -> dict[str, Entry]:
    """Return what the header says of each tensor, if their bytes follow one another without a gap."""
    entries = {}
    for name, said in header.items():
        if name == "__metadata__":
            continue
        if not isinstance(said, dict) or said.keys() != {"dtype", "shape", "data_offsets"}:
            raise ValueError(f"tensor {name!r} has not a type, a shape and a place")
        dtype, shape, place = said["dtype"], said["shape"], said["data_offsets"]
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise ValueError(f"tensor {name!r} is of an unknown type")
        if not _are_counts(shape) or not _are_counts(place) or len(place) != 2:
            raise ValueError(f"tensor {name!r} has no shape or no place")
        entries[name] = Entry(dtype, tuple(shape), *place)
    stop = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1][2:]):
        if entry.start != stop or entry.stop != stop + DTYPES[entry.dtype].itemsize * math.prod(entry.shape):
            raise ValueError(f"tensor {name!r} has not the bytes of its shape")
        stop = entry.stop
    return entries


def _are_counts(numbers: Any) -> bool:
    return isinstance(numbers, list) and all(type(number) is int and number >= 0 for number in numbers)


def _checksum_span(content: bytes) -> tuple[int, int]:
    """Return where the checksum stands: the field may occur once only, in the header."""
    header = content[: 8 + int.from_bytes(content[:8], "little")]
    found = list(CHECKSUM_FIELD.finditer(header))
    if len(found) != 1:
        raise ValueError("no checksum in the header")
    return found[0].span(1)
