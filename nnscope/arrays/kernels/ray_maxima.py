"""The greatest value of a volume along each ray of a picture, by trilinear samples (methods.md §13)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnscope.arrays.compiled import compiled

if TYPE_CHECKING:
    import numpy as np

    Span = tuple[int, int]

_ROUNDING = 1e-3  # as in nnscope.compute.space.rays


@compiled
def _entered(origin: np.ndarray, towards: np.ndarray, shape: tuple[int, int, int]) -> tuple[float, float]:
    """t at which a ray, t ≥ 0, enters the box from 0 to the volume's size and leaves it; (0, 0) where it misses."""
    first, last = 0.0, math.inf
    for axis in range(3):
        size = shape[2 - axis]
        if towards[axis] == 0:
            if not 0 <= origin[axis] < size:
                return 0.0, 0.0
            continue
        a, b = -origin[axis] / towards[axis], (size - origin[axis]) / towards[axis]
        first, last = max(first, min(a, b)), min(last, max(a, b))
    return (first, last) if first < last else (0.0, 0.0)


@compiled
def _interpolated(values: np.ndarray, x: float, y: float, z: float) -> float:
    """Between the voxels' centres; the edge goes on outside."""
    nz, ny, nx = values.shape
    px, py, pz = min(max(x - 0.5, 0.0), nx - 1.0), min(max(y - 0.5, 0.0), ny - 1.0), min(max(z - 0.5, 0.0), nz - 1.0)
    i, j, k = int(px), int(py), int(pz)
    i1, j1, k1 = min(i + 1, nx - 1), min(j + 1, ny - 1), min(k + 1, nz - 1)
    fx, fy, fz = px - i, py - j, pz - k
    near = values[k, j, i] * (1 - fx) + values[k, j, i1] * fx
    near = near * (1 - fy) + (values[k, j1, i] * (1 - fx) + values[k, j1, i1] * fx) * fy
    far = values[k1, j, i] * (1 - fx) + values[k1, j, i1] * fx
    far = far * (1 - fy) + (values[k1, j1, i] * (1 - fx) + values[k1, j1, i1] * fx) * fy
    found: float = near * (1 - fz) + far * fz
    return found


@compiled
def ray_maxima(values: np.ndarray, rays: np.ndarray, step: float, span: Span, out: np.ndarray) -> None:
    """Rows [from, to) of a picture ``out`` [y, x]: the largest sample in the middles of equal pieces of each ray.

    ``rays`` (6, 3) are origin and direction, each with what a pixel to the right and one below add; pixels' centres lie
    at their index + ½. Pieces are up to ``step`` voxels long. Rays that miss the volume leave what ``out`` holds.
    """
    for y in range(span[0], span[1]):
        for x in range(out.shape[1]):
            origin = rays[0] + (x + 0.5) * rays[1] + (y + 0.5) * rays[2]
            towards = rays[3] + (x + 0.5) * rays[4] + (y + 0.5) * rays[5]
            first, last = _entered(origin, towards, values.shape)
            if last <= first:
                continue
            length = (last - first) * math.sqrt((towards * towards).sum())
            count = max(math.ceil(length / step - _ROUNDING), 1)
            most = -math.inf
            for i in range(count):
                t = first + (i + 0.5) * (last - first) / count
                p = origin + t * towards
                most = max(most, _interpolated(values, p[0], p[1], p[2]))
            out[y, x] = most
