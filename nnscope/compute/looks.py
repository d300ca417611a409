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
from nnscope.compute.histogram import BINS
from nnscope.compute.looks_device import DeviceLooker
from nnscope.compute.moments import HUGE, SMALLER, Moments, Sums, finite_only, moments, split_odd
from nnscope.compute.outline import SecondLook, round_down, second_look
from nnscope.compute.tally import FINE, SIZE, tally
from nnscope.compute.value_counts import ValueCounts, count_values, patterns_of

if TYPE_CHECKING:
    from nnscope.compute.outline import Outline

COMPILED_FROM = (1 << 22) + 1  # elements; the import of Numba costs what NumPy needs for forty million

_USUAL = 1e-30, 1e30  # widths of bins whose inverse float32 holds
_SURE = {np.dtype(np.float32): 5e-5, np.dtype(np.float64): 1e-9}  # bins; beyond 256 times three roundings


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

    def __init__(self, size: int) -> None:
        self._size, self._local, self._lock = size, threading.local(), threading.Lock()
        self._tables: list[np.ndarray] = []

    def mine(self) -> np.ndarray:
        """This thread's table, int64, shape (size,)."""
        if not hasattr(self._local, "table"):
            self._local.table = np.zeros(self._size, np.int64)
            with self._lock:
                self._tables.append(self._local.table)
        table: np.ndarray = self._local.table
        return table

    def total(self) -> np.ndarray:
        """All tables in one; call it when the threads are done."""
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
    """By `nnscope.arrays.kernels.statistics`, whose import this makes."""

    threads = None

    def __init__(self) -> None:
        from nnscope.arrays.kernels import statistics as kernels

        self._kernels = kernels
        self._tables = Tables(FINE)

    def decode(self, block: Any, component: str) -> Any:
        """The values of a block as float32 or float64, 1-d."""
        return to_float(block, component).reshape(-1)

    def patterns(self, block: np.ndarray) -> ValueCounts:
        """How often each bit pattern of a narrow dtype occurs."""
        if block.dtype.itemsize == 1:
            return count_values(block)
        dtype, patterns = patterns_of(block)
        counts = np.zeros(SIZE, np.int64)
        self._kernels.count_patterns(patterns, counts)
        return ValueCounts(dtype, counts)

    def first(self, values: np.ndarray, pivot: float) -> Moments:
        """Moments; the finite values are tallied about ``pivot``."""
        sums = self._sums(values, pivot)
        if sums is not None:
            return sums.moments(values.size)
        finite, odd = split_odd(values)
        sums = self._sums(finite, pivot)
        return odd if sums is None else odd.merge(sums.moments(finite.size))

    def tally(self) -> np.ndarray:
        """The tally of all blocks so far."""
        return self._tables.total()

    def second(self, values: np.ndarray, known: Outline) -> SecondLook:
        """What the tally left open."""
        dtype, scale = values.dtype, known.scale
        bins, kept = np.zeros(BINS, np.int64), np.empty_like(values)
        limits = np.finfo(dtype).max, round_down(known.threshold, dtype)
        bounds = (scale.low, scale.width, scale.factor)
        near_zero, held = self._kernels.second_look(
            values, dtype.type(known.pivot), known.wanted, limits, bounds, _estimate(known, dtype), bins, kept
        )
        return SecondLook(bins, near_zero, (kept[:held].copy(),))

    def _sums(self, values: np.ndarray, pivot: float) -> Sums | None:
        """None when there is no value, or one that is not finite."""
        if not values.size:
            return None
        with np.errstate(invalid="ignore"):
            low, high = float(values.min()), float(values.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            return None
        scale = 1.0 if max(high, -low) < HUGE else SMALLER
        shift = float(values[0]) * scale
        sums = self._kernels.first_look(values, scale, shift, values.dtype.type(pivot), self._tables.mine())
        return Sums(scale, shift, low, high, *sums)


def looker(block: Any, count: int) -> Looker:
    """Who looks at a tensor of ``count`` blocks like this one."""
    xp = namespace(block)
    if xp is not np:
        return DeviceLooker(xp)
    return CompiledLooker() if count * block.size >= COMPILED_FROM else NumpyLooker()


def _estimate(known: Outline, dtype: np.dtype) -> tuple[float, float, float]:
    """How a bin is told by arithmetic in ``dtype``, for `second_look` of the kernels."""
    kind, scale = dtype.type, known.scale
    if scale.factor == 1.0 and _USUAL[0] < scale.width < _USUAL[1]:
        return kind(scale.low), kind(1 / scale.width), kind(_SURE[dtype])
    return kind(0), kind(0), kind(1)
