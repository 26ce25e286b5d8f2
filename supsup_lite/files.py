"""Files that are never half there, and are checked byte by byte when read: safetensors with checksums.

A file of tensors has one checksum, and is read whole. A file of blocks can be read in part: one checksum is over its
header and index, and the index holds a checksum of each block.
"""

import hashlib
import json
import os
import re
import secrets
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import Tensor

CHECKSUM_FIELD = re.compile(rb'"sha256":"([0-9a-f]{64})"')


def write_checked(
    path: str | os.PathLike, kind: str, version: int, tensors: dict[str, Tensor], metadata: dict[str, str]
) -> None:
    """Write one safetensors file: beside its target first, then renamed.

    The metadata gets the kind of file, the version of its format, and a SHA-256 over the whole file (counted with
    zeros in the checksum's own place).

    Raises:
        OSError: the folder is missing or full.
    """
    content = to_bytes(tensors, _full_metadata(kind, version, metadata))
    write(path, _with_checksum(content, hashlib.sha256(content).hexdigest()))


def read_checked(
    path: str | os.PathLike, kind: str, version: int, wanted: Sequence[str], repair: str
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return tensors and metadata of a file whose every byte has been checked.

    Args:
        wanted: the metadata that must be there.
        repair: what to do about a damaged file, one or two sentences for the error.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, truncated, or of another kind or version.
    """
    _refuse_folder(path)
    content = Path(path).read_bytes()
    _check_sum(path, content, kind, repair)
    try:
        header = _header(content)
        tensors = from_bytes(content)
    except (ValueError, SafetensorError) as error:
        raise ValueError(f"{path} is not a safetensors file ({error}). {repair}") from error
    return tensors, _checked_metadata(path, header, kind, version, wanted, repair)


def version_of(path: str | os.PathLike) -> str | None:
    """Return the version that a file says it has, unchecked, to choose how to read it; None where it says none."""
    _refuse_folder(path)
    with Path(path).open("rb") as stream:
        try:
            return _metadata(_header(_read_header(stream))).get("version")
        except ValueError:
            return None


def blocks_content(kind: str, version: int, blocks: Sequence[bytes], metadata: dict[str, str]) -> bytes:
    """Return a file of blocks, for `write`: a safetensors file of two tensors, of which `BlockFile` reads any part.

    index   int32 [k, 2]: of each block its bytes and its CRC-32 (the 32 bits of an unsigned number)
    blocks  uint8 [n]: all blocks, one after another

    The metadata gets the kind of file, the version of its format, and a SHA-256 over header and index, that is over
    all before the first block (counted with zeros in the checksum's own place).
    """
    index = np.array([(len(block), zlib.crc32(block)) for block in blocks], np.uint32).reshape(-1, 2)
    joined = np.frombuffer(bytearray().join(blocks), np.uint8)
    tensors = {"index": torch.from_numpy(index.view(np.int32)), "blocks": torch.from_numpy(joined)}
    content = to_bytes(tensors, _full_metadata(kind, version, metadata))
    head = len(content) - len(joined)  # safetensors writes the wider numbers first
    return _with_checksum(content, hashlib.sha256(memoryview(content)[:head]).hexdigest())


class BlockFile:
    """A file of blocks, open for reading (use it in `with`): header and index are checked at once, a block when read.

    Args:
        wanted: the metadata that must be there.
        repair: what to do about a damaged file, one or two sentences for the error.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: header or index are damaged, the file is longer or shorter than they say, or of another kind or
            version.
    """

    def __init__(self, path: str | os.PathLike, kind: str, version: int, wanted: Sequence[str], repair: str):
        _refuse_folder(path)
        self._stream = Path(path).open("rb")  # noqa: SIM115
        try:
            head = _read_header(self._stream)
            try:
                header = _header(head)
                count, length = _layout(header)
            except ValueError as error:
                raise ValueError(f"{path} is not one of {kind!r}, or its beginning is damaged. {repair}") from error
            self.metadata = _checked_metadata(path, header, kind, version, wanted, repair)
            head += self._stream.read(8 * count)
            _check_sum(path, head, kind, repair)
            self._index = np.frombuffer(head, "<u4", offset=len(head) - 8 * count).reshape(count, 2)
            self._starts = len(head) + np.cumsum(self._index[:, 0], dtype=np.int64) - self._index[:, 0]
            if os.fstat(self._stream.fileno()).st_size != len(head) + length or length != self._index[:, 0].sum():
                raise ValueError(f"{path} is damaged or truncated: it has not the bytes that it says. {repair}")
        except BaseException:
            self._stream.close()
            raise

    def __len__(self) -> int:
        return len(self._index)

    def read(self, i: int) -> bytes | None:
        """Return block i, 0 <= i < len(self), or None where it is damaged. No other block is read."""
        length, checksum = self._index[i]
        self._stream.seek(self._starts[i])
        block = self._stream.read(length)
        return block if len(block) == length and zlib.crc32(block) == checksum else None

    def __enter__(self) -> "BlockFile":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stream.close()


def write(path: str | os.PathLike, content: bytes) -> None:
    """Write a file: beside its target first, then renamed.

    Raises:
        OSError: the folder is missing or full.
    """
    path = Path(path)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")  # not mkstemp: others may read it too
    try:
        with fresh.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _refuse_folder(path: str | os.PathLike) -> None:
    if Path(path).is_dir():
        raise ValueError(f"{path} is a folder: give the file that `save` wrote.")


def _read_header(stream: BinaryIO) -> bytes:
    """Return the length of the header and the header, or as much as there is of them."""
    length = stream.read(8)
    return length + stream.read(min(int.from_bytes(length, "little"), os.fstat(stream.fileno()).st_size))


def _header(content: bytes) -> dict[str, Any]:
    """Return the header, unchecked, of a file that begins so; ValueError where there is none."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    if not isinstance(header, dict):
        raise ValueError("the header is no JSON object")
    return header


def _metadata(header: dict[str, Any]) -> dict[str, str]:
    metadata = header.get("__metadata__", {})
    return metadata if isinstance(metadata, dict) else {}


def _layout(header: dict[str, Any]) -> tuple[int, int]:
    """Return how many blocks a file has, and their bytes; ValueError where its tensors are no blocks."""
    try:
        count, length = header["index"]["shape"][0], header["blocks"]["shape"][0]
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError("no index and blocks") from error
    if not all(type(number) is int and 0 <= number < 2**48 for number in (count, length)):
        raise ValueError("no number of blocks")
    wanted = {
        "index": {"dtype": "I32", "shape": [count, 2], "data_offsets": [0, 8 * count]},
        "blocks": {"dtype": "U8", "shape": [length], "data_offsets": [8 * count, 8 * count + length]},
    }
    if {name: header[name] for name in header if name != "__metadata__"} != wanted:
        raise ValueError("other tensors than index and blocks")
    return count, length


def _full_metadata(kind: str, version: int, metadata: dict[str, str]) -> dict[str, str]:
    return {"format": kind, "version": str(version), **metadata, "sha256": "0" * 64}


def _checked_metadata(
    path: str | os.PathLike, header: dict[str, Any], kind: str, version: int, wanted: Sequence[str], repair: str
) -> dict[str, str]:
    metadata = _metadata(header)
    if metadata.get("format") != kind or metadata.get("version") != str(version):
        raise ValueError(
            f"{path} is {metadata.get('format')!r} of version {metadata.get('version')}, "
            f"expected {kind!r} of version {version}. {repair}"
        )
    missing = set(wanted) - metadata.keys()
    if missing:
        raise ValueError(f"{path} does not say its {' and '.join(sorted(missing))}. {repair}")
    return metadata


def _check_sum(path: str | os.PathLike, content: bytes, kind: str, repair: str) -> None:
    """Check the SHA-256 of what it is over."""
    try:
        start, stop = _checksum_span(content)
    except ValueError as error:
        raise ValueError(f"{path} is not one of {kind!r}, or its beginning is damaged ({error}). {repair}") from error
    if hashlib.sha256(_with_checksum(content, "0" * 64)).hexdigest() != content[start:stop].decode():
        raise ValueError(f"{path} is damaged or truncated: its checksum does not fit. {repair}")


def _with_checksum(content: bytes, checksum: str) -> bytes:
    """Return the file with its checksum field filled in."""
    start, stop = _checksum_span(content)
    return content[:start] + checksum.encode() + content[stop:]


def _checksum_span(content: bytes) -> tuple[int, int]:
    """Return where the checksum stands: the field may occur once only, in the header."""
    header = content[: 8 + int.from_bytes(content[:8], "little")]
    found = list(CHECKSUM_FIELD.finditer(header))
    if len(found) != 1:
        raise ValueError("no checksum in the header")
    return found[0].span(1)
