"""From a tensor to what is kept of it in a recording: all values where they are few, else a level of its pyramid."""

from __future__ import annotations

import math

import numpy as np

from nnscope.compute.pyramid.levels import reduce_times
from nnscope.core.layout import sheet
from nnscope.store.runs.record import ARRAYS, LEVEL, RAW, Frame

_CELL = 16  # bytes of a cell of a level: mean, standard deviation, min and max in float32


def frame_of(values: np.ndarray, most_bytes: int) -> Frame:
    """A frame of at most so many bytes, or of one cell.

    Parameters
    ----------
    values : ndarray
        In the tensor's own dtype.
    most_bytes : int
        All values are kept up to so many bytes; beyond, the finest level of `as_matrix` that fits.
    """
    if values.nbytes <= most_bytes or values.size <= 1:
        return Frame(RAW, {"values": values})
    grid, padding = as_matrix(values)
    level = 1
    while math.prod(-(-side >> level) for side in grid.shape) * _CELL > most_bytes and max(grid.shape) >> level:
        level += 1
    found = reduce_times(grid, level, padding)
    arrays = {name: np.asarray(getattr(found, name), np.float32) for name in ARRAYS[LEVEL]}
    return Frame(LEVEL, arrays, level)


def as_matrix(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """A tensor as the matrix whose levels are kept, laid out as a heat map (`sheet`), and where that is padded."""
    layout = sheet(values.shape)
    order = (*layout.rows, *layout.cols, *(axis for axis, _ in layout.fixed))
    if layout.split is None:
        return values.transpose(order).reshape(layout.grid), None
    axis, width = layout.split
    missing = -values.shape[axis] % width
    whole = np.pad(values, [(0, missing if a == axis else 0) for a in range(values.ndim)])
    grid = whole.reshape(layout.virtual_shape).transpose(order).reshape(layout.grid)
    if not missing:
        return grid, None
    beyond = np.arange(values.shape[axis] + missing) >= values.shape[axis]
    within = beyond.reshape([-1 if a == axis else 1 for a in range(values.ndim)])
    padding = np.broadcast_to(within, whole.shape).reshape(layout.virtual_shape)
    return grid, padding.transpose(order).reshape(layout.grid)
