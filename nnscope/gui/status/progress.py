"""A thin line that shows how far something is. `QProgressBar` would repaint the whole window at each step."""

from __future__ import annotations

import time

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QPainter, QPaintEvent, QPalette
from PyQt6.QtWidgets import QSizePolicy, QWidget

THICK = 4  # pixels
SHARE = 0.3  # of the width that moves to and fro when the length is not known
PERIOD = 1.6  # seconds to and fro


class ProgressLine(QWidget):
    """``share`` in [0, 1], or None when the length is not known."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._share: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_share(self, share: float | None) -> None:
        """Paint this much soon."""
        self._share = share
        self.setAccessibleDescription("" if share is None else f"{share:.0%}")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Thin."""
        return QSize(96, THICK)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Groove and done part."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().color(QPalette.ColorRole.Mid))
        whole = QRectF(0, (self.height() - THICK) / 2, self.width(), THICK)
        painter.drawRoundedRect(whole, THICK / 2, THICK / 2)
        painter.setBrush(self.palette().color(QPalette.ColorRole.Link))
        start, length = (0.0, self._share) if self._share is not None else (_swing() * (1 - SHARE), SHARE)
        done = QRectF(whole.left() + start * whole.width(), whole.top(), length * whole.width(), THICK)
        painter.drawRoundedRect(done, THICK / 2, THICK / 2)


def _swing() -> float:
    """0 … 1 … 0 over `PERIOD`."""
    phase = time.monotonic() % PERIOD / PERIOD
    return 1 - abs(2 * phase - 1)
