"""Fields to test with: Gaussians of known parameters."""

from __future__ import annotations

import numpy as np

from nnscope.fields.parameters import DIAGONAL, Amplitude, Covariance, Gaussians, chol_width


def scattered(
    count: int, dimensions: int, extent: float, sigma: float = 1.5, amplitude: Amplitude = "identity", seed: int = 0
) -> Gaussians:
    """Anywhere in [0, extent) along each axis, with σ around ``sigma`` and oblique axes."""
    rng = np.random.default_rng(seed)
    chol = rng.normal(0, 0.3, (count, chol_width(dimensions, "full")))
    chol[:, list(DIAGONAL[dimensions])] += np.log(sigma)
    means = rng.uniform(0, extent, (count, dimensions))
    return Gaussians(means, chol, rng.normal(size=count), amplitude, shape=(round(extent),) * dimensions)


def as_diagonal(field: Gaussians) -> Gaussians:
    """The same without obliqueness."""
    covariance: Covariance = "diagonal"
    chol = field.chol[:, list(DIAGONAL[field.dimensions])]
    return Gaussians(field.means, chol, field.amplitudes, field.amplitude, covariance, field.shape)


def separated(seed: int, count: int = 8, side: int = 48, apart: float = 12.0) -> Gaussians:
    """Well-separated Gaussians in a cube."""
    rng = np.random.default_rng(seed)
    means: list[np.ndarray] = []
    while len(means) < count:
        place = rng.uniform(8, side - 8, 3)
        if all(np.linalg.norm(place - other) > apart for other in means):
            means.append(place)
    chol = np.zeros((count, 6))
    chol[:, list(DIAGONAL[3])] = np.log(rng.uniform(1.5, 3.5, (count, 3)))
    chol[:, [1, 3, 4]] = rng.normal(0, 0.5, (count, 3))
    return Gaussians(np.array(means), chol, rng.uniform(0.4, 1, count), "identity", shape=(side,) * 3)
