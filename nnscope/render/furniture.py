"""Everything on a frame that isn't a picture, pane by pane: `furniture` turns a `Frame` into quads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.frame import DARK, Rect
from nnscope.render.axes import draw_axes
from nnscope.render.cut_furniture import draw_cut
from nnscope.render.legend import badge_width, draw_badge, draw_legend, has_column
from nnscope.render.numbers import draw_numbers
from nnscope.render.overlay import Overlay, aligned
from nnscope.render.placement import axes, grid_rect
from nnscope.render.space_furniture import draw_space
from nnscope.scene.typeface import Face

if TYPE_CHECKING:
    from nnscope.core.frame import Colour, Frame, Marker, PaneFrame
    from nnscope.render.glyphs import Glyphs
    from nnscope.render.overlay import TextStyle
    from nnscope.render.placement import Axis

SEPARATOR_ZOOM = 16.0  # logical pixels per cell from which thin lines part the cells, in both modes
PARTS_ZOOM = 6.0  # logical pixels per part of a mosaic from which lines of their own part them
PARTS_CELL = 3.0  # device pixels per cell from which a line leaves most of each cell to be seen
LIGHT_MAP = 125.0  # mean sRGB byte of a colour map that counts as light
_SEPARATOR_OPACITY = 0.5  # at twice that zoom and above
_LEAST_MARKER = 8  # logical pixels; a smaller cell gets a larger frame around it


def furniture(frame: Frame, glyphs: Glyphs) -> Overlay:
    """The overlay of a frame."""
    overlay = Overlay(glyphs, frame.theme, frame.scale)
    for pane in frame.panes:
        if len(frame.panes) > 1:
            _draw_border(overlay, pane, Rect(0, 0, frame.width, frame.height))
        _draw_pane(overlay, pane)
    return overlay


def what_shows(frame: Frame) -> tuple[object, ...] | None:
    """All that the furniture of a frame depends on: equal for two frames, so are their quads.

    None when that can't be told by looking at the frame: the ink of numbers depends on values.
    """
    if any(pane.numbers is not None for pane in frame.panes):
        return None
    return (frame.width, frame.height, frame.theme, frame.scale, *map(_of_pane, frame.panes))


def _of_pane(pane: PaneFrame) -> tuple[object, ...]:
    style = pane.style
    colours = style and (style.lut.tobytes(), style.under, style.over, style.nan, style.posinf, style.neginf)
    place = (pane.rect, pane.picture, pane.grid, pane.camera, bool(pane.tiles), pane.blocks)
    space = pane.space and (
        *(pane.space.picture.bounds, pane.space.camera, pane.space.axes, pane.space.plane, pane.space.clip),
        pane.space.key if pane.markers else None,  # where a column of a landscape ends is told by the picture
    )
    words = (pane.title, pane.subtitle, pane.message, pane.legend, pane.row_axis, pane.col_axis)
    return (place, space, words, colours, pane.normalisation, pane.markers, pane.active)


def _draw_border(overlay: Overlay, pane: PaneFrame, canvas: Rect) -> None:
    """A line in the gap around a pane; the active one has an edge of its own."""
    thin = max(1, overlay.px(1))
    overlay.outline(_around(pane.rect, thin), thin, overlay.theme.line, canvas)
    if pane.active:
        overlay.outline(pane.rect, overlay.px(2), overlay.theme.accent)


def _draw_pane(overlay: Overlay, pane: PaneFrame) -> None:
    if pane.tiles:
        horizontal, vertical = axes(pane)
        grid = grid_rect(horizontal, vertical)
        draw_axes(overlay, pane, grid)
        if grid.w and grid.h:
            _draw_separators(overlay, pane, horizontal, vertical, grid)
            draw_numbers(overlay, pane, grid)
            for marker in pane.markers:
                _draw_marker(overlay, pane, marker, (horizontal, vertical))
    if pane.space is not None:
        draw_space(overlay, pane, pane.space)
        draw_cut(overlay, pane, pane.space)
    _draw_title(overlay, pane)
    draw_legend(overlay, pane)
    if pane.message:
        _draw_message(overlay, pane)


def _draw_title(overlay: Overlay, pane: PaneFrame) -> None:
    """Address and description at the top left; in a small pane the address and the badge."""
    px, x = overlay.px, pane.rect.x + overlay.px(16)
    if has_column(pane, overlay.scale):
        width = pane.picture.x + pane.picture.w - x
        _draw_name(overlay, pane, (x, pane.rect.y + px(24)), overlay.address, width)
        overlay.text(pane.subtitle, x, pane.rect.y + px(42), overlay.small, width)
        return
    right = pane.rect.x + pane.rect.w - px(4)
    if pane.legend is not None and (wide := badge_width(overlay, pane.legend)):
        right -= wide
        draw_badge(overlay, pane.legend, right, pane.rect.y + px(4))
    x = pane.rect.x + px(8)
    style = replace(overlay.normal, face=Face.MONO)
    _draw_name(overlay, pane, (x, pane.rect.y + px(18)), style, max(right - px(8) - x, 1))


def _draw_name(overlay: Overlay, pane: PaneFrame, at: tuple[int, int], style: TextStyle, width: int) -> None:
    """The address, and after it, quieter, which of several it is; of too little room that has at most the half."""
    origin, gap, (x, y) = pane.legend.origin if pane.legend is not None else "", overlay.px(12), at
    if not origin:
        overlay.text(pane.title, x, y, style, width)
        return
    quiet = replace(overlay.body, size=style.size)
    wide = min(overlay.width(origin, quiet), max(width / 2, width - gap - overlay.width(pane.title, style)))
    left = max(1, width - gap - wide)
    overlay.text(pane.title, x, y, style, left)
    overlay.text(origin, x + min(left, overlay.width(pane.title, style)) + gap, y, quiet, wide)


def _draw_message(overlay: Overlay, pane: PaneFrame) -> None:
    """Centred, in lines of readable length."""
    style, line = aligned(overlay.body, "centre"), overlay.px(20)
    width = min(pane.rect.w - overlay.px(32), overlay.px(400))
    lines = overlay.glyphs.wrapped(pane.message, style.face, style.size, max(width, 1))
    x = pane.rect.x + pane.rect.w / 2
    y = pane.picture.y + pane.picture.h / 2 - line * len(lines) / 2 + overlay.px(14)
    for text in lines:
        overlay.text(text, x, y, style)
        y += line


def _draw_separators(overlay: Overlay, pane: PaneFrame, horizontal: Axis, vertical: Axis, grid: Rect) -> None:
    """Lines of one device pixel along the left and upper edges of cells, and of the parts of a mosaic, fading in."""
    rows, cols = pane.blocks
    zoom = pane.camera.zoom / overlay.scale
    parts = (_starts(horizontal, grid.x, grid.w, cols), _starts(vertical, grid.y, grid.h, rows))
    part_zoom = zoom * min((side for side in pane.blocks if side), default=0)
    cells = (_starts(horizontal, grid.x, grid.w, 1), _starts(vertical, grid.y, grid.h, 1))
    strength = min(zoom / SEPARATOR_ZOOM - 1, 1.0) * _SEPARATOR_OPACITY
    _draw_lines(overlay, grid, cells, overlay.theme.ground, strength)
    if pane.camera.zoom >= PARTS_CELL:
        _draw_lines(overlay, grid, parts, _part_colour(pane), min(part_zoom / PARTS_ZOOM - 1, 1.0))


def _part_colour(pane: PaneFrame) -> Colour:
    """Dark lines on a map that is light for the most part, light ones on the others and on pictures of any colour."""
    light = pane.style is not None and float(pane.style.lut[:, :3].mean()) > LIGHT_MAP
    return DARK.ground if light else DARK.secondary


def _draw_lines(
    overlay: Overlay, grid: Rect, starts: tuple[np.ndarray, np.ndarray], colour: Colour, opacity: float
) -> None:
    if opacity <= 0:
        return
    x, y = starts
    upright = np.stack((x, np.full_like(x, grid.y), x + 1, np.full_like(x, grid.y + grid.h)), 1)
    level = np.stack((np.full_like(y, grid.x), y, np.full_like(y, grid.x + grid.w), y + 1), 1)
    overlay.rects(np.concatenate((upright, level)), np.array(colour), opacity)


def _starts(axis: Axis, first: int, length: int, every: int) -> np.ndarray:
    """Device pixels within the grid at which every ``every``-th cell begins, without the very first; none for 0."""
    if not every:
        return np.zeros(0, np.int64)
    cells = axis.cells[first - axis.first :][:length] // every
    return first + 1 + np.flatnonzero(np.diff(cells))


def marker_place(pane: PaneFrame, marker: Marker, scale: float) -> Rect:
    """The pixels that a marker may cover."""
    inner, _, thin = _marker_frame(marker, axes(pane), scale)
    return _around(inner, thin)


def _draw_marker(overlay: Overlay, pane: PaneFrame, marker: Marker, along: tuple[Axis, Axis]) -> None:
    """A frame around the marked cells: two-tone for the cursor, so that it shows on any colour; accent for a pin."""
    inner, thick, thin = _marker_frame(marker, along, overlay.scale)
    overlay.outline(_around(inner, thin), thin, overlay.theme.ground, pane.picture)
    colour = overlay.theme.accent if marker.kind == "pin" else overlay.theme.text
    overlay.outline(inner, thick, colour, pane.picture)


def _marker_frame(marker: Marker, along: tuple[Axis, Axis], scale: float) -> tuple[Rect, int, int]:
    """The inner one of the two lines around the marked cells, its thickness, and that of the outer one."""
    least, thin = round(_LEAST_MARKER * scale), max(1, round(scale))
    thick = 2 * thin if marker.kind == "pin" else thin
    left, right = _extent(along[0], marker.col, marker.size, least)
    top, bottom = _extent(along[1], marker.row, marker.size, least)
    return _around(Rect(left, top, right - left, bottom - top), thick), thick, thin


def _around(place: Rect, by: int) -> Rect:
    return Rect(place.x - by, place.y - by, place.w + 2 * by, place.h + 2 * by)


def _extent(axis: Axis, cell: int, size: int, least: int) -> tuple[int, int]:
    """Device pixels of some cells along an axis, widened to at least ``least``."""
    low, high = (axis.first + int(index) for index in np.searchsorted(axis.cells, (cell, cell + size)))
    more = max(0, least - (high - low))
    return low - more // 2, high + (more + 1) // 2
