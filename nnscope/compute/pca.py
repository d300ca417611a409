"""Principal components of samples × features, and their scores as colours (methods.md §3).

The samples are centred; scores are U·Σ. How the components are found depends on the shape only: from the Gram matrix of
the shorter side up to `GRAM_SIDE` (features: XᵀX; samples: XXᵀ), beyond that by subspace iteration with Rayleigh-Ritz
(Halko, Martinsson and Tropp 2011), which needs X only as products with a few columns. Either way X is
centred and multiplied band by band in float64 and never held in it as a whole.

Signs: the loading of largest magnitude of each component is positive. Over time `align` turns the components towards
those of the frame before (orthogonal Procrustes, Schönemann 1966), so that colours don't flicker. Components beyond the
rank are zero. Samples with a feature that is not finite take no part, and their scores are zero.

Oracle: sklearn.decomposition.PCA(svd_solver="full").
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

GRAM_SIDE = 2048  # shorter side up to which its Gram matrix is decomposed
OVERSAMPLING = 10
POWER_ITERATIONS = (3, 12)  # at least, at most
TOLERANCE = 1e-7  # residual of the eigenpairs relative to the largest eigenvalue at which iteration stops

_RANK_TOLERANCE = 2.0**-44  # of the largest eigenvalue: rounding of float32 data, squared
_BAND = 1 << 20  # elements of a band


@dataclass(frozen=True, slots=True, eq=False)
class Pca:
    """The first k principal components of n samples.

    Attributes
    ----------
    scores : ndarray of float32, shape (n, k)
        Coordinates of the samples; zero for samples that took no part and for missing components.
    components : ndarray of float64, shape (k, features)
        Orthonormal rows; zero where a component is missing.
    mean : ndarray of float64, shape (features,)
    explained_variance : ndarray of float64, shape (k,)
        Variance of the scores, over n − 1 as in scikit-learn.
    explained_ratio : ndarray of float64, shape (k,)
        Share of the total variance.
    rank : int
        Number of components that are not missing, at most k.
    valid : ndarray of bool, shape (n,)
        Samples that took part: all features finite.
    """

    scores: np.ndarray
    components: np.ndarray
    mean: np.ndarray
    explained_variance: np.ndarray
    explained_ratio: np.ndarray
    rank: int
    valid: np.ndarray


def pca(x: np.ndarray, k: int = 3) -> Pca:
    """Principal components of the rows of ``x``.

    Parameters
    ----------
    x : ndarray of float, shape (samples, features)
    k : int
        Number of components.
    """
    data = _Centred.of(x)
    n = int(np.count_nonzero(data.valid))
    values, vectors, total = _decompose(data, k)
    found = values > max(values[:1].max(initial=0.0), 0.0) * _RANK_TOLERANCE
    rank = int(np.count_nonzero(found))
    components = np.zeros((k, x.shape[1]))
    components[:rank] = _signed(vectors[:rank])
    variance = np.zeros(k)
    variance[:rank] = values[:rank] / max(n - 1, 1)
    ratio = variance * max(n - 1, 1) / total if total > 0 else np.zeros(k)
    with np.errstate(over="ignore", under="ignore"):
        variance = variance / data.factor / data.factor
    return Pca(_scores(data, components), components, data.mean, variance, ratio, rank, data.valid)


def align(result: Pca, previous: np.ndarray) -> Pca:
    """The same subspace with its axes turned as near as can be to those of ``previous``.

    Parameters
    ----------
    result : Pca
    previous : ndarray, shape (k, features)
        `Pca.components` of the frame before. Variances become those along the turned axes.
    """
    r = result.rank
    if r == 0:
        return result
    u, _, vt = np.linalg.svd(previous[:r] @ result.components[:r].T)
    turn = np.eye(len(result.components))
    turn[:r, :r] = u @ vt
    along = turn**2  # variances of uncorrelated coordinates after a rotation
    return replace(
        result,
        scores=(result.scores @ turn.T).astype(np.float32),
        components=turn @ result.components,
        explained_variance=along @ result.explained_variance,
        explained_ratio=along @ result.explained_ratio,
    )


def score_limits(scores: np.ndarray, quantiles: tuple[float, float] | None = (0.01, 0.99)) -> np.ndarray:
    """Lowest and highest score that is mapped to a colour, shape (2, k).

    Parameters
    ----------
    scores : ndarray, shape (samples, k)
    quantiles : (float, float) or None
        Shares of the samples; None for the minimum and maximum.
    """
    if not len(scores):
        return np.zeros((2, scores.shape[-1]))
    return np.asarray(np.quantile(scores, quantiles or (0.0, 1.0), axis=0), np.float64)


def scores_to_rgb(scores: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Scores as colours: each component linearly from 0 at its lower to 255 at its upper limit.

    Parameters
    ----------
    scores : ndarray, shape (…, 3)
    limits : ndarray, shape (2, 3)
        As of `score_limits`. A component whose limits are equal, such as a missing one, is 0 everywhere.

    Returns
    -------
    ndarray of uint8, shape (…, 3)
    """
    low, high = np.asarray(limits, np.float64)
    span = high - low
    scale = np.divide(255.0, span, out=np.zeros_like(span), where=span > 0)
    return np.asarray(np.rint(np.clip((scores - low) * scale, 0, 255)), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class _Centred:
    """``x`` less its mean, times a power of two that keeps its squares within float64; band by band."""

    x: np.ndarray
    valid: np.ndarray
    mean: np.ndarray
    factor: float

    @classmethod
    def of(cls, x: np.ndarray) -> _Centred:
        """Find the rows that are finite, and their mean."""
        valid = np.ones(len(x), bool)
        total, most = np.zeros(x.shape[1]), 0.0
        for rows in _spans(len(x), x.shape[1]):
            band = x[rows]
            valid[rows] = np.isfinite(band).all(axis=1)
            band = band if valid[rows].all() else band[valid[rows]]
            most = max(most, float(np.abs(band).max(initial=0)))
            total += np.add.reduce(band, axis=0, dtype=np.float64) / max(1, len(x))
        factor = 1.0 if 1e-100 < most < 1e100 or most == 0 else math.ldexp(1.0, -math.frexp(most)[1])
        return cls(x, valid, total * (len(x) / max(1, int(np.count_nonzero(valid)))), factor)

    def rows(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Bands of rows in float64; rows that take no part are zero."""
        for rows in _spans(*self.x.shape):
            yield rows, self._prepare(self.x[rows], self.mean, self.valid[rows])

    def columns(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Bands of columns, likewise."""
        for cols in _spans(*self.x.shape[::-1]):
            yield cols, self._prepare(self.x[:, cols], self.mean[cols], self.valid)

    def _prepare(self, part: np.ndarray, mean: np.ndarray, valid: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            centred = np.subtract(part, mean, dtype=np.float64)
        if self.factor != 1.0:
            centred *= self.factor
        if not valid.all():
            centred[~valid] = 0.0
        return np.asarray(centred)


def _spans(n: int, other: int) -> Iterator[slice]:
    step = max(1, _BAND // max(1, other))
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def _decompose(data: _Centred, k: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Largest eigenvalues of XᵀX (descending, at most k), their eigenvectors as rows, and its trace."""
    n, c = data.x.shape
    if min(n, c) > GRAM_SIDE:
        return _iterate(data, k)
    if c <= n:
        gram = np.zeros((c, c))
        for _, band in data.rows():
            gram += band.T @ band
        values, vectors = _top(gram, k)
        return values, vectors.T, float(np.trace(gram))
    gram = np.zeros((n, n))
    for _, band in data.columns():
        gram += band @ band.T
    values, left = _top(gram, k)
    vectors = np.empty((values.size, c))
    for cols, band in data.columns():
        vectors[:, cols] = left.T @ band
    return values, _unit(vectors), float(np.trace(gram))


def _top(gram: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest eigenvalues, descending, with eigenvectors as columns."""
    n = len(gram)
    if n == 0:
        return np.zeros(0), np.zeros((0, 0))
    if n <= 64:
        values, vectors = np.linalg.eigh(gram)
    else:
        from scipy.linalg import eigh  # finds some eigenvectors in a third of the time of all

        values, vectors = eigh(gram, subset_by_index=[n - min(k, n), n - 1])
    return values[::-1][:k], vectors[:, ::-1][:, :k]


def _iterate(data: _Centred, k: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Subspace iteration; each round reads X once and tells how far its eigenpairs are from true ones."""
    c = data.x.shape[1]
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((c, k + OVERSAMPLING)))[0]
    for done in range(POWER_ITERATIONS[1] + 1):
        image, trace = np.zeros_like(basis), 0.0
        for _, band in data.rows():
            image += band.T @ (band @ basis)
            trace += float(np.vdot(band, band))
        values, turn = np.linalg.eigh(basis.T @ image)
        values, turn = values[::-1][:k], turn[:, ::-1][:, :k]
        vectors = basis @ turn
        residual = np.linalg.norm(image @ turn - vectors * values, axis=0).max()
        if done >= POWER_ITERATIONS[0] and residual <= TOLERANCE * max(values[0], 0.0):
            break
        basis = np.linalg.qr(image)[0]
    return values, vectors.T, trace


def _scores(data: _Centred, components: np.ndarray) -> np.ndarray:
    scores = np.empty((len(data.x), len(components)), np.float32)
    limit = float(np.finfo(np.float32).max)
    for rows, band in data.rows():
        with np.errstate(over="ignore", under="ignore"):
            scores[rows] = np.clip(band @ components.T / data.factor, -limit, limit)
    return scores


def _signed(vectors: np.ndarray) -> np.ndarray:
    """Each row with its entry of largest magnitude positive."""
    if not vectors.size:
        return vectors
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    return np.where(largest < 0, -vectors, vectors)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length one; rows of zero stay."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0))
