"""Who looks at the blocks of a tensor: NumPy, or code compiled for it, which has a cost of its own to begin with, or
the device that it lives on.

All give the same: counts and extremes to the last one, sums to their rounding. Which of them looks depends on the
size of the tensor alone, so an answer never depends on what ran before.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nnscope.arrays.backend import namespace
from nnscope.compute.decode import to_float
from nnscope.compute.statistics.histogram import BINS, BinScale
from nnscope.compute.statistics.looks_device import DeviceLooker
from nnscope.compute.statistics.moments import HUGE, SMALLER, Moments, Sums, finite_only, moments, split_odd
from nnscope.compute.statistics.outline import SecondLook, round_down, second_look
from nnscope.compute.statistics.tally import EVEN, FINE, SIZE, tally
from nnscope.compute.statistics.value_counts import ValueCounts, count_values, patterns_of

if TYPE_CHECKING:
    from nnscope.compute.statistics.outline import EvenOutline, Outline

COMPILED_FROM = (1 << 22) + 1  # elements; the import of Numba costs what NumPy needs for forty million

_USUAL = 1e-30, 1e30  # widths of bins whose inverse float32 holds
_MISSED = {np.dtype(np.float32): 2e-7, np.dtype(np.float64): 1e-15}  # share of a place; beyond three roundings
_SURE = {np.dtype(np.float32): 5e-5, np.dtype(np.float64): 1e-9}  # bins; beyond 256 times three roundings


Triple = tuple[float, float, float]


class Looker(Protocol):
    """Looks at blocks: of a narrow dtype once, of float32 or float64 (1-d, as `decode` gives them) twice."""

    @property
    def threads(self) -> int | None:
        """How many threads may call it; None for one for each CPU."""

    def decode(self, block: Any, component: str) -> Any:
        """The values of a block as float32 or float64, 1-d."""

    def patterns(self, block: np.ndarray) -> ValueCounts:
        """How often each bit pattern of a narrow dtype occurs."""

    def first(self, values: np.ndarray, pivot: float) -> Moments:
        """Moments; the finite values are tallied about ``pivot``."""

    def tally(self) -> np.ndarray:
        """The tally of all blocks so far; int64, shape (65536,) or (262144,)."""

    def second(self, values: np.ndarray, known: Outline) -> SecondLook:
        """What the tally left open."""


class Tables:
    """A table of counts for each thread, so that threads add without waiting and blocks leave nothing to merge."""

    def __init__(self, size: int, dtype: type[np.integer] = np.int64) -> None:
        self._size, self._dtype, self._local, self._lock = size, dtype, threading.local(), threading.Lock()
        self._tables: list[np.ndarray] = []

    def mine(self) -> np.ndarray:
        """This thread's table, shape (size,)."""
        if not hasattr(self._local, "table"):
            self._local.table = np.zeros(self._size, self._dtype)
            with self._lock:
                self._tables.append(self._local.table)
        table: np.ndarray = self._local.table
        return table

    def total(self) -> np.ndarray:
        """All tables in one, int64; call it when the threads are done."""
        return np.asarray(sum(self._tables, np.zeros(self._size, np.int64)))


class NumpyLooker:
    """The definition."""

    threads = None

    def __init__(self) -> None:
        self._tables = Tables(SIZE)

    def decode(self, block: Any, component: str) -> Any:
        """The values of a block as float32 or float64, 1-d."""
        return to_float(block, component).reshape(-1)

    def patterns(self, block: np.ndarray) -> ValueCounts:
        """How often each bit pattern of a narrow dtype occurs."""
        return count_values(block)

    def first(self, values: np.ndarray, pivot: float) -> Moments:
        """Moments; the finite values are tallied about ``pivot``."""
        table = self._tables.mine()
        table += tally(finite_only(values), pivot)
        return moments(values)

    def tally(self) -> np.ndarray:
        """The tally of all blocks so far."""
        return self._tables.total()

    def second(self, values: np.ndarray, known: Outline) -> SecondLook:
        """What the tally left open."""
        return second_look(finite_only(values), known)


class CompiledLooker:
    """By `nnscope.arrays.kernels.statistics` and `nnscope.arrays.kernels.moments`, whose import this makes.

    Wide values are looked at three times: for the sums and the range, for a tally, which may so be an even one, and for
    what that left open, if it matters.
    """

    threads = None

    def __init__(self) -> None:
        from nnscope.arrays.kernels import moments as sums
        from nnscope.arrays.kernels import statistics as kernels

        self._kernels, self._sum_kernels = kernels, sums
        self._tables, self._even = Tables(FINE), Tables(EVEN)
        self._patterns, self._recent = Tables(SIZE), Tables(SIZE + 1, np.uint32)

    def decode(self, block: Any, component: str) -> Any:
        """The values of a block as float32 or float64, 1-d."""
        return to_float(block, component).reshape(-1)

    def patterns(self, block: np.ndarray) -> ValueCounts | None:
        """How often each bit pattern of a narrow dtype occurs; None where `counted` tells it of all blocks."""
        if block.dtype.itemsize == 1:
            return count_values(block)
        self._kernels.count_patterns(patterns_of(block)[1], self._recent.mine(), self._patterns.mine())
        return None

    def counted(self, dtype: np.dtype) -> ValueCounts:
        """The patterns of two bytes of all blocks so far."""
        counts = self._patterns.total() + self._recent.total()[:SIZE]
        return ValueCounts(dtype.newbyteorder("="), counts)

    def sums(self, values: np.ndarray) -> Moments:
        """Moments."""
        sums = self._sums(values)
        if sums is not None:
            return sums.moments(values.size)
        finite, odd = split_odd(values)
        sums = self._sums(finite)
        return odd if sums is None else odd.merge(sums.moments(finite.size))

    def tally_about(self, values: np.ndarray, pivot: float) -> None:
        """Tally the finite values about ``pivot``."""
        self._kernels.tally_about(values, values.dtype.type(pivot), self._tables.mine())

    def tally_evenly(self, values: np.ndarray, scale: BinScale, threshold: float) -> int:
        """Tally the finite values, which are in the range of ``scale``, in even bins; how many are near zero."""
        small, ways = round_down(threshold, values.dtype), _evenly(scale, values.dtype)
        return int(self._kernels.tally_evenly(values, *ways, small, self._even.mine()))

    def tally(self) -> np.ndarray:
        """The tally about the pivot of all blocks so far; int64, shape (262144,)."""
        return self._tables.total()

    def even_tally(self) -> np.ndarray:
        """The even tally of all blocks so far; int64, shape (16384,)."""
        return self._even.total()

    def zero_bin(self, scale: BinScale, dtype: np.dtype) -> int:
        """The even bin of zero, which is in the range."""
        tally = np.zeros(EVEN, np.int64)
        self._kernels.tally_evenly(np.zeros(1, dtype), *_evenly(scale, dtype), dtype.type(0), tally)
        return int(tally.argmax())

    def second(self, values: np.ndarray, known: Outline) -> SecondLook:
        """What the tally about the pivot left open."""
        dtype, scale = values.dtype, known.scale
        bins, kept = np.zeros(BINS, np.int64), np.empty_like(values)
        limits = np.finfo(dtype).max, round_down(known.threshold, dtype)
        near_zero, held = self._kernels.second_look(
            values, dtype.type(known.pivot), known.wanted, limits, _bounds(scale), _estimate(known, dtype), bins, kept
        )
        return SecondLook(bins, near_zero, (kept[:held].copy(),))

    def gather(self, values: np.ndarray, known: EvenOutline) -> np.ndarray:
        """The values that the even tally left open."""
        kind, middles = values.dtype.type, known.brackets.estimate()
        near = kind(middles.median), kind(middles.mad), kind(middles.median_abs_nonzero), kind(known.reach)
        kept = np.empty_like(values)
        held = self._kernels.gather(values, *_evenly(known.scale, values.dtype), known.wanted, near, kept)
        return kept[:held].copy()

    def _sums(self, values: np.ndarray) -> Sums | None:
        """None when there is no value, or one that is not finite."""
        if not values.size:
            return None
        low, high, *sums = self._sums_of(values)
        patterns, scale = np.dtype(f"i{values.dtype.itemsize}"), 1.0
        low, high = (_number(key, patterns, values.dtype) for key in (low, high))
        if not (math.isfinite(low) and math.isfinite(high)):
            return None
        if max(high, -low) >= HUGE:
            scale = SMALLER
            _, _, total, squares, sizes, *_ = self._sums_of(values * scale)
            sums[:3] = total, squares, sizes
        return Sums(scale, float(values[0] * scale), low, high, *sums)

    def _sums_of(self, values: np.ndarray) -> tuple[Any, ...]:
        size = values.dtype.itemsize
        patterns = values.view(f"i{size}"), values.view(f"u{size}")
        return self._sum_kernels.sums_of(values, *patterns, float(values[0]))


def looker(block: Any, count: int) -> Looker | CompiledLooker:
    """Who looks at a tensor of ``count`` blocks like this one."""
    xp = namespace(block)
    if xp is not np:
        return DeviceLooker(xp)
    return CompiledLooker() if count * block.size >= COMPILED_FROM else NumpyLooker()


def _estimate(known: Outline, dtype: np.dtype) -> tuple[float, float, float]:
    """How a bin is told by arithmetic in ``dtype``, for `second_look` of the kernels."""
    kind, scale = dtype.type, known.scale
    if are_usual(scale):
        return kind(scale.low), kind(1 / scale.width), kind(_SURE[dtype])
    return kind(0), kind(0), kind(1)


def are_usual(scale: BinScale) -> bool:
    """Whether arithmetic in float32 tells bins."""
    return scale.factor == 1.0 and _USUAL[0] < scale.width < _USUAL[1]


def _bounds(scale: BinScale) -> Triple:
    return scale.low, scale.width, scale.factor


def _evenly(scale: BinScale, dtype: np.dtype) -> tuple[Triple, Triple]:
    """How an even bin is told by arithmetic in ``dtype``, and by the definition."""
    kind = dtype.type
    return (kind(scale.low), kind(1 / scale.width), kind(_MISSED[dtype])), _bounds(scale)


def _number(key: int, patterns: np.dtype, dtype: np.dtype) -> float:
    """The number with this key (see `sums_of` of the kernels)."""
    pattern = key ^ int(np.iinfo(patterns).max) if key < 0 else key
    return float(np.array(pattern, patterns).view(dtype))
