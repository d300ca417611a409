"""A first sorting of values of any range into many bins, fine where values are close to a pivot.

The bin of x is the upper half of the float32 pattern of x − pivot: sign, exponent and seven bits, which makes 128 bins
per octave on either side of the pivot. Compiled code can afford two bits more (`FINE`), which leaves a quarter of the
elements to be looked at again. However wide the range of the data (one outlier of 1e30 among ones), the bins around a
pivot near the median stay narrow. What is known of an element in a bin is the interval it lies in.

Once the range is known, and most of it is used, even bins are better (`EVEN`, by compiled code alone): their counts
stay in a fast cache, and they are parts of the histogram's bins, which is then known too.
"""

from __future__ import annotations

import sys
from functools import lru_cache

import numpy as np

from nnscope.compute.statistics.histogram import BINS, BinScale

SIZE = 1 << 16  # bins; so far as a table's size is asked for, it tells how fine the bins are
FINE = 1 << 18
EVEN = 1 << 14  # even bins

_MISS = 1e-4  # of a bin of the histogram, beyond what float32 arithmetic may miss an even bin by
_F32_MAX = float(np.finfo(np.float32).max)
_UPPER = 1 if sys.byteorder == "little" else 0


def bin_numbers(values: np.ndarray, pivot: float) -> np.ndarray:
    """The bin (uint16) of each element of a finite 1-d array, float32 or float64; ``pivot`` is a float32 number."""
    with np.errstate(over="ignore", under="ignore"):
        if values.dtype == np.float32:
            distance = values - np.float32(pivot)
        else:
            distance = (values - pivot).clip(-_F32_MAX, _F32_MAX).astype(np.float32)
        if distance.size and not (np.isfinite(distance.min()) and np.isfinite(distance.max())):
            distance = distance.clip(-_F32_MAX, _F32_MAX)
    return distance.view(np.uint16)[_UPPER::2]


def tally(values: np.ndarray, pivot: float) -> np.ndarray:
    """How many elements of a finite 1-d array each bin holds; int64, shape (65536,)."""
    return np.bincount(bin_numbers(values, pivot), minlength=SIZE)


def intervals(
    bins: np.ndarray, pivot: float, extremes: tuple[float, float], size: int = SIZE
) -> tuple[np.ndarray, np.ndarray]:
    """For each of ``bins``, of ``size`` in all, numbers that no element in it is below, and above; float64.

    ``extremes`` are those of the data, which must fall into all of the bins.
    """
    near, far = _distances(size)
    with np.errstate(over="ignore"):
        low, high = np.nextafter(near[bins] + pivot, -np.inf), np.nextafter(far[bins] + pivot, np.inf)
    return np.clip(low, *extremes), np.clip(high, *extremes)


def even_intervals(bins: np.ndarray, scale: BinScale, extremes: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """As `intervals`, for even bins, which are parts of those of ``scale``."""
    low = scale.low + (bins / (EVEN // BINS) - _MISS) * scale.width
    return np.clip(low, *extremes), np.clip(low + (BINS / EVEN + 2 * _MISS) * scale.width, *extremes)


def zero_bins(pivot: float, size: int = SIZE) -> tuple[int, ...]:
    """The bins, of ``size`` in all, of the values +0 and −0."""
    at = int(np.float32(-pivot).view(np.uint32)) // (2**32 // size)
    return (at, at ^ size // 2) if pivot == 0 else (at,)


@lru_cache(maxsize=2)
def _distances(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest x − pivot in each bin, widened by its rounding.

    The outermost bins reach to infinity, as larger distances were clipped into them. Bins of NaN patterns are (0, 0).
    """
    below = 2**32 // size - 1  # what the bins leave of a pattern
    pattern = np.arange(size, dtype=np.uint32) * np.uint32(below + 1)
    with np.errstate(invalid="ignore"):  # patterns of NaN
        near = pattern.view(np.float32).astype(np.float64)  # end of smaller magnitude
        far = (pattern | np.uint32(below)).view(np.float32).astype(np.float64)
    number = np.isfinite(near)
    far = np.where(np.isfinite(far) & (np.abs(far) < _F32_MAX), far, np.copysign(np.inf, near))
    slack = 1 + 2.0**-23
    near, far = np.where(number, near / slack, 0.0), np.where(number, far * slack, 0.0)
    tiny = 2.0**-149 * number  # what rounding to a subnormal may lose
    return np.minimum(near, far) - tiny, np.maximum(near, far) + tiny
