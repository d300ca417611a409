"""Numbers over the steps of a run as a line, with the step that is shown and marks for what is remarkable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QFontMetricsF,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
)
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from nnscope.core.text import plain
from nnscope.gui import fonts
from nnscope.gui.numbers import DIGITS
from nnscope.gui.text import tooltip
from nnscope.gui.timeline.labels import end_labels, fitting
from nnscope.scene import numbers

if TYPE_CHECKING:
    from nnscope.core.answer import Series
    from nnscope.scene.timeline import Event

HEIGHT = 64
LEFT = 72  # room for the numbers at the left
GAP = 4  # between them and the line
EDGE = 6  # half of the slider's handle: the plot's ends are below those of the slider
TOP = 10  # room for marks
NEAR = 6  # pixels within which a mark is meant
NAMES = {"nan": "no finite number", "spike": "spike", "dead": "{:.0f} dead units"}
WARNING = QColor(224, 162, 59)
WARNING_ON_LIGHT = QColor(143, 92, 8)
DANGER = QColor(216, 84, 84)


@dataclass(frozen=True, slots=True, eq=False)
class Plotted:
    """What a plot shows: numbers over the steps from ``first`` to ``last``, the step ``at``, and what is remarkable."""

    series: Series
    first: int
    last: int
    at: int
    events: tuple[Event, ...] = ()


class SeriesPlot(QWidget):
    """Emits ``chosen`` (step) when it is clicked or dragged over."""

    chosen = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: Plotted | None = None
        self._lack = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Numbers over the steps")

    def show_series(self, shown: Plotted | None, lack: str = "") -> None:
        """Paint these; None paints the sentence ``lack``, which says why there is nothing."""
        if shown is not None and not np.isfinite(shown.series.values).any():
            lack = f"{plain(shown.series.name, 64)}: no finite number"
        self._shown, self._lack = shown, lack
        self.setAccessibleDescription(lack if shown is None else self.told(shown.at))
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Of fixed height."""
        return QSize(320, HEIGHT)

    @property
    def lack(self) -> str:
        """Why there is no line; empty where there is one."""
        return self._lack

    @property
    def area(self) -> QRectF:
        """Where the line is."""
        return QRectF(LEFT + EDGE, TOP, max(1, self.width() - LEFT - 2 * EDGE), HEIGHT - TOP - 4)

    def x_of(self, step: int) -> float:
        """The pixel of a step."""
        assert self._shown is not None
        span = max(1, self._shown.last - self._shown.first)
        return self.area.left() + (step - self._shown.first) / span * self.area.width()

    def step_at(self, x: float) -> int | None:
        """The step at a pixel: that of a mark close by, else the nearest recorded one."""
        shown = self._shown
        if shown is None or not len(shown.series.steps):
            return None
        near = min(shown.events, key=lambda event: abs(self.x_of(event.step) - x), default=None)
        if near is not None and abs(self.x_of(near.step) - x) <= NEAR:
            return near.step
        meant = shown.first + (x - self.area.left()) / self.area.width() * (shown.last - shown.first)
        return int(shown.series.steps[np.argmin(np.abs(shown.series.steps - meant))])

    def told(self, step: int) -> str:
        """``step 1200: loss 0.0312``, with what is remarkable there."""
        shown = self._shown
        if shown is None or not len(shown.series.steps):
            return ""
        place = int(np.argmin(np.abs(shown.series.steps - step)))
        found = shown.series.steps[place]
        remarks = [NAMES[event.kind].format(event.value) for event in shown.events if event.step == found]
        value = numbers.short(shown.series.values[place], told_digits(shown.series.values))
        return ", ".join([f"step {found}: {plain(shown.series.name, 64)} {value}", *remarks])

    # -- what Qt calls

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Go to the step that is meant."""
        if event is not None and event.buttons() & Qt.MouseButton.LeftButton:
            step = self.step_at(event.position().x())
            if step is not None:
                self.chosen.emit(step)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Go on while the button is held."""
        self.mousePressEvent(event)

    def event(self, event: QEvent | None) -> bool:
        """The number under the pointer as a tooltip."""
        if isinstance(event, QHelpEvent):
            step = self.step_at(event.pos().x())
            QToolTip.showText(event.globalPos(), tooltip("" if step is None else self.told(step)), self)
            return True
        return super().event(event)

    # -- painting

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Line, marks, cursor, numbers."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area, shown = self.area, self._shown
        painter.fillRect(
            QRectF(area.left(), area.bottom(), area.width(), 1), self.palette().color(QPalette.ColorRole.Mid)
        )
        if self._lack:
            painter.setPen(self._secondary())
            painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter), self._lack)
        if shown is None:
            return
        low, high = extent(shown.series.values)
        self._paint_line(painter, shown.series, low, high)
        self._paint_numbers(painter, shown.series.values)
        accent = self.palette().color(QPalette.ColorRole.Link)
        x = round(self.x_of(shown.at)) + 0.5
        painter.setPen(QPen(accent, 1.0))
        painter.drawLine(QPointF(x, 0), QPointF(x, area.bottom()))
        for remarkable in shown.events:
            self._paint_mark(painter, remarkable)

    def _paint_line(self, painter: QPainter, series: Series, low: float, high: float) -> None:
        area = self.area
        painter.setPen(QPen(self._secondary(), 1.2))
        for part in runs(series.values):
            steps, values = series.steps[part], series.values[part]
            xs = [self.x_of(int(step)) for step in steps] if len(steps) <= 2 * area.width() else None
            if xs is None:
                steps, values = envelope(steps, values, int(area.width()))
                xs = [self.x_of(int(step)) for step in steps]
            ys = area.bottom() - heights(values, low, high) * (area.height() - 2)
            points = [QPointF(x, y) for x, y in zip(xs, ys, strict=True)]
            if len(points) == 1:
                painter.drawEllipse(points[0], 1, 1)
            painter.drawPolyline(QPolygonF(points))

    def _paint_mark(self, painter: QPainter, remarkable: Event) -> None:
        x = self.x_of(remarkable.step)
        painter.setPen(Qt.PenStyle.NoPen)
        light = self.palette().color(QPalette.ColorRole.Window).lightness() > 128
        painter.setBrush((WARNING_ON_LIGHT if light else WARNING) if remarkable.kind == "spike" else DANGER)
        painter.drawPolygon(QPolygonF([QPointF(x - 4, 1), QPointF(x + 4, 1), QPointF(x, 8)]))

    def _paint_numbers(self, painter: QPainter, values: np.ndarray) -> None:
        font = fonts.tabular(fonts.SMALL)
        painter.setFont(font)
        painter.setPen(self._secondary())
        room = QRectF(0, self.area.top() - 4, LEFT - GAP, self.area.height() + 8)
        sides = (Qt.AlignmentFlag.AlignTop, Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignBottom)
        for side, text in zip(sides, written(values, QFontMetricsF(font)), strict=True):
            painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | side), text)

    def _secondary(self) -> QColor:
        return self.palette().color(QPalette.ColorRole.PlaceholderText)


def written(values: np.ndarray, metrics: QFontMetricsF) -> tuple[str, str, str]:
    """What is written at the top, in the middle and at the bottom of numbers: the ends, or the one there is."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return "", "", ""

    def fits(text: str) -> bool:
        return metrics.horizontalAdvance(text) <= LEFT - GAP

    low, high = float(finite.min()), float(finite.max())
    if low == high:
        return "", fitting(low, fits), ""
    lower, upper = end_labels(low, high, fits)
    return upper, "", lower


def told_digits(values: np.ndarray) -> int:
    """Significant digits that tell numbers of a series apart."""
    finite = values[np.isfinite(values)]
    return max(DIGITS, 1 + numbers.digits_needed(float(finite.min()), float(finite.max()))) if len(finite) else DIGITS


def extent(values: np.ndarray) -> tuple[float, float]:
    """The least and greatest finite value; apart also where all are equal or none is."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    apart = 0.5 * (abs(low) if abs(low) > np.finfo(float).tiny else 1.0)
    return (low, high) if high > low else (low - apart, high + apart)


def heights(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where finite values lie between two ends, from 0 to 1; the ends may be as far apart as numbers are."""
    half = 1.0 if np.isfinite(high - low) else 0.5
    return np.asarray((values * half - low * half) / (high * half - low * half))


def runs(values: np.ndarray) -> list[slice]:
    """Where values are finite: unbroken parts, so that the line has a gap at others."""
    padded = np.concatenate([[False], np.isfinite(values), [False]]).astype(np.int8)
    turns = np.flatnonzero(np.diff(padded))
    return [slice(int(begin), int(end)) for begin, end in zip(turns[::2], turns[1::2], strict=True)]


def envelope(steps: np.ndarray, values: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """At most two values for each column of pixels, the least and the greatest: no spike is lost by thinning."""
    size = -(-len(values) // max(1, columns))
    places: list[int] = []
    for begin in range(0, len(values), size):
        part = values[begin : begin + size]
        places += sorted({begin + int(part.argmin()), begin + int(part.argmax())})
    return steps[places], values[places]
