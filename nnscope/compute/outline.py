"""Two looks at a tensor: what a tally tells of its medians, and what a second pass over the values must add.

The second pass counts the histogram, whose range is known by then, and keeps the few elements in those bins of the
tally that reach into a bracket of a median. These bins form a few runs of neighbours, so an element is found by
comparing it with the ends of the runs, at a nanosecond for each; its bin is worked out for those few only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnscope.compute.histogram import BinScale, count_codes
from nnscope.compute.moments import CHUNK
from nnscope.compute.quantiles import Brackets, Quantiles
from nnscope.compute.tally import SIZE, bin_numbers, intervals, zero_bins

GATHER_MOST = 1 << 24  # elements kept for the medians; with more, their brackets are the answer


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
    open : ndarray of bool, shape (65536,)
        Bins of the tally whose elements are kept.
    runs : tuple of (float, float)
        Ranges of values that hold all elements of the open bins, and some of their neighbours.
    """

    pivot: float
    scale: BinScale
    threshold: float
    brackets: Brackets
    open: np.ndarray
    runs: tuple[tuple[float, float], ...]

    def quantiles(self, kept: tuple[np.ndarray, ...]) -> Quantiles:
        """Medians, from what the second pass kept."""
        return self.brackets.pick(np.concatenate(kept)) if self.runs else self.brackets.estimate()


@dataclass(frozen=True, slots=True, eq=False)
class SecondLook:
    """What the second pass finds; merge to add.

    Attributes
    ----------
    bins : ndarray of int64, shape (256,)
        The histogram.
    near_zero : int
    kept : tuple of ndarray
        Elements of the open bins.
    """

    bins: np.ndarray
    near_zero: int
    kept: tuple[np.ndarray, ...] = ()

    def merge(self, other: SecondLook) -> SecondLook:
        """Both together."""
        return SecondLook(self.bins + other.bins, self.near_zero + other.near_zero, self.kept + other.kept)


def outline(tally: np.ndarray, pivot: float, extremes: tuple[float, float], zeros: int, threshold: float) -> Outline:
    """Bracket the medians.

    Parameters
    ----------
    tally : ndarray of int64, shape (65536,)
        Of at least one element, about ``pivot``.
    extremes : (float, float)
        Least and greatest value.
    zeros : int
        How many values are zero.
    threshold : float
        Largest magnitude that counts as near zero.
    """
    used = np.flatnonzero(tally)
    low, high = intervals(used, pivot, extremes)
    counts = tally[used]
    brackets = Brackets.of(low, high, counts, counts - _zeros_in(used, counts, pivot, zeros))
    keep = brackets.open & (int(counts[brackets.open].sum()) <= GATHER_MOST)
    kept_bins = np.zeros(SIZE, bool)
    kept_bins[used] = keep
    return Outline(pivot, BinScale.over(*extremes), threshold, brackets, kept_bins, _runs(low, high, keep))


def second_look(values: np.ndarray, first: Outline) -> SecondLook:
    """Look at a finite 1-d array, float32 or float64, again."""
    codes = np.empty(values.size, np.uint8)
    kept, near_zero = [], 0
    limit = _round_down(first.threshold, values.dtype)
    for start in range(0, values.size, CHUNK):
        chunk = values[start : start + CHUNK]
        codes[start : start + CHUNK] = first.scale.codes(chunk)
        near_zero += int(np.count_nonzero(np.abs(chunk) <= limit))
        kept.append(_among(chunk, first))
    return SecondLook(count_codes(codes), near_zero, tuple(kept))


def _among(chunk: np.ndarray, first: Outline) -> np.ndarray:
    """The elements of open bins."""
    inside = np.zeros(chunk.size, bool)
    for low, high in first.runs:
        inside |= (chunk >= _round_down(low, chunk.dtype)) & (chunk <= -_round_down(-high, chunk.dtype))
    some = chunk[inside]
    return np.asarray(some[first.open[bin_numbers(some, first.pivot)]])


def _runs(low: np.ndarray, high: np.ndarray, keep: np.ndarray) -> tuple[tuple[float, float], ...]:
    """The ranges of neighbouring bins [low, high] that are kept."""
    order = np.argsort(low, kind="stable")
    edges = np.flatnonzero(np.diff(np.concatenate([[False], keep[order], [False]]).astype(np.int8)))
    runs = edges.reshape(-1, 2)  # first and one past the last of each
    return tuple((float(low[order[a]]), float(high[order[a:b]].max())) for a, b in runs)


def _zeros_in(used: np.ndarray, counts: np.ndarray, pivot: float, zeros: int) -> np.ndarray:
    """How many zeros each bin holds."""
    found = np.zeros_like(counts)
    for number in zero_bins(pivot):
        at = used == number
        found[at] = np.minimum(zeros, counts[at])
        zeros -= int(found[at].sum())
    return found


def _round_down(x: float, dtype: np.dtype) -> Any:
    """The largest number of ``dtype`` that is ≤ ``x``: comparing with it is comparing exactly."""
    with np.errstate(over="ignore", under="ignore"):
        rounded = dtype.type(x)
        return np.nextafter(rounded, dtype.type(-np.inf)) if float(rounded) > x else rounded
