"""Tokens as a graph: the Laplacian of symmetrised attention, its smallest eigenvectors, and the Fiedler order (§9).

S = (A + Aᵀ)/2 without its diagonal, D = diag(S·1), L = D − S; normalised, I − D^(−½)·S·D^(−½) with 0 in place of 1 for
tokens without neighbours, as scipy.sparse.csgraph has it. L has the eigenvalue 0 once for each connected component
(Chung 1997); the eigenvector after these, Fiedler's (1973), orders the tokens so that those that attend to each other
come together.

Up to `DENSE_SIDE` tokens a dense solver finds the eigenvectors. Beyond that, those of eigenvalue 0 are written down
from the components, and Lanczos iteration, which would not see a multiple eigenvalue, finds the next ones beside them.
Oracles: scipy.sparse.csgraph, numpy.linalg.eigh.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnscope.arrays.backend import to_host
from nnscope.compute.attention.maps import symmetrised
from nnscope.core.errors import NnscopeError

DENSE_SIDE = 1536  # tokens up to which a dense solver is used
ZERO = 1e-11  # of the largest entry of the diagonal, up to which an eigenvalue of the dense solver is 0

_TOLERANCE, _RESTARTS = 1e-5, 300  # of the Lanczos iteration


@dataclass(frozen=True, slots=True, eq=False)
class TokenGraph:
    """The smallest eigenpairs of the Laplacian of attention.

    Attributes
    ----------
    eigenvalues : ndarray of float64, shape (k,)
        Ascending.
    eigenvectors : ndarray of float64, shape (tokens, k)
        Orthonormal columns, each with its largest entry positive.
    components : int
        Multiplicity of the eigenvalue 0: connected components.
    labels : ndarray of int64, shape (tokens,)
        Number of the component of each token, in the order of their first tokens.
    order : ndarray of int64, shape (tokens,)
        Tokens by component, and inside each by its Fiedler vector.
    converged : bool
        False when fewer eigenpairs were found than asked for.
    """

    eigenvalues: np.ndarray
    eigenvectors: np.ndarray
    components: int
    labels: np.ndarray
    order: np.ndarray
    converged: bool


def laplacian(weights: Any, normalised: bool = False) -> np.ndarray:
    """L = D − S of square weights, or its normalised form; float64 on the host, shape (tokens, tokens)."""
    return _laplacian(_similarity(weights, np.float64), normalised)


def token_graph(weights: Any, k: int = 4, normalised: bool = False) -> TokenGraph:
    """The ``k`` smallest eigenpairs, the components and the Fiedler order of square attention weights.

    Parameters
    ----------
    weights : ndarray, shape (tokens, tokens)
        Values that aren't finite count as zero.
    k : int
        ≥ 1; at most the number of tokens are found.
    normalised : bool

    Raises
    ------
    NnscopeError
        If the weights aren't square or are negative, or ``k`` is below 1.
    """
    if k < 1:
        raise NnscopeError("At least one eigenvector must be asked for.", str(k))
    small = len(weights) <= DENSE_SIDE
    similarity = _similarity(weights, np.float64 if small else np.float32)
    labels = components(similarity)
    if small:
        matrix = _laplacian(similarity, normalised)
        zero = ZERO * float(matrix.diagonal().max(initial=0.0))
        values, vectors = _dense(matrix, min(len(matrix), max(k, int(labels.max(initial=-1)) + 2)))
        null = int(np.count_nonzero(values <= zero))
    else:
        values, vectors = _lanczos(_Flipped.of(similarity, labels, normalised), k)
        null = int(labels.max()) + 1
    found = min(k, len(values))
    vectors = _signed(vectors[:, :found])
    order = _order(weights, labels, vectors, normalised)
    return TokenGraph(values[:found], vectors, null, labels, order, found == min(k, len(labels)))


def components(adjacency: np.ndarray) -> np.ndarray:
    """Number of the connected component of each vertex, from a symmetric matrix; each row is read once."""
    labels = np.full(len(adjacency), -1, np.int64)
    for first in range(len(adjacency)):
        if labels[first] >= 0:
            continue
        label = labels.max() + 1
        labels[first] = label
        front = np.array([first])
        while front.size:
            near = np.zeros(len(adjacency), bool)
            for vertex in front:
                near |= adjacency[vertex] != 0
            front = np.flatnonzero(near & (labels < 0))
            labels[front] = label
    return labels


def _similarity(weights: Any, dtype: type) -> np.ndarray:
    """S: symmetric weights without the diagonal, on the host."""
    similarity = symmetrised(to_host(weights), dtype)
    np.fill_diagonal(similarity, 0)
    return np.asarray(similarity)


def _laplacian(similarity: np.ndarray, normalised: bool) -> np.ndarray:
    """L in the place of S, float64."""
    degree = similarity.sum(axis=1)
    result = similarity
    np.negative(result, out=result)
    if normalised:
        root = _inverse_root(degree)
        result *= root[:, None]
        result *= root[None, :]
        degree = (degree > 0).astype(np.float64)
    np.fill_diagonal(result, degree)
    return result


def _dense(matrix: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k smallest eigenpairs of a symmetric matrix, whose memory is used up."""
    if not len(matrix):
        return np.zeros(0), np.zeros((0, 0))
    from scipy.linalg import eigh

    values, vectors = eigh(matrix.T, subset_by_index=[0, k - 1], overwrite_a=True)
    return np.maximum(values, 0.0), vectors


@dataclass(frozen=True, slots=True, eq=False)
class _Flipped:
    """bound − L as a product with vectors: its largest eigenvalues are the smallest of L, less those that are 0.

    Eigenvectors of 0 are constant on a component (times √degree in the normalised form): ``weight``, of length one on
    each. They are taken out of what comes and what goes.
    """

    similarity: np.ndarray
    labels: np.ndarray
    diagonal: np.ndarray
    root: np.ndarray
    weight: np.ndarray
    bound: float

    @classmethod
    def of(cls, similarity: np.ndarray, labels: np.ndarray, normalised: bool) -> _Flipped:
        degree = similarity.sum(axis=1, dtype=np.float64)
        ones = np.ones(len(degree))
        root = _inverse_root(degree) if normalised else ones
        diagonal = (degree > 0).astype(np.float64) if normalised else degree
        weight = np.where(degree > 0, np.sqrt(degree) if normalised else ones, 1.0)
        weight /= np.sqrt(np.bincount(labels, weight**2))[labels]
        return cls(similarity, labels, diagonal, root, weight, 2.0 * float(diagonal.max()))  # by Gershgorin

    def __call__(self, x: np.ndarray) -> np.ndarray:
        x = self._deflated(x.reshape(-1))
        pulled = self.root * (self.similarity @ (self.root * x).astype(np.float32))
        return self._deflated((self.bound - self.diagonal) * x + pulled)

    def null_vectors(self, count: int) -> np.ndarray:
        return np.where(self.labels[:, None] == np.arange(count), self.weight[:, None], 0.0)

    def _deflated(self, x: np.ndarray) -> np.ndarray:
        share = np.bincount(self.labels, self.weight * x)
        return np.asarray(x - self.weight * share[self.labels])


def _lanczos(flipped: _Flipped, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Those of eigenvalue 0, and as many others as make ``k``, or as converge."""
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    null = flipped.null_vectors(min(k, int(flipped.labels.max()) + 1))
    zeros = np.zeros(null.shape[1])
    if null.shape[1] == k:
        return zeros, null
    n = len(null)
    operator = LinearOperator((n, n), matvec=flipped, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(n)
    try:
        values, vectors = eigsh(operator, k - len(zeros), which="LA", v0=start, tol=_TOLERANCE, maxiter=_RESTARTS)
    except ArpackNoConvergence as partial:
        values, vectors = partial.eigenvalues, partial.eigenvectors
    values = np.maximum(flipped.bound - values, 0.0)
    ascending = np.argsort(values, kind="stable")
    return np.concatenate([zeros, values[ascending]]), np.hstack([null, vectors[:, ascending]])


def _order(weights: Any, labels: np.ndarray, vectors: np.ndarray, normalised: bool) -> np.ndarray:
    """Tokens by component, and inside each by its own Fiedler vector."""
    count = int(labels.max(initial=-1)) + 1
    if count == 1 and vectors.shape[1] > 1:
        return np.argsort(vectors[:, 1], kind="stable")
    parts = [np.flatnonzero(labels == label) for label in range(count)]
    similarity = _similarity(weights, np.float32)
    return np.concatenate([tokens[_inside(similarity, tokens, normalised)] for tokens in parts] or [labels])


def _inside(similarity: np.ndarray, tokens: np.ndarray, normalised: bool) -> np.ndarray:
    """The Fiedler order of one component."""
    if len(tokens) < 3:
        return np.arange(len(tokens))
    own = similarity[np.ix_(tokens, tokens)]
    if len(own) <= DENSE_SIDE:
        _, vectors = _dense(_laplacian(own.astype(np.float64), normalised), 2)
    else:
        _, vectors = _lanczos(_Flipped.of(own, np.zeros(len(own), np.int64), normalised), 2)
    return np.argsort(_signed(vectors)[:, -1], kind="stable")


def _inverse_root(degree: np.ndarray) -> np.ndarray:
    return np.where(degree > 0, 1.0 / np.sqrt(np.where(degree > 0, degree, 1.0)), 0.0)


def _signed(vectors: np.ndarray) -> np.ndarray:
    """Each column with its entry of largest magnitude positive."""
    if not vectors.size:
        return vectors
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)
    return np.where(largest < 0, -vectors, vectors)
