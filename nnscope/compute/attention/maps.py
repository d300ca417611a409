"""Attention weights, head by head: mean over heads, symmetric part, eigenvalues, entropy of rows (methods.md §9).

Attention is an array [heads, query, key] whose rows sum to 1. A query whose row holds no positive number at all (its
softmax was over nothing, which gives zeros or NaN) is *masked*: it is marked, its weights are zero, and it takes no
part in means. Weights are brought to float32 one head, or a few rows, at a time (`BAND`).

Oracle: float64 NumPy; numpy.linalg.eigvals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays.backend import namespace, to_host
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BAND = 1 << 20  # elements of a band of rows
EXACT_SIDE = 1024  # tokens up to which all eigenvalues are found

_NEGATIVE = -1e-6  # below it a number is no weight that was rounded
_GREATEST = 1e30  # weights up to which sums of rows stay in float32's range


@dataclass(frozen=True, slots=True, eq=False)
class AttentionMap:
    """The attention of one head, or of several in one.

    Attributes
    ----------
    weights : ndarray of float32, shape (query, key)
        Finite and not negative; each row sums to 1 as given, or is zero.
    masked : ndarray of bool, shape (query,)
        Queries that attend to nothing.
    """

    weights: Any
    masked: Any


def one_head(attention: Any, head: int) -> AttentionMap:
    """The weights of one head, [heads, query, key] → [query, key].

    Raises
    ------
    NnscopeError
        If this is no attention: not three axes, or negative or enormous numbers.
    """
    return attention_map(_three_axes(attention)[head])


def attention_map(weights: Any) -> AttentionMap:
    """Weights [query, key] of any real dtype as float32, with what is not finite as zero.

    Raises
    ------
    NnscopeError
        If there are negative numbers, or enormous ones (beyond 10³⁰).
    """
    xp = namespace(weights)
    found = _float32(xp, weights)
    masked = xp.zeros(len(found), bool)
    for rows in bands(found.shape):
        _clean(xp, found[rows])
        masked[rows] = ~(found[rows] > 0).any(axis=1)
    return AttentionMap(found, masked)


def head_mean(attention: Any, progress: Callable[[int, int], None] = lambda done, total: None) -> AttentionMap:
    """Mean over the heads in which a query attends to something.

    Parameters
    ----------
    attention : ndarray, shape (heads, query, key)
    progress : callable
        Called as ``progress(done, total)`` between bands of queries; may raise `Cancelled`.
    """
    xp = namespace(_three_axes(attention))
    heads, queries, keys = attention.shape
    mean = xp.zeros((queries, keys), xp.float32)
    masked = xp.zeros(queries, bool)
    for rows in bands((queries, keys)):
        total = xp.zeros((rows.stop - rows.start, keys), xp.float64)
        present = xp.zeros(rows.stop - rows.start, xp.int64)
        for head in range(heads):
            band = _clean(xp, _float32(xp, attention[head, rows]))
            total += band
            present += (band > 0).any(axis=1)
        mean[rows] = total / xp.maximum(present, 1)[:, None]
        masked[rows] = present == 0
        progress(rows.stop, queries)
    return AttentionMap(mean, masked)


def row_entropy(attention: Any) -> Any:
    """Entropy −Σ p·ln p of each row, in nats: 0 for one key, ln(keys) for all alike; 0 for masked queries.

    Parameters
    ----------
    attention : ndarray, shape (heads, query, key)

    Returns
    -------
    ndarray of float32, shape (heads, query)
    """
    xp = namespace(_three_axes(attention))
    entropy = xp.zeros(attention.shape[:2], xp.float32)
    for head in range(len(attention)):
        for rows in bands(attention.shape[1:]):
            weights = _clean(xp, _float32(xp, attention[head, rows])).astype(xp.float64)
            total = weights.sum(axis=1)
            safe = xp.where(total > 0, total, 1.0)
            terms = weights * xp.log(xp.where(weights > 0, weights, 1.0))  # −Σ (w/t)·ln(w/t) = ln t − Σ w·ln w / t
            entropy[head, rows] = xp.maximum(xp.log(safe) - terms.sum(axis=1) / safe, 0.0)
    return entropy


def symmetrised(weights: Any, dtype: Any = np.float32) -> Any:
    """(A + Aᵀ)/2 of square weights, with what is not finite as zero; a few rows at a time.

    Raises
    ------
    NnscopeError
        If queries and keys are not the same tokens, or these are no weights.
    """
    xp = namespace(square(weights))
    symmetric = xp.empty(weights.shape, dtype)
    for rows in bands(weights.shape):
        symmetric[rows] = attention_map(weights[:, rows]).weights.T
        symmetric[rows] += attention_map(weights[rows]).weights
        symmetric[rows] *= 0.5
    return symmetric


def eigenvalues(weights: Any, k: int = 32) -> np.ndarray:
    """Eigenvalues of a square matrix of weights, largest magnitude first, on the host.

    All of them for causal attention, whose diagonal they are, and up to `EXACT_SIDE` tokens; the ``k`` of largest
    magnitude otherwise (ARPACK), or those of them that were found.

    Returns
    -------
    ndarray of complex128, shape (n,)
        ``abs`` is the magnitude, ``angle`` the phase.
    """
    matrix = to_host(square(weights))
    if is_causal(matrix):
        values = np.diagonal(matrix).astype(np.complex128)
    elif len(matrix) <= max(EXACT_SIDE, k + 2):
        values = np.linalg.eigvals(matrix.astype(np.float64)).astype(np.complex128)
    else:
        values = _largest(matrix, k)
    return np.asarray(values[np.argsort(-np.abs(values), kind="stable")])


def is_causal(weights: Any) -> bool:
    """Whether no query attends to a later key."""
    xp = namespace(weights)
    return not any(bool(xp.triu(weights[rows], rows.start + 1).any()) for rows in bands(weights.shape))


def square(weights: Any) -> Any:
    """``weights`` when it is a square matrix.

    Raises
    ------
    NnscopeError
        If it is not.
    """
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
        shape = "×".join(map(str, weights.shape))
        raise NnscopeError("This needs attention of tokens to the same tokens, a square matrix.", shape)
    return weights


def bands(shape: tuple[int, ...]) -> Iterator[slice]:
    """Rows of a matrix, some at a time."""
    step = max(1, BAND // max(1, shape[1]))
    return (slice(start, min(start + step, shape[0])) for start in range(0, shape[0], step))


def _three_axes(attention: Any) -> Any:
    if attention.ndim != 3:
        raise NnscopeError("Attention has three axes: heads, queries, keys.", f"{attention.ndim} axes")
    return attention


def _float32(xp: Any, weights: Any) -> Any:
    """A copy in float32."""
    try:
        with np.errstate(over="raise"):
            return xp.array(weights, xp.float32)
    except FloatingPointError:
        raise NnscopeError("These are no attention weights: some are beyond float32's range.") from None


def _clean(xp: Any, band: Any) -> Any:
    """``band`` with zeros in place of what is not finite or was rounded below zero."""
    xp.copyto(band, 0, where=~xp.isfinite(band))
    if band.size and float(band.min()) < _NEGATIVE:
        raise NnscopeError("These are no attention weights: some are negative.", f"{float(band.min()):.3g}")
    if band.size and float(band.max()) > _GREATEST:
        raise NnscopeError("These are no attention weights: some are beyond 1e30.", f"{float(band.max()):.3g}")
    return xp.maximum(band, 0, out=band)


def _largest(matrix: np.ndarray, k: int) -> np.ndarray:
    from scipy.sparse.linalg import ArpackNoConvergence, eigs

    start = np.random.default_rng(0).standard_normal(len(matrix)).astype(np.float32)
    try:
        values = eigs(matrix, k, v0=start, return_eigenvectors=False, tol=1e-6)
    except ArpackNoConvergence as partial:
        values = partial.eigenvalues
    return np.asarray(values, np.complex128)
