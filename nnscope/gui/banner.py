"""The strip over the canvas that says that a model process or a training is gone, with a way back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QWidget

from nnscope.core.attaching import is_address
from nnscope.core.text import plain
from nnscope.gui import icons
from nnscope.gui.text import Label

if TYPE_CHECKING:
    from nnscope.core.frame import Theme


class Banner(QWidget):
    """Emits ``restart`` (source key)."""

    restart = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._source = ""
        self._reason = ""
        self.setProperty("role", "banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._mark = Label()
        self.text = Label()
        self.text.setWordWrap(True)
        self.button = QPushButton("Restart")
        self._close = QToolButton()
        self._close.setAccessibleName("Hide this message")
        self._close.setToolTip("Hide this message")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 8, 6)
        row.setSpacing(8)
        row.addWidget(self._mark)
        row.addWidget(self.text, 1)
        row.addWidget(self.button)
        row.addWidget(self._close)
        self.button.clicked.connect(lambda: self.restart.emit(self._source))
        self._close.clicked.connect(self.hide)
        self.hide()

    def apply(self, theme: Theme) -> None:
        """Colour the icons."""
        self._mark.setPixmap(icons.pixmap("warning", theme.aesthetic, 16, self.devicePixelRatioF()))
        self._close.setIcon(icons.icon("close", theme))

    def show_death(self, source: str, reason: str) -> None:
        """Say it, or hide when ``reason`` is empty. A message that was hidden by hand stays hidden."""
        if (source, reason) == (self._source, self._reason):
            return
        self._source, self._reason = source, reason
        self.button.setText("Reattach" if is_address(source) else "Restart")
        self.text.setText(plain(reason, 300))
        self.setVisible(bool(reason))
