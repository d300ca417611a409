"""Each level of a dense octree from the one below, and the histogram that ranks magnitudes.

A level is one float32 array [field, z, y, x] with the fields `MEAN` … `MAGNITUDE`. Four rows of children (two planes,
two rows) join into one strip first, which runs over whole vectors, then pairs of its columns. Every loop has one store,
so that the compiler needs few checks that arrays don't overlap, and vectorises. Children weigh by the voxels they
cover, and these weights are a product over the axes, so edges cost nothing: a missing row stands as a copy of its
neighbour with weight zero. Values are taken to be finite; a voxel that is not makes the kernel say so and stop.

Variances join by the law of total variance, so nothing large cancels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nnscope.arrays.compiled import compiled, compiled_fast

if TYPE_CHECKING:
    Planes = tuple[int, int]
    Weights = tuple[np.float32, np.float32, np.float32, np.float32]
    Size = tuple[int, int, int, int]

MEAN, VARIANCE, LOW, HIGH, MAGNITUDE = range(5)
FLOAT32_MAX = float(np.finfo(np.float32).max)


@compiled
def reduce_cells(level: np.ndarray, out: np.ndarray, planes: Planes, size: Size) -> bool:
    """The level above ``level``, in the ``planes`` [from, to) of ``out``.

    Parameters
    ----------
    level : ndarray of float32, [field, z, y, x]
        Read-only. Voxels have one field, which is their mean and all else.
    size : (int, int, int, int)
        The volume's voxels along z, y and x, and the side of the cells of ``level``.

    Returns
    -------
    bool
        False when it met a mean that is not finite, and then ``out`` is undefined.
    """
    voxels, width = level.shape[0] == 1, level.shape[3]
    strip = np.empty((5, width + 1), np.float32)  # the last column once more, for an odd number
    whole, rest = size[2] // (2 * size[3]), size[2] % (2 * size[3])
    last = np.float32(min(size[3], rest) / max(rest, 1))
    low, high, magnitude = (0, 0, 0) if voxels else (LOW, HIGH, MAGNITUDE)
    for z in range(planes[0], planes[1]):
        for y in range(out.shape[2]):
            weights = _row_weights(z, y, size)
            _weighted(level[MEAN], z, y, weights, strip[MEAN, :width])
            if not math.isfinite(_zeroed_sum(strip[MEAN, :width])):
                return False
            _extremes(level[low], level[high], z, y, strip)
            if voxels:
                _clear(strip[VARIANCE])
            else:
                _weighted(level[VARIANCE], z, y, weights, strip[VARIANCE, :width])
            _add_spread(level[MEAN], z, y, weights, strip)
            _weighted_magnitudes(level[magnitude], z, y, weights, strip[MAGNITUDE, :width])
            for field in range(5):
                strip[field, width] = strip[field, width - 1]
            for first, stop, left in ((0, whole, np.float32(0.5)), (whole, out.shape[3], last)):
                _join_columns(strip, out, z, y, (first, stop), left, np.float32(1) - left)
    return True


@compiled
def _row_weights(z: int, y: int, size: Size) -> Weights:
    """Shares of the voxels that the four rows of children have."""
    side = size[3]
    front, back = min(side, size[0] - 2 * z * side), max(0, min(side, size[0] - (2 * z + 1) * side))
    left, right = min(side, size[1] - 2 * y * side), max(0, min(side, size[1] - (2 * y + 1) * side))
    n = (front + back) * (left + right)
    return (
        np.float32(front * left / n), np.float32(front * right / n),
        np.float32(back * left / n), np.float32(back * right / n),
    )  # fmt: skip


@compiled
def _weighted(a: np.ndarray, z: int, y: int, weights: Weights, out: np.ndarray) -> None:
    z1, y1 = min(2 * z + 1, a.shape[0] - 1), min(2 * y + 1, a.shape[1] - 1)
    p, q, r, s = weights
    for i in range(len(out)):
        out[i] = p * a[2 * z, 2 * y, i] + q * a[2 * z, y1, i] + r * a[z1, 2 * y, i] + s * a[z1, y1, i]


@compiled
def _weighted_magnitudes(a: np.ndarray, z: int, y: int, weights: Weights, out: np.ndarray) -> None:
    z1, y1 = min(2 * z + 1, a.shape[0] - 1), min(2 * y + 1, a.shape[1] - 1)
    p, q, r, s = weights
    for i in range(len(out)):
        out[i] = (
            p * abs(a[2 * z, 2 * y, i]) + q * abs(a[2 * z, y1, i]) + r * abs(a[z1, 2 * y, i]) + s * abs(a[z1, y1, i])
        )


@compiled
def _extremes(low: np.ndarray, high: np.ndarray, z: int, y: int, strip: np.ndarray) -> None:
    z1, y1 = min(2 * z + 1, low.shape[0] - 1), min(2 * y + 1, low.shape[1] - 1)
    out = strip[LOW]
    for i in range(low.shape[2]):
        out[i] = min(min(low[2 * z, 2 * y, i], low[2 * z, y1, i]), min(low[z1, 2 * y, i], low[z1, y1, i]))
    out = strip[HIGH]
    for i in range(low.shape[2]):
        out[i] = max(max(high[2 * z, 2 * y, i], high[2 * z, y1, i]), max(high[z1, 2 * y, i], high[z1, y1, i]))


@compiled
def _add_spread(a: np.ndarray, z: int, y: int, weights: Weights, strip: np.ndarray) -> None:
    """Add the variance of the four rows about their mean."""
    z1, y1 = min(2 * z + 1, a.shape[0] - 1), min(2 * y + 1, a.shape[1] - 1)
    p, q, r, s = weights
    mean, out = strip[MEAN], strip[VARIANCE]
    for i in range(a.shape[2]):
        b, c = a[2 * z, 2 * y, i] - mean[i], a[2 * z, y1, i] - mean[i]
        d, e = a[z1, 2 * y, i] - mean[i], a[z1, y1, i] - mean[i]
        out[i] += p * b * b + q * c * c + r * d * d + s * e * e


@compiled
def _clear(row: np.ndarray) -> None:
    for i in range(len(row)):
        row[i] = 0


@compiled_fast
def _zeroed_sum(row: np.ndarray) -> np.float32:
    """0 where all are finite, else NaN."""
    total = np.float32(0)
    for i in range(len(row)):
        total += row[i] * np.float32(0)
    return total


@compiled
def _join_columns(
    strip: np.ndarray, out: np.ndarray, z: int, y: int, span: Planes, left: np.float32, right: np.float32
) -> None:
    """Pairs of the strip's columns, weighing ``left`` and ``right``, into the cells in ``span`` [from, to) of a row."""
    start, stop = span
    most, across = np.float32(FLOAT32_MAX), left * right
    a, b = strip[LOW, 2 * start :], out[LOW, z, y, start:stop]
    for i in range(len(b)):
        b[i] = min(a[2 * i], a[2 * i + 1])
    a, c = strip[HIGH, 2 * start :], out[HIGH, z, y, start:stop]
    for i in range(len(c)):
        c[i] = max(a[2 * i], a[2 * i + 1])
    m, d = strip[MEAN, 2 * start :], out[MEAN, z, y, start:stop]
    for i in range(len(d)):
        d[i] = min(max(left * m[2 * i] + right * m[2 * i + 1], b[i]), c[i])
    a, d = strip[VARIANCE, 2 * start :], out[VARIANCE, z, y, start:stop]
    for i in range(len(d)):
        apart = m[2 * i] - m[2 * i + 1]
        joined = left * a[2 * i] + right * a[2 * i + 1] + across * apart * apart
        d[i] = np.float32(0) if b[i] == c[i] else joined if joined < most else most
    a, d = strip[MAGNITUDE, 2 * start :], out[MAGNITUDE, z, y, start:stop]
    for i in range(len(d)):
        d[i] = left * a[2 * i] + right * a[2 * i + 1]


@compiled
def count_magnitudes(bits: np.ndarray, shift: int, prefix: int, counts: np.ndarray) -> None:
    """Count |x| of finite float32 by 16 bits from bit ``shift``; of those only whose bits above are ``prefix``.

    ``bits`` are the values' patterns as int32: those of magnitudes rise with the magnitude.
    """
    for i in range(len(bits)):
        pattern = bits[i] & 0x7FFFFFFF
        if pattern < 0x7F800000 and pattern >> (shift + 16) == prefix:
            counts[(pattern >> shift) & 0xFFFF] += 1
