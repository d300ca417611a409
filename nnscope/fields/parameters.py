"""The parameters of a Gaussian density field as arrays (methods.md §13).

    f(p) = Σ_k w_k · exp(−½‖L_k⁻¹(p − μ_k)‖²)

Positions are (x, y) or (x, y, z) over columns, rows and depth, in cells: element [y, x] or [z, y, x] of a tensor lies
at its index + ½, as in `nnscope.core.space`. L is lower-triangular with an exponentiated diagonal: in two dimensions
from (a, b, c) as [[e^a, 0], [b, e^c]], in three from (a, b, c, d, e, f) as [[e^a, 0, 0], [b, e^c, 0], [d, e, e^f]]: the
diagonal sits at positions 0, 2 and 5. A diagonal field has the logarithms of the diagonal only, (a, c) or (a, c, f).

The weight w is the sigmoid of the amplitude for densities, the amplitude itself for signed fields. What a field says of
a tensor is offset + scale · f.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Iterable

Amplitude = Literal["sigmoid", "identity"]
Covariance = Literal["full", "diagonal"]

AMPLITUDES: tuple[Amplitude, ...] = ("sigmoid", "identity")
COVARIANCES: tuple[Covariance, ...] = ("full", "diagonal")
DIAGONAL = {2: (0, 2), 3: (0, 2, 5)}  # positions of the exponentiated numbers
LOWER = {2: ((0, 0), (1, 0), (1, 1)), 3: ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2))}
_LARGEST = 20.0  # of an exponentiated number: σ between 2·10⁻⁹ and 5·10⁸ cells, whose precisions float32 holds


@dataclass(frozen=True, slots=True, eq=False)
class Gaussians:
    """A field's parameters, frozen, in NumPy.

    Attributes
    ----------
    means : ndarray of float, shape (n, d), d = 2 or 3
        Positions (x, y[, z]) in cells.
    chol : ndarray of float, shape (n, 3), (n, 6), or (n, d) of a diagonal field
        The numbers of L as in the module docstring.
    amplitudes : ndarray of float, shape (n,)
    amplitude : {"sigmoid", "identity"}
    covariance : {"full", "diagonal"}
    shape : tuple of int
        Of the tensor: (rows, columns) or (depth, rows, columns).
    offset, scale : float
        The tensor's values are offset + scale · f.
    ids : ndarray of int64, shape (n,), or None
        Names that Gaussians keep while a field changes over training; None for 0 … n − 1.

    Raises
    ------
    NnscopeError
        If the shapes don't fit each other.
    """

    means: np.ndarray
    chol: np.ndarray
    amplitudes: np.ndarray
    amplitude: Amplitude = "sigmoid"
    covariance: Covariance = "full"
    shape: tuple[int, ...] = ()
    offset: float = 0.0
    scale: float = 1.0
    ids: np.ndarray | None = None

    def __post_init__(self) -> None:
        n, d = self.means.shape if self.means.ndim == 2 else (-1, 0)
        if d not in LOWER:
            raise NnscopeError("The means of a field are n × 2 or n × 3.", f"shape {self.means.shape}")
        wanted = {"chol": (n, chol_width(d, self.covariance)), "amplitudes": (n,)}
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise NnscopeError(f"{name} of this field should be {shape}.", f"shape {getattr(self, name).shape}")
        if self.amplitude not in AMPLITUDES:
            raise NnscopeError("An amplitude is sigmoid or identity.", str(self.amplitude))

    def __len__(self) -> int:
        return len(self.means)

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return int(self.means.shape[1])

    @property
    def names(self) -> np.ndarray:
        """``ids``, or 0 … n − 1."""
        return np.arange(len(self)) if self.ids is None else self.ids

    @property
    def weights(self) -> np.ndarray:
        """w of each Gaussian, float64."""
        return amplitude_weights(self.amplitudes, self.amplitude)

    @property
    def factors(self) -> np.ndarray:
        """L of each Gaussian, float64, shape (n, d, d)."""
        return cholesky_factors(self.chol, self.dimensions, self.covariance)

    @property
    def covariances(self) -> np.ndarray:
        """Σ = L·Lᵀ of each Gaussian, float64, shape (n, d, d)."""
        factors = self.factors
        return np.asarray(factors @ factors.transpose(0, 2, 1))

    @property
    def integrals(self) -> np.ndarray:
        """∫ w·e over all of space, of each Gaussian: w · (2π)^(d/2) · det L."""
        diagonal = np.einsum("nii->ni", self.factors)
        return np.asarray(self.weights * (2 * np.pi) ** (self.dimensions / 2) * diagonal.prod(axis=1))

    @property
    def nbytes(self) -> int:
        """Bytes of the parameters as float32."""
        return 4 * len(self) * (self.dimensions + int(self.chol.shape[1]) + 1)

    def where(self, chosen: np.ndarray) -> Gaussians:
        """Some of the Gaussians, by indices or a mask; they keep their names."""
        means, chol, amplitudes = self.means[chosen], self.chol[chosen], self.amplitudes[chosen]
        return replace(self, means=means, chol=chol, amplitudes=amplitudes, ids=self.names[chosen])


def chol_width(dimensions: int, covariance: Covariance) -> int:
    """How many numbers make L."""
    return len(LOWER[dimensions]) if covariance == "full" else dimensions


def diagonal_positions(dimensions: int, covariance: Covariance) -> tuple[int, ...]:
    """Which of the numbers of L are exponentiated."""
    return DIAGONAL[dimensions] if covariance == "full" else tuple(range(dimensions))


def cholesky_factors(chol: np.ndarray, dimensions: int, covariance: Covariance = "full") -> np.ndarray:
    """L from its numbers, float64, shape (n, d, d)."""
    factors = np.zeros((len(chol), dimensions, dimensions))
    numbers = chol.astype(np.float64)
    exponents = diagonal_positions(dimensions, covariance)
    numbers[:, exponents] = np.exp(np.clip(numbers[:, exponents], -_LARGEST, _LARGEST))
    places = LOWER[dimensions] if covariance == "full" else tuple((i, i) for i in range(dimensions))
    rows, columns = zip(*places, strict=True)
    factors[:, rows, columns] = numbers
    return factors


def cholesky_numbers(factors: np.ndarray, covariance: Covariance = "full") -> np.ndarray:
    """The numbers of lower-triangular factors (n, d, d) with positive diagonals: the inverse of `cholesky_factors`."""
    dimensions = factors.shape[1]
    places: Iterable[tuple[int, int]] = LOWER[dimensions]
    if covariance == "diagonal":
        places = ((i, i) for i in range(dimensions))
    rows, columns = zip(*places, strict=True)
    numbers = factors[:, rows, columns].astype(np.float64)
    exponents = diagonal_positions(dimensions, covariance)
    numbers[:, exponents] = np.log(numbers[:, exponents])
    return numbers


def amplitude_weights(amplitudes: np.ndarray, amplitude: Amplitude) -> np.ndarray:
    """w from amplitudes, float64."""
    values = amplitudes.astype(np.float64)
    return 0.5 * (1 + np.tanh(values / 2)) if amplitude == "sigmoid" else values


def weight_amplitudes(weights: np.ndarray, amplitude: Amplitude) -> np.ndarray:
    """Amplitudes that give ``weights``, which for a sigmoid are first brought into [10⁻⁶, 1 − 10⁻⁶]."""
    values = weights.astype(np.float64)
    if amplitude == "identity":
        return values
    inside = np.clip(values, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)))
