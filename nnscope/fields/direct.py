"""Direct fields: every weight of a matrix a Gaussian, with nothing fitted (methods.md §13).

On its grid a matrix becomes the sum of its weights' Gaussians: what a Gaussian filter makes of it. At the embedding of
its rows, each row is a point of the plane of their first two principal components and its weights' sum stands there,
so that rows which do alike lie together.
"""

from __future__ import annotations

import math

import numpy as np

from nnscope.compute.decode import to_float32
from nnscope.core.errors import NnscopeError
from nnscope.fields.parameters import Gaussians

_MARGIN = 3.0  # σ around an embedding


def field_of_weights(matrix: np.ndarray, sigma: float = 1.0, normalised: bool = True) -> Gaussians:
    """A Gaussian at the centre of each cell, its amplitude the weight.

    Parameters
    ----------
    matrix : ndarray, two or three axes
        Values that are not finite stand for zero.
    sigma : float
        σ in cells, > 0.
    normalised : bool
        Whether a Gaussian's integral is the weight, so that the field is the matrix after a Gaussian filter; otherwise
        its peak is.

    Returns
    -------
    Gaussians
        Signed amplitudes, diagonal covariances, n = matrix.size.

    Raises
    ------
    NnscopeError
        If σ is not above zero, or the array has not two or three axes.
    """
    _require(matrix, sigma, (2, 3))
    d = matrix.ndim
    grids = np.meshgrid(*(np.arange(n) + 0.5 for n in matrix.shape), indexing="ij")
    means = np.stack([grid.ravel() for grid in grids[::-1]], axis=1)
    share = (math.sqrt(2 * math.pi) * sigma) ** -d if normalised else 1.0
    chol = np.full((matrix.size, d), math.log(sigma))
    return Gaussians(means, chol, _finite(matrix).ravel() * share, "identity", "diagonal", matrix.shape)


def field_of_rows(matrix: np.ndarray, size: int = 256, sigma: float = 4.0) -> Gaussians:
    """A Gaussian for each row, at its place among the rows' first two principal components.

    Parameters
    ----------
    matrix : ndarray, shape (rows, columns)
        Values that are not finite stand for zero.
    size : int
        Cells along each side of the square that the embedding is fitted into, with room around it.
    sigma : float
        σ in cells, > 0.

    Returns
    -------
    Gaussians
        Signed: amplitudes are the rows' sums; diagonal covariances, n = rows.

    Raises
    ------
    NnscopeError
        If σ is not above zero, there is no room for it, or the array has not two axes.
    """
    _require(matrix, sigma, (2,))
    room = size - 2 * _MARGIN * sigma
    if room <= 0:
        raise NnscopeError("There is no room for Gaussians this wide.", f"σ = {sigma} in {size} cells", "Ask for less.")
    rows = _finite(matrix).astype(np.float64)
    places = _embedding(rows)
    low, high = (places.min(axis=0), places.max(axis=0)) if len(places) else (np.zeros(2), np.zeros(2))
    extent = float((high - low).max()) or 1.0
    means = (places - (low + high) / 2) * (room / extent) + size / 2
    chol = np.full((len(rows), 2), math.log(sigma))
    return Gaussians(means, chol, rows.sum(axis=1), "identity", "diagonal", (size, size))


def _embedding(rows: np.ndarray) -> np.ndarray:
    """The first two principal components' scores (n, 2); zeros where there are none (signs as in methods.md §3)."""
    scores = np.zeros((len(rows), 2))
    if rows.size == 0:
        return scores
    u, s, v = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    k = min(2, len(s))
    signs = np.sign(v[np.arange(k), np.abs(v[:k]).argmax(axis=1)])
    scores[:, :k] = u[:, :k] * s[:k] * np.where(signs == 0, 1, signs)
    return scores


def _finite(matrix: np.ndarray) -> np.ndarray:
    values = to_float32(matrix)
    return np.where(np.isfinite(values), values, np.float32(0))


def _require(matrix: np.ndarray, sigma: float, axes: tuple[int, ...]) -> None:
    if matrix.ndim not in axes:
        words = " or ".join(map(str, axes))
        raise NnscopeError(f"A direct field is over {words} axes.", f"shape {matrix.shape}", "Choose a part.")
    if not (sigma > 0 and math.isfinite(sigma)):
        raise NnscopeError("σ is above zero.", str(sigma))
