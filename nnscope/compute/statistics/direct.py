"""All statistics of methods.md §1 of few values, with the whole tensor at hand: no passes, no tally, no threads.

`summary` streams; of a tensor with a few thousand values its bookkeeping takes two milliseconds, twenty times as long
as the values do. A recording looks at hundreds of such tensors. Where zeros are half of the values, as behind a ReLU,
they are the median, and nothing has to be ordered to find it.

Oracle: `stats_of_array`, to which every field is equal; of narrow dtypes, which that adds up by value, means but for
the last bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.decode import to_float
from nnscope.compute.statistics.histogram import BINS, BinScale
from nnscope.compute.statistics.moments import moments, split_odd
from nnscope.compute.statistics.quantiles import NONE, Quantiles
from nnscope.compute.statistics.summary import NEAR_ZERO, stats_of_array
from nnscope.core.statistics import TensorStats

if TYPE_CHECKING:
    from nnscope.compute.statistics.moments import Moments

FEW = 1 << 17  # values up to which this is faster


def direct_stats(values: np.ndarray) -> TensorStats:
    """Statistics of an array of any shape and dtype; those of many values as `stats_of_array` has them.

    Raises
    ------
    NnscopeError
        If the dtype holds no numbers.
    """
    if not 0 < values.size <= FEW:
        return stats_of_array(values)
    flat = to_float(values).reshape(-1)
    finite, odd = split_odd(flat)
    if not finite.size:
        return stats_of_array(values)
    found = odd.merge(moments(finite))
    with np.errstate(over="ignore"):
        return _assembled(found, finite)


def _assembled(found: Moments, finite: np.ndarray) -> TensorStats:
    bins = np.bincount(BinScale.over(found.min, found.max).codes(finite), minlength=BINS)
    sizes = np.abs(finite)
    quantiles = _quantiles(finite, sizes, found.zeros, found.positive)
    return TensorStats(
        count=found.finite + found.nan + found.posinf + found.neginf,
        finite=found.finite,
        nan=found.nan,
        posinf=found.posinf,
        neginf=found.neginf,
        zeros=found.zeros,
        near_zero=int(np.count_nonzero(sizes <= NEAR_ZERO * found.abs_max)),
        positive=found.positive,
        min=found.min + 0.0,
        max=found.max + 0.0,
        mean=found.mean,
        variance=found.m2 / found.finite,
        abs_mean=found.abs_mean,
        abs_max=found.abs_max,
        histogram=bins.astype(np.int64, copy=False),
        median=quantiles.median + 0.0,
        mad=quantiles.mad,
        median_abs_nonzero=quantiles.median_abs_nonzero,
    )


def _quantiles(finite: np.ndarray, sizes: np.ndarray, zeros: int, positive: int) -> Quantiles:
    if not finite.size:
        return NONE
    first, second = (finite.size - 1) // 2, finite.size // 2  # ranks of the middle
    negative = finite.size - zeros - positive
    nonzero = sizes[sizes != 0] if zeros else sizes.copy()
    if not negative <= first <= second < negative + zeros:
        median = _middle(finite.copy())
        deviations = np.abs(np.subtract(finite, median, dtype=np.float64))
        return Quantiles(median, _middle(deviations), _middle(nonzero))
    mad = 0.0 if second < zeros else _middle(sizes.copy())
    return Quantiles(0.0, mad, _middle(nonzero))


def _middle(values: np.ndarray) -> float:
    """The median of ``values``, which are reordered; 0 of none."""
    if not values.size:
        return 0.0
    first, second = (values.size - 1) // 2, values.size // 2
    values.partition(second)
    high = float(values[second])
    low = high if first == second else float(values[:second].max())
    return high if low == high else low * 0.5 + high * 0.5
