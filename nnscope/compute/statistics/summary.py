"""All statistics of methods.md §1 over one tensor, streamed block by block.

Narrow dtypes (float16, bfloat16, float8, integers up to 16 bits, bool) take one pass that counts bit patterns. The
others take two: the first sums moments and tallies the values, which gives most of the histogram and brackets the
medians; the second looks at the values that the tally left open (`nnscope.compute.statistics.outline`). Large tensors
are looked at by compiled code (`nnscope.compute.statistics.looks`), which finds the range before it tallies: three fast
passes. Blocks are worked on by several threads, and partial results merge in the order of the blocks, so the answer
does not depend on timing.

Oracle: float64 NumPy on the same data.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from nnscope.arrays.backend import to_host
from nnscope.compute.blocks import Blocks
from nnscope.compute.decode import float_dtype
from nnscope.compute.parallel import map_blocks
from nnscope.compute.statistics.histogram import BINS, BinScale
from nnscope.compute.statistics.looks import CompiledLooker, are_usual, looker
from nnscope.compute.statistics.moments import Moments, finite_only
from nnscope.compute.statistics.outline import SecondLook, is_even, outline, outline_evenly
from nnscope.compute.statistics.quantiles import NONE, Quantiles, counted_quantiles
from nnscope.compute.statistics.value_counts import ValueCounts, counted_moments, is_narrow
from nnscope.core.statistics import TensorStats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnscope.compute.statistics.looks import Looker

_NOTHING = SecondLook(np.zeros(BINS, np.int64), 0)


class _Mergeable(Protocol):
    def merge(self, other: Any) -> Any: ...


S = TypeVar("S")
T = TypeVar("T", bound=_Mergeable)

NEAR_ZERO = 1e-6  # share of max|x| up to which an element is near zero

_ZERO = 0.0  # added, makes −0 the zero it compares alike with, whichever was met first
_PIVOT_BLOCKS, _PIVOT_VALUES = 3, 4096


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
        Of one dtype. Wide dtypes are read twice.
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
    if blocks.count == 0:
        return _assemble(Moments(), _NOTHING, NONE, sampled)
    block = blocks.read(0)
    float_dtype(block.dtype)  # refuses what holds no numbers
    if blocks.count == 1:
        blocks = Blocks(1, lambda number: block)
    look = looker(block, blocks.count)
    if is_narrow(block.dtype):
        return _assemble(*_of_counts(_counts(blocks, look, block.dtype, _Counter(blocks.count, progress))), sampled)
    wide = _Wide(blocks, look, component)
    if isinstance(look, CompiledLooker):
        return _assemble(*_three_passes(wide, look, _Counter(3 * blocks.count, progress)), sampled)
    return _assemble(*_two_passes(wide, look, _Counter(2 * blocks.count, progress)), sampled)


def stats_of_array(array: Any, component: str = "abs") -> TensorStats:
    """Statistics of an array in memory, of any shape and dtype: NumPy's, or CuPy's, whose values stay on the device."""
    return statistics(Blocks.of_array(array), component=component)


class _Counter:
    """Tells how far the passes over the blocks are."""

    def __init__(self, total: int, progress: Callable[[int, int], None]) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def follow(self, parts: Iterator[S]) -> Iterator[S]:
        for part in parts:
            self._done += 1
            self._progress(self._done, self._total)
            yield part

    def finish(self) -> None:
        """Tell that what was left need not be done."""
        self._done = self._total
        self._progress(self._done, self._total)


def _merged(parts: Iterator[T]) -> T:
    """All parts, at least one, in one."""
    total = next(parts)
    for part in parts:
        total = total.merge(part)
    return total


def _counts(blocks: Blocks, look: Looker | CompiledLooker, dtype: np.dtype, counter: _Counter) -> ValueCounts:
    """How often each bit pattern of a narrow dtype occurs."""
    parts = counter.follow(map_blocks(lambda i: look.patterns(blocks.read(i)), blocks.count, look.threads))
    if isinstance(look, CompiledLooker) and dtype.itemsize == 2:
        deque(parts, maxlen=0)
        return look.counted(dtype)
    return _merged(part for part in parts if part is not None)


def _of_counts(found: ValueCounts) -> tuple[Moments, SecondLook, Quantiles]:
    values, counts = found.distinct()
    total = counted_moments(values, counts)
    number = np.isfinite(values)
    values, counts = values[number], counts[number]
    if total.finite == 0:
        return total, _NOTHING, NONE
    near_zero = int(counts[np.abs(values) <= NEAR_ZERO * total.abs_max].sum())
    bins = BinScale.over(total.min, total.max).count(values, counts)
    return total, SecondLook(bins, near_zero), counted_quantiles(values, counts)


@dataclass(frozen=True, slots=True)
class _Wide:
    """Blocks as float32 or float64 values, and who looks at them."""

    blocks: Blocks
    look: Looker | CompiledLooker
    component: str

    def values(self, number: int) -> Any:
        """All values of a block, 1-d."""
        return self.look.decode(self.blocks.read(number), self.component)

    def passed(self, work: Callable[[Any], S]) -> Iterator[S]:
        """``work`` on the values of each block."""
        return map_blocks(lambda i: work(self.values(i)), self.blocks.count, self.look.threads)

    def sample(self) -> np.ndarray:
        """A few finite values from a few blocks, sorted, in their type."""
        parts = []
        for number in {i * (self.blocks.count - 1) // (_PIVOT_BLOCKS - 1) for i in range(_PIVOT_BLOCKS)}:
            flat = self.values(number)
            parts.append(finite_only(to_host(flat[:: max(1, flat.size // _PIVOT_VALUES)])))
        return np.sort(np.concatenate(parts))


def _pivot(sample: np.ndarray) -> float:
    """A float32 number near the median: the median of the sample."""
    limit = float(np.finfo(np.float32).max)
    return float(np.float32(np.clip(sample[sample.size // 2], -limit, limit))) if sample.size else 0.0


def _two_passes(wide: _Wide, look: Looker, counter: _Counter) -> tuple[Moments, SecondLook, Quantiles]:
    pivot = _pivot(wide.sample())
    found = _merged(counter.follow(wide.passed(lambda values: look.first(values, pivot))))
    if found.finite == 0:
        return found, _NOTHING, NONE
    known = outline(look.tally(), pivot, (found.min, found.max), found.zeros, NEAR_ZERO * found.abs_max)
    rest = _merged(counter.follow(wide.passed(lambda values: look.second(values, known))))
    total = SecondLook(known.bins, known.near_zero).merge(rest)
    return found, total, known.quantiles(total.kept)


def _three_passes(wide: _Wide, look: CompiledLooker, counter: _Counter) -> tuple[Moments, SecondLook, Quantiles]:
    found = _merged(counter.follow(wide.passed(look.sums)))
    if found.finite == 0:
        return found, _NOTHING, NONE
    sample, extremes, threshold = wide.sample(), (found.min, found.max), NEAR_ZERO * found.abs_max
    scale = BinScale.over(*extremes)
    if are_usual(scale) and is_even(sample, extremes):
        near_zero = sum(counter.follow(wide.passed(lambda values: look.tally_evenly(values, scale, threshold))))
        even = outline_evenly(look.even_tally(), scale, extremes, (look.zero_bin(scale, sample.dtype), found.zeros))
        total = SecondLook(even.bins, near_zero)
        if not even.wanted.any():
            counter.finish()
            return found, total, even.quantiles(())
        kept = tuple(counter.follow(wide.passed(lambda values: look.gather(values, even))))
        return found, total, even.quantiles(kept)
    pivot = _pivot(sample)
    deque(counter.follow(wide.passed(lambda values: look.tally_about(values, pivot))), maxlen=0)
    known = outline(look.tally(), pivot, extremes, found.zeros, threshold)
    rest = _merged(counter.follow(wide.passed(lambda values: look.second(values, known))))
    return found, SecondLook(known.bins, known.near_zero).merge(rest), known.quantiles(rest.kept)


def _assemble(found: Moments, counted: SecondLook, quantiles: Quantiles, sampled: float) -> TensorStats:
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
        min=math.nan if nothing else found.min + _ZERO,
        max=math.nan if nothing else found.max + _ZERO,
        mean=math.nan if nothing else found.mean,
        variance=math.nan if nothing else found.m2 / found.finite,
        abs_mean=math.nan if nothing else found.abs_mean,
        abs_max=math.nan if nothing else found.abs_max,
        histogram=counted.bins,
        median=quantiles.median if nothing else quantiles.median + _ZERO,
        mad=quantiles.mad,
        median_abs_nonzero=quantiles.median_abs_nonzero,
        quantile_error=quantiles.error,
        sampled=sampled,
    )
