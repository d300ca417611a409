"""Pictures whose pixels are maxima over Gaussians, hard and soft, and the moments behind their gradients.

Gaussians are those of `nnscope.arrays.kernels.gaussians`, in two dimensions; c = w·e is what one of them gives a pixel.
Beyond the cut-off c is 0. The soft maximum at sharpness β is Σ c·exp(β·c) / Σ exp(β·c) over all Gaussians: those that
are cut off count in the denominator with exp(0).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnscope.arrays.compiled import compiled
from nnscope.arrays.kernels.gaussians import _gather, _row, _within

if TYPE_CHECKING:
    import numpy as np

    Span = tuple[int, int]


@compiled
def _rows(g: np.ndarray, reach: np.ndarray, r2: float, axes: np.ndarray, span: Span) -> Span:
    """The rows of ``span`` that a Gaussian reaches."""
    y0, y1 = _within(g[1], math.sqrt(r2) * reach[0], axes[1])
    return max(y0, span[0]), min(y1, span[1])


@compiled
def _across(g: np.ndarray, y: int, r2: float, axes: np.ndarray) -> tuple[int, int, float, float]:
    """The pixels of a row that a Gaussian reaches, where it is largest in that row, and what it gives there."""
    x0, x1, centre, common = _row(g, axes[1, 0] + y * axes[1, 1] - g[1], 0.0, r2, axes[0])
    return x0, x1, centre, g[9] * math.exp(-0.5 * common)


@compiled
def _given(g: np.ndarray, t: float, factor: float) -> float:
    """c at a distance from the middle of a row."""
    return factor * math.exp(-0.5 * g[3] * t * t)


@compiled
def hard_maxima(
    gaussians: np.ndarray,
    reach: np.ndarray,
    r2: float,
    axes: np.ndarray,
    span: Span,
    values: np.ndarray,
    winners: np.ndarray,
) -> None:
    """Raise ``values`` [y, x] of the rows in ``span`` to the largest c, and note whose it is in ``winners``.

    ``axes`` and ``reach`` as in `add_lattice`; both arrays hold what was before: 0 and −1.
    """
    for k in range(len(gaussians)):
        y0, y1 = _rows(gaussians[k], reach[k], r2, axes, span)
        for y in range(y0, y1):
            x0, x1, centre, factor = _across(gaussians[k], y, r2, axes)
            for x in range(x0, x1):
                c = _given(gaussians[k], axes[0, 0] + x * axes[0, 1] - centre, factor)
                if c > values[y, x]:
                    values[y, x], winners[y, x] = c, k


@compiled
def hard_moments(
    gaussians: np.ndarray, axes: np.ndarray, winners: np.ndarray, field: np.ndarray, out: np.ndarray
) -> None:
    """Moments (n, 10) under ``field`` [y, x], of which each pixel counts for its winner alone."""
    out[:] = 0
    for y in range(winners.shape[0]):
        for x in range(winners.shape[1]):
            k = winners[y, x]
            if k >= 0:
                g = gaussians[k]
                dx = axes[0, 0] + x * axes[0, 1] - g[0]
                dy = axes[1, 0] + y * axes[1, 1] - g[1]
                t = dx + g[4] * dy
                e = field[y, x] * math.exp(-0.5 * (g[3] * t * t + g[6] * dy * dy))
                _gather(1.0, (e, e * dx, e * dx * dx), (0.0, dy, 0.0), out[k])


@compiled
def soft_sums(
    gaussians: np.ndarray,
    reach: np.ndarray,
    limits: tuple[float, float],
    axes: np.ndarray,
    span: Span,
    peaks: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Add to ``sums`` [numerator and denominator, y, x] of the rows in ``span``, with exponents β·(c − peak).

    ``limits`` are r² and β, ``peaks`` the hard maxima. What is added to the denominator is beyond what a Gaussian that
    is cut off gives.
    """
    r2, beta = limits
    for k in range(len(gaussians)):
        y0, y1 = _rows(gaussians[k], reach[k], r2, axes, span)
        for y in range(y0, y1):
            x0, x1, centre, factor = _across(gaussians[k], y, r2, axes)
            for x in range(x0, x1):
                c = _given(gaussians[k], axes[0, 0] + x * axes[0, 1] - centre, factor)
                share = math.exp(beta * (c - peaks[y, x]))
                sums[0, y, x] += c * share
                sums[1, y, x] += share - math.exp(-beta * peaks[y, x])


@compiled
def soft_moments(
    gaussians: np.ndarray,
    reach: np.ndarray,
    limits: tuple[float, float],
    axes: np.ndarray,
    pictures: np.ndarray,
    field: np.ndarray,
    out: np.ndarray,
) -> None:
    """Moments (n, 10) under ``field`` [y, x] by the soft maxima.

    ``pictures`` [3, y, x] are the hard maxima, the denominators, and the soft maxima f. With p the share of a Gaussian,
    ∂f/∂c = p·(1 + β·(c − f)).
    """
    r2, beta = limits
    out[:] = 0
    for k in range(len(gaussians)):
        g = gaussians[k]
        y0, y1 = _rows(g, reach[k], r2, axes, (0, field.shape[0]))
        for y in range(y0, y1):
            dy = axes[1, 0] + y * axes[1, 1] - g[1]
            x0, x1, centre, common = _row(g, dy, 0.0, r2, axes[0])
            for x in range(x0, x1):
                t = axes[0, 0] + x * axes[0, 1] - centre
                e = math.exp(-0.5 * (g[3] * t * t + common))
                c = g[9] * e
                share = math.exp(beta * (c - pictures[0, y, x])) / pictures[1, y, x]
                weight = field[y, x] * share * (1 + beta * (c - pictures[2, y, x])) * e
                _gather(1.0, (weight, weight * t, weight * t * t), (centre - g[0], dy, 0.0), out[k])
