"""Morton codes (Z-order) of 3-d cells, and a radix sort by them.

A code interleaves 21 bits of each coordinate, x lowest: ``… z1 y1 x1 z0 y0 x0``, so the last three bits say which of
its parent's eight children a cell is, and ``code >> 3`` is the parent. The 63 bits fit int64, which spares unsigned
arithmetic. Bits are spread and gathered by the usual masks (Warren, Hacker's Delight §7).

The sort is a stable least-significant-digit radix sort of codes that carry their points' numbers in their lowest bits.
Each pass counts and scatters block by block, so that threads share it: counts of all blocks are known before any block
writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.arrays.compiled import compiled

if TYPE_CHECKING:
    import numpy as np


@compiled
def spread(v: int) -> int:
    """The 21 bits of ``v``, each followed by two zeros."""
    v = (v | v << 32) & 0x1F00000000FFFF
    v = (v | v << 16) & 0x1F0000FF0000FF
    v = (v | v << 8) & 0x100F00F00F00F00F
    v = (v | v << 4) & 0x10C30C30C30C30C3
    return (v | v << 2) & 0x1249249249249249


@compiled
def gather(v: int) -> int:
    """Every third bit of ``v``: the inverse of `spread`."""
    v = v & 0x1249249249249249
    v = (v | v >> 2) & 0x10C30C30C30C30C3
    v = (v | v >> 4) & 0x100F00F00F00F00F
    v = (v | v >> 8) & 0x1F0000FF0000FF
    v = (v | v >> 16) & 0x1F00000000FFFF
    return (v | v >> 32) & 0x1FFFFF


@compiled
def encode_cells(cells: np.ndarray, out: np.ndarray) -> None:
    """Codes (int64) of ``cells`` (n, 3), C-contiguous, as (z, y, x)."""
    flat = cells.reshape(-1)  # loads three apart vectorise in one axis only
    for i in range(len(out)):
        z, y, x = int(flat[3 * i]), int(flat[3 * i + 1]), int(flat[3 * i + 2])
        out[i] = spread(z) << 2 | spread(y) << 1 | spread(x)


@compiled
def decode_codes(codes: np.ndarray, out: np.ndarray) -> None:
    """Cells (n, 3) of ``codes``."""
    for i in range(len(codes)):
        code = codes[i]
        out[i, 0], out[i, 1], out[i, 2] = gather(code >> 2), gather(code >> 1), gather(code)


@compiled
def pack(codes: np.ndarray, first: int, bits: int, out: np.ndarray) -> None:
    """Codes above their numbers from ``first`` on, which have ``bits`` bits."""
    for i in range(len(codes)):
        out[i] = codes[i] << bits | (first + i)


@compiled
def unpack(packed: np.ndarray, bits: int, numbers: np.ndarray) -> None:
    """Codes in the place of what `pack` made, and the numbers apart."""
    for i in range(len(packed)):
        numbers[i] = packed[i] & ((1 << bits) - 1)
        packed[i] >>= bits


@compiled
def count_digits(keys: np.ndarray, shift: int, counts: np.ndarray) -> None:
    """Add to ``counts`` how often each digit (len(counts) values, from bit ``shift``) occurs."""
    mask = len(counts) - 1
    for i in range(len(keys)):
        counts[(keys[i] >> shift) & mask] += 1


@compiled
def scatter_digits(keys: np.ndarray, shift: int, places: np.ndarray, out: np.ndarray) -> None:
    """Move a block's keys to ``places`` (the next free one of each digit, which advances)."""
    mask = len(places) - 1
    for i in range(len(keys)):
        digit = (keys[i] >> shift) & mask
        out[places[digit]] = keys[i]
        places[digit] += 1
