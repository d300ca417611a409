"""The pyramid of what lives on a CUDA device, a grid or a volume, by ``pyramid.cu``: the levels made come home.

The definitions are `nnscope.compute.pyramid.levels` and `nnscope.compute.pyramid.volume`. A grid goes through in bands
of whole tiles, as many rows as fit the memory budget once they are decoded; half and bfloat16 are decoded where they
are read.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays import cuda
from nnscope.arrays.backend import namespace, to_host
from nnscope.arrays.budget import block_elements
from nnscope.compute.decode import float_dtype
from nnscope.compute.pyramid.levels import ODD, Level, reduce_level
from nnscope.core.picture import level_count, level_shape

if TYPE_CHECKING:
    from collections.abc import Callable

TOP = 6  # levels that a tile of 64 by 64 goes through
_TILE = 64
_BAND_MOST = 65535 * _TILE  # rows: a launch has no more blocks down
_KINDS = {"float32": ("f32", np.float32), "float64": ("f64", np.float64), "float16": ("f16", np.uint16),
          "bfloat16": ("bf16", np.uint16)}  # fmt: skip
_TYPES = (np.float64, np.float32, np.float32, np.float32, np.uint32, np.uint8)


def device_levels(array: Any, base: int, launch: Callable[..., None] = cuda.launch) -> tuple[Level, ...]:
    """All levels from ``base`` to the single cell.

    Parameters
    ----------
    array : cupy.ndarray, shape (rows, columns)
        Any real dtype, C-contiguous.
    base : int
        The finest level to make, at least 1 and less than the number of levels.
    launch : callable
        As `nnscope.arrays.cuda.launch`.

    Returns
    -------
    tuple of Level
        On the host.
    """
    grid = (len(array), array.shape[1])
    first, top = min(base, TOP), min(TOP, level_count(grid) - 1)
    shapes = [level_shape(grid, level) for level in range(first, top + 1)]
    sizes = [rows * cols for rows, cols in shapes]
    starts = np.cumsum([0, *sizes])
    plan = np.array([[start, *shape, 0] for start, shape in zip(starts[:-1], shapes, strict=True)], np.int64)
    flat = tuple(namespace(array).empty(int(starts[-1]), kind) for kind in _TYPES)
    _reduce(array, (first, top), plan, flat, launch)
    host = [to_host(values) for values in flat]
    levels = [
        _level([values[start : start + size].reshape(shape) for values in host])
        for start, size, shape in zip(starts[:-1], sizes, shapes, strict=True)
    ]
    while len(levels) < level_count(grid) - first:
        levels.append(reduce_level(levels[-1]))
    return tuple(levels[base - first :])


def device_volume_levels(array: Any, launch: Callable[..., None] = cuda.launch) -> tuple[Level, ...]:
    """Levels 1, 2, … of a volume, to the single brick, as `nnscope.compute.pyramid.volume.volume_levels` makes them.

    Parameters
    ----------
    array : cupy.ndarray, shape (depth, rows, columns)
        Any real dtype.
    launch : callable
        As `nnscope.arrays.cuda.launch`.
    """
    if array.size <= 1:
        return ()
    xp, shape = namespace(array), array.shape
    suffix, values = _decoded(xp, array)
    kernel, given, levels = f"join_values_{suffix}", (values,), []
    while max(shape) > 1:
        extent, shape = shape, tuple(-(-side // 2) for side in shape)
        made = tuple(xp.empty(shape, kind) for kind in _TYPES)
        launch("pyramid", kernel, cuda.Grid.over(math.prod(shape)), (*given, *extent, *made))
        levels.append(_level([to_host(values) for values in made]))
        kernel, given = "join_bricks", made
    return tuple(levels)


def _reduce(
    array: Any, levels: tuple[int, int], plan: np.ndarray, flat: tuple[Any, ...], launch: Callable[..., None]
) -> None:
    """Fill the flat arrays, band by band."""
    xp, (rows, cols) = namespace(array), array.shape
    height = min(_BAND_MOST, max(_TILE, block_elements(array, 8) // max(cols, 1) // _TILE * _TILE))
    shifts = np.arange(levels[0], levels[1] + 1)
    for row in range(0, rows, height):
        suffix, band = _decoded(xp, array[row : row + height])
        plan[:, 3] = row >> shifts
        grid = cuda.Grid((-(-cols // _TILE), -(-len(band) // _TILE)), (256, 1))
        head = band, len(band), cols, np.int32(levels[0]), np.int32(levels[1]), xp.asarray(plan)
        launch("pyramid", f"reduce_band_{suffix}", grid, (*head, *flat))


def _decoded(xp: Any, band: Any) -> tuple[str, Any]:
    """The kernel's suffix, and the band as it takes it."""
    if str(band.dtype) not in _KINDS:
        band = band.astype(float_dtype(band.dtype))
    suffix, carrier = _KINDS[str(band.dtype)]
    return suffix, xp.ascontiguousarray(band).view(carrier)


def _level(arrays: list[np.ndarray]) -> Level:
    mean, std, low, high, count, odd = arrays
    return Level(mean, std, low, high, count.astype(np.min_scalar_type(int(count.max(initial=0)))), ODD[odd])
