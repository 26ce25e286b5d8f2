"""A mask is a bit a weight: packing bits into bytes, and how few of them could do."""

import math

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
    bits = torch.arange(256, device=packed.device)[:, None] >> torch.arange(8, device=packed.device) & 1
    words = bits.to(torch.uint8).view(torch.int64).flatten()  # for each byte its eight bools, read as one word
    return words[packed.int()].view(torch.bool)[:, :n]


def binary_entropy(p: Tensor | float) -> Tensor | float:
    """Return H2(p) = -p log2 p - (1 - p) log2 (1 - p) in bits, 0 at both ends; a number for a number."""
    if not isinstance(p, Tensor):
        return binary_entropy(torch.tensor(p, dtype=torch.float64, device="cpu")).item()
    return -(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p)) / math.log(2)
