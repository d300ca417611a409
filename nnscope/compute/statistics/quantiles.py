"""Median, median absolute deviation and median of non-zero magnitudes, exact or with a proven bound of the error.

Distinct values with counts are sorted (`counted_quantiles`). Of a tensor that streams past, each element is first
known only to lie in an interval, the bin of its tally. But the two middle elements of the lower ends and those of the
upper ends enclose the true ones, and so on for distances from the median and for magnitudes (`Brackets`). The
elements of the few bins that reach into a bracket are looked at once more, and the middle is found among them: the
histogram refined once, down to single elements.

The median of an even number of elements is the mean of the two in the middle, as in `numpy.median`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


def counted_quantiles(values: np.ndarray, counts: np.ndarray) -> Quantiles:
    """Of finite ``values`` that occur ``counts`` times each."""
    if values.size == 0:
        return NONE
    middle = _mean(*middle_pair(values, counts))
    nonzero = values != 0
    mad, size = (
        _mean(*middle_pair(np.abs(values - middle), counts)),
        _mean(*middle_pair(np.abs(values[nonzero]), counts[nonzero])),
    )
    return Quantiles(middle, mad, size)


def middle_pair(values: np.ndarray, counts: np.ndarray) -> Interval:
    """The two elements in the middle (the same twice for an odd number) of ``values`` that occur ``counts`` times each.

    (0, 0) when there is none.
    """
    if not counts.any():
        return 0.0, 0.0
    order = np.argsort(values, kind="stable")
    last = np.cumsum(counts[order])  # rank after the last copy of each value
    n = int(last[-1])
    at = order[np.searchsorted(last, [(n - 1) // 2, n // 2], side="right")]
    return float(values[at[0]]), float(values[at[1]])


@dataclass(frozen=True, slots=True, eq=False)
class Brackets:
    """Intervals that hold the middle elements, and the bins to look into for them.

    Attributes
    ----------
    median, mad, size : (float, float)
        Of the values, their distances from the median, and the magnitudes of those that are not zero.
    finite, nonzero : int
        Numbers of elements.
    open : ndarray of bool
        Which of the bins reach into a bracket.
    below : (int, int, int)
        How many elements of the other bins are below the middle, in each of the three respects.
    """

    median: Interval
    mad: Interval
    size: Interval
    finite: int
    nonzero: int
    open: np.ndarray
    below: tuple[int, int, int]

    @classmethod
    def of(cls, low: np.ndarray, high: np.ndarray, counts: np.ndarray, nonzero: np.ndarray) -> Brackets:
        """From bins [low, high] with ``counts`` elements each (at least one in all), ``nonzero`` of them not zero."""
        median = _enclose(low, high, counts)
        with np.errstate(over="ignore"):
            closest = np.maximum(0.0, np.maximum(low - median[1], median[0] - high))
            farthest = np.maximum(high - median[0], median[1] - low)
        mad = _enclose(closest, farthest, counts)
        smallest, largest = np.maximum(0.0, np.maximum(low, -high)), np.maximum(np.abs(low), np.abs(high))
        size = _enclose(smallest, largest, nonzero)
        spans = ((low, high, median, counts), (closest, farthest, mad, counts), (smallest, largest, size, nonzero))
        reach = np.any([(a <= pair[1]) & (b >= pair[0]) & (c > 0) for a, b, pair, c in spans], axis=0)
        below = [int(c[~reach & (b < pair[0])].sum()) for _, b, pair, c in spans]
        return cls(median, mad, size, int(counts.sum()), int(nonzero.sum()), reach, (below[0], below[1], below[2]))

    def estimate(self) -> Quantiles:
        """The middles of the brackets; the error is half of the widest."""
        median, mad, size = (_mean(*pair) for pair in (self.median, self.mad, self.size))
        return Quantiles(median, mad, size, max((b - a) / 2 for a, b in (self.median, self.mad, self.size)))

    def pick(self, values: np.ndarray) -> Quantiles:
        """The exact quantiles, from all elements of the open bins (1-d, any order)."""
        median = _middle(values.copy(), self.below[0], self.finite)
        with np.errstate(over="ignore"):
            deviations = np.abs(np.subtract(values, median, dtype=np.float64))  # it may lie between two float32 values
        sizes = np.abs(values[values != 0])
        return Quantiles(
            median, _middle(deviations, self.below[1], self.finite), _middle(sizes, self.below[2], self.nonzero)
        )


def _enclose(low: np.ndarray, high: np.ndarray, counts: np.ndarray) -> Interval:
    """An interval that holds both middle elements, each element being known to lie in [low, high] of its bin."""
    return middle_pair(low, counts)[0], middle_pair(high, counts)[1]


def _middle(values: np.ndarray, below: int, n: int) -> float:
    """Median of ``n`` elements: ``below`` lesser ones, ``values`` (reordered here), and greater ones; 0 of none."""
    if n == 0:
        return 0.0
    first, second = (n - 1) // 2 - below, n // 2 - below
    values.partition(second)
    high = float(values[second])
    return high if first == second else _mean(float(values[:second].max()), high)


def _mean(a: float, b: float) -> float:
    return a if a == b else a * 0.5 + b * 0.5
