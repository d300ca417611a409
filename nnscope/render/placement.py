"""Which pixels show which cells, decided once in float64 and handed to the shader so that it can't disagree.

`pixel_cells` is the specification: the level-0 cell under the centre of each pixel (`Camera2D`). A shader has only
float32, which goes wrong near the edges of cells once pictures are large. So a tile's pixels along each axis are cut
into `Span` pieces, each with an offset and step for which floor(step·k + offset) provably gives the specified cell at
every pixel k, with more room on either side than float32 can lose. One span is nearly always enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.frame import Rect
from nnscope.core.picture import TILE

if TYPE_CHECKING:
    from nnscope.core.frame import PaneFrame

ROOM = 1e-4  # cells; float32 arithmetic on offsets and products below 256 loses at most 2.3e-5


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive pixels along one axis that the shader can resolve.

    Attributes
    ----------
    start, stop : int
        Device pixels, half open.
    step, offset : float
        Pixel ``start + k`` shows cell floor(step·k + offset) of the tile.
    """

    start: int
    stop: int
    step: float
    offset: float


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """The pixels of a picture along one axis.

    Attributes
    ----------
    first : int
        Device pixel of ``cells[0]``.
    cells : ndarray of int64
        Level-0 cell under the centre of each pixel; ascending, and outside [0, count) beyond the grid.
    count : int
        Cells of the grid along this axis.
    zoom : float
        Pixels per level-0 cell.
    """

    first: int
    cells: np.ndarray
    count: int
    zoom: float

    def pixels(self, start: int, stop: int) -> tuple[int, int]:
        """Half-open range of indices into ``cells`` of the level-0 cells [start, stop) that are in the grid."""
        low, high = np.searchsorted(self.cells, (max(start, 0), min(stop, self.count)))
        return int(low), int(max(low, high))


def pixel_cells(first: int, length: int, camera: float, zoom: float) -> np.ndarray:
    """Level-0 cell under the centre of each of ``length`` pixels from device pixel ``first``; int64.

    ``camera`` is the cell coordinate in the middle of these pixels.
    """
    middle = first + length / 2
    cells: np.ndarray = np.floor(camera + (np.arange(first, first + length) + 0.5 - middle) / zoom)
    return cells.astype(np.int64)


def axes(pane: PaneFrame) -> tuple[Axis, Axis]:
    """The horizontal axis (columns) and the vertical axis (rows) of a pane's picture."""
    picture, camera = pane.picture, pane.camera
    columns = pixel_cells(picture.x, picture.w, camera.x, camera.zoom)
    rows = pixel_cells(picture.y, picture.h, camera.y, camera.zoom)
    return Axis(picture.x, columns, pane.grid[1], camera.zoom), Axis(picture.y, rows, pane.grid[0], camera.zoom)


def grid_rect(horizontal: Axis, vertical: Axis) -> Rect:
    """The pixels of the picture that show cells of the grid."""
    left, right = horizontal.pixels(0, horizontal.count)
    top, bottom = vertical.pixels(0, vertical.count)
    return Rect(horizontal.first + left, vertical.first + top, right - left, bottom - top)


def axis_spans(axis: Axis, level: int, index: int, size: int) -> list[Span]:
    """The spans of pixels that show tile ``index`` of ``level``, which has ``size`` cells along ``axis``."""
    origin = index * TILE
    low, high = axis.pixels(origin << level, (origin + size) << level)
    if low == high:
        return []
    cells = (axis.cells[low:high] >> level) - origin
    step = float(np.float32(1.0 / (axis.zoom * 2.0**level)))
    return _fit(cells, axis.first + low, step)


def _fit(cells: np.ndarray, start: int, step: float) -> list[Span]:
    """Spans with the offset in the middle of what every pixel allows; halved until there is room for rounding."""
    ahead = cells - step * np.arange(len(cells))
    low, high = float(ahead.max()), float(ahead.min()) + 1.0
    if high - low > 2 * ROOM or len(cells) == 1:
        return [Span(start, start + len(cells), step, (low + high) / 2)]
    half = len(cells) // 2
    return _fit(cells[:half], start, step) + _fit(cells[half:], start + half, step)
