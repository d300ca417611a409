"""The spectral fractal map: a layer's low-rank map with copies of itself at every zoom (methods.md §8, aesthetic).

The map M is the best rank-k approximation of the weight, averaged to n × n cells and divided by its largest magnitude,
so it lies in [−1, 1]. At a place u of the unit square, with M(u) the cell that u lies in,

    F(u) = Σ_{l=0..d} λ^l · M(frac(n^l·u)) · Π_{j<l} |M(frac(n^j·u))|

so that each cell holds a copy of the map, modulated by the cell. λ = 0 gives M itself. On a grid of n^(d+1) cells a
side every factor is constant in a cell; there the definition is exact and no fractional part is rounded: with digits
i_0 i_1 … of a cell's row in base n, M(frac(n^l·u)) is M[i_l, …]. The zoom depth is clamp(round(γ·log2(σ₁/σ_k)), 1, 12).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays.backend import namespace
from nnscope.compute.blas_threads import one_thread_each
from nnscope.compute.parts import slices
from nnscope.compute.spectra.ranks import condition
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPTHS = (1, 12)
_BAND = 1 << 18  # values of a matrix in float64 at a time
LARGEST = 1 << 26  # places at most that `fractal_region` evaluates


@dataclass(frozen=True, slots=True)
class Fractal:
    """Parameters: ``depth`` d ≥ 0 of the recursion, and ``decay`` λ in [0, 1] from level to level."""

    depth: int = 3
    decay: float = 0.5


def zoom_depth(sigma: np.ndarray, gamma: float = 1.0) -> int:
    """The depth that a spectrum asks for, clamp(round(γ·log2(σ₁/σ_k)), 1, 12).

    Parameters
    ----------
    sigma : ndarray of float, shape (k,)
        Singular values, descending.
    gamma : float
        At least 0.
    """
    octaves = min(math.log2(condition(sigma)), 2048.0)  # σ_k = 0 makes it infinite
    return min(max(round(gamma * octaves), DEPTHS[0]), DEPTHS[1])


@dataclass(frozen=True, slots=True, eq=False)
class RankMap:
    """A low-rank map.

    Attributes
    ----------
    cells : ndarray of float64, shape (n, n)
        In [−1, 1].
    sigma : ndarray of float64, shape (k,), or fewer for a smaller matrix
        The singular values that it is made of, descending.
    """

    cells: np.ndarray
    sigma: np.ndarray


def rank_map(w: np.ndarray, k: int, n: int) -> RankMap:
    """The rank-k map of ``w`` [rows, columns] in n × n cells, each a mean by area.

    The singular vectors are those of the shorter side's Gram matrix in float64, and W·V stands for U·Σ: neither the
    matrix nor its other vectors are held in float64.
    """
    if w.shape[0] < w.shape[1]:
        found = rank_map(w.T, k, n)
        return RankMap(found.cells.T, found.sigma)
    most = max((float(np.abs(part).max(initial=0.0)) for part in _bands(w)), default=0.0)
    if most == 0:
        return RankMap(np.zeros((n, n)), np.zeros(min(k, w.shape[1])))
    with one_thread_each():
        squares, right = _right_vectors(w, most, k)
        scores = np.concatenate([part / most @ right for part in _bands(w)])
    cells = _cell_means(scores, n) @ _cell_means(right, n).T
    largest = float(np.abs(cells).max())
    sigma = np.sqrt(np.maximum(squares[::-1], 0.0)) * most
    return RankMap(np.asarray(cells / largest if largest > 0 else cells), sigma)


def _bands(w: np.ndarray) -> Iterator[np.ndarray]:
    """A few rows at a time, float64, with zeros in place of what is not finite."""
    for rows in slices(len(w), max(1, _BAND // max(1, w.shape[1]))):
        part = w[rows].astype(np.float64)
        part[~np.isfinite(part)] = 0
        yield part


def _right_vectors(w: np.ndarray, most: float, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k leading right singular vectors, or all, as columns, and the squares of their singular values, ascending.

    Of ``w`` divided by ``most``, its largest magnitude.
    """
    from scipy.linalg import blas, eigh

    columns = w.shape[1]
    gram = np.zeros((columns, columns), order="F")
    for part in _bands(w):
        gram = blas.dsyrk(1.0, part.T / most, 1.0, gram, overwrite_c=True)  # the upper triangle, in place
    first = max(0, columns - k)
    squares, vectors = eigh(gram, lower=False, overwrite_a=True, subset_by_index=[first, columns - 1])
    return squares, vectors


def fractal_map(m: Any, u: Any, v: Any, fractal: Fractal) -> Any:
    """F at places of the unit square.

    Parameters
    ----------
    m : array of float, shape (n, n)
        In [−1, 1].
    u, v : array of float64
        Vertical and horizontal places in [0, 1), of shapes that broadcast together.
    fractal : Fractal

    Returns
    -------
    array of float64
        |F| ≤ Σ λ^l.
    """
    xp = namespace(m)
    n = len(m)
    total, weight = 0.0, 1.0
    for _ in range(fractal.depth + 1):
        rows, u = _digit(xp, u, n)
        cols, v = _digit(xp, v, n)
        here = m[rows, cols]
        total = total + weight * here
        weight = fractal.decay * weight * abs(here)
    return total


def fractal_region(m: Any, fractal: Fractal, first: tuple[int, int], count: tuple[int, int]) -> Any:
    """F in cells of the grid of n^(d+1) a side, where it is exact: ``count`` cells from ``first`` (row, column).

    Raises
    ------
    NnscopeError
        If that is more than `LARGEST` cells.
    """
    if math.prod(count) > LARGEST:
        raise NnscopeError("This part of the fractal map is too large.", f"{count[0]} × {count[1]}", "Ask for less.")
    xp = namespace(m)
    rows = [xp.asarray(d)[:, None] for d in _digits(first[0], count[0], len(m), fractal.depth + 1)]
    cols = [xp.asarray(d)[None, :] for d in _digits(first[1], count[1], len(m), fractal.depth + 1)]
    found = xp.empty(count)
    for band in slices(count[0], max(1, _BAND // 4 // max(1, count[1]))):
        total, weight = xp.zeros(found[band].shape), 1.0
        for row, col in zip(rows, cols, strict=True):
            here = m[row[band], col]
            total += weight * here
            weight = fractal.decay * weight * abs(here)
        found[band] = total
    return found


def _digit(xp: Any, place: Any, n: int) -> tuple[Any, Any]:
    """The cell that a place lies in, and the place within the cell."""
    scaled = place * n
    cell = xp.clip(xp.floor(scaled), 0, n - 1)
    return cell.astype(np.int64), scaled - cell


def _digits(first: int, count: int, n: int, levels: int) -> list[np.ndarray]:
    """Digits in base ``n``, the most significant first, of ``count`` numbers from ``first``; of any size."""
    numbers = [first + i for i in range(count)]  # Python's integers: n**13 may be beyond 64 bits
    return [np.array([number // n**power % n for number in numbers]) for power in range(levels - 1, -1, -1)]


def _cell_means(columns: np.ndarray, n: int) -> np.ndarray:
    """Means over n equal intervals of the rows, by area: a row on a border counts for both sides."""
    rows = len(columns)
    edges = np.linspace(0, rows, n + 1)
    sums = np.vstack([np.zeros(columns.shape[1]), np.cumsum(columns, axis=0)])
    whole = np.minimum(edges.astype(np.int64), rows - 1)
    at_edges = sums[whole] + (edges - whole)[:, None] * columns[whole]
    return np.asarray(np.diff(at_edges, axis=0) * (n / rows))
