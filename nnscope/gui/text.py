"""Names from files in Qt widgets: always plain text (promise P8).

Qt guesses whether a text is rich: a label, a tooltip or a message that holds ``<img src=…>`` would be rendered. Labels
here are fixed to plain text, and tooltips, which have no such switch, are escaped.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QFontMetrics, QPainter
from PyQt6.QtWidgets import QLabel, QSizePolicy, QWidget

from nnscope.core.text import plain

if TYPE_CHECKING:
    from PyQt6.QtGui import QPaintEvent


def tooltip(text: str, limit: int = 2000) -> str:
    """``text`` for `setToolTip`: shown letter by letter, line breaks kept."""
    lines = (html.escape(plain(line, limit)) for line in text.split("\n"))
    return f"<span>{'<br>'.join(lines)}</span>" if text else ""


def menu_text(text: str, limit: int = 80) -> str:
    """``text`` for menus and buttons, where ``&`` would mark a letter."""
    return plain(text, limit).replace("&", "&&")


class Label(QLabel):
    """A label of plain text. ``role`` is its style sheet class: ``"secondary"``, ``"heading"`` …"""

    def __init__(self, text: str = "", role: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        if role:
            self.setProperty("role", role)
        self.setText(text)


class ElidedLabel(Label):
    """One line that gives way in the middle; the whole text is in its tooltip."""

    def __init__(self, text: str = "", role: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, role, parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def setText(self, text: str | None) -> None:  # noqa: N802 - Qt's name
        """Show ``text`` as plain characters."""
        whole = text or ""
        super().setText(plain(whole, 4096))
        self.setToolTip(tooltip(whole))
        self.setAccessibleName(plain(whole))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Narrow: the text is cut, not the window widened."""
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw as much as fits."""
        painter = QPainter(self)
        metrics = QFontMetrics(self.font())
        area = self.contentsRect()
        shown = metrics.elidedText(self.text(), Qt.TextElideMode.ElideMiddle, area.width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(area, int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), shown)
