"""A Gaussian field by one matrix product: the exponent is a quadratic polynomial of the point (methods.md §13).

‖L⁻¹(p − μ)‖² = Σ coefficients · monomials, 10 of them in three dimensions and 6 in two, so the exponents of many points
under many Gaussians are a product of two thin matrices. The terms cancel where coordinates are large beside σ: they are
taken from the middle of each block of points. With the points of a block within R of its middle the exponent's error
is about 10 · ε · (R/σ)² in the precision ε of the array, so points should come in order of place.

Written once over the array module: it runs on NumPy's and CuPy's arrays alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays.backend import namespace

if TYPE_CHECKING:
    from nnscope.fields.parameters import Gaussians

_PAIRS = 1 << 20  # of a Gaussian and a point, held at a time


def evaluate_polynomial(field: Gaussians, points: Any, block: int = 512) -> Any:
    """f at points, with no cut-off.

    Parameters
    ----------
    field : Gaussians
    points : float array (NumPy or CuPy), shape (m, d)
        Neighbours in space should be neighbours here.
    block : int
        Points that share a middle.

    Returns
    -------
    array of the points' dtype, shape (m,)
    """
    xp = namespace(points)
    inverse = np.linalg.inv(field.factors) if len(field) else field.factors
    precision = inverse.transpose(0, 2, 1) @ inverse
    out, weights = xp.zeros(len(points), points.dtype), xp.asarray(field.weights, points.dtype)
    for start in range(0, len(points), block := min(block, max(1, _PAIRS // max(1, len(field))))):
        part = points[start : start + block]
        middle = part.mean(axis=0, dtype=np.float64)
        centre = middle if xp is np else middle.get()
        table = xp.asarray(_coefficients(precision, field.means - centre), points.dtype)
        exponents = _monomials((part - middle).astype(points.dtype), xp) @ table
        out[start : start + block] = xp.exp(xp.minimum(exponents, 0)) @ weights
    return out


def _coefficients(precision: np.ndarray, means: np.ndarray) -> np.ndarray:
    """−½ times those of the quadratic form, shape (1 + d + d·(d + 1)/2, n), in the order of `_monomials`."""
    d = means.shape[1]
    linear = np.einsum("nij,nj->ni", precision, means)
    rows, columns = np.triu_indices(d)
    square = precision[:, rows, columns] * np.where(rows == columns, 1, 2)
    parts = ((linear * means).sum(axis=1)[:, None], -2 * linear, square)
    return np.asarray(-0.5 * np.concatenate(parts, axis=1).T)


def _monomials(points: Any, xp: Any) -> Any:
    """1, the coordinates, and their products, shape (m, 1 + d + d·(d + 1)/2)."""
    rows, columns = np.triu_indices(points.shape[1])
    ones = xp.ones((len(points), 1), points.dtype)
    return xp.concatenate([ones, points, points[:, rows] * points[:, columns]], axis=1)
