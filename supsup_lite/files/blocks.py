"""A file of blocks: safetensors of an index and bytes, of which any block can be read, and checked, by itself."""

import os
import zlib
from collections.abc import Sequence
from types import TracebackType

import numpy as np

from supsup_lite.files.header import Entry, checksum_fits, new_header, read_head, sealed
from supsup_lite.files.paths import open_file

MOST_BLOCKS = 2**22  # more than a header of MOST_HEADER bytes can name; their index takes 32 MB


def blocks_content(kind: str, version: int, blocks: Sequence[bytes], metadata: dict[str, str]) -> bytes:
    """Return a file of blocks, for `write`: a safetensors file of two tensors, of which `BlockFile` reads any part.

    index   int32 [k, 2]: of each block its bytes and its CRC-32 (the 32 bits of an unsigned number)
    blocks  uint8 [n]: all blocks, one after another

    The metadata gets the kind of file, the version of its format, and a SHA-256 over header and index, that is over
    all before the first block (counted with zeros in the checksum's own place).
    """
    index = np.array([(len(block), zlib.crc32(block)) for block in blocks], "<u4").reshape(-1, 2)
    layout = {"index": ("I32", index.shape), "blocks": ("U8", (int(index[:, 0].sum()),))}
    content = index.tobytes()
    return b"".join([sealed(new_header(kind, version, metadata, layout), content), content, *blocks])


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
        self._stream = open_file(path)
        try:
            head = read_head(self._stream, path, kind, version, wanted, repair)
            self.metadata = head.metadata
            count = _count(head.entries)
            if count is None:
                raise ValueError(f"{path} holds other tensors than an index and its blocks. {repair}")
            if count > MOST_BLOCKS:
                raise ValueError(
                    f"{path} says that it holds {count:,} blocks, at most {MOST_BLOCKS:,} can be. {repair}"
                )
            index = self._stream.read(8 * count)
            if not checksum_fits(head.content, index):
                raise ValueError(f"{path} is damaged or truncated: its checksum does not fit. {repair}")
            self._index = np.frombuffer(index, "<u4").reshape(count, 2)
            self._starts = (
                len(head.content) + len(index) + np.cumsum(self._index[:, 0], dtype=np.int64) - self._index[:, 0]
            )
            if head.entries["blocks"].shape != (self._index[:, 0].sum(),):
                raise ValueError(f"{path} is damaged or truncated: it has not the bytes that it says. {repair}")
        except BaseException:
            self._stream.close()
            raise

    def __len__(self) -> int:
        return len(self._index)

    def size(self, i: int) -> int:
        """Return the bytes of block i, 0 <= i < len(self)."""
        return int(self._index[i, 0])

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


def _count(entries: dict[str, Entry]) -> int | None:
    """Return how many blocks a file has, or None where its tensors are no blocks, the index first."""
    if entries.keys() != {"index", "blocks"} or entries["index"].shape[1:] != (2,):
        return None
    index, blocks = entries["index"], entries["blocks"]
    fitting = index.dtype == "I32" and blocks.dtype == "U8" and len(blocks.shape) == 1 and index.start == 0
    return index.shape[0] if fitting else None
