"""Products of a matrix with a few vectors and back, ``Y = XB`` and ``Z = XᵀY``, in one reading of X.

BLAS packs its operands for large products; with 8 columns the packing costs more than the product, and the second
product reads the matrix again. Here a few rows are centred in the first-level cache, multiplied, and multiplied back.
The number of columns is a multiple of 4. `X` is given by `m`, whose rows are contiguous: the samples themselves
(`forth_and_back`), or the features, where X is stored feature by feature (`forth_and_back_columns`).

The definition: ``y = (x - shift) @ b.T``, ``z += ((x - shift).T @ y).T``, ``sums += (x - shift).sum(0)``, and what the
functions give back is the sum of the squares (0 when ``sums`` is empty).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscope.arrays.compiled import compiled_fast

ROWS = 16  # of a sample-by-sample matrix that are worked on at once
COLUMNS = 256  # samples of a feature-by-feature matrix that are worked on at once


@compiled_fast
def forth_and_back(m: Any, shift: Any, b: Any, y: Any, z: Any, sums: Any) -> float:
    """X by samples: ``m`` [n, c], ``shift`` [c], ``y`` [n, p], ``sums`` [c] or empty.

    ``b`` and ``z`` are [tiles, p, tile]: features in tiles that stay in the first-level cache, zeros after the last.
    """
    n, c = m.shape
    tiles, p, tile = b.shape
    part = np.zeros((tiles, ROWS, tile), m.dtype)
    own = np.zeros((ROWS, p), m.dtype)
    square = 0.0
    for start in range(0, n, ROWS):
        rows = min(ROWS, n - start)
        if rows < ROWS:
            part[:] = 0
        own[:] = 0
        for t in range(tiles):
            here = part[t]
            for r in range(rows):
                line, less, into = m[start + r, t * tile :], shift[t * tile :], here[r]
                for k in range(min(tile, c - t * tile)):
                    into[k] = line[k] - less[k]
            if sums.size:
                square += _moments(here, sums[t * tile :])
            _dots(here, b[t], own)
        for t in range(tiles):
            _combine(part[t], own, z[t])
        y[start : start + rows] = own[:rows]
    return square


@compiled_fast
def forth_and_back_columns(m: Any, first: int, last: int, shift: Any, b: Any, y: Any, z: Any, sums: Any) -> float:
    """X by features: samples ``first`` to ``last`` of ``m`` [c, n], ``shift`` [c], ``b`` [c, p].

    ``y`` is [p, last − first]; ``b`` and ``z`` have rows of zeros up to a multiple of 4; ``sums`` is [c] or empty.
    """
    c = m.shape[0]
    part = np.zeros((b.shape[0], COLUMNS), m.dtype)
    own = np.zeros((b.shape[1], COLUMNS), m.dtype)
    square = 0.0
    for start in range(first, last, COLUMNS):
        width = min(COLUMNS, last - start)
        if width < COLUMNS:
            part[:] = 0
        for r in range(c):
            line, into = m[r, start:], part[r]
            for k in range(width):
                into[k] = line[k] - shift[r]
        if sums.size:
            square += _moments_of_rows(part, sums)
        own[:] = 0
        _combine(part, b, own)
        _dots(part, own, z)
        y[:, start - first : start - first + width] = own[:, :width]
    return square


@compiled_fast
def projections(m: Any, v: Any, offset: Any, out: Any) -> None:
    """``out[r, j] = Σ_k m[r, k] v[j, k] − offset[j]``: a few columns of XV, in one reading of X by samples."""
    for r in range(m.shape[0]):
        for j in range(v.shape[0]):
            total = m.dtype.type(0)
            for k in range(m.shape[1]):
                total += m[r, k] * v[j, k]
            out[r, j] = total - offset[j]


@compiled_fast
def _moments(m: Any, sums: Any) -> float:
    """Add the rows to ``sums``; give the sum of squares. Rows are a multiple of 4."""
    square = 0.0
    for r in range(0, m.shape[0], 4):
        one = m.dtype.type(0)
        for k in range(min(m.shape[1], sums.size)):
            a, b, c, d = m[r, k], m[r + 1, k], m[r + 2, k], m[r + 3, k]
            sums[k] += (a + b) + (c + d)
            one += (a * a + b * b) + (c * c + d * d)
        square += one
    return square


@compiled_fast
def _moments_of_rows(m: Any, sums: Any) -> float:
    """Add each row's total to its entry of ``sums``; give the sum of squares."""
    square = 0.0
    for r in range(sums.size):
        one = m.dtype.type(0)
        total = m.dtype.type(0)
        for k in range(m.shape[1]):
            total += m[r, k]
            one += m[r, k] * m[r, k]
        sums[r] += total
        square += one
    return square


@compiled_fast
def _dots(m: Any, v: Any, out: Any) -> None:
    """``out[r, j] += Σ_k m[r, k] v[j, k]``; rows even, j a multiple of 4."""
    zero = m.dtype.type(0)
    for r in range(0, m.shape[0], 2):
        for j in range(0, v.shape[0], 4):
            a0 = a1 = a2 = a3 = zero
            b0 = b1 = b2 = b3 = zero
            for k in range(m.shape[1]):
                x, y = m[r, k], m[r + 1, k]
                a0 += x * v[j, k]
                b0 += y * v[j, k]
                a1 += x * v[j + 1, k]
                b1 += y * v[j + 1, k]
                a2 += x * v[j + 2, k]
                b2 += y * v[j + 2, k]
                a3 += x * v[j + 3, k]
                b3 += y * v[j + 3, k]
            out[r, j] += a0
            out[r, j + 1] += a1
            out[r, j + 2] += a2
            out[r, j + 3] += a3
            out[r + 1, j] += b0
            out[r + 1, j + 1] += b1
            out[r + 1, j + 2] += b2
            out[r + 1, j + 3] += b3


@compiled_fast
def _combine(m: Any, w: Any, out: Any) -> None:
    """``out[j, k] += Σ_r w[r, j] m[r, k]``; rows a multiple of 4, j even."""
    for r in range(0, m.shape[0], 4):
        for j in range(0, out.shape[0], 2):
            a0, a1, a2, a3 = w[r, j], w[r + 1, j], w[r + 2, j], w[r + 3, j]
            b0, b1, b2, b3 = w[r, j + 1], w[r + 1, j + 1], w[r + 2, j + 1], w[r + 3, j + 1]
            for k in range(m.shape[1]):
                x0, x1, x2, x3 = m[r, k], m[r + 1, k], m[r + 2, k], m[r + 3, k]
                out[j, k] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                out[j + 1, k] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
