"""Two looks at a tensor: what its tally tells of the histogram and the medians, and what the second look must add.

Once the range is known, so is the interval of values in each bin of the tally. Most of these intervals lie within one
bin of the histogram, within or beyond the threshold of near zero, and outside the brackets of the medians: the elements
in them are counted without being looked at again. The second look finds the others, an eighth of a bell-shaped tensor
(a thirtieth where the bins are fine), by the same bins, and counts or keeps them one by one. As the bin of the
histogram never falls as values rise, the result is the definition's to the last element.

Where the tally is even, it gives the whole histogram, and the second look only finds the medians, which in tensors of
more than `GATHER_MOST` elements are told by their brackets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnscope.compute.statistics.histogram import BINS, BinScale
from nnscope.compute.statistics.moments import CHUNK
from nnscope.compute.statistics.quantiles import Brackets, Quantiles
from nnscope.compute.statistics.tally import EVEN, bin_numbers, even_intervals, intervals, zero_bins

_EVEN_SHARE = 1 / 16  # of a sample that may lie about the medians, for even bins to tell them apart
_FAR = 128  # how many times the range the magnitudes may be, for float32 to tell even bins apart
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
class EvenOutline:
    """What is known after an even tally.

    Attributes
    ----------
    scale : BinScale
    brackets : Brackets
    wanted : ndarray of bool, shape (16384,)
        The bins whose elements may be those of a median.
    reach : float
        How far from a middle of the brackets elements of these are, at most; −1 where none is wanted.
    bins : ndarray of int64, shape (256,)
        The histogram.
    """

    scale: BinScale
    brackets: Brackets
    wanted: np.ndarray
    reach: float
    bins: np.ndarray

    def quantiles(self, kept: tuple[np.ndarray, ...]) -> Quantiles:
        """Medians, from what the second look kept."""
        return self.brackets.pick(np.concatenate(kept)) if self.wanted.any() else self.brackets.estimate()


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


def is_even(sample: np.ndarray, extremes: tuple[float, float]) -> bool:
    """Whether even bins tell the medians apart, as a sorted sample has it."""
    low, high = extremes
    if not sample.size or max(high, -low) > _FAR * (high - low):
        return False
    sample = sample.astype(np.float64)
    median = sample[sample.size // 2]
    spans = [np.abs(sample - median), np.abs(sample)]
    about = [spans[0], *(np.abs(span - np.median(span)) for span in spans)]
    return bool(np.mean(np.min(about, axis=0) <= 2 * (high - low) / EVEN) <= _EVEN_SHARE)


def outline_evenly(
    tally: np.ndarray, scale: BinScale, extremes: tuple[float, float], zeros: tuple[int, int]
) -> EvenOutline:
    """Sum the tally up, and bracket the medians.

    Parameters
    ----------
    tally : ndarray of int64, shape (16384,)
        Of at least one element, by ``scale``.
    scale : BinScale
        Over ``extremes``.
    extremes : (float, float)
        Least and greatest value.
    zeros : (int, int)
        The bin of zero, and how many values are zero.
    """
    used = np.flatnonzero(tally)
    low, high = even_intervals(used, scale, extremes)
    counts = tally[used]
    brackets = Brackets.of(low, high, counts, counts - np.where(used == zeros[0], zeros[1], 0))
    keep = brackets.open & (int(counts.sum()) <= GATHER_MOST)
    wanted = np.zeros(EVEN, bool)
    wanted[used[keep]] = True
    estimate = brackets.estimate()
    reach = _reach(low[keep], high[keep], (estimate.median, estimate.mad, estimate.median_abs_nonzero)) + 1e-6 * max(
        extremes[1], -extremes[0]
    )
    bins = tally.reshape(BINS, -1).sum(axis=1)
    return EvenOutline(scale, brackets, wanted, reach if keep.any() else -1.0, bins)


def _reach(low: np.ndarray, high: np.ndarray, middles: tuple[float, float, float]) -> float:
    """The distance from a middle, the least for each interval, within which all of it lies; the greatest of them.

    The distance of a distance from ``mad`` rises and falls once more where x is the median, and so for magnitudes.
    """
    median, mad, size = middles
    ends = np.array([low, high])
    about = [
        np.abs(ends - median).max(axis=0),
        np.maximum(np.abs(np.abs(ends - median) - mad).max(axis=0), mad * ((low < median) & (median < high))),
        np.maximum(np.abs(np.abs(ends) - size).max(axis=0), size * ((low < 0) & (high > 0))),
    ]
    return float(np.min(about, axis=0).max(initial=0.0))


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
