"""The range that is played, between two handles under the slider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from nnscope.gui.text import tooltip
from nnscope.gui.timeline.plot import EDGE, LEFT

if TYPE_CHECKING:
    from nnscope.scene.step_range import Range

HEIGHT = 10
HANDLE = 6  # width
HINT = "Drag the ends to play and export a part of the run; double-click for all of it."


@dataclass(frozen=True, slots=True)
class Ends:
    """The steps of the whole run, and those of the range."""

    first: int
    last: int
    range: Range = (None, None)

    @property
    def shown(self) -> tuple[int, int]:
        """First and last step of the range, inside the run."""
        begin, end = self.range
        low = self.first if begin is None else min(max(begin, self.first), self.last)
        return low, self.last if end is None else max(min(end, self.last), low)

    @property
    def whole(self) -> bool:
        """Whether all of the run is played."""
        return self.range == (None, None)


class RangeBar(QWidget):
    """Emits ``begun`` and ``ended`` (step or None) while a handle is dragged, and ``cleared``."""

    begun = pyqtSignal(object)
    ended = pyqtSignal(object)
    cleared = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ends: Ends | None = None
        self._held = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setAccessibleName("Range")

    def show_ends(self, ends: Ends | None) -> None:
        """Paint these; None paints nothing."""
        if ends != self._ends:
            self._ends = ends
            self.setAccessibleDescription(self.told())
            self.update()

    def told(self) -> str:
        """``steps 200 to 1500``, and how to change it."""
        ends = self._ends
        if ends is None:
            return ""
        which = "All steps." if ends.whole else "Steps {} to {}.".format(*ends.shown)
        return f"{which} {HINT}"

    def x_of(self, step: int) -> float:
        """The pixel of a step: under that of the slider."""
        ends = self._ends
        span = max(1, ends.last - ends.first) if ends is not None else 1
        first = ends.first if ends is not None else 0
        return LEFT + EDGE + (step - first) / span * self._length

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Of fixed height."""
        return QSize(320, HEIGHT)

    # -- what Qt calls

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take the nearer end."""
        if event is None or self._ends is None or event.button() != Qt.MouseButton.LeftButton:
            return
        x, (low, high) = event.position().x(), self._ends.shown
        self._held = "begin" if abs(x - self.x_of(low)) <= abs(x - self.x_of(high)) else "end"

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """The end that is held goes along; at the end of the run it lets go of any step."""
        ends = self._ends
        if event is None or ends is None or not self._held:
            return
        share = (event.position().x() - LEFT - EDGE) / self._length
        step = min(max(round(ends.first + share * (ends.last - ends.first)), ends.first), ends.last)
        if self._held == "begin" and step < ends.shown[1]:
            self.begun.emit(step if step > ends.first else None)
        elif self._held == "end" and step > ends.shown[0]:
            self.ended.emit(step if step < ends.last else None)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Let go."""
        self._held = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """All of the run again."""
        self._held = ""
        self.cleared.emit()

    def event(self, event: QEvent | None) -> bool:
        """What the range is, as a tooltip."""
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), tooltip(self.told()), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """The run as a line, the range on it with a handle at each end."""
        ends = self._ends
        if ends is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, middle = self.palette(), HEIGHT / 2
        painter.fillRect(QRectF(LEFT + EDGE, middle - 0.5, self._length, 1), palette.color(QPalette.ColorRole.Mid))
        role = QPalette.ColorRole.PlaceholderText if ends.whole else QPalette.ColorRole.Link
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.color(role))
        low, high = (self.x_of(step) for step in ends.shown)
        if not ends.whole:
            painter.drawRect(QRectF(low, middle - 1.5, high - low, 3))
        for x, side in ((low, 1), (high, -1)):
            corners = ((x, 0), (x + side * HANDLE, 0), (x + side * HANDLE / 3, middle), (x + side * HANDLE, HEIGHT))
            painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in (*corners, (x, HEIGHT))]))

    @property
    def _length(self) -> float:
        return max(1.0, self.width() - LEFT - 2 * EDGE)
