"""Between a field's parameters and the ten numbers that kernels take, and back for gradients (methods.md §13).

With A = Σ⁻¹ and d the offset from the mean, m = dᵀ·A·d is written with x completed to a square (see
`nnscope.arrays.kernels.gaussians`):

    (s, t; t, u) = B⁻¹,  (p, q) = −(Σ_xy, Σ_xz)·B⁻¹,  a = det B / det Σ,  with B the block of Σ over y and z.

Gradients come from the moments Σ g·e·(1, d, d·dᵀ) alone. With v = Σ g·e·d and S = Σ g·e·d·dᵀ

    ∂/∂w = Σ g·e,        ∂/∂μ = w·A·v,        ∂/∂L = lower triangle of w·A·S·L⁻ᵀ,

since dm = −2·yᵀ·dL·u with y = A·d and u = L⁻¹·d; an exponentiated number gets its entry's gradient times the entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.fields.parameters import LOWER, cholesky_factors, diagonal_positions

if TYPE_CHECKING:
    from nnscope.fields.parameters import Amplitude, Covariance, Gaussians

_SYMMETRIC = np.array([[4, 5, 6], [5, 7, 8], [6, 8, 9]])  # where d·dᵀ lies among the moments


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """Gaussians as kernels take them.

    Attributes
    ----------
    numbers : ndarray of float64, shape (n, 10)
    reach : ndarray of float64, shape (n, 3)
        √Σ_ii of x, y and z: how far the unit ellipsoid goes along each axis; 0 along z in two dimensions.
    factors : ndarray of float64, shape (n, d, d)
        L.
    """

    numbers: np.ndarray
    reach: np.ndarray
    factors: np.ndarray


def pack(field: Gaussians) -> Packed:
    """Of a field; weights without offset and scale."""
    return pack_arrays(field.means, cholesky_factors(field.chol, field.dimensions, field.covariance), field.weights)


def pack_arrays(means: np.ndarray, factors: np.ndarray, weights: np.ndarray) -> Packed:
    """Of means (n, d), L (n, d, d) and w (n,)."""
    n, d = means.shape
    numbers, reach = np.zeros((n, 10)), np.zeros((n, 3))
    numbers[:, :d], numbers[:, 9] = means, weights
    # Σ_xy, Σ_xz; Σ_yy, Σ_yz, Σ_zz: few enough products to write out, which is ten times as fast as stacked matrices.
    x, y = factors[:, 0, 0], factors[:, 1]
    yy = y[:, 0] ** 2 + y[:, 1] ** 2
    reach[:, 0], reach[:, 1] = x, np.sqrt(yy)
    if d == 2:
        numbers[:, 3], numbers[:, 4], numbers[:, 6] = yy / (x * y[:, 1]) ** 2, -x * y[:, 0] / yy, 1 / yy
        return Packed(numbers, reach, factors)
    z = factors[:, 2]
    yz, zz = y[:, 0] * z[:, 0] + y[:, 1] * z[:, 1], z[:, 0] ** 2 + z[:, 1] ** 2 + z[:, 2] ** 2
    within = (y[:, 0] * z[:, 1] - y[:, 1] * z[:, 0]) ** 2 + yy * z[:, 2] ** 2  # Σ_yy·Σ_zz − Σ_yz², without cancelling
    numbers[:, 3] = within / (x * y[:, 1] * z[:, 2]) ** 2
    numbers[:, 4] = -x * (y[:, 0] * zz - z[:, 0] * yz) / within
    numbers[:, 5] = -x * (z[:, 0] * yy - y[:, 0] * yz) / within
    numbers[:, 6], numbers[:, 7], numbers[:, 8] = zz / within, -yz / within, yy / within
    reach[:, 2] = np.sqrt(zz)
    return Packed(numbers, reach, factors)


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """Gradients of a sum over samples, shaped as the parameters, float64."""

    means: np.ndarray
    chol: np.ndarray
    amplitudes: np.ndarray


def factor_gradients(packed: Packed, moments: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients by means (n, d), by all entries of L (n, d, d), and by w (n,)."""
    d = packed.factors.shape[1]
    weights = packed.numbers[:, 9]
    inverse = np.linalg.inv(packed.factors) if len(weights) else packed.factors
    precision = inverse.transpose(0, 2, 1) @ inverse
    spread = moments[:, _SYMMETRIC[:d, :d]]
    means = weights[:, None] * (precision @ moments[:, 1 : 1 + d, None])[:, :, 0]
    factors = weights[:, None, None] * (precision @ spread @ inverse.transpose(0, 2, 1))
    return means, factors, moments[:, 0]


def parameter_gradients(packed: Packed, moments: np.ndarray, kinds: tuple[Amplitude, Covariance]) -> Gradients:
    """Gradients by the parameters, from the moments (n, 10) under the gradient by the field's values."""
    amplitude, covariance = kinds
    means, factors, weights = factor_gradients(packed, moments)
    chol = number_gradients(factors, packed.factors, covariance)
    return Gradients(means, chol, weights * amplitude_slopes(packed.numbers[:, 9], amplitude))


def number_gradients(gradients: np.ndarray, factors: np.ndarray, covariance: Covariance) -> np.ndarray:
    """Gradients by the numbers of L, from those by its entries (n, d, d)."""
    d = factors.shape[1]
    places = LOWER[d] if covariance == "full" else tuple((i, i) for i in range(d))
    rows, columns = zip(*places, strict=True)
    chol: np.ndarray = gradients[:, rows, columns]
    chol[:, diagonal_positions(d, covariance)] *= np.einsum("nii->ni", factors)
    return chol


def amplitude_slopes(weights: np.ndarray, amplitude: Amplitude) -> np.ndarray:
    """How fast weights change with amplitudes."""
    return weights * (1 - weights) if amplitude == "sigmoid" else np.ones_like(weights)
