"""A threshold of magnitudes, chosen on the histogram's own scale: what reaches it is bright, the rest is faint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette
from PyQt6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from nnscope.gui import numbers
from nnscope.gui.inspector.histogram_plot import EDGE
from nnscope.gui.inspector.number_field import NumberField
from nnscope.gui.inspector.scale import Scale, column_heights, scale_for
from nnscope.gui.text import Label

if TYPE_CHECKING:
    from nnscope.core.statistics import TensorStats

HEIGHT = 44
FAINT = 0.35  # opacity of bars below the threshold


class ThresholdPlot(QWidget):
    """Emits ``moved`` (magnitude) while the threshold is dragged, and ``reset`` on a double click."""

    moved = pyqtSignal(float)
    reset = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stats: TensorStats | None = None
        self._threshold = 0.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Threshold")
        self.setToolTip("Magnitude at which the surface lies: drag, or arrow keys; double-click for the default")
        self.setCursor(Qt.CursorShape.SizeHorCursor)

    def show_threshold(self, stats: TensorStats | None, threshold: float) -> None:
        """Paint this one."""
        self._stats, self._threshold = stats, threshold
        self.setAccessibleDescription(f"{numbers.shown(threshold)}; arrow keys move it, with Ctrl ten times as far")
        self.update()

    @property
    def scale(self) -> Scale | None:
        """The horizontal scale, that of the histogram."""
        if self._stats is None:
            return None
        return scale_for(self._stats, None, EDGE, max(1, self.width() - 2 * EDGE))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Of fixed height."""
        return QSize(220, HEIGHT)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Put the threshold there."""
        self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Drag it."""
        scale = self.scale
        if event is not None and scale is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._tell(abs(scale.value(event.position().x())))

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Back to the default of the data."""
        self.reset.emit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Arrow keys move it by a pixel, with Ctrl by ten."""
        scale = self.scale
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event is None or scale is None or event.key() not in steps:
            super().keyPressEvent(event)
            return
        far = 10 if event.modifiers() & Qt.KeyboardModifier.ControlModifier else 1
        self._tell(self._threshold + steps[Qt.Key(event.key())] * far * (scale.hi - scale.lo) / scale.width)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Bars, and a line at the threshold, for signed tensors at both signs."""
        scale, stats = self.scale, self._stats
        if scale is None or stats is None:
            return
        painter, palette = QPainter(self), self.palette()
        base = self.height() - 2
        accent, grey = palette.color(QPalette.ColorRole.Link), palette.color(QPalette.ColorRole.PlaceholderText)
        faint = QColor(grey)
        faint.setAlphaF(FAINT)
        for at, share in enumerate(column_heights(stats, scale, int(scale.width), log=True)):
            x = scale.left + at
            reaches = abs(scale.value(x + 0.5)) >= self._threshold
            if share > 0:
                height = max(1.0, share * (base - 6))
                painter.fillRect(QRectF(x, base - height, 1, height), accent if reaches else faint)
        painter.fillRect(QRectF(scale.left, base, scale.width, 1), palette.color(QPalette.ColorRole.Mid))
        line = palette.color(QPalette.ColorRole.Link if self.hasFocus() else QPalette.ColorRole.Text)
        for value in (-self._threshold, self._threshold):
            if scale.lo <= value <= scale.hi:
                x = round(scale.pixel(value))
                painter.fillRect(QRectF(x - 0.5, 0, 1.5, base), line)
                painter.fillRect(QRectF(x - 3, 0, 7, 5), line)

    def _tell(self, threshold: float) -> None:
        most = self._stats.abs_max if self._stats is not None and self._stats.finite else 0.0
        self._threshold = min(max(threshold, 0.0), most)
        self.moved.emit(self._threshold)
        self.update()


class ThresholdBox(QWidget):
    """The plot with its name and a number above it. Emits what the plot does."""

    moved = pyqtSignal(float)
    reset = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot = ThresholdPlot()
        self.field = NumberField("Threshold", "Magnitude at which the surface lies")
        head = QHBoxLayout()
        head.addWidget(Label("Threshold", "secondary"), 1)
        head.addWidget(self.field)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addLayout(head)
        box.addWidget(self.plot)
        self.plot.moved.connect(self.moved)
        self.plot.reset.connect(self.reset)
        self.field.typed.connect(self.moved)

    def show_threshold(self, stats: TensorStats | None, threshold: float) -> None:
        """Fill in."""
        self.plot.show_threshold(stats, threshold)
        self.field.limit(0.0, stats.abs_max if stats is not None and stats.finite else 0.0)
        self.field.show_value(threshold)
