"""The two passes of `nnscope.compute.statistics` over a block: the CPU twins of ``statistics.cu``.

A block is taken in chunks that stay in the fastest cache, and each chunk in several loops, each so simple that it
becomes vector instructions; counting, which can't, reads small integers that the other loops left in a buffer. Only
the loops that sum may reorder; the bin of a value is worked out as it is defined. Loops go by index, as Numba's
iteration over arrays does not vectorise, and sums of ones are kept in the type of the values, which keeps vectors full
and is exact up to a chunk's size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.arrays.compiled import compiled, compiled_fast

if TYPE_CHECKING:
    from typing import Any

CHUNK = 4096
_F32_MAX = np.float32(np.finfo(np.float32).max)
_ONE, _NOTHING, _BINS = np.float32(1), np.float32(0), np.float32(256)
_UNSURE = np.uint16(256)  # code of a value whose bin must be worked out exactly
_DROPPED = np.uint32(14)  # bits of a float32 pattern that tell nothing of its bin


@compiled
def first_look(
    values: np.ndarray, scale: float, shift: float, pivot: Any, tally: np.ndarray
) -> tuple[float, float, float, int, int]:
    """Sums over a block, and its tally.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (n,)
        All finite.
    scale, shift : float
        Of d = x·scale − shift.
    pivot : float32 or float64
        Of the tally, in the type of the values.
    tally : ndarray of int64, shape (262144,)
        Added to.

    Returns
    -------
    total, squares, sizes : float
        Σd, Σd² and Σ|x·scale|.
    positive, zeros : int
        How many x are that.
    """
    distances = np.empty(CHUNK, np.float32)
    total = squares = sizes = 0.0
    positive = zeros = 0
    for start in range(0, values.size, CHUNK):
        chunk = values[start : start + CHUNK]
        a, b, c, above, nothing = _sums(chunk, scale, shift)
        total, squares, sizes = total + a, squares + b, sizes + c
        positive, zeros = positive + int(above), zeros + int(nothing)
        _measure(chunk, pivot, distances)
        _count_upper(distances[: chunk.size].view(np.uint32), tally)
    return total, squares, sizes, positive, zeros


@compiled
def second_look(
    values: np.ndarray,
    pivot: Any,
    wanted: np.ndarray,
    limits: tuple[Any, Any],
    scale: tuple[float, float, float],
    estimate: tuple[Any, Any, Any],
    bins: np.ndarray,
    kept: np.ndarray,
) -> tuple[int, int]:
    """Histogram and near-zero count of the elements in some bins of the tally, and those of some of these bins.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (n,)
        What is not finite is passed over.
    pivot : float32 or float64
        Of the tally.
    wanted : ndarray of uint8, shape (262144,)
        As in `nnscope.compute.outline.Outline`.
    limits : (float, float), of the type of the values
        Greatest finite number, and largest magnitude that counts as near zero.
    scale : (float, float, float)
        ``low``, ``width`` and ``factor`` of a `BinScale`.
    estimate : (float, float, float), of the type of the values
        Lower end, inverse width, and how far from an edge, in bins, arithmetic in this type tells the bin; 1 where it
        never does.
    bins : ndarray of int64, shape (256,)
        Added to.
    kept : ndarray, shape (n,)
        Gets the elements to keep, in order, in the type of the values.

    Returns
    -------
    near_zero, kept : int
        Numbers of elements.
    """
    distances = np.empty(CHUNK, np.float32)
    codes = np.empty(CHUNK, np.uint16)
    seen = np.empty(CHUNK, values.dtype)
    why = np.empty(CHUNK, np.uint8)
    counts = np.zeros(_UNSURE + 1, np.int64)
    near = held = 0
    for start in range(0, values.size, CHUNK):
        chunk = values[start : start + CHUNK]
        _measure(chunk, pivot, distances)
        found = seen[: _select(chunk, distances.view(np.uint32), wanted, seen, why)]
        finite, few = _count_within(found, limits[0], limits[1])
        if finite < found.size:
            found = seen[: _drop_infinite(found, why)]
        near += int(few)
        _estimate(found, estimate, codes)
        count_patterns(codes[: found.size], counts)
        if counts[_UNSURE] > 0:
            _count_unsure(found, codes, scale, counts)
            counts[_UNSURE] = 0
        held = _keep(found, why, kept, held)
    bins += counts[:_UNSURE]
    return near, held


@compiled
def count_patterns(patterns: np.ndarray, counts: np.ndarray) -> None:
    """How often each pattern (uint16, shape (n,)) occurs, added to ``counts`` (int64, shape (65536,))."""
    for i in range(patterns.size):
        counts[patterns[i]] += 1


@compiled_fast
def _sums(chunk: np.ndarray, scale: float, shift: float) -> tuple[float, float, float, Any, Any]:
    total = squares = sizes = 0.0
    positive = zeros = _NOTHING
    for i in range(chunk.size):
        x = float(chunk[i]) * scale
        d = x - shift
        total += d
        squares += d * d
        sizes += abs(x)
    for i in range(chunk.size):
        positive += _ONE if chunk[i] > _NOTHING else _NOTHING
        zeros += _ONE if chunk[i] == _NOTHING else _NOTHING
    return total, squares, sizes, positive, zeros


@compiled
def _measure(chunk: np.ndarray, pivot: Any, distances: np.ndarray) -> None:
    """x − pivot as float32, within its finite range."""
    for i in range(chunk.size):
        d = chunk[i] - pivot
        d = _F32_MAX if d > _F32_MAX else d
        distances[i] = -_F32_MAX if d < -_F32_MAX else d


@compiled
def _count_upper(bits: np.ndarray, tally: np.ndarray) -> None:
    for i in range(bits.size):
        tally[bits[i] >> _DROPPED] += 1


@compiled
def _estimate(chunk: np.ndarray, estimate: tuple[Any, Any, Any], codes: np.ndarray) -> None:
    """The bin of each value, or `_UNSURE` where rounding could matter: near an edge, or no number."""
    first, inverse, margin = estimate
    for i in range(chunk.size):
        place = (chunk[i] - first) * inverse
        rest = place - np.floor(place)
        sure = (rest >= margin) & (rest <= _ONE - margin) & (place < _BINS)
        codes[i] = np.int32(place if sure else _BINS)


@compiled
def _count_unsure(chunk: np.ndarray, codes: np.ndarray, scale: tuple[float, float, float], counts: np.ndarray) -> None:
    """Of the values that have no code yet, the bin by the definition in `nnscope.compute.histogram`."""
    low, width, factor = scale
    for i in range(chunk.size):
        if codes[i] == _UNSURE:
            bin_number = int((chunk[i] * factor - low) / width) if width > 0 else 0
            counts[min(bin_number, 255)] += 1


@compiled_fast
def _count_within(chunk: np.ndarray, largest: Any, small: Any) -> tuple[Any, Any]:
    """How many magnitudes are at most ``largest``, and ``small``."""
    finite = few = _NOTHING
    for i in range(chunk.size):
        finite += _ONE if abs(chunk[i]) <= largest else _NOTHING
        few += _ONE if abs(chunk[i]) <= small else _NOTHING
    return finite, few


@compiled
def _select(chunk: np.ndarray, bits: np.ndarray, wanted: np.ndarray, seen: np.ndarray, why: np.ndarray) -> int:
    """The elements in wanted bins, and why these are, which begins as a list for all elements.

    Groups of eight with such an element are listed first. Neither step branches: which are wanted can't be foretold.
    """
    for i in range(chunk.size):
        why[i] = wanted[bits[i] >> _DROPPED]
    why[chunk.size :] = 0
    eights = why.view(np.uint64)
    some = np.empty(CHUNK // 8, np.uint16)
    groups = found = np.uint64(0)
    for eight in range(eights.size):
        some[groups] = eight
        groups += np.uint64(eights[eight] != 0)
    for group in range(groups):
        start = 8 * np.uint64(some[group])
        for i in range(start, min(start + 8, np.uint64(chunk.size))):
            reason = why[i]
            seen[found], why[found] = chunk[i], reason
            found += np.uint64(reason > 0)
    return int(found)


@compiled
def _drop_infinite(seen: np.ndarray, why: np.ndarray) -> int:
    """Infinities share the outermost bins of the tally with the greatest numbers."""
    left = 0
    for i in range(seen.size):
        seen[left], why[left] = seen[i], why[i]
        left += np.isfinite(seen[i])
    return left


@compiled
def _keep(seen: np.ndarray, why: np.ndarray, kept: np.ndarray, held: int) -> int:
    for i in range(seen.size):
        if why[i] > 1:
            kept[held] = seen[i]
            held += 1
    return held
