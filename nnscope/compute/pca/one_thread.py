"""Principal components by the thread that asks, beside other work of the process that must not be disturbed.

A recording looks at tensors while the model trains. There the number of BLAS' threads can't be limited as elsewhere
(`nnscope.compute.blas_threads`): the limit is one of the whole process, and so of the training's own products. All
products here are of blocks so small that OpenBLAS takes no thread for them (`SMALL`), and of LAPACK only what stays in
the calling thread is used: of small symmetric matrices the singular values, as `eigh` takes threads at any size.

The Gram matrix of the shorter side is formed whole, in float32; its leading eigenvectors are found by subspace
iteration with Rayleigh-Ritz (Halko, Martinsson and Tropp 2011). The number of products is bounded, so the time is: see
`LIMIT`. Where the spectrum has no gap after component k, the subspace is one that holds nearly as much of the variance.

Oracle: `nnscope.compute.pca.components.pca`.
"""

from __future__ import annotations

import math

import numpy as np

from nnscope.compute.decode import to_float
from nnscope.compute.pca.certified import signs
from nnscope.compute.pca.components import Pca

SIDE = 64  # of square blocks
SMALL = SIDE**3  # products of a matrix product up to which OpenBLAS (0.3) uses one thread
LIMIT = 1 << 32  # products for the Gram matrix, as of 1024 × 4096: 0.2 to 0.25 s of one core, noise too
OVERSAMPLING = 10
ITERATIONS = 12  # at most
SETTLED = 1e-3  # change of the variance found, relative, at which iteration ends
_RANK_TOLERANCE = 2.0**-20  # of the largest eigenvalue: rounding of the Gram matrix in float32
_DEPENDENT = 2.0**-44  # of the largest square: rounding in float64


def is_quick(samples: int, features: int) -> bool:
    """Whether `components_beside` takes no longer than a look at a tensor may."""
    return min(samples, features) * samples * features <= LIMIT


def components_beside(x: np.ndarray, k: int) -> Pca:
    """Principal components of the rows of ``x``, signed as by `pca`.

    Parameters
    ----------
    x : ndarray of a real dtype, shape (samples, features)
        Samples with a feature that is not finite take no part.
    k : int
        Number of components, fewer than samples and features.

    Returns
    -------
    Pca
        ``explained_ratio`` is what the scores hold of the total variance. Components that hold less than 2⁻²⁰ of the
        first one's variance are missing. The mean is not finite where values leave float64's range.
    """
    data = to_float(x)
    valid = np.isfinite(data).all(axis=1)
    with np.errstate(all="ignore"):  # what leaves the range shows in the mean and the scores
        centred, mean, factor = _centred(data, valid)
        components = _components(centred, k)
        scores = _product(centred, components.T)
        squares = np.square(scores, dtype=np.float64).sum(axis=0)
        total = float(np.square(centred, dtype=np.float64).sum()) if k else 0.0
        variance = squares / factor / factor / max(int(valid.sum()) - 1, 1)
        ratio = squares / total if total > 0 else np.zeros(k)
        rank = int(np.count_nonzero(components.any(axis=1)))
        return Pca((scores / factor).astype(np.float32), components, mean, variance, ratio, rank, valid)


def _centred(data: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Samples less their mean in float32, times a power of two by which the largest is near 1; the mean; the power."""
    used = data if valid.all() else data[valid]
    mean = np.add.reduce(used, axis=0, dtype=np.float64) / max(len(used), 1)
    centred = np.subtract(data, mean, dtype=np.float64)
    centred[~valid] = 0.0
    most = float(np.abs(centred).max(initial=0.0))
    factor = math.ldexp(1.0, -math.frexp(most)[1]) if math.isfinite(most) and most > 0 else 1.0
    return (centred * factor).astype(np.float32), mean, factor


def _components(x: np.ndarray, k: int) -> np.ndarray:
    """Orthonormal rows that span the k leading components of centred samples; zero where there is nothing more."""
    by_samples = x.shape[0] < x.shape[1]
    side = x if by_samples else x.T
    values, vectors = _leading(_gram(side), k)
    found = int(np.count_nonzero(values > values[:1].max(initial=0.0) * _RANK_TOLERANCE)) if len(values) else 0
    chosen = vectors[:, :found]
    components = np.zeros((k, x.shape[1]))
    if found:
        columns = (_product(x.T, chosen) if by_samples else chosen).astype(np.float64)
        rows = _in_order(_in_order(columns)).T
        components[:found] = rows * signs(rows)[:, None]
    return components


def _leading(gram: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest eigenvalues of a Gram matrix, descending, and its eigenvectors as columns; fewer of less rank."""
    n, before = len(gram), 0.0
    block = np.random.default_rng(0).standard_normal((n, min(k + OVERSAMPLING, n)))
    for _ in range(ITERATIONS):
        block = _whitened(_product(gram, block).astype(np.float64))
        ritz = _product(block.T, _product(gram, block))
        turn, values, _ = np.linalg.svd((ritz + ritz.T) / 2)  # of a matrix without negative eigenvalues
        block = _product(block, turn)
        held = float(values[:k].sum())
        if abs(held - before) <= SETTLED * held:
            break
        before = held
    return values[:k], block[:, :k]


def _whitened(block: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span those of ``block``, less what is dependent on others."""
    turn, squares, _ = np.linalg.svd(_product(block.T, block))
    found = squares > squares[0] * _DEPENDENT
    return _product(block, turn[:, found] / np.sqrt(squares[found]))


def _in_order(columns: np.ndarray) -> np.ndarray:
    """Gram and Schmidt: each column less its part along those before it, of length one."""
    columns = columns / np.sqrt(np.square(columns).sum(axis=0))
    lower = np.linalg.cholesky(_product(columns.T, columns))
    return _product(columns, np.linalg.inv(lower).T)


def _gram(x: np.ndarray) -> np.ndarray:
    """``x @ x.T`` by blocks."""
    n, whole = len(x), x.shape[1] // SIDE * SIDE
    parts = x[:, :whole].reshape(n, -1, SIDE).transpose(1, 0, 2)
    gram = np.empty((n, n), x.dtype)
    for top in range(0, n, SIDE):
        rows = slice(top, top + SIDE)
        for left in range(top, n, SIDE):
            cols = slice(left, left + SIDE)
            block = np.matmul(parts[:, rows], parts[:, cols].transpose(0, 2, 1)).sum(axis=0)
            block += x[rows, whole:] @ x[cols, whole:].T
            gram[rows, cols], gram[cols, rows] = block, block.T
    return gram


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``a @ b`` in the precision of ``a``, where ``b`` has few columns."""
    b = b.astype(a.dtype, copy=False)
    found = np.zeros((len(a), b.shape[1]), a.dtype)
    inner = max(1, SMALL // (SIDE * max(1, b.shape[1])))
    for top in range(0, len(a), SIDE):
        rows = slice(top, top + SIDE)
        for at in range(0, len(b), inner):
            found[rows] += a[rows, at : at + inner] @ b[at : at + inner]
    return found
