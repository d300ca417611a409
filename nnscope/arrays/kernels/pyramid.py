"""Levels of a mip pyramid from a part of the grid in one pass: the CPU twin of ``pyramid.cu``.

A tile of 2^top rows goes from level to level in buffers that stay in the cache; the levels asked for are written out on
the way. Means and variances join as they stand, each weighted by the elements under it: with m the joint mean,
var = Σ wᵢ(varᵢ + (meanᵢ − m)²), which cancels nothing. Loops run along rows over whole cells, which vectorises; the
last cell of a row, which may be narrower, comes after.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nnscope.arrays.compiled import compiled, compiled_fast

if TYPE_CHECKING:
    from typing import Any

_WIDTH = 512  # columns of a tile, at least
_F32_MAX = float(np.finfo(np.float32).max)
_ONE, _NOTHING = np.float32(1), np.float32(0)


@compiled
def reduce_part(
    values: np.ndarray,
    largest: Any,
    levels: tuple[int, int],
    plan: np.ndarray,
    mean: np.ndarray,
    std: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> bool:
    """Write the cells of some levels over a part of the grid.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (rows, columns)
        The part, which begins at a cell of the coarsest level.
    largest : float32 or float64
        Greatest finite number of the type of the values.
    levels : (int, int)
        Finest (at least 1) and coarsest level to write.
    plan : ndarray of int64, shape (levels, 2)
        For each level to write, where the part's first cell lies in the flat arrays, and the cells of a whole row.
    mean : ndarray of float64
    std, low, high : ndarray of float32
        The cells of all levels, one level after another, in rows.

    Returns
    -------
    finite : bool
        Whether all values are; if not, what was written means nothing.
    """
    base, top = levels
    rows, cols = values.shape
    height, width = 1 << top, max(_WIDTH, 1 << top)
    size = (min(height, rows) + 1) // 2 * ((min(width, cols) + 1) // 2)
    means, variances = np.empty((2, size)), np.empty((2, size))
    lows, highs = np.empty((2, size), values.dtype), np.empty((2, size), values.dtype)
    for row in range(0, rows, height):
        for col in range(0, cols, width):
            tile_rows, tile_cols = min(height, rows - row), min(width, cols - col)
            for level in range(1, top + 1):
                at = level & 1
                new = means[at], variances[at], lows[at], highs[at]
                if level == 1:
                    if not _all_finite(values, row, tile_rows, col, tile_cols, largest):
                        return False
                    _first(values, (row, tile_rows, col, tile_cols), new)
                else:
                    old = means[1 - at], variances[1 - at], lows[1 - at], highs[1 - at]
                    _next(old, (tile_rows, tile_cols), level, new)
                if level >= base:
                    first, stride = plan[level - base, 0], plan[level - base, 1]
                    target = first + (row >> level) * stride + (col >> level)
                    shape = (_cells(tile_rows, level), _cells(tile_cols, level))
                    _write(new, shape, target, stride, (mean, std, low, high))
    return True


@compiled
def _cells(extent: int, level: int) -> int:
    return (extent + (1 << level) - 1) >> level


@compiled_fast
def _all_finite(values: np.ndarray, row: int, rows: int, col: int, cols: int, largest: Any) -> bool:
    for r in range(row, row + rows):
        line = values[r, col : col + cols]
        found = _NOTHING
        for c in range(cols):
            found += _ONE if abs(line[c]) <= largest else _NOTHING
        if found < cols:
            return False
    return True


@compiled
def _first(values: np.ndarray, tile: tuple[int, int, int, int], new: tuple[np.ndarray, ...]) -> None:
    """Level 1 of a tile (row, rows, column, columns)."""
    row, rows, col, cols = tile
    width, pairs = (cols + 1) // 2, cols // 2
    for i in range((rows + 1) // 2):
        upper = values[row + 2 * i, col : col + cols]
        lower = values[row + min(2 * i + 1, rows - 1), col : col + cols]
        weight = 0.5 if 2 * i + 1 < rows else 0.0
        mean, variance = new[0][i * width : (i + 1) * width], new[1][i * width : (i + 1) * width]
        low, high = new[2][i * width : (i + 1) * width], new[3][i * width : (i + 1) * width]
        for j in range(pairs):
            a, b, c, d = float(upper[2 * j]), float(upper[2 * j + 1]), float(lower[2 * j]), float(lower[2 * j + 1])
            above, below = 0.5 * a + 0.5 * b, 0.5 * c + 0.5 * d
            m = above + weight * (below - above)
            first = (a - m) * (a - m) + (b - m) * (b - m)
            second = (c - m) * (c - m) + (d - m) * (d - m)
            mean[j], variance[j] = m, 0.5 * (first + weight * (second - first))
        for j in range(pairs):
            low[j] = _least(upper[2 * j], upper[2 * j + 1], lower[2 * j], lower[2 * j + 1])
            high[j] = _most(upper[2 * j], upper[2 * j + 1], lower[2 * j], lower[2 * j + 1])
        if width > pairs:
            a, c = float(upper[cols - 1]), float(lower[cols - 1])
            mean[pairs] = a + weight * (c - a)
            variance[pairs] = weight * (1 - weight) * (c - a) * (c - a)
            low[pairs] = _least(upper[cols - 1], upper[cols - 1], lower[cols - 1], lower[cols - 1])
            high[pairs] = _most(upper[cols - 1], upper[cols - 1], lower[cols - 1], lower[cols - 1])


@compiled
def _next(old: tuple[np.ndarray, ...], extent: tuple[int, int], level: int, new: tuple[np.ndarray, ...]) -> None:
    """``level`` of a tile of ``extent`` rows and columns, from the level before."""
    rows, cols = _cells(extent[0], level - 1), _cells(extent[1], level - 1)
    width = (cols + 1) // 2
    side = 1 << (level - 1)
    for i in range((rows + 1) // 2):
        top, bottom = 2 * i * cols, min(2 * i + 1, rows - 1) * cols
        heights = min(side, extent[0] - 2 * i * side), max(0, min(side, extent[0] - (2 * i + 1) * side))
        weight = heights[1] / (heights[0] + heights[1])
        means = old[0][top : top + cols], old[0][bottom : bottom + cols]
        variances = old[1][top : top + cols], old[1][bottom : bottom + cols]
        here = i * width
        _join(means, variances, (weight, 0.5), new[0][here : here + width], new[1][here : here + width], 0, width - 1)
        last = max(0, extent[1] - (2 * width - 1) * side) / (extent[1] - (2 * width - 2) * side)
        _join(
            means, variances, (weight, last), new[0][here : here + width], new[1][here : here + width], width - 1, width
        )
        _extremes(
            (old[2][top : top + cols], old[2][bottom : bottom + cols]),
            (old[3][top : top + cols], old[3][bottom : bottom + cols]),
            new[2][here : here + width],
            new[3][here : here + width],
        )


@compiled
def _join(
    means: tuple[np.ndarray, np.ndarray],
    variances: tuple[np.ndarray, np.ndarray],
    weights: tuple[float, float],
    mean: np.ndarray,
    variance: np.ndarray,
    start: int,
    stop: int,
) -> None:
    """Cells ``start`` to ``stop`` of a row from two rows of finer ones; ``weights`` of the lower and the right one."""
    down, right = weights
    most = means[0].size - 1
    upper, lower, above, below = means[0], means[1], variances[0], variances[1]
    for j in range(start, stop):
        k = 2 * j
        n = k + 1 if right > 0 else most
        a, b, c, d = upper[k], upper[n], lower[k], lower[n]
        left, other = a + right * (b - a), c + right * (d - c)
        m = left + down * (other - left)
        first = above[k] + (a - m) * (a - m)
        first += right * (above[n] + (b - m) * (b - m) - first)
        second = below[k] + (c - m) * (c - m)
        second += right * (below[n] + (d - m) * (d - m) - second)
        mean[j], variance[j] = m, first + down * (second - first)


@compiled
def _extremes(
    lows: tuple[np.ndarray, np.ndarray], highs: tuple[np.ndarray, np.ndarray], low: np.ndarray, high: np.ndarray
) -> None:
    cols = lows[0].size
    a, b, c, d = lows[0], lows[1], highs[0], highs[1]
    for j in range(cols // 2):
        low[j] = _least(a[2 * j], a[2 * j + 1], b[2 * j], b[2 * j + 1])
        high[j] = _most(c[2 * j], c[2 * j + 1], d[2 * j], d[2 * j + 1])
    if cols & 1:
        low[cols // 2] = _least(a[cols - 1], a[cols - 1], b[cols - 1], b[cols - 1])
        high[cols // 2] = _most(c[cols - 1], c[cols - 1], d[cols - 1], d[cols - 1])


@compiled
def _least(a: Any, b: Any, c: Any, d: Any) -> Any:
    e, f = a if a < b else b, c if c < d else d
    return e if e < f else f


@compiled
def _most(a: Any, b: Any, c: Any, d: Any) -> Any:
    e, f = a if a > b else b, c if c > d else d
    return e if e > f else f


@compiled
def _write(
    cells: tuple[np.ndarray, ...], shape: tuple[int, int], target: int, stride: int, out: tuple[np.ndarray, ...]
) -> None:
    """A tile's cells into the flat arrays, within float32's range."""
    rows, cols = shape
    for i in range(rows):
        here, there = i * cols, target + i * stride
        means, variances = cells[0][here : here + cols], cells[1][here : here + cols]
        lows, highs = cells[2][here : here + cols], cells[3][here : here + cols]
        mean, std = out[0][there : there + cols], out[1][there : there + cols]
        low, high = out[2][there : there + cols], out[3][there : there + cols]
        for j in range(cols):
            mean[j] = min(max(means[j], -_F32_MAX), _F32_MAX)
            deviation = math.sqrt(variances[j])
            std[j] = deviation if deviation <= _F32_MAX else _F32_MAX
            low[j] = min(max(lows[j], -_F32_MAX), _F32_MAX)
            high[j] = min(max(highs[j], -_F32_MAX), _F32_MAX)
