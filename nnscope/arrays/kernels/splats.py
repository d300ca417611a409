"""Gaussians seen by a camera: projected, and their sums, maxima and outlines drawn into a picture (methods.md §13).

A projected Gaussian is six numbers: u, v; a, p; s; w. With d = pixel's centre − (u, v) it gives a pixel at most along
its ray

    w·exp(−m/2),        m = a·(du + p·dv)² + s·dv²,

the quadratic form with u completed to a square, so that the interval of a row within the cut-off m ≤ r² is exact. Each
call draws a band of rows and writes nowhere else, so bands can be drawn by several threads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nnscope.arrays.compiled import compiled, compiled_fast
from nnscope.arrays.kernels.exponential import power32

if TYPE_CHECKING:
    Span = tuple[int, int]
    Row = tuple[np.float32, np.float32, np.float32, np.float32, np.float32]

NUMBERS = 6  # of a projected Gaussian
THIN = 1e-6  # square pixels that every projected variance has more
PAD = 8  # pixels that rows have more than the picture is wide
BAND = 64  # rows of a picture that are drawn together: they stay in a cache of a core
_COLUMN = 128  # pixels: Gaussians of a band are drawn from one such column to the next
_SEVEN = np.uint64(7)
_HALF = -0.5 * math.log2(math.e)  # of the quadratic form, as an exponent of 2
_WIDER = 1.0 + 1e-9  # no rounding leaves out a column that a row has
_RING = 0.75  # pixels from an outline that it covers


@compiled
def project(
    means: np.ndarray, factors: np.ndarray, weights: np.ndarray, camera: np.ndarray, span: Span, out: np.ndarray
) -> None:
    """Project the Gaussians ``span`` into ``out`` (n, 6); those at z ≤ near get a weight of 0.

    ``factors`` (n, 6) are the rows of L: L_xx; L_yx, L_yy; L_zx, L_zy, L_zz. ``camera`` (6, 3) has the rows of the
    rotation, the translation, (focal, near, 1 if it is parallel), and the picture's middle with what integrals along
    rays are multiplied by; where that is 0, weights are peaks along rays instead.
    """
    f, near, parallel = camera[4, 0], camera[4, 1], camera[4, 2] > 0
    for k in range(span[0], span[1]):
        x = camera[3, 0] + camera[0, 0] * means[k, 0] + camera[0, 1] * means[k, 1] + camera[0, 2] * means[k, 2]
        y = camera[3, 1] + camera[1, 0] * means[k, 0] + camera[1, 1] * means[k, 1] + camera[1, 2] * means[k, 2]
        z = camera[3, 2] + camera[2, 0] * means[k, 0] + camera[2, 1] * means[k, 1] + camera[2, 2] * means[k, 2]
        out[k, :] = 0.0
        if not parallel and not z > near:
            continue
        scale = f if parallel else f / z
        du, dv = (0.0, 0.0) if parallel else (-scale * x / z, -scale * y / z)
        uu, uv, vv, cross = _spread(factors[k], camera, scale, (du, dv))
        det = cross + THIN * (uu + vv) + THIN * THIN
        uu, vv = uu + THIN, vv + THIN
        out[k, 0], out[k, 1] = scale * x + camera[5, 0], scale * y + camera[5, 1]
        out[k, 2], out[k, 3], out[k, 4], out[k, 5] = vv / det, -uv / vv, 1.0 / vv, weights[k]
        if camera[5, 2] > 0:
            towards = (0.0, 0.0, 1.0) if parallel else (x, y, z)
            out[k, 5] *= camera[5, 2] * _through(factors[k], camera, towards)


@compiled
def _through(g: np.ndarray, camera: np.ndarray, towards: tuple[float, float, float]) -> float:
    """The integral along the ray through its middle of a Gaussian whose peak is 1: √(2π)·‖d‖/‖L⁻¹d‖."""
    a, b, c = towards
    x = camera[0, 0] * a + camera[1, 0] * b + camera[2, 0] * c
    y = camera[0, 1] * a + camera[1, 1] * b + camera[2, 1] * c
    z = camera[0, 2] * a + camera[1, 2] * b + camera[2, 2] * c
    length = math.sqrt(x * x + y * y + z * z)
    x /= g[0]
    y = (y - g[1] * x) / g[2]
    z = (z - g[3] * x - g[4] * y) / g[5]
    return math.sqrt(2 * math.pi) * length / math.sqrt(x * x + y * y + z * z)


@compiled
def _spread(
    g: np.ndarray, camera: np.ndarray, scale: float, ahead: tuple[float, float]
) -> tuple[float, float, float, float]:
    """Σ₂ of J·R·L as uu, uv and vv, and its determinant, which as a sum of squares doesn't cancel."""
    u0 = scale * camera[0, 0] + ahead[0] * camera[2, 0]
    u1 = scale * camera[0, 1] + ahead[0] * camera[2, 1]
    u2 = scale * camera[0, 2] + ahead[0] * camera[2, 2]
    v0 = scale * camera[1, 0] + ahead[1] * camera[2, 0]
    v1 = scale * camera[1, 1] + ahead[1] * camera[2, 1]
    v2 = scale * camera[1, 2] + ahead[1] * camera[2, 2]
    ux, uy, uz = u0 * g[0] + u1 * g[1] + u2 * g[3], u1 * g[2] + u2 * g[4], u2 * g[5]
    vx, vy, vz = v0 * g[0] + v1 * g[1] + v2 * g[3], v1 * g[2] + v2 * g[4], v2 * g[5]
    a, b, c = ux * vy - uy * vx, uy * vz - uz * vy, uz * vx - ux * vz
    return (
        ux * ux + uy * uy + uz * uz,
        ux * vx + uy * vy + uz * vz,
        vx * vx + vy * vy + vz * vz,
        a * a + b * b + c * c,
    )


@compiled
def _between(middle: float, half: float, span: Span) -> Span:
    """Pixels [from, to) of ``span`` whose centres lie from middle − half to middle + half."""
    low, high = middle - half - 0.5, middle + half - 0.5
    if not (low <= span[1] - 1 and high >= span[0]):
        return 0, 0
    return math.ceil(max(low, float(span[0]))), math.floor(min(high, span[1] - 1.0)) + 1


def cells(size: tuple[int, int]) -> tuple[int, int]:
    """Bands of rows of a picture (width, height), and columns in each: Gaussians are sorted into these."""
    return -(-size[1] // BAND), -(-size[0] // _COLUMN)


@compiled
def find_reach(
    splats: np.ndarray, r2: float, size: tuple[int, int], span: Span, reach: np.ndarray, counts: np.ndarray
) -> None:
    """Note for the Gaussians ``span`` in ``reach`` (n, 3) their bands [from, to) and their column, and count them.

    ``counts`` int64 [bands × columns], 0 at first: how many reach each cell. Those that aren't seen reach none.
    """
    columns = -(-size[0] // _COLUMN)
    for k in range(span[0], span[1]):
        v0, v1 = _between(splats[k, 1], math.sqrt(r2 / splats[k, 4]) if splats[k, 5] != 0.0 else -1.0, (0, size[1]))
        column = min(max(splats[k, 0] / _COLUMN, 0.0), columns - 1.0)
        reach[k, 0], reach[k, 1], reach[k, 2] = v0 // BAND, (v1 - 1) // BAND + 1 if v1 > v0 else 0, int(column)
        for band in range(reach[k, 0], reach[k, 1]):
            counts[band * columns + reach[k, 2]] += 1


@compiled
def put_in_order(
    splats: np.ndarray, columns: int, span: Span, reach: np.ndarray, places: np.ndarray, ordered: np.ndarray
) -> None:
    """Copy the Gaussians ``span`` into ``ordered``, for each cell from its place on.

    To draw them in an order that jumps about in memory takes half as long again.
    """
    for k in range(span[0], span[1]):
        for band in range(reach[k, 0], reach[k, 1]):
            cell = band * columns + reach[k, 2]
            for i in range(NUMBERS):
                ordered[places[cell], i] = splats[k, i]
            places[cell] += 1


@compiled_fast
def _find_rows(g: np.ndarray, r2: float, first: float, left: float, count: int, rows: np.ndarray) -> None:
    """Of ``count`` rows from ``first`` on: first and last column of the interval, t₀ and e₀, from column ``left`` on.

    Float64 until they are whole numbers or small, so that which pixels lie within the cut-off is exact; and without
    branches, so that several rows are worked on at once.
    """
    u, v, a, p, s = g[0], g[1], g[2], g[3], g[4]
    per = 1.0 / a
    for y in range(count):
        dv = first + float(np.int32(y)) + 0.5 - v
        common, middle = s * dv * dv, u - p * dv
        wide = math.sqrt(max(r2 - common, 0.0) * per)
        rows[0, y] = np.float32(np.ceil(middle - wide - 0.5) - left)
        rows[1, y] = np.float32(np.floor(middle + wide - 0.5) - left)
        rows[2, y] = np.float32(left + 0.5 - middle)
        rows[3, y] = np.float32(_HALF * common)


@compiled_fast
def _add_row(out: np.ndarray, base: np.uint64, count: np.uint64, w: np.float32, row: Row) -> None:
    """Add w·2^(e₀ + slope·t²), t from t₀ on by 1, to the pixels low … high of ``count``; nothing to the others.

    Weights of 0 and not additions that are left out: the compiler would make masked stores of these, which take
    several times as long.
    """
    low, high, t0, e0, slope = row
    for x in range((count + _SEVEN) & ~_SEVEN):
        at = np.float32(np.int32(x))
        t = t0 + at
        out[base + x] += (w if low <= at <= high else np.float32(0)) * power32(e0 + slope * t * t)


@compiled_fast
def _raise_row(bits: np.ndarray, base: np.uint64, count: np.uint64, w: np.float32, row: Row) -> None:
    """The same, but pixels become what is larger. ``bits``: theirs, as order among floats ≥ 0 is that of their bits."""
    low, high, t0, e0, slope = row
    for x in range((count + _SEVEN) & ~_SEVEN):
        at = np.float32(np.int32(x))
        t = t0 + at
        c = (w if low <= at <= high else np.float32(0)) * power32(e0 + slope * t * t)
        bits[base + x] = max(bits[base + x], np.float32(c).view(np.int32))


@compiled_fast
def _vectors(low: np.float32, high: np.float32, columns: int) -> tuple[int, int]:
    """Where the first vector of a row begins that reaches its interval, and columns from there to the last."""
    skip = int(max(low, np.float32(0))) & ~7
    return skip, max(int(min(high, np.float32(columns - 1))) - skip + 1, 0)


@compiled_fast
def draw(splats: np.ndarray, r2: float, largest: bool, span: Span, width: int, out: np.ndarray) -> None:
    """Add Gaussians to the rows ``span`` of a picture, or bring these to what is largest.

    ``out`` is all its rows on end, float32 (1, rows·(``width`` + `PAD`)): a row of a Gaussian is worked on in whole
    vectors of eight, whose ends past its interval or past the picture change nothing. Of the largest there are two
    pictures (2, …) where there are weights below 0: of positive weights, and of the magnitudes of negative ones.
    """
    top, bottom, right, pitch = float(span[0]), span[1] - 1.0, width - 1.0, width + PAD
    rows, bits = np.empty((4, BAND), np.float32), out.view(np.int32)
    for k in range(len(splats)):
        g = splats[k]
        tall, wide = math.sqrt(r2 / g[4]), math.sqrt(r2 * (1.0 / g[2] + g[3] * g[3] / g[4])) * _WIDER
        first, last = max(np.ceil(g[1] - tall - 0.5), top), min(np.floor(g[1] + tall - 0.5), bottom)
        left, end = max(np.ceil(g[0] - wide - 0.5), 0.0), min(np.floor(g[0] + wide - 0.5), right)
        if g[5] == 0.0 or not (last >= first and end >= left):
            continue
        many, columns = int(last - first) + 1, int(end - left) + 1
        _find_rows(g, r2, first, left, many, rows)
        w, slope = np.float32(g[5]), np.float32(_HALF * g[2])
        below, start = 1 if largest and w < 0 else 0, int(first) * pitch + int(left)
        for y in range(many):
            skip, count = (0, columns) if columns <= PAD else _vectors(rows[0, y], rows[1, y], columns)
            away, base = np.float32(skip), np.uint64(start + y * pitch + skip)
            row = rows[0, y] - away, rows[1, y] - away, rows[2, y] + away, rows[3, y], slope
            if largest:
                _raise_row(bits[below], base, np.uint64(count), abs(w), row)
            else:
                _add_row(out[0], base, np.uint64(count), w, row)


@compiled
def own(splats: np.ndarray, r2: float, span: Span, strengths: np.ndarray, owners: np.ndarray) -> None:
    """Note in the rows ``span`` of ``owners`` [v, u] which Gaussian gives most, by its magnitude in ``strengths``.

    Both arrays, float64 and int32, hold what was before: 0 and −1.
    """
    for k in range(len(splats)):
        g = splats[k]
        if g[5] == 0.0:
            continue
        v0, v1 = _between(g[1], math.sqrt(r2 / g[4]), span)
        for v in range(v0, v1):
            dv = v + 0.5 - g[1]
            common = g[4] * dv * dv
            middle = g[0] - g[3] * dv
            u0, u1 = _between(middle, math.sqrt(max(r2 - common, 0.0) / g[2]), (0, owners.shape[1]))
            for u in range(u0, u1):
                t = u + 0.5 - middle
                c = abs(g[5]) * math.exp(-0.5 * (g[2] * t * t + common))
                if c > strengths[v, u]:
                    strengths[v, u], owners[v, u] = c, k


@compiled
def outline(splats: np.ndarray, span: Span, strengths: np.ndarray, owners: np.ndarray) -> None:
    """Note in ``owners`` whose outline m = 1 passes within `_RING` pixels; the largest weight goes before others."""
    for k in range(len(splats)):
        g = splats[k]
        vv = 1.0 / g[4] if g[5] != 0.0 else 0.0
        uu = 1.0 / g[2] + g[3] * g[3] * vv if g[5] != 0.0 else 0.0
        if g[5] == 0.0:
            continue
        v0, v1 = _between(g[1], math.sqrt(vv) + _RING, span)
        u0, u1 = _between(g[0], math.sqrt(uu) + _RING, (0, owners.shape[1]))
        for v in range(v0, v1):
            dv = v + 0.5 - g[1]
            for u in range(u0, u1):
                t = u + 0.5 - g[0] + g[3] * dv
                along, down = g[2] * t, g[2] * t * g[3] + g[4] * dv
                steep = 2.0 * math.sqrt(along * along + down * down)
                off = abs(g[2] * t * t + g[4] * dv * dv - 1.0)
                if off <= _RING * steep and abs(g[5]) > strengths[v, u]:
                    strengths[v, u], owners[v, u] = abs(g[5]), k


@compiled
def blend(splats: np.ndarray, r2: float, peak: float, span: Span, out: np.ndarray, clear: np.ndarray) -> None:
    """Lay weights over the rows ``span`` of ``out`` [v, u] from front to back, the order in which they are given.

    A Gaussian hides |w|/``peak`` of what is behind its middle, less outwards; ``clear`` is what is left of the light,
    1 at first.
    """
    for k in range(len(splats)):
        g = splats[k]
        if g[5] == 0.0:
            continue
        hides = abs(g[5]) / peak
        v0, v1 = _between(g[1], math.sqrt(r2 / g[4]), span)
        for v in range(v0, v1):
            dv = v + 0.5 - g[1]
            common = g[4] * dv * dv
            middle = g[0] - g[3] * dv
            u0, u1 = _between(middle, math.sqrt(max(r2 - common, 0.0) / g[2]), (0, out.shape[1]))
            for u in range(u0, u1):
                t = u + 0.5 - middle
                share = hides * math.exp(-0.5 * (g[2] * t * t + common)) * clear[v, u]
                out[v, u] += g[5] * share
                clear[v, u] -= share
