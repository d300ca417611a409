"""Counts over 256 equal bins of [min, max].

A value x is in bin min(255, ⌊(x − min) / ((max − min)/256)⌋), evaluated in float64; the width is an exact quotient, and
the division rounds correctly, so values on an edge lie in the bin above it. A tensor of one value is in bin 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

BINS = 256
_PAIRS = 1 << 18  # codes from which counting pairs beats counting codes


@dataclass(frozen=True, slots=True)
class BinScale:
    """The bins of a range, scaled by a power of two where the plain width would over- or underflow.

    Attributes
    ----------
    low, width : float
        Lower end and width of a bin, both times ``factor``.
    factor : float
    """

    low: float
    width: float
    factor: float

    @classmethod
    def over(cls, low: float, high: float) -> BinScale:
        """The 256 equal bins of a finite range."""
        exponent = math.frexp(max(high, -low))[1]
        factor = 1.0 if -900 < exponent < 1000 else math.ldexp(1.0, max(-1020, min(1020, -exponent)))
        width = (high * factor - low * factor) / BINS
        return cls(low * factor, width, factor)

    def codes(self, values: np.ndarray) -> np.ndarray:
        """Bin numbers (uint8) of finite ``values`` within the range; never falling as values rise."""
        if self.width == 0:
            return np.zeros(values.size, np.uint8)
        work = values.astype(np.float64)
        if self.factor != 1.0:
            work *= self.factor
        work -= self.low
        work /= self.width
        wide = work.astype(np.uint16)
        wide -= wide >> 8  # 256, the code of the maximum itself, belongs to the last bin
        return wide.astype(np.uint8)

    def count(self, values: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """The histogram (int64) of ``values`` that occur ``counts`` times each."""
        bins = np.zeros(BINS, np.int64)
        np.add.at(bins, self.codes(values), counts)
        return bins


def count_codes(codes: np.ndarray) -> np.ndarray:
    """How often each of the 256 values occurs in a contiguous uint8 array; int64.

    Many codes are counted two at a time, as one of 65536 pairs: `numpy.bincount` costs by the number of its inputs.
    """
    if codes.size < _PAIRS:
        return np.bincount(codes, minlength=BINS)
    even = codes.size & ~1
    pairs = np.bincount(codes[:even].view(np.uint16), minlength=BINS * BINS).reshape(BINS, BINS)
    counts: np.ndarray = pairs.sum(axis=0) + pairs.sum(axis=1)
    if even != codes.size:
        counts[codes[-1]] += 1
    return counts
