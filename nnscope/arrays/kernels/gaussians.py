"""Sums of Gaussians over lattices and points, and the moments from which their gradients follow (methods.md §13).

A Gaussian is ten numbers in double precision (`nnscope.fields.packing`): mean x, y, z; a, p, q; s, t, u; w. With
d = point − mean its exponent and value are

    m = a·(dx + p·dy + q·dz)² + s·dy² + 2·t·dy·dz + u·dz²,        w·e,  e = exp(−m/2):

the quadratic form with x completed to a square. Nothing cancels, however long a Gaussian is, and what a row of a
lattice has in common is known before it is walked: the interval of x within the cut-off m ≤ r² is exact, so no sample
outside the ellipsoid is looked at, and a row that misses it costs nothing.

Two dimensions are one plane at z = 0 with q = t = u = 0. Samples and sums along a row have the precision of the
output (or of the field that moments are taken of), everything else is double.

The moments of a Gaussian under a field g are the sums over samples of g·e times 1, dx, dy, dz, dx², dx·dy, dx·dz, dy²,
dy·dz, dz².
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnscope.arrays.compiled import compiled, compiled_fast
from nnscope.arrays.kernels.exponential import exp_of

if TYPE_CHECKING:
    import numpy as np

    Span = tuple[int, int]
    Rows = tuple[np.ndarray, np.ndarray, np.ndarray]

NUMBERS = 10  # of a Gaussian, and of its moments


@compiled
def _within(middle: float, half: float, axis: np.ndarray) -> Span:
    """The samples [from, to) of an axis (origin, step, count) from middle − half to middle + half."""
    low, high = (middle - half - axis[0]) / axis[1], (middle + half - axis[0]) / axis[1]
    if not (low <= axis[2] and high >= 0):
        return 0, 0
    return math.ceil(max(low, 0.0)), math.floor(min(high, axis[2] - 1)) + 1


@compiled
def _row(g: np.ndarray, dy: float, dz: float, r2: float, axis: np.ndarray) -> tuple[int, int, float, float]:
    """Samples [from, to) of a row within the cut-off, where dx + p·dy + q·dz is 0, and the row's share of m."""
    common = g[6] * dy * dy + 2 * g[7] * dy * dz + g[8] * dz * dz
    if not common <= r2:
        return 0, 0, 0.0, 0.0
    centre = g[0] - g[4] * dy - g[5] * dz
    x0, x1 = _within(centre, math.sqrt((r2 - common) / g[3]), axis)
    return x0, x1, centre, common


@compiled_fast
def _add_row(a: float, t0: float, step: float, factor: float, out: np.ndarray) -> None:
    number = out.dtype.type
    half, begin, by, scale = number(-0.5 * a), number(t0), number(step), number(factor)
    for i in range(len(out)):
        t = begin + number(i) * by
        out[i] += scale * exp_of(half * t * t)


@compiled
def add_lattice(
    gaussians: np.ndarray, reach: np.ndarray, r2: float, axes: np.ndarray, span: Span, out: np.ndarray
) -> None:
    """Add to ``out`` [z, y, x] the sum of ``gaussians`` (n, 10) on the lattice ``axes`` (3, 3).

    A row of ``axes`` is origin, step and count, of x, y and z. ``reach`` (n, 2) is √Σ of y and z. Only planes
    [from, to) of ``span`` are written, or, where there is one plane, rows.
    """
    r, flat = math.sqrt(r2), out.shape[0] == 1
    for k in range(len(gaussians)):
        g = gaussians[k]
        z0, z1 = _within(g[2], r * reach[k, 1], axes[2])
        y0, y1 = _within(g[1], r * reach[k, 0], axes[1])
        if flat:
            y0, y1 = max(y0, span[0]), min(y1, span[1])
        else:
            z0, z1 = max(z0, span[0]), min(z1, span[1])
        for z in range(z0, z1):
            dz = axes[2, 0] + z * axes[2, 1] - g[2]
            for y in range(y0, y1):
                dy = axes[1, 0] + y * axes[1, 1] - g[1]
                x0, x1, centre, common = _row(g, dy, dz, r2, axes[0])
                if x0 < x1:
                    t0 = axes[0, 0] + x0 * axes[0, 1] - centre
                    _add_row(g[3], t0, axes[0, 1], g[9] * math.exp(-0.5 * common), out[z, y, x0:x1])


@compiled_fast
def _row_moments(a: float, t0: float, step: float, field: np.ndarray) -> tuple[float, float, float]:
    """Sums of g·exp(−a·t²/2) times 1, t and t²."""
    number = field.dtype.type
    half, begin, by = number(-0.5 * a), number(t0), number(step)
    s0, s1, s2 = number(0), number(0), number(0)
    for i in range(len(field)):
        t = begin + number(i) * by
        e = field[i] * exp_of(half * t * t)
        s0 += e
        s1 += e * t
        s2 += e * t * t
    return s0, s1, s2


@compiled
def lattice_moments(
    gaussians: np.ndarray, reach: np.ndarray, r2: float, axes: np.ndarray, field: np.ndarray, out: np.ndarray
) -> None:
    """The moments (n, 10) of ``gaussians`` under ``field`` [z, y, x]; arguments as in `add_lattice`."""
    r = math.sqrt(r2)
    for k in range(len(gaussians)):
        g, sums = gaussians[k], out[k]
        sums[:] = 0
        z0, z1 = _within(g[2], r * reach[k, 1], axes[2])
        y0, y1 = _within(g[1], r * reach[k, 0], axes[1])
        for z in range(z0, z1):
            dz = axes[2, 0] + z * axes[2, 1] - g[2]
            for y in range(y0, y1):
                dy = axes[1, 0] + y * axes[1, 1] - g[1]
                x0, x1, centre, common = _row(g, dy, dz, r2, axes[0])
                if x0 < x1:
                    t0 = axes[0, 0] + x0 * axes[0, 1] - centre
                    s0, s1, s2 = _row_moments(g[3], t0, axes[0, 1], field[z, y, x0:x1])
                    _gather(math.exp(-0.5 * common), (s0, s1, s2), (centre - g[0], dy, dz), sums)


@compiled
def _gather(factor: float, row: tuple[float, float, float], at: tuple[float, float, float], sums: np.ndarray) -> None:
    """Add a row's sums, taken about ``at[0]`` from the mean, at dy and dz, to the moments about the mean."""
    shift, dy, dz = at
    s0, s1 = factor * row[0], factor * (row[1] + shift * row[0])
    s2 = factor * (row[2] + 2 * shift * row[1] + shift * shift * row[0])
    sums[0] += s0
    sums[1] += s1
    sums[2] += s0 * dy
    sums[3] += s0 * dz
    sums[4] += s2
    sums[5] += s1 * dy
    sums[6] += s1 * dz
    sums[7] += s0 * dy * dy
    sums[8] += s0 * dy * dz
    sums[9] += s0 * dz * dz


@compiled
def _misses(g: np.ndarray, reach: np.ndarray, r: float, box: np.ndarray) -> bool:
    """Whether the box around a Gaussian's cut-off lies outside ``box`` (2, 3)."""
    for axis in range(3):
        half = r * reach[axis]
        if g[axis] + half < box[0, axis] or g[axis] - half > box[1, axis]:
            return True
    return False


@compiled
def _rows(points: np.ndarray, first: int, end: int) -> Rows:
    """x, y and z of some points (3, n), each known to the compiler as contiguous, without which loops stay scalar."""
    return points[0, first:end], points[1, first:end], points[2, first:end]


@compiled_fast
def _add_points(g: np.ndarray, base: np.ndarray, points: Rows, out: np.ndarray) -> None:
    xs, ys, zs = points
    number = out.dtype.type
    mx, my, mz = number(g[0] - base[0]), number(g[1] - base[1]), number(g[2] - base[2])
    a, p, q = number(-0.5 * g[3]), number(g[4]), number(g[5])
    s, t, u, w = number(-0.5 * g[6]), number(-g[7]), number(-0.5 * g[8]), number(g[9])
    for i in range(len(out)):
        dy, dz = ys[i] - my, zs[i] - mz
        v = xs[i] - mx + p * dy + q * dz
        out[i] += w * exp_of(a * v * v + s * dy * dy + t * dy * dz + u * dz * dz)


@compiled
def add_points(
    gaussians: np.ndarray, reach: np.ndarray, r2: float, blocks: np.ndarray, points: np.ndarray, out: np.ndarray
) -> None:
    """Add to ``out`` (n,) the sum of ``gaussians`` at ``points`` (3, n), relative to the corner of their block.

    ``blocks`` (m, 8) are first and end of each, and the box around its points (low, high). ``reach`` (k, 3) is √Σ of
    x, y and z. A Gaussian whose cut-off r misses a block's box is left out there.
    """
    r = math.sqrt(r2)
    for b in range(len(blocks)):
        first, end = int(blocks[b, 0]), int(blocks[b, 1])
        box = blocks[b, 2:].copy().reshape(2, 3)
        rows = _rows(points, first, end)
        for k in range(len(gaussians)):
            if not _misses(gaussians[k], reach[k], r, box):
                _add_points(gaussians[k], box[0], rows, out[first:end])


@compiled_fast
def _point_moments(g: np.ndarray, base: np.ndarray, points: Rows, field: np.ndarray, sums: np.ndarray) -> None:
    xs, ys, zs = points
    number = field.dtype.type
    mx, my, mz = number(g[0] - base[0]), number(g[1] - base[1]), number(g[2] - base[2])
    a, p, q = number(-0.5 * g[3]), number(g[4]), number(g[5])
    s, t, u = number(-0.5 * g[6]), number(-g[7]), number(-0.5 * g[8])
    n, x, y, z = number(0), number(0), number(0), number(0)
    xx, xy, xz, yy, yz, zz = number(0), number(0), number(0), number(0), number(0), number(0)
    for i in range(len(field)):
        dx, dy, dz = xs[i] - mx, ys[i] - my, zs[i] - mz
        v = dx + p * dy + q * dz
        e = field[i] * exp_of(a * v * v + s * dy * dy + t * dy * dz + u * dz * dz)
        ex, ey, ez = e * dx, e * dy, e * dz
        n, x, y, z = n + e, x + ex, y + ey, z + ez
        xx, xy, xz = xx + ex * dx, xy + ex * dy, xz + ex * dz
        yy, yz, zz = yy + ey * dy, yz + ey * dz, zz + ez * dz
    found = (n, x, y, z, xx, xy, xz, yy, yz, zz)
    for j in range(NUMBERS):
        sums[j] += found[j]


@compiled
def point_moments(
    gaussians: np.ndarray,
    reach: np.ndarray,
    r2: float,
    blocks: np.ndarray,
    points: np.ndarray,
    field: np.ndarray,
    out: np.ndarray,
) -> None:
    """The moments (k, 10) of ``gaussians`` under ``field`` (n,) at points; arguments as in `add_points`."""
    r = math.sqrt(r2)
    out[:] = 0
    for k in range(len(gaussians)):
        for b in range(len(blocks)):
            first, end = int(blocks[b, 0]), int(blocks[b, 1])
            box = blocks[b, 2:].copy().reshape(2, 3)
            if not _misses(gaussians[k], reach[k], r, box):
                _point_moments(gaussians[k], box[0], _rows(points, first, end), field[first:end], out[k])
