"""Fields on a CUDA device: what `nnscope.fields.evaluate` gives CuPy's arrays to (``gaussians.cu``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays import cuda
from nnscope.arrays.backend import namespace, to_host

if TYPE_CHECKING:
    from nnscope.fields.lattice import Lattice
    from nnscope.fields.packing import Packed

_THREADS = 128  # of a block, as the kernels have it


def add_lattice_on_device(packed: Packed, lattice: Lattice, r2: float, out: Any) -> Any:
    """Add the sum on a lattice to ``out``, float32 and C-contiguous, of the lattice's shape."""
    xp = namespace(out)
    numbers, reach, axes = (xp.asarray(np.ascontiguousarray(x)) for x in (packed.numbers, packed.reach, lattice.axes))
    grid = cuda.Grid((max(1, -(-lattice.size // _THREADS)), 1), (_THREADS, 1))
    if lattice.size:
        cuda.launch("gaussians", "add_lattice", grid, (numbers, reach, len(packed.numbers), float(r2), axes, out))
    return out


def lattice_moments_on_device(packed: Packed, lattice: Lattice, r2: float, gradient: Any) -> np.ndarray:
    """Moments (n, 10) under a device's ``gradient``, on the host."""
    xp = namespace(gradient)
    numbers, reach, axes = (xp.asarray(np.ascontiguousarray(x)) for x in (packed.numbers, packed.reach, lattice.axes))
    out = xp.zeros((len(packed.numbers), 10), np.float64)
    field = xp.ascontiguousarray(gradient, np.float32)
    grid = cuda.Grid((max(1, len(packed.numbers)), 1), (_THREADS, 1))
    if len(packed.numbers):
        cuda.launch("gaussians", "lattice_moments", grid, (numbers, reach, float(r2), axes, field, out))
    return to_host(out)


def evaluate_points_on_device(packed: Packed, points: Any, r2: float) -> Any:
    """The sum at points (m, d), in order of place for speed; float32, shape (m,)."""
    xp = namespace(points)
    space = xp.zeros((len(points), 3), np.float64)
    space[:, : points.shape[1]] = points
    out = xp.zeros(len(points), np.float32)
    if len(points):
        blocks = -(-len(points) // _THREADS)
        whole = space[xp.minimum(xp.arange(blocks * _THREADS), len(points) - 1)].reshape(blocks, _THREADS, 3)
        boxes = xp.concatenate([whole.min(axis=1), whole.max(axis=1)], axis=1)
        numbers, reach = xp.asarray(packed.numbers), xp.asarray(np.ascontiguousarray(packed.reach))
        data = numbers, reach, len(packed.numbers), float(r2), boxes, space, len(points), out
        cuda.launch("gaussians", "add_points", cuda.Grid((blocks, 1), (_THREADS, 1)), data)
    return out
