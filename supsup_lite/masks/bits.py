"""A mask is a bit a weight: packing bits into bytes, and how few of them could do."""

import functools
import math

import numpy as np
import torch
from torch import Tensor


def pack_bits(bits: Tensor) -> Tensor:
    """Return bool [k, n] as uint8 [k, ceil(n / 8)]: bit j of byte i is weight 8 i + j, the rest is 0."""
    padded = torch.nn.functional.pad(bits, (0, -bits.shape[1] % 8)).view(torch.uint8).unflatten(1, (-1, 8))
    packed = padded[..., 0].clone()
    for j in range(1, 8):
        packed |= padded[..., j] << j
    return packed


def unpack_bits(packed: Tensor, n: int) -> Tensor:
    """Return uint8 [k, ceil(n / 8)] as bool [k, n]."""
    words = _bits_of_bytes(torch.uint8, packed.device).view(torch.int64).flatten()  # a byte's eight bools as one word
    return words.index_select(0, packed.flatten().int()).view(torch.bool).view(len(packed), 8 * packed.shape[1])[:, :n]


def unpack_floats(packed: Tensor, dtype: torch.dtype) -> Tensor:
    """Return uint8 [..., bytes] as 0.0 and 1.0, [..., 8 bytes]: what pads the last byte included.

    A byte is looked up as eight numbers, which takes a third of the time of unpacking bools and converting them.
    """
    numbers = _bits_of_bytes(dtype, packed.device).index_select(0, packed.flatten().int())
    return numbers.view(*packed.shape[:-1], 8 * packed.shape[-1])


@functools.cache
@torch.inference_mode(False)  # it is looked up in other modes, too
def _bits_of_bytes(dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the eight bits of each byte, [256, 8]: made once, because short rows take no longer than this table."""
    return (torch.arange(256, device=device)[:, None] >> torch.arange(8, device=device) & 1).to(dtype)


def as_numbers(bits: Tensor, dtype: torch.dtype) -> Tensor:
    """Return bools as 0.0 and 1.0, a new tensor: read as bytes, since torch converts those three times as fast."""
    return bits.view(torch.uint8).to(dtype)


def packed_bytes(n: int) -> int:
    """Return how many bytes n bits are packed into."""
    return -(-n // 8)


def has_padding(packed: np.ndarray, n: int) -> np.ndarray:
    """Say of each row of packed bits, uint8 [k, ceil(n / 8)], whether it has a 1 behind its n bits: bool [k]."""
    return packed[:, -1] >> (n % 8) != 0 if n % 8 else np.zeros(len(packed), bool)


def binary_entropy(density: Tensor | float) -> Tensor | float:
    """Return H2 = -rho log2 rho - (1 - rho) log2 (1 - rho) of a density rho, in bits: 0 at both ends.

    It is a number for a number, and a tensor for a tensor.
    """
    if not isinstance(density, Tensor):
        return binary_entropy(torch.tensor(density, dtype=torch.float64, device="cpu")).item()
    return -(torch.xlogy(density, density) + torch.xlogy(1 - density, 1 - density)) / math.log(2)
