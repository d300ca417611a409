"""The octree of a dense volume, built from its voxels up without a sort (methods.md §6).

The blocks of one side lie on a grid, so each level is an array over (z, y, x), half as long along every axis as the one
below, rounding up, until one block holds all. Nothing is sorted or searched, and what is read and written is
(1 + 5/7) times the volume. Which blocks are leaves is asked later and often (`nnscope.compute.octree.cut`).

Slabs of planes are worked on by several threads, each as many levels up as it goes alone. The plain definition in
double precision (`join_cells`) is what small volumes and slabs with values that are not finite take. On a GPU a thread
makes a cell (``octree.cu``).

Precision: minimum and maximum are exact. Means are rounded to float32 once a level, so they are within
depth · 2⁻²⁴ · max|x| of the exact ones; variances are within a relative 10⁻⁵ and a few (2⁻²³ · |mean|)².

Oracle: NumPy block reduction in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays import cuda
from nnscope.arrays.backend import namespace, to_host
from nnscope.compute.decode import to_float32
from nnscope.compute.octree.density import dense_magnitude
from nnscope.compute.parallel import map_blocks
from nnscope.compute.parts import read_only, slices
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.compute.octree.nodes import Shape

MEAN, VARIANCE, LOW, HIGH, MAGNITUDE = range(5)  # the fields of a level

_SLAB = 1 << 20  # voxels that a thread takes at a time, at least
_PLAIN = 1 << 15  # cells that the plain definition takes at a time, about
_SMALL = 1 << 12  # voxels up to which compiled code is not worth loading
_F32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class DenseOctree:
    """All blocks over a volume.

    Attributes
    ----------
    values : float32 array (NumPy or CuPy), shape (z, y, x)
        The voxels: level 0.
    levels : tuple of float32 arrays, each of shape (5, z, y, x)
        From level 1 up, over the blocks of side 2, 4, …: mean, population variance, minimum, maximum and mean |x| of
        the finite voxels in each.
    odd : tuple of uint32 arrays, each of shape (z, y, x)
        Number of voxels in each block that are not finite. Empty when all voxels are finite.
    """

    values: Any
    levels: tuple[Any, ...]
    odd: tuple[Any, ...]

    @property
    def shape(self) -> Shape:
        """Voxels along z, y and x."""
        z, y, x = self.values.shape
        return z, y, x

    @property
    def depth(self) -> int:
        """Level of the root."""
        return len(self.levels)

    @cached_property
    def dense(self) -> float:
        """The magnitude at which ρ is 1."""
        return dense_magnitude(to_host(self.values))

    def counts(self, level: int) -> np.ndarray:
        """Voxels in each block of a level, int64, shape (z, y, x)."""
        z, y, x = (extents(size, 1 << level) for size in self.shape)
        return np.asarray(z[:, None, None] * y[:, None] * x)

    def to_host(self) -> DenseOctree:
        """The same in NumPy's arrays."""
        levels, odd = tuple(map(to_host, self.levels)), tuple(map(to_host, self.odd))
        return DenseOctree(to_host(self.values), levels, odd)


def dense_octree(volume: Any, progress: Callable[[int, int], None] = lambda done, total: None) -> DenseOctree:
    """Build all levels over a volume.

    Parameters
    ----------
    volume : array (NumPy or CuPy), shape (z, y, x)
        Any numeric dtype, such as a feature map C×H×W; float64 beyond float32's range takes its extremes. A
        C-contiguous float32 array is kept, not copied.
    progress : callable
        Called as ``progress(done, total)`` between parts; may raise `Cancelled`.

    Raises
    ------
    NnscopeError
        If the array has not three axes.
    """
    if volume.ndim != 3:
        raise NnscopeError("An octree is over three axes.", f"shape {tuple(volume.shape)}", "Choose three.")
    xp = namespace(volume)
    x = to_float32(volume) if xp is np else xp.ascontiguousarray(volume, xp.float32)
    if xp is not np:
        return _on_device(x, xp)
    levels = tuple(np.empty((5, *shape), np.float32) for shape in _level_shapes(x.shape))
    odd = tuple(np.zeros(level.shape[1:], np.uint32) for level in levels)
    _Build(x, levels, odd, [False] * len(odd)).run(progress)
    return DenseOctree(x, levels, odd if levels and odd[-1].any() else ())


def extents(size: int, side: int) -> np.ndarray:
    """Voxels of an axis under each cell of ``side``."""
    return np.minimum(side, size - np.arange(0, size, side))


def voxel_cells(x: Any) -> tuple[Any, Any]:
    """Level 0 as `join_cells` takes it."""
    xp = namespace(x)
    finite = xp.isfinite(x)
    inf = xp.float32(xp.inf)
    held = xp.where(finite, x, xp.float32(0))
    fields = held, xp.zeros_like(x), xp.where(finite, x, inf), xp.where(finite, x, -inf), xp.abs(held)
    return xp.stack(fields), finite


def join_cells(level: Any, finite: Any) -> tuple[Any, Any]:
    """The next level: the plain definition, in double precision.

    Parameters
    ----------
    level : float32 array, shape (5, z, y, x)
        As in `DenseOctree.levels`.
    finite : array of numbers, shape (z, y, x)
        Finite voxels in each block.
    """
    xp = namespace(level)
    n = _eighths(finite, 0.0)
    total = n.sum(axis=0)
    share = n / xp.maximum(total, 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        means = _eighths(level[MEAN], 0.0)
        low, high = _eighths(level[LOW], xp.inf).min(axis=0), _eighths(level[HIGH], -xp.inf).max(axis=0)
        mean = xp.where(total > 0, xp.clip((share * means).sum(axis=0), low, high), 0.0)
        variance = (share * (_eighths(level[VARIANCE], 0.0) + (means - mean) ** 2)).sum(axis=0)
        magnitude = (share * _eighths(level[MAGNITUDE], 0.0)).sum(axis=0)
        return xp.stack([mean, xp.minimum(variance, _F32_MAX), low, high, magnitude]).astype(xp.float32), total


def _eighths(a: Any, fill: float) -> Any:
    """The eight children of each cell as float64, shape (8, z, y, x); those beyond the end are ``fill``."""
    xp = namespace(a)
    padded = xp.pad(a.astype(xp.float64), [(0, size % 2) for size in a.shape], constant_values=fill)
    return xp.stack([padded[i::2, j::2, k::2] for i in (0, 1) for j in (0, 1) for k in (0, 1)])


def _level_shapes(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Of level 1 up to the root."""
    shapes = []
    while 0 not in shape and max(shape) > 1:
        shape = tuple(-(-size // 2) for size in shape)
        shapes.append(shape)
    return shapes


@dataclass(frozen=True, slots=True, eq=False)
class _Build:
    """A volume, the room for its levels, and at which of them something odd was met.

    Counts of what is odd are looked at there only: memory that is never touched costs nothing.
    """

    x: np.ndarray
    levels: tuple[np.ndarray, ...]
    odd: tuple[np.ndarray, ...]
    met: list[bool]

    def run(self, progress: Callable[[int, int], None]) -> None:
        """Fill all levels: slabs go up alone as far as they can, the rest is done at the end."""
        alone = self._levels_of_slab()
        slabs = slices(self.x.shape[0], 1 << alone) if self.levels else []
        for done, _ in enumerate(map_blocks(lambda i: self._slab(slabs[i], alone), len(slabs)), 1):
            progress(done, len(slabs))
        for number in range(alone, len(self.levels)):
            self._reduce(number, slice(0, len(self.odd[number])))

    def _levels_of_slab(self) -> int:
        planes = -(-_SLAB // max(1, self.x[:1].size))
        return min(len(self.levels), max(1, (planes - 1).bit_length()))

    def _slab(self, planes: slice, alone: int) -> None:
        for number in range(alone):
            side = 2 << number
            self._reduce(number, slice(planes.start // side, -(-planes.stop // side)))

    def _reduce(self, number: int, planes: slice) -> None:
        """Planes of ``levels[number]`` from the level below; those with a value that is not finite one by one."""
        if self.x.size > _SMALL and self._reduce_fast(number, planes):
            return
        for plane in (slice(z, z + 1) for z in range(planes.start, planes.stop)):
            if self.x.size <= _SMALL or not self._reduce_fast(number, plane):
                self._reduce_plainly(number, plane)

    def _reduce_fast(self, number: int, planes: slice) -> bool:
        """By compiled code; False when a value is not finite."""
        from nnscope.arrays.kernels.octree import reduce_cells

        if number and self.met[number - 1] and self.odd[number - 1][2 * planes.start : 2 * planes.stop].any():
            return False
        level = self.levels[number - 1] if number else self.x[None]
        size = *self.x.shape, 1 << number
        return bool(reduce_cells(read_only(level), self.levels[number], (planes.start, planes.stop), size))

    def _reduce_plainly(self, number: int, plane: slice) -> None:
        """By the plain definition, a few rows at a time."""
        out, below = self.odd[number], slice(2 * plane.start, 2 * plane.stop)
        for rows in slices(out.shape[1], max(1, _PLAIN // (8 * out.shape[2]))):
            cells, voxels = self._cells(number, (below, slice(2 * rows.start, 2 * rows.stop)))
            self.levels[number][:, plane, rows], finite = join_cells(*cells)
            out[plane, rows] = _eighths(voxels, 0.0).sum(axis=0) - finite
        self.met[number] = self.met[number] or bool(out[plane].any())

    def _cells(self, below: int, where: tuple[slice, slice]) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
        """Some planes and rows of level ``below`` as `join_cells` takes them, and the voxels in each cell."""
        if not below:
            cells = voxel_cells(self.x[where])
            return cells, np.ones(cells[1].shape)
        z, y, x = (extents(size, 1 << below) for size in self.x.shape)
        voxels = z[where[0], None, None] * y[where[1], None] * x
        return (self.levels[below - 1][:, *where], voxels - self.odd[below - 1][where]), voxels


def _on_device(x: Any, xp: Any) -> DenseOctree:
    """All levels by ``octree.cu``, a thread for each cell."""
    levels = tuple(xp.empty((5, *shape), xp.float32) for shape in _level_shapes(x.shape))
    odd = tuple(xp.zeros(level.shape[1:], xp.uint32) for level in levels)
    for number, (level, strange) in enumerate(zip(levels, odd, strict=True)):
        grid = cuda.Grid.over(strange.size)
        if number == 0:
            cuda.launch("octree", "reduce_voxels", grid, (x, *x.shape, level, strange))
        else:
            below = levels[number - 1], odd[number - 1], *x.shape, 1 << number
            cuda.launch("octree", "reduce_grid", grid, (*below, level, strange))
    return DenseOctree(x, levels, odd if levels and bool(odd[-1].any()) else ())
