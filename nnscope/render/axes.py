"""Axes of a pane: ticks and names along the left and lower edge of what is visible of the grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.core.frame import Rect
from nnscope.core.text import abbreviations
from nnscope.render.legend import has_column
from nnscope.render.overlay import aligned

if TYPE_CHECKING:
    from nnscope.core.frame import AxisTicks, PaneFrame
    from nnscope.render.overlay import Overlay, TextStyle

LINE = 12  # logical pixels from one line of labels to the next


def draw_axes(overlay: Overlay, pane: PaneFrame, grid: Rect) -> None:
    """Add an edge around the grid, ticks, labels and names."""
    if not grid.w or not grid.h:
        return
    thin = max(1, overlay.px(1))
    edge = Rect(grid.x - thin, grid.y - thin, grid.w + 2 * thin, grid.h + 2 * thin)
    overlay.outline(edge, thin, overlay.theme.line)
    named = has_column(pane, overlay.scale)
    _columns(overlay, pane, grid, named)
    _rows(overlay, pane, grid, named)


def _columns(overlay: Overlay, pane: PaneFrame, grid: Rect, named: bool) -> None:
    px, thin, bottom = overlay.px, max(1, overlay.px(1)), grid.y + grid.h
    style = aligned(overlay.small, "centre")
    lines = pane.col_axis.lines if named else 1
    free = [float(pane.rect.x)] * lines  # where the next label of each line may begin
    places = _places(pane.col_axis, pane.picture.x + pane.picture.w / 2, pane.camera.x, pane.camera.zoom)
    for (x, label), line in zip(places, _lines(pane.col_axis, lines), strict=True):
        if not grid.x <= x < grid.x + grid.w:
            continue
        overlay.rect(Rect(int(x), bottom + thin, thin, px(4) + line * px(LINE)), overlay.theme.secondary)
        label = _shortened(overlay, label, style, pane.col_axis.room)
        half = overlay.width(label, style) / 2
        if x - half >= free[line]:
            overlay.text(label, x, bottom + px(16) + line * px(LINE), style)
            free[line] = x + half + px(8 if lines == 1 else 4)
    if named and pane.col_axis.name:
        below = px(34) if lines == 1 else px(40)
        overlay.text(pane.col_axis.name, grid.x + grid.w / 2, bottom + below, style, grid.w)


def _rows(overlay: Overlay, pane: PaneFrame, grid: Rect, named: bool) -> None:
    px, thin = overlay.px, max(1, overlay.px(1))
    style = aligned(overlay.small, "right")
    widest, free = 0.0, float(pane.rect.y)
    for y, label in _places(pane.row_axis, pane.picture.y + pane.picture.h / 2, pane.camera.y, pane.camera.zoom):
        if not grid.y <= y < grid.y + grid.h:
            continue
        overlay.rect(Rect(grid.x - thin - px(4), int(y), px(4), thin), overlay.theme.secondary)
        if y - px(6) >= free:
            label = _shortened(overlay, label, style, pane.row_axis.room)
            overlay.text(label, grid.x - px(8), y + px(4), style)
            widest = max(widest, overlay.width(label, style))
            free = y + px(8)
    x = grid.x - px(18) - widest
    if named and pane.row_axis.name and x >= pane.rect.x + px(8):  # long labels say themselves what they name
        style = aligned(overlay.small, "centre", turned=True)
        overlay.text(pane.row_axis.name, x, grid.y + grid.h / 2, style, grid.h)


def _shortened(overlay: Overlay, label: str, style: TextStyle, room: float) -> str:
    """The label in the room there is: a dotted name without what tells it least apart, any other without its middle."""
    if not room or overlay.width(label, style) <= room:
        return label
    fitting = (short for short in abbreviations(label) if overlay.width(short, style) <= room)
    return next(fitting, "") or overlay.glyphs.elided(label, style.face, style.size, room)


def _lines(axis: AxisTicks, lines: int) -> list[int]:
    """The line that each label stands on: the same wherever the picture is moved."""
    cells = [cell for cell, _ in axis.ticks]
    step = cells[1] - cells[0] if len(cells) > 1 else 1
    return [int(cell // step) % lines for cell in cells]


def _places(axis: AxisTicks, middle: float, camera: float, zoom: float) -> list[tuple[float, str]]:
    """Device position of each tick."""
    return [(middle + (cell - camera) * zoom, label) for cell, label in axis.ticks]
