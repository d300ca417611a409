"""Numbers in the cells: written where a cell is large enough, light on dark colours and dark on light ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.picture import TILE
from nnscope.render.colour import colours
from nnscope.render.overlay import aligned

if TYPE_CHECKING:
    from nnscope.core.frame import CellNumbers, PaneFrame, Rect
    from nnscope.render.overlay import Overlay

_DARK, _LIGHT = (16, 18, 22), (250, 251, 252)
_SIZES = (13, 11, 10, 9)  # logical; the largest that fits is taken
_PADDING = 3  # logical pixels left free on either side of a number


def draw_numbers(overlay: Overlay, pane: PaneFrame, grid: Rect) -> None:
    """Add the numbers of ``pane`` whose cells lie wholly within the visible grid; too wide ones are left out."""
    if pane.numbers is None or pane.normalisation is None or pane.style is None:
        return
    cells = _cells(pane.numbers, pane, grid)
    if not cells:
        return
    room = pane.camera.zoom - 2 * overlay.px(_PADDING)
    style = aligned(overlay.normal, "centre")
    widths = {text: overlay.glyphs.width(text, style.face, 1) for _, _, text in cells}  # in em
    widest = max(widths.values())
    sizes = [overlay.px(size) for size in _SIZES]
    size = next((size for size in sizes if widest * size <= room), sizes[-1])
    cells = [cell for cell in cells if widths[cell[2]] * size <= room]
    rows, cols = (np.array([cell[i] for cell in cells], np.intp) for i in (0, 1))
    ink = _ink(cell_colours(pane, pane.numbers)[rows - pane.numbers.row, cols - pane.numbers.col])
    overlay.numbers([text for _, _, text in cells], _centres(pane, rows, cols), ink, replace(style, size=size))


def _cells(numbers: CellNumbers, pane: PaneFrame, grid: Rect) -> list[tuple[int, int, str]]:
    """(row, column, text) of what is to be written."""
    zoom = pane.camera.zoom
    middle_x, middle_y = _middle(pane)
    found = []
    for row, line in enumerate(numbers.text, numbers.row):
        top = middle_y + (row - pane.camera.y) * zoom
        if top < grid.y - 1 or top + zoom > grid.y + grid.h + 1:
            continue
        for col, text in enumerate(line, numbers.col):
            left = middle_x + (col - pane.camera.x) * zoom
            if text and left >= grid.x - 1 and left + zoom <= grid.x + grid.w + 1:
                found.append((row, col, text))
    return found


def _centres(pane: PaneFrame, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    middle_x, middle_y = _middle(pane)
    x = middle_x + (cols + 0.5 - pane.camera.x) * pane.camera.zoom
    y = middle_y + (rows + 0.5 - pane.camera.y) * pane.camera.zoom
    return np.stack((x, y), 1)


def _middle(pane: PaneFrame) -> tuple[float, float]:
    return pane.picture.x + pane.picture.w / 2, pane.picture.y + pane.picture.h / 2


def cell_colours(pane: PaneFrame, window: CellNumbers) -> np.ndarray:
    """The colour each cell of a window is drawn in: uint8, shape (rows, columns, 3); 0 where no tile covers it."""
    assert pane.normalisation is not None
    assert pane.style is not None
    height, width = len(window.text), max(map(len, window.text))
    drawn = np.zeros((height, width, 3), np.uint8)
    for placed in pane.tiles:
        tile = placed.tile
        if placed.level or tile.rgba is not None:
            continue
        top, left = tile.row * TILE - window.row, tile.col * TILE - window.col
        rows = slice(max(top, 0), max(min(top + tile.values.shape[0], height), 0))
        cols = slice(max(left, 0), max(min(left + tile.values.shape[1], width), 0))
        part = (slice(rows.start - top, rows.stop - top), slice(cols.start - left, cols.stop - left))
        drawn[rows, cols] = colours(tile.values[part], tile.states[part], pane.normalisation, pane.style)
    return drawn


def _ink(ground: np.ndarray) -> np.ndarray:
    """Black or white, whichever contrasts more with each of (n, 3) colours (WCAG relative luminance)."""
    c = ground / 255.0
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    return np.where(luminance[:, None] > 0.179, _DARK, _LIGHT).astype(np.float32)
