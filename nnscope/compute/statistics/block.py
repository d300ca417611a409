"""The statistics of a block of cells that hovering shows when a picture is zoomed out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnscope.compute.decode import to_float
from nnscope.compute.statistics.moments import moments
from nnscope.core.answer import BlockStats

if TYPE_CHECKING:
    import numpy as np


def block_stats(values: np.ndarray, padding: np.ndarray | None = None) -> BlockStats:
    """Count, and mean, extremes and population standard deviation of the finite values, in float64.

    Parameters
    ----------
    values : ndarray
        Of any numeric dtype; magnitudes of complex values.
    padding : ndarray of bool or None
        True where a cell stands for no element; not counted.
    """
    held = to_float(values if padding is None else values[~padding])
    found = moments(held)
    if found.finite == 0:
        return BlockStats(held.size, 0, math.nan, math.nan, math.nan, math.nan)
    std = math.sqrt(found.m2 / found.finite)
    return BlockStats(held.size, found.finite, found.mean, found.min, found.max, std)
