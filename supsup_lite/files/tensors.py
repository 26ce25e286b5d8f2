"""A file of tensors: safetensors with one SHA-256 over the whole file, written in one order and read whole."""

import os
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from supsup_lite.devices import check_memory
from supsup_lite.files.header import DTYPES, Entry, checksum_fits, new_header, read_head, sealed
from supsup_lite.files.paths import open_file
from supsup_lite.files.writing import write

NAMES = {dtype: name for name, dtype in DTYPES.items()}


def write_checked(
    path: str | os.PathLike, kind: str, version: int, tensors: dict[str, Tensor], metadata: dict[str, str]
) -> None:
    """Write one safetensors file: beside its target first, then renamed. The same tensors give the same bytes.

    The metadata gets the kind of file, the version of its format, and a SHA-256 over the whole file (counted with
    zeros in the checksum's own place).

    Raises:
        OSError: the folder is missing or full.
    """
    arrays = [tensor.detach().cpu().contiguous().numpy() for tensor in tensors.values()]
    layout = {name: (NAMES[tensor.dtype], tuple(tensor.shape)) for name, tensor in tensors.items()}
    head = sealed(new_header(kind, version, metadata, layout), *arrays)
    write(path, b"".join([head, *arrays]))


def read_checked(
    path: str | os.PathLike,
    kind: str,
    version: int,
    wanted: Sequence[str],
    repair: str,
    check: Callable[[dict[str, Entry]], None],
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return tensors and metadata of a file whose every byte has been checked.

    Args:
        wanted: the metadata that must be there.
        repair: what to do about a damaged file, one or two sentences for the error.
        check: called with what the header says of each tensor, before these are read; raises ValueError where the
            caller expects others.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, truncated, of another kind or version, or larger than the free memory.
    """
    with open_file(path) as stream:
        head = read_head(stream, path, kind, version, wanted, repair)
        check(head.entries)
        size = os.fstat(stream.fileno()).st_size
        check_memory(f"{path}", size, torch.device("cpu"))
        body = np.empty(size - len(head.content), np.uint8)
        whole = stream.readinto(body) == len(body)
    if not whole or not checksum_fits(head.content, body):
        raise ValueError(f"{path} is damaged or truncated: its checksum does not fit. {repair}")
    return {name: _tensor(body, entry) for name, entry in head.entries.items()}, head.metadata


def _tensor(body: np.ndarray, entry: Entry) -> Tensor:
    """Return one tensor of a file from the bytes of all."""
    if entry.start == entry.stop:  # torch cannot take nothing for numbers of several bytes
        return torch.empty(entry.shape, dtype=DTYPES[entry.dtype])
    return torch.from_numpy(body[entry.start : entry.stop]).view(DTYPES[entry.dtype]).view(entry.shape)
