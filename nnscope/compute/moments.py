"""Counts, extremes and moments of a stream of blocks in one pass, mergeable in any order.

Each chunk of `CHUNK` values gives its sums in float64, of data shifted by the middle of the chunk's range where zero
is not in it, so the cancellation in Σ(x−K)² − (Σ(x−K))²/n is bounded by the chunk's size. Chunks are larger than the
cache would like, so that threads seldom meet at the interpreter's lock: at 2**16 values two threads were slower than
one. Sums are dot products of rows too short for BLAS to start threads of its own (half the time of `numpy.sum`).
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
_HUGE = 1e150  # squares of larger values overflow float64


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


def moments(values: np.ndarray) -> Moments:
    """Moments of a C-contiguous float32 or float64 array of any shape."""
    flat = values.reshape(-1)
    buffer = np.empty(min(CHUNK, -(-flat.size // _ROW) * _ROW))
    total = Moments()
    with np.errstate(all="ignore"):
        for start in range(0, flat.size, CHUNK):
            total = total.merge(_chunk_moments(flat[start : start + CHUNK], buffer))
    return total


def finite_only(flat: np.ndarray) -> np.ndarray:
    """The finite elements of a 1-d array: the array itself when all are."""
    with np.errstate(all="ignore"):
        if flat.size == 0 or (np.isfinite(flat.min()) and np.isfinite(flat.max())):
            return flat
        return np.asarray(flat[np.isfinite(flat)])


def _chunk_moments(chunk: np.ndarray, buffer: np.ndarray) -> Moments:
    low, high = float(chunk.min()), float(chunk.max())
    if math.isfinite(low) and math.isfinite(high):
        return _finite_moments(chunk, low, high, buffer)
    rest = finite_only(chunk)
    counts = Moments(
        nan=int(np.count_nonzero(chunk != chunk)),
        posinf=int(np.count_nonzero(chunk == math.inf)),
        neginf=int(np.count_nonzero(chunk == -math.inf)),
    )
    return counts.merge(_finite_moments(rest, float(rest.min()), float(rest.max()), buffer)) if rest.size else counts


def _finite_moments(chunk: np.ndarray, low: float, high: float, buffer: np.ndarray) -> Moments:
    n = chunk.size
    mixed = low <= 0 <= high
    scale = 1.0 if max(high, -low) < _HUGE else 2.0**-600
    shift = 0.0 if mixed else (low * scale + high * scale) / 2
    rows = buffer[: -(-n // _ROW) * _ROW]
    work = rows[:n]
    rows[n:] = 0.0
    np.multiply(chunk, scale, out=work) if scale != 1.0 else np.copyto(work, chunk)
    if shift:
        np.subtract(work, shift, out=work)
    total, squares = _dot(rows, None), _dot(rows, rows)
    mean = (shift + total / n) / scale
    m2 = max(squares - total * total / n, 0.0) / scale / scale
    abs_mean = _dot(np.abs(rows, out=rows), None) / n / scale if mixed else abs(mean)
    return Moments(
        finite=n,
        zeros=n - int(np.count_nonzero(chunk != 0)) if mixed else 0,
        positive=int(np.count_nonzero(chunk > 0)) if mixed else n * (low > 0),
        min=low,
        max=high,
        mean=mean,
        m2=m2,
        abs_mean=abs_mean,
    )


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
