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
def reduce_voxels(x: np.ndarray, out: np.ndarray, planes: Planes) -> bool:
    """Level 1 of the volume ``x`` [z, y, x], in the ``planes`` [from, to) of ``out``; False when it met a voxel that is
    not finite, and then ``out`` is undefined."""
    strip = np.empty((5, x.shape[2]), np.float32)
    for z in range(planes[0], planes[1]):
        for y in range(out.shape[2]):
            weights = _row_weights(z, y, (x.shape[0], x.shape[1], x.shape[2], 1))
            _weighted(x, z, y, weights, strip[MEAN])
            _extremes(x, x, z, y, strip)
            strip[VARIANCE] = 0
            _add_spread(x, z, y, weights, strip)
            _weighted_magnitudes(x, z, y, weights, strip[MAGNITUDE])
            if not math.isfinite(_zeroed_sum(strip[MEAN])):
                return False
            _join_columns(strip, out, z, y, 1, x.shape[2])
    return True


@compiled
def reduce_grid(level: np.ndarray, out: np.ndarray, planes: Planes, size: Size) -> None:
    """The level above ``level``, in the ``planes`` [from, to) of ``out``.

    ``size`` is (z, y, x, side): the volume's, and that of the cells of ``level``.
    """
    strip = np.empty((5, level.shape[3]), np.float32)
    for z in range(planes[0], planes[1]):
        for y in range(out.shape[2]):
            weights = _row_weights(z, y, size)
            _weighted(level[MEAN], z, y, weights, strip[MEAN])
            _extremes(level[LOW], level[HIGH], z, y, strip)
            _weighted(level[VARIANCE], z, y, weights, strip[VARIANCE])
            _add_spread(level[MEAN], z, y, weights, strip)
            _weighted(level[MAGNITUDE], z, y, weights, strip[MAGNITUDE])
            _join_columns(strip, out, z, y, size[3], size[2])


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
    for i in range(len(out)):
        out[i] = min(min(low[2 * z, 2 * y, i], low[2 * z, y1, i]), min(low[z1, 2 * y, i], low[z1, y1, i]))
    out = strip[HIGH]
    for i in range(len(out)):
        out[i] = max(max(high[2 * z, 2 * y, i], high[2 * z, y1, i]), max(high[z1, 2 * y, i], high[z1, y1, i]))


@compiled
def _add_spread(a: np.ndarray, z: int, y: int, weights: Weights, strip: np.ndarray) -> None:
    """Add the variance of the four rows about their mean."""
    z1, y1 = min(2 * z + 1, a.shape[0] - 1), min(2 * y + 1, a.shape[1] - 1)
    p, q, r, s = weights
    mean, out = strip[MEAN], strip[VARIANCE]
    for i in range(len(out)):
        b, c = a[2 * z, 2 * y, i] - mean[i], a[2 * z, y1, i] - mean[i]
        d, e = a[z1, 2 * y, i] - mean[i], a[z1, y1, i] - mean[i]
        out[i] += p * b * b + q * c * c + r * d * d + s * e * e


@compiled_fast
def _zeroed_sum(row: np.ndarray) -> np.float32:
    """0 where all are finite, else NaN."""
    total = np.float32(0)
    for i in range(len(row)):
        total += row[i] * np.float32(0)
    return total


@compiled
def _join_columns(strip: np.ndarray, out: np.ndarray, z: int, y: int, side: int, size: int) -> None:
    """Pairs of the strip's columns, of ``side`` voxels each but the last, into a row of ``out``."""
    half, quarter, most = np.float32(0.5), np.float32(0.25), np.float32(FLOAT32_MAX)
    whole = size // (2 * side)
    low, high, m, v = strip[LOW], strip[HIGH], strip[MEAN], strip[VARIANCE]
    out_low, out_high, out_mean, out_variance = out[LOW, z, y], out[HIGH, z, y], out[MEAN, z, y], out[VARIANCE, z, y]
    for i in range(whole):
        out_low[i] = min(low[2 * i], low[2 * i + 1])
    for i in range(whole):
        out_high[i] = max(high[2 * i], high[2 * i + 1])
    for i in range(whole):
        out_mean[i] = min(max(half * m[2 * i] + half * m[2 * i + 1], out_low[i]), out_high[i])
    for i in range(whole):
        apart = m[2 * i] - m[2 * i + 1]
        joined = half * v[2 * i] + half * v[2 * i + 1] + quarter * apart * apart
        out_variance[i] = np.float32(0) if out_low[i] == out_high[i] else joined if joined < most else most
    magnitude, out_magnitude = strip[MAGNITUDE], out[MAGNITUDE, z, y]
    for i in range(whole):
        out_magnitude[i] = half * magnitude[2 * i] + half * magnitude[2 * i + 1]
    if whole < out.shape[3]:
        _join_last(strip, out[:, z, y, whole], 2 * whole, min(side, size - 2 * whole * side), size - 2 * whole * side)


@compiled
def _join_last(strip: np.ndarray, out: np.ndarray, at: int, left: int, both: int) -> None:
    """The last cell of a row: of ``both`` its voxels (in a row), ``left`` are under the strip's column ``at``."""
    p, other = left / both, at + (both > left)
    mean = p * strip[MEAN, at] + (1 - p) * strip[MEAN, other]
    spread = p * (strip[MEAN, at] - mean) ** 2 + (1 - p) * (strip[MEAN, other] - mean) ** 2
    variance = p * strip[VARIANCE, at] + (1 - p) * strip[VARIANCE, other] + spread
    out[LOW], out[HIGH] = min(strip[LOW, at], strip[LOW, other]), max(strip[HIGH, at], strip[HIGH, other])
    out[MEAN] = min(max(mean, out[LOW]), out[HIGH])
    out[VARIANCE] = 0 if out[LOW] == out[HIGH] else variance if variance < FLOAT32_MAX else FLOAT32_MAX
    out[MAGNITUDE] = p * strip[MAGNITUDE, at] + (1 - p) * strip[MAGNITUDE, other]


@compiled
def count_magnitudes(bits: np.ndarray, shift: int, prefix: int, counts: np.ndarray) -> None:
    """Count |x| of finite float32 by 16 bits from bit ``shift``; of those only whose bits above are ``prefix``.

    ``bits`` are the values' patterns as int32: those of magnitudes rise with the magnitude.
    """
    for i in range(len(bits)):
        pattern = bits[i] & 0x7FFFFFFF
        if pattern < 0x7F800000 and pattern >> (shift + 16) == prefix:
            counts[(pattern >> shift) & 0xFFFF] += 1
