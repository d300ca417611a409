"""Pan and zoom: which cells a pane shows, and at which pyramid level. Pure arithmetic.

Screen positions are device pixels, cell positions are level-0 cells (x to the right over columns, y down over rows).
A level is chosen so that a cell is between one and two pixels wide when zoomed out: no cell is ever skipped, so one
outlier among a billion values keeps its pixel.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnscope.core.frame import Camera2D

if TYPE_CHECKING:
    from nnscope.core.frame import Rect

MAX_ZOOM = 256.0  # device pixels per cell
SNAP_ZOOM = 4.0  # from here on a fitted picture uses whole pixels per cell
FIT_ZOOM = 96.0  # a fitted picture makes no cell larger than this


def fit(grid: tuple[int, int], picture: Rect) -> Camera2D:
    """The camera that shows the whole grid inside ``picture``."""
    rows, cols = max(1, grid[0]), max(1, grid[1])
    zoom = min(picture.w / cols, picture.h / rows, FIT_ZOOM)
    if zoom >= SNAP_ZOOM:
        zoom = math.floor(zoom)
    return Camera2D(cols / 2, rows / 2, max(zoom, 1e-9))


def snapped(camera: Camera2D, picture: Rect) -> Camera2D:
    """The nearest camera at which the grid's origin falls on a pixel's corner, so that edges are crisp."""
    cx, cy = centre(picture)
    left = round(cx - camera.x * camera.zoom)
    top = round(cy - camera.y * camera.zoom)
    return Camera2D((cx - left) / camera.zoom, (cy - top) / camera.zoom, camera.zoom)


def centre(picture: Rect) -> tuple[float, float]:
    """The middle of a rectangle in device pixels."""
    return picture.x + picture.w / 2, picture.y + picture.h / 2


def cell_at(camera: Camera2D, picture: Rect, x: float, y: float) -> tuple[float, float]:
    """(column, row) position in cells under a screen position."""
    cx, cy = centre(picture)
    return camera.x + (x - cx) / camera.zoom, camera.y + (y - cy) / camera.zoom


def panned(camera: Camera2D, dx: float, dy: float) -> Camera2D:
    """The camera after dragging the picture by (dx, dy) pixels."""
    return Camera2D(camera.x - dx / camera.zoom, camera.y - dy / camera.zoom, camera.zoom)


def zoomed(camera: Camera2D, picture: Rect, at: tuple[float, float], factor: float, least: float) -> Camera2D:
    """The camera after zooming by ``factor`` about the screen position ``at``; ``least`` bounds the zoom below."""
    zoom = min(max(camera.zoom * factor, least), MAX_ZOOM)
    x, y = cell_at(camera, picture, *at)
    cx, cy = centre(picture)
    return Camera2D(x - (at[0] - cx) / zoom, y - (at[1] - cy) / zoom, zoom)


def magnified(camera: Camera2D | None, factor: float) -> Camera2D | None:
    """The same place, every cell ``factor`` times as large; None stays what fits."""
    return None if camera is None else Camera2D(camera.x, camera.y, camera.zoom * factor)


def level_for(zoom: float, levels: int) -> int:
    """The finest level whose cells are at least one pixel wide."""
    if zoom >= 1:
        return 0
    return min(levels - 1, math.ceil(-math.log2(zoom) - 1e-9))


def visible_cells(camera: Camera2D, picture: Rect, grid: tuple[int, int]) -> tuple[int, int, int, int]:
    """(row0, row1, col0, col1): the half-open window of level-0 cells that touches ``picture``."""
    x0, y0 = cell_at(camera, picture, picture.x, picture.y)
    x1, y1 = cell_at(camera, picture, picture.x + picture.w, picture.y + picture.h)
    row0, row1 = max(0, math.floor(y0)), min(grid[0], math.ceil(y1))
    col0, col1 = max(0, math.floor(x0)), min(grid[1], math.ceil(x1))
    return row0, max(row0, row1), col0, max(col0, col1)
