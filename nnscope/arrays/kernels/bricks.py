"""The next level of a 3-D pyramid, two by two by two cells at a time, compiled."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nnscope.arrays.compiled import compiled, compiled_fast

if TYPE_CHECKING:
    from typing import Any

_F32_MAX = np.float32(np.finfo(np.float32).max)
_ONE, _NOTHING = np.float32(1), np.float32(0)

Cells = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Lines = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Four = tuple[float, float, float, float]


@compiled
def halve_values(values: np.ndarray, largest: Any, out: Cells) -> bool:
    """Level 1 from a slab of values.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (depth, rows, columns)
        All of a slab that begins at an even plane.
    largest : float32 or float64
        Greatest finite number of that type.
    out : (mean, std, min, max), the first of float64, the others of float32
        The cells over the slab; written.

    Returns
    -------
    finite : bool
        Whether all values are; if not, what was written means nothing.
    """
    depth, rows, cols = values.shape
    pairs = cols // 2
    for z in range((depth + 1) // 2):
        back = min(2 * z + 1, depth - 1)
        for y in range((rows + 1) // 2):
            below = min(2 * y + 1, rows - 1)
            lines = values[2 * z, 2 * y], values[2 * z, below], values[back, 2 * y], values[back, below]
            for line in lines:
                if _count_finite(line, largest) < cols:
                    return False
            weights = 0.5 if below > 2 * y else 0.0, 0.5 if back > 2 * z else 0.0
            _join(lines, weights, out[0][z, y], out[1][z, y], pairs)
            _extremes(lines, out[2][z, y], out[3][z, y], pairs)
    return True


@compiled_fast
def _count_finite(line: np.ndarray, largest: Any) -> Any:
    found = _NOTHING
    for i in range(line.size):
        found += _ONE if abs(line[i]) <= largest else _NOTHING
    return found


@compiled
def _join(lines: Lines, weights: tuple[float, float], mean: np.ndarray, std: np.ndarray, pairs: int) -> None:
    """Mean and deviation of the cells over four lines of values; ``weights`` of the line below and the plane behind.

    Whole pairs of columns first, by indices that vectorise; then the last column where it is alone.
    """
    p, q, r, s = lines
    for j in range(pairs):
        m, std[j] = _cell(
            (float(p[2 * j]), float(p[2 * j + 1]), float(q[2 * j]), float(q[2 * j + 1])),
            (float(r[2 * j]), float(r[2 * j + 1]), float(s[2 * j]), float(s[2 * j + 1])),
            weights,
        )
        mean[j] = min(max(m, -_F32_MAX), _F32_MAX)
    if pairs < mean.size:
        a, c, e, g = float(p[-1]), float(q[-1]), float(r[-1]), float(s[-1])
        m, std[pairs] = _cell((a, a, c, c), (e, e, g, g), weights)
        mean[pairs] = min(max(m, -_F32_MAX), _F32_MAX)


@compiled
def _cell(front: Four, back: Four, weights: tuple[float, float]) -> tuple[float, float]:
    a, b, c, d = front
    e, f, g, h = back
    down, behind = weights
    upper, lower = 0.5 * a + 0.5 * b, 0.5 * c + 0.5 * d
    near = upper + down * (lower - upper)
    upper, lower = 0.5 * e + 0.5 * f, 0.5 * g + 0.5 * h
    m = near + behind * (upper + down * (lower - upper) - near)
    first = (a - m) * (a - m) + (b - m) * (b - m)
    first += down * ((c - m) * (c - m) + (d - m) * (d - m) - first)
    second = (e - m) * (e - m) + (f - m) * (f - m)
    second += down * ((g - m) * (g - m) + (h - m) * (h - m) - second)
    deviation = math.sqrt(0.5 * (first + behind * (second - first)))
    return m, min(deviation, float(_F32_MAX)) if deviation >= 0 else float(_F32_MAX)


@compiled
def _extremes(lines: Lines, low: np.ndarray, high: np.ndarray, pairs: int) -> None:
    p, q, r, s = lines
    for j in range(pairs):
        k = 2 * j
        least = _least(_least(p[k], p[k + 1]), _least(q[k], q[k + 1]))
        most = _most(_most(p[k], p[k + 1]), _most(q[k], q[k + 1]))
        low[j] = _single(_least(least, _least(_least(r[k], r[k + 1]), _least(s[k], s[k + 1]))))
        high[j] = _single(_most(most, _most(_most(r[k], r[k + 1]), _most(s[k], s[k + 1]))))
    if pairs < low.size:
        low[pairs] = _single(_least(_least(p[-1], q[-1]), _least(r[-1], s[-1])))
        high[pairs] = _single(_most(_most(p[-1], q[-1]), _most(r[-1], s[-1])))


@compiled
def _least(a: Any, b: Any) -> Any:
    return a if a < b else b


@compiled
def _most(a: Any, b: Any) -> Any:
    return a if a > b else b


@compiled
def _single(x: Any) -> Any:
    """Within float32's range."""
    return _F32_MAX if x > _F32_MAX else (-_F32_MAX if x < -_F32_MAX else x)
