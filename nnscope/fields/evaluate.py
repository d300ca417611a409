"""A Gaussian field on lattices and at points, and the moments behind its gradients: compiled, and culled.

A Gaussian is left out beyond ‖L⁻¹(p − μ)‖ = r, so the error is at most Σ|w|·e^(−r²/2) (`error_bound`), and below
4·10⁻⁶ of Σ|w| at the default r = 5. On a lattice the cut is the ellipsoid itself, row by row; at scattered points it is
by boxes around blocks of points, which are sorted along a Morton curve first. Threads take slabs of the lattice, blocks
of points, or, for moments, Gaussians: no two write to one place, so results are the same each time.

Arrays of CuPy are worked on where they are (``gaussians.cu``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays.backend import namespace
from nnscope.compute.octree.morton import encode
from nnscope.compute.parallel import map_blocks
from nnscope.compute.parts import for_each, slices
from nnscope.fields.packing import pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.fields.lattice import Lattice
    from nnscope.fields.packing import Packed
    from nnscope.fields.parameters import Gaussians

CUTOFF = 5.0
"""r beyond which Gaussians are left out, in standard deviations."""

_MOST = 1e6  # of r: no cut-off at all
_SMALL = 100_000  # pairs of a sample and a Gaussian, in short rows, that one thread works on alone
_CHEAP = 8  # pairs in whole vectors of points that take as long as one of these
_SLABS = 8
_GAUSSIANS = 64  # that a thread takes at a time, at least
_POINTS = 128  # in a block
_FEW = 512  # points that are one block, unsorted: to look for those near a Gaussian costs more than it saves
_CELLS = 1024  # along each side of the grid that points are sorted by


def error_bound(field: Gaussians, cutoff: float = CUTOFF) -> float:
    """Most that the cut-off takes from f anywhere: Σ|w|·e^(−r²/2)."""
    return float(np.abs(field.weights).sum() * np.exp(-0.5 * cutoff * cutoff))


def evaluate_lattice(
    field: Gaussians | Packed, lattice: Lattice, cutoff: float = CUTOFF, out: Any | None = None
) -> Any:
    """f on a lattice, without the field's offset and scale.

    Parameters
    ----------
    field : Gaussians or Packed
    lattice : Lattice
    cutoff : float
        r; infinite for none.
    out : array (NumPy or CuPy) of float32 or float64, or None
        C-contiguous and of the lattice's shape; what the sum is added to. By default float32 zeros in NumPy.

    Returns
    -------
    array of the lattice's shape
        ``out``.
    """
    packed = _packed(field)
    out = np.zeros(lattice.shape, np.float32) if out is None else out
    if namespace(out) is not np:
        from nnscope.fields.device import add_lattice_on_device

        return add_lattice_on_device(packed, lattice, min(cutoff, _MOST) ** 2, out)
    from nnscope.arrays.kernels.gaussians import add_lattice

    volume = out.reshape(lattice.shape if lattice.dimensions == 3 else (1, *lattice.shape))
    axes, reach = lattice.axes, np.ascontiguousarray(packed.reach[:, 1:])
    r2 = min(cutoff, _MOST) ** 2
    count = volume.shape[0] if lattice.dimensions == 3 and len(volume) > 1 else volume.shape[1]
    parts = slices(count, max(1, -(-count // _SLABS)))
    _run(
        lambda i: add_lattice(packed.numbers, reach, r2, axes, (parts[i].start, parts[i].stop), volume),
        len(parts),
        _pairs(packed, lattice, cutoff),
    )
    return out


def lattice_moments(field: Gaussians | Packed, lattice: Lattice, gradient: Any, cutoff: float = CUTOFF) -> np.ndarray:
    """Moments of each Gaussian under ``gradient`` by the values on a lattice (`nnscope.fields.packing`).

    Parameters
    ----------
    gradient : array (NumPy or CuPy) of float32 or float64, of the lattice's shape

    Returns
    -------
    ndarray of float64, shape (n, 10)
    """
    packed, r2 = _packed(field), min(cutoff, _MOST) ** 2
    if namespace(gradient) is not np:
        from nnscope.fields.device import lattice_moments_on_device

        return lattice_moments_on_device(packed, lattice, r2, gradient)
    from nnscope.arrays.kernels.gaussians import lattice_moments as moments

    shape = lattice.shape if lattice.dimensions == 3 else (1, *lattice.shape)
    volume, axes = np.ascontiguousarray(gradient).reshape(shape), lattice.axes
    reach, out = np.ascontiguousarray(packed.reach[:, 1:]), np.empty((len(packed.numbers), 10))
    parts = slices(len(out), max(_GAUSSIANS, -(-len(out) // (4 * _SLABS))))
    _run(
        lambda i: moments(packed.numbers[parts[i]], reach[parts[i]], r2, axes, volume, out[parts[i]]),
        len(parts),
        _pairs(packed, lattice, cutoff),
    )
    return out


class Points:
    """Points sorted into blocks of neighbours, once for many evaluations.

    Parameters
    ----------
    points : ndarray of float32 or float64, shape (m, d)
        The dtype is that of sums.
    """

    def __init__(self, points: np.ndarray) -> None:
        self.dimensions = points.shape[1]
        space = np.zeros((len(points), 3))
        space[:, : self.dimensions] = points
        few = len(space) <= _FEW
        self.order = np.arange(len(space)) if few else _morton_order(space)
        space = space[self.order]
        size = _FEW if few else _POINTS
        starts = np.arange(0, len(space), size)
        lows = np.minimum.reduceat(space, starts) if len(space) else space
        highs = np.maximum.reduceat(space, starts) if len(space) else space
        ends = np.minimum(starts + size, len(space))
        self.blocks = np.concatenate([starts[:, None], ends[:, None], lows, highs], axis=1)
        corners = np.repeat(lows, ends - starts, axis=0)
        self.offsets = np.ascontiguousarray((space - corners).T.astype(points.dtype))

    def __len__(self) -> int:
        return len(self.order)

    def unsorted(self, values: np.ndarray) -> np.ndarray:
        """Values in the order in which the points were given."""
        out = np.empty_like(values)
        out[self.order] = values
        return out


def evaluate_points(field: Gaussians | Packed, points: Any, cutoff: float = CUTOFF) -> Any:
    """f at points, without the field's offset and scale.

    Parameters
    ----------
    points : array (NumPy or CuPy) of float32 or float64, shape (m, d), or Points

    Returns
    -------
    array of the points' dtype, shape (m,)
    """
    packed, r2 = _packed(field), min(cutoff, _MOST) ** 2
    if not isinstance(points, Points) and namespace(points) is not np:
        from nnscope.fields.device import evaluate_points_on_device

        return evaluate_points_on_device(packed, points, r2)
    from nnscope.arrays.kernels.gaussians import add_points

    held = points if isinstance(points, Points) else Points(points)
    out = np.zeros(len(held), held.offsets.dtype)
    parts = slices(len(held.blocks), max(1, -(-len(held.blocks) // _SLABS)))
    _run(
        lambda i: add_points(packed.numbers, packed.reach, r2, held.blocks[parts[i]], held.offsets, out),
        len(parts),
        len(out) * len(packed.numbers) / _CHEAP,
    )
    return held.unsorted(out)


def point_moments(
    field: Gaussians | Packed, points: Points, gradient: np.ndarray, cutoff: float = CUTOFF
) -> np.ndarray:
    """Moments (n, 10) of each Gaussian under ``gradient`` (m,) by the values at points."""
    from nnscope.arrays.kernels.gaussians import point_moments as moments

    packed, r2 = _packed(field), min(cutoff, _MOST) ** 2
    weight = np.ascontiguousarray(gradient[points.order], points.offsets.dtype)
    out = np.empty((len(packed.numbers), 10))
    parts = slices(len(out), max(_GAUSSIANS, -(-len(out) // (4 * _SLABS))))
    data = r2, points.blocks, points.offsets, weight
    _run(
        lambda i: moments(packed.numbers[parts[i]], packed.reach[parts[i]], *data, out[parts[i]]),
        len(parts),
        len(weight) * len(out) / _CHEAP,
    )
    return out


def _packed(field: Gaussians | Packed) -> Packed:
    from nnscope.fields.parameters import Gaussians

    return pack(field) if isinstance(field, Gaussians) else field


def _run(work: Callable[[int], object], count: int, pairs: float) -> None:
    """``work(0)`` …: by one thread where starting others would take longer."""
    if pairs > _SMALL:
        for_each(work, count)
        return
    for _ in map_blocks(work, count, threads=1):
        pass


def _pairs(packed: Packed, lattice: Lattice, cutoff: float) -> float:
    """About how many samples lie within cut-offs."""
    boxes = 2 * cutoff * packed.reach[:, : lattice.dimensions] / np.asarray(lattice.step)
    return float(np.minimum(boxes + 1, lattice.shape[::-1]).prod(axis=1).sum())


def _morton_order(space: np.ndarray) -> np.ndarray:
    """Points (m, 3) along a Morton curve through the box around them."""
    low = space.min(axis=0, initial=np.inf)
    extent = float((space - low).max(initial=0.0)) or 1.0
    cells = np.minimum((space - low) * (_CELLS / extent), _CELLS - 1).astype(np.int32)
    return np.argsort(encode(cells[:, ::-1]), kind="stable")
