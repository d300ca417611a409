"""A value that a large part of a tensor has, such as the zeros of a ReLU: one bar that dwarfs all others.

On a linear scale such a bar would leave the rest a line of pixels, and at the edge of the domain it would hide behind
the limit. So it is drawn over the limit, wider than a bar, with its share in words; the others have a scale of their
own, and the bar is broken where it leaves theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QPalette, QPen, QPolygonF

from nnscope.gui import fonts
from nnscope.scene.numbers import short

if TYPE_CHECKING:
    from nnscope.core.statistics import TensorStats

LARGE = 0.1  # share of the values from which a bar is told of
MOSTLY = 0.9  # share of zeros in a bar from which it is one of zeros
ALONE = 4.0  # times the next higher bar
REST = 0.66  # height of the others, of the whole
WIDTH = 5.0  # pixels
TOP = 18.0  # above it, the handle of a limit may be
BREAK = 4.0  # height of the gap


@dataclass(frozen=True, slots=True)
class Spike:
    """A bar that stands alone.

    Attributes
    ----------
    at : int
        Its bin.
    value : float
        0 when it consists of zeros, else the middle of the bin.
    share : float
        Of the finite values: the zeros, else all of the bin.
    zeros : bool
        Whether it consists of zeros (`MOSTLY`).
    """

    at: int
    value: float
    share: float
    zeros: bool

    @property
    def words(self) -> str:
        """``48.3% are 0``, ``12.0% near 0.5``."""
        return f"{self.share:.1%} are 0" if self.zeros else f"{self.share:.1%} near {short(self.value, 3)}"


def find_spike(stats: TensorStats) -> Spike | None:
    """The bar that stands alone, if one does; a tensor of one value has none, as it has no others."""
    counts = stats.histogram
    if not stats.finite or not stats.max > stats.min:
        return None
    at = int(np.argmax(counts))
    others = np.delete(counts, at)
    if counts[at] < LARGE * counts.sum() or counts[at] < ALONE * others.max():
        return None
    low, high = (stats.min + (stats.max / len(counts) - stats.min / len(counts)) * edge for edge in (at, at + 1))
    if low <= 0 <= high and stats.zeros >= MOSTLY * counts[at]:
        return Spike(at, 0.0, min(stats.zeros / counts.sum(), 1.0), True)
    middle = min(max(low / 2 + high / 2, stats.min), stats.max)  # edges of a range beyond the largest float overflow
    return Spike(at, middle, float(counts[at] / counts.sum()), False)


@dataclass(frozen=True, slots=True)
class SpikeLook:
    """Where the bar stands, between the bottom of ``area`` and `TOP` below its top, and what it looks like.

    ``broken``: the others have a scale of their own.
    """

    x: float
    area: QRectF
    colour: QColor
    palette: QPalette
    broken: bool


def paint_spike(painter: QPainter, spike: Spike, look: SpikeLook) -> None:
    """Draw the bar, and its share beside it where there is room."""
    x, area, palette = look.x, look.area, look.palette
    bar = QRectF(x - WIDTH / 2, area.top() + TOP, WIDTH, area.height() - TOP)
    painter.fillRect(bar, look.colour)
    if look.broken:
        _paint_gap(painter, QPointF(x, area.bottom() - (REST + 0.06) * area.height()), palette)
    painter.setFont(fonts.tabular(fonts.SMALL))
    painter.setPen(palette.color(QPalette.ColorRole.Text))
    wide = QFontMetricsF(painter.font()).horizontalAdvance(spike.words)
    right = x + WIDTH / 2 + 6
    left = right if right + wide <= area.right() else x - WIDTH / 2 - 6 - wide
    painter.drawText(QPointF(max(left, area.left()), bar.top() + 9), spike.words)


def _paint_gap(painter: QPainter, at: QPointF, palette: QPalette) -> None:
    """Two slanted lines with the ground between them."""
    half, rise = WIDTH / 2 + 2, 1.5
    edges = [QPointF(at.x() + side * half, at.y() - side * rise) for side in (-1, 1)]
    up = QPointF(0, BREAK / 2)
    painter.setPen(QPen(palette.color(QPalette.ColorRole.Window), 0))
    painter.setBrush(palette.color(QPalette.ColorRole.Window))
    painter.drawPolygon(QPolygonF([edges[0] - up, edges[1] - up, edges[1] + up, edges[0] + up]))
    painter.setPen(QPen(palette.color(QPalette.ColorRole.PlaceholderText), 1))
    for shift in (up, -up):
        painter.drawLine(edges[0] + shift, edges[1] + shift)
