"""Two looks at a tensor: what its tally tells of the histogram and the medians, and what the second look must add.

Once the range is known, so is the interval of values in each bin of the tally. Most of these intervals lie within one
bin of the histogram, within or beyond the threshold of near zero, and outside the brackets of the medians: the elements
in them are counted without being looked at again. The second look finds the others, an eighth of a bell-shaped tensor
(a thirtieth where the bins are fine), by the same bins, and counts or keeps them one by one. As the bin of the
histogram never falls as values rise, the result is the definition's to the last element.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnscope.compute.histogram import BINS, BinScale
from nnscope.compute.moments import CHUNK
from nnscope.compute.quantiles import Brackets, Quantiles
from nnscope.compute.tally import bin_numbers, intervals, zero_bins

GATHER_MOST = 1 << 24  # elements kept for the medians; with more, their brackets are the answer
COUNT, KEEP = 1, 2  # why a bin of the tally is looked into again


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """What is known after the first pass.

    Attributes
    ----------
    pivot : float
        Of the tally.
    scale : BinScale
    threshold : float
        Largest magnitude that counts as near zero.
    brackets : Brackets
    wanted : ndarray of uint8, as many as bins
        For each bin of the tally 0, or the sum of COUNT and, where its elements may be those of a median, KEEP.
    bins : ndarray of int64, shape (256,)
        The histogram of the elements in bins that are not wanted.
    near_zero : int
        How many of these are near zero.
    """

    pivot: float
    scale: BinScale
    threshold: float
    brackets: Brackets
    wanted: np.ndarray
    bins: np.ndarray
    near_zero: int

    def quantiles(self, kept: tuple[np.ndarray, ...]) -> Quantiles:
        """Medians, from what the second pass kept."""
        if not (self.wanted & KEEP).any():
            return self.brackets.estimate()
        return self.brackets.pick(np.concatenate(kept))


@dataclass(frozen=True, slots=True, eq=False)
class SecondLook:
    """What is counted and kept; merge to add.

    Attributes
    ----------
    bins : ndarray of int64, shape (256,)
        The histogram.
    near_zero : int
    kept : tuple of ndarray
        Elements of the bins marked KEEP.
    """

    bins: np.ndarray
    near_zero: int
    kept: tuple[np.ndarray, ...] = ()

    def merge(self, other: SecondLook) -> SecondLook:
        """Both together."""
        return SecondLook(self.bins + other.bins, self.near_zero + other.near_zero, self.kept + other.kept)


def outline(tally: np.ndarray, pivot: float, extremes: tuple[float, float], zeros: int, threshold: float) -> Outline:
    """Count what the tally tells, and bracket the medians.

    Parameters
    ----------
    tally : ndarray of int64, shape (65536,) or (262144,)
        Of at least one element, about ``pivot``.
    extremes : (float, float)
        Least and greatest value.
    zeros : int
        How many values are zero.
    threshold : float
        Largest magnitude that counts as near zero.
    """
    used = np.flatnonzero(tally)
    low, high = intervals(used, pivot, extremes, tally.size)
    counts = tally[used]
    brackets = Brackets.of(low, high, counts, counts - _zeros_in(used, counts, zero_bins(pivot, tally.size), zeros))
    keep = brackets.open & (int(counts[brackets.open].sum()) <= GATHER_MOST)
    scale = BinScale.over(*extremes)
    codes = scale.codes(low)
    least, greatest = np.maximum(0.0, np.maximum(low, -high)), np.maximum(-low, high)
    near = greatest <= threshold
    known = (codes == scale.codes(high)) & (near | (least > threshold)) & ~keep
    wanted = np.zeros(tally.size, np.uint8)
    wanted[used] = np.where(keep, COUNT + KEEP, np.where(known, 0, COUNT))
    bins = np.zeros(BINS, np.int64)
    np.add.at(bins, codes[known], counts[known])
    return Outline(pivot, scale, threshold, brackets, wanted, bins, int(counts[known & near].sum()))


def second_look(values: np.ndarray, first: Outline) -> SecondLook:
    """Look at a finite 1-d array, float32 or float64, again."""
    total = SecondLook(np.zeros(BINS, np.int64), 0)
    limit = round_down(first.threshold, values.dtype)
    for start in range(0, values.size, CHUNK):
        chunk = values[start : start + CHUNK]
        why = first.wanted[bin_numbers(chunk, first.pivot)]
        seen = chunk[why > 0]
        bins = np.bincount(first.scale.codes(seen), minlength=BINS)
        total = total.merge(SecondLook(bins, int(np.count_nonzero(np.abs(seen) <= limit)), (chunk[why >= KEEP],)))
    return total


def round_down(x: float, dtype: np.dtype) -> Any:
    """The largest number of ``dtype`` that is ≤ ``x``: comparing with it is comparing exactly."""
    with np.errstate(over="ignore", under="ignore"):
        rounded = dtype.type(x)
        return np.nextafter(rounded, dtype.type(-np.inf)) if float(rounded) > x else rounded


def _zeros_in(used: np.ndarray, counts: np.ndarray, bins: tuple[int, ...], zeros: int) -> np.ndarray:
    """How many zeros each bin holds."""
    found = np.zeros_like(counts)
    for number in bins:
        at = used == number
        found[at] = np.minimum(zeros, counts[at])
        zeros -= int(found[at].sum())
    return found
