"""The first pass of `nnscope.compute.statistics.summary` over a block: sums, signs and extremes.

A block is taken in chunks that stay in the fastest cache, each in two loops: floats that sum, which may be reordered,
and integers that compare, which vectorise where comparing floats has cases that don't.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.arrays.compiled import compiled, compiled_fast

if TYPE_CHECKING:
    from typing import Any

CHUNK = 512  # small, so that memory is read ahead while the second loop computes


@compiled
def sums_of(values: np.ndarray, patterns: np.ndarray, unsigned: np.ndarray, shift: float) -> tuple[Any, ...]:
    """Sums and extremes of a block.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (n,)
        At least one. Where one is not finite, only the extremes mean something.
    patterns : ndarray of int32 or int64, shape (n,)
        The same memory.
    unsigned : ndarray of uint32 or uint64, shape (n,)
        The same memory.
    shift : float
        Of d = x − shift.

    Returns
    -------
    low, high : int
        Keys (`_key`) of the extremes, of which one is no finite number exactly when some value is none.
    total, squares, sizes : float
        Σd, Σd² and Σ|x|.
    positive, zeros : int
        How many x are that.
    """
    total = squares = sizes = 0.0
    positive = zeros = 0
    low = high = _key(patterns[0], patterns)
    for start in range(0, values.size, CHUNK):
        chunk = patterns[start : start + CHUNK]
        greatest, lowest, above, nothing = _signs(chunk, unsigned[start : start + CHUNK])
        if lowest < 0 <= greatest:
            least = _key(lowest, patterns)
        else:
            least, greatest = _extremes(chunk)
        low, high = min(low, least), max(high, greatest)
        positive, zeros = positive + above, zeros + nothing
        a, b, c = _sums(values[start : start + CHUNK], shift)
        total, squares, sizes = total + a, squares + b, sizes + c
    return low, high, total, squares, sizes, positive, zeros


@compiled_fast
def _sums(chunk: np.ndarray, shift: float) -> tuple[float, float, float]:
    total = squares = sizes = 0.0
    for i in range(chunk.size):
        x = float(chunk[i])
        d = x - shift
        total += d
        squares += d * d
        sizes += abs(x)
    return total, squares, sizes


@compiled
def _signs(patterns: np.ndarray, unsigned: np.ndarray) -> tuple[Any, Any, Any, Any]:
    """Greatest pattern, and greatest as unsigned, with how many are of numbers above zero, and of zeros.

    Where both signs occur, these are those of the greatest and the least number: patterns of positive numbers rise as
    these do, those of negative ones as their magnitudes.
    """
    greatest, lowest = patterns[0], unsigned[0]
    above = nothing = np.int32(0)
    for i in range(patterns.size):
        greatest, lowest = max(greatest, patterns[i]), max(lowest, unsigned[i])
        above = np.int32(above + np.int32(patterns[i] > 0))
        nothing = np.int32(nothing + np.int32(patterns.dtype.type(patterns[i] << 1) == 0))
    return greatest, patterns.dtype.type(lowest), above, nothing


@compiled
def _key(pattern: Any, patterns: np.ndarray) -> Any:
    """An integer for the pattern of a number that rises as the number does; its own inverse."""
    sign = 8 * patterns.itemsize - 1
    return patterns.dtype.type(pattern ^ ((pattern >> sign) & ((1 << sign) - 1)))


@compiled
def _extremes(patterns: np.ndarray) -> tuple[Any, Any]:
    """Least and greatest key: integers, as comparing floats has cases that don't vectorise."""
    low = high = _key(patterns[0], patterns)
    for i in range(patterns.size):
        key = _key(patterns[i], patterns)
        low = key if key < low else low
        high = key if key > high else high
    return low, high
