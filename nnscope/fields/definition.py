"""A Gaussian field by its definition, in double precision: what all other ways of evaluating it are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nnscope.fields.parameters import Gaussians

_PAIRS = 1 << 20  # of a Gaussian and a point, held at a time


def define(field: Gaussians, points: np.ndarray) -> np.ndarray:
    """f at points: Σ_k w_k · exp(−½‖L_k⁻¹(p − μ_k)‖²), with no cut-off.

    Parameters
    ----------
    field : Gaussians
    points : ndarray, shape (m, d)

    Returns
    -------
    ndarray of float64, shape (m,)
    """
    inverse = np.linalg.inv(field.factors) if len(field) else field.factors
    weights, out = field.weights, np.zeros(len(points))
    for start in range(0, len(points), block := max(1, _PAIRS // max(1, len(field)))):
        offsets = points[start : start + block, None].astype(np.float64) - field.means  # [point, Gaussian, axis]
        u = np.einsum("kij,pkj->pki", inverse, offsets)
        out[start : start + block] = np.exp(-0.5 * (u * u).sum(axis=2)) @ weights
    return out
