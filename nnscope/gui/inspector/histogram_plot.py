"""The histogram, painted in the picture's own colours, with two limits to drag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
)
from PyQt6.QtWidgets import QSizePolicy, QWidget

from nnscope.gui import fonts, numbers
from nnscope.gui.inspector.scale import Scale, column_heights, nice_ticks, scale_for
from nnscope.gui.inspector.spike import REST, TOP, Spike, SpikeLook, find_spike, paint_spike

if TYPE_CHECKING:
    from nnscope.core.frame import ColourStyle
    from nnscope.core.legend import Normalisation
    from nnscope.core.statistics import TensorStats

HEIGHT = 118
STRIP = 8  # height of the colour strip
LABELS = 16  # height of the line of numbers
GRIP = 6  # pixels around a limit in which it can be taken
APART = 96  # difference in lightness (of 255) from which a bar is seen as it is
EDGE = 6  # free pixels left and right


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """What is painted."""

    stats: TensorStats
    normalisation: Normalisation | None
    style: ColourStyle | None

    def colour(self, value: float) -> QColor | None:
        """The colour of a value in the picture; None for pictures that are colours already."""
        if self.normalisation is None or self.style is None:
            return None
        u = self.normalisation.forward(value)
        if u < 0 or u > 1:
            return QColor(*(self.style.under if u < 0 else self.style.over))
        red, green, blue = (int(c) for c in self.style.lut[min(255, int(u * 256))][:3])
        return QColor(red, green, blue)


class HistogramPlot(QWidget):
    """Emits ``moved`` (lo, hi) while a limit is dragged, and ``reset`` on a double click."""

    moved = pyqtSignal(float, float)
    reset = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: Histogram | None = None
        self._spike: Spike | None = None
        self._limits: tuple[float, float] | None = None
        self._held: int | None = None  # the limit that is dragged: 0 or 1
        self._frozen: Scale | None = None  # the scale at the begin of a drag: it must not slide under the pointer
        self._active = 0  # the limit that the arrow keys move
        self._colours: tuple[Histogram, Scale, list[QColor | None]] | None = None  # of the columns
        self.log = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Histogram with colour limits")
        self.setAccessibleDescription("Arrow keys move the lower limit; with Shift the upper one")

    def show_histogram(self, shown: Histogram | None) -> None:
        """Paint this one; None paints an empty axis."""
        self._shown = shown
        self._spike = find_spike(shown.stats) if shown is not None else None
        self._limits = shown.normalisation.domain if shown and shown.normalisation else None
        self.update()

    def set_log(self, log: bool) -> None:
        """Whether heights are logarithms of the counts."""
        self.log = log
        self.update()

    @property
    def scale(self) -> Scale | None:
        """The horizontal scale now."""
        if self._shown is None:
            return None
        return self._frozen or scale_for(self._shown.stats, self._limits, EDGE, max(1, self.width() - 2 * EDGE))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Of fixed height."""
        return QSize(220, HEIGHT)

    # -- dragging

    def limit_at(self, x: float) -> int | None:
        """The limit near a pixel: 0, 1 or None."""
        scale = self.scale
        if scale is None or self._limits is None:
            return None
        distances = [abs(scale.pixel(limit) - x) for limit in self._limits]
        nearest = 0 if distances[0] < distances[1] else 1
        return nearest if distances[nearest] <= GRIP else None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take a limit."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._held = self.limit_at(event.position().x())
        self._frozen = self.scale if self._held is not None else None

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Drag it, or show that it can be dragged."""
        if event is None:
            return
        x = event.position().x()
        if self._held is not None and self._frozen is not None:
            self._move(self._held, self._frozen.value(x))
            return
        grip = self.limit_at(x) is not None
        self.setCursor(Qt.CursorShape.SizeHorCursor if grip else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Let it go."""
        self._held = self._frozen = None
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Back to the normalisation's own domain."""
        self._held = self._frozen = None
        self.reset.emit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Arrow keys move a limit by a pixel, with Ctrl by ten."""
        scale = self.scale
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event is None or scale is None or self._limits is None or event.key() not in steps:
            super().keyPressEvent(event)
            return
        keys = event.modifiers()
        which = 1 if keys & Qt.KeyboardModifier.ShiftModifier else 0
        far = 10 if keys & Qt.KeyboardModifier.ControlModifier else 1
        step = steps[Qt.Key(event.key())] * far * (scale.hi - scale.lo) / scale.width
        self._active = which
        self._move(which, self._limits[which] + step)

    def _move(self, which: int, value: float) -> None:
        if self._limits is None:
            return
        lo, hi = (value, self._limits[1]) if which == 0 else (self._limits[0], value)
        if lo < hi:
            self._limits = (lo, hi)
            self.moved.emit(lo, hi)
            self.update()

    # -- painting

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Bars, colour strip, limits, numbers."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        scale = self.scale
        base = self.height() - STRIP - LABELS
        if self._shown is None or scale is None:
            painter.setPen(self._secondary())
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "No statistics yet")
            return
        self._paint_bars(painter, self._shown, scale, base)
        if self._shown.normalisation is not None:
            self._paint_strip(painter, self._shown, scale, base)
        self._paint_numbers(painter, scale)
        if self._limits is not None:
            self._paint_limits(painter, scale, base)
        if self._spike is not None:
            self._paint_spike(painter, self._shown, self._spike, scale, base)

    def _paint_spike(self, painter: QPainter, shown: Histogram, spike: Spike, scale: Scale, base: int) -> None:
        colour = self._readable(shown.colour(spike.value) or self._secondary())
        area = QRectF(scale.left, 0, scale.width, base)
        paint_spike(painter, spike, SpikeLook(scale.pixel(spike.value), area, colour, self.palette(), not self.log))

    def _paint_bars(self, painter: QPainter, shown: Histogram, scale: Scale, base: int) -> None:
        columns = self._columns(shown, scale)
        grey = self._secondary()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        alone = None if self._spike is None or self.log else self._spike.at
        top = REST * base if alone is not None else base - (TOP if self._spike is not None else 8)
        for at, share in enumerate(column_heights(shown.stats, scale, len(columns), self.log, alone)):
            if share > 0:
                height = max(1, round(share * top))
                colour = self._readable(columns[at] or grey)
                painter.fillRect(QRectF(scale.left + at, base - height, 1, height), colour)
        painter.fillRect(QRectF(scale.left, base, scale.width, 1), self.palette().color(QPalette.ColorRole.Mid))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _paint_strip(self, painter: QPainter, shown: Histogram, scale: Scale, base: int) -> None:
        columns = self._columns(shown, scale)
        row = QImage(len(columns), 1, QImage.Format.Format_RGB32)
        for at, colour in enumerate(columns):
            if colour is not None:
                row.setPixelColor(at, 0, colour)
        painter.drawImage(QRectF(scale.left, base + 1, len(columns), STRIP), row)

    def _columns(self, shown: Histogram, scale: Scale) -> list[QColor | None]:
        """The colour of each column of pixels; remembered, as it takes longer than painting."""
        if self._colours is None or self._colours[0] is not shown or self._colours[1] != scale:
            colours = [shown.colour(scale.value(scale.left + at + 0.5)) for at in range(int(scale.width))]
            self._colours = shown, scale, colours
        return self._colours[2]

    def _paint_limits(self, painter: QPainter, scale: Scale, base: int) -> None:
        assert self._limits is not None
        accent = self.palette().color(QPalette.ColorRole.Link)
        for which, limit in enumerate(self._limits):
            x = round(scale.pixel(limit)) + 0.5
            thick = 2.0 if self._held == which or (self.hasFocus() and self._active == which) else 1.0
            painter.setPen(QPen(accent, thick))
            painter.drawLine(QPointF(x, 6), QPointF(x, base + STRIP))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent)
            painter.drawPolygon(QPolygonF([QPointF(x - 5, 0), QPointF(x + 5, 0), QPointF(x, 8)]))

    def _paint_numbers(self, painter: QPainter, scale: Scale) -> None:
        painter.setFont(fonts.tabular(fonts.SMALL))
        painter.setPen(self._secondary())
        metrics = QFontMetricsF(painter.font())
        for value in nice_ticks(scale):
            text = numbers.shown(value)
            wide = metrics.horizontalAdvance(text)
            x = min(max(scale.pixel(value) - wide / 2, 0.0), self.width() - wide)
            painter.drawText(QPointF(x, self.height() - 3), text)

    def _readable(self, colour: QColor) -> QColor:
        """The colour, drawn towards grey the more it would vanish in the ground."""
        apart = abs(colour.lightness() - self.palette().color(QPalette.ColorRole.Window).lightness())
        share = max(0.0, 1 - apart / APART)
        ours, grey = colour.getRgb()[:3], self._secondary().getRgb()[:3]
        return QColor(*(round((a or 0) * (1 - share) + (b or 0) * share) for a, b in zip(ours, grey, strict=True)))

    def _secondary(self) -> QColor:
        return self.palette().color(QPalette.ColorRole.PlaceholderText)


def describe(shown: Histogram | None) -> str:
    """For screen readers: the limits, and the value that a large part of the tensor has."""
    if shown is None or shown.normalisation is None:
        return ""
    lo, hi = shown.normalisation.domain
    spike = find_spike(shown.stats)
    return f"{numbers.shown(lo)} to {numbers.shown(hi)}" + (f"; {spike.words}" if spike is not None else "")
