"""The mip pyramid of a volume: two by two by two bricks, otherwise as `nnscope.compute.pyramid.levels` defines it.

Level k+1 halves depth, rows and columns, rounding up, so the last brick of an odd side covers one plane, row or column;
each carries the number of finite elements under it. Level 1 takes seven eighths of the work and comes straight from the
stored values, in slabs that are decoded one at a time: by compiled code where the volume is large and the slab's values
are all finite, otherwise by joining the corners of level 0. (methods.md §4; oracle: NumPy block reduction in float64.)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.compute.decode import to_float
from nnscope.compute.parallel import map_blocks
from nnscope.compute.pyramid.levels import Level, join_corners, level_from_array
from nnscope.compute.statistics.looks import COMPILED_FROM

if TYPE_CHECKING:
    from collections.abc import Callable

Shape = tuple[int, int, int]

_SLAB = 1 << 20  # elements worked on at a time


def volume_level_count(shape: Shape) -> int:
    """Number of levels: the last one is a single brick."""
    return max(1, (max(shape) - 1).bit_length() + 1)


def volume_level_shape(shape: Shape, level: int) -> Shape:
    """Depth, rows and columns of a level."""
    depth, rows, cols = (-(-extent >> level) for extent in shape)
    return depth, rows, cols


def volume_levels(
    values: np.ndarray,
    padding: np.ndarray | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Level, ...]:
    """Levels 1, 2, … of a volume, to the single brick; none for a volume of one element or none.

    Parameters
    ----------
    values : ndarray, shape (depth, rows, columns)
        Any numeric dtype and strides.
    padding : ndarray of bool or None
        True where a cell stands for no element.
    progress : callable
        Called as ``progress(done, total)`` between slabs of level 1; may raise `Cancelled`.
    """
    if values.size <= 1:
        return ()
    levels = [_level_1(values, padding, progress)]
    while levels[-1].mean.size > 1:
        levels.append(halve_bricks(levels[-1]))
    return tuple(levels)


def halve_bricks(level: Level) -> Level:
    """The next coarser level of a volume."""
    planes = _planes(level.mean[0].size)
    depth = len(level.mean)
    parts = [join_corners(Level(*(a[z : z + planes] for a in level.arrays))) for z in range(0, depth, planes)]
    kind = np.min_scalar_type(max(int(part.count.max(initial=0)) for part in parts))
    joined = [np.concatenate(arrays) for arrays in zip(*(part.arrays for part in parts), strict=True)]
    mean, std, low, high, count, odd = joined
    return Level(mean, std, low, high, count.astype(kind), odd)


def _level_1(values: np.ndarray, padding: np.ndarray | None, progress: Callable[[int, int], None]) -> Level:
    depth, rows, cols = values.shape
    shape = volume_level_shape((depth, rows, cols), 1)
    kinds = (np.float64, np.float32, np.float32, np.float32, np.uint8, np.uint8)
    level = Level(*(np.empty(shape, kind) for kind in kinds))
    planes, halve = _planes(rows * cols), _halver(values.size)
    count = -(-depth // planes)

    def work(number: int) -> None:
        where = slice(number * planes, (number + 1) * planes)
        out = tuple(a[where.start // 2 : where.stop // 2] for a in level.arrays)
        halve(values[where], None if padding is None else padding[where], out)

    for done, _ in enumerate(map_blocks(work, count), 1):
        progress(done, count)
    return level


def _planes(elements: int) -> int:
    """An even number of planes of so many elements each that make a slab."""
    return 2 * max(1, _SLAB // (2 * max(elements, 1)))


def _halver(elements: int) -> Callable[[np.ndarray, np.ndarray | None, tuple[np.ndarray, ...]], None]:
    """What makes level 1 of a slab of a volume of so many elements, into given arrays."""
    if elements < COMPILED_FROM:
        return _halve_plainly
    from nnscope.arrays.kernels import bricks

    def halve(values: np.ndarray, padding: np.ndarray | None, out: tuple[np.ndarray, ...]) -> None:
        held: Any = to_float(values)
        if padding is None and bricks.halve_values(held, np.finfo(held.dtype).max, (out[0], out[1], out[2], out[3])):
            counts = (np.minimum(2, extent - np.arange(0, extent, 2)) for extent in values.shape)
            out[4][...] = math.prod(np.ix_(*counts))
            out[5][...] = 0
        else:
            _halve_plainly(values, padding, out)

    return halve


def _halve_plainly(values: np.ndarray, padding: np.ndarray | None, out: tuple[np.ndarray, ...]) -> None:
    for target, made in zip(out, join_corners(level_from_array(values, padding)).arrays, strict=True):
        target[...] = made
