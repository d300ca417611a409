"""The passes of `nnscope.compute.statistics.summary` over a block: the CPU twins of ``statistics.cu``.

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
PARTS = 64  # into which a bin of the histogram is split
EVEN = 256 * PARTS  # bins of the even tally: their counts stay in the second cache
_SPAN = 1 << 30  # values after which 32-bit counts are put away
_F32_MAX = np.float32(np.finfo(np.float32).max)
_ONE, _NOTHING, _BINS = np.float32(1), np.float32(0), np.float32(256)
_UNSURE = np.uint16(256)  # code of a value whose bin must be worked out exactly
_UNSETTLED = np.uint16(EVEN)  # code of a value whose even bin must be worked out exactly
_PARTS, _EVEN = np.float32(PARTS), np.float32(EVEN)
_DROPPED = np.uint32(14)  # bits of a float32 pattern that tell nothing of its bin


@compiled
def tally_about(values: np.ndarray, pivot: Any, tally: np.ndarray) -> None:
    """Add the finite elements of a block (float32 or float64) to a tally (int64, shape (262144,)) about ``pivot``."""
    distances = np.empty(CHUNK, np.float32)
    finite = np.empty(CHUNK, values.dtype)
    for start in range(0, values.size, CHUNK):
        chunk = values[start : start + CHUNK]
        left = 0
        for i in range(chunk.size):
            finite[left] = chunk[i]
            left += np.isfinite(chunk[i])
        _measure(finite[:left], pivot, distances)
        _count_upper(distances[:left].view(np.uint32), tally)


@compiled
def tally_evenly(
    values: np.ndarray,
    estimate: tuple[Any, Any, Any],
    scale: tuple[float, float, float],
    small: Any,
    tally: np.ndarray,
) -> int:
    """Count the finite elements of a block in even bins, each a `PARTS`-th of a bin of the histogram.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (n,)
    estimate : (float, float, float), of the type of the values
        Lower end and inverse width of a bin of the histogram, and by what share of its place in them arithmetic in
        this type may miss it.
    scale : (float, float, float)
        ``low``, ``width`` and ``factor`` of a `BinScale`.
    small : float, of the type of the values
        Largest magnitude that counts as near zero.
    tally : ndarray of int64, shape (16384,)
        Added to.

    Returns
    -------
    near_zero : int
        Number of elements.
    """
    codes = np.empty(CHUNK, np.uint16)
    counts = np.zeros(1 << 16, np.uint32)  # as many as codes there are, so that none is ever outside
    near_zero = 0
    for start in range(0, values.size, CHUNK):
        chunk = values[start : start + CHUNK]
        near_zero += int(_count_small(chunk, small))
        _place(chunk, estimate, codes)
        _count_fours(codes[: chunk.size], counts)
        if counts[_UNSETTLED] > 0:
            _settle(chunk, codes, scale, counts)
            counts[_UNSETTLED] = 0
        if start % _SPAN == 0:
            tally += counts[:EVEN]
            counts[:] = 0
    tally += counts[:EVEN]
    return near_zero


@compiled
def gather(
    values: np.ndarray,
    estimate: tuple[Any, Any, Any],
    scale: tuple[float, float, float],
    wanted: np.ndarray,
    near: tuple[Any, Any, Any, Any],
    kept: np.ndarray,
) -> int:
    """The elements in some bins of the even tally.

    Parameters
    ----------
    values, estimate, scale
        As for `tally_evenly`.
    wanted : ndarray of bool, shape (16384,)
        Which bins.
    near : (float, float, float, float), of the type of the values
        ``median``, ``mad``, ``size`` and ``reach``: elements in wanted bins are no farther than ``reach`` from the
        median, or their distance from it is no farther from ``mad``, or their magnitude from ``size``.
    kept : ndarray, shape (n,)
        Gets the elements, in order, in the type of the values.

    Returns
    -------
    kept : int
        Number of elements.
    """
    codes = np.empty(CHUNK, np.uint16)
    close = np.zeros(CHUNK, np.uint8)
    seen = np.empty(CHUNK, values.dtype)
    unused = np.empty(1 << 16, np.uint32)
    held = 0
    for start in range(0, values.size, CHUNK):
        chunk = values[start : start + CHUNK]
        _mark_close(chunk, near, close)
        close[chunk.size :] = 0
        found = seen[: _pick_marked(chunk, close, seen)]
        _place(found, estimate, codes)
        _settle(found, codes, scale, unused)
        for i in range(found.size):
            if codes[i] < _UNSETTLED and wanted[codes[i]]:
                kept[held] = found[i]
                held += 1
    return held


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
        As in `nnscope.compute.statistics.outline.Outline`.
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
        for i in range(found.size):
            counts[codes[i]] += 1
        if counts[_UNSURE] > 0:
            _count_unsure(found, codes, scale, counts)
            counts[_UNSURE] = 0
        held = _keep(found, why, kept, held)
    bins += counts[:_UNSURE]
    return near, held


@compiled
def count_patterns(patterns: np.ndarray, recent: np.ndarray, counts: np.ndarray) -> None:
    """How often each pattern occurs.

    Parameters
    ----------
    patterns : ndarray of uint16, shape (n,)
    recent : ndarray of uint32, shape (65537,)
        Added to; the last is how many patterns that were.
    counts : ndarray of int64, shape (65536,)
        What ``recent`` held is added to these before it could overflow.
    """
    for start in range(0, patterns.size, _SPAN):
        part = patterns[start : start + _SPAN]
        if recent[-1] + part.size > 2 * _SPAN:
            counts += recent[:-1]
            recent[:] = 0
        _count_fours(part, recent)
        recent[-1] += np.uint32(part.size)


@compiled
def _count_fours(codes: np.ndarray, counts: np.ndarray) -> None:
    """Count codes (uint16) in ``counts`` (uint32, 65536 or more); four are read at once, as reading limits it."""
    whole = codes.size & ~3
    fours = codes[:whole].view(np.uint64)
    one, low = np.uint32(1), np.uint64(0xFFFF)
    for i in range(fours.size):
        four = fours[i]
        counts[four & low] += one
        counts[(four >> np.uint64(16)) & low] += one
        counts[(four >> np.uint64(32)) & low] += one
        counts[four >> np.uint64(48)] += one
    for i in range(whole, codes.size):
        counts[codes[i]] += one


@compiled
def _place(chunk: np.ndarray, estimate: tuple[Any, Any, Any], codes: np.ndarray) -> None:
    """The even bin of each value, or `_UNSETTLED` where rounding could move it over an edge of the histogram's."""
    first, inverse, miss = estimate
    for i in range(chunk.size):
        place = (chunk[i] - first) * inverse
        sure = abs(place - np.rint(place)) > place * miss
        codes[i] = np.int32(place * _PARTS if sure else _EVEN)


@compiled
def _settle(chunk: np.ndarray, codes: np.ndarray, scale: tuple[float, float, float], counts: np.ndarray) -> None:
    """Give finite values that have no even bin the one next to the edge, on the side that the definition says."""
    low, width, factor = scale
    for i in range(chunk.size):
        if codes[i] == _UNSETTLED and np.isfinite(chunk[i]):
            place = (chunk[i] * factor - low) / width
            bin_number = max(0, min(int(place), 255))
            codes[i] = bin_number * PARTS + (0 if place - bin_number < 0.5 else PARTS - 1)
            counts[codes[i]] += np.uint32(1)


@compiled
def _mark_close(chunk: np.ndarray, near: tuple[Any, Any, Any, Any], close: np.ndarray) -> None:
    """Mark the elements that may be in wanted bins (see `gather`)."""
    median, mad, size, reach = near
    for i in range(chunk.size):
        x = chunk[i]
        d = abs(x - median)
        close[i] = (d <= reach) | (abs(d - mad) <= reach) | (abs(abs(x) - size) <= reach)


@compiled_fast
def _count_small(chunk: np.ndarray, small: Any) -> Any:
    few = _NOTHING
    for i in range(chunk.size):
        few += _ONE if abs(chunk[i]) <= small else _NOTHING
    return few


@compiled
def _pick_marked(chunk: np.ndarray, marks: np.ndarray, seen: np.ndarray) -> int:
    """The elements whose mark is 1, found by eights of marks."""
    eights = marks.view(np.uint64)
    found = np.uint64(0)
    for eight in range(eights.size):
        if eights[eight] != 0:
            for i in range(8 * eight, min(8 * eight + 8, chunk.size)):
                seen[found] = chunk[i]
                found += np.uint64(marks[i])
    return int(found)


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
    """Of the values that have no code yet, the bin by the definition in `nnscope.compute.statistics.histogram`."""
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
