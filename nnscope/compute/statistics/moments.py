"""Counts, extremes and moments of a stream of blocks in one pass, mergeable in any order.

Each chunk of `CHUNK` values gives its sums in float64, of data shifted by the middle of the chunk's range where zero
is not in it (compiled code shifts each block by its first value), so the cancellation in Σ(x−K)² − (Σ(x−K))²/n is
bounded by the chunk's size. Chunks are larger than the cache would like, so that threads seldom meet at the
interpreter's lock: at 2**16 values two threads were slower than one. Sums are dot products of rows too short for BLAS
to start threads of its own (half the time of `numpy.sum`).
Chunks are merged by Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm for computing sample
variances" (1979).

NaN and infinity cost nothing until they occur: the minimum and maximum of a chunk are finite exactly when all of it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

CHUNK = 1 << 20
_ROW = 1 << 11
_ONES = np.ones(_ROW)
HUGE, SMALLER = 1e150, 2.0**-600  # squares of larger values overflow float64; what they are multiplied by


@dataclass(frozen=True, slots=True)
class Moments:
    """Partial statistics of some elements; moments and extremes over the finite ones.

    Attributes
    ----------
    finite, nan, posinf, neginf, zeros, positive : int
    min, max : float
        +inf and −inf when nothing is finite, so that merging needs no special case.
    mean, m2, abs_mean : float
        Mean, sum of squared deviations from it, and mean magnitude.
    """

    finite: int = 0
    nan: int = 0
    posinf: int = 0
    neginf: int = 0
    zeros: int = 0
    positive: int = 0
    min: float = math.inf
    max: float = -math.inf
    mean: float = 0.0
    m2: float = 0.0
    abs_mean: float = 0.0

    @property
    def abs_max(self) -> float:
        """Largest magnitude; −inf when nothing is finite."""
        return max(self.max, -self.min)

    def merge(self, other: Moments) -> Moments:
        """The moments of both sets of elements together."""
        finite = self.finite + other.finite
        share = other.finite / finite if finite else 0.0
        return Moments(
            finite,
            self.nan + other.nan,
            self.posinf + other.posinf,
            self.neginf + other.neginf,
            self.zeros + other.zeros,
            self.positive + other.positive,
            min(self.min, other.min),
            max(self.max, other.max),
            _between(self.mean, other.mean, share),
            self.m2 + other.m2 + _spread(other.mean - self.mean, self.finite * share),
            _between(self.abs_mean, other.abs_mean, share),
        )


@dataclass(frozen=True, slots=True)
class Sums:
    """Over some finite values x, summed as d = x·scale − shift.

    Attributes
    ----------
    scale, shift : float
    low, high : float
        Least and greatest x.
    total, squares : float
        Σd and Σd².
    sizes : float
        Σ|x·scale|; used only where zero is in the range.
    positive, zeros : int
        How many x are that.
    """

    scale: float
    shift: float
    low: float
    high: float
    total: float
    squares: float
    sizes: float
    positive: int
    zeros: int

    def moments(self, n: int) -> Moments:
        """Of the ``n`` values, at least one."""
        mean = (self.shift + self.total / n) / self.scale
        return Moments(
            finite=n,
            zeros=self.zeros,
            positive=self.positive,
            min=self.low,
            max=self.high,
            mean=mean,
            m2=max(self.squares - self.total * self.total / n, 0.0) / self.scale / self.scale,
            abs_mean=self.sizes / n / self.scale if self.low <= 0 <= self.high else abs(mean),
        )


def moments(values: np.ndarray) -> Moments:
    """Moments of a C-contiguous float32 or float64 array of any shape."""
    flat = values.reshape(-1)
    buffer = np.empty(min(CHUNK, -(-flat.size // _ROW) * _ROW))
    total = Moments()
    with np.errstate(all="ignore"):
        for start in range(0, flat.size, CHUNK):
            total = total.merge(_chunk_moments(flat[start : start + CHUNK], buffer))
    return total


def split_odd(flat: np.ndarray) -> tuple[np.ndarray, Moments]:
    """The finite elements of a 1-d array (itself when all are), and the others counted."""
    finite = finite_only(flat)
    if finite is flat:
        return flat, Moments()
    nan, posinf, neginf = (int(np.count_nonzero(odd)) for odd in (flat != flat, flat == math.inf, flat == -math.inf))
    return finite, Moments(nan=nan, posinf=posinf, neginf=neginf)


def finite_only(flat: np.ndarray) -> np.ndarray:
    """The finite elements of a 1-d array: the array itself when all are."""
    with np.errstate(all="ignore"):
        if flat.size == 0 or (np.isfinite(flat.min()) and np.isfinite(flat.max())):
            return flat
        return np.asarray(flat[np.isfinite(flat)])


def _chunk_moments(chunk: np.ndarray, buffer: np.ndarray) -> Moments:
    finite, odd = split_odd(chunk)
    return odd.merge(_sums(finite, buffer).moments(finite.size)) if finite.size else odd


def _sums(chunk: np.ndarray, buffer: np.ndarray) -> Sums:
    n, low, high = chunk.size, float(chunk.min()), float(chunk.max())
    mixed = low <= 0 <= high
    scale = 1.0 if max(high, -low) < HUGE else SMALLER
    shift = 0.0 if mixed else (low * scale + high * scale) / 2
    rows = buffer[: -(-n // _ROW) * _ROW]
    work = rows[:n]
    rows[n:] = 0.0
    np.multiply(chunk, scale, out=work) if scale != 1.0 else np.copyto(work, chunk)
    if shift:
        np.subtract(work, shift, out=work)
    total, squares = _dot(rows, None), _dot(rows, rows)
    if not mixed:
        return Sums(scale, shift, low, high, total, squares, 0.0, n * (low > 0), 0)
    sizes = _dot(np.abs(rows, out=rows), None)
    positive, zeros = int(np.count_nonzero(chunk > 0)), n - int(np.count_nonzero(chunk != 0))
    return Sums(scale, shift, low, high, total, squares, sizes, positive, zeros)


def _dot(a: np.ndarray, b: np.ndarray | None) -> float:
    """a·b, or the sum of a, whose size is a multiple of the row."""
    rows = a.reshape(-1, _ROW)
    return float(np.vecdot(rows, _ONES if b is None else b.reshape(rows.shape)).sum())


def _between(a: float, b: float, share: float) -> float:
    """``a + (b − a)·share``, exact for equal ends and without overflow."""
    step = b - a
    return a + step * share if math.isfinite(step) else a * (1 - share) + b * share


def _spread(delta: float, weight: float) -> float:
    return delta * delta * weight if delta and weight else 0.0
