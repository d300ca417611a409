"""All statistics of methods.md §1 over one tensor, streamed block by block.

Narrow dtypes (float16, bfloat16, float8, integers up to 16 bits, bool) take one pass that counts bit patterns. The
others take a pass for the moments and one for the histogram over the range just found; with more than one block also a
tally in the same pass, which brackets the medians, and a third pass that finds them inside the brackets. Blocks are
worked on by several threads, and partial results merge in the order of the blocks, so the answer does not depend on
timing.

Oracle: float64 NumPy on the same data.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from nnscope.compute.blocks import Blocks
from nnscope.compute.decode import float_dtype, to_float
from nnscope.compute.histogram import BINS, BinScale, Histogram, finite_only, histogram
from nnscope.compute.moments import Moments, moments
from nnscope.compute.parallel import map_blocks
from nnscope.compute.quantiles import (
    NONE,
    Brackets,
    Quantiles,
    brackets,
    counted_quantiles,
    exact_quantiles,
    gather,
)
from nnscope.compute.value_counts import (
    ValueCounts,
    count_values,
    counted_histogram,
    counted_moments,
    is_narrow,
)
from nnscope.core.statistics import TensorStats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Mergeable(Protocol):
    def merge(self, other: Any) -> Any: ...


S = TypeVar("S")
T = TypeVar("T", bound=_Mergeable)

EXACT_BELOW = 1 << 24  # elements inside the brackets of the medians up to which they are gathered
NEAR_ZERO = 1e-6  # share of max|x| up to which an element is near zero

_PIVOT_BLOCKS, _PIVOT_VALUES = 8, 4096


def statistics(
    blocks: Blocks,
    *,
    sampled: float = 1.0,
    component: str = "abs",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TensorStats:
    """Statistics over the elements of ``blocks``.

    Parameters
    ----------
    blocks : Blocks
        Of one dtype. Wide dtypes are read up to three times.
    sampled : float
        Share of the tensor that the blocks cover, in (0, 1]; written into the result.
    component : {"abs", "real", "imag"}
        What stands for a complex value.
    progress : callable
        Called as ``progress(done, total)`` between blocks; may raise `Cancelled`.

    Raises
    ------
    NnscopeError
        If the dtype holds no numbers.
    """
    counter = _Counter(blocks.count, progress)
    parts = counter.follow(map_blocks(lambda i: _first_pass(blocks.read(i), component), blocks.count))
    found = _merged(parts) or Moments()
    if isinstance(found, ValueCounts):
        return _assemble(*_of_counts(found), sampled)
    if found.finite == 0:
        return _assemble(found, Histogram(np.zeros(BINS, np.int64), 0), NONE, sampled)
    return _assemble(found, *_second_pass(blocks, found, component, counter), sampled)


def stats_of_array(array: Any, component: str = "abs") -> TensorStats:
    """Statistics of an array in memory (NumPy or CuPy), of any shape and dtype."""
    return statistics(Blocks.of_array(array), component=component)


class _Counter:
    """Tells how far three passes over the blocks are."""

    def __init__(self, count: int, progress: Callable[[int, int], None]) -> None:
        self._done, self._total, self._progress = 0, 3 * count, progress

    def follow(self, parts: Iterator[S]) -> Iterator[S]:
        for part in parts:
            self._done += 1
            self._progress(self._done, self._total)
            yield part


def _merged(parts: Iterator[T]) -> T | None:
    """All parts in one; None of none."""
    total: T | None = None
    for part in parts:
        total = part if total is None else total.merge(part)
    return total


def _first_pass(block: np.ndarray, component: str) -> Moments | ValueCounts:
    float_dtype(block.dtype)  # refuses what holds no numbers
    if is_narrow(block.dtype):
        return count_values(block)
    return moments(to_float(block, component))


def _of_counts(found: ValueCounts) -> tuple[Moments, Histogram, Quantiles]:
    values, counts = found.distinct()
    total = counted_moments(values, counts)
    number = np.isfinite(values)
    values, counts = values[number], counts[number]
    if total.finite == 0:
        return total, Histogram(np.zeros(BINS, np.int64), 0), NONE
    scale = BinScale.over(total.min, total.max)
    bins = counted_histogram(values, counts, scale, NEAR_ZERO * total.abs_max)
    return total, bins, counted_quantiles(values, counts)


def _second_pass(blocks: Blocks, found: Moments, component: str, counter: _Counter) -> tuple[Histogram, Quantiles]:
    read = partial(_finite_block, blocks, component)
    pivot = _pivot(blocks, component) if blocks.count > 1 else None
    scale, threshold = BinScale.over(found.min, found.max), NEAR_ZERO * found.abs_max
    parts = map_blocks(lambda i: histogram(read(i), scale, threshold, pivot), blocks.count)
    counted = _merged(counter.follow(parts))
    assert counted is not None  # something was finite
    if pivot is None or counted.tally is None:
        return counted, exact_quantiles(read(0))
    within = brackets(counted.tally, pivot, (found.min, found.max), found.zeros)
    return counted, _third_pass(read, blocks.count, within, counter)


def _third_pass(read: Callable[[int], np.ndarray], count: int, within: Brackets, counter: _Counter) -> Quantiles:
    if within.inside > EXACT_BELOW:
        return within.estimate()
    first, *others = counter.follow(map_blocks(lambda i: gather(read(i), within), count))
    return first.merge(*others).quantiles(within)


def _finite_block(blocks: Blocks, component: str, number: int) -> np.ndarray:
    return finite_only(to_float(blocks.read(number), component).reshape(-1))


def _pivot(blocks: Blocks, component: str) -> float:
    """A float32 number near the median: the median of a few values from a few blocks."""
    which = np.unique(np.linspace(0, blocks.count - 1, _PIVOT_BLOCKS).astype(int))
    parts = []
    for number in which:
        flat = _finite_block(blocks, component, int(number))
        parts.append(flat[:: max(1, flat.size // _PIVOT_VALUES)])
    sample = np.concatenate(parts)
    limit = float(np.finfo(np.float32).max)
    return float(np.float32(np.clip(np.median(sample), -limit, limit))) if sample.size else 0.0


def _assemble(found: Moments, counted: Histogram, quantiles: Quantiles, sampled: float) -> TensorStats:
    nothing = found.finite == 0
    outside = found.nan + found.posinf + found.neginf
    return TensorStats(
        count=found.finite + outside,
        finite=found.finite,
        nan=found.nan,
        posinf=found.posinf,
        neginf=found.neginf,
        zeros=found.zeros,
        near_zero=counted.near_zero,
        positive=found.positive,
        min=math.nan if nothing else found.min,
        max=math.nan if nothing else found.max,
        mean=math.nan if nothing else found.mean,
        variance=math.nan if nothing else found.m2 / found.finite,
        abs_mean=math.nan if nothing else found.abs_mean,
        abs_max=math.nan if nothing else found.abs_max,
        histogram=counted.bins,
        median=quantiles.median,
        mad=quantiles.mad,
        median_abs_nonzero=quantiles.median_abs_nonzero,
        quantile_error=quantiles.error,
        sampled=sampled,
    )
