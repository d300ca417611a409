"""Counts over 256 equal bins of [min, max], and the tally that quantiles of large tensors are read from.

A value x is in bin min(255, ⌊(x − min) / ((max − min)/256)⌋), evaluated in float64; the width is an exact quotient, and
the division rounds correctly, so values on an edge lie in the bin above it. A tensor of one value is in bin 0.

The tally sorts by size of x − pivot as floating point sees it: the upper 16 bits of its float32 pattern, which is a
histogram with 128 bins per octave on either side of the pivot. However wide the range of the data (one outlier of 1e30
among ones), its bins around the median stay narrow; see `nnscope.compute.quantiles`.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnscope.compute.moments import CHUNK

BINS = 256
TALLY = 1 << 16

_F32_MAX = float(np.finfo(np.float32).max)
_UPPER = 1 if sys.byteorder == "little" else 0  # which half of a float32 has sign, exponent and first bits
_PAIRS = 1 << 18  # codes from which counting pairs beats counting codes


@dataclass(frozen=True, slots=True)
class BinScale:
    """The bins of [``low``, ``high``], scaled by a power of two where the plain width would over- or underflow."""

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

    def codes(self, values: np.ndarray, work: np.ndarray) -> np.ndarray:
        """Bin numbers (uint8) of finite ``values`` within the range; ``work`` is float64 of that size."""
        if self.width == 0:
            return np.zeros(values.size, np.uint8)
        np.copyto(work, values)
        if self.factor != 1.0:
            np.multiply(work, self.factor, out=work)
        np.subtract(work, self.low, out=work)
        np.divide(work, self.width, out=work)
        wide = work.astype(np.uint16)
        wide -= wide >> 8  # 256, the code of the maximum itself, belongs to the last bin
        return wide.astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """What the second pass over a tensor counts; add two of them to merge.

    Attributes
    ----------
    bins : ndarray of int64, shape (256,)
    near_zero : int
        Elements with |x| ≤ the threshold.
    tally : ndarray of int64, shape (65536,), or None
        Counts by the upper half of the float32 pattern of x − pivot.
    """

    bins: np.ndarray
    near_zero: int
    tally: np.ndarray | None = None

    def merge(self, other: Histogram) -> Histogram:
        """The counts of both sets of elements together."""
        tally = None if self.tally is None or other.tally is None else self.tally + other.tally
        return Histogram(self.bins + other.bins, self.near_zero + other.near_zero, tally)


def histogram(values: np.ndarray, scale: BinScale, threshold: float, pivot: float | None = None) -> Histogram:
    """Count the elements of a finite, contiguous 1-d array, float32 or float64.

    Parameters
    ----------
    values : ndarray
    scale : BinScale
        Over a range that holds all values.
    threshold : float
        Largest magnitude that counts as near zero.
    pivot : float or None
        Where the tally is finest; None for no tally.
    """
    work = np.empty(min(CHUNK, values.size))
    codes = np.empty(values.size, np.uint8)
    keys = np.empty(0 if pivot is None else values.size, np.float32)
    limit = _round_down(threshold, values.dtype)
    near_zero = 0
    with np.errstate(all="ignore"):
        for start in range(0, values.size, CHUNK):
            chunk = values[start : start + CHUNK]
            part = slice(start, start + chunk.size)
            codes[part] = scale.codes(chunk, work[: chunk.size])
            near_zero += int(np.count_nonzero(np.abs(chunk) <= limit))
            if pivot is not None:
                _keys(chunk, pivot, keys[part])
    tally = None if pivot is None else np.bincount(keys.view(np.uint16)[_UPPER::2], minlength=TALLY)
    return Histogram(count_codes(codes), near_zero, tally)


def finite_only(flat: np.ndarray) -> np.ndarray:
    """The finite elements: the array itself when all are."""
    with np.errstate(all="ignore"):
        if flat.size == 0 or np.isfinite(flat.min()) & np.isfinite(flat.max()):
            return flat
        return np.asarray(flat[np.isfinite(flat)])


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


def tally_edges() -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value (float64) of each of the tally's bins, widened by the rounding of x − pivot.

    The outermost bins reach to infinity, as larger values were clipped into them. Bins of NaN patterns, which stay
    empty, are (0, 0).
    """
    pattern = np.arange(TALLY, dtype=np.uint32) << 16
    with np.errstate(invalid="ignore"):  # patterns of NaN
        near = pattern.view(np.float32).astype(np.float64)  # end of smaller magnitude
        far = (pattern | 0xFFFF).view(np.float32).astype(np.float64)
    number = np.isfinite(near)
    slack = 1 + 2.0**-23
    far = np.where(np.isfinite(far) & (np.abs(far) < _F32_MAX), far, np.copysign(np.inf, near))
    near, far = np.where(number, near / slack, 0.0), np.where(number, far * slack, 0.0)
    tiny = 2.0**-149  # what rounding to a subnormal may lose
    return np.minimum(near, far) - tiny * number, np.maximum(near, far) + tiny * number


def _keys(chunk: np.ndarray, pivot: float, out: np.ndarray) -> None:
    """x − pivot, rounded to float32 and clipped to its range."""
    if chunk.dtype == np.float32:
        np.subtract(chunk, np.float32(pivot), out=out)
        if not (math.isfinite(out.min()) and math.isfinite(out.max())):
            np.clip(out, -_F32_MAX, _F32_MAX, out=out)
        return
    np.copyto(out, np.clip(chunk - pivot, -_F32_MAX, _F32_MAX), casting="same_kind")


def _round_down(threshold: float, dtype: np.dtype) -> Any:
    """The largest number of ``dtype`` that is ≤ ``threshold``: comparing with it is comparing exactly."""
    with np.errstate(over="ignore"):
        rounded = dtype.type(threshold)
    return np.nextafter(rounded, dtype.type(-1)) if float(rounded) > threshold else rounded
