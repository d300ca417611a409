"""Principal components of samples × features, and their scores as colours (methods.md §3).

The samples are centred; scores are U·Σ. The components are found by the quickest way that can show how far it is from
the truth (`nnscope.compute.pca.certified`: a Gram matrix or block Krylov passes in the precision of the data, by shape;
angle ≤ 8e-4 by Davis and Kahan), else by the careful one (`nnscope.compute.pca.careful`: float64, any values). Samples
that don't fit into memory are read band by band through a `SampleReader`.

Signs: the loading of largest magnitude of each component is positive. Over time `align` turns the components towards
those of the frame before (orthogonal Procrustes, Schönemann 1966), so that colours don't flicker; given as ``start``,
they also save passes. Components beyond the rank are zero. Samples with a feature that is not finite take no part, and
their scores are zero.

Oracle: sklearn.decomposition.PCA(svd_solver="full").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.compute.pca.careful import Centred, leading, scores
from nnscope.compute.pca.certified import Leading, Problem, certified, signs
from nnscope.compute.pca.samples import SampleReader

if TYPE_CHECKING:
    from collections.abc import Callable

_GREATEST = float(np.finfo(np.float64).max) / 2  # of a variance: turning axes stays in range
_RANK_TOLERANCE = 2.0**-44  # of the largest eigenvalue: rounding of float32 data, squared


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
        Variance of the scores, over n − 1 as in scikit-learn; at most half of what float64 holds.
    explained_ratio : ndarray of float64, shape (k,)
        Share of the total variance.
    rank : int
        Number of components that are not missing, at most k.
    valid : ndarray of bool, shape (n,)
        Samples that took part: all features finite.
    angle : float
        Bound of the angle between the subspace and the true one, radians; 0 where float64's careful way was taken.
    passes : int
        Over all samples that the quick way needed; 0 for the careful one.
    """

    scores: np.ndarray
    components: np.ndarray
    mean: np.ndarray
    explained_variance: np.ndarray
    explained_ratio: np.ndarray
    rank: int
    valid: np.ndarray
    angle: float = 0.0
    passes: int = 0


def pca(x: Any, k: int = 3, start: np.ndarray | None = None, check: Callable[[], None] = lambda: None) -> Pca:
    """Principal components of the rows of ``x``.

    Parameters
    ----------
    x : array of a real dtype, shape (samples, features), or SampleReader
        NumPy or CuPy; any memory order. It is not copied.
    k : int
        Number of components.
    start : ndarray or None, shape (k, features)
        `Pca.components` of a step before, where the search begins. The answer is the same within its tolerance.
    check : callable
        Called between bands; may raise `Cancelled`.
    """
    samples = SampleReader.of(x)
    if start is not None and start.shape[1] != samples.shape[1]:
        start = None
    quick = certified(Problem(samples, k, start, check))
    return _carefully(samples, k, check) if quick is None else _accepted(quick, samples.shape[0])


def _accepted(found: Leading, n: int) -> Pca:
    variance = found.values / max(n - 1, 1)
    components, ratio = found.vectors.T.copy(), found.values / found.total
    rank, valid = len(found.values), np.ones(n, bool)
    return Pca(found.scores, components, found.mean, variance, ratio, rank, valid, found.angle, found.passes)


def _carefully(samples: SampleReader, k: int, check: Callable[[], None]) -> Pca:
    data = Centred.of(samples, check)
    n = int(np.count_nonzero(data.valid))
    values, vectors, total = leading(data, k)
    found = values > max(values[:1].max(initial=0.0), 0.0) * _RANK_TOLERANCE
    rank = int(np.count_nonzero(found))
    components = np.zeros((k, samples.shape[1]))
    components[:rank] = vectors[:rank] * signs(vectors[:rank])[:, None]
    variance = np.zeros(k)
    variance[:rank] = values[:rank] / max(n - 1, 1)
    ratio = variance * max(n - 1, 1) / total if total > 0 else np.zeros(k)
    with np.errstate(over="ignore", under="ignore"):
        variance = np.minimum(variance / data.factor / data.factor, _GREATEST)
    return Pca(scores(data, components), components, data.mean, variance, ratio, rank, data.valid)


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
