"""Where panes lie on the canvas, with the gap of a line between them.

One, two side by side, four in a square; three in a row where there is room for it, else the third below the others.
"""

from __future__ import annotations

import itertools

from nnscope.core.frame import Rect, margins
from nnscope.scene.compose import Place

WIDE = 1.0  # times as wide as high, from which three panes lie in a row
GAP = 1  # logical pixels between panes; the ground shows through as a line


def places(width: int, height: int, count: int, scale: float) -> list[Place]:
    """The rectangle of each pane and the part of it that its picture may fill, in device pixels."""
    in_row = count if count < 3 or (count == 3 and width >= WIDE * height) else 2
    lines = [min(in_row, count - first) for first in range(0, count, in_row)]
    gap = max(1, round(GAP * scale))
    ys = _cuts(height, len(lines), gap)
    rects = [
        Rect(x0, y0, x1 - x0, y1 - y0)
        for (y0, y1), columns in zip(ys, lines, strict=True)
        for x0, x1 in _cuts(width, columns, gap)
    ]
    return [Place(rect, _inside(rect, scale), scale) for rect in rects]


def _cuts(size: int, count: int, gap: int) -> list[tuple[int, int]]:
    edges = [round(i * (size + gap) / count) for i in range(count + 1)]
    return [(a, b - gap) for a, b in itertools.pairwise(edges)]


def _inside(rect: Rect, scale: float) -> Rect:
    left, top, right, bottom = margins(rect, scale)
    return Rect(rect.x + left, rect.y + top, max(1, rect.w - left - right), max(1, rect.h - top - bottom))
