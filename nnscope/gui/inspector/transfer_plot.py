"""The transfer function: opacity over value, a curve through points that can be dragged, with the histogram behind it.

The horizontal scale is the colour scale's own, so the strip below shows each value in its colour.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from nnscope.gui import numbers

if TYPE_CHECKING:
    from nnscope.core.frame import ColourStyle
    from nnscope.core.legend import Normalisation
    from nnscope.core.space import Opacity
    from nnscope.core.statistics import TensorStats

HEIGHT = 104
STRIP = 8  # height of the colour strip
EDGE = 6  # free pixels around
GRIP = 9.0  # pixels around a point in which it can be taken
DOT = 4.0  # radius of a point
STEP = 0.02  # of the scale, by one press of an arrow key


@dataclass(frozen=True, slots=True, eq=False)
class Transfer:
    """What is painted: the curve's points (place on the colour scale, opacity), and what it is a curve over."""

    points: Opacity
    stats: TensorStats
    normalisation: Normalisation
    style: ColourStyle


class TransferPlot(QWidget):
    """Emits ``moved`` (points) when the user changes the curve."""

    moved = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: Transfer | None = None
        self._points: Opacity = ()
        self._held: int | None = None
        self._chosen = 0  # the point that keys move
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Transfer function: opacity over value")

    @property
    def points(self) -> Opacity:
        """The curve as it is painted."""
        return self._points

    @property
    def chosen(self) -> int:
        """The point that keys move."""
        return self._chosen

    def show_transfer(self, shown: Transfer | None) -> None:
        """Paint this one."""
        self._shown = shown
        self._points = shown.points if shown is not None else ()
        self._chosen = min(self._chosen, max(len(self._points) - 1, 0))
        self._describe()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Of fixed height."""
        return QSize(220, HEIGHT)

    def pixel(self, point: tuple[float, float]) -> QPointF:
        """Where a point is drawn."""
        area = self._area()
        return QPointF(area.left() + point[0] * area.width(), area.bottom() - point[1] * area.height())

    # -- changing

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take a point; beside every point a new one is made there. The right button takes one away."""
        if event is None or self._shown is None:
            return
        at = self._at(event.position())
        if event.button() == Qt.MouseButton.RightButton and at is not None:
            self._remove(at)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._held = self._add(event.position()) if at is None else at
            self._chosen = self._held
            self._describe()
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Drag it, or show that it can be dragged."""
        if event is None:
            return
        if self._held is not None:
            self._move(self._held, *self._place(event.position()))
            return
        over = self._at(event.position()) is not None
        self.setCursor(Qt.CursorShape.SizeAllCursor if over else Qt.CursorShape.CrossCursor)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Let it go."""
        self._held = None

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Arrow keys move the chosen point, Page Up and Down choose another, Insert adds one, Delete removes it."""
        key = Qt.Key(event.key()) if event is not None else Qt.Key.Key_unknown
        steps = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
        if key in steps and self._points:
            (right, up), (u, opacity) = steps[key], self._points[self._chosen]
            self._move(self._chosen, u + STEP * right, opacity + STEP * up)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown) and self._points:
            by = 1 if key == Qt.Key.Key_PageUp else -1
            self._chosen = (self._chosen + by) % len(self._points)
            self._describe()
            self.update()
        elif key == Qt.Key.Key_Insert and len(self._points) > 1:
            (u0, a0), (u1, a1) = self._points[max(self._chosen - 1, 0)], self._points[max(self._chosen, 1)]
            self._chosen = self._insert((u0 + u1) / 2, (a0 + a1) / 2)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._remove(self._chosen)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent | None) -> bool:
        """Value and opacity under the pointer as a tooltip."""
        if isinstance(event, QHelpEvent) and self._shown is not None:
            u, opacity = self._place(QPointF(event.pos()))
            value = numbers.shown(self._shown.normalisation.inverse(min(max(u, 0.0), 1.0)))
            told = f"{value}: opacity {min(max(opacity, 0.0), 1.0):.2f}\nDrag points; right-click takes one away"
            QToolTip.showText(event.globalPos(), told, self)
            return True
        return super().event(event)

    def _add(self, at: QPointF) -> int:
        return self._insert(*self._place(at))

    def _insert(self, u: float, opacity: float) -> int:
        point = (min(max(u, 0.0), 1.0), min(max(opacity, 0.0), 1.0))
        at = min(max(bisect.bisect([p[0] for p in self._points], point[0]), 1), max(len(self._points) - 1, 1))
        self._tell((*self._points[:at], point, *self._points[at:]))
        return at

    def _remove(self, at: int) -> None:
        """Both ends stay."""
        if 0 < at < len(self._points) - 1:
            self._chosen = at - 1
            self._tell(self._points[:at] + self._points[at + 1 :])

    def _move(self, at: int, u: float, opacity: float) -> None:
        """Between its neighbours; the ends stay at the ends."""
        last = len(self._points) - 1
        low = 0.0 if at == 0 else 1.0 if at == last else self._points[at - 1][0]
        high = 1.0 if at == last else 0.0 if at == 0 else self._points[at + 1][0]
        point = (round(min(max(u, low), high), 4), round(min(max(opacity, 0.0), 1.0), 4))
        self._tell((*self._points[:at], point, *self._points[at + 1 :]))

    def _tell(self, points: Opacity) -> None:
        self._points = points
        self.moved.emit(points)
        self._describe()
        self.update()

    def _describe(self) -> None:
        text = "Arrow keys move a point, Page Up and Down choose one, Insert adds, Delete removes"
        if self._points and self._shown is not None:
            u, opacity = self._points[self._chosen]
            value = numbers.shown(self._shown.normalisation.inverse(u))
            text = f"Point {self._chosen + 1} of {len(self._points)}: {value}, opacity {opacity:.2f}. {text}"
        self.setAccessibleDescription(text)

    # -- places

    def _area(self) -> QRectF:
        return QRectF(EDGE, EDGE, max(1, self.width() - 2 * EDGE), self.height() - 2 * EDGE - STRIP)

    def _place(self, at: QPointF) -> tuple[float, float]:
        area = self._area()
        return (at.x() - area.left()) / area.width(), (area.bottom() - at.y()) / area.height()

    def _at(self, at: QPointF) -> int | None:
        """The point at a position."""
        away = [QPointF(self.pixel(point) - at).manhattanLength() for point in self._points]
        best = int(np.argmin(away)) if away else -1
        return best if best >= 0 and away[best] <= GRIP else None

    # -- painting

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Histogram, strip, curve, points."""
        shown, palette, area = self._shown, self.palette(), self._area()
        if shown is None:
            return
        painter = QPainter(self)
        grey = QColor(palette.color(QPalette.ColorRole.PlaceholderText))
        grey.setAlphaF(0.35)
        columns = int(area.width())
        for at, share in enumerate(heights_over_scale(shown.stats, shown.normalisation, columns)):
            if share > 0:
                height = share * area.height()
                painter.fillRect(QRectF(area.left() + at, area.bottom() - height, 1, height), grey)
        for at in range(columns):
            red, green, blue = (int(c) for c in shown.style.lut[at * 256 // columns][:3])
            painter.fillRect(QRectF(area.left() + at, area.bottom() + 4, 1, STRIP), QColor(red, green, blue))
        self._paint_curve(painter, area)

    def _paint_curve(self, painter: QPainter, area: QRectF) -> None:
        palette = self.palette()
        accent = palette.color(QPalette.ColorRole.Link)
        places = [self.pixel(point) for point in self._points]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        under = QColor(accent)
        under.setAlphaF(0.18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(under)
        painter.drawPolygon(QPolygonF([area.bottomLeft(), *places, area.bottomRight()]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(accent, 1.5))
        painter.drawPolyline(QPolygonF(places))
        for at, place in enumerate(places):
            chosen = at == self._chosen and self.hasFocus()
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Window), 1.5))
            painter.setBrush(palette.color(QPalette.ColorRole.Text) if chosen else accent)
            painter.drawEllipse(place, DOT + chosen, DOT + chosen)


def heights_over_scale(stats: TensorStats, normalisation: Normalisation, columns: int) -> np.ndarray:
    """Height in [0, 1] of each column of the colour scale: root of the number of values in its range."""
    counts = stats.histogram.astype(float)
    if not stats.finite or not stats.max > stats.min:
        return np.zeros(columns)
    edges = np.array([normalisation.inverse(at / columns) for at in range(columns + 1)])
    ends = stats.min + (stats.max - stats.min) * np.linspace(0, 1, len(counts) + 1)
    below = np.interp(edges, ends, np.concatenate(([0.0], np.cumsum(counts))))
    heights = np.sqrt(np.maximum(np.diff(below), 0))
    top = heights.max(initial=0)
    return np.asarray(heights / top) if top > 0 else heights
