"""The spectral norm of a matrix by power iteration on WᵀW, with what is left of its equation (methods.md §8).

It stops when σ changes by at most `TOLERANCE` relative to itself, or after `ITERATIONS`. A start by a random vector
(seeded) meets the leading singular vector with probability one. Near-equal leading singular values slow the vectors
down and not the value: any mixture of them has nearly the norm. The residual ‖Wᵀu − σv‖/σ says how far the pair is from
one. NumPy and CuPy alike. Oracle: numpy.linalg.norm(w, 2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays.backend import namespace

if TYPE_CHECKING:
    from collections.abc import Callable

TOLERANCE = 1e-6
ITERATIONS = 500


@dataclass(frozen=True, slots=True, eq=False)
class SpectralNorm:
    """The largest singular value and its vectors.

    Attributes
    ----------
    value : float
    left, right : array, shapes (rows,) and (columns,)
        Of length one; zeros for a matrix of zeros.
    residual : float
        ‖Wᵀu − σv‖ / σ.
    iterations : int
    converged : bool
        Whether the last relative change was at most `TOLERANCE`.
    """

    value: float
    left: Any
    right: Any
    residual: float
    iterations: int
    converged: bool


def spectral_norm(
    w: Any, seed: int = 0, progress: Callable[[int, int], None] = lambda done, total: None
) -> SpectralNorm:
    """The spectral norm of ``w``.

    Parameters
    ----------
    w : array of float32 or float64, shape (rows, columns)
        Finite.
    seed : int
        Of the first vector.
    progress : callable
        ``progress(done, total)`` after each iteration; may raise `Cancelled`.
    """
    xp = namespace(w)
    most = float(abs(w).max()) if w.size else 0.0
    if most == 0:
        return SpectralNorm(0.0, xp.zeros(len(w), w.dtype), xp.zeros(w.shape[1], w.dtype), 0.0, 0, True)
    scale = math.ldexp(1.0, -math.frexp(most)[1]) if not 1e-9 < most < 1e9 else 1.0
    w = w if scale == 1.0 else _scaled(w, most)
    right = _unit(xp.asarray(np.random.default_rng(seed).standard_normal(w.shape[1]), w.dtype))
    value, change, done = 0.0, math.inf, 0
    while change > TOLERANCE and done < ITERATIONS:
        left = _unit(w @ right)
        right = w.T @ left
        before, value = value, float(xp.linalg.norm(right))
        right = right / value
        change, done = abs(value - before) / value, done + 1
        progress(done, ITERATIONS)
    ahead = w @ right
    value = float(xp.linalg.norm(ahead))
    left = ahead / value
    residual = float(xp.linalg.norm(w.T @ left - value * right)) / value
    return SpectralNorm(value / scale, left, right, residual, done, change <= TOLERANCE)


def _scaled(w: Any, most: float) -> Any:
    """``w`` times the power of two that brings ``most`` near one; in float64, which holds that power."""
    return (w.astype(np.float64) * math.ldexp(1.0, -math.frexp(most)[1])).astype(w.dtype)


def _unit(v: Any) -> Any:
    xp = namespace(v)
    norm = xp.linalg.norm(v)
    return v / norm if float(norm) > 0 else xp.full_like(v, len(v) ** -0.5)
