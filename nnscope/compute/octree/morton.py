"""Morton codes of 3-d cells, and points in their order (methods.md §6).

A code interleaves the bits of a cell's coordinates (z, y, x), x lowest; ``code >> 3`` is the code of the cell's parent
in the octree, and the last three bits, 4·z + 2·y + x, say which child it is. Coordinates have up to 21 bits, codes 63.
(Morton 1966; the masks are those of Warren, Hacker's Delight §7.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscope.arrays.backend import namespace
from nnscope.compute.parts import for_each, read_only, slices
from nnscope.core.errors import NnscopeError

BITS = 21  # of a coordinate

_COMPILED_FROM = 1 << 18  # cells; with fewer, loading compiled code is not worth it
_BLOCK = 1 << 16  # cells that a thread takes at a time
_DIGIT = 11  # bits sorted by at once: the counters stay in the first-level cache
_SORT_BLOCKS = 16
_SPREAD = (
    (32, 0x1F00000000FFFF),
    (16, 0x1F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)
_ALL = 0x1FFFFF
_GATHER = tuple(
    (shift, mask)
    for (shift, _), mask in zip(reversed(_SPREAD), [*(m for _, m in reversed(_SPREAD[:-1])), _ALL], strict=True)
)


def encode(cells: Any) -> Any:
    """Morton codes of cells.

    Parameters
    ----------
    cells : integer array (NumPy or CuPy), shape (n, 3)
        Coordinates (z, y, x), each in [0, 2²¹).

    Returns
    -------
    int64 array, shape (n,)

    Raises
    ------
    NnscopeError
        If the shape or a coordinate is not as above.
    """
    xp = namespace(cells)
    if cells.ndim != 2 or cells.shape[1] != 3 or cells.dtype.kind not in "iu":
        raise NnscopeError("Cells have three whole coordinates each.", f"{cells.dtype} {cells.shape}")
    if len(cells) and not (int(cells.min()) >= 0 and int(cells.max()) <= _ALL):
        raise NnscopeError("Coordinates of cells lie between 0 and 2097151.", f"{cells.min()} … {cells.max()}")
    if xp is not np or len(cells) < _COMPILED_FROM:
        z, y, x = (_spread(cells[:, axis].astype(np.int64)) for axis in range(3))
        return z << 2 | y << 1 | x
    from nnscope.arrays.kernels.morton import encode_cells

    source = read_only(np.ascontiguousarray(cells, np.int32))
    codes = np.empty(len(cells), np.int64)
    parts = slices(len(codes), _BLOCK)
    for_each(lambda i: encode_cells(source[parts[i]], codes[parts[i]]), len(parts))
    return codes


def decode(codes: Any) -> Any:
    """Cells (z, y, x) of Morton codes: the inverse of `encode`.

    Parameters
    ----------
    codes : int64 array (NumPy or CuPy), shape (n,)

    Returns
    -------
    int32 array, shape (n, 3)
    """
    xp = namespace(codes)
    if xp is not np or len(codes) < _COMPILED_FROM:
        return xp.stack([_gather(codes >> shift).astype(np.int32) for shift in (2, 1, 0)], axis=-1)
    from nnscope.arrays.kernels.morton import decode_codes

    cells = np.empty((len(codes), 3), np.int32)
    parts = slices(len(codes), _BLOCK)
    for_each(lambda i: decode_codes(codes[parts[i]], cells[parts[i]]), len(parts))
    return cells


def sort_by_code(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes in ascending order, and where each came from; equal codes keep their order.

    Parameters
    ----------
    codes : ndarray of int64, shape (n,)
        Not negative.

    Returns
    -------
    codes : ndarray of int64, shape (n,)
    order : ndarray of int32 (int64 from 2³¹ codes on), shape (n,)
        ``sorted == codes[order]``.
    """
    dtype = np.int32 if len(codes) < 1 << 31 else np.int64
    low, high = max(0, len(codes) - 1).bit_length(), int(codes.max(initial=0)).bit_length()
    if len(codes) < _COMPILED_FROM or low + high > 63:
        order = np.argsort(codes, kind="stable")
        return codes[order], order.astype(dtype)
    return _radix_sort(codes, low, high, dtype)


def _radix_sort(codes: np.ndarray, low: int, high: int, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """`sort_by_code` of codes of ``high`` bits, which travel with their numbers, of ``low`` bits, in one word."""
    from nnscope.arrays.kernels.morton import pack, unpack

    parts = slices(len(codes), max(_BLOCK, -(-len(codes) // _SORT_BLOCKS)))
    packed, spare = np.empty_like(codes), np.empty_like(codes)
    for_each(lambda i: pack(codes[parts[i]], parts[i].start, low, packed[parts[i]]), len(parts))
    passes = -(-high // _DIGIT)
    for number in range(passes):
        width = -(-high // passes)
        _sort_digit(packed, spare, parts, low + number * width, 1 << width)
        packed, spare = spare, packed
    del spare
    order: np.ndarray = np.empty(len(codes), dtype)
    for_each(lambda i: unpack(packed[parts[i]], low, order[parts[i]]), len(parts))
    return packed, order


def _sort_digit(keys: np.ndarray, out: np.ndarray, parts: list[slice], shift: int, values: int) -> None:
    """One stable pass by the digit of ``values`` values from bit ``shift``."""
    from nnscope.arrays.kernels.morton import count_digits, scatter_digits

    counts = np.zeros((len(parts), values), np.int64)
    for_each(lambda i: count_digits(keys[parts[i]], shift, counts[i]), len(parts))
    # Digit by digit, and within a digit block by block: where each block's share begins.
    places = (np.cumsum(counts.T.ravel()) - counts.T.ravel()).reshape(values, -1).T.copy()
    for_each(lambda i: scatter_digits(keys[parts[i]], shift, places[i], out), len(parts))


def _spread(v: Any) -> Any:
    for shift, mask in _SPREAD:
        v = (v | v << shift) & mask
    return v


def _gather(v: Any) -> Any:
    v = v & _SPREAD[-1][1]
    for shift, mask in _GATHER:
        v = (v | v >> shift) & mask
    return v
