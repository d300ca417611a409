"""The switch of scientific mode: a real switch, teal when on, with its word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from nnscope.gui import fonts

if TYPE_CHECKING:
    from nnscope.core.frame import Theme

TRACK = QSize(30, 16)
GAP = 8
PAD = 8


class Switch(QAbstractButton):
    """A checkable button painted as a word and a track with a knob."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme | None = None
        self.setCheckable(True)
        self.setText(text)
        self.setAccessibleName(text.capitalize())
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        font = fonts.interface(fonts.SMALL)
        font.setWeight(QFont.Weight.DemiBold)
        font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 0.6)
        self.setFont(font)

    def apply(self, theme: Theme) -> None:
        """Colours."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Word and track."""
        return QSize(QFontMetrics(self.font()).horizontalAdvance(self.text()) + GAP + TRACK.width() + 2 * PAD, 26)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Focus ring, word, track, knob."""
        theme = self._theme
        if theme is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        on = QColor(*theme.scientific)
        if self.hasFocus():
            painter.setPen(QPen(QColor(*theme.accent), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setPen(on if self.isChecked() else QColor(*theme.secondary))
        area = self.rect().adjusted(PAD, 0, 0, 0)
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), self.text())
        self._paint_track(painter, on, theme)

    def _paint_track(self, painter: QPainter, on: QColor, theme: Theme) -> None:
        track = QRectF(self.width() - PAD - TRACK.width(), (self.height() - TRACK.height()) / 2, 30, 16)
        painter.setPen(QPen(on if self.isChecked() else QColor(*theme.secondary), 1.5))
        painter.setBrush(on if self.isChecked() else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(track.adjusted(0.75, 0.75, -0.75, -0.75), 7.25, 7.25)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(*theme.panel) if self.isChecked() else QColor(*theme.secondary))
        x = track.right() - 13 if self.isChecked() else track.left() + 3
        painter.drawEllipse(QRectF(x, track.top() + 3, 10, 10))
