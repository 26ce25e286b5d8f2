"""Masks as few bytes, near Shannon's bound: gaps or bits, each symbol by zlib's Huffman code, one mask at a time.

A sparse mask is written as gaps: how many removed weights lie between one kept weight and the next. Gaps of random bits
are geometric, and for those a Huffman code is the best there is that codes one gap at a time (Golomb 1966; Gallager and
Van Voorhis 1975). A dense mask is written as it is packed, eight weights a symbol.

A Huffman code has no fractions of bits, so neither way quite reaches the bound. And a mask brings its own table, some
60 to 100 bytes, which is what lets it be read without the others; a mask worth less than a kilobyte feels it. Where a
learned mask has structure, such as units without any kept weight, the code finds part of it, and goes below the bound,
which knows only each layer's density.
"""

import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from supsup_lite.masks.bits import binary_entropy

BITS, GAPS_OF_ONES, GAPS_OF_ZEROS = range(3)  # how a part of a mask is written
GAPS_BELOW = 1 / 8  # the share of the rarer bit below which gaps are no longer than bits
FAR = 255  # the symbol for "255 weights further, and still none": a gap of g is g // 255 of these, then g % 255
TABLE = 64  # bytes that one more Huffman table costs, about
MOST_LAYERS = 255  # in one part: its number of layers is one byte


def encode(mask: np.ndarray, widths: Sequence[int]) -> bytes:
    """Return one mask compressed. Neighbouring layers of about equal density share a part: a code and its table.

    Args:
        mask: packed bits of all layers, one after another: uint8 [sum(widths)].
        widths: bytes of each layer.

    Returns:
        For each part: how it is written (one byte), its number of layers (one byte), and a raw deflate stream.
    """
    return b"".join(_encode_part(mask[start:stop], ones, layers) for start, stop, ones, layers in _parts(mask, widths))


def decode(block: bytes, widths: Sequence[int]) -> np.ndarray:
    """Return the mask that `encode` was given: uint8 [sum(widths)].

    Whatever the bytes are, no more is unpacked of them than a mask of this size can need.

    Raises:
        ValueError: these bytes are no mask of this size.
    """
    parts, layers = [], 0
    while block:
        if len(block) < 2:
            raise ValueError("the code ends too early")
        kind, more = block[:2]
        if not 0 < more <= len(widths) - layers:
            raise ValueError(f"the code has a part of {more} layers, with {len(widths) - layers} left")
        width = sum(widths[layers : layers + more])
        symbols, block = _inflated(block[2:], width if kind == BITS else 8 * width)  # a gap is of one weight at least
        parts.append(_decode_part(kind, symbols, width))
        layers += more
    if layers != len(widths):
        raise ValueError(f"the code is of {layers} layers, expected {len(widths)}")
    return np.concatenate(parts)


def most_bytes(widths: Sequence[int]) -> int:
    """Return a number of bytes that no compressed mask exceeds: deflate stores what it cannot shorten as it is."""
    return 2 * sum(widths) + TABLE * len(widths)


def _inflated(content: bytes, most: int) -> tuple[np.ndarray, bytes]:
    """Return the symbols, `most` of them at most, of the deflate stream that the content begins with, and the rest."""
    stream = zlib.decompressobj(-15)
    try:
        symbols = np.frombuffer(stream.decompress(content, most + 1), np.uint8)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(symbols) > most:
        raise ValueError(f"the code is of more than {most} symbols")
    if not stream.eof:
        raise ValueError("the code ends too early")
    return symbols, stream.unused_data


def _parts(mask: np.ndarray, widths: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
    """Yield (first byte, last byte + 1, ones, layers) of each part: a layer joins unless a table of its own pays."""
    start = stop = layers = ones = 0
    for width in widths:
        more = int(np.bitwise_count(mask[stop : stop + width]).sum(dtype=np.int64))
        together = _cost(ones + more, stop - start + width)
        if layers and (layers == MOST_LAYERS or together > _cost(ones, stop - start) + _cost(more, width) + TABLE):
            yield start, stop, ones, layers
            start, layers, ones = stop, 0, 0
        stop, layers, ones = stop + width, layers + 1, ones + more
    yield start, stop, ones, layers


def _cost(ones: int, width: int) -> float:
    """Return the entropy, in bytes, of `width` bytes of which so many bits are 1."""
    if not 0 < ones < 8 * width:
        return 0.0
    return width * binary_entropy(ones / (8 * width))


def _encode_part(packed: np.ndarray, ones: int, layers: int) -> bytes:
    share = ones / (8 * len(packed))
    if GAPS_BELOW <= share <= 1 - GAPS_BELOW:
        kind, symbols, strategy = BITS, packed, zlib.Z_HUFFMAN_ONLY
    else:
        kind = GAPS_OF_ONES if share < 0.5 else GAPS_OF_ZEROS
        symbols, strategy = _gaps(packed if kind == GAPS_OF_ONES else ~packed), zlib.Z_RLE  # runs of FAR: empty units
    stream = zlib.compressobj(9, zlib.DEFLATED, -15, 9, strategy)
    return bytes([kind, layers]) + stream.compress(symbols) + stream.flush()


def _decode_part(kind: int, symbols: np.ndarray, width: int) -> np.ndarray:
    """Return the packed bits of one part from its symbols."""
    if kind == BITS:
        packed = symbols
    elif kind in (GAPS_OF_ONES, GAPS_OF_ZEROS):
        packed = _from_gaps(symbols, width)
        packed = packed if kind == GAPS_OF_ONES else ~packed
    else:
        raise ValueError(f"there is no code {kind}")
    if len(packed) != width:
        raise ValueError(f"the code is of {len(packed)} bytes, expected {width}")
    return packed


def _gaps(packed: np.ndarray) -> np.ndarray:
    """Return the gaps before each 1, as symbols: uint8. What follows the last 1 is known from the length."""
    at = np.flatnonzero(np.unpackbits(packed, bitorder="little").view(bool))
    far, rest = np.divmod(np.diff(at, prepend=-1) - 1, FAR)
    symbols = np.full(len(at) + far.sum(), FAR, np.uint8)
    symbols[np.cumsum(far) + np.arange(len(at))] = rest
    return symbols


def _from_gaps(symbols: np.ndarray, width: int) -> np.ndarray:
    """Return the packed bits, uint8 [width], with a 1 after each gap."""
    is_gap = symbols < FAR
    at = np.cumsum(symbols + is_gap, dtype=np.int64)[is_gap] - 1
    if len(at) and at[-1] >= 8 * width:
        raise ValueError(f"the code leads past the last of {8 * width} weights")
    bits = np.zeros(8 * width, bool)
    bits[at] = True
    return np.packbits(bits, bitorder="little")
