"""Landscapes: a two-dimensional layout of a tensor lifted to a height field.

A cell of level 0 is a square of side 1 on the ground. Columns run to the right along x; the last row is nearest to the
eye at first and rows run away from it: row r lies between z = rows − r − 1 and rows − r, so that from above a landscape
lies as its heat map does. The ground is at y = height of the box and y grows downwards, as in all pictures of three
dimensions (`nnscope.core.space`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscope.core.picture import level_count, level_shape
from nnscope.core.space_picture import array_bytes

if TYPE_CHECKING:
    import numpy as np

    from nnscope.core.layout import Layout
    from nnscope.core.picture import Step
    from nnscope.core.space_picture import Bounds, Corner

# What lifts a cell, in words.
HEIGHTS = {
    "value": "value",
    "magnitude": "|value|",
    "rows": "norm of the row",
    "columns": "norm of the column",
    "parts": "norm of the part",
}
RELIEF = 0.2  # height of the box over the side of a square of as many cells
CELLS = 1 << 24  # of one picture
SIDE = 4096  # cells along a side of a picture


@dataclass(frozen=True, slots=True, eq=False)
class LandscapePicture:
    """All cells of one level of a layout, lifted.

    Attributes
    ----------
    address, view, layout, version
        What is shown, and the content version of the tensor it was made from.
    level : int
    heights : ndarray of float32, shape (rows, columns) of the level
        0 on the ground to 1 at the top of the box; 0 where the state is not FINITE.
    values : ndarray of float32, same shape
        What becomes the colour of each cell; 0 where the state is not FINITE.
    states : ndarray of uint8, same shape, or None
        `State` of each cell; None when every one is a finite value.
    peaks : ndarray of float32, shape (height, width)
        The greatest heights of blocks of cells: see `nnscope.compute.space.relief.peaks`.
    means : ndarray of float32 or None
        The mean heights of blocks of cells, for soft light on a smooth surface; None where cells have flat tops.
    domain : (float, float)
        What heights 0 and 1 stand for.
    height : float
        Of the box, in cells of level 0.
    lifted_by : str
        A name of `HEIGHTS`.
    reduction : str
        What a cell above level 0 holds; empty at level 0.
    recipe : tuple of Step
    sampled : float
        Share of the elements that was looked at; 1.0 means exact.
    notes : tuple of str
        Sentences for the legend.
    """

    address: str
    view: str
    layout: Layout
    version: int
    level: int
    heights: np.ndarray
    values: np.ndarray
    states: np.ndarray | None
    peaks: np.ndarray
    means: np.ndarray | None
    domain: tuple[float, float]
    height: float
    lifted_by: str
    reduction: str
    recipe: tuple[Step, ...]
    sampled: float = 1.0
    notes: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return array_bytes(self.heights, self.values, self.peaks, self.means, self.states)

    @property
    def smooth(self) -> bool:
        """Whether the surface is bilinear between the middles of the cells; else cells have flat tops."""
        return self.means is not None

    @property
    def bounds(self) -> Bounds:
        """The box that it fills: depth, height and width in cells of level 0."""
        rows, cols = self.layout.grid
        return float(rows), self.height, float(cols)

    def box_of(self, place: tuple[int, ...], size: int) -> tuple[Corner, Corner]:
        """The column of ``size`` cells a side from (row, column): from its top to the ground."""
        row, col = place[:2]
        rows, cols = self.layout.grid
        j, i = row >> self.level, col >> self.level
        top = self.height * (1 - float(self.heights[j, i]))
        return (col, top, max(rows - row - size, 0)), (min(col + size, cols), self.height, rows - row)


def box_height(grid: tuple[int, int], relief: float) -> float:
    """Height of the box over a grid, in cells."""
    return relief * math.sqrt(max(grid[0] * grid[1], 1))


def finest_level(grid: tuple[int, int]) -> int:
    """The finest level that makes one picture."""
    return next(k for k in range(level_count(grid)) if _fits(level_shape(grid, k)))


def _fits(shape: tuple[int, int]) -> bool:
    return max(shape) <= SIDE and shape[0] * shape[1] <= CELLS
