"""Files that are never half there, and are checked byte by byte when read: safetensors with a checksum."""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

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
    header = {"format": kind, "version": str(version), **metadata, "sha256": "0" * 64}
    content = to_bytes(tensors, header)
    _write(Path(path), _with_checksum(content, hashlib.sha256(content).hexdigest()))


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
    if Path(path).is_dir():
        raise ValueError(f"{path} is a folder: give the file that `save` wrote.")
    content = Path(path).read_bytes()
    try:
        start, stop = _checksum_span(content)
    except ValueError as error:
        raise ValueError(f"{path} is not one of {kind!r}, or its beginning is damaged ({error}). {repair}") from error
    checksum = content[start:stop].decode()
    if hashlib.sha256(_with_checksum(content, "0" * 64)).hexdigest() != checksum:
        raise ValueError(f"{path} is damaged or truncated: its checksum does not fit. {repair}")
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        tensors = from_bytes(content)
    except (ValueError, SafetensorError) as error:
        raise ValueError(f"{path} is not a safetensors file ({error}). {repair}") from error
    metadata = header.get("__metadata__", {})
    if metadata.get("format") != kind or metadata.get("version") != str(version):
        raise ValueError(
            f"{path} is {metadata.get('format')!r} of version {metadata.get('version')}, "
            f"expected {kind!r} of version {version}. {repair}"
        )
    missing = set(wanted) - metadata.keys()
    if missing:
        raise ValueError(f"{path} does not say its {' and '.join(sorted(missing))}. {repair}")
    return tensors, metadata


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


def _write(path: Path, content: bytes) -> None:
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
