"""Median, median absolute deviation and median of non-zero magnitudes, exact or with a proven bound of the error.

Values at hand are partitioned (`exact_quantiles`), distinct values with counts are sorted (`counted_quantiles`). A
tensor that streams past is tallied first (`nnscope.compute.histogram`): each element is then only known to lie in its
bin, but the median of the lower ends and that of the upper ends enclose the true one, and so on for distances and
magnitudes (`Brackets`). One more pass gathers the few elements inside the brackets and counts those below, and
the middle element is found among them: the histogram refined once, down to single elements.

The median of an even number of elements is the mean of the two in the middle, as in `numpy.median`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from nnscope.compute.histogram import tally_edges

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Robust location and scales of a tensor's finite values.

    Attributes
    ----------
    median, mad : float
        NaN when there is no finite value.
    median_abs_nonzero : float
        0 when all finite values are zero.
    error : float
        Bound of the error of all three; 0 when they are exact.
    """

    median: float
    mad: float
    median_abs_nonzero: float
    error: float = 0.0


NONE = Quantiles(np.nan, np.nan, np.nan)


def exact_quantiles(values: np.ndarray) -> Quantiles:
    """Of all finite values, float32 or float64, 1-d; ``values`` is not changed."""
    if values.size == 0:
        return NONE
    middle = _middle(values.copy(), 0, values.size)
    sizes = np.abs(values[values != 0])
    deviations = np.subtract(values, middle, dtype=np.float64)  # the middle may lie between two float32 values
    mad = _middle(np.abs(deviations, out=deviations), 0, values.size)
    return Quantiles(middle, mad, _middle(sizes, 0, sizes.size))


def counted_quantiles(values: np.ndarray, counts: np.ndarray) -> Quantiles:
    """Of finite ``values`` that occur ``counts`` times each."""
    if values.size == 0:
        return NONE
    middle = weighted_median(values, counts)
    nonzero = values != 0
    size = weighted_median(np.abs(values[nonzero]), counts[nonzero]) if nonzero.any() else 0.0
    return Quantiles(middle, weighted_median(np.abs(values - middle), counts), size)


def weighted_median(values: np.ndarray, counts: np.ndarray) -> float:
    """Median of ``values`` (any order, at least one) that occur ``counts`` times each."""
    return _mean(*_middle_pair(values, counts))


@dataclass(frozen=True, slots=True)
class Brackets:
    """Intervals that hold the middle elements: of the values, their distances from the median, and their magnitudes.

    Attributes
    ----------
    median, mad, size : (float, float)
    finite, nonzero : int
        Numbers of elements.
    inside : int
        At least as many elements as `gather` will find inside any one of the brackets.
    """

    median: Interval
    mad: Interval
    size: Interval
    finite: int
    nonzero: int
    inside: int

    def estimate(self) -> Quantiles:
        """The middles of the brackets; the error is half of the widest."""
        median, mad, size = (_mean(*pair) for pair in (self.median, self.mad, self.size))
        error = max((b - a) / 2 for a, b in (self.median, self.mad, self.size))
        return Quantiles(median, mad, size, error)


def brackets(tally: np.ndarray, pivot: float, extremes: Interval, zeros: int) -> Brackets:
    """What a tally (of `nnscope.compute.histogram.Histogram`) tells.

    Parameters
    ----------
    tally : ndarray of int64, shape (65536,)
        With at least one element.
    pivot : float
    extremes : (float, float)
        Least and greatest value.
    zeros : int
        How many values are zero.
    """
    used = np.flatnonzero(tally)
    counts = tally[used]
    near, far = _edges()
    low = np.clip(np.nextafter(near[used] + pivot, -np.inf), *extremes)
    high = np.clip(np.nextafter(far[used] + pivot, np.inf), *extremes)
    median = _enclose(low, high, counts)
    closest = np.maximum(0.0, np.maximum(low - median[1], median[0] - high))
    farthest = np.maximum(high - median[0], median[1] - low)
    mad = _enclose(closest, farthest, counts)
    smallest, largest = np.maximum(0.0, np.maximum(low, -high)), np.maximum(np.abs(low), np.abs(high))
    size = _enclose(smallest, largest, _without_zeros(tally, pivot, zeros)[used])
    spans = ((low, high, median), (closest, farthest, mad), (smallest, largest, size))
    inside = max(int(counts[(a <= pair[1]) & (b >= pair[0])].sum()) for a, b, pair in spans)
    finite = int(counts.sum())
    return Brackets(median, mad, size, finite, finite - zeros, inside)


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """Elements inside brackets, and how many are below each; merge to join.

    Attributes
    ----------
    values, around, sizes : ndarray
        Inside the brackets of the median, of the distances from it, and of the magnitudes.
    below : ndarray of int64, shape (3,)
    """

    values: np.ndarray
    around: np.ndarray
    sizes: np.ndarray
    below: np.ndarray

    def merge(self, *others: Gathered) -> Gathered:
        """Everything gathered together."""
        every = (self, *others)
        return Gathered(
            np.concatenate([one.values for one in every]),
            np.concatenate([one.around for one in every]),
            np.concatenate([one.sizes for one in every]),
            np.sum([one.below for one in every], axis=0),
        )

    def quantiles(self, within: Brackets) -> Quantiles:
        """The exact quantiles; everything must be gathered."""
        below = self.below.tolist()
        median = _middle(self.values.copy(), below[0], within.finite)
        deviations = np.abs(np.subtract(self.around, median, dtype=np.float64))
        return Quantiles(
            median,
            _middle(deviations, below[1], within.finite),
            _middle(self.sizes.copy(), below[2], within.nonzero),
        )


def gather(values: np.ndarray, within: Brackets) -> Gathered:
    """The elements of a finite 1-d array, float32 or float64, that lie inside brackets."""
    (m0, m1), (d0, d1), (s0, s1) = within.median, within.mad, within.size
    down, up = _Safe(values.dtype, -np.inf), _Safe(values.dtype, np.inf)
    low = values < down(m0)
    middle = ~low & (values <= up(m1))
    close = (values > up(m1 - d0)) & (values < down(m0 + d0))  # surely nearer to the median than its bracket
    around = (values >= down(m0 - d1)) & (values <= up(m1 + d1)) & ~close
    sizes = np.abs(values)
    small = sizes < max(down(s0), values.dtype.type(0))
    sized = ~small & (sizes <= up(s1)) & (values != 0)
    below = [np.count_nonzero(low), np.count_nonzero(close), np.count_nonzero(small & (values != 0))]
    return Gathered(values[middle], values[around], sizes[sized], np.array(below, np.int64))


def _enclose(low: np.ndarray, high: np.ndarray, counts: np.ndarray) -> Interval:
    """An interval that holds both middle elements, each element being known to lie in [low, high] of its bin."""
    if not counts.any():
        return 0.0, 0.0
    return _middle_pair(low, counts)[0], _middle_pair(high, counts)[1]


def _middle_pair(values: np.ndarray, counts: np.ndarray) -> Interval:
    """The two elements in the middle (the same twice for an odd number)."""
    order = np.argsort(values, kind="stable")
    last = np.cumsum(counts[order])  # rank after the last copy of each value
    n = int(last[-1])
    at = order[np.searchsorted(last, [(n - 1) // 2, n // 2], side="right")]
    return float(values[at[0]]), float(values[at[1]])


def _middle(values: np.ndarray, below: int, n: int) -> float:
    """Median of ``n`` elements of which ``below`` are less than all ``values`` (reordered here); 0 of none."""
    if n == 0:
        return 0.0
    first, second = (n - 1) // 2 - below, n // 2 - below
    values.partition(second)
    high = float(values[second])
    return high if first == second else _mean(float(values[:second].max()), high)


def _without_zeros(tally: np.ndarray, pivot: float, zeros: int) -> np.ndarray:
    """The tally without the elements that are zero: their bin is that of −pivot, or two of them for a pivot of zero."""
    left = tally.copy()
    at = int(np.float32(-pivot).view(np.uint32)) >> 16
    for key in (at, at ^ 0x8000) if pivot == 0 else (at,):
        taken = min(zeros, int(left[key]))
        left[key] -= taken
        zeros -= taken
    return left


@lru_cache(maxsize=1)
def _edges() -> tuple[np.ndarray, np.ndarray]:
    return tally_edges()


class _Safe:
    """Turns a float into a number of ``dtype`` on its ``side``: comparing with that stays on the safe side."""

    def __init__(self, dtype: np.dtype, side: float) -> None:
        self._type, self._side = dtype.type, dtype.type(side)

    def __call__(self, x: float) -> Any:
        with np.errstate(over="ignore"):
            return np.nextafter(self._type(x), self._side)


def _mean(a: float, b: float) -> float:
    return a if a == b else a * 0.5 + b * 0.5
