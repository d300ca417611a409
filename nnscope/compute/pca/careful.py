"""The leading eigenpairs of a covariance, whatever the values: the way that needs no gap, no scale and no finite rows.

Rows with a value that is not finite are left out, values are scaled by a power of two so that their squares stay within
float64, and everything is computed in float64: from the Gram matrix of the shorter side up to `GRAM_SIDE` (features:
XᵀX; samples: XXᵀ), beyond that by subspace iteration with Rayleigh-Ritz (Halko, Martinsson and Tropp 2011), which needs
X only as products with a few columns. X is centred and multiplied band by band and never held in float64 as a whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from nnscope.arrays.backend import to_host
from nnscope.compute.blas_threads import one_thread_each
from nnscope.compute.parallel import map_blocks
from nnscope.compute.pca.samples import spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnscope.compute.pca.samples import SampleReader

T = TypeVar("T")

GRAM_SIDE = 2048  # shorter side up to which its Gram matrix is decomposed
OVERSAMPLING = 10
POWER_ITERATIONS = (3, 12)  # at least, at most
TOLERANCE = 1e-7  # residual of the eigenpairs relative to the largest eigenvalue at which iteration stops
BAND = 1 << 19  # elements of a band


@dataclass(frozen=True, slots=True, eq=False)
class Centred:
    """Samples less their mean, times a power of two that keeps their squares within float64; band by band.

    Attributes
    ----------
    samples : SampleReader
    valid : ndarray of bool, shape (n,)
        Rows whose values are all finite; the others are zero here.
    mean : ndarray of float64, shape (features,)
    factor : float
        The power of two.
    check : callable
        Called between bands; may raise.
    """

    samples: SampleReader
    valid: np.ndarray
    mean: np.ndarray
    factor: float
    check: Callable[[], None]

    @classmethod
    def of(cls, samples: SampleReader, check: Callable[[], None]) -> Centred:
        """Find the rows that are finite, and their mean."""
        n, c = samples.shape
        valid = np.ones(n, bool)
        total, most = np.zeros(c), 0.0
        for rows in spans(n, BAND // max(c, 1)):
            check()
            band = to_host(samples.rows(rows))
            valid[rows] = np.isfinite(band).all(axis=1)
            band = band if valid[rows].all() else band[valid[rows]]
            most = max(most, float(np.abs(band).max(initial=0)))
            total += np.add.reduce(band, axis=0, dtype=np.float64) / max(1, n)
        factor = 1.0 if 1e-100 < most < 1e100 or most == 0 else math.ldexp(1.0, -math.frexp(most)[1])
        return cls(samples, valid, total * (n / max(1, int(np.count_nonzero(valid)))), factor, check)

    def over_rows(self, work: Callable[[slice, np.ndarray], T]) -> Iterator[T]:
        """``work(rows, band)`` for all bands of rows, in order, by a thread per core."""
        n, c = self.samples.shape
        parts = list(spans(n, max(BAND // max(1, c), min(n, c, GRAM_SIDE))))

        def one(number: int) -> T:
            rows = parts[number]
            part = to_host(self.samples.rows(rows))
            return work(rows, self._prepared(part, self.mean, self.valid[rows]))

        return self._each(one, len(parts))

    def over_columns(self, work: Callable[[slice, np.ndarray], T]) -> Iterator[T]:
        """``work(columns, band)``, likewise."""
        n, c = self.samples.shape
        parts = list(spans(c, max(BAND // max(1, n), min(n, c, GRAM_SIDE))))

        def one(number: int) -> T:
            columns = parts[number]
            part = to_host(self.samples.read(slice(None), columns))
            return work(columns, self._prepared(part, self.mean[columns], self.valid))

        return self._each(one, len(parts))

    def _each(self, one: Callable[[int], T], count: int) -> Iterator[T]:
        with one_thread_each():
            for result in map_blocks(one, count):
                self.check()
                yield result

    def _prepared(self, part: np.ndarray, mean: np.ndarray, valid: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            centred = np.subtract(part, mean, dtype=np.float64)
        if self.factor != 1.0:
            centred *= self.factor
        if not valid.all():
            centred[~valid] = 0.0
        return np.asarray(centred)


def leading(data: Centred, k: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Largest eigenvalues of XᵀX (descending, at most k), their eigenvectors as rows, and its trace."""
    n, c = data.samples.shape
    if min(n, c) > GRAM_SIDE:
        return _iterated(data, k)
    if c <= n:
        gram = np.zeros((c, c))
        for part in data.over_rows(lambda rows, band: band.T @ band):
            gram += part
        values, vectors = top_eigenpairs(gram, k)
        return values, vectors.T, float(np.trace(gram))
    gram = np.zeros((n, n))
    for part in data.over_columns(lambda columns, band: band @ band.T):
        gram += part
    values, left = top_eigenpairs(gram, k)
    vectors = np.empty((values.size, c))
    for columns, rows in data.over_columns(lambda columns, band: (columns, left.T @ band)):
        vectors[:, columns] = rows
    return values, _unit(vectors), float(np.trace(gram))


def scores(data: Centred, components: np.ndarray) -> np.ndarray:
    """Coordinates of all rows on ``components`` [k, features]; clipped to float32's range."""
    found = np.empty((data.samples.shape[0], len(components)), np.float32)
    limit = float(np.finfo(np.float32).max)

    def work(rows: slice, band: np.ndarray) -> None:
        with np.errstate(over="ignore", under="ignore"):
            found[rows] = np.clip(band @ components.T / data.factor, -limit, limit)

    for _ in data.over_rows(work):
        pass
    return found


def top_eigenpairs(gram: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest eigenvalues of a symmetric matrix, descending, with eigenvectors as columns."""
    n = len(gram)
    if n == 0:
        return np.zeros(0), np.zeros((0, 0))
    if n <= 32:
        values, vectors = np.linalg.eigh(gram)
    else:
        from scipy.linalg import eigh  # finds some eigenvectors in a third of the time of all

        values, vectors = eigh(gram, subset_by_index=[n - min(k, n), n - 1])
    return values[::-1][:k], vectors[:, ::-1][:, :k]


def _iterated(data: Centred, k: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Subspace iteration; each round reads X once and tells how far its eigenpairs are from true ones."""
    c = data.samples.shape[1]
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((c, k + OVERSAMPLING)))[0]
    for done in range(POWER_ITERATIONS[1] + 1):
        image, trace = np.zeros_like(basis), 0.0
        for part, square in data.over_rows(_there_and_back(basis)):
            image += part
            trace += square
        values, turn = np.linalg.eigh(basis.T @ image)
        values, turn = values[::-1][:k], turn[:, ::-1][:, :k]
        vectors = basis @ turn
        residual = np.linalg.norm(image @ turn - vectors * values, axis=0).max()
        if done >= POWER_ITERATIONS[0] and residual <= TOLERANCE * max(values[0], 0.0):
            break
        basis = np.linalg.qr(image)[0]
    return values, vectors.T, trace


def _there_and_back(basis: np.ndarray) -> Callable[[slice, np.ndarray], tuple[np.ndarray, float]]:
    return lambda rows, band: (band.T @ (band @ basis), float(np.vdot(band, band)))


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length one; rows of zero stay."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0))
