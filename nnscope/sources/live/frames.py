"""From a tensor to what is kept of it in a recording: all values where they are few, else a level of its pyramid."""

from __future__ import annotations

import math

import numpy as np

from nnscope.compute.pyramid.levels import reduce_times
from nnscope.core.layout import default_layout
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
    """A tensor as the matrix whose levels are kept, and where that is padded.

    Rows are all axes but the last, as they lie in memory; a vector is folded as `default_layout` folds it.
    """
    if values.ndim != 1:
        return values.reshape(-1, values.shape[-1]), None
    layout = default_layout(values.shape)
    width = layout.split[1] if layout.split else len(values)
    missing = -len(values) % width
    padding = np.arange(len(values) + missing).reshape(-1, width) >= len(values) if missing else None
    return np.concatenate([values, np.zeros(missing, values.dtype)]).reshape(-1, width), padding
