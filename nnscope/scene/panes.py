"""Where panes lie on the canvas: one, two side by side, or four in a square, with the gap of a line between them."""

from __future__ import annotations

import itertools

from nnscope.core.frame import Rect, margins
from nnscope.scene.compose import Place

GAP = 1  # logical pixels between panes; the ground shows through as a line


def places(width: int, height: int, count: int, scale: float) -> list[Place]:
    """The rectangle of each pane and the part of it that its picture may fill, in device pixels."""
    columns = 1 if count == 1 else 2
    rows = 2 if count > 2 else 1
    gap = max(1, round(GAP * scale))
    xs, ys = _cuts(width, columns, gap), _cuts(height, rows, gap)
    rects = [Rect(x0, y0, x1 - x0, y1 - y0) for y0, y1 in ys for x0, x1 in xs][:count]
    return [Place(rect, _inside(rect, scale), scale) for rect in rects]


def _cuts(size: int, count: int, gap: int) -> list[tuple[int, int]]:
    edges = [round(i * (size + gap) / count) for i in range(count + 1)]
    return [(a, b - gap) for a, b in itertools.pairwise(edges)]


def _inside(rect: Rect, scale: float) -> Rect:
    left, top, right, bottom = margins(rect, scale)
    return Rect(rect.x + left, rect.y + top, max(1, rect.w - left - right), max(1, rect.h - top - bottom))
