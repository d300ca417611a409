"""Statistics of narrow dtypes from the count of each bit pattern.

A dtype of one or two bytes has at most 65536 different values, so one pass that counts patterns holds all there is to
know: every statistic of methods.md §1, and exact medians at any size, follow from the table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nnscope.compute.decode import to_float
from nnscope.compute.statistics.histogram import count_codes
from nnscope.compute.statistics.moments import Moments


@dataclass(frozen=True, slots=True, eq=False)
class ValueCounts:
    """How often each bit pattern of ``dtype`` (native byte order) occurs.

    Attributes
    ----------
    dtype : dtype
    counts : ndarray of int64, shape (256,) or (65536,)
    """

    dtype: np.dtype
    counts: np.ndarray

    def merge(self, other: ValueCounts) -> ValueCounts:
        """The counts of both sets of elements together."""
        return ValueCounts(self.dtype, self.counts + other.counts)

    def distinct(self) -> tuple[np.ndarray, np.ndarray]:
        """The values that occur (float64, with NaN and infinities), and their counts."""
        width = np.uint8 if self.dtype.itemsize == 1 else np.uint16
        patterns = np.flatnonzero(self.counts)
        values = to_float(patterns.astype(width).view(self.dtype))
        return values.astype(np.float64), self.counts[patterns]


def is_narrow(dtype: np.dtype) -> bool:
    """Whether `count_values` takes this dtype."""
    return dtype.itemsize <= 2 and dtype.kind not in "SUO"


def count_values(block: np.ndarray) -> ValueCounts:
    """Count the bit patterns of a block of any shape."""
    dtype, patterns = patterns_of(block)
    if dtype.itemsize == 1:
        return ValueCounts(dtype, count_codes(patterns))
    return ValueCounts(dtype, np.bincount(patterns, minlength=1 << 16))


def patterns_of(block: np.ndarray) -> tuple[np.dtype, np.ndarray]:
    """The dtype in native byte order, and the patterns, 1-d: uint8 or uint16."""
    dtype = block.dtype.newbyteorder("=")
    flat = np.ascontiguousarray(block, dtype=dtype).reshape(-1)
    return dtype, flat.view(np.uint8 if dtype.itemsize == 1 else np.uint16)


def counted_moments(values: np.ndarray, counts: np.ndarray) -> Moments:
    """Moments of ``values`` (float64, with NaN and infinities) that occur ``counts`` times each."""
    number = np.isfinite(values)
    x, c = values[number], counts[number]
    n = int(c.sum())
    outside = {
        "nan": int(counts[np.isnan(values)].sum()),
        "posinf": int(counts[values == math.inf].sum()),
        "neginf": int(counts[values == -math.inf].sum()),
    }
    if n == 0:
        return Moments(**outside)
    low, high = float(x.min()), float(x.max())
    middle = (low + high) / 2
    times = c.astype(np.float64)  # a product of floats and integers is many times slower
    mean = middle + float((x - middle) @ times) / n
    mixed = low < 0 < high
    return Moments(
        finite=n,
        zeros=int(c[x == 0].sum()),
        positive=int(c[x > 0].sum()),
        min=low,
        max=high,
        mean=mean,
        m2=float(((x - mean) ** 2) @ times),
        abs_mean=float(np.abs(x) @ times) / n if mixed else abs(mean),
        **outside,
    )
