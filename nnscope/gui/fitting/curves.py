"""Numbers of a fit over its steps as they come: a few lines in one plot, each named with its newest number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QWidget

from nnscope.gui import fonts, numbers
from nnscope.gui.timeline.plot import envelope, extent, runs

LEFT, TOP, EDGE = 58, 40, 8  # room for numbers at the left, for title and names above, and around
DIGITS = 2  # of numbers beside the scale, and where several stand side by side
COLOURS = (None, QColor(224, 162, 59), QColor(43, 179, 163))  # the first is the accent of the palette
KEYS = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)  # told apart without colours too


@dataclass(frozen=True, slots=True)
class Curves:
    """What a plot shows: its title, the names of its lines, and whether its scale is logarithmic."""

    title: str
    names: tuple[str, ...]
    log: bool = True


class CurvePlot(QWidget):
    """Grows to the right: all steps of the fit have their place from the start."""

    def __init__(self, shown: Curves, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = shown
        self._values: list[tuple[float, ...]] = []
        self._total = 1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(shown.title)

    def clear(self, total: int, shown: Curves | None = None) -> None:
        """Begin anew, with room for so many steps; with other lines, if ``shown`` is given."""
        self._shown = shown or self._shown
        self._values, self._total = [], max(1, total)
        self.update()

    def extend(self, values: list[tuple[float, ...]]) -> None:
        """Add steps: a number for each line."""
        self._values += values
        self.setAccessibleDescription(", ".join(self._newest()))
        self.update()

    @property
    def count(self) -> int:
        """Steps that are shown."""
        return len(self._values)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Wide enough for the names."""
        return QSize(320, 150)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Title, names, scale, lines."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(LEFT, TOP, max(1, self.width() - LEFT - EDGE), max(1, self.height() - TOP - EDGE))
        painter.fillRect(QRectF(area.left(), area.bottom(), area.width(), 1), self._role(QPalette.ColorRole.Mid))
        self._paint_head(painter)
        if not self._values:
            return
        table = np.asarray(self._values, np.float64).T  # [line, step]
        if self._shown.log:
            table = np.log10(np.where(table > 0, table, np.nan))
        low, high = extent(table)
        self._paint_scale(painter, area, (low, high))
        painter.setClipRect(area.adjusted(-1, -1, 1, 1))
        for at, line in enumerate(table):
            painter.setPen(self._pen(at))
            self._paint_line(painter, area, line, (low, high))

    def _paint_head(self, painter: QPainter) -> None:
        painter.setFont(fonts.interface())
        painter.setPen(self._role(QPalette.ColorRole.WindowText))
        painter.drawText(QPointF(EDGE, 14), self._shown.title)
        painter.setFont(fonts.tabular(fonts.SMALL))
        metrics, x = QFontMetricsF(painter.font()), float(EDGE)
        for at, text in enumerate(self._newest()):
            if len(self._shown.names) > 1:
                painter.setPen(self._pen(at))
                painter.drawLine(QPointF(x, 26), QPointF(x + 10, 26))
                x += 13
            painter.setPen(self._role(QPalette.ColorRole.PlaceholderText))
            painter.drawText(QPointF(x, 30), text)
            x += metrics.horizontalAdvance(text) + 10

    def _paint_scale(self, painter: QPainter, area: QRectF, ends: tuple[float, float]) -> None:
        painter.setPen(self._role(QPalette.ColorRole.PlaceholderText))
        room = QRectF(0, area.top() - 6, LEFT - 6, area.height() + 10)
        for value, side in zip(ends, (Qt.AlignmentFlag.AlignBottom, Qt.AlignmentFlag.AlignTop), strict=True):
            number = 10**value if self._shown.log else value
            painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | side), f"{number:.{DIGITS}g}")

    def _paint_line(self, painter: QPainter, area: QRectF, line: np.ndarray, ends: tuple[float, float]) -> None:
        low, high = ends
        for part in runs(line):
            steps, values = np.arange(len(line))[part], line[part]
            if len(steps) > 2 * area.width():
                steps, values = envelope(steps, values, int(area.width()))
            xs = area.left() + steps / max(1, self._total - 1) * area.width()
            ys = area.bottom() - (values - low) / (high - low) * (area.height() - 2)
            painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in zip(xs, ys, strict=True)]))

    def _newest(self) -> list[str]:
        if not self._values:
            return list(self._shown.names)
        pairs = zip(self._shown.names, self._values[-1], strict=True)
        digits = DIGITS if len(self._shown.names) > 1 else numbers.DIGITS
        return [f"{name} {value:.{digits}g}".strip() for name, value in pairs]

    def _pen(self, at: int) -> QPen:
        return QPen(COLOURS[at] or self._role(QPalette.ColorRole.Link), 1.4, KEYS[at])

    def _role(self, role: QPalette.ColorRole) -> QColor:
        return self.palette().color(role)
